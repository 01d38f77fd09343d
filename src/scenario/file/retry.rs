//! Retries of gRPC calls as they are written: a service config's `retryPolicy` and `retryThrottling` in snake case (gRFC A6).

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::{At, Key};
use crate::scenario::quantity::{Count, Duration, Number};

/// What a gRPC client does about a failed attempt (gRFC A6, retryPolicy). What was never sent is tried again in any case.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryFile {
    /// Attempts in all, the first one included: 2 to 5.
    #[schemars(required)]
    pub max_attempts: Key<Count>,
    /// Mean delay before the first retry; each is uniform in ±20 %.
    #[schemars(required)]
    pub initial_backoff: Key<Duration>,
    /// Largest mean delay.
    #[schemars(required)]
    pub max_backoff: Key<Duration>,
    /// Factor per further retry, above 0.
    #[schemars(required)]
    pub multiplier: Key<Number>,
    /// The failures that are retried, each once.
    #[schemars(required, length(min = 1))]
    pub codes: Key<Vec<At<CodeFile>>>,
    /// Stops retries while many attempts fail. Default: none.
    pub throttling: Key<ThrottlingFile>,
}

/// A failure that can be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CodeFile {
    /// The connection died, or there was none to be had.
    Unavailable,
    /// The pod's queue was full.
    ResourceExhausted,
}

/// Stops retries while many attempts fail (gRFC A6, retryThrottling): a bucket of tokens per channel. A failed attempt takes one
/// out, and nothing is retried while the bucket is not more than half full.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThrottlingFile {
    /// Tokens that the bucket holds, and starts with: above 0, at most 1000.
    #[schemars(required)]
    pub max_tokens: Key<Number>,
    /// Tokens that a success puts back: above 0, thousandths count.
    #[schemars(required)]
    pub token_ratio: Key<Number>,
}
