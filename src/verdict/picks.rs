//! Why channels, or proxies, prefer some pods to others.

use crate::model::{Client, HaproxyRandom, Policy};
use crate::words::counted;

use super::cause::{Reason, ejections, few_requests, reason};
use super::facts::{Facts, Pod, grpc, policy};
use super::words::{percent, seconds, takes};

/// A pod whose answers take this many times as long as the others' is slow.
const SLOW: f64 = 1.25;
/// A pod that fails such a part of its calls, and so much more than the others, fails.
const FAILS: f64 = 0.1;

/// Channels prefer it, or others.
pub(super) fn picks(f: &Facts<'_>, pod: &Pod<'_>) -> Reason {
    if let Some(why) = few_requests(f, pod, pod.parts.picks).filter(|_| !f.pools()) {
        return why;
    }
    let most = pod.parts.by_client.iter().max_by(|a, b| a.1.picks.abs().total_cmp(&b.1.picks.abs()));
    let client = most.and_then(|(name, _)| f.caller(name)).or_else(|| f.model.balancers().next());
    let Some(client) = client else { return reason("picks", "channels do not pick all pods alike".to_owned()) };
    let of = policy(client);
    if of.is_some_and(Policy::hashes) {
        return hash_keys(client, pod);
    }
    if let Some(why) = ejections(f, pod).or_else(|| slow_start(f, client, pod)) {
        return why;
    }
    let by = of.map_or("HTTP/1.1", Policy::name);
    let by_load = of.is_some_and(Policy::prefers_by_load);
    let told = || failing(f, pod, by).or_else(|| slow(f, pod, &format!("{by} prefers pods that answer sooner")));
    if let Some(why) = by_load.then(told).flatten() {
        return why;
    }
    if let Some(why) = few_requests(f, pod, pod.parts.picks) {
        return why;
    }
    let workers = client.via.as_ref().and_then(|via| via.workers).filter(|n| *n > 1);
    if let Some(workers) = workers {
        return reason(
            "workers",
            format!(
                "each of {workers} workers of {} picks for itself, by {by}, and they are not synchronised",
                client.name
            ),
        );
    }
    if let Some(Policy::HaproxyRandom(HaproxyRandom { weight })) = of {
        let text = format!(
            "HAProxy looks its random numbers up on a ring with {} points for each server (weight {weight}), whose arcs are unequal",
            16 * weight
        );
        return reason("ring_arcs", text);
    }
    let more = if pod.off() > 0.0 { "more" } else { "less" };
    reason("picks", format!("{by} of {} picked it {more} than the others", client.name))
}

fn hash_keys(client: &Client, pod: &Pod<'_>) -> Reason {
    let by = policy(client).map_or("hashing", Policy::name);
    let keys = grpc(client).and_then(|g| g.keys.cumulative.clone());
    let many_keys = keys.map_or_else(String::new, |all| {
        let first = all.first().copied().unwrap_or_default();
        format!(" ({}, the commonest with {} of the calls)", counted(all.len() as u64, "key"), percent(first))
    });
    let text = format!(
        "{by} sends each key to one pod{many_keys}, and its keys make {} of the calls",
        percent(pod.parts.share)
    );
    Reason { kind: "hash_keys", client: Some(client.name.clone()), text }
}

/// A new pod gets less at first.
fn slow_start(f: &Facts<'_>, client: &Client, pod: &Pod<'_>) -> Option<Reason> {
    let start = client.via.as_ref()?.cluster?.slow_start?;
    let new = |p: &Pod<'_>| {
        let ready = f.ready_s(p);
        p.off() < 0.0 && ready > 0.0 && ready + start.window.as_secs_f64() > f.phase.from_s
    };
    let late = if pod.off() < 0.0 {
        Some(*pod).filter(new)
    } else {
        f.pods.iter().copied().filter(new).min_by(|a, b| a.off().total_cmp(&b.off()))
    }?;
    let whom = late.beside(pod);
    let text =
        format!("{whom} became Ready at {} and gets less for {} (slow start)", seconds(f.ready_s(&late)), start.window);
    Some(reason("slow_start", text))
}

/// It answers more slowly than the others, or they do than it.
pub(super) fn slow(f: &Facts<'_>, pod: &Pod<'_>, why: &str) -> Option<Reason> {
    let mean = |p: &Pod<'_>| p.summary.latency_ms.mean;
    let slowest = if pod.off() < 0.0 {
        *pod
    } else {
        f.pods
            .iter()
            .copied()
            .filter(|p| p.off() < 0.0)
            .max_by(|a, b| mean(a).unwrap_or(0.0).total_cmp(&mean(b).unwrap_or(0.0)))?
    };
    let of_server = |p: &Pod<'_>| f.model.servers.iter().find(|s| s.name == p.summary.server);
    let unequal = f.pods.iter().any(|p| match (of_server(p), of_server(&slowest)) {
        (Some(a), Some(b)) => a.speed > b.speed || a.service_time.mean() < b.service_time.mean(),
        _ => false,
    });
    if unequal {
        return Some(reason(
            "unequal_speed",
            format!("pods of {} take longer for a request than others: {why}", slowest.summary.server),
        ));
    }
    let at = f.phase.to_s;
    let told = f.events_of(&slowest).any(|e| e.what.starts_with("slow") && e.time_s <= at);
    let mut others: Vec<f64> = f.pods.iter().filter(|p| p.name() != slowest.name()).filter_map(mean).collect();
    others.sort_by(f64::total_cmp);
    let usual = others.get(others.len() / 2).copied()?;
    let its = mean(&slowest)?;
    let whom = slowest.beside(pod);
    if !told && its < SLOW * usual {
        return None;
    }
    let times = takes(its);
    Some(reason("slow_pod", format!("{whom} is slow (mean {times}, others {}): {why}", takes(usual))))
}

/// What fails at once looks idle.
fn failing(f: &Facts<'_>, pod: &Pod<'_>, by: &str) -> Option<Reason> {
    // Of the phase, where the pod was there in it: it may have begun to fail in the middle of the run.
    let length = f.phase.to_s - f.phase.from_s;
    let part = |p: &Pod<'_>| match &p.summary.now {
        Some(now) => (now.failed as f64 / (now.requests_per_s * length).max(1.0)).min(1.0),
        None => p.summary.errors as f64 / (p.summary.requests.max(1)) as f64,
    };
    let others = f.pods.iter().filter(|p| p.name() != pod.name()).map(part).fold(0.0, f64::max);
    let fails = part(pod);
    (pod.off() > 0.0 && fails >= FAILS && fails > 2.0 * others).then(|| {
        reason(
            "failing_pod",
            format!("it fails {} of its calls, and what fails fast looks idle to {by}", percent(fails)),
        )
    })
}
