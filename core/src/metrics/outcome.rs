//! What a run came to: plain values, made by the recorder, read by everything that prints, draws or compares. The `Summary`
//! is `summary.json`, field for field.

use std::collections::BTreeMap;

use super::attribution::Attribution;
use super::cures::Cures;
pub use super::estimate::{Estimate, Spread};
use super::part::Part;
use super::phase::{Phase, PodNow};
pub use super::rows::{ClientRow, ConnectionRow, EventKind, EventRow, WindowRow};

/// Everything known of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// `summary.json`.
    pub summary: Summary,
    /// `pods.csv`: a row per window and pod, in order of window, then pod.
    pub windows: Vec<WindowRow>,
    /// `gateways.csv`: the same of the gateways' pods; empty without gateways.
    pub gateways: Vec<WindowRow>,
    /// By expectation: the parts of the run in which it must hold; none for one about all of it.
    pub parts: Vec<Vec<Part>>,
    /// `connections.csv`, in order of `id`, unless connections were streamed elsewhere or not kept.
    pub connections: Vec<ConnectionRow>,
    /// `clients.csv`: a row per replica of the clients.
    pub clients: Vec<ClientRow>,
    /// `events.csv`, in order of time.
    pub events: Vec<EventRow>,
    /// Width of a window in seconds.
    pub window_s: f64,
    /// When the run ended, in seconds.
    pub end_s: f64,
    /// How many events the engine took: what the run cost.
    pub engine_events: u64,
}

impl Outcome {
    /// Width of a row's window in seconds: the run may have ended in the middle of the last one.
    #[must_use]
    pub fn width_of(&self, row: &WindowRow) -> f64 {
        if row.partial { self.end_s - row.time_s } else { self.window_s }
    }
}

/// `summary.json`. Times are in the unit that the name says; what is infinite or undefined is `null`.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Summary {
    /// Version of evenkeel.
    pub evenkeel: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of what the scenario means (not of how it is written).
    pub scenario_hash: String,
    /// Seed of the run.
    pub seed: u64,
    /// Digest of the ordered stream of events: `v1:` and 16 hexadecimal digits.
    pub digest: String,
    /// Digest of what the clients asked for: equal for two runs that differ in policy only.
    pub arrivals_digest: String,
    /// The same per client, by name.
    pub arrivals_digest_by_client: BTreeMap<String, String>,
    /// Seconds from the end of the warmup to the end of the run.
    pub measured_s: f64,
    /// Calls, counted once each; those emitted in the warmup are left out.
    pub requests: Requests,
    /// The calls that failed, by why and at whom, the most frequent first: they add up to `requests.failed`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub failures: Vec<Failure>,
    /// Calls that succeeded after the warmup, whenever they were made, per measured second.
    pub throughput_rps: f64,
    /// Per change (rollout, scale, kill, delete): how long until the load was balanced again.
    pub time_to_balance: Vec<TimeToBalance>,
    /// Connections opened per measured second, without those of the start of a replica.
    pub reconnects_per_s: f64,
    /// Share of requests that went to pods that were not Ready for the whole window.
    pub stray_share: f64,
    /// Part of the calls that failed, of those that ended; `null` if none did.
    #[cfg_attr(feature = "serde", serde(default))]
    pub error_ratio: Option<f64>,
    /// The busiest pod's utilization; `null` if no pod was Ready for a whole window.
    #[cfg_attr(feature = "serde", serde(default))]
    pub max_utilization: Option<f64>,
    /// Latency of the calls that succeeded.
    pub latency_ms: Latency,
    /// How uneven the pods' load is.
    pub skew: Skew,
    /// The run, cut where something changed.
    #[cfg_attr(feature = "serde", serde(default))]
    pub phases: Vec<Phase>,
    /// The phase that the headline is of, by its number, from 1: the last settled one with enough requests to speak; `null` without
    /// any request.
    #[cfg_attr(feature = "serde", serde(default))]
    pub headline_phase: Option<u64>,
    /// What the pods' shares in that phase are made of; `null` where connections were not looked at.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub attribution: Option<Attribution>,
    /// A row per pod, in order of creation.
    pub pods: Vec<PodSummary>,
    /// The same of the gateways' pods; their parts are of what came to all of them.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub gateways: Vec<PodSummary>,
    /// A row per method of a client, where calls are of several.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub methods: Vec<MethodSummary>,
    /// Connections over the whole run.
    pub connections: Connections,
    /// What had to hold, and whether it did.
    pub expectations: Vec<ExpectationResult>,
    /// What the reader of the figures must know, e.g. that the load exceeds the capacity.
    pub warnings: Vec<String>,
    /// One sentence: who carries what, why, and what would move it.
    pub verdict: String,
    /// Closed forms that apply to this scenario, beside the simulated figures.
    pub theory: Vec<TheoryRow>,
    /// What would change the skew, simulated over the seed and load of run 0; left out where nobody asked (`run` does), and without
    /// requests.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub cures: Option<Cures>,
    /// Over several runs: each figure by its path, with its 95 % confidence interval.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub runs: Option<BTreeMap<String, Estimate>>,
}

/// Calls by how they ended: `started = ok + failed + unfinished`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Requests {
    /// Emitted.
    pub started: u64,
    /// Ended with a response.
    pub ok: u64,
    /// Ended without one.
    pub failed: u64,
    /// Still open when the run ended.
    pub unfinished: u64,
    /// Failed calls by gRPC status.
    pub by_status: BTreeMap<String, u64>,
    /// Attempts beyond the first of each call that `clients[].retry` made.
    #[cfg_attr(feature = "serde", serde(default))]
    pub retries: u64,
    /// Failed calls by client, where there are several.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "BTreeMap::is_empty"))]
    pub failed_by_client: BTreeMap<String, u64>,
}

/// Calls that failed for one reason at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Failure {
    /// Why: `deadline`, `queue_full`, `answered_unavailable` (and the like), `circuit_breaker`, `no_healthy_host`, `no_endpoint`, `dial_refused`, `dial_timeout`, `reset`, `grace_over`,
    /// `keepalive_timeout`, `tcp_timeout`, `too_many_pings` or `caller_stopped`.
    pub reason: String,
    /// What kind of thing made them fail.
    pub by: Maker,
    /// Name of the pod, or of the client (whose proxy it was, if it was a proxy).
    pub at: String,
    /// How many.
    pub calls: u64,
}

/// Who made a call fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Maker {
    /// The client that made it: it had no connection, or gave the call up before it had a pod.
    Client,
    /// The proxy beside the client.
    Proxy,
    /// A gateway's pod.
    Gateway,
    /// A server's pod, or the way to it.
    Pod,
}

/// Calls of one method: `started = ok + failed + unfinished`; those emitted in the warmup are left out.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct MethodSummary {
    /// Name of the client.
    pub client: String,
    /// Name of the method.
    pub method: String,
    /// Emitted.
    pub started: u64,
    /// Ended with a response.
    pub ok: u64,
    /// Ended without one.
    pub failed: u64,
    /// Still open when the run ended.
    pub unfinished: u64,
    /// Latency of the calls that succeeded.
    pub latency_ms: Latency,
}

/// Quantiles of latency in milliseconds, from the call's emission to its response, with a relative error of at most 1 %;
/// `null` if no call succeeded.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Latency {
    /// Mean (exact).
    pub mean: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 95th percentile.
    #[cfg_attr(feature = "serde", serde(default))]
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// 99.9th percentile.
    pub p999: Option<f64>,
    /// Largest (exact).
    pub max: Option<f64>,
}

/// How uneven loads are. With loads x over n pods; `null` where there is no load or no pod.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct SkewFigures {
    /// max x / sum x.
    pub max_share: Option<f64>,
    /// max x / mean x.
    pub max_over_mean: Option<f64>,
    /// (sum x)^2 / sum x^2: how many pods the traffic behaves as if it had.
    pub effective_pods: Option<f64>,
    /// mean x / max x: the part of the fleet's capacity that can be used before the hottest pod saturates.
    pub usable_capacity: Option<f64>,
    /// Coefficient of variation (population).
    pub cv: Option<f64>,
    /// Gini coefficient.
    pub gini: Option<f64>,
    /// Jain's index: effective_pods / n.
    pub jain: Option<f64>,
    /// Pods without any request.
    pub idle_pods: Option<f64>,
}

/// Skew now, in windows, and over the whole run.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
pub struct Skew {
    /// The headline: in the last settled phase.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub headline: SkewFigures,
    /// The window with the largest `max_over_mean`, among full windows with at least 20 requests per pod.
    pub worst_window: Option<WindowSkew>,
    /// Each figure's median over those windows.
    pub median_window: Option<SkewFigures>,
    /// Over the whole run, in requests per second of being Ready: pods of all generations side by side.
    #[cfg_attr(feature = "serde", serde(default))]
    pub whole_run: SkewFigures,
}

/// Skew in one window.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
pub struct WindowSkew {
    /// Start of the window, in seconds.
    pub time_s: f64,
    /// Its figures.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub figures: SkewFigures,
}

/// How long one change unbalanced the load.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct TimeToBalance {
    /// When the change began, in seconds.
    pub at_s: f64,
    /// What changed, in words.
    pub change: String,
    /// Seconds until every Ready pod had between 80 % and 125 % of the fair share for good (until the next change or the end), by requests
    /// or, for streams, messages; `null` if that never came, or if there were too few requests to judge.
    pub seconds: Option<f64>,
    /// The resolution of `seconds`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub resolution_s: f64,
}

/// One pod over the run.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct PodSummary {
    /// Its name.
    pub pod: String,
    /// Its server.
    pub server: String,
    /// Creation, in seconds.
    pub created_s: f64,
    /// First Ready, in seconds; `null` if never.
    pub ready_s: Option<f64>,
    /// Gone, in seconds; `null` if it was there at the end.
    pub deleted_s: Option<f64>,
    /// Requests received after the warmup.
    pub requests: u64,
    /// Part of all requests received after the warmup (and messages, for streams).
    pub share: Option<f64>,
    /// Connections placed on it that became READY.
    pub connections_opened: u64,
    /// Established and not draining just before the end.
    pub connections_at_end: u64,
    /// The same by client, where there are several callers.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "BTreeMap::is_empty"))]
    pub connections_by_client: BTreeMap<String, u64>,
    /// Part of its slot-time used while Ready after the warmup; `null` if it was never Ready then.
    pub utilization: Option<f64>,
    /// Latency of the calls that it answered.
    pub latency_ms: Latency,
    /// What it did in the headline's phase; left out if it was not Ready then.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub now: Option<PodNow>,
    /// Messages of streams received after the warmup; left out if there were none.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "is_none"))]
    pub messages: u64,
    /// Calls that failed here or on the way to it, even when it was gone; left out if there were none.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "is_none"))]
    pub errors: u64,
    /// Part of the periods of its CPU limit (100 ms) in which the limit stopped it, of those in which it had work; left out without a limit.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub throttled: Option<f64>,
}

#[cfg(feature = "serde")]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Connections over the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Connections {
    /// Dialled and READY.
    pub opened: u64,
    /// Ended, by reason.
    pub closed_by: BTreeMap<String, u64>,
}

/// An expectation and what came of it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ExpectationResult {
    /// As written.
    pub text: String,
    /// The figure's value; `null` if it has none, which never meets the expectation.
    pub value: Option<f64>,
    /// Whether it holds.
    pub met: bool,
}

/// A closed form beside the simulated figure.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct TheoryRow {
    /// What is compared, in words.
    pub figure: String,
    /// The closed form's value.
    pub theory: f64,
    /// The simulated value, if this run has one.
    pub simulated: Option<f64>,
    /// The formula and its source, in a few words.
    pub basis: String,
}
