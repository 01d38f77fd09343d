//! The values in force of a client.

use super::balancing::{outlier_acts, policy_values, sidecar_values};
use super::{Rows, Scope, stack};
use crate::model::text::{curve, optional};
use crate::model::{Client, Discovery, GrpcClient, Keepalive, Load, Method, Protocol, ServiceType, Sidecar};
use crate::settings::Words;
use crate::units::Span;

pub(super) fn client_values(
    rows: &mut Rows<'_>,
    at: &Scope,
    client: &Client,
    (service, through): (ServiceType, Option<&str>),
) {
    // What stands elsewhere than where it is declared, or under other conditions, is left out here.
    let first = |path: &str| path == "replicas" || path.starts_with("start.");
    let last = |path: &str| path == "startup" || path.starts_with("strategy.");
    let (pooled, rolled) = (!client.connects_per_request(), client.load.rate().is_some());
    let between = |path: &str| match part(path) {
        "name" | "channels" => false,
        "connection_lifetime" => pooled,
        _ => !first(path) && !last(path),
    };
    rows.settings(at, client, first);
    match &client.protocol {
        Protocol::Grpc(grpc) => {
            rows.put(at, "protocol", "grpc".into());
            stack::stack(rows, at, None);
            rows.put(at, "channels", client.channels.max(grpc.sharers).to_string());
            if let Some(gateway) = through {
                rows.put(&at.key("via"), "gateway", gateway.into());
            }
            if let Some(sidecar) = &client.via {
                sidecar_values(rows, at, sidecar, client.channels, grpc.outlier_detection.is_some());
            }
            grpc_values(rows, at, grpc, client.via.as_ref(), service);
        }
        Protocol::Http1(http1) => {
            rows.put(at, "protocol", "http1".into());
            rows.settings(&at.key("http1"), http1, |_| true);
        }
    }
    rows.settings(at, client, between);
    load_values(rows, &at.key("load"), &client.load);
    method_values(rows, &at.key("load"), &client.methods);
    rows.settings(at, client, |path| rolled && last(path));
}

/// The key that a path begins with.
pub(super) fn part(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

fn grpc_values(rows: &mut Rows<'_>, at: &Scope, grpc: &GrpcClient, via: Option<&Sidecar>, service: ServiceType) {
    let asks_dns = grpc.discovery == Discovery::Dns;
    let virtual_ip = service == ServiceType::ClusterIp && asks_dns;
    let pools = via.and_then(|via| via.cluster);
    policy_values(rows, at, &grpc.policy, virtual_ip);
    discovery_values(rows, at, &grpc.discovery);
    // What is not shown acts on nothing: see `scenario::check`.
    let acts = |path: &str| match part(path) {
        "resolver" => asks_dns && !virtual_ip,
        "keys" => grpc.policy.hashes(),
        "outlier_detection" => !virtual_ip && outlier_acts(grpc.outlier_detection, path),
        "connect" => pools.is_none(),
        "backoff" => pools.is_none() && (!grpc.backoff.per_call || path == "backoff.per_call"),
        "wait_for_ready" | "idle_timeout" => via.is_none(),
        "keepalive" => via.is_none() && keepalive_acts(grpc.keepalive, path),
        "subset" => via.is_none() && !virtual_ip,
        "retry" => pools.is_none_or(|cluster| cluster.retries == 0),
        _ => true,
    };
    rows.settings(at, grpc, acts);
}

fn keepalive_acts(keepalive: Option<Keepalive>, path: &str) -> bool {
    keepalive.is_none_or(|keepalive| keepalive.tcp_user_timeout || path != "keepalive.tcp_user_timeout_of_dials")
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
        Load::Closed(closed) => rows.settings(&at.key("closed"), closed, |key| match key {
            "think_time" => closed.thinks(),
            "max_rate" => closed.max_rate.is_some(),
            _ => true,
        }),
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
