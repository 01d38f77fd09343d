//! A client Deployment as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::{At, Key};
use super::law::LawFile;
use super::load::LoadFile;
use super::policy::{KeysFile, PolicyFile};
use super::retry::RetryFile;
use super::server::StrategyFile;
use super::settings::Written;
use super::stack::StackFile;
use super::via::ViaFile;
use crate::model::{Client, GrpcClient, Http1Client, Poll, Watch};

/// A client Deployment.
pub(crate) type ClientFile = Written<Client, GrpcFile>;

/// The keys that only a gRPC client has, beside the others.
pub(crate) type GrpcFile = Written<GrpcClient, ClientKeysFile>;

/// Its keys that are no plain ones.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientKeysFile {
    pub name: Key<String>,
    /// grpc (the default) or http1.
    pub protocol: Key<ProtocolFile>,
    /// The proxy beside each replica that balances in place of its channels: envoy, istio, linkerd or ambient; or a gateway that it goes through. It sets
    /// `policy` and `discovery` to its own defaults, which can be changed one by one for envoy and istio.
    pub via: Key<ViaFile>,
    /// The implementation of gRPC whose defaults hold where the client says nothing: go, c_core (C++, Python, Ruby, PHP), java, node or
    /// tonic. Default: grpc-go's, but that `connect` is start.
    pub stack: Key<StackFile>,
    /// Load-balancing policy of the channels. Default pick_first; via envoy round_robin, istio least_request, linkerd peak_ewma.
    /// gRPC has all but maglev; envoy and istio have round_robin, random, least_request, ring_hash and maglev.
    pub policy: Key<PolicyFile>,
    pub keys: Key<KeysFile>,
    /// How a channel learns of addresses: dns (the default), poll or watch.
    pub discovery: Key<DiscoveryFile>,
    pub dispatch: Key<LawFile>,
    pub retry: Key<RetryFile>,
    /// Connections of an HTTP/1.1 client.
    pub http1: Key<Written<Http1Client>>,
    /// What the client asks for; figures are totals over the replicas.
    #[schemars(required)]
    pub load: Key<LoadFile>,
    pub startup: Key<LawFile>,
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
