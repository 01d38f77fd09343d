//! Client Deployments: what they ask for, what they speak, and how they balance.

use super::{
    Breakers, FailureAccrual, Keepalive, Keys, Load, Method, OutlierDetection, PickFirst, Policy, RetryPolicy,
    SlowStart, Strategy,
};
use crate::distribution::Distribution;
use crate::model::defaults;
use crate::settings::{
    ABOVE_ZERO, DURATION, FLAG, OWN, PERCENT, SHARE, at_least, count, group, number, word, zero_or_at_least,
};
use crate::units::Span;
use crate::{settings, word_enum};

/// C-core's channel arguments for times of connections are in milliseconds; what happens again and again does so at most this often.
pub(super) const MS: Span = Span::from_millis(1);
/// Warm connections of a replica.
const MAX_WARM: u64 = 100_000;
/// Replicas of a client, and channels or connections of a replica.
const MAX_REPLICAS_OR_CHANNELS: u64 = 10_000_000;
/// Envoy has no limit; gRPC's, so that a mistake in a configuration does not become a storm.
const MAX_RETRIES: u64 = 4;
/// A worker whose call has failed makes the next one; below this, nothing is ever answered in time.
pub const LEAST_DEADLINE: Span = Span::from_micros(10);

settings! {
    /// A client Deployment.
    #[derive(Clone)]
    pub struct Client {
        /// Its name: a DNS label, unique among servers and clients.
        name: String [OWN.required()] = String::new();
        /// Replicas. A load's figures are totals over them.
        replicas: u32 [count(1, MAX_REPLICAS_OR_CHANNELS)] = defaults::REPLICAS;
        /// When the replicas start.
        start: Start [group::<Start>()] = Start::default();
        /// gRPC channels (ClientConns) per replica.
        channels: u32 [count(1, MAX_REPLICAS_OR_CHANNELS)] = defaults::CHANNELS;
        /// Lifetime that the client's pool gives its connections: one that is older is replaced (a new dial, then the old one drains).
        connection_lifetime: Option<Lifetime> [group::<Lifetime>().or("no limit")] = None;
        /// From the emission of a call to DEADLINE_EXCEEDED.
        deadline: Option<Span> [at_least(LEAST_DEADLINE).or("none")] = None;
        /// From a replica's creation to its start, in a rollout of this Deployment.
        startup: Distribution [OWN.assumed()] = defaults::startup();
        /// How a rollout of this Deployment replaces replicas.
        strategy: Strategy [OWN] = defaults::STRATEGY;
    } with {
        /// What the client speaks, and how it balances. With HTTP/1.1 `channels` is 1.
        protocol: Protocol = Protocol::Grpc(GrpcClient::default());
        /// The gateway that its connections go to: index into the model's. `None`: they go to the servers.
        gateway: Option<usize> = None;
        /// The proxy beside each replica that balances in place of the channels. `None`: the channels do.
        via: Option<Sidecar> = None;
        /// What the client asks for. Totals over the replicas.
        load: Load = Load::closed(1, None);
        /// Its methods, of which each call has one, with their costs and deadlines; empty: calls are all alike.
        methods: Vec<Method> = Vec::new();
    }
}

settings! {
    /// When the replicas start.
    pub struct Start {
        /// When the first may start.
        at: Span [DURATION] = Span::ZERO;
        /// They start, and first connect, at uniformly drawn instants over this span after `at`.
        spread: Span [DURATION] = Span::ZERO;
    }
}

/// A proxy beside each replica. A gRPC channel has one connection to it, which stays on one of its workers, and the worker
/// balances by the client's policy and discovery: the same machinery, one hop earlier.
#[derive(Clone, Debug, PartialEq)]
pub struct Sidecar {
    /// Which one.
    pub kind: SidecarKind,
    /// Worker threads, each with connections and a picker of its own; a channel is on one of them, at random. `None`: each
    /// channel's connection is passed on as a connection of its own.
    pub workers: Option<u32>,
    /// What it adds to a call, half of it on each way.
    pub overhead: Distribution,
    /// Envoy's settings of the servers. `None`: it is not Envoy, and connects as a gRPC channel does.
    pub cluster: Option<EnvoyCluster>,
    /// Linkerd's failure accrual. `None`: it is not Linkerd, or is not told to.
    pub accrual: Option<FailureAccrual>,
}

settings! {
    /// Settings of Envoy for what it calls a cluster, and NGINX an upstream: hosts, each with a connection pool per worker, which dials when a
    /// call needs it. Its policy picks among all hosts that discovery names, connected or not.
    pub struct EnvoyCluster {
        /// How often it tries a request again that found no connection or failed with UNAVAILABLE. Istio: 2, and it prefers another host.
        retries: u32 [count(0, MAX_RETRIES)] = 0;
        /// Ejections are ignored when less than this share of the hosts is left; 0%: never. Istio: 0%.
        panic_threshold: u32 [PERCENT] = defaults::PANIC_THRESHOLD;
        /// A connection to a host takes no new requests after this many.
        max_requests_per_connection: Option<u32> [count(1, u32::MAX as u64).or("no limit")] = None;
        /// What it refuses to take upon itself. Istio: nothing (2^32 - 1 of each).
        circuit_breakers: Option<Breakers> [group::<Breakers>()] = Some(Breakers::default());
        /// New hosts get less at first, by round_robin and least_request.
        slow_start: Option<SlowStart> [group::<SlowStart>().or("none")] = None;
    } with {
        /// How calls share its connections.
        reuse: Reuse = Reuse::default();
    }
}

/// How calls share a proxy's connections to a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reuse {
    /// Calls on one at once, if that is fewer than the server takes. `None`: as many as the server takes.
    pub streams: Option<u32>,
    /// Idle connections that a worker keeps. `None`: all.
    pub idle: Option<u32>,
    /// A connection with calls on it takes more from the same client connection only (HAProxy's `http-reuse safe`).
    pub by_session: bool,
}

/// The proxies that there are presets for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SidecarKind {
    /// Envoy with a configuration written by hand.
    Envoy,
    /// Istio's sidecar.
    Istio,
    /// Linkerd's.
    Linkerd,
    /// Istio's ambient mode without a waypoint: ztunnel places connections, not calls.
    Ambient,
    /// NGINX, as a gateway.
    Nginx,
    /// HAProxy, as a gateway.
    Haproxy,
}

impl SidecarKind {
    /// Its name in scenarios.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SidecarKind::Envoy => "envoy",
            SidecarKind::Istio => "istio",
            SidecarKind::Linkerd => "linkerd",
            SidecarKind::Ambient => "ambient",
            SidecarKind::Nginx => "nginx",
            SidecarKind::Haproxy => "haproxy",
        }
    }
}

settings! {
    /// The lifetime that a client's pool gives its connections.
    pub struct Lifetime {
        /// The mean lifetime.
        max: Span [at_least(MS).required()] = Span::from_secs(60);
        /// Each connection's own is uniform in max × (1 ± jitter), as gRFC A9 jitters the age on the server.
        jitter: f64 [SHARE] = 0.1;
    }
}

impl Client {
    /// How often its proxy tries a failed request again.
    #[must_use]
    pub fn proxy_retries(&self) -> u32 {
        self.via.as_ref().and_then(|via| via.cluster).map_or(0, |cluster| cluster.retries)
    }

    /// True if it balances as Envoy does: in a proxy that picks among all pods that it knows of, and dials where a call needs it.
    #[must_use]
    pub fn has_pools(&self) -> bool {
        self.via.as_ref().is_some_and(|via| via.cluster.is_some())
    }

    /// True if each of its requests has a connection of its own.
    #[must_use]
    pub fn connects_per_request(&self) -> bool {
        matches!(&self.protocol, Protocol::Http1(http) if http.keep_alive.is_none())
    }

    /// True if it watches the EndpointSlices.
    #[must_use]
    pub fn watches(&self) -> bool {
        matches!(&self.protocol, Protocol::Grpc(grpc) if matches!(grpc.discovery, Discovery::Watch { .. }))
    }
}

/// What a client speaks.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one per client Deployment")]
pub enum Protocol {
    /// gRPC over HTTP/2: many calls on one connection.
    Grpc(GrpcClient),
    /// HTTP/1.1: one request at a time on a connection.
    Http1(Http1Client),
}

settings! {
    /// Settings of a gRPC channel.
    #[derive(Clone)]
    pub struct GrpcClient {
        /// gRPC's DNS resolver; acts with a headless Service only, for a ClusterIP never changes.
        resolver: Resolver [group::<Resolver>()] = Resolver::default();
        /// How long a channel takes to put each of the calls on the wire that waited for it to become READY, drawn per call.
        dispatch: Distribution [OWN.assumed()] = defaults::dispatch();
        /// What calls are routed by, for ring_hash and Maglev.
        keys: Keys [OWN] = Keys { cumulative: None };
        /// Which endpoints are left out for a while.
        outlier_detection: Option<OutlierDetection> [group::<OutlierDetection>().or("none")] = None;
        /// When a channel first connects.
        connect: ConnectAt [word::<ConnectAt>()] = ConnectAt::Start;
        /// Delays between failed connection attempts.
        backoff: Backoff [group::<Backoff>()] = Backoff::default();
        /// How long a connection attempt may take (grpc-go: 20s). Via envoy it is 5s, istio 10s, linkerd 1s.
        connect_timeout: Option<Span> [ABOVE_ZERO.or("as long as TCP tries")] = defaults::client_stack(None).connect_timeout;
        /// Calls wait while the channel is in TRANSIENT_FAILURE instead of failing at once.
        wait_for_ready: bool [FLAG] = false;
        /// Pings that find a dead connection.
        keepalive: Option<Keepalive> [group::<Keepalive>().or("none")] = None;
        /// A channel without calls for this long closes its connections, and looks its name up again at the next call (grpc-go since 1.59,
        /// C-core, grpc-java). 0s: never.
        idle_timeout: Option<Span> [zero_or_at_least(MS).or("never")] = defaults::client_stack(None).idle_timeout;
        /// Each channel keeps some of the addresses that discovery gives (gRFC A68, random_subsetting).
        subset: Option<Subset> [group::<Subset>().or("all")] = None;
        /// The channels of a replica share their connections, and so are one (C-core and grpc-js, whose channels have equal settings).
        shared_subchannels: bool [FLAG] = false;
        /// Failed attempts are made again. What was never sent is sent elsewhere in any case.
        retry: Option<RetryPolicy> [group::<RetryPolicy>().or("none")] = None;
    } with {
        /// How connections are made and picked.
        policy: Policy = Policy::PickFirst(PickFirst::default());
        /// How a channel learns of addresses.
        discovery: Discovery = Discovery::Dns;
        /// With `shared_subchannels`: the application's channels per replica, at least 1, while [`Client::channels`] is 1.
        sharers: u32 = 1;
    }
}

settings! {
    /// Random subsetting (gRFC A68): the addresses with the smallest hashes, with a seed of the channel's own.
    pub struct Subset {
        /// How many addresses a channel keeps.
        size: u32 [count(1, super::server::MAX_REPLICAS).required()] = 1;
    }
}

word_enum! {
    /// When a channel first connects.
    pub enum ConnectAt {
        /// When the replica starts (grpc-go `Dial`, as ghz uses it).
        Start = "start",
        /// At the first call (grpc-go `NewClient`; C-core, Java, grpc-js).
        FirstCall = "first_call",
    }
}

/// How a channel learns which addresses there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Discovery {
    /// The Service's name: a virtual IP that never changes, or the pods of a headless Service, which gRPC's resolver looks up
    /// again only when a connection breaks.
    Dns,
    /// The name is looked up again at each interval, and an empty answer removes all pods (Envoy's STRICT_DNS).
    Poll(Poll),
    /// Changes of the EndpointSlices are pushed: kuberesolver, xDS, a mesh's control plane.
    Watch(Watch),
}

settings! {
    /// Settings of a poll.
    pub struct Poll {
        /// From one answer to the next lookup (Envoy's `dns_refresh_rate`, which refuses 1 ms or less).
        interval: Span [at_least(MS)] = Span::from_secs(5);
    }
}

settings! {
    /// Settings of a watch.
    pub struct Watch {
        /// A push waits until nothing has changed for this long; istiod: 100ms (`PILOT_DEBOUNCE_AFTER`).
        debounce: Span [DURATION] = Span::ZERO;
        /// But not longer than this after the first change (istiod's `PILOT_DEBOUNCE_MAX`).
        debounce_max: Span [DURATION] = Span::from_secs(10);
        /// An empty list is ignored (kuberesolver), so that addresses of pods that are gone stay.
        ignore_empty: bool [FLAG] = false;
    }
}

settings! {
    /// gRPC's DNS resolver.
    pub struct Resolver {
        /// Least time between two lookups of a channel: grpc-go's `MinResolutionInterval`, C-core's
        /// `dns_min_time_between_resolutions_ms`.
        min_interval: Span [DURATION] = Span::from_secs(30);
        /// What happens to a request for re-resolution that comes earlier.
        early: EarlyRequest [word::<EarlyRequest>()] = EarlyRequest::DeferAndRemember;
    }
}

word_enum! {
    /// What happens to a request for re-resolution that comes too early.
    pub enum EarlyRequest {
        /// Deferred to the end of the interval; one more that comes meanwhile causes one more lookup (grpc-go).
        DeferAndRemember = "defer_and_remember",
        /// Deferred to the end of the interval, once (C-core).
        Defer = "defer",
        /// Dropped (grpc-java).
        Drop = "drop",
    }
}

settings! {
    /// Delays between failed connection attempts (gRPC connection-backoff.md).
    pub struct Backoff {
        /// No delays: an attempt is made only for a call, and the call fails with it (tonic).
        per_call: bool [FLAG] = false;
        /// Delay after the first failure.
        base: Span [at_least(MS)] = Span::from_secs(1);
        /// Factor per further failure.
        multiplier: f64 [number(1.0, 1_000.0)] = 1.6;
        /// Each delay is multiplied by a uniform draw in 1 ± jitter.
        jitter: f64 [SHARE] = 0.2;
        /// The first delay is jittered, too (C-core, grpc-java); grpc-go's is exact.
        jitter_first: bool [FLAG] = false;
        /// Largest delay, before jitter.
        max: Span [at_least(MS)] = Span::from_secs(120);
        /// What a delay is counted from.
        from: DelayFrom [word::<DelayFrom>()] = DelayFrom::AttemptEnd;
    }
}

word_enum! {
    /// What a back-off delay is counted from.
    pub enum DelayFrom {
        /// The start of the attempt that failed (C-core, grpc-java, grpc-js): if that took longer, the next one follows at once.
        AttemptStart = "attempt_start",
        /// Its end (grpc-go).
        AttemptEnd = "attempt_end",
    }
}

settings! {
    /// Connections of an HTTP/1.1 client.
    pub struct Http1Client {
        /// Connections that a replica may have open; calls beyond wait, first in first out.
        max_connections: Option<u32> [count(1, MAX_REPLICAS_OR_CHANNELS).or("no limit")] = None;
        /// A pool of connections that are used again.
        keep_alive: Option<KeepAlive> [group::<KeepAlive>().or("a new connection per request")] = None;
    }
}

settings! {
    /// A keep-alive pool.
    pub struct KeepAlive {
        /// Connections opened when the replica starts.
        warm: u32 [count(0, MAX_WARM)] = 0;
        /// Which idle connection a request takes.
        order: PoolOrder [word::<PoolOrder>()] = PoolOrder::Lifo;
        /// An idle connection is closed after this.
        idle_timeout: Option<Span> [at_least(MS).or("never")] = None;
    }
}

word_enum! {
    /// Which idle connection of a pool is used next.
    pub enum PoolOrder {
        /// The one used last.
        Lifo = "lifo",
        /// The one unused for longest: the pool cycles.
        Fifo = "fifo",
    }
}
