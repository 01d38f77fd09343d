//! Why the load is not even: the largest part of what is attributed speaks, and only what acted in the run is named.

use crate::metrics::attribution::Cause;
use crate::scenario::model::{Client, Counting, DnsCache, Load, Policy, ServiceType, What};
use crate::units::Time;

use super::chance::{LEVEL, some_pod_has, some_pod_is_off};
use super::facts::{Facts, Pod, grpc, policy};
use super::words::{count, many, percent, points, seconds, stays};

/// A pod whose answers take so many times as long as the others' is slow.
const SLOW: f64 = 1.25;
/// A pod that fails such a part of its calls, and so much more than the others, fails.
const FAILS: f64 = 0.1;
/// Parts below this one, of the whole deviation, are not told.
const SMALL: f64 = 0.1;

/// What a part comes of.
struct Reason {
    kind: &'static str,
    client: Option<String>,
    text: String,
}

fn reason(kind: &'static str, text: String) -> Reason {
    Reason { kind, client: None, text }
}

/// The cause, and the sentence that says it.
pub(super) fn cause(f: &Facts<'_>) -> Option<(Cause, String)> {
    let pod = f.pods.iter().copied().max_by(|a, b| a.off().abs().total_cmp(&b.off().abs()))?;
    let direction = pod.off().signum();
    let mut parts = pod.parts.parts().map(|(name, part)| (name, part * direction));
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (largest, _) = parts[0];
    let why = match largest {
        "timing" => timing(f, &pod),
        "draw" => draw(f, &pod),
        "client_rates" => client_rates(f, &pod),
        "connection_rates" => connection_rates(f, &pod),
        "picks" => picks(f, &pod),
        "failures" => failures(f, &pod),
        _ => reason("ready_time", "it was Ready for a part of that time only".to_owned()),
    };
    let text = format!("{}: {}{}.", carries(f, &pod), why.text, shares_of(&parts, &pod));
    Some((Cause { kind: why.kind.to_owned(), pod: pod.name().to_owned(), client: why.client }, text))
}

/// `s-1-0 carries 2.1x its share, s-1-4 0x, after the rollout`.
fn carries(f: &Facts<'_>, pod: &Pod<'_>) -> String {
    let other = if pod.off() > 0.0 { f.coldest() } else { f.hottest() };
    let other = other.filter(|o| o.name() != pod.name());
    let beside = other.map_or_else(String::new, |o| format!(", {} {:.2}x", o.name(), o.times()));
    format!("{} carries {:.2}x its share{beside}{}", pod.name(), pod.times(), super::words::phase(f))
}

/// The parts of the deviation that are worth telling, in points of share, if there are several.
fn shares_of(parts: &[(&str, f64)], pod: &Pod<'_>) -> String {
    let all = pod.off().abs();
    let told: Vec<String> = parts
        .iter()
        .filter(|(_, part)| part.abs() >= SMALL * all)
        .map(|(name, part)| format!("{} {}", points(part * pod.off().signum()), plain(name)))
        .collect();
    if told.len() < 2 {
        return String::new();
    }
    format!(" (of {} points of share: {})", points(pod.off()), told.join(", "))
}

/// A part in words.
fn plain(name: &str) -> &'static str {
    match name {
        "time_ready" => "by time Ready",
        "timing" => "by when connections were opened",
        "draw" => "by how many it drew",
        "client_rates" => "by whose they are",
        "connection_rates" => "by what each carries",
        "picks" => "by picks",
        _ => "by calls that were lost",
    }
}

/// Connections were opened before the pod was there.
fn timing(f: &Facts<'_>, pod: &Pod<'_>) -> Reason {
    let late = f.pods.iter().copied().min_by(|a, b| a.parts.timing.total_cmp(&b.parts.timing)).unwrap_or(*pod);
    let given = late.parts.drawn_evenly / late.parts.even;
    let asks = f
        .model
        .balancers()
        .any(|c| f.model.connects_to_all(c) && grpc(c).is_some_and(|g| !c.watches() && g.subset.is_none()));
    let keeps = if asks && f.model.service == ServiceType::Headless {
        "gRPC asks DNS again only when a connection breaks"
    } else {
        stays(f)
    };
    let when = seconds(f.ready_s(&late));
    let before = if given < 0.005 {
        "after all connections were opened".to_owned()
    } else {
        format!(
            "after most connections were opened (draws from the pods that were Ready at each dial give it {given:.2}x)"
        )
    };
    let whom = if late.name() == pod.name() { "it".to_owned() } else { late.name().to_owned() };
    reason("late_pod", format!("{whom} became Ready at {when}, {before}, and {keeps}"))
}

/// It has more, or fewer, connections than a draw of a Ready pod for each gives on average.
fn draw(f: &Facts<'_>, pod: &Pod<'_>) -> Reason {
    let (n, all, mine) = (f.pods.len(), f.attribution.connections, pod.parts.connections);
    let has = format!("it has {} of {}", many(mine), count(all.round() as u64, "connection"));
    let subset = f.model.balancers().filter(|c| f.model.connects_to_all(c)).find_map(|c| grpc(c)?.subset);
    if let Some(size) = subset {
        return reason("subset", format!("each channel keeps {size} of {n} addresses (subset), and {has}"));
    }
    if let Some(out) = ejections(f, pod) {
        return out;
    }
    let part = pod.parts.drawn_evenly + pod.parts.draw;
    let likely = some_pod_has(part * f.attribution.draws, f.attribution.draws, pod.parts.drawn_evenly, n);
    let connects_to_all = f.model.balancers().all(|c| f.model.connects_to_all(c));
    if connects_to_all {
        return reason("missing_connections", format!("not every client had a connection to every pod: {has}"));
    }
    if likely < LEVEL && one_order(f) {
        let text = format!("each node's DNS cache answers in one order, and pick_first takes the first address: {has}");
        return reason("dns_order", text);
    }
    if all.round() < n as f64 && !f.per_request() {
        let kept = if f.replaced_within_s().is_some() {
            "each is on one pod at a time".to_owned()
        } else {
            stays(f).to_owned()
        };
        let only = match all.round() as u64 {
            0 | 1 => "there is only 1 connection".to_owned(),
            c => format!("there are only {}", count(c, "connection")),
        };
        return reason("few_connections", format!("{only} for {n} pods, and {kept}"));
    }
    if f.per_request() {
        return few_requests(f, pod, pod.parts.draw).unwrap_or_else(|| {
            reason(
                "draw",
                "each request has a connection of its own, and more of them fell on it than chance gives".to_owned(),
            )
        });
    }
    if likely >= LEVEL {
        let text = format!(
            "by chance: {has}, and in about {} of such draws some pod is as far off; {}",
            percent(likely),
            stays(f)
        );
        return reason("chance", text);
    }
    let text = format!(
        "{has}, where draws at random give {}; less than {} of such draws are as uneven",
        many(pod.parts.drawn_evenly * all),
        percent(LEVEL)
    );
    reason("draw", text)
}

/// Answers of a node's cache come in one order until they expire.
fn one_order(f: &Facts<'_>) -> bool {
    let first = |c: &Client| match policy(c) {
        Some(Policy::PickFirst { shuffle, .. }) => !shuffle,
        Some(_) => false,
        None => true,
    };
    f.model.service == ServiceType::Headless
        && f.model.cluster.dns.cache == DnsCache::NodeLocal
        && f.model.balancers().any(first)
}

/// Outlier detection left it out.
fn ejections(f: &Facts<'_>, pod: &Pod<'_>) -> Option<Reason> {
    if pod.off() > 0.0 {
        return f.pods.iter().filter(|other| other.off() < 0.0).find_map(|other| {
            let out = ejections(f, other)?;
            Some(reason(out.kind, out.text.replacen("leaves it", &format!("leaves {}", other.name()), 1)))
        });
    }
    let out = |e: &&crate::metrics::outcome::EventRow| e.what.contains("leaves it out") && e.time_s <= f.phase.to_s;
    let n = f.events_of(pod).filter(out).count() as u64;
    let first = f.events_of(pod).find(out)?;
    let text =
        format!("outlier detection leaves it out ({}, the first at {})", count(n, "ejection"), seconds(first.time_s));
    Some(reason("ejection", text))
}

/// Some client's connections carry more than those of others.
fn client_rates(f: &Facts<'_>, pod: &Pod<'_>) -> Reason {
    let over = |c: &&crate::metrics::attribution::CallerPart| c.sent - c.connections;
    let Some(heavy) = f.attribution.clients.iter().max_by(|a, b| over(a).total_cmp(&over(b))) else {
        return reason("heavy_client", "clients ask for unequal rates".to_owned());
    };
    let hot = f.hottest().unwrap_or(*pod);
    let on = hot.parts.by_client.get(&heavy.client).map_or(0.0, |c| c.connections);
    let of: f64 = f.pods.iter().filter_map(|p| p.parts.by_client.get(&heavy.client)).map(|c| c.connections).sum();
    let on_hot = if of > 0.0 {
        format!(", and has {} of its {} on {}", many(on), count(of.round() as u64, "connection"), hot.name())
    } else {
        String::new()
    };
    let text = format!(
        "{} sends {} of the calls on {} of the connections{on_hot}",
        heavy.client,
        percent(heavy.sent),
        percent(heavy.connections)
    );
    Reason { kind: "heavy_client", client: Some(heavy.client.clone()), text }
}

/// Its connections carry more, or less, than others of the same client.
fn connection_rates(f: &Facts<'_>, pod: &Pod<'_>) -> Reason {
    let closed = |c: &Client| matches!(c.load, Load::Closed { .. } | Load::Forwarded);
    if f.model.clients.iter().any(closed) {
        if let Some(why) = slow(f, pod, "callers of a closed load call again only after the answer") {
            return why;
        }
    }
    few_requests(f, pod, pod.parts.connection_rates).unwrap_or_else(|| {
        let what = if f.streams() {
            "streams stay where they were opened, and its connections carry"
        } else {
            "its connections carry"
        };
        let more = if pod.off() > 0.0 { "more" } else { "less" };
        reason("unequal_connections", format!("{what} {more} each than others of the same client"))
    })
}

/// So few requests that draws at random are as far off.
fn few_requests(f: &Facts<'_>, pod: &Pod<'_>, part: f64) -> Option<Reason> {
    let expected = (pod.parts.share - part).clamp(0.0, 1.0);
    let likely = some_pod_is_off(part, expected, f.phase.requests as f64, f.pods.len());
    (likely >= LEVEL).then(|| {
        let requests = count(f.phase.requests, "request");
        reason("chance", format!("by chance: {requests} over {} pods are too few to be even", f.pods.len()))
    })
}

/// Channels prefer it, or others.
fn picks(f: &Facts<'_>, pod: &Pod<'_>) -> Reason {
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
    let by = of.map_or("HTTP/1.1", name_of);
    let by_load = matches!(
        of,
        Some(
            Policy::LeastRequest { .. } | Policy::PeakEwma { .. } | Policy::WeightedRoundRobin(_) | Policy::Counted(_)
        )
    );
    if by_load {
        if let Some(why) =
            failing(f, pod, by).or_else(|| slow(f, pod, &format!("{by} prefers pods that answer sooner")))
        {
            return why;
        }
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
    if let Some(Policy::Counted(Counting::HaproxyRandom { weight })) = of {
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
    let by = policy(client).map_or("hashing", name_of);
    let keys = grpc(client).and_then(|g| g.keys.cumulative.clone());
    let many_keys = keys.map_or_else(String::new, |all| {
        let first = all.first().copied().unwrap_or_default();
        format!(" ({}, the commonest with {} of the calls)", count(all.len() as u64, "key"), percent(first))
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
    let whom = if late.name() == pod.name() { "it" } else { late.name() };
    let text =
        format!("{whom} became Ready at {} and gets less for {} (slow start)", seconds(f.ready_s(&late)), start.window);
    Some(reason("slow_start", text))
}

/// It answers more slowly than the others, or they do than it.
fn slow(f: &Facts<'_>, pod: &Pod<'_>, why: &str) -> Option<Reason> {
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
    let takes = mean(&slowest)?;
    let whom = if slowest.name() == pod.name() { "it".to_owned() } else { slowest.name().to_owned() };
    if !told && takes < SLOW * usual {
        return None;
    }
    let times = super::words::takes(takes);
    Some(reason("slow_pod", format!("{whom} is slow (mean {times}, others {}): {why}", super::words::takes(usual))))
}

/// What fails at once looks idle.
fn failing(f: &Facts<'_>, pod: &Pod<'_>, by: &str) -> Option<Reason> {
    let part = |p: &Pod<'_>| p.summary.errors as f64 / (p.summary.requests.max(1)) as f64;
    let others = f.pods.iter().filter(|p| p.name() != pod.name()).map(part).fold(0.0, f64::max);
    let fails = part(pod);
    (pod.off() > 0.0 && fails >= FAILS && fails > 2.0 * others).then(|| {
        reason(
            "failing_pod",
            format!("it fails {} of its calls, and what fails fast looks idle to {by}", percent(fails)),
        )
    })
}

/// Requests were sent, and have not come.
fn failures(f: &Facts<'_>, pod: &Pod<'_>) -> Reason {
    let lost = |p: &Pod<'_>| -p.parts.failures;
    let dead = f.pods.iter().copied().max_by(|a, b| lost(a).total_cmp(&lost(b))).unwrap_or(*pod);
    let sent = percent(dead.parts.share - dead.parts.failures);
    let until = |a: &crate::scenario::model::Action| a.at <= Time((f.phase.to_s * 1e9) as u64);
    let hole = f.model.timeline.iter().any(|a| matches!(a.what, What::BlackHole { .. }) && until(a));
    let whom = if dead.name() == pod.name() { "it".to_owned() } else { dead.name().to_owned() };
    if hole {
        return reason("black_hole", format!("{sent} of the calls are sent to {}, which answers nothing", dead.name()));
    }
    reason("lost_calls", format!("{sent} of the calls are sent to {whom}, and not all arrive"))
}

fn name_of(policy: Policy) -> &'static str {
    match policy {
        Policy::PickFirst { .. } => "pick_first",
        Policy::RoundRobin { .. } => "round_robin",
        Policy::Random => "random",
        Policy::LeastRequest { .. } => "least_request",
        Policy::PeakEwma { .. } => "peak_ewma",
        Policy::WeightedRoundRobin(_) => "weighted_round_robin",
        Policy::RingHash { .. } => "ring_hash",
        Policy::Maglev { .. } => "maglev",
        Policy::Counted(Counting::NginxLeastConn) => "least_conn",
        Policy::Counted(Counting::NginxRandomTwo) => "random two",
        Policy::Counted(Counting::HaproxyLeastConn { .. }) => "leastconn",
        Policy::Counted(Counting::HaproxyRandom { .. }) => "random",
    }
}
