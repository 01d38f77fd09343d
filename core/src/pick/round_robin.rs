//! round_robin, and its picker: in which order it goes, and where it starts.
//!
//! Sources: grpc-go `balancer/roundrobin` and `balancer/endpointsharding`; for the others see [`RotationStart`].

use rand::Rng;

use super::{PickPolicy, View};
use crate::narrow::{lower_half, u32_of};
use crate::random::{Stream, below, shuffle};
use crate::settings::word;
use crate::{settings, word_enum};

settings! {
    /// Settings of round_robin.
    pub struct RoundRobin {
        /// Where a rebuilt picker starts, and in which order it goes; acts with several addresses only.
        start: RotationStart [word::<RotationStart>()] = RotationStart::RandomOrder;
    }
}

word_enum! {
    /// Where a rebuilt round_robin picker starts.
    pub enum RotationStart {
        /// Random start, random order (grpc-go).
        RandomOrder = "random_order",
        /// Random start, order of the address list (C-core).
        Random = "random",
        /// Always the first address (grpc-java before 1.23, grpc/grpc-java#4462).
        First = "first",
        /// A counter that begins anywhere and goes on over all pickers, modulo the length of the list (grpc-java, Envoy).
        Continue = "continue",
        /// The connection that would have been next, if it is still listed, else the first; in the order of the answer, which begins
        /// anywhere (grpc-js).
        NextSubchannel = "next_subchannel",
    }
}

impl RotationStart {
    /// True if connections are in the order of the resolver's answer.
    #[must_use]
    pub fn goes_by_answer(self) -> bool {
        matches!(self, RotationStart::Continue | RotationStart::NextSubchannel)
    }
}

impl PickPolicy for RoundRobin {
    const NAME: &'static str = "round_robin";
    const SUMMARY: &'static str = "One connection per address that the resolver returns, calls in rotation. Needs a headless Service: behind \
        a ClusterIP there is one address, so it is pick_first.";
    const SOURCE: &'static str = "grpc-go balancer/roundrobin, endpointsharding";

    /// On a ClusterIP it has one address to rotate over: a mistake that people make, so it can be simulated.
    const NEEDS_ADDRESSES: bool = false;
    const KEYS_OF_ADDRESSES: &'static [&'static str] = &["start"];

    type Memory = ();
    type Plan = ();

    fn pick(&self, view: &mut impl View<Self>, _draw: &mut impl FnMut() -> u64) -> Option<usize> {
        (!view.is_empty()).then(|| view.turn())
    }

    fn usual(rotation: RotationStart) -> Self {
        RoundRobin { start: rotation }
    }

    fn goes_in_turn(&self) -> bool {
        true
    }

    fn rotation(&self) -> Option<RotationStart> {
        Some(self.start)
    }
}

/// Prepares a rebuilt picker: reorders `ready` where the order is random, and returns the number of the first pick, whose index is its
/// remainder modulo the length. `last` is what the previous picker would have gone on with, if there was one: for
/// [`RotationStart::Continue`] the number of the next pick, for [`RotationStart::NextSubchannel`] the new index of the next connection.
#[must_use]
pub fn rebuild<T>(start: RotationStart, ready: &mut [T], last: Option<u32>, stream: &mut Stream) -> u32 {
    match start {
        RotationStart::First => 0,
        RotationStart::NextSubchannel => last.unwrap_or(0),
        // The counter begins anywhere: which one of those is the first, and how many rounds there were before.
        RotationStart::Continue => last.unwrap_or_else(|| {
            let n = ready.len().max(1);
            let (index, n) = (u32_of(below(stream.next_u64(), n)), u32_of(n));
            index + (lower_half(stream.next_u64()) >> 1) / n * n
        }),
        RotationStart::Random => u32_of(below(stream.next_u64(), ready.len().max(1))),
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
        for start in [
            RotationStart::First,
            RotationStart::Random,
            RotationStart::RandomOrder,
            RotationStart::Continue,
            RotationStart::NextSubchannel,
        ] {
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
        assert_eq!(picker(RotationStart::Continue, Some(8), 0), (vec![10, 11, 12, 13, 14], 8));
        assert_eq!(picker(RotationStart::NextSubchannel, Some(2), 0), (vec![10, 11, 12, 13, 14], 2));
        assert_eq!(picker(RotationStart::NextSubchannel, None, 0), (vec![10, 11, 12, 13, 14], 0));
        let orders: std::collections::BTreeSet<_> =
            (0..20).map(|k| picker(RotationStart::RandomOrder, None, k).0).collect();
        assert!(orders.len() > 10);
        let starts: std::collections::BTreeSet<_> = (0..50).map(|k| picker(RotationStart::Random, None, k).1).collect();
        assert_eq!(starts.len(), 5);
    }

    /// The first list mostly has one connection. What comes later goes by a counter that began anywhere: of 6,000 counters those of each
    /// remainder modulo 6 are 1,000, within 5 standard deviations (seed 1).
    #[test]
    fn a_counter_that_begins_with_one_connection_is_at_any_of_those_that_follow() {
        let mut counts = [0u32; 6];
        for k in 0..6_000 {
            let mut stream = Streams::new(1).stream(Purpose::Rotation, k);
            counts[rebuild(RotationStart::Continue, &mut [7], None, &mut stream) as usize % 6] += 1;
        }
        assert!(counts.iter().all(|n| (f64::from(*n) - 1_000.0).abs() < 5.0 * 29.0), "{counts:?}");
    }

    /// The first pick is the index that is drawn, after some whole rounds.
    #[test]
    fn a_counter_begins_after_whole_rounds() {
        for k in 0..20 {
            let drawn = below(Streams::new(1).stream(Purpose::Rotation, k).next_u64(), 5) as u32;
            let (_, first) = picker(RotationStart::Continue, None, k);
            assert_eq!(first % 5, drawn);
        }
    }
}
