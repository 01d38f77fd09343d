//! What happened in a run that refutes a claim: the verdict, and what connections and events say of the pods that stand out.

use crate::metrics::outcome::{EventKind, EventRow, Outcome, PodSummary, WindowRow};
use crate::model::Model;
use crate::units::Span;
use crate::verdict;

/// More idle pods than this are counted and not named.
const NAMED: usize = 2;
/// A pod stands out with this multiple of its share.
const HOT: f64 = 1.25;
/// A part of the run that is long to be idle.
const IDLE_PART: f64 = 0.2;
/// Events before the first error that are told.
const EVENTS: usize = 2;

/// The sentences.
pub(super) fn story(model: &Model, outcome: &Outcome) -> Vec<String> {
    let mut sentences = vec![verdict::judge(model, outcome).text];
    let idle = idle(outcome);
    if idle.is_empty() {
        sentences.extend(longest_idle(outcome));
    }
    sentences.extend(idle);
    sentences.extend(hot(outcome));
    sentences.extend(failures(outcome));
    sentences.retain(|s| !s.is_empty());
    sentences
}

fn at(seconds: f64) -> Span {
    // To the hundredth of a second: it is read, not computed with.
    Span::from_millis((seconds * 100.0).round() as u64 * 10)
}

/// Pods of the end, with the times at which they became Ready.
fn ready(outcome: &Outcome) -> Vec<(&PodSummary, f64)> {
    let pods = outcome.summary.pods.iter().filter(|p| p.deleted_s.is_none());
    pods.filter_map(|p| Some((p, p.ready_s?))).collect()
}

/// Ready pods that never had a connection: what was dialled since.
fn idle(outcome: &Outcome) -> Vec<String> {
    let dialled = |name: &str| outcome.connections.iter().any(|c| c.pod == name);
    let idle: Vec<_> = ready(outcome).into_iter().filter(|(p, _)| p.requests == 0 && !dialled(&p.pod)).collect();
    let last = outcome.connections.iter().map(|c| c.opened_s).max_by(f64::total_cmp);
    let mut sentences: Vec<String> = Vec::new();
    for (pod, since) in idle.iter().take(NAMED) {
        let later = outcome.connections.iter().filter(|c| c.opened_s >= *since).count();
        let (name, ready) = (&pod.pod, at(*since));
        sentences.push(match (later, last) {
            (0, Some(last)) => {
                let lag = at(since - last);
                format!("{name} became Ready at {ready}, {lag} after the last dial ({}), and had no connection until the end.", at(last))
            }
            (0, None) => format!("{name} became Ready at {ready}, and nobody dialled."),
            (n, _) => format!("{name} was Ready from {ready} on, and none of the {n} connections dialled since went to it."),
        });
    }
    if idle.len() > NAMED {
        let (more, plural) = (idle.len() - NAMED, if idle.len() > NAMED + 1 { "s" } else { "" });
        sentences.push(format!("{more} more Ready pod{plural} had no connection either."));
    }
    sentences
}

/// The longest time that a Ready pod received nothing.
fn longest_idle(outcome: &Outcome) -> Option<String> {
    let mut longest: Option<(u32, f64, f64)> = None;
    for pod in 0..outcome.summary.pods.len() as u32 {
        let windows = outcome.windows.iter().filter(|w| w.pod == Some(pod));
        let mut since = None;
        for window in windows {
            let idle = window.state == "ready" && window.requests == 0;
            let from = if idle { *since.get_or_insert(window.time_s) } else { since.take().unwrap_or(window.time_s) };
            let to = window.time_s + if idle { outcome.window_s } else { 0.0 };
            if longest.is_none_or(|(_, begin, end)| end - begin < to - from) {
                longest = Some((pod, from, to));
            }
        }
    }
    let (pod, from, to) = longest.filter(|(_, from, to)| to - from >= IDLE_PART * outcome.end_s)?;
    let name = &outcome.summary.pods.get(pod as usize)?.pod;
    Some(format!("{name} was Ready and received nothing from {} to {}.", at(from), at(to.min(outcome.end_s))))
}

/// The pod with the most connections, if it has more than its share.
fn hot(outcome: &Outcome) -> Option<String> {
    let pods = ready(outcome);
    let all: u64 = pods.iter().map(|(p, _)| p.connections_at_end).sum();
    let (pod, _) = pods.iter().max_by_key(|(p, _)| p.connections_at_end)?;
    let (most, share) = (pod.connections_at_end, pod.share?);
    let fair = 1.0 / pods.len() as f64;
    let stands_out = most as f64 > HOT * all as f64 * fair && share > HOT * fair;
    let percent = (share * 100.0).round();
    stands_out.then(|| {
        format!("{} ended with {most} of {all} connections, and received {percent} % of all requests.", pod.pod)
    })
}

/// When calls failed, and what had happened just before.
fn failures(outcome: &Outcome) -> Option<String> {
    let failed = |w: &&WindowRow| w.errors > 0;
    let first = outcome.windows.iter().find(failed)?.time_s;
    let last = outcome.windows.iter().rev().find(failed)?.time_s + outcome.window_s;
    let n: u64 = outcome.windows.iter().map(|w| w.errors).sum();
    // The pods of the start are no news.
    let news = |e: &&EventRow| e.time_s > 0.0 && e.time_s < first + outcome.window_s && e.kind != EventKind::Rate;
    let before = outcome.events.iter().filter(news);
    let told: Vec<_> = before.collect();
    let told: Vec<String> =
        told.iter().rev().take(EVENTS).rev().map(|e| format!("{} {}: {}", at(e.time_s), e.subject, e.what)).collect();
    let calls = if n == 1 { "call" } else { "calls" };
    let when = format!("{n} {calls} failed between {} and {}", at(first), at(last.min(outcome.end_s)));
    Some(if told.is_empty() { format!("{when}.") } else { format!("{when}; just before: {}.", told.join("; ")) })
}
