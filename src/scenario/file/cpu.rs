//! The processor of a pod, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::Key;
use crate::scenario::quantity::Cores;

/// The processor of a pod: what its requests in service share. Their service time is CPU time then.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CpuFile {
    /// Cores that the requests in service share equally (processor sharing). Default: one for each, so that a slot is a slot.
    pub cores: Key<Cores>,
    /// The CPU limit (resources.limits.cpu): once that much of each period of 100 ms is used up, nothing goes on until the next.
    /// Default: none.
    pub limit: Key<Cores>,
}
