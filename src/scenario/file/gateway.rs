//! Gateways as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::{At, Key};
use super::client::DiscoveryFile;
use super::law::LawFile;
use super::policy::{KeysFile, PolicyFile};
use super::server::StrategyFile;
use super::settings::Written;
use super::via::EnvoyFile;
use crate::model::{GrpcServer, OutlierDetection, Termination};
use crate::scenario::quantity::{Count, Duration};

/// A gateway or waypoint: a Deployment of proxies with a ClusterIP Service of its own, which clients reach by `via: { gateway: NAME }`. Its
/// pods take all requests that come; each adds the proxy's `overhead` and two more ways on the network.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayFile {
    /// Its name: a DNS label, unique among servers, clients and gateways.
    #[schemars(required)]
    pub name: Key<String>,
    /// Pods wanted at the start. Default 1.
    pub replicas: Key<Count>,
    /// Which proxy it is: envoy, istio, waypoint, nginx or haproxy.
    #[schemars(required)]
    pub proxy: Key<GatewayProxyFile>,
    /// Load-balancing policy of envoy (default round_robin), istio and waypoint (least_request): those, random, ring_hash or maglev.
    pub policy: Key<PolicyFile>,
    /// How its pods learn of the servers. Default: envoy a poll each 5s, nginx a poll each TTL, haproxy a poll each 1s, all of them `dns` with a
    /// ClusterIP; istio and waypoint a watch.
    pub discovery: Key<DiscoveryFile>,
    /// Which servers are left out for a while; envoy, istio and waypoint only. Default: none.
    pub outlier_detection: Key<Written<OutlierDetection>>,
    /// What calls are routed by, for ring_hash and maglev. Default: each call has a key of its own.
    pub keys: Key<KeysFile>,
    /// From a pod's creation (or its container's restart) to Ready. Default 5s, an assumption.
    pub startup: Key<LawFile>,
    /// Ready for this long is available (minReadySeconds), which is what rollouts wait for. Default 0s.
    pub min_ready: Key<Duration>,
    /// How pods end.
    pub termination: Key<Written<Termination>>,
    /// How a rollout replaces pods.
    pub strategy: Key<StrategyFile>,
    /// What it does with the connections of its clients. Defaults: nginx 1,000 requests, 1h of age, 75s of idleness and 128 streams
    /// per connection; haproxy 100 streams; no limits otherwise.
    pub grpc: Key<Written<GrpcServer>>,
}

/// The proxy of a gateway.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GatewayProxyFile {
    /// Envoy, configured by hand.
    Envoy(At<EnvoyFile>),
    /// Istio's ingress or egress gateway, which is Envoy.
    Istio(At<EnvoyFile>),
    /// A waypoint of Istio's ambient mode, which is Envoy: what ztunnel hands to it is balanced by call.
    Waypoint(At<EnvoyFile>),
    /// NGINX with `grpc_pass`, which has a connection for each call under way.
    Nginx(At<NginxFile>),
    /// HAProxy in HTTP mode.
    Haproxy(At<HaproxyFile>),
}

impl GatewayProxyFile {
    /// As it is written.
    pub fn name(&self) -> &'static str {
        match self {
            GatewayProxyFile::Envoy(_) => "envoy",
            GatewayProxyFile::Istio(_) => "istio",
            GatewayProxyFile::Waypoint(_) => "waypoint",
            GatewayProxyFile::Nginx(_) => "nginx",
            GatewayProxyFile::Haproxy(_) => "haproxy",
        }
    }
}

/// Settings of NGINX.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NginxFile {
    /// Worker processes, each with connections and a balancer of its own (there is no `zone`). Default 1.
    pub workers: Key<Count>,
    /// What it adds to a call, half of it on each way. Default 230us, an assumption.
    pub overhead: Key<LawFile>,
    /// How it chooses a server. Default round_robin.
    pub balance: Key<NginxBalanceFile>,
    /// Idle connections to servers that each worker keeps; 0: none. Default 32 (since 1.29.7).
    pub keepalive: Key<Count>,
}

/// How NGINX chooses a server.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NginxBalanceFile {
    /// Each in its turn, from the first one on.
    RoundRobin,
    /// The one with the fewest calls under way; of several, in turn.
    LeastConn,
    /// The one with fewer calls of two drawn (`random two`).
    RandomTwo,
}

/// Settings of HAProxy. Its threads share what they know.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HaproxyFile {
    /// What it adds to a call, half of it on each way. Default 230us, an assumption.
    pub overhead: Key<LawFile>,
    /// How it chooses a server. Default random (since 3.3).
    pub balance: Key<HaproxyBalanceFile>,
    /// Weight of each server, 1 to 256. With 1, `balance: random` looks draws up on a ring so coarse that the shares differ for good.
    /// Default 1.
    pub weight: Key<Count>,
}

/// How HAProxy chooses a server.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HaproxyBalanceFile {
    /// Each in its turn.
    Roundrobin,
    /// The one with the fewest calls; an idle one first.
    Leastconn,
    /// The one with fewer calls of two drawn.
    Random,
}
