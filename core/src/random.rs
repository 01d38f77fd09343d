//! Randomness: ChaCha8 streams named by what a draw is for and whose it is, never by the order in which things happen. A
//! policy that asks for one more draw shifts nobody else's.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::narrow::usize_of;

/// What a draw is for. The numbers are part of the promise "same seed, same bytes": never reuse or renumber one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Gaps, replicas, keys and demands of an open load's calls; demands and keys of a closed replica's.
    Calls = 1,
    /// Where kube-proxy places the k-th dial of a replica.
    Route = 2,
    /// How long the k-th dial of a replica takes.
    Connect = 3,
    /// Jitter of MaxConnectionAge of the k-th connection of a replica.
    Age = 4,
    /// Jitter of the client-side lifetime of the k-th connection of a replica.
    Lifetime = 5,
    /// Jitter of back-off delays.
    Backoff = 6,
    /// Order and start of the k-th picker of a channel.
    Rotation = 7,
    /// Order of the addresses in the k-th answer of the cluster DNS.
    Answer = 8,
    /// Shuffle of the k-th address list of a channel.
    Shuffle = 9,
    /// Lag of an endpoint change on a node.
    EndpointLag = 10,
    /// Start-up time of a pod.
    PodStart = 11,
    /// Start of a client replica.
    ReplicaStart = 12,
    /// Phase of a constant arrival process.
    Phase = 13,
    /// On which worker of its proxy a channel's connection is.
    Worker = 31,
    /// Where the k-th plan of a channel starts.
    Plan = 40,
    /// Which outliers of a channel are ejected.
    Ejection = 41,
    /// The k-th penalty of an endpoint by Linkerd's failure accrual.
    Penalty = 43,
    /// The UID that breaks ties between victims.
    Uid = 14,
    /// How long a channel needs for the k-th call that waited.
    Dispatch = 15,
    /// The seed of a channel's subset of addresses, in its k-th life.
    Subset = 32,
    /// Phase of the periods of a pod's CPU limit.
    CpuPeriod = 42,
    /// What is left of the life of a DNS cache's first answer.
    DnsPhase = 50,
    /// When a replica that ran before polls DNS again.
    PollPhase = 51,
    /// The k-th think time of a replica's workers.
    Think = 60,
    /// Phases of the clocks of metrics-server and of an autoscaler.
    AutoscalerClock = 30,
}

/// All streams of one run.
#[derive(Clone, Debug)]
pub struct Streams {
    root: ChaCha8Rng,
}

/// A sequential stream.
pub type Stream = ChaCha8Rng;

impl Streams {
    /// The streams of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Streams {
        Streams { root: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// The stream for `purpose` of `owner`.
    #[must_use]
    pub fn stream(&self, purpose: Purpose, owner: u64) -> Stream {
        let mut s = self.root.clone();
        s.set_stream(mix(owner, purpose as u64));
        s
    }

    /// The `k`-th draw for `purpose` of `owner`: equal to what a sequential stream would give there.
    #[must_use]
    pub fn draw(&self, purpose: Purpose, owner: u64, k: u64) -> u64 {
        let mut s = self.stream(purpose, owner);
        s.set_word_pos(u128::from(k) * 2);
        s.next_u64()
    }
}

/// A stable key for a named thing: FNV-1a of the name.
#[must_use]
pub fn key_of(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// A stable key for the `i`-th part of the thing with key `owner` (SplitMix64's finaliser over both).
#[must_use]
pub fn mix(owner: u64, i: u64) -> u64 {
    let mut z = owner ^ i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A whole number below `n` (above zero) from one draw; the bias is below `n / 2^64`. The same whatever the width of an address.
#[must_use]
pub fn number_below(draw: u64, n: u64) -> u64 {
    // The upper half of a product of two halves is one half wide.
    ((u128::from(draw) * u128::from(n)) >> 64) as u64
}

/// An index below `n` (above zero) from one draw.
#[must_use]
pub fn below(draw: u64, n: usize) -> usize {
    usize_of(number_below(draw, n as u64))
}

/// Fisher-Yates.
pub fn shuffle<T>(items: &mut [T], stream: &mut Stream) {
    for i in (1..items.len()).rev() {
        items.swap(i, below(stream.next_u64(), i + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyed_draw_is_the_sequential_stream_at_that_place() {
        let streams = Streams::new(7);
        let mut s = streams.stream(Purpose::Route, 42);
        for k in 0..100 {
            assert_eq!(s.next_u64(), streams.draw(Purpose::Route, 42, k));
        }
    }

    /// A day in nanoseconds is more than 32 bits hold: what is drawn from it is not cut to them.
    #[test]
    fn numbers_are_drawn_from_64_bits() {
        const DAY: u64 = 86_400_000_000_000;
        assert_eq!(number_below(u64::MAX, DAY), DAY - 1);
        assert_eq!(number_below(1 << 63, DAY), DAY / 2);
        assert_eq!((number_below(0, DAY), number_below(u64::MAX, 1)), (0, 0));
    }

    #[test]
    fn purposes_and_owners_do_not_share_streams() {
        let streams = Streams::new(1);
        let mut seen = std::collections::BTreeSet::new();
        for purpose in [Purpose::Calls, Purpose::Route, Purpose::Connect, Purpose::Uid] {
            for owner in 0..100 {
                assert!(seen.insert(streams.draw(purpose, owner, 0)));
            }
        }
    }
}
