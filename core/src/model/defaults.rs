//! What holds when a key is not given. Defaults are those of the real systems; where none gives one, it is an
//! *assumption*, and [`ASSUMPTIONS`] names it.

use super::stack::{self, ClientStack, Stack};
use super::{
    Client, Cluster, ConnectAt, CountOrPercent, Enforcement, GrpcServer, Load, Model, Server, ServiceType, Strategy,
};
use crate::distribution::Distribution;
use crate::units::Span;

/// Keys whose default no real system gives, beside those whose declaration says so. The first word is the list that the key belongs to, or the key before it.
pub const ASSUMPTIONS: &[(&str, &str)] = &[("via", "overhead"), ("gateways", "startup"), ("proxy", "overhead")];

/// The seed of run 0.
pub const SEED: u64 = 1;
/// Some 200 bytes each: a run stays below 2 GB.
pub const MAX_CALLS_IN_FLIGHT: u32 = 5_000_000;
/// Nodes of the cluster.
pub const NODES: u32 = 3;
/// Round trip between pods.
pub const RTT: Span = Span::from_micros(500);

/// EndpointSlice controller, watch and kube-proxy sync together; kube-proxy alone waits up to `minSyncPeriod` = 1 s.
pub fn endpoint_lag() -> Distribution {
    Distribution::Constant(0.5)
}

/// TCP, TLS and SETTINGS with the jitter of real machines, without which every cold start would be the same.
pub fn connect() -> Distribution {
    Distribution::Exponential { mean: 0.0003, min: 0.0002 }
}

/// Replicas of a Deployment (Kubernetes `apps/v1`).
pub const REPLICAS: u32 = 1;
/// From a pod's creation to Ready.
pub fn startup() -> Distribution {
    Distribution::Constant(5.0)
}

/// Kubernetes `apps/v1` Deployment: RollingUpdate with 25 % each.
pub const STRATEGY: Strategy = Strategy::RollingUpdate { max_surge: QUARTER, max_unavailable: QUARTER };
/// `maxSurge` and `maxUnavailable` of a Deployment.
pub const QUARTER: CountOrPercent = CountOrPercent::Percent(25);

/// Channels of a client replica.
pub const CHANNELS: u32 = 1;
/// istiod `PILOT_DEBOUNCE_AFTER`.
pub const ISTIO_DEBOUNCE: Span = Span::from_millis(100);
/// Istio's chart, `global.proxy` (`concurrency: 2`).
pub const WORKERS: u32 = 2;

/// `pilot/pkg/networking/core/route/retry`: attempts of the default policy, the first one not counted.
pub const ISTIO_RETRIES: u32 = 2;

/// `healthy_panic_threshold`, in percent; istiod sets it to 0 together with outlier detection (`applyOutlierDetection`).
pub const PANIC_THRESHOLD: u32 = 50;
/// The same with Istio.
pub const ISTIO_PANIC_THRESHOLD: u32 = 0;

/// What Istio 1.20 publishes for a pair of sidecars at the 90th percentile; a mesh's client side alone is not published.
pub fn overhead() -> Distribution {
    Distribution::Constant(0.00023)
}

/// What a gateway does with the connections of its clients, if nothing is known of its own: nothing.
pub const PROXY_LISTENS: GrpcServer = GrpcServer {
    max_connection_age: None,
    max_connection_age_grace: None,
    max_connection_idle: None,
    max_requests_per_connection: None,
    max_concurrent_streams: None,
    keepalive_enforcement: Enforcement::NONE,
};
/// nginx: `keepalive_time 1h`, `keepalive_timeout 75s`, `keepalive_requests 1000`, `http2_max_concurrent_streams 128`.
pub const NGINX_LISTENS: GrpcServer = GrpcServer {
    max_connection_age: Some(Span::from_secs(3600)),
    max_connection_idle: Some(Span::from_secs(75)),
    max_requests_per_connection: Some(NGINX_REQUESTS),
    max_concurrent_streams: Some(128),
    ..PROXY_LISTENS
};
/// `keepalive_requests`, on both sides.
pub const NGINX_REQUESTS: u32 = 1_000;
/// `keepalive` of an upstream (since 1.29.7).
pub const NGINX_KEEPALIVE: u32 = 32;
/// haproxy: `tune.h2.fe.max-concurrent-streams` and `tune.h2.be.max-concurrent-streams`.
pub const HAPROXY_STREAMS: u32 = 100;
/// What HAPROXY does with the connections of its clients.
pub const HAPROXY_LISTENS: GrpcServer = GrpcServer { max_concurrent_streams: Some(HAPROXY_STREAMS), ..PROXY_LISTENS };

/// From a call's emission to the instant when its channel picks.
pub fn dispatch() -> Distribution {
    Distribution::Constant(1e-6)
}

/// How a client's stack behaves; where none is named, as grpc-go, but that it connects at the start (`grpc.Dial`, as ghz).
pub const fn client_stack(stack: Option<Stack>) -> ClientStack {
    match stack {
        Some(stack) => stack::client(stack),
        None => ClientStack { connect: ConnectAt::Start, ..stack::client(Stack::Go) },
    }
}

impl Model {
    /// Servers behind a ClusterIP, and their clients; it ends when the closed loads are done.
    #[must_use]
    pub fn new(servers: Vec<Server>, clients: Vec<Client>) -> Self {
        Model {
            name: "model".to_owned(),
            about: String::new(),
            story: None,
            seed: SEED,
            duration: None,
            warmup: Span::ZERO,
            window: None,
            max_calls_in_flight: MAX_CALLS_IN_FLIGHT,
            cluster: Cluster::default(),
            service: ServiceType::ClusterIp,
            session_affinity: None,
            servers,
            clients,
            gateways: Vec::new(),
            timeline: Vec::new(),
            expect: Vec::new(),
        }
    }
}

impl Server {
    /// A Deployment of which nothing else is said.
    #[must_use]
    pub fn new(name: &str, replicas: u32) -> Self {
        Server { name: name.to_owned(), replicas, ..Server::default() }
    }
}

impl Client {
    /// A Deployment with one replica, whose one gRPC channel behaves as grpc-go's.
    #[must_use]
    pub fn new(name: &str, load: Load) -> Self {
        Client { name: name.to_owned(), load, ..Client::default() }
    }
}
