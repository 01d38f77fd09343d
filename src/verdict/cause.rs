//! Why the load is not even: the largest part of what is attributed speaks, and only what acted in the run is named.

use crate::metrics::attribution::Cause;
use crate::metrics::outcome::EventRow;
use crate::model::{Action, BlackHole, Client, DnsCache, Load, PickFirst, Policy, ServiceType, What};
use crate::units::Time;
use crate::words::counted;

use super::chance::{LEVEL, some_pod_has, some_pod_is_off};
use super::facts::{Facts, Pod, grpc, policy};
use super::picks::{picks, slow};
use super::words::{connections, many, percent, points, seconds, stays};

/// A share below this one is nothing.
const NOTHING: f64 = 0.01;
/// Parts below this one, of the whole deviation, are not told.
const SMALL: f64 = 0.1;

/// What a part comes of.
pub(super) struct Reason {
    pub kind: &'static str,
    pub client: Option<String>,
    pub text: String,
}

pub(super) fn reason(kind: &'static str, text: String) -> Reason {
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
        // Its connections end, and dials to it time out.
        "timing" | "draw" | "picks" if dead(f).is_some() => failures(f, &pod),
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
        "draw" => "by the random draw of connections",
        "client_rates" => "by which clients' connections it has",
        "connection_rates" => "by the load of each connection",
        "picks" => "by picks",
        _ => "by calls that were lost",
    }
}

/// Session affinity, if some replica connected through kube-proxy more than once. The first connection of a replica is drawn in any case.
fn affinity(f: &Facts<'_>) -> Option<String> {
    let timeout = f.model.session_affinity?.timeout;
    let replicas: u64 = f.model.callers().map(|c| u64::from(c.replicas)).sum();
    let again = f.outcome.summary.connections.opened > replicas;
    let through = again && f.model.balancers().any(|c| f.model.goes_through_kube_proxy(c));
    let text = format!(
        "session affinity (timeout {timeout}) sends each new connection of a client replica to the pod of its last one"
    );
    through.then_some(text)
}

/// How long a connection stays where it is.
fn keeps(f: &Facts<'_>) -> String {
    if let Some(kept) = affinity(f) {
        return kept;
    }
    match f.replaced_within_s() {
        Some(age) => format!("each connection stays on its pod for up to {}", seconds(age)),
        None => stays(f).to_owned(),
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
    let why = if asks && f.model.service == ServiceType::Headless {
        "gRPC asks DNS again only when a connection breaks".to_owned()
    } else {
        keeps(f)
    };
    let when = seconds(f.ready_s(&late));
    let before = if given < 0.005 {
        "after all connections were opened".to_owned()
    } else {
        format!(
            "after most connections were opened (draws from the pods that were Ready at each dial give it {given:.2}x)"
        )
    };
    let whom = late.beside(pod);
    reason("late_pod", format!("{whom} became Ready at {when}, {before}, and {why}"))
}

/// It has more, or fewer, connections than a draw of a Ready pod for each gives on average.
fn draw(f: &Facts<'_>, pod: &Pod<'_>) -> Reason {
    let (n, all, mine) = (f.pods.len(), f.attribution.connections, pod.parts.connections);
    let of = connections(all);
    let has = if many(mine) == "0" { format!("it has none of {of}") } else { format!("it has {} of {of}", many(mine)) };
    let subset = f.model.balancers().filter(|c| f.model.connects_to_all(c)).find_map(|c| Some(grpc(c)?.subset?.size));
    if let Some(size) = subset.filter(|size| (*size as usize) < n) {
        return reason("subset", format!("each channel keeps {size} of {n} addresses (subset), and {has}"));
    }
    if let Some(out) = ejections(f, pod) {
        return out;
    }
    if let Some(kept) = affinity(f) {
        return reason("session_affinity", format!("{kept}: {has}"));
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
        let kept = keeps(f);
        let only = match all.round() as u64 {
            0 | 1 => "there is only 1 connection".to_owned(),
            c => format!("there are only {}", counted(c, "connection")),
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
            "by chance: {has}, and in at most {} of random draws some pod is as far off; {}",
            percent(likely),
            keeps(f)
        );
        return reason("chance", text);
    }
    let text = format!(
        "{has}, where a random draw gives {} on average; less than {} of such draws are as uneven",
        many(pod.parts.drawn_evenly * all),
        percent(LEVEL)
    );
    reason("draw", text)
}

/// Answers of a node's cache come in one order until they expire.
fn one_order(f: &Facts<'_>) -> bool {
    let first = |c: &Client| match policy(c) {
        Some(Policy::PickFirst(PickFirst { shuffle, .. })) => !shuffle,
        Some(_) => false,
        None => true,
    };
    f.model.service == ServiceType::Headless
        && f.model.cluster.dns.cache == DnsCache::NodeLocal
        && f.model.balancers().any(first)
}

/// Outlier detection left it out; or others, if it has more than its share.
pub(super) fn ejections(f: &Facts<'_>, pod: &Pod<'_>) -> Option<Reason> {
    let of = |out: &Pod<'_>| {
        let ejected = |e: &&EventRow| e.what.contains("leaves it out") && e.time_s <= f.phase.to_s;
        let first = f.events_of(out).find(ejected)?;
        let n = counted(f.events_of(out).filter(ejected).count() as u64, "ejection");
        let (whom, at) = (out.beside(pod), seconds(first.time_s));
        let by = if first.what.contains("failure accrual") { "failure accrual" } else { "outlier detection" };
        Some(reason("ejection", format!("{by} leaves {whom} out ({n}, the first at {at})")))
    };
    if pod.off() > 0.0 { f.pods.iter().filter(|other| other.off() < 0.0).find_map(of) } else { of(pod) }
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
    let on_hot = if of > 0.0 && many(on) != "0" {
        format!(", and has {} of its {} on {}", many(on), connections(of), hot.name())
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
    let closed = |c: &Client| matches!(c.load, Load::Closed(_) | Load::Forwarded);
    let why = "callers of a closed load call again only after the answer";
    if let Some(why) = slow(f, pod, why).filter(|_| f.model.clients.iter().any(closed)) {
        return why;
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
pub(super) fn few_requests(f: &Facts<'_>, pod: &Pod<'_>, part: f64) -> Option<Reason> {
    let expected = (pod.parts.share - part).clamp(0.0, 1.0);
    let likely = some_pod_is_off(part, expected, f.phase.requests as f64, f.pods.len());
    (likely >= LEVEL).then(|| {
        let requests = counted(f.phase.requests, "request");
        reason("chance", format!("by chance: {requests} over {} pods are too few to be even", f.pods.len()))
    })
}

/// A pod that is a black hole, and so receives nothing.
fn dead<'a>(f: &Facts<'a>) -> Option<Pod<'a>> {
    let until = |a: &Action| a.at <= Time((f.phase.to_s * 1e9) as u64);
    let lasts = |a: &Action| match a.what {
        What::BlackHole(BlackHole { lasts, .. }) => {
            lasts.is_none_or(|lasts| (a.at + lasts).as_secs_f64() > f.phase.from_s)
        }
        _ => false,
    };
    let hole = f.model.timeline.iter().any(|a| lasts(a) && until(a));
    f.coldest().filter(|pod| hole && pod.parts.share < NOTHING)
}

/// Requests were sent, and have not come.
fn failures(f: &Facts<'_>, pod: &Pod<'_>) -> Reason {
    if let Some(dead) = dead(f) {
        let sent = dead.parts.share - dead.parts.failures;
        let text = if sent >= NOTHING {
            format!("{} of the calls are sent to {}, which answers nothing", percent(sent), dead.name())
        } else {
            format!("{} answers nothing, and connections to it end", dead.name())
        };
        return reason("black_hole", text);
    }
    let lost = |p: &Pod<'_>| -p.parts.failures;
    let dead = f.pods.iter().copied().max_by(|a, b| lost(a).total_cmp(&lost(b))).unwrap_or(*pod);
    let sent = percent(dead.parts.share - dead.parts.failures);
    let whom = dead.beside(pod);
    reason("lost_calls", format!("{sent} of the calls are sent to {whom}, and not all arrive"))
}
