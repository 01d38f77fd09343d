//! Explanations as scenarios, and what those show.

use std::fmt::Write as _;

use super::Seen;
use crate::metrics::outcome::Outcome;
use crate::output::format::{percent, rounded};
use crate::output::plot::PodShares;
use crate::theory::shares::Explanation;

/// When pods that come late are asked for, in seconds.
const LATE: u32 = 5;
/// When the measurement begins.
const FROM: u32 = 15;
/// How long the measurement is, in seconds.
const MEASURED: u32 = 20;
/// Calls of each light connection in the measurement, at least: one more or less is then a small part of them.
const CALLS: u32 = 20;
/// Calls per second, at least.
const LEAST_RATE: u32 = 100;

/// The scenario of an explanation, for `evenkeel run`.
#[must_use]
pub fn scenario(explanation: Explanation, seen: &Seen, seed: u64) -> String {
    let pods = seen.shares.len() as u32;
    let Explanation { late_pods, connections, heavy_connections, heavy_share } = explanation;
    let shares: Vec<String> = seen.shares.iter().map(|share| percent(*share)).collect();
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
    line(format_args!("duration: {}s\nwarmup: {FROM}s", FROM + MEASURED));
    if connections.is_none() {
        line(format_args!("service: {{ type: Headless }}"));
    }
    line(format_args!("servers: [{{ name: pod, replicas: {}, startup: 1s }}]", pods - late_pods));
    line(format_args!("clients:"));
    let mut client = |name: &str, replicas: u32, part: f64, more: &str| {
        let rate = rounded(f64::from(rate) * part, 6);
        let load = format!("load: {{ open: {{ rate: {rate}, arrivals: constant }} }}");
        line(format_args!("  - {{ name: {name}, replicas: {replicas}{more}, {load} }}"));
    };
    match connections {
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

/// What was seen, the largest share first.
pub(super) fn observed(seen: &Seen) -> PodShares {
    let pods = seen.shares.iter().enumerate().map(|(i, share)| (format!("{}", i + 1), *share)).collect();
    by_size(PodShares { scenario: "seen".to_owned(), pods })
}

/// The share of each pod of a run, the largest first.
pub(super) fn shares(outcome: &Outcome) -> PodShares {
    let pods = outcome.summary.pods.iter().map(|p| (p.pod.clone(), p.share.unwrap_or(0.0))).collect();
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
