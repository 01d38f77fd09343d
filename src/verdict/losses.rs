//! What was lost: pods without room, and calls that failed: whose, where, why, and what would prevent it.

use super::facts::{Facts, grpc};
use super::words::{count, percent};
use crate::metrics::outcome::{Outcome, PodSummary, Requests, Summary};
use crate::scenario::model::{Action, Client, Discovery, DnsCache, Model, ServiceType, What};
use crate::units::Span;

/// Part of what a pod can do above which it has no room left.
const SATURATED: f64 = 0.999;
/// Part of what a pod can do above which calls wait for long.
const DROWNING: f64 = 0.9;
/// A part of all calls whose failure matters more than any balance.
const MANY_FAILURES: f64 = 0.001;
/// More pods than this are counted and not named.
const NAMES_MOST: usize = 3;

/// An open load that some pod cannot keep up with.
pub(super) fn overload(f: &Facts<'_>) -> Option<String> {
    if !f.open_load() {
        return None;
    }
    let used: Vec<(&str, f64)> = used(f);
    let full = used.iter().filter(|u| u.1 >= SATURATED).count();
    let (name, _) = used.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)).filter(|_| full > 0)?;
    let mean = used.iter().map(|u| u.1).sum::<f64>() / used.len() as f64;
    Some(if full == used.len() {
        "All pods are saturated: the load exceeds the capacity, and no balancing makes up for that.".to_owned()
    } else {
        format!(
            "{full} of {} pods are saturated ({name} the most) while the fleet uses {:.0} % of its {}: there is room, but \
             not where the traffic goes.",
            used.len(),
            100.0 * mean,
            capacity(f.model)
        )
    })
}

/// How busy each pod was in the phase that is judged.
fn used<'a>(f: &'a Facts<'_>) -> Vec<(&'a str, f64)> {
    f.pods.iter().filter_map(|p| Some((p.name(), p.summary.now.as_ref()?.utilization))).collect()
}

/// An autoscaler that looks at the mean is content, while some pod has no room.
pub(super) fn hpa_is_content(f: &Facts<'_>) -> Option<String> {
    let used = used(f);
    let of = |server: &str| -> Vec<(&str, f64)> {
        let pods = f.pods.iter().filter(|p| p.summary.server == server);
        pods.filter_map(|p| used.iter().copied().find(|u| u.0 == p.name())).collect()
    };
    f.model.servers.iter().find_map(|server| {
        let hpa = server.hpa.as_ref()?;
        let pods = of(&server.name);
        let (hot, most) = pods.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)).filter(|hot| hot.1 >= DROWNING)?;
        let mean = pods.iter().map(|p| p.1).sum::<f64>() / pods.len() as f64;
        let seen = mean * hpa.cpu_at_full_load * server.usable();
        let target = f64::from(hpa.target_percent) / 100.0;
        (seen <= target * (1.0 + hpa.tolerance)).then(|| {
            format!(
                "The HPA of {} is content: it sees a mean CPU of {} of the request (target {}%), while {hot} is {} busy.",
                server.name,
                percent(seen),
                hpa.target_percent,
                percent(most)
            )
        })
    })
}

/// What a utilization is a part of.
fn capacity(model: &Model) -> &'static str {
    match model.servers.iter().filter(|s| s.cpu.is_some()).count() {
        0 => "slots",
        n if n == model.servers.len() => "CPU time",
        _ => "capacity",
    }
}

/// Calls that failed: a load that is even in the end may have been down meanwhile. True if they are so many that they come
/// first. A run in which no request reached a pod says it elsewhere.
pub(super) fn failures(model: &Model, outcome: &Outcome) -> Option<(String, bool)> {
    let requests = &outcome.summary.requests;
    let reached = outcome.summary.pods.iter().any(|p| p.requests > 0);
    if requests.failed == 0 || !reached {
        return None;
    }
    let (status, _) = requests.by_status.iter().max_by_key(|s| s.1)?;
    let share = requests.failed as f64 / requests.started as f64;
    let how = if requests.by_status.values().filter(|n| **n > 0).count() > 1 { "most with" } else { "all with" };
    let cause = match status.as_str() {
        "UNAVAILABLE" => dead_hosts(model, outcome).or_else(|| no_address(model)).unwrap_or_default(),
        "RESOURCE_EXHAUSTED" => " A pod whose queue is full (queue_limit) refuses what comes.".to_owned(),
        _ => String::new(),
    };
    let (failed, started) = (requests.failed, requests.started);
    let (whose, at) = (whose(requests), places(&outcome.summary));
    let text =
        format!("{failed} of {started} calls ({:.2} %) failed, {how} {status}{whose}{at}.{cause}", 100.0 * share);
    Some((text, share >= MANY_FAILURES))
}

/// Which client's calls failed, if there are several clients and it is one above all.
fn whose(requests: &Requests) -> String {
    match requests.failed_by_client.iter().max_by_key(|c| c.1) {
        Some((name, n)) if *n == requests.failed => format!(", all of them of {name}"),
        Some((name, n)) if 2 * n > requests.failed => format!(", {n} of them of {name}"),
        _ => String::new(),
    }
}

/// Where they failed, most of them first.
fn places(summary: &Summary) -> String {
    let pods = || summary.pods.iter().chain(&summary.gateways).filter(|p| p.errors > 0);
    let (gone, there): (Vec<_>, Vec<_>) = pods().partition(|p| p.deleted_s.is_some());
    let nowhere = summary.requests.failed.saturating_sub(pods().map(|p| p.errors).sum::<u64>());
    let mut places = Vec::new();
    let both: [(Vec<&PodSummary>, &str); 2] = [(gone, "(gone since)"), (there, "")];
    for (pods, what) in both {
        let n: u64 = pods.iter().map(|p| p.errors).sum();
        let names: Vec<&str> = pods.iter().map(|p| p.pod.as_str()).collect();
        let listed = if names.len() > NAMES_MOST { count(names.len() as u64, "pod") } else { names.join(", ") };
        places.push((n, format!("{n} at {listed} {what}").trim_end().to_owned()));
    }
    places.push((nowhere, format!("{nowhere} before they had a pod")));
    places.retain(|p| p.0 > 0);
    places.sort_by_key(|p| std::cmp::Reverse(p.0));
    match places.iter().map(|p| p.1.as_str()).collect::<Vec<_>>().as_slice() {
        [] => String::new(),
        all => format!(": {}", all.join(", ")),
    }
}

fn is_replacement(action: &Action) -> bool {
    matches!(action.what, What::RolloutServer(_) | What::Delete { .. })
}

/// Envoy picks among all pods that discovery names, and its dial to one that is dead fails the calls that wait for it.
fn dead_hosts(model: &Model, outcome: &Outcome) -> Option<String> {
    let summary = &outcome.summary;
    let dials = ["refused", "dial_timeout"].iter().filter_map(|why| summary.connections.closed_by.get(*why));
    let refused: u64 = dials.sum();
    if 2 * refused < summary.requests.failed {
        return None;
    }
    let of_proxy = |c: &Client| {
        let grpc = grpc(c).filter(|_| c.via.as_ref().is_some_and(|via| via.cluster.is_some()))?;
        // NGINX and HAProxy go to the next one.
        let elsewhere = grpc.retry.is_some_and(|retry| retry.unsent_only);
        (!elsewhere).then_some((grpc.discovery, grpc.retry.is_some()))
    };
    let (discovery, retries) = model.balancers().find_map(of_proxy)?;
    let (known_for, why) = blind_for(model, discovery)?;
    let again = if retries { "" } else { ", which it does not try again" };
    Some(format!(
        " Envoy picks among all pods that it knows of, alive or not, and a refused dial fails its calls{again}; it learns of a pod's \
         end up to {known_for} late ({why})."
    ))
}

/// How long a pod that is gone may be known still, and what that is made of.
fn blind_for(model: &Model, discovery: Discovery) -> Option<(Span, String)> {
    let lag = Span::from_millis((model.cluster.endpoint_lag.mean() * 1e3).round() as u64);
    match discovery {
        Discovery::Poll { interval } if model.service == ServiceType::Headless => {
            let dns = model.cluster.dns;
            let (caches, ttl) = match dns.cache {
                DnsCache::None => (0, String::new()),
                DnsCache::CoreDns => (1, format!("DNS TTL {}, ", dns.ttl)),
                DnsCache::NodeLocal => (2, format!("DNS TTL {} twice, ", dns.ttl)),
            };
            Some((dns.ttl * caches + interval + lag, format!("{ttl}poll {interval}, endpoint lag {lag}")))
        }
        Discovery::Watch { debounce, .. } => Some((lag + debounce, format!("endpoint lag {lag}, debounce {debounce}"))),
        Discovery::Poll { .. } | Discovery::Dns => None,
    }
}

/// What makes a headless Service fail in a rollout (grpc/grpc-go#6990, #8398).
fn no_address(model: &Model) -> Option<String> {
    if model.service != ServiceType::Headless || !model.timeline.iter().any(is_replacement) {
        return None;
    }
    let of_dns = |c: &Client| grpc(c).filter(|g| g.discovery == Discovery::Dns).map(|g| g.resolver.min_interval);
    let interval = model.balancers().find_map(of_dns)?;
    Some(format!(
        " A channel asks DNS again only when a connection breaks, and at most every {interval}: pods that are all replaced \
         faster leave it without an address until then."
    ))
}
