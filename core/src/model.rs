//! What a scenario means: checked types that cannot be wrong. The reader (`scenario::check`) makes them; the engine reads
//! them and nothing else. Names are resolved to indices, percentages to counts where that is possible, defaults filled in.

mod balancing;
mod client;
mod gateway;
mod hpa;
mod keepalive;
mod load;
mod retry;
mod server;
mod speed;
mod timeline;

pub use balancing::{FailureAccrual, FailurePercentage, Keys, OutlierDetection, Rules, SlowStart, SuccessRate};
pub mod defaults;
pub mod stack;
pub mod text;

pub use client::{
    Backoff, Client, ConnectAt, DelayFrom, Discovery, EarlyRequest, EnvoyCluster, GrpcClient, Http1Client, KeepAlive,
    LEAST_DEADLINE, Lifetime, Poll, PoolOrder, Protocol, Resolver, Reuse, Sidecar, SidecarKind, Start, Subset, Watch,
};
pub use gateway::{Gateway, Shutdown};
pub use hpa::{Behavior, Hpa, ScalingChange, ScalingPolicy, ScalingRules, SelectPolicy};
pub use keepalive::{Enforcement, Keepalive, PingThrottle, StrikeRule, Wake};
pub use load::{Arrivals, Closed, Load, MAX_RATE, Messages, Method, RateCurve, Streams};
pub use retry::{Breakers, Codes, ErrorStatus, RetryLimit, RetryPolicy, RetryThrottling};
pub use server::{CountOrPercent, GrpcServer, MAX_REPLICAS, Server, SigTerm, Strategy, Termination};
pub use speed::{Cpu, CpuLimit, WarmUp};
pub use timeline::{
    Action, BlackHole, Calm, Changes, Comparison, Errors, Expectation, Lies, PhaseOf, Pods, RateChange, Scale, Slow,
    Unready, What, When,
};

pub use crate::pick::{
    HaproxyLeastConn, HaproxyRandom, LeastRequest, Maglev, NginxLeastConn, NginxRandomTwo, PeakEwma, PickFirst, Policy,
    Random, Reconnect, RingHash, RotationStart, RoundRobin, WeightedRoundRobin,
};

use crate::distribution::Distribution;
use crate::settings::{DURATION, FLAG, OWN, between, count, group, word, zero_or_at_least};
use crate::units::Span;
use crate::{settings, word_enum};

/// Nodes of a cluster.
const MAX_NODES: u64 = 100_000;

/// A whole scenario, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The scenario's name: the default output folder and the title of its plots.
    pub name: String,
    /// The question that the scenario asks and what to look at, or empty.
    pub about: String,
    /// Its place in a story, and what is said of it.
    pub story: Option<Story>,
    /// The seed of run 0; run `i` has `seed + i`.
    pub seed: u64,
    /// When the run ends. `None`: when the closed loads are done (at least one client has a total of `requests`).
    pub duration: Option<Span>,
    /// Calls emitted before this are in the traces, not in the summary.
    pub warmup: Span,
    /// The width of a row in `pods.csv`, above zero. `None`: 1/300 of the run rounded up to 1-2-5 (known only at the end
    /// of a run without `duration`, which records in finer windows and merges them).
    pub window: Option<Span>,
    /// Calls that may be in flight at once, those of gateways among them; a run with more is given up.
    pub max_calls_in_flight: u32,
    /// The cluster that everything runs in.
    pub cluster: Cluster,
    /// The kind of Service in front of the servers.
    pub service: ServiceType,
    /// Session affinity of the Service. `None`: kube-proxy draws a pod for each connection.
    pub session_affinity: Option<SessionAffinity>,
    /// The server Deployments behind the Service, at least one.
    pub servers: Vec<Server>,
    /// The client Deployments, at least one.
    pub clients: Vec<Client>,
    /// What stands between some clients and the servers.
    pub gateways: Vec<Gateway>,
    /// What happens when, in order of time (stable for equal times).
    pub timeline: Vec<Action>,
    /// What must hold after the run.
    pub expect: Vec<Expectation>,
}

/// What stands beside what happens, where several scenarios tell a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Their order.
    pub place: u32,
    /// What is claimed, in one line; empty if nothing is.
    pub says: String,
    /// Why it comes out as it does, in one line; empty if nobody says.
    pub why: String,
}

impl Model {
    /// True if the width of windows depends on how long the run turns out to be.
    #[must_use]
    pub fn windows_widen(&self) -> bool {
        self.window.is_none() && self.duration.is_none()
    }

    /// The Deployments that have pods: the servers, then the gateways.
    pub fn deployments(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().chain(self.gateways.iter().map(|gateway| &gateway.server))
    }

    /// Who connects and calls: the clients, then the gateways.
    pub fn callers(&self) -> impl Iterator<Item = &Client> {
        self.clients.iter().chain(self.gateways.iter().map(|gateway| &gateway.client))
    }

    /// Who connects to the servers: the clients that go through no gateway, and the gateways.
    pub fn balancers(&self) -> impl Iterator<Item = &Client> {
        self.callers().filter(|caller| caller.gateway.is_none())
    }

    /// The `i`-th of [`Model::deployments`].
    ///
    /// # Panics
    /// If there are fewer.
    #[must_use]
    pub fn deployment(&self, i: usize) -> &Server {
        self.servers.get(i).unwrap_or_else(|| &self.gateways[i - self.servers.len()].server)
    }

    /// The `i`-th of [`Model::callers`].
    ///
    /// # Panics
    /// If there are fewer.
    #[must_use]
    pub fn caller(&self, i: usize) -> &Client {
        self.clients.get(i).unwrap_or_else(|| &self.gateways[i - self.clients.len()].client)
    }

    /// True if a client's balancer knows the pods by their own addresses, and not a virtual IP.
    #[must_use]
    pub fn knows_pods(&self, client: &Client) -> bool {
        let own = |grpc: &GrpcClient| grpc.discovery != Discovery::Dns;
        let knows =
            self.service == ServiceType::Headless || matches!(&client.protocol, Protocol::Grpc(grpc) if own(grpc));
        knows && client.gateway.is_none()
    }

    /// True if kube-proxy places a client's connections to the servers. A mesh does so itself, whatever it knows of calls.
    #[must_use]
    pub fn goes_through_kube_proxy(&self, client: &Client) -> bool {
        use SidecarKind::{Ambient, Istio, Linkerd};
        let meshed = client.via.as_ref().is_some_and(|via| matches!(via.kind, Istio | Linkerd | Ambient));
        client.gateway.is_none() && !meshed && !self.knows_pods(client)
    }

    /// True if each channel of a client has a connection to each pod that it knows of.
    #[must_use]
    pub fn connects_to_all(&self, client: &Client) -> bool {
        let all = |grpc: &GrpcClient| !grpc.policy.one_connection();
        self.knows_pods(client) && matches!(&client.protocol, Protocol::Grpc(grpc) if all(grpc))
    }

    /// True if a client knows the pods and opens connections where its calls go: a proxy's pools do, and ring_hash, which dials what a
    /// key asks for. Behind a virtual IP the same client has a connection that kube-proxy places.
    #[must_use]
    pub fn connects_on_demand(&self, client: &Client) -> bool {
        let by_key = matches!(&client.protocol, Protocol::Grpc(grpc) if matches!(grpc.policy, Policy::RingHash(_)));
        self.connects_to_all(client) && (client.has_pools() || by_key)
    }
}

settings! {
    /// The cluster.
    #[derive(Clone)]
    pub struct Cluster {
        /// Number of nodes; replica and pod i of each Deployment run on node i mod nodes.
        nodes: u32 [count(1, MAX_NODES)] = defaults::NODES;
        /// From a pod's condition to the rules of one node and to the cluster DNS; drawn per change and node, in order per node.
        endpoint_lag: Distribution [OWN.assumed()] = defaults::endpoint_lag();
        /// Cluster DNS, used with a headless Service.
        dns: Dns [group::<Dns>()] = Dns::default();
        /// Round trip between any two pods; a message takes half of it.
        rtt: Span [DURATION.assumed()] = defaults::RTT;
        /// From the SYN to a READY connection (TCP, TLS, HTTP/2 SETTINGS), on top of rtt; drawn per dial.
        connect: Distribution [OWN.assumed()] = defaults::connect();
    }
}

settings! {
    /// Cluster DNS: CoreDNS, and what caches in front of it.
    pub struct Dns {
        /// How long a cache keeps an answer: the `ttl` of the `kubernetes` and `cache` plugins in the Corefile that kubeadm writes.
        ttl: Span [zero_or_at_least(client::MS)] = Span::from_secs(30);
        /// Which caches stand between a client and the endpoints.
        cache: DnsCache [word::<DnsCache>()] = DnsCache::CoreDns;
        /// CoreDNS's `loadbalance` plugin, which shuffles each answer. Without it all see the pods in one order, which is that of their creation here:
        /// whoever takes the first address goes to the same pod.
        loadbalance: bool [FLAG] = true;
    }
}

settings! {
    /// `sessionAffinity: ClientIP` of the Service: kube-proxy sends a new connection of a client replica to the pod of its last one.
    pub struct SessionAffinity {
        /// Affinity ends when a replica has made no new connection for longer than this. A pod is drawn for the next one
        /// (sessionAffinityConfig.clientIP.timeoutSeconds).
        timeout: Span [between(Span::from_secs(1), Span::from_secs(86_400))] = Span::from_secs(10_800);
    }
}

word_enum! {
    /// Which caches stand between a client and the endpoints.
    pub enum DnsCache {
        /// Every query sees the current endpoints, shuffled.
        None = "none",
        /// CoreDNS's `cache` plugin: answers up to one TTL old, shuffled per response (`loadbalance` precedes `cache`).
        CoreDns = "core_dns",
        /// NodeLocal DNSCache on each node, in front of CoreDNS's cache: one fixed order per node until it expires.
        NodeLocal = "node_local",
    }
}

word_enum! {
    /// The type of the Service.
    pub enum ServiceType {
        /// One virtual IP; kube-proxy draws a pod uniformly for each new connection (iptables and nftables modes).
        ClusterIp = "ClusterIP",
        /// No virtual IP: DNS answers with the addresses of all ready pods.
        Headless = "Headless",
    }
}
