//! What gets its own area or line: every pod, or, of many pods, the busiest ones and the rest of each cohort together.

use super::palette::{OTHERS, Rgb, line};
use super::traces::{Bin, PODS_MOST, PODS_TOP, PodTrace, Traces};
use crate::words;

/// A pod whose p99 is so many times that of the pod in the middle, over all windows, is slow.
const SLOW: f64 = 1.25;

/// One or several pods drawn as one.
pub(super) struct Group {
    pub name: String,
    pub colour: Rgb,
    /// Indices into the traces' pods.
    pub members: Vec<usize>,
}

impl Group {
    /// True if it stands for several pods.
    pub(super) fn is_rest(&self) -> bool {
        self.members.len() > 1
    }

    /// True if none of its pods was there at the end.
    pub(super) fn gone(&self, traces: &Traces) -> bool {
        self.members.iter().all(|&m| traces.pods.get(m).is_none_or(|p| p.gone))
    }

    /// What all members have in a bin, together.
    pub(super) fn sum(&self, traces: &Traces, bin: usize, of: impl Fn(&Bin) -> u64) -> u64 {
        self.members.iter().filter_map(|&m| traces.pods[m].bins[bin].as_ref().map(&of)).sum()
    }
}

/// The groups, in order of cohort, then creation, the rest of a cohort after its busiest pods.
pub(super) fn of(traces: &Traces) -> Vec<Group> {
    let pods = &traces.pods;
    let seen: Vec<usize> = (0..pods.len()).filter(|&i| pods[i].bins.iter().any(Option::is_some)).collect();
    let mut busiest = seen.clone();
    // A stable sort: of equally busy pods the older one comes first.
    busiest.sort_by_key(|&i| std::cmp::Reverse(pods[i].requests));
    busiest.truncate(if seen.len() <= PODS_MOST { PODS_MOST } else { PODS_TOP });
    let mut groups = Vec::new();
    for cohort in 0..traces.cohorts {
        let here = || seen.iter().copied().filter(|&i| pods[i].cohort == cohort);
        groups.extend(here().filter(|i| busiest.contains(i)).map(|i| single(i, &pods[i])));
        let rest: Vec<usize> = here().filter(|i| !busiest.contains(i)).collect();
        match rest[..] {
            [] => {}
            [one] => groups.push(single(one, &pods[one])),
            [first, ..] => {
                let n = words::count(rest.len() as u64);
                let name = match traces.cohorts {
                    1 => format!("{n} other pods"),
                    _ => format!("{n} others {}", pods[first].cohort_name),
                };
                groups.push(Group { name, colour: OTHERS, members: rest });
            }
        }
    }
    groups
}

/// The groups of a chart of lines, which hide each other. Up to `most` pods have a line each; of more, the busiest pod, those that are
/// slow, and all others together.
pub(super) fn few(traces: &Traces, most: usize) -> Vec<Group> {
    let pods = &traces.pods;
    let seen = || (0..pods.len()).filter(|&i| pods[i].bins.iter().any(Option::is_some));
    let slow = |i: usize| {
        let p99s: Vec<f64> = pods[i].bins.iter().flatten().filter_map(|bin| bin.p99_ms).collect();
        p99s.iter().sum::<f64>() / p99s.len().max(1) as f64
    };
    let mut chosen: Vec<usize> = seen().collect();
    if chosen.len() > most {
        // Stable sorts: of equals the older pod comes first.
        chosen.sort_by(|&a, &b| slow(b).total_cmp(&slow(a)));
        let median = slow(chosen[chosen.len() / 2]);
        chosen.truncate(most.saturating_sub(2));
        chosen.retain(|&i| slow(i) >= SLOW * median);
        chosen.extend(seen().min_by_key(|&i| std::cmp::Reverse(pods[i].requests)));
        chosen.sort_unstable();
        chosen.dedup();
    }
    let rest: Vec<usize> = seen().filter(|i| !chosen.contains(i)).collect();
    let mut groups: Vec<Group> =
        chosen.iter().map(|&i| Group { colour: line(pods[i].colour), ..single(i, &pods[i]) }).collect();
    if !rest.is_empty() {
        let name = format!("{} other pods", words::count(rest.len() as u64));
        groups.push(Group { name, colour: OTHERS, members: rest });
    }
    groups
}

fn single(index: usize, pod: &PodTrace) -> Group {
    Group { name: pod.name.clone(), colour: pod.fill, members: vec![index] }
}
