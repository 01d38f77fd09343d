//! round_robin's picker: in which order it goes, and where it starts.

use crate::random::{Stream, below, shuffle};
use crate::scenario::model::RotationStart;
use rand_chacha::rand_core::Rng;

/// Prepares a rebuilt picker: reorders `ready` (given in order of address) and returns the index of the first pick.
/// `last` is the index at which the previous picker would have gone on, if there was one.
#[must_use]
pub fn rebuild(start: RotationStart, ready: &mut [u32], last: Option<u32>, stream: &mut Stream) -> u32 {
    if ready.is_empty() {
        return last.unwrap_or(0);
    }
    match start {
        RotationStart::First => 0,
        RotationStart::Continue if last.is_some() => last.unwrap_or(0) % ready.len() as u32,
        RotationStart::Continue | RotationStart::Random => below(stream.next_u64(), ready.len()) as u32,
        RotationStart::RandomOrder => {
            // grpc-go iterates over a Go map, and starts anywhere: a shuffle covers both.
            shuffle(ready, stream);
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Streams};

    fn picker(start: RotationStart, last: Option<u32>, k: u64) -> (Vec<u32>, u32) {
        let mut ready = vec![10, 11, 12, 13, 14];
        let mut stream = Streams::new(1).stream(Purpose::Rotation, k);
        let first = rebuild(start, &mut ready, last, &mut stream);
        (ready, first)
    }

    #[test]
    fn every_start_keeps_the_members() {
        for start in [RotationStart::First, RotationStart::Random, RotationStart::RandomOrder, RotationStart::Continue]
        {
            for k in 0..50 {
                let (mut ready, first) = picker(start, Some(3), k);
                assert!(first < 5);
                ready.sort_unstable();
                assert_eq!(ready, [10, 11, 12, 13, 14]);
            }
        }
    }

    #[test]
    fn only_random_order_changes_the_order() {
        assert_eq!(picker(RotationStart::First, None, 0), (vec![10, 11, 12, 13, 14], 0));
        assert_eq!(picker(RotationStart::Continue, Some(8), 0), (vec![10, 11, 12, 13, 14], 3));
        let orders: std::collections::BTreeSet<_> =
            (0..20).map(|k| picker(RotationStart::RandomOrder, None, k).0).collect();
        assert!(orders.len() > 10);
        let starts: std::collections::BTreeSet<_> = (0..50).map(|k| picker(RotationStart::Random, None, k).1).collect();
        assert_eq!(starts.len(), 5);
    }
}
