//! Power of two choices: two different endpoints drawn, the one with the lower load taken.
//!
//! Sources: tower `balance/p2c/service.rs` (`p2c_ready_index`) and `util/rng.rs` (`sample_floyd2`); Linkerd's
//! `linkerd/pool/p2c/src/lib.rs` follows it. Unlike [`super::least_request`], *without* replacement: of two endpoints the
//! busier one is never picked. Only ready endpoints take part, those with an established connection.
//!
//! A load is [`super::peak_ewma`]'s, or the number of requests outstanding (tower's `PendingRequests`). Both loads are
//! read, first of the first index drawn: with Peak EWMA reading changes them. tower chooses when it is asked for
//! readiness, before the request is there, and keeps the choice until it is used: when to call is up to the caller.

use crate::random::below;

/// The endpoint with the lower load out of two different ones; of equals the first. `None` without endpoints. Two draws;
/// none for one endpoint, whose load is not read either.
pub fn pick(n: usize, mut load: impl FnMut(usize) -> f64, draw: &mut impl FnMut() -> u64) -> Option<usize> {
    if n < 2 {
        return n.checked_sub(1);
    }
    let [a, b] = two_of(n, draw);
    let (load_a, load_b) = (load(a), load(b));
    Some(if load_a <= load_b { a } else { b })
}

/// Two different indices below `n` (at least 2), every ordered pair equally likely (Floyd).
fn two_of(n: usize, draw: &mut impl FnMut() -> u64) -> [usize; 2] {
    let (a, b) = (below(draw(), n - 1), below(draw(), n));
    [if a == b { n - 1 } else { a }, b]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hitting(index: u64, n: u64) -> u64 {
        (u128::from(index) << 64).div_ceil(u128::from(n)) as u64
    }

    #[test]
    fn every_pair_once() {
        let mut pairs: Vec<_> = (0..3)
            .flat_map(|a| (0..4).map(move |b| [hitting(a, 3), hitting(b, 4)]))
            .map(|draws| {
                let mut draws = draws.into_iter();
                two_of(4, &mut || draws.next().unwrap())
            })
            .collect();
        pairs.sort_unstable();
        let all: Vec<_> = (0..4).flat_map(|a| (0..4).filter(move |b| *b != a).map(move |b| [a, b])).collect();
        assert_eq!(pairs, all);
        // The largest draws are no exception.
        assert_eq!(two_of(4, &mut || u64::MAX), [2, 3]);
    }

    #[test]
    fn the_busier_of_two_is_never_picked_and_a_tie_goes_to_the_first() {
        for b in 0..2 {
            let mut draws = [0, hitting(b, 2)].into_iter();
            assert_eq!(pick(2, |i| i as f64, &mut || draws.next().unwrap()), Some(0));
            let mut draws = [0, hitting(b, 2)].into_iter();
            assert_eq!(pick(2, |_| 1.0, &mut || draws.next().unwrap()), Some(1 - b as usize));
        }
    }

    #[test]
    fn one_endpoint_needs_no_draw() {
        let mut none = || unreachable!("no draw");
        assert_eq!((pick(0, |_| 0.0, &mut none), pick(1, |_| 0.0, &mut none)), (None, Some(0)));
    }
}
