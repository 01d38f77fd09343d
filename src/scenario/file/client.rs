//! A client Deployment as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::{At, Key};
use super::law::LawFile;
use super::load::LoadFile;
use super::policy::{KeysFile, PolicyFile};
use super::retry::RetryFile;
use super::server::StrategyFile;
use super::settings::{Word, Written};
use super::stack::{StackFile, SubsetFile};
use super::via::ViaFile;
use crate::model::{Backoff, ConnectAt, KeepAlive, Keepalive, Lifetime, OutlierDetection, Poll, Resolver, Watch};
use crate::scenario::quantity::{Count, Duration};

/// A client Deployment.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientFile {
    /// Its name: a DNS label, unique among servers and clients.
    #[schemars(required)]
    pub name: Key<String>,
    /// Replicas, at least 1. Default 1.
    pub replicas: Key<Count>,
    /// grpc (the default) or http1.
    pub protocol: Key<ProtocolFile>,
    /// gRPC channels (ClientConns) per replica. Default 1.
    pub channels: Key<Count>,
    /// When the replicas start.
    pub start: Key<StartFile>,
    /// The proxy beside each replica that balances in place of its channels: envoy, istio, linkerd or ambient; or a gateway that it goes through. It sets
    /// `policy` and `discovery` to its own defaults, which can be changed one by one for envoy and istio.
    pub via: Key<ViaFile>,
    /// The implementation of gRPC whose defaults hold where the client says nothing: go, c_core (C++, Python, Ruby, PHP), java, node or
    /// tonic. Default: grpc-go's, but that `connect` is start.
    pub stack: Key<StackFile>,
    /// Load-balancing policy of the channels. Default pick_first; via envoy round_robin, istio least_request, linkerd peak_ewma.
    /// gRPC has all but maglev; envoy and istio have round_robin, random, least_request, ring_hash and maglev.
    pub policy: Key<PolicyFile>,
    /// Calls wait while the channel is in TRANSIENT_FAILURE instead of failing at once. Default false.
    pub wait_for_ready: Key<bool>,
    /// When a channel first connects: at start (the default; grpc-go Dial, as ghz uses it) or at the first_call (NewClient).
    pub connect: Key<Word<ConnectAt>>,
    /// Which endpoints are left out for a while. Default: none.
    pub outlier_detection: Key<Written<OutlierDetection>>,
    /// What calls are routed by, for ring_hash and Maglev. Default: each call has a key of its own.
    pub keys: Key<KeysFile>,
    /// How a channel learns of addresses: dns (the default), poll or watch.
    pub discovery: Key<DiscoveryFile>,
    /// gRPC's DNS resolver; acts with a headless Service only.
    pub resolver: Key<Written<Resolver>>,
    /// Delays between failed connection attempts.
    pub backoff: Key<BackoffFile>,
    /// How long a channel takes to put each of the calls on the wire that waited for it to become READY, drawn per
    /// call. Default 1us, an assumption.
    pub dispatch: Key<LawFile>,
    /// Pings that find a dead connection. Default: none.
    pub keepalive: Key<Written<Keepalive>>,
    /// How long a connection attempt may take. Default 20s (grpc-go); via envoy 5s, istio 10s, linkerd 1s.
    pub connect_timeout: Key<Duration>,
    /// A channel without calls for this long closes its connections, and looks its name up again at the next call; 0s: never, else at
    /// least 1ms. Default 30m (grpc-go since 1.59, C-core, grpc-java).
    pub idle_timeout: Key<Duration>,
    /// The channels of a replica share their connections, and so are one (C-core and grpc-js, whose channels have equal settings).
    /// Default false.
    pub shared_subchannels: Key<bool>,
    /// Each channel keeps some of the addresses that discovery gives (gRFC A68, random_subsetting). Default: all.
    pub subset: Key<SubsetFile>,
    /// Failed attempts are made again. Default: none; what was never sent is sent elsewhere in any case.
    pub retry: Key<RetryFile>,
    /// Lifetime that the client's pool gives its connections. Default: for ever.
    pub connection_lifetime: Key<Written<Lifetime>>,
    /// Connections of an HTTP/1.1 client.
    pub http1: Key<Http1File>,
    /// What the client asks for; figures are totals over the replicas.
    #[schemars(required)]
    pub load: Key<LoadFile>,
    /// From the emission of a call to DEADLINE_EXCEEDED, at least 10us. Default: none.
    pub deadline: Key<Duration>,
    /// From a replica's creation to its start, in a rollout of this Deployment. Default 5s, an assumption.
    pub startup: Key<LawFile>,
    /// How a rollout of this Deployment replaces replicas.
    pub strategy: Key<StrategyFile>,
}

/// What a client speaks.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProtocolFile {
    /// gRPC over HTTP/2: many calls on one connection.
    Grpc,
    /// HTTP/1.1: one request at a time on a connection.
    Http1,
}

/// When the replicas start.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartFile {
    /// When the first may start. Default 0s.
    pub at: Key<Duration>,
    /// They start at uniformly drawn instants over this span. Default 0s.
    pub spread: Key<Duration>,
}

/// How a channel learns of addresses.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscoveryFile {
    /// The Service's name, by gRPC's resolver: a virtual IP that never changes, or the pods of a headless Service, looked up
    /// again only when a connection breaks.
    Dns,
    /// The name is looked up at each interval (Envoy's STRICT_DNS).
    Poll(At<Written<Poll>>),
    /// Changes of the EndpointSlices are pushed (kuberesolver, xDS, a mesh), whatever the type of the Service.
    Watch(At<Written<Watch>>),
}

/// Delays between failed connection attempts, and whether there are any.
pub type BackoffFile = Written<Backoff, PerCallFile>;

/// Whether there are delays.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PerCallFile {
    /// No delays: an attempt is made only for a call, and the call fails with it (tonic). Default false.
    pub per_call: Key<bool>,
}

/// Connections of an HTTP/1.1 client.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http1File {
    /// Connections that a replica may have open; calls beyond wait. Default: no limit.
    pub max_connections: Key<Count>,
    /// A pool of connections that are used again. Absent or null: a new connection per request.
    pub keep_alive: Key<Written<KeepAlive>>,
}
