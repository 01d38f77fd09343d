//! Explanations as scenarios, and what those show.

use std::fmt::Write as _;

use super::Seen;
use crate::experiment::PodShares;
use crate::metrics::outcome::{Outcome, PodSummary};
use crate::theory::shares::Explanation;
use crate::words::{percent, rounded};

/// When pods that come late are asked for, in seconds.
const LATE: u32 = 5;
/// When the measurement begins.
const FROM: u32 = 15;
/// How long the measurement is, in seconds.
const MEASURED: u32 = 20;
/// Calls of each light connection in the measurement, at least: one more or less is then a small part of them.
const CALLS: u32 = 20;
/// No pod is thought to be this many times as fast as another.
const MOST_TIMES: f64 = 100.0;
/// Calls per second, at least.
const LEAST_RATE: u32 = 100;

/// The scenario of an explanation, for `evenkeel run`.
#[must_use]
pub fn scenario(explanation: Explanation, seen: &Seen, seed: u64) -> String {
    let pods = seen.shares.len() as u32;
    let Explanation { late_pods, connections, heavy_connections, heavy_share, favoured_pods, calls } = explanation;
    let shares: Vec<String> = (0..seen.shares.len()).map(|pod| told(seen, pod)).collect();
    let calls = calls.map(|calls| f64::from(calls) / f64::from(MEASURED));
    let rate = connections.unwrap_or(1).saturating_mul(CALLS).div_ceil(MEASURED).max(LEAST_RATE);
    let mut text = String::new();
    let mut line = |words: std::fmt::Arguments<'_>| {
        let _ = writeln!(text, "{words}");
    };
    line(format_args!("name: fit"));
    line(format_args!("about: |"));
    line(format_args!("  Seen: {}.", shares.join(" / ")));
    line(format_args!("  Thought of: {explanation}."));
    line(format_args!("seed: {seed}"));
    // Weights are there when the pods have said how busy they are.
    let from = if favoured_pods > 0 { 2 * FROM } else { FROM };
    line(format_args!("duration: {}s\nwarmup: {from}s", from + MEASURED));
    if connections.is_none() {
        line(format_args!("service: {{ type: Headless }}"));
    }
    if favoured_pods > 0 {
        let of = |name: &str, n: u32, speed: f64| {
            format!("{{ name: {name}, replicas: {n}, startup: 1s, speed: {speed}, service_time: 5ms }}")
        };
        let times = times_as_much(seen, favoured_pods as usize);
        let more = of("more", favoured_pods, rounded(times, 3));
        line(format_args!("servers: [{more}, {}]", of("less", pods - favoured_pods, 1.0)));
    } else {
        line(format_args!("servers: [{{ name: pod, replicas: {}, startup: 1s }}]", pods - late_pods));
    }
    line(format_args!("clients:"));
    let mut client = |name: &str, replicas: u32, part: f64, more: &str| {
        let rate = rounded(calls.unwrap_or(f64::from(rate)) * part, 6);
        let load = format!("load: {{ open: {{ rate: {rate}, arrivals: constant }} }}");
        line(format_args!("  - {{ name: {name}, replicas: {replicas}{more}, {load} }}"));
    };
    match connections {
        None if favoured_pods > 0 => client("client", 4, 1.0, ", policy: weighted_round_robin"),
        None if calls.is_some() => client("client", 4, 1.0, ", policy: random"),
        None => client("client", 4, 1.0, ", policy: round_robin"),
        Some(n) if heavy_connections == 0 => client("client", n, 1.0, ""),
        Some(n) => {
            client("heavy", heavy_connections, heavy_share, "");
            client("light", n, 1.0 - heavy_share, "");
        }
    }
    if late_pods > 0 {
        line(format_args!("timeline: [{{ at: {LATE}s, scale: {{ server: pod, replicas: {pods} }} }}]"));
    }
    text
}

/// A pod's share, and its name if it has one.
fn told(seen: &Seen, pod: usize) -> String {
    let share = percent(seen.shares[pod]);
    seen.pods.get(pod).map_or(share.clone(), |name| format!("{name} {share}"))
}

/// How many times as much as another a favoured pod gets; the others do get something.
fn times_as_much(seen: &Seen, favoured: usize) -> f64 {
    let mean = |pods: &[usize]| pods.iter().map(|pod| seen.shares[*pod]).sum::<f64>() / pods.len().max(1) as f64;
    let order = seen.by_size();
    let (more, less) = order.split_at(favoured.min(order.len()));
    (mean(more) / mean(less).max(seen.within / 10.0)).clamp(1.0, MOST_TIMES)
}

/// What was seen, the largest share first.
pub(super) fn observed(seen: &Seen) -> PodShares {
    let pods = seen.shares.iter().enumerate().map(|(pod, share)| (seen.name(pod), *share)).collect();
    by_size(PodShares { scenario: "seen".to_owned(), pods })
}

/// The share of each pod of a run, the largest first.
pub(super) fn shares(outcome: &Outcome) -> PodShares {
    let summary = &outcome.summary;
    let now = summary.pods.iter().any(|p| p.now.is_some());
    // Those of now, where the run tells them.
    let share = |p: &PodSummary| {
        if now { p.now.as_ref().map(|now| now.share.unwrap_or(0.0)) } else { Some(p.share.unwrap_or(0.0)) }
    };
    let pods = summary.pods.iter().filter_map(|p| Some((p.pod.clone(), share(p)?))).collect();
    by_size(PodShares { scenario: String::new(), pods })
}

/// Which pod has what is chance: the largest first.
fn by_size(mut shares: PodShares) -> PodShares {
    shares.pods.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares
}

/// True if the run shows what was seen, on whichever pods.
pub(super) fn matches(seen: &Seen, shares: &PodShares) -> bool {
    let (a, b) = (&observed(seen).pods, &shares.pods);
    a.len() == b.len() && a.iter().zip(b).all(|((_, a), (_, b))| (a - b).abs() <= seen.within)
}
