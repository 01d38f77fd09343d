//! Retries of gRPC calls.

use super::Check;
use crate::model::{Codes, Retries, RetryPolicy, RetryThrottling};
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::retry::{CodeFile, RetryFile, ThrottlingFile};
use crate::scenario::quantity::{Duration, Number};
use crate::scenario::rules::Code;
use crate::units::Span;

/// gRFC A6: one attempt is no retry, and what is more is lowered to this.
const ATTEMPTS: (u32, u32) = (2, 5);
/// No more than anybody asks for; gRFC A6 wants it above 0.
const MOST_MULTIPLIER: f64 = 1_000.0;
const LEAST_MULTIPLIER: f64 = 0.001;
/// gRFC A6: delays are uniform in ±20 %.
const JITTER: f64 = 0.2;
/// gRFC A6: at most 1,000 tokens, and thousandths count.
const TOKENS: (f64, f64) = (0.001, 1_000.0);

pub(super) fn retry(cx: &mut Check<'_>, file: Key<RetryFile>) -> Option<Retries> {
    let At { value: RetryFile { max_attempts, initial_backoff, max_backoff, multiplier, codes, throttling }, place } =
        file?;
    let max_attempts = cx.required(max_attempts, "max_attempts", place, WHOSE);
    let max_attempts = cx.count_or(max_attempts, "max_attempts", ATTEMPTS.0, ATTEMPTS.1, ATTEMPTS.0);
    let multiplier = cx.required(multiplier, "multiplier", place, WHOSE);
    let multiplier = multiplier.map_or(1.0, |m| cx.number(&m, "multiplier", LEAST_MULTIPLIER, MOST_MULTIPLIER));
    let policy = RetryPolicy {
        max_attempts,
        initial_backoff: delay(cx, initial_backoff, "initial_backoff", place),
        max_backoff: delay(cx, max_backoff, "max_backoff", place),
        multiplier,
        jitter: JITTER,
        codes: codes_of(cx, codes, place),
    };
    Some(Retries { policy, throttling: throttling.map(|t| throttle(cx, t)), elsewhere: false, unsent_only: false })
}

const WHOSE: &str = "`retry`";

fn delay(cx: &mut Check<'_>, key: Key<Duration>, name: &str, owner: Place) -> Span {
    let key = cx.required(key, name, owner, WHOSE);
    cx.positive(key, name).unwrap_or(Span::from_millis(1))
}

fn codes_of(cx: &mut Check<'_>, key: Key<Vec<At<CodeFile>>>, owner: Place) -> Codes {
    let Some(At { value, place }) = cx.required(key, "codes", owner, WHOSE) else { return Codes::default() };
    if value.is_empty() {
        cx.problem(Code::EmptyList, place, "`codes` is empty, and nothing would be retried");
    }
    for (i, code) in value.iter().enumerate() {
        if value[..i].iter().any(|other| other.value == code.value) {
            cx.problem(Code::NoEffect, code.place, "this code has no effect: it is in the list already");
        }
    }
    let number = |code: &At<CodeFile>| match code.value {
        CodeFile::Unavailable => 14,
        CodeFile::ResourceExhausted => 8,
    };
    Codes::of(&value.iter().map(number).collect::<Vec<u8>>())
}

fn throttle(cx: &mut Check<'_>, At { value, place }: At<ThrottlingFile>) -> RetryThrottling {
    let ThrottlingFile { max_tokens, token_ratio } = value;
    let mut milli = |key: Key<Number>, name: &str| {
        let key = cx.required(key, name, place, "`throttling`");
        let tokens = key.map_or(1.0, |k| cx.number(&k, name, TOKENS.0, TOKENS.1));
        (tokens * 1_000.0).round() as u32
    };
    RetryThrottling { max_milli: milli(max_tokens, "max_tokens"), ratio_milli: milli(token_ratio, "token_ratio") }
}
