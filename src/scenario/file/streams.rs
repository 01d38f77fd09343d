//! Long-lived streams, as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::Key;
use super::law::LawFile;
use crate::scenario::quantity::{Duration, Number};

/// Streams that stay open for long. One that is cut is opened again at once.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamsFile {
    /// Streams that begin per second over all replicas, as a Poisson process.
    #[schemars(required)]
    pub rate: Key<Number>,
    /// From the application's opening of a stream to its end; a cut in between does not prolong it.
    #[schemars(required)]
    pub duration: Key<LawFile>,
    /// What clients send on their streams. Default: nothing.
    pub messages: Key<MessagesFile>,
}

/// Messages from the client to the pod.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessagesFile {
    /// From one message of a stream to the next, at least 100us. Each costs the pod one service time.
    #[schemars(required)]
    pub interval: Key<Duration>,
}
