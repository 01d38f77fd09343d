//! What happens when, as it is written: a time and exactly one action.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::Key;
use super::settings::Written;
use crate::model::{BlackHole, Errors, Pods, RateChange, Scale, Slow, Unready};
use crate::scenario::quantity::Duration;

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
    pub slow: Key<OfPods<Slow>>,
    /// A server's oldest Ready pods answer errors, and are Ready all the same.
    pub errors: Key<OfPods<Errors>>,
    /// A server's oldest Ready pods answer nothing any more, and say nothing: no FIN, no RST.
    pub black_hole: Key<OfPods<BlackHole>>,
    /// A server's oldest Ready pods fail their readiness probe, and go on serving what comes.
    pub unready: Key<OfPods<Unready>>,
    /// A new rate of a client's open load.
    pub rate: Key<RateFile>,
}

/// A new number of replicas.
pub(crate) type ScaleFile = Written<Scale, ServerNameFile>;

/// Some pods of a server.
pub(crate) type PodsFile = Written<Pods, ServerNameFile>;

/// What happens to some pods of a server.
pub(crate) type OfPods<S> = Written<S, PodsFile>;

/// A new rate.
pub(crate) type RateFile = Written<RateChange, ClientNameFile>;

/// Which server an action is about.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerNameFile {
    /// Which server.
    #[schemars(required)]
    pub server: Key<String>,
}

/// Which client an action is about.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientNameFile {
    /// Which client.
    #[schemars(required)]
    pub client: Key<String>,
}
