//! The values in force of a client.

use super::text::{curve, law, optional, optional_count};
use super::{Rows, Scope, strategy_values};
use crate::scenario::model::{
    Arrivals, Backoff, Breakers, Client, ConnectAt, Discovery, EarlyRequest, EnvoyCluster, GrpcClient, Http1Client,
    KeepAlive, Keepalive, Lifetime, Load, Policy, PoolOrder, Protocol, Reconnect, Resolver, RotationStart, ServiceType,
    Sidecar,
};
use crate::units::Span;

pub(super) fn client_values(rows: &mut Rows<'_>, at: &Scope, client: &Client, service: ServiceType) {
    let Client {
        name: _,
        replicas,
        channels,
        protocol,
        via,
        start_at,
        start_spread,
        max_connection_lifetime,
        load,
        deadline,
        startup,
        strategy,
    } = client;
    rows.put(at, "replicas", replicas.to_string());
    let start = at.key("start");
    rows.put(&start, "at", start_at.to_string());
    rows.put(&start, "spread", start_spread.to_string());
    let pooled = match protocol {
        Protocol::Grpc(grpc) => {
            rows.put(at, "protocol", "grpc".into());
            rows.put(at, "channels", channels.to_string());
            if let Some(sidecar) = via {
                sidecar_values(rows, at, sidecar, *channels);
            }
            grpc_values(rows, at, grpc, via.as_ref(), service);
            true
        }
        Protocol::Http1(http1) => {
            rows.put(at, "protocol", "http1".into());
            http1_values(rows, &at.key("http1"), http1);
            http1.keep_alive.is_some()
        }
    };
    if pooled {
        match max_connection_lifetime {
            None => rows.put(at, "connection_lifetime", "no limit".into()),
            Some(Lifetime { max, jitter }) => {
                let lifetime = at.key("connection_lifetime");
                rows.put(&lifetime, "max", max.to_string());
                rows.put(&lifetime, "jitter", jitter.to_string());
            }
        }
    }
    rows.put(at, "deadline", optional(*deadline, "none"));
    load_values(rows, &at.key("load"), load);
    if matches!(load, Load::Open { .. }) {
        rows.put(at, "startup", law(startup));
        strategy_values(rows, &at.key("strategy"), strategy);
    }
}

fn sidecar_values(rows: &mut Rows<'_>, at: &Scope, sidecar: &Sidecar, channels: u32) {
    let Sidecar { kind, workers, overhead, cluster } = sidecar;
    rows.put(at, "via", kind.name().into());
    let settings = at.key("via").key(kind.name());
    let Some(EnvoyCluster { breakers }) = cluster else {
        return rows.put(&settings, "overhead", law(overhead));
    };
    if let (Some(workers), true) = (workers, channels > 1) {
        rows.put(&settings, "workers", workers.to_string());
    }
    rows.put(&settings, "overhead", law(overhead));
    match breakers {
        None => rows.put(&settings, "circuit_breakers", "none".into()),
        Some(Breakers { pending, requests, retries: _ }) => {
            let breakers = settings.key("circuit_breakers");
            rows.put(&breakers, "max_requests", requests.to_string());
            rows.put(&breakers, "max_pending_requests", pending.to_string());
        }
    }
}

fn grpc_values(rows: &mut Rows<'_>, at: &Scope, grpc: &GrpcClient, via: Option<&Sidecar>, service: ServiceType) {
    let GrpcClient { policy, wait_for_ready, connect, discovery, resolver, backoff, dispatch, keepalive } = grpc;
    let virtual_ip = service == ServiceType::ClusterIp && *discovery == Discovery::Dns;
    policy_values(rows, at, policy, virtual_ip);
    discovery_values(rows, at, discovery);
    if service == ServiceType::Headless && *discovery == Discovery::Dns {
        resolver_values(rows, &at.key("resolver"), resolver);
    }
    rows.put(at, "dispatch", law(dispatch));
    // What is not shown acts on nothing: see `scenario::check`.
    if via.is_none_or(|via| via.cluster.is_none()) {
        let connect = match connect {
            ConnectAt::Start => "start",
            ConnectAt::FirstCall => "first_call",
        };
        rows.put(at, "connect", connect.into());
        backoff_values(rows, &at.key("backoff"), backoff);
    }
    if via.is_none() {
        rows.put(at, "wait_for_ready", wait_for_ready.to_string());
        keepalive_values(rows, at, keepalive.as_ref());
    }
}

fn resolver_values(rows: &mut Rows<'_>, at: &Scope, resolver: &Resolver) {
    let Resolver { min_interval, early } = resolver;
    rows.put(at, "min_interval", min_interval.to_string());
    let early = match early {
        EarlyRequest::DeferAndRemember => "defer_and_remember",
        EarlyRequest::Defer => "defer",
        EarlyRequest::Drop => "drop",
    };
    rows.put(at, "early", early.into());
}

fn backoff_values(rows: &mut Rows<'_>, at: &Scope, backoff: &Backoff) {
    let Backoff { base, multiplier, jitter, jitter_first, max } = backoff;
    rows.put(at, "base", base.to_string());
    rows.put(at, "multiplier", multiplier.to_string());
    rows.put(at, "jitter", jitter.to_string());
    rows.put(at, "jitter_first", jitter_first.to_string());
    rows.put(at, "max", max.to_string());
}

fn keepalive_values(rows: &mut Rows<'_>, at: &Scope, keepalive: Option<&Keepalive>) {
    match keepalive {
        None => rows.put(at, "keepalive", "none".into()),
        Some(Keepalive {
            time,
            timeout,
            permit_without_stream,
            wake: _,
            bdp_ping: _,
            throttle: _,
            tcp_user_timeout: _,
        }) => {
            let keepalive = at.key("keepalive");
            rows.put(&keepalive, "time", time.to_string());
            rows.put(&keepalive, "timeout", timeout.to_string());
            rows.put(&keepalive, "permit_without_stream", permit_without_stream.to_string());
        }
    }
}

fn discovery_values(rows: &mut Rows<'_>, at: &Scope, discovery: &Discovery) {
    let under = at.key("discovery");
    match discovery {
        Discovery::Dns => rows.put(at, "discovery", "dns".into()),
        Discovery::Poll { interval } => {
            rows.put(at, "discovery", "poll".into());
            rows.put(&under.key("poll"), "interval", interval.to_string());
        }
        Discovery::Watch { debounce, debounce_max, ignore_empty } => {
            rows.put(at, "discovery", "watch".into());
            let watch = under.key("watch");
            rows.put(&watch, "debounce", debounce.to_string());
            if *debounce > Span::ZERO {
                rows.put(&watch, "debounce_max", debounce_max.to_string());
            }
            rows.put(&watch, "ignore_empty", ignore_empty.to_string());
        }
    }
}

fn policy_values(rows: &mut Rows<'_>, at: &Scope, policy: &Policy, virtual_ip: bool) {
    let under = at.key("policy");
    match policy {
        Policy::PickFirst { reconnect, shuffle } => {
            rows.put(at, "policy", "pick_first".into());
            let reconnect = match reconnect {
                Reconnect::Lazy => "lazy",
                Reconnect::Eager => "eager",
            };
            let settings = under.key("pick_first");
            rows.put(&settings, "reconnect", reconnect.into());
            if !virtual_ip {
                rows.put(&settings, "shuffle", shuffle.to_string());
            }
        }
        Policy::RoundRobin { start } => {
            rows.put(at, "policy", "round_robin".into());
            let start = match start {
                RotationStart::RandomOrder => "random_order",
                RotationStart::Random => "random",
                RotationStart::First => "first",
                RotationStart::Continue => "continue",
            };
            if !virtual_ip {
                rows.put(&under.key("round_robin"), "start", start.into());
            }
        }
        Policy::Random => rows.put(at, "policy", "random".into()),
        Policy::LeastRequest { choice_count } => {
            rows.put(at, "policy", "least_request".into());
            if !virtual_ip {
                rows.put(&under.key("least_request"), "choice_count", choice_count.to_string());
            }
        }
        Policy::PeakEwma { default_rtt, decay } => {
            rows.put(at, "policy", "peak_ewma".into());
            if !virtual_ip {
                let ewma = under.key("peak_ewma");
                rows.put(&ewma, "default_rtt", default_rtt.to_string());
                rows.put(&ewma, "decay", decay.to_string());
            }
        }
    }
}

fn http1_values(rows: &mut Rows<'_>, at: &Scope, http1: &Http1Client) {
    let Http1Client { max_connections, keep_alive } = http1;
    rows.put(at, "max_connections", optional_count(*max_connections, "no limit"));
    match keep_alive {
        None => rows.put(at, "keep_alive", "a new connection per request".into()),
        Some(KeepAlive { warm, order, idle_timeout }) => {
            let keep_alive = at.key("keep_alive");
            rows.put(&keep_alive, "warm", warm.to_string());
            let order = match order {
                PoolOrder::Lifo => "lifo",
                PoolOrder::Fifo => "fifo",
            };
            rows.put(&keep_alive, "order", order.into());
            rows.put(&keep_alive, "idle_timeout", optional(*idle_timeout, "never"));
        }
    }
}

fn load_values(rows: &mut Rows<'_>, at: &Scope, load: &Load) {
    match load {
        Load::Closed { concurrency, requests } => {
            let closed = at.key("closed");
            rows.put(&closed, "concurrency", concurrency.to_string());
            rows.put(&closed, "requests", requests.map_or("until the end".into(), |n| n.to_string()));
        }
        Load::Open { arrivals, rate } => {
            let open = at.key("open");
            // The rate, the curve and the trace are one thing by now, with the timeline's changes in it; it is shown by the
            // name that it was given.
            let written = |name: &&str| rows.is_written(&open.key(name).steps);
            let name = ["rate", "curve", "trace"].into_iter().find(written).unwrap_or("rate");
            rows.put(&open, name, curve(rate));
            let arrivals = match arrivals {
                Arrivals::Poisson => "poisson",
                Arrivals::Constant => "constant",
            };
            rows.put(&open, "arrivals", arrivals.into());
        }
    }
}
