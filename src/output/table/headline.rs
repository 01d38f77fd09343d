//! The figures below the pods: those of now, then those of the whole run.

use crate::metrics::outcome::{Connections, Failure, Latency, Maker, Summary};
use crate::metrics::phase::Phase;
use crate::metrics::reasons::{by_reason, failure_words, never_connected};
use crate::words::{count, duration, millis_or_dash, percent, percent_or_dash, short, short_or_dash};

/// More places than this at which calls failed for one reason are counted and not named.
const PLACES_MOST: usize = 3;

/// A figure: name, value, and what it means.
pub(in crate::output) type FigureRow = (String, String, String);

/// Figures of one interval.
pub(in crate::output) struct Block {
    /// What they are of, where that has not been said.
    pub title: Option<String>,
    pub rows: Vec<FigureRow>,
}

/// The figures of the headline; if the run has several phases, those of the whole run below.
pub(in crate::output) fn headline_blocks(summary: &Summary) -> Vec<Block> {
    let mut now = Block { title: None, rows: skew(summary) };
    let whole = whole_run(summary);
    let balance = summary.time_to_balance.iter().map(|change| {
        let value = change.seconds.map_or_else(|| "never".into(), duration);
        row("time_to_balance", value, format!("after {} at {}", change.change, duration(change.at_s)))
    });
    if summary.phases.len() < 2 {
        now.rows.extend(balance);
        now.rows.extend(whole);
        return vec![now];
    }
    if let Some(phase) = summary.headline() {
        now.rows.extend(calls(phase));
    }
    now.rows.extend(balance);
    let (from, to) = (summary.phases.first().map_or(0.0, |p| p.from_s), summary.phases.last().map_or(0.0, |p| p.to_s));
    let title = Some(format!("whole run, {} to {}", duration(from), duration(to)));
    vec![now, Block { title, rows: whole }]
}

/// What the table and the headline are of.
pub(in crate::output) fn interval(summary: &Summary, phase: &Phase) -> String {
    let span = format!("{} to {}", duration(phase.from_s), duration(phase.to_s));
    match summary.phases.len() {
        1 => format!("{}, {span}", phase.name),
        n => format!("now: {}, {span} (phase {} of {n})", phase.name, summary.headline_phase.unwrap_or_default()),
    }
}

fn row(name: &str, value: String, note: String) -> FigureRow {
    (name.to_owned(), value, note)
}

fn skew(summary: &Summary) -> Vec<FigureRow> {
    let skew = &summary.skew.headline;
    let worst = match &summary.skew.worst_window {
        Some(worst) => worst
            .figures
            .max_over_mean
            .map_or_else(String::new, |x| format!("; worst window {} × at {}", short(x), duration(worst.time_s))),
        None if skew.max_over_mean.is_some() => "; no window has 20 requests per pod".to_owned(),
        None => String::new(),
    };
    let pods = skew.effective_pods.zip(skew.jain).filter(|(_, jain)| *jain > 0.0);
    let of = pods.map(|(pods, jain)| format!(" of {}", short((pods / jain).round()))).unwrap_or_default();
    let usable = "of the fleet can be used before the busiest pod is full";
    vec![
        row(
            "max_over_mean",
            short_or_dash(skew.max_over_mean),
            format!("times the mean load, on the busiest pod{worst}"),
        ),
        row("effective_pods", short_or_dash(skew.effective_pods), format!("pods effectively used{of}")),
        row("usable_capacity", percent_or_dash(skew.usable_capacity), usable.into()),
        row("idle_pods", short_or_dash(skew.idle_pods), "without any request".into()),
    ]
}

/// What became of the calls in a phase.
fn calls(phase: &Phase) -> Vec<FigureRow> {
    let part = phase.error_ratio.map_or_else(|| "no call ended".into(), |x| format!("{} of the calls", percent(x)));
    vec![
        latency(&phase.latency_ms),
        row("throughput", format!("{}/s", short(phase.throughput_rps)), "successful calls".into()),
        row("errors", count(phase.failed), part),
        row("reconnects", format!("{}/s", short(phase.reconnects_per_s)), String::new()),
    ]
}

fn latency(latency: &Latency) -> FigureRow {
    let p50 = latency.p50.map(|_| {
        let (p50, p95) = (millis_or_dash(latency.p50), millis_or_dash(latency.p95));
        format!("p50 {p50}, p95 {p95}, mean {}", millis_or_dash(latency.mean))
    });
    row("p99", millis_or_dash(latency.p99), p50.unwrap_or_default())
}

/// What became of the calls and connections in the whole run.
fn whole_run(summary: &Summary) -> Vec<FigureRow> {
    let mut rows = Vec::new();
    if summary.phases.len() > 1 {
        let note = "times the mean load, on the busiest of all pods that there were";
        rows.push(row("max_over_mean", short_or_dash(summary.skew.whole_run.max_over_mean), note.into()));
    }
    if summary.stray_share > 0.0 {
        let note = "of the requests went to pods that were not Ready throughout";
        rows.push(row("stray_share", percent(summary.stray_share), note.into()));
    }
    rows.push(latency(&summary.latency_ms));
    rows.push(row("throughput", format!("{}/s", short(summary.throughput_rps)), "successful calls".into()));
    rows.push(row("errors", count(summary.requests.failed), errors(summary)));
    rows.extend(failures(&summary.failures));
    rows.push(row("reconnects", format!("{}/s", short(summary.reconnects_per_s)), String::new()));
    rows.extend(connections(&summary.connections, warmed_up(summary)));
    rows
}

/// There is a warmup.
fn warmed_up(summary: &Summary) -> bool {
    summary.phases.first().is_some_and(|phase| phase.from_s > 0.0)
}

fn errors(summary: &Summary) -> String {
    let requests = &summary.requests;
    let by = requests.by_status.iter().filter(|(_, n)| **n > 0);
    let listed: Vec<String> = by.map(|(status, n)| format!("{status} {}", count(*n))).collect();
    let of = format!("of {} calls", count(requests.started));
    if listed.is_empty() {
        return of;
    }
    format!("{of} ({}): {}", percent(requests.failed as f64 / requests.started as f64), listed.join(", "))
}

/// A row per reason: how many calls, why, and where.
fn failures(all: &[Failure]) -> Vec<FigureRow> {
    let reasons = by_reason(all);
    let of = |(reason, n): (&str, u64)| {
        let places: Vec<&Failure> = all.iter().filter(|failure| failure.reason == reason).collect();
        row("", count(n), format!("{} {}", failure_words(reason), where_(&places)))
    };
    reasons.into_iter().map(of).collect()
}

/// Where calls failed for one reason, most of them first.
fn where_(places: &[&Failure]) -> String {
    let name = |failure: &Failure| match failure.by {
        Maker::Client => format!("client {}", failure.at),
        Maker::Proxy => format!("the proxy of {}", failure.at),
        Maker::Gateway | Maker::Pod => failure.at.clone(),
    };
    let Some((first, [])) = places.split_first() else {
        // One that is left needs no more room by its name than by its number.
        let named = if places.len() == PLACES_MOST + 1 { places.len() } else { PLACES_MOST.min(places.len()) };
        let (shown, others) = places.split_at(named);
        let mut parts: Vec<String> = shown.iter().map(|f| format!("{} {}", name(f), count(f.calls))).collect();
        if !others.is_empty() {
            let calls = others.iter().map(|f| f.calls).sum();
            parts.push(format!("{} others {}", others.len(), count(calls)));
        }
        return format!("at {}", parts.join(", "));
    };
    format!("at {}", name(first))
}

/// Why connections ended.
fn connections(all: &Connections, warmup: bool) -> Option<FigureRow> {
    let mut counts: Vec<(&str, u64)> = all.closed_by.iter().map(|(reason, n)| (reason.as_str(), *n)).collect();
    counts.retain(|(_, n)| *n > 0);
    // By number, then by name.
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    if all.opened == 0 && counts.is_empty() {
        return None;
    }
    let (failed, ended): (Vec<_>, Vec<_>) = counts.into_iter().partition(|(reason, _)| never_connected(reason));
    let list = |counts: &[(&str, u64)]| {
        let parts: Vec<String> = counts.iter().map(|(reason, n)| format!("{} {reason}", count(*n))).collect();
        parts.join(", ")
    };
    let mut note = if warmup { "opened, with the warmup".to_owned() } else { "opened".to_owned() };
    if !ended.is_empty() {
        note += &format!("; {} ended: {}", count(ended.iter().map(|(_, n)| n).sum()), list(&ended));
    }
    if !failed.is_empty() {
        note += &format!("; never connected: {}", list(&failed));
    }
    Some(row("connections", count(all.opened), note))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(reason: &str, by: Maker, at: &str, calls: u64) -> Failure {
        Failure { reason: reason.into(), by, at: at.into(), calls }
    }

    #[test]
    fn a_row_per_reason_says_where() {
        let all = [
            failed("dial_timeout", Maker::Pod, "s-1-0", 700),
            failed("circuit_breaker", Maker::Proxy, "web", 650),
            failed("dial_timeout", Maker::Client, "batch", 300),
            failed("deadline", Maker::Pod, "s-1-0", 234),
        ];
        let rows: Vec<String> = failures(&all).into_iter().map(|(_, n, text)| format!("{n} {text}")).collect();
        let expected = [
            "1,000 dial timed out at s-1-0 700, client batch 300",
            "650 refused by a circuit breaker at the proxy of web",
            "234 deadline passed at s-1-0",
        ];
        assert_eq!(rows, expected);
    }

    /// More than a few places are counted, but not a single one of them.
    #[test]
    fn many_places_are_counted() {
        let said = |n: usize| {
            let all: Vec<Failure> = (0..n).map(|i| failed("reset", Maker::Pod, &format!("s-1-{i}"), 5)).collect();
            failures(&all)[0].2.clone()
        };
        assert_eq!(said(4), "connection reset at s-1-0 5, s-1-1 5, s-1-2 5, s-1-3 5");
        assert_eq!(said(6), "connection reset at s-1-0 5, s-1-1 5, s-1-2 5, 3 others 15");
    }

    #[test]
    fn connections_say_why_they_ended() {
        let counts = [("max_age", 40), ("shutdown", 25), ("refused", 7), ("killed", 0)];
        let closed_by = counts.map(|(reason, n)| (reason.to_owned(), n)).into();
        let (_, value, note) = connections(&Connections { opened: 82, closed_by }, false).unwrap_or_default();
        assert_eq!(
            (value.as_str(), note.as_str()),
            ("82", "opened; 65 ended: 40 max_age, 25 shutdown; never connected: 7 refused")
        );
        assert_eq!(connections(&Connections::default(), false), None);
    }
}
