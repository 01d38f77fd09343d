//! What a scenario means: checked types that cannot be wrong. The reader (`scenario::check`) makes them; the engine reads
//! them and nothing else. Names are resolved to indices, percentages to counts where that is possible, defaults filled in.

mod hpa;
mod keepalive;
mod retry;
mod speed;
mod timeline;

use std::sync::Arc;

pub use hpa::{Behavior, Hpa, ScalingChange, ScalingPolicy, ScalingRules, SelectPolicy};
pub use keepalive::{Enforcement, Keepalive, PingThrottle, StrikeRule, Wake};
pub use retry::{Breakers, Codes, RetryBudget, RetryLimit, RetryPolicy, RetryThrottling};
pub use speed::{CpuLimit, WarmUp};
pub use timeline::{Action, Comparison, Expectation, What};

use super::distribution::Distribution;
use crate::units::{Span, Time};

/// A whole scenario, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The scenario's name: the default output folder and the title of its plots.
    pub name: String,
    /// The question that the scenario asks and what to look at, or empty.
    pub about: String,
    /// The seed of run 0; run `i` has `seed + i`.
    pub seed: u64,
    /// When the run ends. `None`: when the closed loads are done (at least one client has a total of `requests`).
    pub duration: Option<Span>,
    /// Calls emitted before this are in the traces, not in the summary.
    pub warmup: Span,
    /// The width of a row in `pods.csv`, above zero. `None`: 1/300 of the run rounded up to 1-2-5 (known only at the end
    /// of a run without `duration`, which records in finer windows and merges them).
    pub window: Option<Span>,
    /// The cluster that everything runs in.
    pub cluster: Cluster,
    /// The kind of Service in front of the servers.
    pub service: ServiceType,
    /// The server Deployments behind the Service, at least one.
    pub servers: Vec<Server>,
    /// The client Deployments, at least one.
    pub clients: Vec<Client>,
    /// What happens when, in order of time (stable for equal times).
    pub timeline: Vec<Action>,
    /// What must hold after the run.
    pub expect: Vec<Expectation>,
}

/// Properties of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Number of nodes, at least 1. Replica and pod `i` of each Deployment run on node `i mod nodes`.
    pub nodes: u32,
    /// From a pod's condition to the rules of one node, and to the cluster DNS; drawn per change and node, in order per node.
    pub endpoint_lag: Distribution,
    /// Cluster DNS.
    pub dns: Dns,
    /// Round trip between any two pods; a message takes half of it.
    pub rtt: Span,
    /// From the SYN to a connection that is READY (TCP, TLS and HTTP/2 SETTINGS), on top of `rtt`; drawn per dial.
    pub connect: Distribution,
}

/// Cluster DNS: CoreDNS, and what caches in front of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dns {
    /// Time to live of an answer: how long a cache keeps it.
    pub ttl: Span,
    /// Who caches answers.
    pub cache: DnsCache,
}

/// Which caches stand between a client and the endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsCache {
    /// Every query sees the current endpoints, shuffled.
    None,
    /// CoreDNS's `cache` plugin: answers up to one TTL old, shuffled per response (`loadbalance` precedes `cache`).
    CoreDns,
    /// NodeLocal DNSCache on each node, in front of CoreDNS's cache: one fixed order per node until it expires.
    NodeLocal,
}

/// The type of the Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceType {
    /// One virtual IP; kube-proxy draws a pod uniformly for each new connection (iptables and nftables modes).
    ClusterIp,
    /// No virtual IP: DNS answers with the addresses of all ready pods.
    Headless,
}

/// A server Deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Its name, unique among servers and clients.
    pub name: String,
    /// Pods wanted at the start; zero is legal, as in Kubernetes.
    pub replicas: u32,
    /// Requests that a pod serves at once, 1 to 65,536.
    pub concurrency: u32,
    /// Time in a slot of one request.
    pub service_time: Distribution,
    /// Requests that may wait in a pod; more are refused with RESOURCE_EXHAUSTED. `None`: no limit.
    pub queue_limit: Option<u32>,
    /// Time in a slot that accepting one connection costs a pod, before the connection is READY.
    pub handshake_time: Span,
    /// From a pod's creation (or its container's restart) to Ready.
    pub startup: Distribution,
    /// Ready for this long = available, which is what rollouts wait for; traffic starts at Ready.
    pub min_ready: Span,
    /// How pods end.
    pub termination: Termination,
    /// How a rollout replaces pods.
    pub strategy: Strategy,
    /// The gRPC server's settings. For `http1` clients only age, grace and idle do not apply.
    pub grpc: GrpcServer,
}

/// How a pod ends, after its deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Termination {
    /// The preStop hook's sleep; SIGTERM (GracefulStop: GOAWAY on all connections, listener closed) follows it.
    pub pre_stop: Span,
    /// From deletion to SIGKILL (`terminationGracePeriodSeconds`).
    pub grace: Span,
}

/// A Deployment's update strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Old pods are all removed, then new ones created.
    Recreate,
    /// The Deployment controller's rolling update.
    RollingUpdate {
        /// Pods above `replicas`.
        max_surge: CountOrPercent,
        /// Pods below `replicas` that need not be available.
        max_unavailable: CountOrPercent,
    },
}

/// A count, or a share of the replicas in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountOrPercent {
    /// So many.
    Count(u32),
    /// So many per hundred replicas; rounded up for surge, down for unavailable.
    Percent(u32),
}

/// Settings of a gRPC server (gRFC A9; grpc-go `keepalive.ServerParameters`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrpcServer {
    /// Age at which a connection gets GOAWAY, jittered by a uniform ±10 % once per connection. `None`: never.
    pub max_connection_age: Option<Span>,
    /// From the first GOAWAY for age to the forced close. `None`: streams are never cut.
    pub max_connection_age_grace: Option<Span>,
    /// A connection without streams for this long gets GOAWAY. `None`: never.
    pub max_connection_idle: Option<Span>,
    /// Streams that a connection carries at once; more calls wait on the connection. `None`: no limit.
    pub max_concurrent_streams: Option<u32>,
}

/// A client Deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// Its name, unique among servers and clients.
    pub name: String,
    /// Replicas, at least 1.
    pub replicas: u32,
    /// ClientConns (gRPC) per replica, at least 1. Always 1 for HTTP/1.1.
    pub channels: u32,
    /// What the client speaks, and how it balances.
    pub protocol: Protocol,
    /// When the first replica starts.
    pub start_at: Span,
    /// Replicas start, and first connect, at uniformly drawn instants over this span after `start_at`.
    pub start_spread: Span,
    /// A connection is replaced (new dial, old drained) at this age. `None`: never.
    pub max_connection_lifetime: Option<Lifetime>,
    /// What the client asks for. Totals over the replicas.
    pub load: Load,
    /// From the emission of a call to DEADLINE_EXCEEDED. `None`: none.
    pub deadline: Option<Span>,
    /// From a replica's creation to its start in a rollout of this Deployment.
    pub startup: Distribution,
    /// How a rollout of this Deployment replaces replicas.
    pub strategy: Strategy,
}

/// The lifetime that a client's pool gives its connections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lifetime {
    /// The mean lifetime.
    pub max: Span,
    /// Each connection's own lifetime is uniform in `max * (1 ± jitter)`; 0 to 1.
    pub jitter: f64,
}

/// What a client speaks.
#[derive(Clone, Debug, PartialEq)]
pub enum Protocol {
    /// gRPC over HTTP/2: many calls on one connection.
    Grpc(GrpcClient),
    /// HTTP/1.1: one request at a time on a connection.
    Http1(Http1Client),
}

/// Settings of a gRPC channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GrpcClient {
    /// How connections are made and picked.
    pub policy: Policy,
    /// Calls wait while the channel is in TRANSIENT_FAILURE instead of failing at once.
    pub wait_for_ready: bool,
    /// When a channel first connects.
    pub connect: ConnectAt,
    /// The DNS resolver of a headless Service; a ClusterIP never changes.
    pub resolver: Resolver,
    /// Delays between failed connection attempts.
    pub backoff: Backoff,
    /// How long a channel takes to put each of the calls on the wire that waited for it to become READY.
    pub dispatch: Span,
}

/// When a channel first connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectAt {
    /// When the replica starts (grpc-go `Dial`, as ghz uses it).
    Start,
    /// At the first call (grpc-go `NewClient`; C-core, Java, grpc-js).
    FirstCall,
}

/// The load-balancing policy of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// One connection per channel.
    PickFirst {
        /// After losing its connection: at the next call (as the specification has it) or at once (grpc-go before 1.41).
        reconnect: Reconnect,
        /// Shuffle the addresses of each answer (gRFC A62).
        shuffle: bool,
    },
    /// One connection per address, calls in rotation.
    RoundRobin {
        /// Where a rebuilt picker starts, and in which order it goes.
        start: RotationStart,
    },
}

/// When pick_first reconnects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconnect {
    /// At the next call.
    Lazy,
    /// At once.
    Eager,
}

/// Where a rebuilt round_robin picker starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationStart {
    /// Random start, random order (grpc-go).
    RandomOrder,
    /// Random start, order of the address list (C-core).
    Random,
    /// Always the first address (grpc-java before 1.23, grpc/grpc-java#4462).
    First,
    /// Continue where the last picker was; the first start is random (grpc-java).
    Continue,
}

/// gRPC's DNS resolver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolver {
    /// Least time between two lookups of a channel.
    pub min_interval: Span,
    /// What happens to a request for re-resolution that comes too early.
    pub early: EarlyRequest,
}

/// What happens to a request for re-resolution before `min_interval` is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlyRequest {
    /// Deferred to the end of the interval; one more that comes meanwhile causes one more lookup (grpc-go).
    DeferAndRemember,
    /// Deferred to the end of the interval, once (C-core).
    Defer,
    /// Dropped (grpc-java).
    Drop,
}

/// Delays between connection attempts (gRPC `connection-backoff.md`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// Delay after the first failure.
    pub base: Span,
    /// Factor per further failure, at least 1.
    pub multiplier: f64,
    /// Each delay is multiplied by a uniform draw in `1 ± jitter` (the first one of grpc-go is not), 0 to 1.
    pub jitter: f64,
    /// Largest delay, before jitter.
    pub max: Span,
}

/// An HTTP/1.1 client's connections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Http1Client {
    /// Connections that a replica may have open; calls beyond wait, first in first out. `None`: no limit.
    pub max_connections: Option<u32>,
    /// What happens to a connection after a response.
    pub keep_alive: Option<KeepAlive>,
}

/// A keep-alive pool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeepAlive {
    /// Connections opened when the replica starts.
    pub warm: u32,
    /// Which idle connection a request takes.
    pub order: PoolOrder,
    /// An idle connection is closed after this. `None`: never.
    pub idle_timeout: Option<Span>,
}

/// Which idle connection of a pool is used next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolOrder {
    /// The one used last.
    Lifo,
    /// The one unused for longest: the pool cycles.
    Fifo,
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    /// Workers that each wait for the response before the next call (ghz).
    Closed {
        /// Workers over all replicas, at least 1 per replica.
        concurrency: u32,
        /// Calls over all replicas. `None`: until the run's `duration`.
        requests: Option<u64>,
    },
    /// Calls that come whatever the responses do.
    Open {
        /// How they are spaced.
        arrivals: Arrivals,
        /// Calls per second over all replicas, as a function of time.
        rate: RateCurve,
    },
}

/// How the calls of an open load are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// A Poisson process.
    Poisson,
    /// Constant spacing per replica, each replica with its own random phase.
    Constant,
}

/// A rate as a function of time: linear between its points, constant after the last. The first point is at time zero; two
/// points at one instant are a step.
#[derive(Clone, Debug, PartialEq)]
pub struct RateCurve {
    /// `(time, calls per second)`, in order of time; never empty; every rate finite and at least 0.
    pub points: Arc<[(Time, f64)]>,
}
