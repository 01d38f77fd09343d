//! What the instruments of a process count.

use std::ops::Range;

use crate::sim::observation::{CloseReason, Handled, Periods, Status};
use crate::units::{Span, Time};

/// Upper ends of all buckets of [`Durations`], in nanoseconds. From gRFC A66 (`A66-otel-stats.md`, "Latency buckets"), and 2.5 s, which only
/// go-grpc-middleware's default buckets have (client_golang's `DefBuckets`).
pub const ENDS_NS: [u64; 42] = [
    0,
    10_000,
    50_000,
    100_000,
    300_000,
    600_000,
    800_000,
    1_000_000,
    2_000_000,
    3_000_000,
    4_000_000,
    5_000_000,
    6_000_000,
    8_000_000,
    10_000_000,
    13_000_000,
    16_000_000,
    20_000_000,
    25_000_000,
    30_000_000,
    40_000_000,
    50_000_000,
    65_000_000,
    80_000_000,
    100_000_000,
    130_000_000,
    160_000_000,
    200_000_000,
    250_000_000,
    300_000_000,
    400_000_000,
    500_000_000,
    650_000_000,
    800_000_000,
    1_000_000_000,
    2_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
    20_000_000_000,
    50_000_000_000,
    100_000_000_000,
];

/// A histogram over [`ENDS_NS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durations {
    /// Values in each bucket alone; the last one is of those above all ends.
    buckets: [u64; ENDS_NS.len() + 1],
    /// Of all values, in nanoseconds.
    pub sum_ns: u128,
}

impl Default for Durations {
    fn default() -> Self {
        Durations { buckets: [0; ENDS_NS.len() + 1], sum_ns: 0 }
    }
}

impl Durations {
    pub(super) fn record(&mut self, value: Span) {
        self.buckets[ENDS_NS.partition_point(|end| *end < value.0)] += 1;
        self.sum_ns += u128::from(value.0);
    }

    /// Adds all values of another one.
    pub fn add(&mut self, other: &Durations) {
        self.buckets.iter_mut().zip(other.buckets).for_each(|(mine, theirs)| *mine += theirs);
        self.sum_ns += other.sum_ns;
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// For each end: its number of nanoseconds, and how many values are at most that.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        ENDS_NS.into_iter().zip(self.buckets).scan(0, |below, (end, n)| {
            *below += n;
            Some((end, *below))
        })
    }
}

/// With which gRPC status a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// Without an error.
    Ok,
    /// Its caller went away.
    Cancelled,
    /// Its deadline passed.
    DeadlineExceeded,
    /// The pod answered so.
    Internal,
    /// A queue was full, or the pod answered so.
    ResourceExhausted,
    /// A connection broke, or there was none, or the pod answered so.
    Unavailable,
    /// The pod answered so.
    Unknown,
}

impl Code {
    /// As `codes.Code.String()` of grpc-go writes it, which go-grpc-middleware takes for `grpc_code`.
    #[must_use]
    pub fn go_name(self) -> &'static str {
        match self {
            Code::Ok => "OK",
            Code::Cancelled => "Canceled",
            Code::DeadlineExceeded => "DeadlineExceeded",
            Code::Internal => "Internal",
            Code::ResourceExhausted => "ResourceExhausted",
            Code::Unavailable => "Unavailable",
            Code::Unknown => "Unknown",
        }
    }

    /// As `doc/statuscodes.md` of gRPC writes it, which gRFC A66 takes for `grpc.status`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Code::Ok => "OK",
            Code::Cancelled => "CANCELLED",
            Code::DeadlineExceeded => Status::DeadlineExceeded.name(),
            Code::Internal => Status::Internal.name(),
            Code::ResourceExhausted => Status::ResourceExhausted.name(),
            Code::Unavailable => Status::Unavailable.name(),
            Code::Unknown => Status::Unknown.name(),
        }
    }
}

impl From<Handled> for Code {
    fn from(how: Handled) -> Code {
        match how {
            Handled::Served => Code::Ok,
            Handled::Answered(why) => why.status().into(),
            Handled::Refused => Code::ResourceExhausted,
            Handled::Expired => Code::DeadlineExceeded,
            Handled::Cancelled => Code::Cancelled,
        }
    }
}

impl From<Status> for Code {
    fn from(status: Status) -> Code {
        match status {
            Status::DeadlineExceeded => Code::DeadlineExceeded,
            Status::Internal => Code::Internal,
            Status::ResourceExhausted => Code::ResourceExhausted,
            Status::Unavailable => Code::Unavailable,
            Status::Unknown => Code::Unknown,
        }
    }
}

/// Calls of one method, as a process sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Begun.
    pub started: u64,
    /// Messages received on streams.
    pub messages: u64,
    /// How long they took, by how they ended, in order; none of those that did not occur.
    pub handled: Vec<(Code, Durations)>,
}

impl Calls {
    pub(super) fn ended(&mut self, code: Code, took: Span) {
        let at = match self.handled.binary_search_by_key(&code, |h| h.0) {
            Ok(at) => at,
            Err(at) => {
                self.handled.insert(at, (code, Durations::default()));
                at
            }
        };
        self.handled[at].1.record(took);
    }

    fn numbers(&self) -> usize {
        2 + self.handled.len() * (ENDS_NS.len() + 3)
    }
}

/// What is read of a pod: of its process since that started, and of the pod now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodMeter {
    /// By [`super::Method`].
    pub calls: Vec<Calls>,
    /// Requests received, and messages of streams, whatever the protocol.
    pub requests: u64,
    /// Slot-time used; of a server with `cpu`, the service time that its CPU time is the `share` of.
    pub busy: Span,
    /// Periods of its CPU limit.
    pub periods: Periods,
    /// Established and not draining.
    pub connections: u32,
    /// Requests that wait in it.
    pub queued: u32,
    /// Ready.
    pub ready: bool,
}

/// What is read of the processes of a client Deployment together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientMeter {
    /// By [`super::Method`].
    pub calls: Vec<Calls>,
    /// Connections that its channels may use.
    pub open: u64,
    /// Dials that came to a connection.
    pub connected: u64,
    /// Dials that did not.
    pub refused: u64,
    /// Connections lost, by [`Disconnect`].
    pub lost: [u64; Disconnect::ALL.len()],
}

/// What the Deployment controller says of a Deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeploymentMeter {
    /// Pods wanted.
    pub wanted: u32,
    /// Pods that are Ready, and not to be deleted.
    pub ready: u32,
    /// Those that have been Ready for `min_ready`.
    pub available: u32,
}

/// A meter, and how much memory it takes.
pub trait Meter {
    /// How many numbers it has.
    fn numbers(&self) -> usize;
}

impl Meter for PodMeter {
    fn numbers(&self) -> usize {
        8 + self.calls.iter().map(Calls::numbers).sum::<usize>()
    }
}

impl Meter for ClientMeter {
    fn numbers(&self) -> usize {
        7 + self.calls.iter().map(Calls::numbers).sum::<usize>()
    }
}

impl Meter for DeploymentMeter {
    fn numbers(&self) -> usize {
        3
    }
}

/// Values of `grpc.disconnect_error` (gRFC A94) that the simulator knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disconnect {
    /// "GOAWAY NO_ERROR".
    GoAway,
    /// "GOAWAY ENHANCE_YOUR_CALM".
    TooManyPings,
    /// "subchannel shutdown".
    Shutdown,
    /// "connection reset".
    Reset,
    /// "connection timed out", keepalive's among them.
    TimedOut,
}

impl Disconnect {
    /// All of them, in order.
    pub const ALL: [Disconnect; 5] =
        [Disconnect::GoAway, Disconnect::TooManyPings, Disconnect::Shutdown, Disconnect::Reset, Disconnect::TimedOut];

    /// The words of gRFC A94.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Disconnect::GoAway => "GOAWAY NO_ERROR",
            Disconnect::TooManyPings => "GOAWAY ENHANCE_YOUR_CALM",
            Disconnect::Shutdown => "subchannel shutdown",
            Disconnect::Reset => "connection reset",
            Disconnect::TimedOut => "connection timed out",
        }
    }
}

impl From<CloseReason> for Disconnect {
    fn from(reason: CloseReason) -> Disconnect {
        match reason {
            CloseReason::MaxAge | CloseReason::MaxIdle | CloseReason::Shutdown | CloseReason::MaxRequests => {
                Disconnect::GoAway
            }
            CloseReason::TooManyPings => Disconnect::TooManyPings,
            CloseReason::Killed | CloseReason::Refused => Disconnect::Reset,
            CloseReason::KeepaliveTimeout | CloseReason::TcpTimeout | CloseReason::DialTimeout => Disconnect::TimedOut,
            CloseReason::AddressRemoved
            | CloseReason::ClientLifetime
            | CloseReason::ClientIdle
            | CloseReason::ClientStopped
            | CloseReason::PerRequest
            | CloseReason::Superseded
            | CloseReason::Ejected => Disconnect::Shutdown,
        }
    }
}

/// What was read of something, in order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Series<M>(Vec<(u64, M)>);

impl<M> Default for Series<M> {
    fn default() -> Self {
        Series(Vec::new())
    }
}

impl<M: Meter + Clone> Series<M> {
    /// Reads `meter`. Prometheus keeps milliseconds: of two readings in one, the later counts. Returns how many numbers came in addition.
    pub(super) fn read(&mut self, at: Time, meter: &M) -> usize {
        let ms = at.0 / 1_000_000;
        let before = self.0.pop_if(|last| last.0 >= ms).map_or(0, |last| last.1.numbers());
        self.0.push((ms, meter.clone()));
        meter.numbers().saturating_sub(before)
    }
}

impl<M> Series<M> {
    /// Milliseconds since the start of the run, and what was read then.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &M)> {
        self.0.iter().map(|(ms, meter)| (*ms, meter))
    }

    /// What was read last.
    #[must_use]
    pub fn last(&self) -> Option<&M> {
        self.0.last().map(|(_, meter)| meter)
    }

    /// From the first reading to the last, in milliseconds.
    #[must_use]
    pub fn reach(&self) -> Range<u64> {
        let ms = |reading: Option<&(u64, M)>| reading.map_or(0, |r| r.0);
        ms(self.0.first())..ms(self.0.last())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_in_the_bucket_whose_end_it_does_not_exceed() {
        let mut durations = Durations::default();
        for ns in [0, 1, 10_000, 10_001, 100_000_000_000, 100_000_000_001] {
            durations.record(Span(ns));
        }
        let below: Vec<(u64, u64)> = durations.cumulative().collect();
        assert_eq!(below[..3], [(0, 1), (10_000, 3), (50_000, 4)]);
        assert_eq!(below.last(), Some(&(100_000_000_000, 5)), "one is above all ends");
        assert_eq!((durations.count(), durations.sum_ns), (6, 200_000_020_003));
    }

    #[test]
    fn of_two_readings_in_one_millisecond_the_later_counts() {
        let mut series = Series::default();
        let meter = |wanted| DeploymentMeter { wanted, ..DeploymentMeter::default() };
        let numbers: Vec<usize> =
            [(0, 1), (999_999, 2), (1_000_000, 3)].map(|(at, n)| series.read(Time(at), &meter(n))).to_vec();
        assert_eq!(series.iter().map(|(ms, m)| (ms, m.wanted)).collect::<Vec<_>>(), [(0, 2), (1, 3)]);
        assert_eq!(numbers, [3, 0, 3]);
    }
}
