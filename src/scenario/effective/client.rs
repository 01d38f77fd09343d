//! The values in force of a client.

use super::balancing::{keys_values, outlier_values, policy_values, sidecar_values};
use super::{Rows, Scope, stack};
use crate::model::text::{curve, law, optional, optional_count};
use crate::model::{Client, Discovery, GrpcClient, Http1Client, Load, Method, Protocol, ServiceType, Sidecar};
use crate::settings::Words;
use crate::units::Span;

pub(super) fn client_values(
    rows: &mut Rows<'_>,
    at: &Scope,
    client: &Client,
    (service, through): (ServiceType, Option<&str>),
) {
    let Client {
        name: _,
        replicas,
        channels,
        protocol,
        gateway: _,
        via,
        start_at,
        start_spread,
        max_connection_lifetime,
        load,
        methods,
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
            stack::stack(rows, at, None);
            rows.put(at, "channels", grpc.sharing.unwrap_or(*channels).to_string());
            if let Some(gateway) = through {
                rows.put(&at.key("via"), "gateway", gateway.into());
            }
            if let Some(sidecar) = via {
                sidecar_values(rows, at, sidecar, *channels, grpc.outlier_detection.is_some());
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
            Some(lifetime) => rows.settings(&at.key("connection_lifetime"), lifetime, |_| true),
        }
    }
    rows.put(at, "deadline", optional(*deadline, "none"));
    load_values(rows, &at.key("load"), load);
    method_values(rows, &at.key("load"), methods);
    if load.rate().is_some() {
        rows.put(at, "startup", law(startup));
        rows.own(&at.key("strategy"), strategy);
    }
}

fn grpc_values(rows: &mut Rows<'_>, at: &Scope, grpc: &GrpcClient, via: Option<&Sidecar>, service: ServiceType) {
    let GrpcClient {
        policy,
        wait_for_ready,
        connect,
        discovery,
        resolver,
        backoff,
        dispatch,
        keepalive,
        outlier_detection,
        keys,
        connect_timeout,
        retry,
        idle_timeout,
        subset,
        sharing,
    } = grpc;
    let virtual_ip = service == ServiceType::ClusterIp && *discovery == Discovery::Dns;
    policy_values(rows, at, policy, virtual_ip);
    discovery_values(rows, at, discovery);
    if service == ServiceType::Headless && *discovery == Discovery::Dns {
        rows.settings(&at.key("resolver"), resolver, |_| true);
    }
    rows.put(at, "dispatch", law(dispatch));
    if policy.hashes() {
        keys_values(rows, at, keys);
    }
    if service == ServiceType::Headless || *discovery != Discovery::Dns {
        outlier_values(rows, at, outlier_detection.as_ref());
    }
    // What is not shown acts on nothing: see `scenario::check`.
    if via.is_none_or(|via| via.cluster.is_none()) {
        rows.put(at, "connect", connect.word().into());
        stack::backoff(rows, &at.key("backoff"), backoff.as_ref());
    }
    rows.put(at, "connect_timeout", optional(*connect_timeout, "as long as TCP tries"));
    if via.is_none() {
        rows.put(at, "wait_for_ready", wait_for_ready.to_string());
        stack::keepalive(rows, at, keepalive.as_ref());
        rows.put(at, "idle_timeout", optional(*idle_timeout, "never"));
        if !virtual_ip {
            stack::subset(rows, at, *subset);
        }
    }
    rows.put(at, "shared_subchannels", sharing.is_some().to_string());
    if via.and_then(|via| via.cluster).is_none_or(|cluster| cluster.retries == 0) {
        match retry {
            None => rows.put(at, "retry", "none".into()),
            Some(retries) => rows.settings(&at.key("retry"), &retries.policy, |_| true),
        }
    }
}

pub(super) fn discovery_values(rows: &mut Rows<'_>, at: &Scope, discovery: &Discovery) {
    let under = at.key("discovery");
    match discovery {
        Discovery::Dns => rows.put(at, "discovery", "dns".into()),
        Discovery::Poll(poll) => {
            rows.put(at, "discovery", "poll".into());
            rows.settings(&under.key("poll"), poll, |_| true);
        }
        Discovery::Watch(watch) => {
            rows.put(at, "discovery", "watch".into());
            rows.settings(&under.key("watch"), watch, |key| watch.debounce > Span::ZERO || key != "debounce_max");
        }
    }
}

fn http1_values(rows: &mut Rows<'_>, at: &Scope, http1: &Http1Client) {
    let Http1Client { max_connections, keep_alive } = http1;
    rows.put(at, "max_connections", optional_count(*max_connections, "no limit"));
    match keep_alive {
        None => rows.put(at, "keep_alive", "a new connection per request".into()),
        Some(pool) => rows.settings(&at.key("keep_alive"), pool, |_| true),
    }
}

fn method_values(rows: &mut Rows<'_>, at: &Scope, methods: &[Method]) {
    let mut from = 0.0;
    for (i, Method { name, until, cost, deadline }) in methods.iter().enumerate() {
        let at = at.key("methods").item(i, name);
        rows.put(&at, "share", format!("{}%", ((until - from) * 1e8).round() / 1e6));
        rows.put(&at, "cost", cost.to_string());
        // Otherwise it is the client's.
        if rows.is_written(&at.key("deadline").steps) {
            rows.put(&at, "deadline", optional(*deadline, "none"));
        }
        from = *until;
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
            rows.put(&open, "arrivals", arrivals.word().into());
        }
        Load::Forwarded => {}
        Load::Streams(streams) => rows.settings(&at.key("streams"), streams, |_| true),
    }
}
