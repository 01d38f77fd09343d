//! The lines under the titles: the run's figures, and who gets how much in the state that it ended in.

use super::figure::Line;
use super::traces::{Phase, Traces};
use crate::metrics::outcome::Summary;
use crate::words;

/// A part of all calls whose failure is worth a line.
const MANY_FAILURES: f64 = 0.001;
/// Kubernetes' usual alert (CPUThrottlingHigh) fires at a quarter of the periods.
const MUCH_THROTTLED: f64 = 0.25;
/// More names than this are counted instead.
const NAMES_MOST: usize = 6;

/// The figures of the headline's phase in one line.
pub(super) fn figures(summary: &Summary) -> Line {
    let skew = &summary.skew.headline;
    let mut parts = vec![match skew.max_over_mean {
        Some(x) => format!("busiest pod {} × the mean", words::trimmed(x, 2)),
        None => "no requests were received".into(),
    }];
    if let Some(x) = skew.effective_pods {
        let pods = words::trimmed(x, 1);
        let were = if pods == "1" { "was 1 pod".into() } else { format!("were {pods} pods") };
        parts.push(format!("traffic behaves as if there {were}"));
    }
    if let Some(x) = skew.usable_capacity {
        parts.push(format!("usable capacity {}", words::percent(x)));
    }
    // Of one phase the figures are those of the whole run, as in the table.
    let phase = summary.headline().filter(|_| summary.phases.len() > 1);
    if let Some(x) = phase.map_or(summary.latency_ms.p99, |phase| phase.latency_ms.p99) {
        parts.push(format!("p99 {}", words::millis(x)));
    }
    if summary.requests.failed > 0 && failures(summary).is_none() {
        let calls = if summary.requests.failed == 1 { "call" } else { "calls" };
        let of = if phase.is_some() { " in the whole run" } else { "" };
        parts.push(format!("{} failed {calls}{of}", words::count(summary.requests.failed)));
    }
    let of = phase.map_or_else(
        || "Whole run".to_owned(),
        |phase| {
            let mut letters = phase.name.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            let name: String = first.into_iter().chain(letters).collect();
            format!("{} (from {})", words::middle_cut(&name, 40), words::duration(phase.from_s))
        },
    );
    Line { text: format!("{of}: {}", parts.join(" · ")), alarm: false }
}

/// What failed, if that matters more than any balance.
pub(super) fn failures(summary: &Summary) -> Option<Line> {
    let requests = &summary.requests;
    let share = requests.failed as f64 / requests.started as f64;
    let (status, _) = requests.by_status.iter().max_by_key(|s| s.1).filter(|_| share >= MANY_FAILURES)?;
    let how = if requests.by_status.values().filter(|n| **n > 0).count() > 1 { "most with" } else { "all with" };
    let (failed, started) = (words::count(requests.failed), words::count(requests.started));
    let of = if summary.phases.len() > 1 { " in the whole run" } else { "" };
    let text = format!("{failed} of {started} calls failed{of} ({}), {how} {status}.", words::percent(share));
    Some(Line { text, alarm: true })
}

/// Who was stopped most by its CPU limit, if there are limits.
pub(super) fn throttled(summary: &Summary) -> Option<Line> {
    let mut parts: Vec<(f64, &str)> =
        summary.pods.iter().filter_map(|p| Some((p.throttled?, p.pod.as_str()))).collect();
    // A stable sort: of equals the older pod comes first.
    parts.sort_by(|a, b| b.0.total_cmp(&a.0));
    let &(most, name) = parts.first().filter(|p| p.0 > 0.0)?;
    let others = parts.get(1).map_or_else(String::new, |p| format!(", the others in {} at most", words::percent(p.0)));
    let name = words::middle_cut(name, 32);
    let text = format!("{name} was stopped by its CPU limit in {} of its periods{others}.", words::percent(most));
    Some(Line { text, alarm: most >= MUCH_THROTTLED })
}

/// Who gets how much in the last phase: the moment from which it holds, the busiest pod, the starved ones by name.
pub(super) fn last_phase(traces: &Traces) -> Option<Line> {
    let phase = traces.last_phase()?;
    let mut shares = phase.shares()?;
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (&(hot, most), &(cold, least)) = (shares.first()?, shares.last()?);
    let name = |pod: usize| traces.pods[pod].name.as_str();
    let n = shares.len();
    let times = words::trimmed(most * n as f64, 2);
    let since = since(traces, phase);
    if n == 1 {
        return Some(Line {
            text: format!("{since}: {} is the only Ready pod and gets everything.", name(hot)),
            alarm: false,
        });
    }
    let starved = phase.starved();
    if starved.is_empty() {
        let (most, least) = (words::percent(most), words::percent(least));
        let text = format!(
            "{since}, of {n} Ready pods: {} gets the most ({most}, {times} × the even share), {} the least ({least}).",
            name(hot),
            name(cold)
        );
        return Some(Line { text, alarm: false });
    }
    let requests = |pod: usize| phase.pods.iter().find(|p| p.0 == pod).map_or(0, |p| p.1);
    let (idle, little): (Vec<usize>, Vec<usize>) = starved.into_iter().partition(|&pod| requests(pod) == 0);
    let mut parts = Vec::new();
    for (pods, what) in [(idle, "no request at all"), (little, "less than half of the even share")] {
        if !pods.is_empty() {
            let verb = if pods.len() == 1 { "gets" } else { "get" };
            parts.push(format!("{} {verb} {what}", names(traces, &pods)));
        }
    }
    let hot = format!("{} gets {} ({times} × the even share)", name(hot), words::percent(most));
    Some(Line { text: format!("{since}, of {n} Ready pods: {}; {hot}.", parts.join("; ")), alarm: true })
}

/// "Since 2m46s", or "All the time".
pub(super) fn since(traces: &Traces, phase: &Phase) -> String {
    if phase.from_s <= traces.warmup_s + 1e-9 && phase.to_s >= traces.end_s - 1e-9 {
        "Over the whole run".into()
    } else if phase.to_s >= traces.end_s - 1e-9 {
        format!("From {} to the end", words::duration(phase.from_s))
    } else {
        format!("From {} to {}", words::duration(phase.from_s), words::duration(phase.to_s))
    }
}

fn names(traces: &Traces, pods: &[usize]) -> String {
    let listed: Vec<String> =
        pods.iter().take(NAMES_MOST).map(|&p| words::middle_cut(&traces.pods[p].name, 32)).collect();
    match (pods.len() - listed.len(), listed.split_last()) {
        (0, Some((last, []))) => last.clone(),
        (0, Some((last, others))) => format!("{} and {last}", others.join(", ")),
        (more, _) => format!("{} and {more} more pods", listed.join(", ")),
    }
}
