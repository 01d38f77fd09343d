//! A server Deployment as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::Key;
use super::hpa::HpaFile;
use super::law::LawFile;
use super::settings::Written;
use super::stack::ServerStackFile;
use crate::model::{Cpu, GrpcServer, Server, Termination, WarmUp};
use crate::scenario::quantity::Amount;

/// A server Deployment.
pub(crate) type ServerFile = Written<Server, ServerKeysFile>;

/// Its keys that are no plain ones.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerKeysFile {
    pub name: Key<String>,
    pub service_time: Key<LawFile>,
    pub cpu: Key<Written<Cpu>>,
    pub warm_up: Key<Written<WarmUp>>,
    pub startup: Key<LawFile>,
    pub hpa: Key<HpaFile>,
    pub termination: Key<Written<Termination>>,
    pub strategy: Key<StrategyFile>,
    /// Which implementation of gRPC it is, which decides which pings of clients are strikes: go (the default), c_core, java; node (or
    /// tonic) punishes none.
    pub stack: Key<ServerStackFile>,
    pub grpc: Key<Written<GrpcServer>>,
}

/// A Deployment's update strategy.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StrategyFile {
    /// RollingUpdate (the default) or Recreate.
    #[serde(rename = "type")]
    pub kind: Key<StrategyTypeFile>,
    /// Pods above replicas, as a count or a percentage (rounded up). Default 25%.
    pub max_surge: Key<Amount>,
    /// Pods that need not be available, as a count or a percentage (rounded down). Default 25%.
    pub max_unavailable: Key<Amount>,
}

/// Type of the update strategy.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum StrategyTypeFile {
    /// Step by step, within max_surge and max_unavailable.
    RollingUpdate,
    /// All old pods are removed, then new ones created.
    Recreate,
}
