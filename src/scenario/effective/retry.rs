//! The values in force of retries.

use super::{Rows, Scope};
use crate::model::{Codes, Retries, RetryPolicy, RetryThrottling};

pub(super) fn retry(rows: &mut Rows<'_>, at: &Scope, retry: Option<&Retries>) {
    let Some(Retries { policy, throttling, elsewhere: _, unsent_only: _ }) = retry else {
        return rows.put(at, "retry", "none".into());
    };
    let at = at.key("retry");
    let RetryPolicy { max_attempts, initial_backoff, max_backoff, multiplier, jitter: _, codes } = policy;
    rows.put(&at, "max_attempts", max_attempts.to_string());
    rows.put(&at, "initial_backoff", initial_backoff.to_string());
    rows.put(&at, "max_backoff", max_backoff.to_string());
    rows.put(&at, "multiplier", multiplier.to_string());
    rows.put(&at, "codes", names(*codes));
    match throttling {
        None => rows.put(&at, "throttling", "none".into()),
        Some(RetryThrottling { max_milli, ratio_milli }) => {
            let tokens = |milli: &u32| (f64::from(*milli) / 1_000.0).to_string();
            let at = at.key("throttling");
            rows.put(&at, "max_tokens", tokens(max_milli));
            rows.put(&at, "token_ratio", tokens(ratio_milli));
        }
    }
}

fn names(codes: Codes) -> String {
    let known = [(8, "RESOURCE_EXHAUSTED"), (14, "UNAVAILABLE")];
    let names: Vec<&str> = known.iter().filter(|(code, _)| codes.contains(*code)).map(|k| k.1).collect();
    format!("[{}]", names.join(", "))
}
