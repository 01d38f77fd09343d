//! What gets its own area or line: every pod, or, of many pods, the busiest ones and the rest of each cohort together.

use super::palette::{OTHERS, Rgb};
use super::traces::{Bin, PODS_MOST, PODS_TOP, PodTrace, Traces};
use crate::output::format;

/// One or several pods drawn as one.
pub(super) struct Group {
    pub name: String,
    pub colour: Rgb,
    /// Indices into the traces' pods.
    pub members: Vec<usize>,
}

impl Group {
    /// True if it stands for several pods.
    pub fn is_rest(&self) -> bool {
        self.members.len() > 1
    }

    /// True if none of its pods was there at the end.
    pub fn gone(&self, traces: &Traces) -> bool {
        self.members.iter().all(|&m| traces.pods.get(m).is_none_or(|p| p.gone))
    }

    /// Requests of all members in a bin that did not fail: a failed call was received before it failed, or never.
    pub fn served(&self, traces: &Traces, bin: usize) -> u64 {
        let of = |b: &Bin| b.requests.saturating_sub(b.errors);
        self.members.iter().filter_map(|&m| traces.pods[m].bins[bin].as_ref().map(of)).sum()
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
                let n = format::count(rest.len() as u64);
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

fn single(index: usize, pod: &PodTrace) -> Group {
    Group { name: pod.name.clone(), colour: pod.colour, members: vec![index] }
}
