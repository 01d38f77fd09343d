//! When the load of a run is uneven.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::metrics::outcome::{Outcome, WindowRow};
use crate::metrics::skew::figures;

/// Windows are put together until a pod has so many requests in the mean. Chance moves a pod by 10 % of that then (a standard deviation of a
/// Poisson law), so that half as much again is no accident.
const REQUESTS_PER_POD: f64 = 100.0;

/// A break that is not longer does not end skew: by chance the load is even for a moment.
const LONGEST_BREAK_S: f64 = 60.0;

/// What counts as skew.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Criterion {
    /// The busiest Ready pod gets at least so many times the mean of the Ready pods.
    pub max_over_mean: f64,
    /// For so long, in seconds, without a break of more than a minute.
    pub lasts_s: f64,
    /// Over parts of the run that are at least so long, in seconds: what is shorter than a scrape interval, no rule can see.
    pub resolution_s: f64,
}

/// A part of a run in which the load is uneven.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stretch {
    /// Where it begins, in seconds since the start of the run.
    pub from_s: f64,
    /// Where it ends.
    pub to_s: f64,
    /// The largest `max_over_mean` in it.
    pub most: f64,
    /// The phase of the run that it begins in.
    pub phase: String,
}

/// How uneven the load of a run is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Skew {
    /// Parts with skew, in order.
    pub stretches: Vec<Stretch>,
    /// The largest `max_over_mean`, however short; `None` without enough requests.
    pub most: Option<f64>,
    /// The longest time at or above the criterion's `max_over_mean` without such a break, in seconds.
    pub longest_s: f64,
}

impl Skew {
    /// The skew of a run, of which `outcome` has the windows. Its warmup counts, as rules see it, too.
    #[must_use]
    pub fn of(outcome: &Outcome, criterion: Criterion) -> Skew {
        let parts = parts(outcome, criterion.resolution_s);
        let mut skew = Skew { most: parts.iter().map(|part| part.2).reduce(f64::max), ..Skew::default() };
        let uneven: Vec<(f64, f64, f64)> = parts.into_iter().filter(|part| part.2 >= criterion.max_over_mean).collect();
        for run in uneven.chunk_by(|a, b| b.0 - a.1 <= LONGEST_BREAK_S) {
            let ([(from_s, ..), ..], [.., (_, to_s, _)]) = (run, run) else { continue };
            skew.longest_s = skew.longest_s.max(to_s - from_s);
            if to_s - from_s < criterion.lasts_s {
                continue;
            }
            let phase = outcome.summary.phases.iter().rfind(|phase| phase.from_s <= *from_s);
            skew.stretches.push(Stretch {
                from_s: *from_s,
                to_s: *to_s,
                most: run.iter().map(|part| part.2).fold(0.0, f64::max),
                phase: phase.map_or_else(String::new, |phase| phase.name.clone()),
            });
        }
        skew
    }
}

/// Parts of the run that are long enough to judge: where each begins and ends, and its `max_over_mean`, per second of being Ready, of the pods
/// that are Ready at its end.
fn parts(outcome: &Outcome, resolution_s: f64) -> Vec<(f64, f64, f64)> {
    /// Ends of windows are sums of doubles.
    const ROUNDING_S: f64 = 1e-6;
    let mut parts = Vec::new();
    let mut from_s = None;
    // By pod: what it received, and how long it was Ready.
    let mut loads: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for window in outcome.windows.chunk_by(|a, b| a.time_s == b.time_s) {
        let Some(first) = window.first() else { continue };
        let width = outcome.width_of(first);
        let from = *from_s.get_or_insert(first.time_s);
        let ready = |row: &&WindowRow| row.state == "ready" && row.pod.is_some();
        for row in window.iter().filter(ready) {
            let (load, seconds) = loads.entry(row.pod.unwrap_or_default()).or_default();
            *load += (row.requests + row.messages) as f64;
            *seconds += width;
        }
        let now: Vec<(f64, f64)> =
            window.iter().filter(ready).filter_map(|row| loads.get(&row.pod?)).copied().collect();
        let (requests, to) = (now.iter().map(|(load, _)| load).sum::<f64>(), first.time_s + width);
        if to - from < resolution_s - ROUNDING_S || requests < REQUESTS_PER_POD * now.len() as f64 || now.is_empty() {
            continue;
        }
        let rates: Vec<f64> = now.iter().map(|(load, seconds)| load / seconds).collect();
        parts.extend(figures(&rates).max_over_mean.map(|over| (from, to, over)));
        from_s = None;
        loads.clear();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::outcome::Summary;
    use crate::metrics::phase::Phase;

    /// Windows of 10 s; of each the requests of the pods that are Ready.
    fn outcome(loads: &[&[u64]]) -> Outcome {
        let end_s = loads.len() as f64 * 10.0;
        let row = |(time, loads): (usize, &&[u64])| -> Vec<WindowRow> {
            let row = |(pod, requests): (usize, &u64)| WindowRow {
                time_s: time as f64 * 10.0,
                pod: Some(pod as u32),
                state: "ready".to_owned(),
                requests: *requests,
                ..WindowRow::default()
            };
            loads.iter().enumerate().map(row).collect()
        };
        let phase = |name: &str, from_s: f64| Phase { name: name.to_owned(), from_s, ..Phase::default() };
        let phases = vec![phase("before", 0.0), phase("after", 30.0)];
        let summary = Summary { phases, ..Summary::default() };
        Outcome {
            summary,
            windows: loads.iter().enumerate().flat_map(row).collect(),
            gateways: Vec::new(),
            parts: Vec::new(),
            connections: Vec::new(),
            clients: Vec::new(),
            events: Vec::new(),
            window_s: 10.0,
            end_s,
            engine_events: 0,
        }
    }

    const CRITERION: Criterion = Criterion { max_over_mean: 1.5, lasts_s: 20.0, resolution_s: 10.0 };

    #[test]
    fn skew_begins_where_it_lasts() {
        let (even, uneven) = (&[200u64, 200][..], &[300u64, 100][..]);
        let skew = Skew::of(&outcome(&[&[uneven], &[even; 7][..], &[uneven, even, uneven, even]].concat()), CRITERION);
        let stretch = Stretch { from_s: 80.0, to_s: 110.0, most: 1.5, phase: "after".to_owned() };
        assert_eq!(skew, Skew { stretches: vec![stretch], most: Some(1.5), longest_s: 30.0 });
        let skew = Skew::of(&outcome(&[even, even, uneven, even]), CRITERION);
        assert_eq!(skew, Skew { stretches: Vec::new(), most: Some(1.5), longest_s: 10.0 });
    }

    #[test]
    fn few_requests_are_put_together() {
        // 50 and 0 by turns are even over 40 s, in which each pod has 100 in the mean.
        let turns: Vec<&[u64]> = vec![&[50, 0], &[0, 50], &[50, 0], &[0, 50], &[9, 0]];
        assert_eq!(parts(&outcome(&turns), 10.0), [(0.0, 40.0, 1.0)]);
        assert_eq!(parts(&outcome(&[&[0, 0], &[0, 0], &[0, 0]]), 10.0), []);
    }

    #[test]
    fn a_pod_is_measured_by_the_time_that_it_was_ready() {
        let scaled: Vec<&[u64]> = vec![&[200], &[200, 200]];
        assert_eq!(parts(&outcome(&scaled), 20.0), [(0.0, 20.0, 1.0)]);
    }
}
