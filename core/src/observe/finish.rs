//! From what was recorded to the `Outcome`.

use std::collections::BTreeMap;

use crate::ids::{Id, Table};
use crate::metrics::balance::ReadyLoads;
use crate::metrics::outcome::{
    Connections, Latency, Outcome, PodSummary, Requests, Skew, SkewFigures, Summary, WindowRow, WindowSkew,
};
use crate::metrics::phase::PodNow;
use crate::metrics::skew;
use crate::model::{Model, Server};
use crate::narrow::u32_of;
use crate::sim::observation::{CloseReason, Periods, PodId};
use crate::units::{Span, Time};

use super::arrivals::Arrivals;
use super::histogram::Tally;
use super::parts::{Run, parts};
use super::phases::{Finished, Headline, Known, Phases};
use super::pods::{PodCounts, PodInfo};
use super::recorder::Recorder;
use super::recovery::times_to_balance;
use super::warnings::warnings;
use super::windows::{Cell, Window, Windows};

/// Requests per pod below which a window's skew is mostly chance.
pub(super) const REQUESTS_PER_POD: u64 = 20;

/// The run's frame.
pub(super) struct Frame<'m> {
    pub model: &'m Model,
    pub warmup: Time,
    pub end: Time,
    /// From the end of the warmup to the end of the run.
    pub measured: Span,
    /// Of a window.
    pub width: Span,
}

pub(super) fn outcome(mut recorder: Recorder<'_>, end: Time) -> Outcome {
    let model = recorder.model;
    recorder.close_bins(end);
    let (windows, width) = std::mem::replace(&mut recorder.windows, Windows::new(Span::ZERO, false)).finish();
    let frame = Frame { model, warmup: recorder.warmup, end, measured: end.since(recorder.warmup), width };
    for (i, (info, counts)) in recorder.pods.iter_mut().zip(&recorder.counts).enumerate() {
        info.leave_ready(end, frame.warmup, counts.received[1] + info.messages[1]);
        recorder.latencies.take(i, [&mut info.latency], true);
    }
    let connections = recorder.connections.rows(model, &recorder.pods);
    let clients = if recorder.summary_only { Vec::new() } else { recorder.connections.clients(model) };
    let events = std::mem::take(&mut recorder.events).finish(model, end);
    let (windows, of_gateways) = apart(windows, &recorder.pods);
    let phases = std::mem::replace(&mut recorder.phases, Phases::new(model));
    let slots = slots(model, &recorder.pods);
    let known = Known { model, pods: &recorder.pods, ready_changes: &recorder.ready_changes };
    let finished = phases.finish(end, known);
    let run = Run { model, phases: &finished.phases, end };
    let parts = parts(run, &windows, &slots);
    let summary = summary(&recorder, &frame, &windows, finished);
    let rows = |windows: &[Window]| if recorder.summary_only { Vec::new() } else { rows(&recorder, windows) };
    let (windows, gateways) = (rows(&windows), rows(&of_gateways));
    Outcome {
        summary,
        windows,
        gateways,
        parts,
        connections,
        clients,
        events,
        window_s: width.as_secs_f64(),
        end_s: end.as_secs_f64(),
        engine_events: 0,
    }
}

/// The slots of a pod that can be in use all the time.
pub(super) fn slots<'a>(model: &'a Model, pods: &'a Table<PodId, PodInfo>) -> impl Fn(PodId) -> f64 + 'a {
    |pod| {
        let server = model.deployment(pods[pod].server as usize);
        f64::from(server.concurrency) * server.usable()
    }
}

/// Windows of the servers' pods, and of the gateways'.
fn apart(mut windows: Vec<Window>, pods: &Table<PodId, PodInfo>) -> (Vec<Window>, Vec<Window>) {
    if !pods.iter().any(|pod| pod.gateway) {
        return (windows, Vec::new());
    }
    let take = |window: &mut Window| {
        let all = std::mem::take(&mut window.cells);
        let of_gateway = |cell: &Cell| pods[cell.sample.pod].gateway;
        let (of_gateways, of_servers) = all.into_iter().partition(of_gateway);
        window.cells = of_servers;
        Window { from: window.from, to: window.to, partial: window.partial, cells: of_gateways, unplaced: 0 }
    };
    let of_gateways = windows.iter_mut().map(take).collect();
    (windows, of_gateways)
}

fn summary(recorder: &Recorder<'_>, frame: &Frame<'_>, windows: &[Window], finished: Finished) -> Summary {
    let clients = || frame.model.clients.iter().map(|c| c.name.as_str()).zip(&recorder.arrivals);
    let per_s = |n: u64| if frame.measured.0 == 0 { 0.0 } else { n as f64 / frame.measured.as_secs_f64() };
    let mut latency = Tally::default();
    recorder.pods.iter().for_each(|pod| latency.merge(&pod.latency));
    let measured_windows: Vec<&Window> = windows.iter().filter(|w| w.from >= frame.warmup).collect();
    let utilization = utilization(recorder, &measured_windows);
    let throttled = throttled(recorder, &measured_windows);
    let ready_loads: Vec<ReadyLoads> = windows.iter().map(Window::ready_loads).collect();
    let requests = requests(recorder, latency.count());
    let (at, now, attribution) = match finished.headline {
        Some(Headline { at, pods, attribution }) => (Some(at), pods, attribution),
        None => (None, Vec::new(), None),
    };
    let headline = at.and_then(|at| finished.phases.get(at)).map(|phase| phase.skew.clone()).unwrap_or_default();
    Summary {
        evenkeel: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: frame.model.name.clone(),
        scenario_hash: recorder.scenario_hash.clone(),
        seed: recorder.seed,
        digest: recorder.digest.text(),
        arrivals_digest: Arrivals::combined(clients()),
        arrivals_digest_by_client: clients().map(|(name, a)| (name.to_owned(), a.text())).collect(),
        measured_s: frame.measured.as_secs_f64(),
        error_ratio: share(requests.failed, requests.ok + requests.failed),
        max_utilization: of_servers(recorder, &utilization).reduce(f64::max),
        requests,
        failures: recorder.failures.rows(frame.model, &recorder.pods),
        throughput_rps: per_s(recorder.succeeded),
        time_to_balance: times_to_balance(recorder, frame.end),
        reconnects_per_s: per_s(recorder.connections.reconnects),
        stray_share: stray_share(&measured_windows),
        latency_ms: latency_ms(&latency),
        skew: skew_of(recorder, frame, &ready_loads, headline),
        phases: finished.phases,
        headline_phase: at.map(|at| at as u64 + 1),
        attribution: attribution.filter(|_| !recorder.summary_only),
        pods: pods(recorder, &utilization, &throttled, &now, false),
        gateways: pods(recorder, &utilization, &throttled, &[], true),
        methods: recorder.methods.summaries(frame.model),
        connections: Connections {
            opened: recorder.connections.opened,
            closed_by: names(CloseReason::ALL.map(CloseReason::name), &recorder.connections.closed_by),
        },
        expectations: Vec::new(),
        warnings: warnings(recorder, frame, &measured_windows, &utilization, &now),
        verdict: String::new(),
        theory: Vec::new(),
        cures: None,
        runs: None,
    }
}

fn names<const N: usize>(names: [&'static str; N], counts: &[u64; N]) -> BTreeMap<String, u64> {
    names.into_iter().map(str::to_owned).zip(counts.iter().copied()).collect()
}

fn requests(recorder: &Recorder<'_>, ok: u64) -> Requests {
    Requests {
        started: recorder.started[1],
        ok,
        failed: recorder.failures.total(),
        unfinished: recorder.unfinished,
        by_status: recorder.failures.by_status(),
        retries: recorder.retries,
        failed_by_client: recorder.failures.by_client(recorder.model),
    }
}

pub(super) fn latency_ms(tally: &Tally) -> Latency {
    let quantile = |per_mille| tally.quantile(per_mille).map(Span::as_millis_f64);
    Latency {
        mean: tally.mean().map(|ns| ns / 1e6),
        p50: quantile(500),
        p90: quantile(900),
        p95: quantile(950),
        p99: quantile(990),
        p999: quantile(999),
        max: tally.max().map(Span::as_millis_f64),
    }
}

/// The pods of the servers, or those of the gateways.
fn pods(
    recorder: &Recorder<'_>,
    utilization: &[Option<f64>],
    throttled: &[Option<f64>],
    now: &[(PodId, PodNow)],
    gateways: bool,
) -> Vec<PodSummary> {
    let those =
        || recorder.pods.iter().zip(&recorder.counts).enumerate().filter(|(_, (pod, _))| pod.gateway == gateways);
    let load = |info: &PodInfo, counts: &PodCounts| counts.received[1] + info.messages[1];
    let total: u64 = those().map(|(_, (info, counts))| load(info, counts)).sum();
    let row = |(i, (info, counts)): (usize, (&PodInfo, &PodCounts))| PodSummary {
        pod: info.name.clone(),
        server: recorder.model.deployment(info.server as usize).name.clone(),
        created_s: info.created.as_secs_f64(),
        ready_s: info.first_ready.map(Time::as_secs_f64),
        deleted_s: info.gone.map(Time::as_secs_f64),
        requests: counts.received[1],
        share: share(load(info, counts), total),
        connections_opened: info.opened,
        connections_at_end: u64::from(info.connections),
        connections_by_client: by_client(recorder, i),
        utilization: utilization[i],
        latency_ms: latency_ms(&info.latency),
        // In order of pod: there may be a hundred thousand.
        now: now.binary_search_by_key(&PodId::of(i), |(id, _)| *id).ok().map(|at| now[at].1.clone()),
        messages: info.messages[1],
        errors: recorder.failures.at(i),
        throttled: throttled[i],
    };
    those().map(row).collect()
}

/// Connections of a pod at the end by client, if there are several callers.
fn by_client(recorder: &Recorder<'_>, pod: usize) -> BTreeMap<String, u64> {
    if recorder.model.callers().count() < 2 {
        return BTreeMap::new();
    }
    let pod = u32_of(pod);
    let of_pod = recorder.connections.at_end.range((pod, 0)..=(pod, u32::MAX));
    of_pod.map(|((_, client), n)| (recorder.model.caller(*client as usize).name.clone(), *n)).collect()
}

fn share(part: u64, total: u64) -> Option<f64> {
    (total > 0).then(|| part as f64 / total as f64)
}

/// Slot-time used, of what there was (never more, but for rounding; or CPU time, of what its processor could give), in the measured windows during which the pod was Ready throughout.
fn utilization(recorder: &Recorder<'_>, windows: &[&Window]) -> Vec<Option<f64>> {
    let mut sums = vec![(0u128, 0u128); recorder.pods.len()];
    for window in windows {
        for cell in window.cells.iter().filter(|c| c.sample.ready_throughout) {
            let sum = &mut sums[cell.sample.pod.0 as usize];
            sum.0 += u128::from(cell.sample.busy.0);
            sum.1 += u128::from(window.length().0) * u128::from(server(recorder, cell.sample.pod).concurrency);
        }
    }
    let of_slots = sums.into_iter().map(|(busy, of)| (of > 0).then(|| busy as f64 / of as f64));
    of_slots
        .zip(&recorder.pods)
        .map(|(part, pod)| Some((part? / recorder.model.deployment(pod.server as usize).usable()).min(1.0)))
        .collect()
}

/// Values of the servers' pods that have one.
fn of_servers<'a>(recorder: &'a Recorder<'_>, values: &'a [Option<f64>]) -> impl Iterator<Item = f64> + 'a {
    recorder.pods.iter().zip(values).filter(|(pod, _)| !pod.gateway).filter_map(|(_, value)| *value)
}

/// Of the periods in the measured windows, those in which the limit stopped a pod.
fn throttled(recorder: &Recorder<'_>, windows: &[&Window]) -> Vec<Option<f64>> {
    let mut sums = vec![Periods::default(); recorder.pods.len()];
    for cell in windows.iter().flat_map(|w| &w.cells) {
        let sum = &mut sums[cell.sample.pod.0 as usize];
        sum.used += cell.sample.periods.used;
        sum.throttled += cell.sample.periods.throttled;
    }
    sums.iter().map(|sum| share(sum.throttled, sum.used)).collect()
}

fn server<'a>(recorder: &Recorder<'a>, pod: PodId) -> &'a Server {
    recorder.model.deployment(recorder.pods[pod].server as usize)
}

fn stray_share(windows: &[&Window]) -> f64 {
    let cells = || windows.iter().flat_map(|w| &w.cells);
    let total: u64 = cells().map(Cell::load).sum();
    let stray: u64 = cells().filter(|c| !c.sample.ready_throughout).map(Cell::load).sum();
    share(stray, total).unwrap_or(0.0)
}

fn skew_of(recorder: &Recorder<'_>, frame: &Frame<'_>, windows: &[ReadyLoads], headline: SkewFigures) -> Skew {
    // A run shorter than a window still has loads to compare.
    let at_least = frame.width.min(frame.measured);
    let servers = recorder.pods.iter().filter(|pod| !pod.gateway);
    let judged = servers.filter(|pod| pod.ready >= at_least && pod.ready > Span::ZERO);
    let loads: Vec<f64> = judged.map(|pod| pod.received_ready as f64 / pod.ready.as_secs_f64()).collect();
    let busy_enough = |w: &&ReadyLoads| {
        let total: u64 = w.loads.iter().map(|l| l.1).sum();
        w.from >= frame.warmup && !w.partial && total > 0 && total >= REQUESTS_PER_POD * w.loads.len() as u64
    };
    let of_window = |w: &ReadyLoads| {
        let loads: Vec<f64> = w.loads.iter().map(|l| l.1 as f64).collect();
        WindowSkew { time_s: w.from.as_secs_f64(), figures: skew::figures(&loads) }
    };
    let judged: Vec<WindowSkew> = windows.iter().filter(busy_enough).map(of_window).collect();
    // The first one, if several are equally bad.
    let worst = judged.iter().rev().max_by(|a, b| {
        let over = |w: &WindowSkew| w.figures.max_over_mean.unwrap_or(0.0);
        over(a).total_cmp(&over(b))
    });
    let figures: Vec<SkewFigures> = judged.iter().map(|w| w.figures.clone()).collect();
    Skew {
        headline,
        worst_window: worst.cloned(),
        median_window: skew::median(&figures),
        whole_run: skew::figures(&loads),
    }
}

fn rows(recorder: &Recorder<'_>, windows: &[Window]) -> Vec<WindowRow> {
    let mut rows = Vec::with_capacity(windows.iter().map(|w| w.cells.len()).sum());
    for window in windows {
        let total: u64 = window.cells.iter().map(Cell::load).sum();
        rows.extend(window.cells.iter().map(|cell| {
            let sample = &cell.sample;
            let server = server(recorder, sample.pod);
            let slot_time = window.length().as_secs_f64() * f64::from(server.concurrency);
            WindowRow {
                time_s: window.from.as_secs_f64(),
                pod: Some(recorder.pods[sample.pod].row),
                state: sample.phase.name().to_owned(),
                connections: sample.connections,
                requests: cell.requests,
                share: share(cell.load(), total),
                in_flight: sample.in_flight,
                queued: sample.queued,
                utilization: (slot_time > 0.0)
                    .then(|| (sample.busy.as_secs_f64() / slot_time / server.usable()).min(1.0)),
                latency_p50_ms: cell.p50.map(Span::as_millis_f64),
                latency_p99_ms: cell.p99.map(Span::as_millis_f64),
                errors: cell.errors,
                partial: window.partial,
                messages: cell.messages,
            }
        }));
        if window.unplaced > 0 {
            let (time_s, errors, partial) = (window.from.as_secs_f64(), window.unplaced, window.partial);
            rows.push(WindowRow { time_s, errors, partial, ..WindowRow::default() });
        }
    }
    rows
}
