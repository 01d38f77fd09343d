//! Calls that failed: how many, whose, where and why.

use super::facts::grpc;
use crate::metrics::outcome::{Maker, Outcome, Requests};
use crate::metrics::reasons::{by_reason, failure_words};
use crate::model::{Action, Client, Discovery, DnsCache, Model, Poll, ServiceType, SigTerm, Watch, What};
use crate::units::Span;
use crate::words::{counted, percent};

/// A part of all calls whose failure matters more than any balance.
const MANY_FAILURES: f64 = 0.001;
/// A reason of such a part of the failed calls is explained.
const EXPLAINED: f64 = 0.1;
/// More pods than this are counted and not named.
const NAMES_MOST: usize = 3;

/// Calls that failed: a load that is even in the end may have been down meanwhile. True if they are so many that they come
/// first. A run in which no request reached a pod says it elsewhere.
pub(super) fn failures(model: &Model, outcome: &Outcome) -> Option<(String, bool)> {
    let (requests, failures) = (&outcome.summary.requests, &outcome.summary.failures);
    let reached = outcome.summary.pods.iter().any(|p| p.requests > 0);
    if requests.failed == 0 || !reached {
        return None;
    }
    let reasons = by_reason(failures);
    let told = reasons.iter().take(NAMES_MOST);
    let how: Vec<String> =
        told.map(|(reason, n)| format!("{n} {}{}", failure_words(reason), places(outcome, reason))).collect();
    let (failed, started) = (requests.failed, requests.started);
    let many = reasons.iter().filter(|(_, calls)| *calls as f64 >= EXPLAINED * failed as f64);
    let cause: String = many.filter_map(|(reason, _)| explanation(model, reason)).collect();
    let share = failed as f64 / started as f64;
    let text = format!(
        "{failed} of {started} calls ({:.2} %) failed{}: {}.{cause}",
        100.0 * share,
        whose(requests),
        how.join("; ")
    );
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

/// Where calls failed for a reason: ` at s-1-0`, ` in the proxy of web`.
fn places(outcome: &Outcome, reason: &str) -> String {
    let all = || outcome.summary.failures.iter().filter(|f| f.reason == reason);
    let of = |by: Maker| -> Vec<&str> { all().filter(|f| f.by == by).map(|f| f.at.as_str()).collect() };
    let listed = |names: &[&str], noun: &str| match names.len() {
        n if n > NAMES_MOST => counted(n as u64, noun),
        _ => names.join(", "),
    };
    let (pods, proxies) = ([of(Maker::Pod), of(Maker::Gateway)].concat(), of(Maker::Proxy));
    let mut places = Vec::new();
    if !pods.is_empty() {
        places.push(format!(" at {}", listed(&pods, "pod")));
    }
    if !proxies.is_empty() {
        places.push(format!(" in the proxy of {}", listed(&proxies, "client")));
    }
    places.join(" and")
}

/// What made calls fail for this reason, from the settings that acted.
fn explanation(model: &Model, reason: &str) -> Option<String> {
    let keepalive = || model.callers().find_map(|c| grpc(c)?.keepalive);
    match reason {
        "circuit_breaker" => {
            let breakers = model.callers().find_map(|c| c.via.as_ref()?.cluster?.circuit_breakers)?;
            Some(format!(
                " A proxy's circuit breakers allow {} under way at once, and {} waiting for a connection.",
                counted(breakers.max_requests.into(), "request"),
                breakers.max_pending_requests
            ))
        }
        _ if reason.starts_with("answered_") => answers(model),
        "queue_full" => Some(" A pod whose queue is full (queue_limit) refuses what comes.".to_owned()),
        "dial_timeout" if model.timeline.iter().any(|a| matches!(a.what, What::BlackHole(_))) => {
            Some(" A dial to a pod that answers nothing ends only when it times out.".to_owned())
        }
        "dial_refused" | "dial_timeout" => dead_hosts(model).or_else(|| unknown_ends(model)),
        "no_endpoint" => no_address(model),
        "keepalive_timeout" => keepalive().map(|k| {
            let (time, timeout) = (k.time, k.timeout);
            format!(" A client's keepalive sends a ping {time} after the last answer, and closes the connection if no answer comes for {timeout}.")
        }),
        "too_many_pings" => keepalive().map(|k| {
            let least = model.servers.iter().map(|s| s.grpc.keepalive_enforcement.min_time).max().unwrap_or_default();
            format!(" Clients ping each {}, and the server permits a ping each {least}.", k.time)
        }),
        "reset" if model.timeline.iter().any(is_replacement) => {
            if model.servers.iter().any(|s| s.termination.sigterm == SigTerm::Exit) {
                return Some(" A pod that is deleted exits at SIGTERM, with what is under way: no graceful stop.".to_owned());
            }
            let grace = model.servers.iter().map(|s| s.termination.grace).min()?;
            Some(format!(" A pod that is deleted is killed after its grace period ({grace}), with what is under way."))
        }
        _ => None,
    }
}

/// Pods that the timeline makes answer errors.
fn answers(model: &Model) -> Option<String> {
    let of = |action: &Action| match action.what {
        What::Errors(errors) => {
            let part = if errors.share < 1.0 { percent(errors.share) } else { "all".to_owned() };
            let (pods, server) = (counted(errors.of.pods.into(), "pod"), &model.deployment(errors.of.server).name);
            Some(format!(
                " The timeline has {pods} of {server} answer {part} of the calls with an error from {} on.",
                action.at
            ))
        }
        _ => None,
    };
    model.timeline.iter().find_map(of)
}

/// Pods close their listeners before all nodes know of it.
fn unknown_ends(model: &Model) -> Option<String> {
    let lag = lag_of(model);
    let soonest = model.servers.iter().map(|s| s.termination.pre_stop).min()?;
    let acts = soonest < lag && model.timeline.iter().any(is_replacement);
    acts.then(|| {
        let again = model.balancers().find_map(|c| Some(grpc(c)?.backoff).filter(|backoff| !backoff.per_call)).map_or_else(String::new, |backoff| {
            format!(" A channel fails its calls until it dials again (back-off from {} on).", backoff.base)
        });
        format!(
            " A deleted pod refuses connections after {soonest} (pre_stop), and the nodes learn of it only after {lag} (endpoint_lag).{again}"
        )
    })
}

/// How long a node takes to learn of a pod, on average.
fn lag_of(model: &Model) -> Span {
    Span::from_millis((model.cluster.endpoint_lag.mean() * 1e3).round() as u64)
}

fn is_replacement(action: &Action) -> bool {
    matches!(action.what, What::RolloutServer(_) | What::Delete(_))
}

/// Envoy picks among all pods that discovery names, and its dial to one that is dead fails the calls that wait for it.
fn dead_hosts(model: &Model) -> Option<String> {
    let of_proxy = |c: &Client| {
        let grpc = grpc(c).filter(|_| c.has_pools() && model.connects_to_all(c))?;
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
    let lag = lag_of(model);
    match discovery {
        Discovery::Poll(Poll { interval }) if model.service == ServiceType::Headless => {
            let dns = model.cluster.dns;
            let (caches, ttl) = match dns.cache {
                DnsCache::None => (0, String::new()),
                DnsCache::CoreDns => (1, format!("DNS TTL {}, ", dns.ttl)),
                DnsCache::NodeLocal => (2, format!("DNS TTL {} twice, ", dns.ttl)),
            };
            Some((dns.ttl * caches + interval + lag, format!("{ttl}poll {interval}, endpoint lag {lag}")))
        }
        Discovery::Watch(Watch { debounce, .. }) => {
            Some((lag + debounce, format!("endpoint lag {lag}, debounce {debounce}")))
        }
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
        " A channel asks DNS again only when a connection breaks, and at most every {interval}: if all pods are replaced \
         faster, it has no working address until then."
    ))
}
