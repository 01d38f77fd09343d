//! A server Deployment as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::Key;
use super::cpu::CpuFile;
use super::hpa::HpaFile;
use super::law::LawFile;
use super::settings::Written;
use super::stack::ServerStackFile;
use crate::model::{Enforcement, Termination};
use crate::scenario::quantity::{Amount, Count, Duration, Number, Share};

/// A server Deployment.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerFile {
    /// Its name: a DNS label, unique among servers and clients.
    #[schemars(required)]
    pub name: Key<String>,
    /// Pods wanted at the start. Default 1.
    pub replicas: Key<Count>,
    /// Requests that a pod serves at once. Default 8, an assumption.
    pub concurrency: Key<Count>,
    /// Time in a slot of one request. Default an exponential of mean 1600us, an assumption.
    pub service_time: Key<LawFile>,
    /// The processor of a pod. Default: a core for each request in service.
    pub cpu: Key<CpuFile>,
    /// How fast its pods work: service_time and handshake_time are divided by it. Default 1.
    pub speed: Key<Number>,
    /// A pod that becomes Ready during the run is cold, and slow at first; those of the start are warm. Default: none.
    pub warm_up: Key<WarmUpFile>,
    /// Requests that may wait in a pod; more are refused with RESOURCE_EXHAUSTED. Default: no limit.
    pub queue_limit: Key<Count>,
    /// Time in a slot that accepting one connection costs a pod. Default 0s.
    pub handshake_time: Key<Duration>,
    /// From a pod's creation (or its container's restart) to Ready. Default 5s, an assumption.
    pub startup: Key<LawFile>,
    /// Ready for this long is available (minReadySeconds), which is what rollouts wait for. Default 0s.
    pub min_ready: Key<Duration>,
    /// A HorizontalPodAutoscaler of this Deployment. Default: none.
    pub hpa: Key<HpaFile>,
    /// How pods end.
    pub termination: Key<Written<Termination>>,
    /// How a rollout replaces pods.
    pub strategy: Key<StrategyFile>,
    /// Which implementation of gRPC it is, which decides which pings of clients are strikes: go (the default), c_core, java; node (or
    /// tonic) punishes none.
    pub stack: Key<ServerStackFile>,
    /// Settings of the gRPC server.
    pub grpc: Key<GrpcServerFile>,
}

/// A cold pod: its speed rises in a straight line from `initial` to 1 over `time` after it became Ready. The curve is an
/// assumption; it is that of Envoy's slow start.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WarmUpFile {
    /// Speed of a new pod as a share of a warm one's, above 0 and below 1.
    #[schemars(required)]
    pub initial: Key<Share>,
    /// From Ready to full speed.
    #[schemars(required)]
    pub time: Key<Duration>,
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

/// Settings of a gRPC server (gRFC A9; grpc-go keepalive.ServerParameters).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrpcServerFile {
    /// Age at which a connection gets GOAWAY, at least 1ms, jittered by ±10 % once per connection. Default: never.
    pub max_connection_age: Key<Duration>,
    /// From the GOAWAY for age to the forced close. Default: streams are never cut.
    pub max_connection_age_grace: Key<Duration>,
    /// A connection without streams for this long, at least 1ms, gets GOAWAY. Default: never.
    pub max_connection_idle: Key<Duration>,
    /// A connection gets GOAWAY with the request of this number. gRPC servers have no such setting; Envoy in front of one has.
    /// Default: never.
    pub max_requests_per_connection: Key<Count>,
    /// Streams that a connection carries at once; more calls wait on the connection. Default: no limit.
    pub max_concurrent_streams: Key<Count>,
    /// Which pings of clients the server punishes.
    pub keepalive_enforcement: Key<Written<Enforcement>>,
}
