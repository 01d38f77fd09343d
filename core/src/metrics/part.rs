//! Figures of a part of a run, for expectations that are about a part.

use super::outcome::{Latency, SkewFigures};

/// What can be asked of a part of a run; the paths are those of the summary.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, schemars::JsonSchema))]
pub struct Part {
    /// How uneven the load was of the pods that were Ready, in requests per second of being so.
    pub skew: SkewFigures,
    /// Calls that ended in it.
    pub requests: PartRequests,
    /// Part of these that failed; `None` if none ended.
    pub error_ratio: Option<f64>,
    /// Latency of the calls that were answered in it.
    pub latency_ms: Latency,
    /// The busiest pod's utilization, of those that were Ready in some whole window of it.
    pub max_utilization: Option<f64>,
}

/// Calls that ended in a part of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, schemars::JsonSchema))]
pub struct PartRequests {
    /// Without a response.
    pub failed: u64,
}
