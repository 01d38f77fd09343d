//! The rows of the pods.

use crate::metrics::outcome::{Outcome, PodSummary};
use crate::metrics::phase::PodNow;
use crate::output::style::Style;
use crate::output::tabular::{Bar, Cell, Name, Number, Paint, Rows, Table, Text, column, plain};
use crate::words::{count, duration, middle_cut, millis_or_dash, percent_or_dash, short_or_dash};

/// More pods than this are not all listed.
const PODS_MOST: usize = 40;
/// How many of the busiest and of the least busy are, then.
const PODS_ENDS: usize = 15;

/// The widest that the connections by client are.
const MOST_OF_CLIENTS: usize = 28;

/// What a pod's row shows: of the headline's phase where there is one, else of the whole run.
struct Row<'a> {
    pod: &'a PodSummary,
    share: Option<f64>,
    requests: String,
    utilization: Option<f64>,
    p99: Option<f64>,
    failed: u64,
}

impl Row<'_> {
    fn of(pod: &PodSummary, now: bool) -> Row<'_> {
        if !now {
            let (share, utilization, p99) = (pod.share, pod.utilization, pod.latency_ms.p99);
            return Row { pod, share, requests: count(pod.requests), utilization, p99, failed: pod.errors };
        }
        let of = |figure: fn(&PodNow) -> Option<f64>| pod.now.as_ref().and_then(figure);
        Row {
            pod,
            share: of(|now| now.share),
            requests: short_or_dash(of(|now| Some(now.requests_per_s))),
            utilization: of(|now| Some(now.utilization)),
            p99: of(|now| now.latency_p99_ms),
            failed: pod.now.as_ref().map_or(0, |now| now.failed),
        }
    }

    /// It could have requests, and has none.
    fn is_idle(&self) -> bool {
        self.share == Some(0.0) && self.pod.deleted_s.is_none()
    }
}

/// The pods of the servers, or of the gateways.
pub(in crate::output) fn pods(outcome: &Outcome, heading: &str, pods: &[PodSummary]) -> Table {
    let now = pods.iter().any(|pod| pod.now.is_some());
    let (order, listed) = order(outcome, pods, now);
    let rows: Vec<Row<'_>> = order.iter().map(|&i| Row::of(&pods[i], now)).collect();
    let streams = pods.iter().any(|pod| pod.messages > 0) && !now;
    let (losses, limits) = (rows.iter().any(|row| row.failed > 0), pods.iter().any(|pod| pod.throttled.is_some()));
    let clients = rows.iter().any(|row| !row.pod.connections_by_client.is_empty());
    let most = rows.iter().filter_map(|row| row.share).fold(0.0, f64::max);
    let bar = |row: &Row<'_>| Cell::bar(row.share.filter(|_| most > 0.0).map_or(0.0, |share| share / most));
    let shares = || rows.iter().filter_map(|row| row.share);
    let left = if listed > PODS_MOST { listed - 2 * PODS_ENDS } else { 0 };
    Rows::of(&rows)
        .with(column(heading, Name(8)), |row| &row.pod.pod)
        .with(column("", Bar), bar)
        .with(column("share", Number(7)), |row| percent_or_dash(row.share))
        .with(column(of_requests(pods, now), Number(12)), |row| &row.requests)
        .with(column("messages", Number(12)).when(streams), |row| count(row.pod.messages))
        .with(column("failed", Number(7)).when(losses), |row| count(row.failed))
        .with(column("connections", Number(6)).above("conns"), |row| row.pod.connections_at_end.to_string())
        .with(column("by client", Number(9)).terminal_only().when(clients), |row| by_client(row.pod))
        .with(column("util", Number(6)).terminal_only(), |row| whole_percent(row.utilization))
        .with(column("utilization", Number(6)).markdown_only(), |row| percent_or_dash(row.utilization))
        .with(column("throt", Number(5)).terminal_only().when(limits), |row| whole_percent(row.pod.throttled))
        .with(column("throttled", Number(5)).markdown_only().when(limits), |row| percent_or_dash(row.pod.throttled))
        .with(column("p99", Number(8)), |row| millis_or_dash(row.p99))
        .with(column("life", Text).terminal_only(), life)
        .painted(|row| paint(row.share, row.is_idle(), shares()))
        .table()
        .remark(PODS_ENDS, left, |n| format!("… {n} pods between these (all are in summary.json)"))
}

/// The pod's connections by client: `web 5, batch 1`.
fn by_client(pod: &PodSummary) -> String {
    let parts: Vec<String> = pod.connections_by_client.iter().map(|(client, n)| format!("{client} {n}")).collect();
    middle_cut(&parts.join(", "), MOST_OF_CLIENTS)
}

/// The heading of what pods receive.
fn of_requests(pods: &[PodSummary], now: bool) -> &'static str {
    match (now, pods.iter().any(|pod| pod.messages > 0)) {
        (false, _) => "requests",
        (true, true) => "messages/s",
        (true, false) => "calls/s",
    }
}

/// A pod with this many times the mean share is hot.
const HOT: f64 = 1.5;

/// The line of a pod that gets nothing, or much more than the mean, stands out.
fn paint(share: Option<f64>, idle: bool, shares: impl Iterator<Item = f64>) -> Paint {
    let (n, all) = shares.fold((0.0, 0.0), |(n, all), share| (n + 1.0, all + share));
    match share {
        Some(_) if idle && all > 0.0 => Style::bad,
        Some(share) if all > 0.0 && share * n >= HOT * all => Style::hot,
        _ => plain,
    }
}

/// Pods of one generation that are gone.
struct Gone {
    generation: String,
    pods: u64,
    requests: u64,
    failed: u64,
    last_s: f64,
}

/// Pods that are gone, if the table is of now: a line per generation, with what they did in the whole run.
pub(in crate::output) fn gone(pods: &[PodSummary]) -> Vec<String> {
    if pods.iter().all(|pod| pod.now.is_none()) {
        return Vec::new();
    }
    let mut all: Vec<Gone> = Vec::new();
    for pod in pods {
        let Some(last_s) = pod.deleted_s else { continue };
        let generation = pod.pod.rsplit_once('-').map_or(pod.pod.as_str(), |(name, _)| name);
        let (requests, failed) = (pod.requests + pod.messages, pod.errors);
        match all.iter_mut().find(|known| known.generation == generation) {
            Some(known) => {
                known.pods += 1;
                known.requests += requests;
                known.failed += failed;
                known.last_s = known.last_s.max(last_s);
            }
            None => all.push(Gone { generation: generation.to_owned(), pods: 1, requests, failed, last_s }),
        }
    }
    let line = |Gone { generation, pods, requests, failed, last_s }: Gone| {
        let plural = if pods == 1 { "" } else { "s" };
        let failed = if failed > 0 { format!(", {} failed calls", count(failed)) } else { String::new() };
        let last = duration(last_s);
        format!("gone: {pods} pod{plural} {generation}-*, the last at {last}; {} requests{failed}", count(requests))
    };
    all.into_iter().map(line).collect()
}

/// The pods to list, and how many there are if not all are: then those at both ends, in order of load. `now`: without those that are gone.
fn order(outcome: &Outcome, pods: &[PodSummary], now: bool) -> (Vec<usize>, usize) {
    // Pods that were gone before the measured time have nothing to show.
    let warmup_s = outcome.end_s - outcome.summary.measured_s;
    let seen = |pod: &PodSummary| pod.requests > 0 || pod.deleted_s.is_none_or(|gone| gone > warmup_s);
    let listed = |pod: &PodSummary| seen(pod) && (!now || pod.now.is_some() || pod.deleted_s.is_none());
    let mut order: Vec<usize> = (0..pods.len()).filter(|&i| listed(&pods[i])).collect();
    let listed = order.len();
    if listed > PODS_MOST {
        let load = |i: usize| match &pods[i].now {
            Some(now) => now.requests_per_s,
            None if now => 0.0,
            None => pods[i].requests as f64,
        };
        order.sort_by(|&a, &b| load(b).total_cmp(&load(a)).then(a.cmp(&b)));
        order.drain(PODS_ENDS..listed - PODS_ENDS);
    }
    (order, listed)
}

pub(super) fn whole_percent(part: Option<f64>) -> String {
    part.map_or_else(|| "-".into(), |u| format!("{:.0} %", u * 100.0))
}

/// When the pod was Ready, if that was not the whole run, and whether it idles.
fn life(row: &Row<'_>) -> String {
    let idle = if row.is_idle() { " idle" } else { "" };
    let from = row.pod.ready_s.filter(|ready| *ready > 0.0).map(|ready| format!("from {}", duration(ready)));
    let to = row.pod.deleted_s.map(|gone| format!("to {}", duration(gone)));
    match (row.pod.ready_s, from, to) {
        (None, _, _) => "not Ready".into(),
        (_, Some(from), Some(to)) => format!("{from} {to}"),
        (_, one, other) => (one.or(other).unwrap_or_default() + idle).trim_start().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hot_pods_and_idle_ones_stand_out() {
        let style = Style { colour: true, ..Style::default() };
        let mark = |share: f64, shares: [f64; 3]| paint(Some(share), share == 0.0, shares.into_iter())(&style, "a");
        assert_eq!(mark(0.5, [0.5, 0.5, 0.0]), "\u{1b}[33ma\u{1b}[0m");
        assert_eq!(mark(0.0, [0.5, 0.5, 0.0]), "\u{1b}[31ma\u{1b}[0m");
        assert_eq!(mark(0.4, [0.4, 0.3, 0.3]), "a");
        assert_eq!(mark(0.0, [0.0; 3]), "a", "there is no traffic");
    }
}
