//! How long a change unbalances the load.

use crate::sim::observation::PodId;
use crate::units::{Span, Time};

/// Requests per pod that a block needs to be judged: a standard error is then 5 % of the fair share.
pub const REQUESTS_PER_POD: u64 = 400;
/// How many standard errors a pod must be beyond the band.
const STANDARD_ERRORS: f64 = 2.0;

/// What the pods that were Ready during a whole window received in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyLoads {
    /// When the window began.
    pub from: Time,
    /// When it ended.
    pub to: Time,
    /// True if it is shorter than the others.
    pub partial: bool,
    /// Requests received, messages of streams among them, in order of pod.
    pub loads: Vec<(PodId, u64)>,
}

/// True if each load is at least 80 % and at most 125 % of the mean; false without any load.
#[must_use]
pub fn is_balanced(loads: impl Iterator<Item = u64> + Clone) -> bool {
    let total: u128 = loads.clone().map(u128::from).sum();
    let n = loads.clone().count() as u128;
    let mut scaled = loads.map(|x| u128::from(x) * n);
    total > 0 && scaled.all(|x| 5 * x >= 4 * total && 4 * x <= 5 * total)
}

/// What pods received, in bins of equal width from the start of the run.
#[derive(Clone, Copy, Debug)]
pub struct Bins<'a> {
    /// Width of a bin: the resolution of what is found.
    pub width: Span,
    /// By bin: pods that received something, and how much, messages of streams among it.
    pub loads: &'a [Vec<(PodId, u32)>],
}

/// How long after `change` the load was balanced for good: until `until`, the next change or the end of the run.
///
/// The load of the Ready `pods` is judged in blocks that begin at each bin, and are as long as it takes for
/// [`REQUESTS_PER_POD`] requests per pod. A block is unbalanced if some pod has less than 80 % or more than 125 % of the fair share by
/// more than two standard errors of what is just allowed, so that an even draw for each request is taken for unbalanced with a
/// probability below 1e-8 per pod and block. The load is balanced from the bin after the last one that begins an unbalanced block, but not
/// before `settled`, when the set of Ready pods changed for the last time. `None` if the last block is unbalanced, or if there
/// is none. So the answer depends neither on the length of the run nor on the windows of the traces.
#[must_use]
pub fn time_to_balance(bins: Bins<'_>, pods: &[PodId], change: Time, settled: Time, until: Time) -> Option<Span> {
    let from = change.max(settled);
    let width = bins.width.0.max(1);
    let first = usize::try_from(from.0.div_ceil(width)).ok()?;
    let last = usize::try_from(until.0 / width).ok()?.min(bins.loads.len());
    let all = bins.loads.get(first..last)?;
    let enough = REQUESTS_PER_POD * pods.len() as u64;
    let mut block = vec![0u64; pods.len()];
    let place = |pod: &PodId| pods.binary_search(pod).ok();
    let (mut total, mut end, mut balanced_from) = (0, 0, None);
    for (begin, oldest) in all.iter().enumerate() {
        while total < enough && end < all.len() {
            for (pod, n) in &all[end] {
                if let Some(place) = place(pod) {
                    block[place] += u64::from(*n);
                    total += u64::from(*n);
                }
            }
            end += 1;
        }
        if total < enough || total == 0 {
            break;
        }
        balanced_from = if is_out_of_band(&block, total) { None } else { balanced_from.or(Some(begin)) };
        for (pod, n) in oldest {
            if let Some(place) = place(pod) {
                block[place] -= u64::from(*n);
                total -= u64::from(*n);
            }
        }
    }
    let at = Time((first + balanced_from?) as u64 * width);
    Some(at.since(change))
}

fn is_out_of_band(block: &[u64], total: u64) -> bool {
    let fair = total as f64 / block.len() as f64;
    let (least, most) = (0.8 * fair, 1.25 * fair);
    let (least, most) = (least - STANDARD_ERRORS * least.sqrt(), most + STANDARD_ERRORS * most.sqrt());
    block.iter().any(|&x| (x as f64) < least || (x as f64) > most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balance_is_four_fifths_to_five_quarters_of_the_mean() {
        for (loads, balanced) in [
            (vec![80, 120], true),
            (vec![79, 121], false),
            (vec![125, 100, 75], false),
            (vec![125, 95, 80], true),
            (vec![126, 94, 80], false),
            (vec![7], true),
            (vec![0, 0], false),
            (vec![], false),
        ] {
            assert_eq!(is_balanced(loads.iter().copied()), balanced, "{loads:?}");
        }
    }

    /// Bins of 5 ns; of each: what pods 0, 1, ... received.
    fn bins(loads: &[&[u32]]) -> Vec<Vec<(PodId, u32)>> {
        let bin = |loads: &&[u32]| loads.iter().enumerate().map(|(pod, &x)| (PodId(pod as u32), x)).collect();
        loads.iter().map(bin).collect()
    }

    fn found(loads: &[Vec<(PodId, u32)>], pods: u32, change: u64, settled: u64, until: u64) -> Option<u64> {
        let pods: Vec<PodId> = (0..pods).map(PodId).collect();
        let bins = Bins { width: Span(5), loads };
        time_to_balance(bins, &pods, Time(change), Time(settled), Time(until)).map(|span| span.0)
    }

    /// A change at 10; pod 1 is Ready from 20 on, has nothing until 40, and half from then on.
    #[test]
    fn a_new_pod_warms_up() {
        let mut loads: Vec<&[u32]> = vec![&[1_000]; 4];
        loads.extend([&[1_000u32, 0] as &[u32]; 4]);
        loads.extend([&[500u32, 500] as &[u32]; 30]);
        let all = bins(&loads);
        assert_eq!(found(&all, 2, 10, 20, 190), Some(30), "at 40");
        for until in [50, 60, 100, 190] {
            assert_eq!(found(&all, 2, 10, 20, until), Some(30), "however long the run is");
        }
        assert_eq!(found(&all, 2, 10, 20, 40), None, "the next change comes first");
        assert_eq!(found(&all, 2, 42, 42, 190), Some(3), "the resolution is a bin");
    }

    #[test]
    fn balance_is_for_good() {
        let mut loads: Vec<&[u32]> = vec![&[500, 500]; 10];
        loads.push(&[1_000, 0]);
        loads.extend([&[500u32, 500] as &[u32]; 10]);
        assert_eq!(found(&bins(&loads), 2, 0, 0, 105), Some(55));
        assert_eq!(found(&bins(&loads), 2, 0, 0, 55), None, "the last block is unbalanced");
        assert_eq!(found(&bins(&loads), 2, 0, 0, 50), Some(0));
    }

    /// 800 requests over two pods: within 80 % and 125 % of 400, or as far outside as an even draw may be.
    #[test]
    fn a_block_needs_requests_and_allows_for_chance() {
        assert_eq!(found(&bins(&[&[399, 400]]), 2, 0, 0, 5), None, "too few requests to judge");
        assert_eq!(found(&bins(&[&[400, 400]]), 2, 0, 0, 5), Some(0));
        // 320 - 2 sqrt 320 = 284.2; 500 + 2 sqrt 500 = 544.7.
        assert_eq!(found(&bins(&[&[285, 515]]), 2, 0, 0, 5), Some(0));
        assert_eq!(found(&bins(&[&[284, 516]]), 2, 0, 0, 5), None);
        assert_eq!(found(&bins(&[&[544, 328, 328]]), 3, 0, 0, 5), Some(0));
        assert_eq!(found(&bins(&[&[545, 328, 327]]), 3, 0, 0, 5), None);
        // Exactly two standard errors are allowed: 400 - 2 sqrt 400 = 360, and 625 + 2 sqrt 625 = 675.
        assert_eq!(found(&bins(&[&[360, 640]]), 2, 0, 0, 5), Some(0));
        assert_eq!(found(&bins(&[&[359, 641]]), 2, 0, 0, 5), None);
        assert_eq!(found(&bins(&[&[675, 412, 413]]), 3, 0, 0, 5), Some(0));
        assert_eq!(found(&bins(&[&[676, 412, 412]]), 3, 0, 0, 5), None);
        // Few requests per bin: blocks are of several.
        let slow: Vec<&[u32]> = vec![&[40, 40]; 12];
        assert_eq!(found(&bins(&slow), 2, 0, 0, 60), Some(0));
        assert_eq!(found(&bins(&slow), 2, 0, 0, 45), None);
        // What other pods receive does not count.
        assert_eq!(found(&bins(&[&[400, 400, 5_000]]), 2, 0, 0, 5), Some(0));
    }

    #[test]
    fn nothing_to_judge_is_none() {
        assert_eq!(found(&[], 2, 0, 0, 40), None);
        assert_eq!(found(&bins(&[&[500, 500]]), 0, 0, 0, 5), None);
        assert_eq!(found(&bins(&[&[500, 500]]), 2, 7, 7, 5), None);
    }
}
