//! What becomes of a failed attempt: gRPC's transparent retries, `retryPolicy` and `retryThrottling` (gRFC A6; grpc-go
//! `csAttempt.shouldRetry` in `stream.go` and `retryThrottler` in `clientconn.go`).
//!
//! Modelled: all of it but hedging, server pushback, and the buffer for requests that may have to be sent again.

use crate::model::{RetryPolicy, RetryThrottling};
use crate::policy::backoff::jittered;
use crate::units::Span;

/// gRFC A6: more attempts are lowered to this (`MaxRetryAttempts`).
const MOST_ATTEMPTS: u32 = 5;

/// How far a failed attempt got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// It never left the client: the connection closed or drained first, or it waited for a stream.
    Nothing,
    /// The server did not process it: REFUSED_STREAM, or its stream is above the last one of a GOAWAY.
    Unprocessed,
    /// It failed before response headers, or with trailers only.
    NoHeaders,
    /// Response headers were read: the call is committed.
    Headers,
}

/// A failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How far it got.
    pub reached: Reached,
    /// Its gRPC status code.
    pub code: u8,
    /// Attempts so far, this one included, transparent ones not; at least 1.
    pub attempts: u32,
    /// It was the very first attempt of the call: no transparent retry came before it either.
    pub first: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A new pick at once, which does not count as an attempt.
    Transparent,
    /// A new pick after this delay, which counts.
    After(Span),
    /// The call fails with the attempt's status.
    Fail,
}

/// The next step after `failure`. `policy` and `throttle` are the channel's, if it has them; a failure with a retryable code
/// costs a token, whether the retry is allowed or not. `draw` jitters the delay.
#[must_use]
pub fn next(policy: Option<&RetryPolicy>, throttle: Option<&mut Throttle>, failure: Failure, draw: u64) -> Next {
    match failure.reached {
        Reached::Nothing => return Next::Transparent,
        Reached::Unprocessed if failure.first => return Next::Transparent,
        Reached::Headers => return Next::Fail,
        Reached::Unprocessed | Reached::NoHeaders => {}
    }
    let Some(policy) = policy.filter(|p| p.codes.contains(failure.code)) else {
        return Next::Fail;
    };
    let throttled = throttle.is_some_and(|t| !t.failed());
    if throttled || failure.attempts >= policy.max_attempts.min(MOST_ATTEMPTS) {
        return Next::Fail;
    }
    Next::After(delay(policy, failure.attempts, draw))
}

/// The delay before the `retry`-th retry (from 1): `min(initial * multiplier^(retry-1), max)`, times a draw in `1 ± jitter`.
#[must_use]
pub fn delay(policy: &RetryPolicy, retry: u32, draw: u64) -> Span {
    let power = libm::pow(policy.multiplier, f64::from(retry.saturating_sub(1)));
    let plain = (policy.initial_backoff.as_secs_f64() * power).min(policy.max_backoff.as_secs_f64());
    Span::from_secs_f64(plain * jittered(policy.jitter, draw))
}

/// The bucket of `retryThrottling`, in thousandths of a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throttle {
    settings: RetryThrottling,
    milli: u32,
}

impl Throttle {
    /// A full bucket.
    #[must_use]
    pub fn new(settings: RetryThrottling) -> Throttle {
        Throttle { settings, milli: settings.max_tokens.0 }
    }

    /// A call succeeded.
    pub fn succeeded(&mut self) {
        self.milli = self.milli.saturating_add(self.settings.token_ratio.0).min(self.settings.max_tokens.0);
    }

    /// An attempt failed with a retryable code. Returns whether it may be retried: there are more than half of the tokens.
    #[must_use]
    pub fn failed(&mut self) -> bool {
        self.milli = self.milli.saturating_sub(1_000);
        self.milli > self.settings.max_tokens.0 / 2
    }

    /// Tokens, in thousandths.
    #[must_use]
    pub fn milli(&self) -> u32 {
        self.milli
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Codes;
    use crate::units::Milli;

    const MIDDLE: u64 = 1 << 63;
    const UNAVAILABLE: u8 = 14;

    /// The example of gRFC A6, with `UNAVAILABLE`.
    fn a6() -> RetryPolicy {
        RetryPolicy {
            max_attempts: 4,
            initial_backoff: Span::from_millis(100),
            max_backoff: Span::from_secs(1),
            multiplier: 2.0,
            codes: Codes::of(&[UNAVAILABLE]),
            ..RetryPolicy::default()
        }
    }

    fn failed(reached: Reached, attempts: u32) -> Failure {
        Failure { reached, code: UNAVAILABLE, attempts, first: attempts == 1 }
    }

    #[test]
    fn what_never_left_is_retried_without_limit_and_what_was_not_processed_once() {
        for attempts in [1, 5, 100] {
            assert_eq!(next(None, None, failed(Reached::Nothing, attempts), 0), Next::Transparent);
        }
        assert_eq!(next(None, None, failed(Reached::Unprocessed, 1), 0), Next::Transparent);
        assert_eq!(next(None, None, Failure { first: false, ..failed(Reached::Unprocessed, 1) }, 0), Next::Fail);
    }

    #[test]
    fn only_retryable_codes_before_headers_are_retried_up_to_the_attempts() {
        let policy = a6();
        assert_eq!(next(None, None, failed(Reached::NoHeaders, 1), 0), Next::Fail);
        assert_eq!(next(Some(&policy), None, failed(Reached::Headers, 1), 0), Next::Fail);
        assert_eq!(next(Some(&policy), None, Failure { code: 4, ..failed(Reached::NoHeaders, 1) }, 0), Next::Fail);
        let delays: Vec<Next> =
            (1..=4).map(|n| next(Some(&policy), None, failed(Reached::NoHeaders, n), MIDDLE)).collect();
        let ms = |ms| Next::After(Span::from_millis(ms));
        assert_eq!(delays, [ms(100), ms(200), ms(400), Next::Fail]);
        let many = RetryPolicy { max_attempts: 50, ..policy };
        assert_eq!(next(Some(&many), None, failed(Reached::NoHeaders, 5), 0), Next::Fail);
        assert_eq!(delay(&policy, 5, MIDDLE), Span::from_secs(1));
        assert_eq!(delay(&policy, 1, 0), Span::from_millis(80));
    }

    /// gRFC A6's example: 10 tokens, 0.1 per success. Five failures in a row stop retries; 10 successes pay for one failure.
    #[test]
    fn tokens_run_out_at_half() {
        let mut t = Throttle::new(RetryThrottling { max_tokens: Milli(10_000), token_ratio: Milli(100) });
        assert_eq!((1..=6).map(|_| t.failed()).collect::<Vec<_>>(), [true, true, true, true, false, false]);
        assert_eq!(t.milli(), 4_000);
        (0..20).for_each(|_| t.succeeded());
        assert!(!t.failed(), "6 tokens, 5 after the failure");
        (0..11).for_each(|_| t.succeeded());
        assert!(t.failed(), "6.1 tokens, 5.1 after the failure");
        assert_eq!(t.milli(), 5_100);
    }

    #[test]
    fn a_failure_costs_a_token_even_when_attempts_are_used_up() {
        let mut t = Throttle::new(RetryThrottling { max_tokens: Milli(10_000), token_ratio: Milli(100) });
        assert_eq!(next(Some(&a6()), Some(&mut t), failed(Reached::NoHeaders, 4), 0), Next::Fail);
        assert_eq!(t.milli(), 9_000);
        let other = Failure { code: 4, ..failed(Reached::NoHeaders, 1) };
        assert_eq!(next(Some(&a6()), Some(&mut t), other, 0), Next::Fail);
        assert_eq!(t.milli(), 9_000);
    }
}
