//! Phases: a run is cut at the changes of its timeline, at what autoscalers do, and at what both end in.

use super::outcome::{Latency, SkewFigures, Summary};

/// A stretch of a run between two changes. Its figures are of the windows that lie whole inside it, after the warmup.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Phase {
    /// What it is: `whole run`, `before rollout of s`, `during rollout of s`, `after rollout of s`.
    pub name: String,
    /// When it began, in seconds.
    pub from_s: f64,
    /// When it ended, in seconds.
    pub to_s: f64,
    /// True if no pod was starting, terminating or unready meanwhile, and no rollout or ramp was under way.
    pub settled: bool,
    /// Pods that were Ready in some whole window of it.
    pub pods: u64,
    /// Requests (messages, for streams) that these received, in the windows in which they were Ready throughout.
    pub requests: u64,
    /// How uneven the load of these was, per second of being Ready; a pod is compared with those of its own time only in settled phases.
    pub skew: SkewFigures,
    /// Successful calls per second.
    pub throughput_rps: f64,
    /// Calls that failed.
    pub failed: u64,
    /// Part of the calls that failed, of those that ended; `null` if none did.
    pub error_ratio: Option<f64>,
    /// Latency of the calls that succeeded.
    pub latency_ms: Latency,
    /// The busiest pod's utilization; `null` if no pod was Ready.
    pub max_utilization: Option<f64>,
    /// Connections opened per second, without those of the start of a replica.
    pub reconnects_per_s: f64,
}

/// What one pod did in the phase that the headline is of.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct PodNow {
    /// Requests per second (messages, for streams).
    pub requests_per_s: f64,
    /// Part of what all pods of the phase received; `null` if they received nothing.
    pub share: Option<f64>,
    /// Part of its slot-time (or CPU time) used.
    pub utilization: f64,
    /// 99th percentile of the latency of calls that it answered, in milliseconds; `null` if there were none.
    pub latency_p99_ms: Option<f64>,
    /// Calls that failed here or on the way to it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub failed: u64,
}

impl Summary {
    /// The phase that the headline is of.
    #[must_use]
    pub fn headline(&self) -> Option<&Phase> {
        let number = usize::try_from(self.headline_phase?).ok()?;
        self.phases.get(number.checked_sub(1)?)
    }
}
