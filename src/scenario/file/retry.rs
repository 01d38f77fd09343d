//! Retries of gRPC calls as they are written: a service config's `retryPolicy` and `retryThrottling` in snake case (gRFC A6).

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::{At, Key};
use super::settings::{Word, Written};
use crate::model::{ErrorStatus, RetryPolicy};

/// What a gRPC client does about a failed attempt.
pub(crate) type RetryFile = Written<RetryPolicy, CodesFile>;

/// What is retried.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodesFile {
    #[schemars(length(min = 1))]
    pub codes: Key<Vec<At<Word<ErrorStatus>>>>,
}
