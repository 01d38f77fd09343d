//! Retries and the limits on them: gRPC's (gRFC A6), Linkerd's and Envoy's.

use crate::units::Span;

/// `retryPolicy` of a gRPC service config.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Attempts in all, 2 to 5 (gRPC lowers what is more).
    pub max_attempts: u32,
    /// Mean delay before the first retry, above zero.
    pub initial_backoff: Span,
    /// Largest mean delay, above zero.
    pub max_backoff: Span,
    /// Factor per further retry, above zero.
    pub multiplier: f64,
    /// Each delay is uniform in the mean times `1 ± jitter`, 0 to 1: gRPC 0.2; Envoy 1.
    pub jitter: f64,
    /// Which failures are retried.
    pub codes: Codes,
}

/// What a gRPC client does about failed attempts, from its service config.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retries {
    /// Its `retryPolicy`.
    pub policy: RetryPolicy,
    /// Its `retryThrottling`. `None`: retries are not throttled.
    pub throttling: Option<RetryThrottling>,
    /// A retry avoids the host of the attempt before it, as far as a few more picks let it (Envoy's `previous_hosts`).
    pub elsewhere: bool,
    /// Only what was never sent is tried again (NGINX, HAProxy).
    pub unsent_only: bool,
}

/// A set of gRPC status codes (`doc/statuscodes.md`), bit `i` for code `i`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Codes(pub u32);

impl Codes {
    /// The set of these codes, each 0 to 16.
    #[must_use]
    pub fn of(codes: &[u8]) -> Codes {
        Codes(codes.iter().fold(0, |set, c| set | 1 << (c & 31)))
    }

    /// Whether `code` is in the set.
    #[must_use]
    pub fn contains(self, code: u8) -> bool {
        self.0 >> (code & 31) & 1 == 1
    }
}

/// `retryThrottling` of a gRPC service config: a bucket of tokens per channel and server name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryThrottling {
    /// Tokens that the bucket holds, and starts with, in thousandths; 1 to 1,000,000.
    pub max_milli: u32,
    /// Tokens that a success puts back, in thousandths, above zero.
    pub ratio_milli: u32,
}

/// Linkerd's retry budget: retries as a share of requests over a window, with a floor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryBudget {
    /// Retries per request, above 0, at most 1,000.
    pub ratio: f64,
    /// Retries per second that are always allowed.
    pub min_per_s: u32,
    /// The window, at least 1 s.
    pub ttl: Span,
}

/// Limits of an Envoy cluster for one priority, shared by all workers (`circuit_breaker.proto`). There is none of connections: a
/// host without one always gets one, and more than one per worker and host are not modelled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Breakers {
    /// Requests that wait for a connection.
    pub pending: u32,
    /// Requests under way.
    pub requests: u32,
    /// Retries under way.
    pub retries: RetryLimit,
}

/// How Envoy limits retries that are under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RetryLimit {
    /// So many.
    Count(u32),
    /// A share of the requests that are under way or wait, but at least some.
    Budget {
        /// The share in percent, 0 to 100.
        percent: f64,
        /// Always allowed.
        min: u32,
    },
}
