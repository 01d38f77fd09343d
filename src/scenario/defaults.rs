//! What holds when a key is not given. Defaults are those of the real systems; where none gives one, it is an
//! *assumption*, and [`ASSUMPTIONS`] names it.

use super::distribution::Distribution;
use super::model::{
    Breakers, ConnectAt, CountOrPercent, Discovery, Dns, DnsCache, EarlyRequest, Enforcement, GrpcClient, GrpcServer,
    Keys, Policy, Reconnect, Resolver, RetryLimit, Strategy, StrikeRule, Termination,
};
pub(super) use super::stack::BACKOFF;
use super::stack::{self, ClientStack, Stack};
use crate::units::Span;

/// Keys whose default no real system gives. The first word is the list that the key belongs to, or `cluster`.
pub(super) const ASSUMPTIONS: &[(&str, &str)] = &[
    ("cluster", "endpoint_lag"),
    ("cluster", "rtt"),
    ("cluster", "connect"),
    ("servers", "concurrency"),
    ("servers", "service_time"),
    ("servers", "startup"),
    ("servers", "cpu_at_full_load"),
    ("clients", "dispatch"),
    ("clients", "startup"),
    ("via", "overhead"),
    ("gateways", "startup"),
    ("proxy", "overhead"),
];

pub(super) const SEED: u64 = 1;
/// Some 200 bytes each: a run stays below 2 GB.
pub(super) const MAX_CALLS_IN_FLIGHT: u32 = 5_000_000;
pub(super) const NODES: u32 = 3;
pub(super) const RTT: Span = Span::from_micros(500);
/// The `ttl` of the `kubernetes` and `cache` plugins in the Corefile that kubeadm writes.
pub(super) const DNS: Dns = Dns { ttl: Span::from_secs(30), cache: DnsCache::CoreDns };

/// EndpointSlice controller, watch and kube-proxy sync together; kube-proxy alone waits up to `minSyncPeriod` = 1 s.
pub(super) fn endpoint_lag() -> Distribution {
    Distribution::Constant(0.5)
}

/// TCP, TLS and SETTINGS with the jitter of real machines, without which every cold start would be the same.
pub(super) fn connect() -> Distribution {
    Distribution::Exponential { mean: 0.0003, min: 0.0002 }
}

pub(super) const REPLICAS: u32 = 1;
pub(super) const CONCURRENCY: u32 = 8;

/// With 8 slots it makes the 5,000 calls per second of one saturated pod.
pub(super) fn service_time() -> Distribution {
    Distribution::Exponential { mean: 0.0016, min: 0.0 }
}

pub(super) fn startup() -> Distribution {
    Distribution::Constant(5.0)
}

/// `terminationGracePeriodSeconds: 30`, no preStop hook (Kubernetes PodSpec).
pub(super) const TERMINATION: Termination = Termination { pre_stop: Span::ZERO, grace: Span::from_secs(30) };
/// Kubernetes `apps/v1` Deployment: RollingUpdate with 25 % each.
pub(super) const STRATEGY: Strategy = Strategy::RollingUpdate { max_surge: QUARTER, max_unavailable: QUARTER };
pub(super) const QUARTER: CountOrPercent = CountOrPercent::Percent(25);

/// `--cpu-cfs-quota-period` of the kubelet.
pub(super) const CFS_PERIOD: Span = Span::from_millis(100);

pub(super) const CHANNELS: u32 = 1;
/// The 30 s of grpc-go's `MinResolutionInterval` and of C-core's `dns_min_time_between_resolutions_ms`.
pub(super) const RESOLVER: Resolver =
    Resolver { min_interval: Span::from_secs(30), early: EarlyRequest::DeferAndRemember };
/// Envoy `dns_refresh_rate` (`config.cluster.v3.Cluster`).
pub(super) const POLL_INTERVAL: Span = Span::from_secs(5);
/// istiod `PILOT_DEBOUNCE_MAX`.
pub(super) const DEBOUNCE_MAX: Span = Span::from_secs(10);
/// istiod `PILOT_DEBOUNCE_AFTER`.
pub(super) const ISTIO_DEBOUNCE: Span = Span::from_millis(100);
/// Istio's chart, `global.proxy` (`concurrency: 2`).
pub(super) const WORKERS: u32 = 2;

/// `circuit_breaker.proto`.
pub(super) const BREAKERS: Breakers = Breakers { pending: 1_024, requests: 1_024, retries: RetryLimit::Count(3) };

/// `pilot/pkg/networking/core/route/retry`: attempts of the default policy, the first one not counted.
pub(super) const ISTIO_RETRIES: u32 = 2;

/// `healthy_panic_threshold`, in percent; istiod sets it to 0 together with outlier detection (`applyOutlierDetection`).
pub(super) const PANIC_THRESHOLD: u32 = 50;
pub(super) const ISTIO_PANIC_THRESHOLD: u32 = 0;

/// What Istio 1.20 publishes for a pair of sidecars at the 90th percentile; a mesh's client side alone is not published.
pub(super) fn overhead() -> Distribution {
    Distribution::Constant(0.00023)
}

/// `maglev.proto`.
pub(super) const TABLE_SIZE: u32 = 65_537;
/// gRFC A42; Envoy's greatest is 8,388,608.
pub(super) const RING_SIZE: (u32, u32) = (1_024, 4_096);
/// gRFC A48 and Envoy's `choice_count`.
pub(super) const CHOICE_COUNT: u32 = 2;
/// Linkerd (`policy-controller/grpc/src/outbound.rs`).
pub(super) const DEFAULT_RTT: Span = Span::from_millis(30);
pub(super) const DECAY: Span = Span::from_secs(10);
/// gRFC A8; grpc-go `keepalive.EnforcementPolicy`.
pub(super) const ENFORCEMENT: Enforcement = Enforcement {
    min_time: Span::from_secs(5 * 60),
    permit_without_stream: false,
    max_strikes: Some(2),
    rule: StrikeRule::Go,
};
/// No proxy punishes pings.
pub(super) const LENIENT: Enforcement =
    Enforcement { min_time: Span::ZERO, permit_without_stream: true, max_strikes: None, rule: StrikeRule::Go };
/// What a gateway does with the connections of its clients, if nothing is known of its own: nothing.
pub(super) const PROXY_LISTENS: GrpcServer = GrpcServer {
    max_connection_age: None,
    max_connection_age_grace: None,
    max_connection_idle: None,
    max_requests_per_connection: None,
    max_concurrent_streams: None,
    enforcement: LENIENT,
};
/// nginx: `keepalive_time 1h`, `keepalive_timeout 75s`, `keepalive_requests 1000`, `http2_max_concurrent_streams 128`.
pub(super) const NGINX_LISTENS: GrpcServer = GrpcServer {
    max_connection_age: Some(Span::from_secs(3600)),
    max_connection_idle: Some(Span::from_secs(75)),
    max_requests_per_connection: Some(NGINX_REQUESTS),
    max_concurrent_streams: Some(128),
    ..PROXY_LISTENS
};
/// `keepalive_requests`, on both sides.
pub(super) const NGINX_REQUESTS: u32 = 1_000;
/// `keepalive` of an upstream (since 1.29.7).
pub(super) const NGINX_KEEPALIVE: u32 = 32;
/// haproxy: `tune.h2.fe.max-concurrent-streams` and `tune.h2.be.max-concurrent-streams`.
pub(super) const HAPROXY_STREAMS: u32 = 100;
pub(super) const HAPROXY_LISTENS: GrpcServer =
    GrpcServer { max_concurrent_streams: Some(HAPROXY_STREAMS), ..PROXY_LISTENS };

pub(super) fn dispatch() -> Distribution {
    Distribution::Constant(1e-6)
}

/// A gRPC client of which nothing is said.
pub(super) fn grpc_client() -> GrpcClient {
    GrpcClient {
        policy: Policy::PickFirst { reconnect: Reconnect::Lazy, shuffle: false },
        wait_for_ready: false,
        connect: ConnectAt::Start,
        discovery: Discovery::Dns,
        resolver: RESOLVER,
        backoff: Some(BACKOFF),
        connect_timeout: client_stack(None).connect_timeout,
        dispatch: dispatch(),
        keepalive: None,
        retry: None,
        idle_timeout: client_stack(None).idle_timeout,
        subset: None,
        sharing: None,
        outlier_detection: None,
        keys: Keys { cumulative: None },
    }
}

/// How a client's stack behaves; where none is named, as grpc-go, but that it connects at the start (`grpc.Dial`, as ghz).
pub(super) fn client_stack(stack: Option<Stack>) -> ClientStack {
    match stack {
        Some(stack) => stack::client(stack),
        None => ClientStack { connect: ConnectAt::Start, ..stack::client(Stack::Go) },
    }
}

/// C-core: `grpc.http2.min_sent_ping_interval_without_data_ms` as gRFC L116 has it.
pub(super) const THROTTLE_INTERVAL: Span = Span::from_secs(60);

/// As gRFC A9 jitters the age on the server: ±10 %.
pub(super) const LIFETIME_JITTER: f64 = 0.1;
/// Pods of a `kill` or `delete`.
pub(super) const PODS: u32 = 1;

/// Autoscalers: `autoscaling/v2`, the flags of kube-controller-manager, and metrics-server's manifest.
pub(super) mod hpa {
    use crate::scenario::model::{ScalingChange, ScalingPolicy};
    use crate::units::Span;

    pub const MIN_REPLICAS: u32 = 1;
    pub const TARGET_PERCENT: u32 = 80;
    pub const TOLERANCE: f64 = 0.1;
    pub const SYNC_PERIOD: Span = Span::from_secs(15);
    pub const METRICS_RESOLUTION: Span = Span::from_secs(15);
    pub const CPU_INITIALIZATION_PERIOD: Span = Span::from_secs(300);
    pub const INITIAL_READINESS_DELAY: Span = Span::from_secs(30);
    pub const DOWNSCALE_STABILIZATION: Span = Span::from_secs(300);
    const PERIOD: Span = Span::from_secs(15);
    pub const UP: [ScalingPolicy; 2] = [
        ScalingPolicy { change: ScalingChange::Pods(4), period: PERIOD },
        ScalingPolicy { change: ScalingChange::Percent(100), period: PERIOD },
    ];
    pub const DOWN: [ScalingPolicy; 1] = [ScalingPolicy { change: ScalingChange::Percent(100), period: PERIOD }];
    /// No system gives one: the request is what a pod with all slots busy uses.
    pub const CPU_AT_FULL_LOAD: f64 = 1.0;
}
