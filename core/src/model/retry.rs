//! Retries and the limits on them: gRPC's (gRFC A6), Linkerd's and Envoy's.

use crate::settings::{ABOVE_ZERO, OWN, Own, Words, count, group, number};
use crate::units::{Milli, Span};
use crate::{settings, word_enum};

settings! {
    /// What a gRPC client does about a failed attempt (gRFC A6, retryPolicy). What was never sent is tried again in any case.
    pub struct RetryPolicy {
        /// Attempts in all, the first one included: gRPC lowers what is more than 5.
        max_attempts: u32 [count(2, 5).required()] = 2;
        /// Mean delay before the first retry; each is uniform in ±20 %.
        initial_backoff: Span [ABOVE_ZERO.required()] = Span::from_millis(1);
        /// Largest mean delay.
        max_backoff: Span [ABOVE_ZERO.required()] = Span::from_millis(1);
        /// Factor per further retry.
        multiplier: f64 [number(0.001, 1_000.0).required()] = 1.0;
        /// The failures that are retried, each once.
        codes: Codes [OWN.required()] = Codes(0);
        /// Stops retries while many attempts fail.
        throttling: Option<RetryThrottling> [group::<RetryThrottling>()] = None;
    } with {
        /// Each delay is uniform in the mean times `1 ± jitter`, 0 to 1: gRPC 0.2 (gRFC A6); Envoy 1.
        jitter: f64 = 0.2;
        /// A retry avoids the host of the attempt before it, as far as a few more picks let it (Envoy's `previous_hosts`).
        elsewhere: bool = false;
        /// Only what was never sent is tried again (NGINX, HAProxy).
        unsent_only: bool = false;
    }
}

settings! {
    /// Stops retries while many attempts fail (gRFC A6, retryThrottling): a bucket of tokens per channel. A failed attempt takes one
    /// out, and nothing is retried while the bucket is not more than half full.
    pub struct RetryThrottling {
        /// Tokens that the bucket holds, and starts with; thousandths count.
        max_tokens: Milli [number(0.001, 1_000.0).required()] = Milli(1_000);
        /// Tokens that a success puts back; thousandths count.
        token_ratio: Milli [number(0.001, 1_000.0).required()] = Milli(1_000);
    }
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

word_enum! {
    /// The gRPC status of a failure (`doc/statuscodes.md`) that pods answer, and clients try again. Proxies that judge by HTTP status take them for 503,
    /// 500, 500 and 429.
    pub enum ErrorStatus {
        /// The connection died, there was none to be had, or the pod answered so.
        Unavailable = "UNAVAILABLE",
        /// The pod answered so: something is broken.
        Internal = "INTERNAL",
        /// The pod answered so: a handler's error has no status.
        Unknown = "UNKNOWN",
        /// The pod's queue was full, or it answered so.
        ResourceExhausted = "RESOURCE_EXHAUSTED",
    }
}

impl ErrorStatus {
    /// Its number (`doc/statuscodes.md`).
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            ErrorStatus::Unavailable => 14,
            ErrorStatus::Internal => 13,
            ErrorStatus::Unknown => 2,
            ErrorStatus::ResourceExhausted => 8,
        }
    }
}

impl Own for Codes {
    fn rows(&self) -> Vec<(String, String)> {
        let mut known: Vec<ErrorStatus> = ErrorStatus::ALL.to_vec();
        known.sort_by_key(|code| code.number());
        let words: Vec<&str> = known.into_iter().filter(|c| self.contains(c.number())).map(Words::word).collect();
        vec![(String::new(), format!("[{}]", words.join(", ")))]
    }
}

settings! {
    /// Envoy's circuit breakers for one priority, shared by its workers (circuit_breaker.proto). There is none of connections: a host without
    /// one always gets one, and more than one per worker and host are not modelled.
    pub struct Breakers {
        /// Requests under way; more fail with UNAVAILABLE.
        max_requests: u32 [count(1, u32::MAX as u64)] = 1_024;
        /// Requests that wait for a connection; more fail with UNAVAILABLE.
        max_pending_requests: u32 [count(1, u32::MAX as u64)] = 1_024;
    } with {
        /// Retries under way.
        retries: RetryLimit = RetryLimit::Count(3);
    }
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
