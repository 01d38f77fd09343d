//! Envoy's earliest-deadline-first scheduler: weighted round robin for weights that may change from pick to pick.
//!
//! Source: Envoy `source/common/upstream/edf_scheduler.h` (`pickAndAdd`, `createWithPicks`). The host with the earliest
//! deadline is picked and put back with `deadline + 1 / weight`; of equal deadlines the one put in first. A new scheduler
//! starts as if a number of picks had been made, which is drawn once per worker: each rebuild starts from the same place.
//!
//! ROUND_ROBIN uses it where weights differ, LEAST_REQUEST then with [`crate::pick::least_request::active_weight`], both with
//! [`super::slow_start`] while it lasts. A weight is asked for when its host is put back, not when it is compared: it may be
//! old by then, as Envoy's.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::narrow::{lower_half, u32_of, whole};

/// Envoy takes the number of picks to emulate modulo this (a tenth of 2^32).
const MOST_PICKS: u32 = 429_496_729;

/// Added to weights, so that those that are multiples of each other do not meet at one deadline up to rounding
/// (envoyproxy/envoy pull request 31592).
const EPSILON: f64 = 1e-13;

/// A schedule of endpoints, named by their index.
#[derive(Clone, Debug, Default)]
pub struct Edf {
    heap: BinaryHeap<Entry>,
    now: f64,
    order: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    deadline: f64,
    order: u64,
    endpoint: u32,
}

impl Edf {
    /// A schedule of the endpoints below `n` that have a weight above zero (Envoy knows no others), after as many picks as the
    /// worker's `seed` says.
    #[must_use]
    pub fn new(n: usize, weight: impl Fn(usize) -> f64, seed: u64) -> Edf {
        let picks = lower_half(seed) % MOST_PICKS;
        let weighted = |i: &usize| weight(*i) > 0.0;
        let sum: f64 = (0..n).filter(weighted).map(|i| weight(i) + EPSILON).sum();
        let (mut edf, mut done) = (Edf { order: n as u64, ..Edf::default() }, 0);
        let mut entries = Vec::with_capacity(n);
        for i in (0..n).filter(weighted) {
            let w = weight(i) + EPSILON;
            let mut floor: u32 = whole(w * f64::from(picks) / sum);
            // Rounding may put it one too far.
            if floor > 0 && f64::from(floor) / w >= f64::from(picks) / sum {
                floor -= 1;
            }
            edf.now = edf.now.max(f64::from(floor) / w);
            done += floor;
            entries.push(Entry { deadline: f64::from(floor + 1) / w, order: i as u64, endpoint: u32_of(i) });
        }
        edf.heap = entries.into();
        if !edf.heap.is_empty() {
            (done..picks).for_each(|_| {
                edf.pick(&weight);
            });
        }
        edf
    }

    /// The next endpoint, put back with the weight (above zero) that it has now. `None` without endpoints. Costs the
    /// logarithm of their number.
    pub fn pick(&mut self, weight: impl FnOnce(usize) -> f64) -> Option<usize> {
        let mut first = self.heap.peek_mut()?;
        let endpoint = first.endpoint as usize;
        self.now = first.deadline;
        first.deadline = self.now + 1.0 / weight(endpoint);
        first.order = self.order;
        self.order += 1;
        Some(endpoint)
    }
}

// The heap has the greatest on top: the earliest deadline, then the one put in first.
impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> Ordering {
        other.deadline.total_cmp(&self.deadline).then(other.order.cmp(&self.order))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use super::*;

    fn picks(edf: &mut Edf, weights: &[f64], k: usize) -> Vec<usize> {
        (0..k).map(|_| edf.pick(|i| weights[i]).unwrap()).collect()
    }

    #[test]
    fn equal_weights_go_round_in_order() {
        let weights = [1.0; 4];
        let mut edf = Edf::new(4, |i| weights[i], 0);
        assert_eq!(picks(&mut edf, &weights, 9), [0, 1, 2, 3, 0, 1, 2, 3, 0]);
    }

    #[test]
    fn shares_are_weights() {
        let weights = [1.0, 2.0, 5.0];
        let mut edf = Edf::new(3, |i| weights[i], 0);
        let seen = picks(&mut edf, &weights, 8_000);
        let count = |i| seen.iter().filter(|p| **p == i).count();
        assert_eq!([count(0), count(1), count(2)], [1_000, 2_000, 5_000]);
        // Spread out, too: no eight in a row are off by more than one.
        assert!(seen.windows(8).all(|w| (4..=6).contains(&w.iter().filter(|p| **p == 2).count())));
    }

    #[test]
    fn starting_with_picks_is_making_them() {
        // Envoy's own example of why a little is added: 25 and 75 after 23 picks.
        for weights in [vec![25.0, 75.0], vec![1.0, 2.0, 5.0, 0.5], vec![3.0; 5]] {
            for made in 0..200u64 {
                let mut stepwise = Edf::new(weights.len(), |i| weights[i], 0);
                picks(&mut stepwise, &weights, made as usize);
                let mut jumped = Edf::new(weights.len(), |i| weights[i], made);
                let (a, b) = (picks(&mut stepwise, &weights, 40), picks(&mut jumped, &weights, 40));
                // Where two are due at once, the order may differ (Envoy says so); never by more than that.
                let counts = |seen: &[usize], i| seen.iter().filter(|p| **p == i).count().cast_signed();
                for i in 0..weights.len() {
                    assert!((counts(&a, i) - counts(&b, i)).abs() <= 1, "{weights:?} after {made}: {a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn a_weight_of_zero_is_not_in_the_schedule() {
        let weights = [0.0, 1.0, 0.0, 1.0];
        let mut edf = Edf::new(4, |i| weights[i], 7);
        assert!(picks(&mut edf, &weights, 100).iter().all(|i| weights[*i] > 0.0));
        assert_eq!(Edf::new(2, |_| 0.0, 7).pick(|_| 1.0), None);
    }
}
