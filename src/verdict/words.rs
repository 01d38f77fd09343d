//! The parts of sentences.

use crate::scenario::model::{Client, Protocol, What};
use crate::units::Span;

use super::facts::Facts;

/// ` after the rollout at 2m`, or nothing.
pub(super) fn since(f: &Facts<'_>) -> String {
    f.change.map_or_else(String::new, |c| format!(" after the {} at {}", noun_of(&c.what), seconds(c.at.as_secs_f64())))
}

/// Which requests all pods that are judged have taken together.
pub(super) fn all_requests(f: &Facts<'_>) -> String {
    let from = f.from_s.map_or_else(String::new, |from| format!(" from {} on", seconds(from)));
    if f.elsewhere == 0 {
        return format!("all requests{from}");
    }
    let all = f.total() + f.elsewhere;
    format!("all {} of {all} requests that went to the pods that are Ready at the end{from}", f.total())
}

pub(super) fn noun_of(what: &What) -> &'static str {
    match what {
        What::RolloutServer(_) => "rollout",
        What::RolloutClient(_) => "rollout of the client",
        What::Scale { .. } => "scaling",
        What::Kill { .. } => "kill",
        What::Delete { .. } => "deletion",
        What::Slow { .. } => "slow pod",
        What::BlackHole { .. } => "black hole",
        What::Unready { .. } => "readiness failure",
        What::Rate { .. } => "change of rate",
    }
}

/// Why established connections stay where they are.
pub(super) fn stays(f: &Facts<'_>) -> &'static str {
    if f.cluster_ip() {
        "kube-proxy never moves an established connection"
    } else {
        "a client keeps its connection until it breaks"
    }
}

/// Whom a client that balances reaches.
pub(super) fn reach(f: &Facts<'_>) -> &'static str {
    if f.pools() && f.model.clients.iter().all(|c| c.gateway.is_some()) {
        "each worker of the gateway knows every pod, dials it when a call needs it, and"
    } else if f.pools() {
        "each sidecar knows every pod, dials it when a call needs it, and"
    } else if f.model.balancers().all(|c| c.via.is_some()) {
        "each sidecar has a connection to every pod and"
    } else {
        "each client has a connection to every pod and"
    }
}

/// What would move or spread the load, of what the scenario does not use yet.
pub(super) fn levers(f: &Facts<'_>) -> String {
    if f.streams_stay() {
        return "what would move open streams: max_connection_age with max_connection_age_grace (server)".to_owned();
    }
    if f.replaced_within_s().is_some() {
        let even = if f.all_grpc() { round_robin(f) } else { "a connection per request".to_owned() };
        return format!(
            "replacing connections for their age draws anew and does not even out; more connections or {even} would"
        );
    }
    let mut all = Vec::new();
    if f.all_grpc() {
        all.push("max_connection_age (server)".to_owned());
    }
    all.push("connection_lifetime (client)".to_owned());
    all.push(if f.all_grpc() { round_robin(f) } else { "more connections".to_owned() });
    let last = all.pop().unwrap_or_default();
    format!("what would move them: {} or {last}", all.join(", "))
}

/// What spreads calls and not connections, said of whom it is missing.
fn round_robin(f: &Facts<'_>) -> String {
    if f.cluster_ip() {
        return "a headless Service with round_robin".to_owned();
    }
    let single = |c: &&Client| matches!(&c.protocol, Protocol::Grpc(grpc) if grpc.policy.is_pick_first());
    let names: Vec<&str> = f.model.balancers().filter(single).map(|c| c.name.as_str()).collect();
    format!("round_robin{}", if names.is_empty() { String::new() } else { format!(" for {}", names.join(", ")) })
}

/// `1 pod`, `2 pods`.
pub(super) fn count(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}

pub(super) fn calls(n: u64) -> String {
    if n == 1 { "1 call".to_owned() } else { format!("all {n} calls") }
}

pub(super) fn seconds(s: f64) -> Span {
    // To the millisecond: a verdict is read, not computed with.
    Span::from_millis((s * 1e3).round() as u64)
}
