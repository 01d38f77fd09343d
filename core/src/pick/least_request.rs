//! Fewest requests outstanding: among a few endpoints drawn, or among all.
//!
//! Sources: gRFC A48 and grpc-go `balancer/leastrequest/leastrequest.go` (`picker.Pick`); Envoy
//! `source/extensions/load_balancing_policies/least_request/least_request_lb.cc` (`unweightedHostPickNChoices`,
//! `unweightedHostPickFullScan`, `hostWeight`). gRPC and Envoy follow one rule: indices are drawn independently, *with*
//! replacement, and only a strictly smaller count replaces the one before. With two endpoints the busier one is picked when
//! both draws hit it, one time in four.
//!
//! What is outstanding is for the caller to say: gRPC counts the calls of its own channel from pick to end; Envoy counts
//! those of all its workers, but none that waits for a connection. Where Envoy's endpoints have unequal weights or one is in
//! slow start, it uses none of these but [`Edf`](crate::policy::edf::Edf) with [`active_weight`].

use super::{PickPolicy, View};
use crate::random::below;
use crate::settings;
use crate::settings::count;

settings! {
    /// Settings of least_request.
    pub struct LeastRequest {
        /// How many are drawn. gRFC A48: below 2 it is refused, and more than 10 count as 10.
        choice_count: u32 [count(2, 10)] = 2;
    }
}

impl PickPolicy for LeastRequest {
    const NAME: &'static str = "least_request";
    const SUMMARY: &'static str = "One connection per address, each call on the least busy of two (or more) drawn at random, by the calls that this \
        client itself has under way: many clients with few calls each can tell no difference.";
    const SOURCE: &'static str = "gRFC A48; Envoy least_request";

    type Memory = ();
    type Plan = ();

    fn pick(&self, view: &mut impl View<Self>, draw: &mut impl FnMut() -> u64) -> Option<usize> {
        of_choices(view.len(), self.choice_count, |i| view.outstanding(i), draw)
    }

    fn prefers_by_load(&self) -> bool {
        true
    }

    fn slow_weight(&self, factor: f64, outstanding: impl FnOnce() -> u32) -> f64 {
        active_weight(factor, outstanding(), 1.0)
    }
}

/// The least busy of `choices` (1 or more) endpoints drawn out of `n` with replacement; of equals the one drawn first. Takes
/// `choices` draws. `None` without endpoints.
pub fn of_choices(
    n: usize,
    choices: u32,
    active: impl Fn(usize) -> u32,
    draw: &mut impl FnMut() -> u64,
) -> Option<usize> {
    if n == 0 {
        return None;
    }
    let mut best = below(draw(), n);
    let mut least = active(best);
    for _ in 1..choices {
        let i = below(draw(), n);
        let count = active(i);
        if count < least {
            (best, least) = (i, count);
        }
    }
    Some(best)
}

/// The least busy of all `n` endpoints, each of several equals with the same chance (a reservoir of one). Takes a draw for
/// each endpoint that ties with the least seen before it. `None` without endpoints.
pub fn full_scan(n: usize, active: impl Fn(usize) -> u32, draw: &mut impl FnMut() -> u64) -> Option<usize> {
    let mut best = None;
    let (mut least, mut tied) = (u32::MAX, 0);
    for i in 0..n {
        let count = active(i);
        if best.is_none() || count < least {
            (best, least, tied) = (Some(i), count, 1);
        } else if count == least {
            tied += 1;
            if below(draw(), tied) == 0 {
                best = Some(i);
            }
        }
    }
    best
}

/// The weight that Envoy's scheduler gives an endpoint: `weight / (active + 1)^bias`. `bias` is 1 by default; 0 ignores what
/// is outstanding.
#[must_use]
pub fn active_weight(weight: f64, active: u32, bias: f64) -> f64 {
    let busy = f64::from(active) + 1.0;
    if bias == 1.0 { weight / busy } else { weight / libm::pow(busy, bias) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The draw that [`below`] turns into `index` of `n`.
    fn hitting(index: u64, n: u64) -> u64 {
        (u128::from(index) << 64).div_ceil(u128::from(n)) as u64
    }

    fn picks_of(n: u64, choices: u32, active: &[u32]) -> Vec<usize> {
        let of_pair = |a, b| {
            let mut draws = [hitting(a, n), hitting(b, n)].into_iter();
            of_choices(n as usize, choices, |i| active[i], &mut || draws.next().unwrap()).unwrap()
        };
        (0..n).flat_map(|a| (0..n).map(move |b| (a, b))).map(|(a, b)| of_pair(a, b)).collect()
    }

    #[test]
    fn the_busier_of_two_is_picked_one_time_in_four() {
        assert_eq!(picks_of(2, 2, &[3, 7]), [0, 0, 0, 1]);
    }

    #[test]
    fn of_equals_the_one_drawn_first() {
        assert_eq!(picks_of(3, 2, &[1, 1, 0]), [0, 0, 2, 1, 1, 2, 2, 2, 2]);
    }

    #[test]
    fn a_full_scan_shares_among_the_least_busy() {
        let active = [2, 1, 4, 1, 1];
        // The second of the least busy replaces the first with chance 1/2, the third with 1/3: draws in sixths.
        let mut counts = [0; 5];
        for (a, b) in (0..6).flat_map(|a| (0..6).map(move |b| (a, b))) {
            let mut draws = [hitting(a, 6), hitting(b, 6)].into_iter();
            counts[full_scan(5, |i| active[i], &mut || draws.next().unwrap()).unwrap()] += 1;
        }
        assert_eq!(counts, [0, 12, 0, 12, 12]);
    }

    #[test]
    fn without_endpoints_there_is_no_pick() {
        let mut draw = || 0;
        assert_eq!((of_choices(0, 2, |_| 0, &mut draw), full_scan(0, |_| 0, &mut draw)), (None, None));
    }

    #[test]
    fn weights_are_divided_by_requests() {
        assert_eq!((active_weight(6.0, 2, 1.0), active_weight(6.0, 2, 0.0)), (2.0, 6.0));
        assert!((active_weight(6.0, 3, 0.5) - 3.0).abs() < 1e-12);
    }
}
