//! Load-balancing policies: how connections are made and picked.

use super::Weighing;
use crate::units::Span;

/// The load-balancing policy of a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Policy {
    /// One connection per channel.
    PickFirst {
        /// After losing its connection: at the next call (as the specification has it) or at once (grpc-go before 1.41).
        reconnect: Reconnect,
        /// Shuffle the addresses of each answer (gRFC A62).
        shuffle: bool,
    },
    /// One connection per address, calls in rotation.
    RoundRobin {
        /// Where a rebuilt picker starts, and in which order it goes.
        start: RotationStart,
    },
    /// One connection per address, each call on a random one.
    Random,
    /// One connection per address, each call on the least busy of a few drawn with replacement (gRFC A48, Envoy).
    LeastRequest {
        /// How many are drawn, 2 to 10.
        choice_count: u32,
    },
    /// One connection per address, each call on the better of two different ones by a peak-sensitive moving average of their
    /// response times, times what is outstanding (tower, Linkerd).
    PeakEwma {
        /// What is assumed of an endpoint that has not answered yet.
        default_rtt: Span,
        /// How fast a peak is forgotten: the time constant.
        decay: Span,
    },
    /// One connection per address, calls in proportion to weights that the servers' load reports (ORCA) give (gRFC A58).
    WeightedRoundRobin(Weighing),
    /// Each call to the endpoint that follows its key's hash on a ring (gRFC A42, Envoy).
    RingHash {
        /// Points on the ring: at least.
        min: u64,
        /// And at most.
        max: u64,
    },
    /// Each call to the endpoint that its key's hash has in a table (Envoy).
    Maglev {
        /// Entries of the table, a prime number.
        table: usize,
    },
    /// Each call to a server by the calls under way on each, in a way of a certain proxy.
    Counted(Counting),
}

/// How NGINX and HAProxy choose by the calls under way, which they count themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// `least_conn`.
    NginxLeastConn,
    /// `random two`.
    NginxRandomTwo,
    /// `balance leastconn`.
    HaproxyLeastConn {
        /// Of each server, 1 to 256.
        weight: u32,
    },
    /// `balance random`.
    HaproxyRandom {
        /// Of each server, 1 to 256.
        weight: u32,
    },
}

impl Policy {
    /// True for the policy that has one connection, whatever the number of addresses.
    #[must_use]
    pub fn is_pick_first(self) -> bool {
        matches!(self, Policy::PickFirst { .. })
    }

    /// True for the policies that go by a call's key.
    #[must_use]
    pub fn hashes(self) -> bool {
        matches!(self, Policy::RingHash { .. } | Policy::Maglev { .. })
    }

    /// True if a pick needs to know nothing but whose turn it is.
    #[inline]
    #[must_use]
    pub fn goes_in_turn(self) -> bool {
        matches!(self, Policy::PickFirst { .. } | Policy::RoundRobin { .. })
    }
}

/// When pick_first reconnects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconnect {
    /// At the next call.
    Lazy,
    /// At once.
    Eager,
}

/// Where a rebuilt round_robin picker starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationStart {
    /// Random start, random order (grpc-go).
    RandomOrder,
    /// Random start, order of the address list (C-core).
    Random,
    /// Always the first address (grpc-java before 1.23, grpc/grpc-java#4462).
    First,
    /// A counter that begins anywhere and goes on over all pickers, modulo the length of the list (grpc-java, Envoy).
    Continue,
    /// The connection that would have been next, if it is still listed, else the first; in the order of the answer, which begins
    /// anywhere (grpc-js).
    NextSubchannel,
}

impl RotationStart {
    /// True if connections are in the order of the resolver's answer.
    #[must_use]
    pub fn goes_by_answer(self) -> bool {
        matches!(self, RotationStart::Continue | RotationStart::NextSubchannel)
    }
}
