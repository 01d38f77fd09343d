//! How long a change unbalances the load.

use crate::sim::observation::PodId;
use crate::units::{Span, Time};

/// How many windows are looked at together.
pub const BLOCK: usize = 10;

/// What the pods that were Ready during a whole window received in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyLoads {
    /// When the window began.
    pub from: Time,
    /// When it ended.
    pub to: Time,
    /// True if it is shorter than the others.
    pub partial: bool,
    /// Requests received, in order of pod.
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

/// How long after `change` the load was balanced over a whole block of windows: the end of the first run of `BLOCK` full
/// windows, all between `settled` and `until` and all with the same Ready pods, over which those pods are balanced. So it is
/// never less than `BLOCK` windows. `settled` is when the set of Ready pods changed for the last time after the change: before
/// that the load is balanced over the wrong pods. `until` is the next change, or the end.
#[must_use]
pub fn time_to_balance(windows: &[ReadyLoads], change: Time, settled: Time, until: Time) -> Option<Span> {
    let from = change.max(settled);
    let first = windows.partition_point(|w| w.from < from);
    let block =
        windows[first..].windows(BLOCK).take_while(|b| b[BLOCK - 1].to <= until).find(|b| is_block_balanced(b))?;
    Some(block[BLOCK - 1].to.since(change))
}

fn is_block_balanced(block: &[ReadyLoads]) -> bool {
    let Some((first, rest)) = block.split_first() else { return false };
    let same_pods = |w: &ReadyLoads| w.loads.iter().map(|l| l.0).eq(first.loads.iter().map(|l| l.0));
    if block.iter().any(|w| w.partial) || !rest.iter().all(same_pods) {
        return false;
    }
    let mut sums: Vec<u64> = first.loads.iter().map(|l| l.1).collect();
    for window in rest {
        for (sum, load) in sums.iter_mut().zip(&window.loads) {
            *sum += load.1;
        }
    }
    is_balanced(sums.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows of 1 ns: from the loads of pods 0, 1, … in each.
    fn windows(loads: &[&[u64]]) -> Vec<ReadyLoads> {
        let window = |(i, loads): (usize, &&[u64])| ReadyLoads {
            from: Time(i as u64),
            to: Time(i as u64 + 1),
            partial: false,
            loads: loads.iter().enumerate().map(|(pod, &x)| (PodId(pod as u32), x)).collect(),
        };
        loads.iter().enumerate().map(window).collect()
    }

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

    #[test]
    fn a_new_pod_warms_up() {
        // The change at 5; pod 1 Ready from 8 on, without load until 12, then even.
        let mut loads: Vec<&[u64]> = vec![&[10]; 8];
        loads.extend(vec![&[10u64, 0] as &[u64]; 4]);
        loads.extend(vec![&[5u64, 5] as &[u64]; 20]);
        let w = windows(&loads);
        // Over 11..21: 10 + 45 against 45, a ratio of 1.1 to 0.9.
        // Over 10..20: 20 + 40 = 60 against 40: 1.2 and 0.8 of the mean, just balanced.
        assert_eq!(time_to_balance(&w, Time(5), Time(8), Time(32)), Some(Span(15)));
        assert_eq!(time_to_balance(&w, Time(5), Time(8), Time(20)), Some(Span(15)));
        assert_eq!(time_to_balance(&w, Time(5), Time(8), Time(19)), None, "the next change comes first");
    }

    #[test]
    fn balance_before_the_pods_settle_does_not_count() {
        let w = windows(&vec![&[5u64, 5] as &[u64]; 30]);
        assert_eq!(time_to_balance(&w, Time(2), Time(2), Time(30)), Some(Span(10)));
        assert_eq!(time_to_balance(&w, Time(2), Time(9), Time(30)), Some(Span(17)));
        assert_eq!(time_to_balance(&w, Time(2), Time(25), Time(30)), None);
    }

    #[test]
    fn never_balanced_is_none() {
        let w = windows(&vec![&[10u64, 0] as &[u64]; 40]);
        assert_eq!(time_to_balance(&w, Time(0), Time(0), Time(40)), None);
        assert_eq!(time_to_balance(&[], Time(0), Time(0), Time(40)), None);
    }
}
