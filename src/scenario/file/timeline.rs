//! What happens when, as it is written: a time and exactly one action.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::Key;
use crate::scenario::quantity::{Count, Duration, Number};

/// Something that happens: `at`, and exactly one of the others.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionFile {
    /// When.
    #[schemars(required)]
    pub at: Key<Duration>,
    /// `kubectl rollout restart` of the server or client of this name.
    pub rollout: Key<String>,
    /// A new number of replicas of a server.
    pub scale: Key<ScaleFile>,
    /// SIGKILL of the container of a server's oldest Ready pods; each restarts in place.
    pub kill: Key<PodsFile>,
    /// Deletion of a server's oldest Ready pods; the ReplicaSet replaces them.
    pub delete: Key<PodsFile>,
    /// A server's oldest Ready pods become slow.
    pub slow: Key<SlowFile>,
    /// A server's oldest Ready pods answer nothing any more, and say nothing: no FIN, no RST.
    pub black_hole: Key<BlackHoleFile>,
    /// A server's oldest Ready pods fail their readiness probe, and go on serving what comes.
    pub unready: Key<UnreadyFile>,
    /// A new rate of a client's open load.
    pub rate: Key<RateFile>,
}

/// A new number of replicas.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleFile {
    /// Which server.
    #[schemars(required)]
    pub server: Key<String>,
    /// Pods wanted.
    #[schemars(required)]
    pub replicas: Key<Count>,
}

/// Some pods of a server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodsFile {
    /// Which server.
    #[schemars(required)]
    pub server: Key<String>,
    /// How many pods. Default 1.
    pub pods: Key<Count>,
}

/// Pods that become slow: what enters a slot there takes longer. A newer one replaces an older one of the same pod.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowFile {
    /// Which server.
    #[schemars(required)]
    pub server: Key<String>,
    /// How many pods. Default 1.
    pub pods: Key<Count>,
    /// What enters a slot takes this many times longer, above 1.
    #[schemars(required)]
    pub factor: Key<Number>,
    /// For how long. Default: to the end of the run.
    #[serde(rename = "for")]
    pub lasts: Key<Duration>,
}

/// Pods that nothing comes back from.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlackHoleFile {
    /// Which server.
    #[schemars(required)]
    pub server: Key<String>,
    /// How many pods. Default 1.
    pub pods: Key<Count>,
    /// For how long. Default: to the end of the run.
    #[serde(rename = "for")]
    pub lasts: Key<Duration>,
    /// The pods are taken out of the endpoints after this. Default: never; a kubelet that sees it needs 30s (three probes, 10s
    /// apart), and one whose node is cut off sees nothing.
    pub unready_after: Key<Duration>,
}

/// Pods that are not Ready for a while: their endpoints are withdrawn, and connections to them stay.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnreadyFile {
    /// Which server.
    #[schemars(required)]
    pub server: Key<String>,
    /// How many pods. Default 1.
    pub pods: Key<Count>,
    /// Until they are Ready again. Default: to the end of the run.
    #[serde(rename = "for")]
    pub lasts: Key<Duration>,
}

/// A new rate.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateFile {
    /// Which client.
    #[schemars(required)]
    pub client: Key<String>,
    /// The new total rate, in calls per second.
    #[schemars(required)]
    pub to: Key<Number>,
    /// The rate goes there linearly over this span. Default 0s, a step.
    pub over: Key<Duration>,
}
