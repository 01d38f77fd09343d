//! Why calls fail.

use super::observation::Status;
use crate::model::ErrorStatus;

/// Why a call failed. It decides the gRPC status; the status alone does not tell a refused dial from a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FailureReason {
    /// The deadline passed first.
    Deadline,
    /// The pod's queue was full.
    QueueFull,
    /// A circuit breaker of the caller's proxy refused it.
    CircuitBreaker,
    /// Outlier detection had ejected all hosts.
    NoHealthyHost,
    /// The Service had no endpoint, or its name no address.
    NoEndpoint,
    /// Nobody listened at the address that was dialled.
    DialRefused,
    /// The dial got no answer in time.
    DialTimeout,
    /// The pod's process ended, and reset the connection.
    Reset,
    /// The pod closed the connection at the end of MaxConnectionAgeGrace.
    GraceOver,
    /// The client closed the connection: its keepalive ping got no answer.
    KeepaliveTimeout,
    /// The client's kernel gave the connection up: nothing was acknowledged.
    TcpTimeout,
    /// The pod closed the connection: the client's keepalive pings came too often.
    TooManyPings,
    /// The caller itself stopped.
    CallerStopped,
    /// The pod answered `UNAVAILABLE` (the timeline's `errors`).
    AnsweredUnavailable,
    /// The pod answered `INTERNAL`.
    AnsweredInternal,
    /// The pod answered `UNKNOWN`.
    AnsweredUnknown,
    /// The pod answered `RESOURCE_EXHAUSTED`.
    AnsweredResourceExhausted,
}

impl From<ErrorStatus> for FailureReason {
    fn from(status: ErrorStatus) -> FailureReason {
        match status {
            ErrorStatus::Unavailable => FailureReason::AnsweredUnavailable,
            ErrorStatus::Internal => FailureReason::AnsweredInternal,
            ErrorStatus::Unknown => FailureReason::AnsweredUnknown,
            ErrorStatus::ResourceExhausted => FailureReason::AnsweredResourceExhausted,
        }
    }
}

impl FailureReason {
    /// The `reason` of `failures` and what it means, in order.
    pub const NAMES: [(&str, &str); 17] = [
        ("deadline", "deadline passed"),
        ("queue_full", "refused by a full queue"),
        ("circuit_breaker", "refused by a circuit breaker"),
        ("no_healthy_host", "all hosts ejected"),
        ("no_endpoint", "no endpoint"),
        ("dial_refused", "dial refused"),
        ("dial_timeout", "dial timed out"),
        ("reset", "connection reset"),
        ("grace_over", "cut at the end of max_connection_age_grace"),
        ("keepalive_timeout", "keepalive timed out"),
        ("tcp_timeout", "TCP gave up"),
        ("too_many_pings", "too_many_pings"),
        ("caller_stopped", "caller stopped"),
        ("answered_unavailable", "answered UNAVAILABLE"),
        ("answered_internal", "answered INTERNAL"),
        ("answered_unknown", "answered UNKNOWN"),
        ("answered_resource_exhausted", "answered RESOURCE_EXHAUSTED"),
    ];

    /// All of them, in order.
    pub const ALL: [FailureReason; 17] = [
        FailureReason::Deadline,
        FailureReason::QueueFull,
        FailureReason::CircuitBreaker,
        FailureReason::NoHealthyHost,
        FailureReason::NoEndpoint,
        FailureReason::DialRefused,
        FailureReason::DialTimeout,
        FailureReason::Reset,
        FailureReason::GraceOver,
        FailureReason::KeepaliveTimeout,
        FailureReason::TcpTimeout,
        FailureReason::TooManyPings,
        FailureReason::CallerStopped,
        FailureReason::AnsweredUnavailable,
        FailureReason::AnsweredInternal,
        FailureReason::AnsweredUnknown,
        FailureReason::AnsweredResourceExhausted,
    ];

    /// The word in `summary.json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        FailureReason::NAMES[self as usize].0
    }

    /// The status with which the call ends.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            FailureReason::Deadline => Status::DeadlineExceeded,
            FailureReason::QueueFull | FailureReason::AnsweredResourceExhausted => Status::ResourceExhausted,
            FailureReason::AnsweredInternal => Status::Internal,
            FailureReason::AnsweredUnknown => Status::Unknown,
            _ => Status::Unavailable,
        }
    }

    /// True if a pod said so in an answer: the caller has headers of it, and its connection is as good as before.
    #[must_use]
    pub fn is_answer(self) -> bool {
        use FailureReason::{
            AnsweredInternal, AnsweredResourceExhausted, AnsweredUnavailable, AnsweredUnknown, QueueFull,
        };
        matches!(self, QueueFull | AnsweredUnavailable | AnsweredInternal | AnsweredUnknown | AnsweredResourceExhausted)
    }
}
