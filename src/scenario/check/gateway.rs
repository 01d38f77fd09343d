//! Gateways: the same proxies as beside clients, and NGINX and HAProxy, as Deployments of their own.

use super::client::discovery_of;
use super::timeline::unknown;
use super::{Check, Names, is_virtual, law, outlier, policy as policies, server, via};
use crate::distribution::Distribution;
use crate::model::defaults;
use crate::model::{
    Client, Cluster, Codes, Discovery, EnvoyCluster, Gateway, GrpcClient, GrpcServer, HaproxyLeastConn, HaproxyRandom,
    Load, NginxLeastConn, NginxRandomTwo, Policy, Poll, Protocol, RetryPolicy, Reuse, RotationStart, RoundRobin,
    Server, ServiceType, Sidecar, SidecarKind, Termination,
};
use crate::scenario::diagnostic::{Problem, quoted};
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::gateway::{
    GatewayFile, GatewayProxyFile, HaproxyBalanceFile, HaproxyFile, NginxBalanceFile, NginxFile,
};
use crate::scenario::file::settings::Written;
use crate::scenario::file::via::{EnvoyFile, ViaFile};
use crate::scenario::rules::Code;
use crate::units::Span;

/// Worker processes.
const MAX_WORKERS: u32 = 1_024;
/// HAProxy's bound.
const MAX_WEIGHT: u32 = 256;
/// HAProxy: `retries 3`.
const HAPROXY_RETRIES: u32 = 3;
/// `timeout resolve` of HAProxy's resolvers.
const HAPROXY_RESOLVES: Span = Span::from_secs(1);

/// The shortest time from one answer of DNS to the next lookup, where `cluster.dns.ttl` is shorter: each is a step of the run. (DNS has whole
/// seconds.)
const LEAST_TTL: Span = Span::from_millis(1);
/// `grpc_connect_timeout`.
const NGINX_CONNECTS: Span = Span::from_secs(60);
/// HAProxy has no default of `timeout connect`, and warns without one; its own examples have this.
const HAPROXY_CONNECTS: Span = Span::from_secs(5);

/// A proxy, and what it has of its own.
struct Proxy {
    sidecar: Sidecar,
    workers: u32,
    /// NGINX's and HAProxy's choice.
    policy: Option<Policy>,
    /// What it does with the connections of clients.
    listens: GrpcServer,
    /// How often it looks the servers up.
    resolves: Span,
    /// What it tries again.
    retries: Option<RetryPolicy>,
    /// How long a dial may take. `None`: as Envoy has it.
    connects: Option<Span>,
}

pub(super) fn gateway(
    cx: &mut Check<'_>,
    file: At<GatewayFile>,
    cluster: &Cluster,
    (service, servers): (ServiceType, &[Server]),
    names: &mut Names,
) -> Option<Gateway> {
    let At { value, place } = file;
    #[rustfmt::skip]
    let GatewayFile {
        name, replicas, proxy, policy, discovery, outlier_detection, keys, startup, min_ready, termination, strategy, grpc,
    } = value;
    let name = cx.unique_name(name, place, "a gateway", names);
    let pods = servers.iter().map(|s| s.replicas).sum();
    let replicas = cx.count_or(replicas, "replicas", 0, server::MAX_REPLICAS, defaults::REPLICAS);
    let proxy = cx.required(proxy, "proxy", place, "a gateway")?.value;
    let judges = outlier_detection.is_some();
    let written = proxy.name();
    let Proxy { sidecar, workers, policy: own, listens, resolves, retries, connects } = match proxy {
        GatewayProxyFile::Envoy(file) => envoy(cx, SidecarKind::Envoy, file, service, judges),
        GatewayProxyFile::Istio(file) | GatewayProxyFile::Waypoint(file) => {
            envoy(cx, SidecarKind::Istio, file, service, judges)
        }
        GatewayProxyFile::Nginx(file) => nginx(cx, file, cluster, pods),
        GatewayProxyFile::Haproxy(file) => haproxy(cx, file),
    };
    let mut preset = via::preset(&sidecar, service);
    if own.is_some() {
        cx.no_effect(&policy, "policy", "with this proxy; set its `balance`");
        cx.no_effect(&outlier_detection, "outlier_detection", "with this proxy, which is not Envoy");
        let poll = Discovery::Poll(Poll { interval: resolves });
        preset.discovery = if service == ServiceType::Headless { poll } else { Discovery::Dns };
    }
    let (policy, outlier_detection) = (policy.filter(|_| own.is_none()), outlier_detection.filter(|_| own.is_none()));
    via::fits(cx, Some(&sidecar), policy.as_ref(), &discovery, service);
    let discovery = discovery_of(cx, discovery, service).unwrap_or(preset.discovery);
    let virtual_ip = is_virtual(service) && discovery == Discovery::Dns;
    let policy = policies::policy(cx, policy, virtual_ip, preset.rotation).or(own).unwrap_or(preset.policy);
    let client = GrpcClient {
        policy,
        discovery,
        retry: retries.or_else(|| via::retries(Some(&sidecar))),
        outlier_detection: outlier::of_gateway(cx, outlier_detection, &sidecar, &policy, !virtual_ip),
        keys: policies::keys(cx, keys, &policy),
        connect_timeout: connects.or(preset.connect_timeout),
        idle_timeout: None,
        ..GrpcClient::default()
    };
    let pods = Server {
        name,
        replicas,
        // Not used: requests are passed on.
        concurrency: 0,
        service_time: Distribution::Constant(0.0),
        cpu: None,
        speed: 1.0,
        warm_up: None,
        queue_limit: None,
        handshake_time: Span::ZERO,
        startup: law::law_or(cx, startup, defaults::startup),
        min_ready: min_ready.map_or(Span::ZERO, |t| t.value.0),
        hpa: None,
        termination: ending(cx, termination),
        strategy: server::strategy_or_default(cx, strategy),
        grpc: server::proxy_settings(cx, grpc, listens),
    };
    // Each channel is a worker.
    let via = Some(Sidecar { workers: None, ..sidecar });
    Some(Gateway { proxy: written, client: other_side(&pods, workers, client, via), server: pods })
}

/// What the pods of a gateway do towards the servers.
fn other_side(pods: &Server, workers: u32, client: GrpcClient, via: Option<Sidecar>) -> Client {
    Client {
        name: pods.name.clone(),
        replicas: pods.replicas,
        channels: workers,
        protocol: Protocol::Grpc(client),
        via,
        load: Load::Forwarded,
        startup: pods.startup.clone(),
        strategy: pods.strategy,
        ..Client::default()
    }
}

fn envoy(cx: &mut Check<'_>, kind: SidecarKind, mut file: At<EnvoyFile>, service: ServiceType, judges: bool) -> Proxy {
    if let Some(At { value: true, .. }) = file.value.rest.opaque {
        cx.problem(
            Code::Contradiction,
            file.place,
            "a gateway that is `opaque` is not modelled: it would place connections, and not calls",
        );
        file.value.rest.opaque = None;
    }
    // A gateway's pods have connections of many clients: all its workers are used.
    let beside = via::Beside { speaks_http1: false, channels: u32::MAX, service, judges };
    let sidecar = via::envoy(cx, kind, file, &beside);
    let workers = sidecar.workers.unwrap_or(1);
    Proxy {
        sidecar,
        workers,
        policy: None,
        listens: defaults::PROXY_LISTENS,
        resolves: Poll::default().interval,
        retries: None,
        connects: None,
    }
}

fn nginx(cx: &mut Check<'_>, file: At<NginxFile>, cluster: &Cluster, pods: u32) -> Proxy {
    let NginxFile { workers, overhead, balance, keepalive } = file.value;
    let policy = match balance.map(|b| b.value) {
        None | Some(NginxBalanceFile::RoundRobin) => Policy::RoundRobin(RoundRobin { start: RotationStart::First }),
        Some(NginxBalanceFile::LeastConn) => Policy::NginxLeastConn(NginxLeastConn {}),
        Some(NginxBalanceFile::RandomTwo) => Policy::NginxRandomTwo(NginxRandomTwo {}),
    };
    // `grpc_pass`: a connection that serves a call has left the cache.
    let idle = Some(cx.count_or(keepalive, "keepalive", 0, u32::MAX, defaults::NGINX_KEEPALIVE));
    let reuse = Reuse { streams: Some(1), idle, by_session: false };
    Proxy {
        sidecar: sidecar(cx, SidecarKind::Nginx, overhead, reuse, Some(defaults::NGINX_REQUESTS)),
        workers: cx.count_or(workers, "workers", 1, MAX_WORKERS, 1),
        policy: Some(policy),
        listens: defaults::NGINX_LISTENS,
        resolves: cluster.dns.ttl.max(LEAST_TTL),
        // `proxy_next_upstream`: all others, one after the other; what has been sent is not sent again, being a POST.
        retries: unsent(pods),
        connects: Some(NGINX_CONNECTS),
    }
}

fn haproxy(cx: &mut Check<'_>, file: At<HaproxyFile>) -> Proxy {
    let HaproxyFile { overhead, balance, weight } = file.value;
    let weight = cx.count_or(weight, "weight", 1, MAX_WEIGHT, 1);
    let policy = match balance.map(|b| b.value) {
        None | Some(HaproxyBalanceFile::Random) => Policy::HaproxyRandom(HaproxyRandom { weight }),
        Some(HaproxyBalanceFile::Leastconn) => Policy::HaproxyLeastConn(HaproxyLeastConn { weight }),
        Some(HaproxyBalanceFile::Roundrobin) => Policy::RoundRobin(RoundRobin { start: RotationStart::First }),
    };
    let reuse = Reuse { streams: Some(defaults::HAPROXY_STREAMS), idle: None, by_session: true };
    Proxy {
        sidecar: sidecar(cx, SidecarKind::Haproxy, overhead, reuse, None),
        workers: 1,
        policy: Some(policy),
        listens: defaults::HAPROXY_LISTENS,
        resolves: HAPROXY_RESOLVES,
        retries: unsent(HAPROXY_RETRIES),
        connects: Some(HAPROXY_CONNECTS),
    }
}

/// What a proxy does at SIGTERM is its own.
fn ending(cx: &mut Check<'_>, file: Key<Written<Termination>>) -> Termination {
    if let Some(keys) = &file {
        let why = "on a gateway: its proxy says what it does at SIGTERM";
        cx.no_effect(&keys.value.given("sigterm"), "sigterm", why);
    }
    server::ending(cx, file)
}

fn sidecar(
    cx: &mut Check<'_>,
    kind: SidecarKind,
    overhead: Key<crate::scenario::file::law::LawFile>,
    reuse: Reuse,
    max_requests_per_connection: Option<u32>,
) -> Sidecar {
    Sidecar {
        kind,
        workers: Some(1),
        overhead: law::law_or(cx, overhead, defaults::overhead),
        cluster: Some(EnvoyCluster {
            circuit_breakers: None,
            panic_threshold: 0,
            max_requests_per_connection,
            reuse,
            ..EnvoyCluster::default()
        }),
        accrual: None,
    }
}

/// Calls that found no connection are tried elsewhere at once.
fn unsent(retries: u32) -> Option<RetryPolicy> {
    let policy = RetryPolicy {
        max_attempts: retries + 1,
        initial_backoff: Span::ZERO,
        max_backoff: Span::ZERO,
        multiplier: 1.0,
        jitter: 0.0,
        codes: Codes::of(&[14]),
        throttling: None,
        elsewhere: true,
        unsent_only: true,
    };
    (retries > 0).then_some(policy)
}

/// The gateway that a client goes through, if its `via` names one.
pub(super) fn of_client(cx: &mut Check<'_>, via: &Key<ViaFile>, gateways: &[Gateway]) -> Option<usize> {
    let Some(At { value: ViaFile::Gateway(name), .. }) = via else { return None };
    let found = gateways.iter().position(|g| g.server.name == name.value);
    if found.is_none() {
        unknown(cx, "gateway", name, gateways.iter().map(|g| g.server.name.as_str()));
    }
    found
}

/// Refuses gateways that nobody goes through; what was refused before may have been their client.
pub(super) fn unused(cx: &mut Check<'_>, gateways: &[Gateway], clients: &[Client], names: &Names) {
    if !cx.problems.is_empty() {
        return;
    }
    for (i, gateway) in gateways.iter().enumerate() {
        let name = &gateway.server.name;
        if let (false, Some(place)) = (clients.iter().any(|c| c.gateway == Some(i)), names.place(name)) {
            let message = format!("no client goes through the gateway {}", quoted(name));
            cx.report(
                Problem::new(Code::NoEffect, place, message)
                    .help(format!("set `via: {{ gateway: {name} }}` for a client")),
            );
        }
    }
}
