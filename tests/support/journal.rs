//! An independent oracle: keeps what a summary depends on as it was observed, and computes the figures from that in the plainest
//! way, from the definitions and with none of the recorder's code.

use std::collections::BTreeMap;

use evenkeel::metrics::outcome::{Latency, Maker, SkewFigures, Summary};
use evenkeel::model::{Model, Protocol, Server};
use evenkeel::sim::observation::{
    CloseReason, FailureReason, Observation, Observer, Periods, PodId, PodPhase, PodSample, Status,
};
use evenkeel::units::Time;

/// Everything observed that figures depend on.
#[derive(Default)]
pub struct Journal {
    /// How many Deployments are servers; the pods of the others are gateways'.
    backends: usize,
    /// By pod: its place among those of the servers, or of the gateways.
    places: Vec<Place>,
    /// (when, place) of what came to gateways.
    passed: Vec<(Time, usize)>,
    emitted: Vec<Time>,
    /// (client, method, emitted, how: 0 with a response, 1 without, 2 not at all)
    ends: Vec<(u32, u16, Time, u8)>,
    unfinished: Vec<Time>,
    retried: Vec<Time>,
    /// (when, pod)
    received: Vec<(Time, usize)>,
    /// The same with the messages of streams.
    loads: Vec<(Time, usize)>,
    /// (when, pod)
    messages: Vec<(Time, usize)>,
    /// (emitted, done, pod)
    completed: Vec<(Time, Time, usize)>,
    /// (emitted, status, client, pod)
    failed: Vec<(Time, Status, u32, Option<usize>)>,
    /// (emitted, why, pod of a server or a gateway) of what failed
    why: Vec<(Time, FailureReason, Option<PodId>)>,
    /// (when, pod, phase), the creation included.
    phases: Vec<(Time, usize, PodPhase)>,
    /// By pod: its server.
    servers: Vec<usize>,
    /// (when, client, replica, pod)
    connected: Vec<(Time, u32, u32, usize)>,
    /// (client, replica, addresses, connections READY before)
    resolved: Vec<(u32, u32, u32, usize)>,
    closed: Vec<CloseReason>,
    /// (from, to, partial, samples, length of `loads` at its end)
    windows: Vec<(Time, Time, bool, Vec<PodSample>, usize)>,
}

/// Whose pod it is, and its place among those.
#[derive(Clone, Copy)]
enum Place {
    Server(usize),
    Gateway(usize),
}

impl Journal {
    pub fn of(model: &Model) -> Journal {
        Journal { backends: model.servers.len(), ..Journal::default() }
    }

    /// The place of a server's pod; of a gateway's, no place that there is.
    fn place(&self, pod: PodId) -> usize {
        match self.places[pod.0 as usize] {
            Place::Server(place) => place,
            Place::Gateway(_) => usize::MAX,
        }
    }
}

impl Observer for Journal {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::Emitted { .. } => self.emitted.push(at),
            Observation::Retried { emitted, .. } => self.retried.push(emitted),
            Observation::Unfinished { client, method, emitted } => {
                self.unfinished.push(emitted);
                self.ends.push((client, method, emitted, 2));
            }
            Observation::Received { pod, .. } => match self.places[pod.0 as usize] {
                Place::Server(place) => {
                    self.received.push((at, place));
                    self.loads.push((at, place));
                }
                Place::Gateway(place) => self.passed.push((at, place)),
            },
            Observation::Message { pod } => {
                let place = self.place(pod);
                self.messages.push((at, place));
                // Streams do not go through gateways.
                self.loads.push((at, place));
            }
            Observation::Completed { client, method, pod, emitted } => {
                self.completed.push((emitted, at, self.place(pod)));
                self.ends.push((client, method, emitted, 0));
            }
            Observation::Failed { client, method, why, emitted, pod, .. } => {
                self.why.push((emitted, why, pod));
                let place = pod.and_then(|pod| match self.places[pod.0 as usize] {
                    Place::Server(place) => Some(place),
                    Place::Gateway(_) => None,
                });
                self.failed.push((emitted, why.status(), client, place));
                self.ends.push((client, method, emitted, 1));
            }
            Observation::PodCreated { server, .. } if server as usize >= self.backends => {
                let before = self.places.len() - self.servers.len();
                self.places.push(Place::Gateway(before));
            }
            Observation::PodCreated { server, .. } => {
                let place = self.servers.len();
                self.places.push(Place::Server(place));
                self.servers.push(server as usize);
                self.phases.push((at, place, PodPhase::Starting));
            }
            Observation::PodPhase { pod, phase } => {
                if let Place::Server(place) = self.places[pod.0 as usize] {
                    self.phases.push((at, place, phase));
                }
            }
            Observation::Connected { client, replica, pod, .. } => {
                self.connected.push((at, client, replica, self.place(pod)));
            }
            Observation::Resolved { client, replica, addresses } => {
                self.resolved.push((client, replica, addresses, self.connected.len()));
            }
            Observation::Closed(record) => self.closed.extend(record.reason),
            Observation::Window { from, partial, pods, .. } => {
                let placed = |s: &PodSample| match self.places[s.pod.0 as usize] {
                    Place::Server(place) => Some(PodSample { pod: PodId(place as u32), ..*s }),
                    Place::Gateway(_) => None,
                };
                let samples = pods.iter().filter_map(placed).collect();
                self.windows.push((from, at, partial, samples, self.loads.len()));
            }
            _ => {}
        }
    }
}

/// Floats of the same definition computed in another order agree to this, relatively: sums have at most some thousand terms.
const ROUNDING: f64 = 1e-12;

#[track_caller]
fn same(what: &str, got: f64, exact: f64) {
    assert!((got - exact).abs() <= ROUNDING * exact.abs().max(1.0), "{what}: {got}, should be {exact}");
}

#[track_caller]
fn same_option(what: &str, got: Option<f64>, exact: Option<f64>) {
    assert_eq!(got.is_some(), exact.is_some(), "{what}: {got:?}, should be {exact:?}");
    if let (Some(got), Some(exact)) = (got, exact) {
        same(what, got, exact);
    }
}

impl Journal {
    /// Panics where the summary of a run that ended at `end` says something else than the journal. `width` is the width of
    /// the windows.
    pub fn check(&self, model: &Model, width: f64, end: Time, summary: &Summary) {
        let warmup = model.warmup.0;
        let measured_s = end.0.saturating_sub(warmup) as f64 / 1e9;
        same("measured_s", summary.measured_s, measured_s);
        self.check_requests(model, warmup, summary);
        let per_s = |n: usize| if measured_s == 0.0 { 0.0 } else { n as f64 / measured_s };
        let ok = self.completed.iter().filter(|c| c.1.0 >= warmup).count();
        same("throughput_rps", summary.throughput_rps, per_s(ok));
        same("reconnects_per_s", summary.reconnects_per_s, per_s(self.reconnects(model)));
        self.check_methods(model, summary);
        self.check_connections(summary);
        self.check_pods(model, summary);
        self.check_skew(warmup, width, end, summary);
        self.check_windows(warmup, summary);
        self.check_balance(model, end, summary);
    }

    fn check_requests(&self, model: &Model, warmup: u64, summary: &Summary) {
        let measured = |t: &&Time| t.0 >= warmup;
        let requests = &summary.requests;
        assert_eq!(requests.started, self.emitted.iter().filter(measured).count() as u64);
        assert_eq!(requests.unfinished, self.unfinished.iter().filter(measured).count() as u64);
        assert_eq!(requests.retries, self.retried.iter().filter(measured).count() as u64);
        let failed = self.failed.iter().filter(|f| f.0.0 >= warmup);
        assert_eq!(requests.failed, failed.clone().count() as u64);
        for (i, client) in model.clients.iter().enumerate().filter(|_| model.clients.len() > 1) {
            let n = failed.clone().filter(|f| f.2 == i as u32).count() as u64;
            assert_eq!(requests.failed_by_client.get(&client.name), Some(&n));
        }
        self.check_failures(model, summary, warmup);
        for status in Status::ALL {
            let n = failed.clone().filter(|f| f.1 == status).count() as u64;
            assert_eq!(requests.by_status.get(status.name()), Some(&n));
        }
        let latencies = |pod: Option<usize>| -> Vec<u64> {
            let of = self.completed.iter().filter(|c| c.0.0 >= warmup && pod.is_none_or(|p| c.2 == p));
            of.map(|c| c.1.0 - c.0.0).collect()
        };
        assert_eq!(requests.ok, latencies(None).len() as u64);
        check_latency(latencies(None), &summary.latency_ms);
        for (i, pod) in summary.pods.iter().enumerate() {
            check_latency(latencies(Some(i)), &pod.latency_ms);
        }
    }

    /// By reason and place, and no call twice.
    fn check_failures(&self, model: &Model, summary: &Summary, warmup: u64) {
        let mut expected: BTreeMap<(&str, Option<String>), u64> = BTreeMap::new();
        for (_, why, pod) in self.why.iter().filter(|f| f.0.0 >= warmup) {
            let name = |pod: PodId| match self.places[pod.0 as usize] {
                Place::Server(place) => summary.pods[place].pod.clone(),
                Place::Gateway(place) => summary.gateways[place].pod.clone(),
            };
            *expected.entry((why.name(), pod.map(name))).or_default() += 1;
        }
        let mut got: BTreeMap<(&str, Option<String>), u64> = BTreeMap::new();
        for row in &summary.failures {
            let at = match row.by {
                Maker::Pod | Maker::Gateway => Some(row.at.clone()),
                Maker::Client | Maker::Proxy => {
                    assert!(model.clients.iter().any(|c| c.name == row.at), "{row:?}");
                    None
                }
            };
            *got.entry((row.reason.as_str(), at)).or_default() += row.calls;
        }
        assert_eq!(got, expected);
        let all: u64 = summary.failures.iter().map(|row| row.calls).sum();
        assert_eq!(all, summary.requests.failed);
    }

    /// READY after the warmup and not among the first of its replica, which are as many as its channels, or as the addresses
    /// in the first answers of its channels.
    fn reconnects(&self, model: &Model) -> usize {
        let mut first: BTreeMap<(u32, u32), (u32, u32)> = BTreeMap::new();
        let mut reconnects = 0;
        let mut resolved = self.resolved.iter().peekable();
        for (i, &(at, client, replica, _)) in self.connected.iter().enumerate() {
            let start = |client: u32| match &model.caller(client as usize).protocol {
                Protocol::Http1(http) => (http.keep_alive.map_or(0, |k| k.warm), 0),
                Protocol::Grpc(_) => {
                    let client = model.caller(client as usize);
                    if model.connects_to_all(client) { (0, client.channels) } else { (client.channels, 0) }
                }
            };
            while let Some(&(client, replica, addresses, _)) = resolved.next_if(|r| r.3 <= i) {
                let allowed = first.entry((client, replica)).or_insert_with(|| start(client));
                if allowed.1 > 0 && addresses > 0 {
                    *allowed = (allowed.0 + addresses, allowed.1 - 1);
                }
            }
            let allowed = first.entry((client, replica)).or_insert_with(|| start(client));
            if allowed.0 > 0 {
                allowed.0 -= 1;
            } else if at.0 >= model.warmup.0 {
                reconnects += 1;
            }
        }
        reconnects
    }

    fn check_methods(&self, model: &Model, summary: &Summary) {
        let mut rows = summary.methods.iter();
        for (c, client) in model.clients.iter().enumerate() {
            for (m, method) in client.methods.iter().enumerate() {
                let row = rows.next().expect("a row per method");
                let mine = (c as u32, m as u16 + 1);
                let ends = |how: u8| {
                    let of = |e: &&(u32, u16, Time, u8)| (e.0, e.1) == mine && e.2.0 >= model.warmup.0 && e.3 == how;
                    self.ends.iter().filter(of).count() as u64
                };
                assert_eq!((&row.client, &row.method), (&client.name, &method.name));
                assert_eq!([row.ok, row.failed, row.unfinished], [ends(0), ends(1), ends(2)]);
                assert_eq!(row.started, row.ok + row.failed + row.unfinished);
            }
        }
        assert!(rows.next().is_none());
    }

    fn check_connections(&self, summary: &Summary) {
        assert_eq!(summary.connections.opened, self.connected.len() as u64);
        for reason in CloseReason::ALL {
            let n = self.closed.iter().filter(|r| **r == reason).count() as u64;
            assert_eq!(summary.connections.closed_by.get(reason.name()), Some(&n));
        }
    }

    fn check_pods(&self, model: &Model, summary: &Summary) {
        let measured: Vec<usize> = self.received.iter().filter(|r| r.0.0 >= model.warmup.0).map(|r| r.1).collect();
        assert_eq!(summary.pods.len(), self.servers.len());
        assert_eq!(summary.gateways.len(), self.places.len() - self.servers.len());
        for (i, pod) in summary.gateways.iter().enumerate() {
            let came = self.passed.iter().filter(|p| p.0.0 >= model.warmup.0 && p.1 == i).count();
            assert_eq!(pod.requests, came as u64);
        }
        for (i, pod) in summary.pods.iter().enumerate() {
            let requests = measured.iter().filter(|p| **p == i).count();
            assert_eq!((pod.requests, &pod.server), (requests as u64, &model.servers[self.servers[i]].name));
            let messages = self.messages.iter().filter(|m| m.0.0 >= model.warmup.0 && m.1 == i).count();
            assert_eq!(pod.messages, messages as u64);
            let here = |f: &&(Time, Status, u32, Option<usize>)| f.0.0 >= model.warmup.0 && f.3 == Some(i);
            assert_eq!(pod.errors, self.failed.iter().filter(here).count() as u64);
            let load = |from: &[(Time, usize)]| from.iter().filter(|l| l.0.0 >= model.warmup.0 && l.1 == i).count();
            let loads = self.loads.iter().filter(|l| l.0.0 >= model.warmup.0 && l.1 != usize::MAX).count();
            let share = (loads > 0).then(|| load(&self.loads) as f64 / loads as f64);
            same_option("share", pod.share, share);
            assert_eq!(pod.connections_opened, self.connected.iter().filter(|c| c.3 == i).count() as u64);
            let when = |phase| self.phases.iter().find(|p| p.1 == i && p.2 == phase).map(|p| p.0.0 as f64 / 1e9);
            assert_eq!(Some(pod.created_s), when(PodPhase::Starting));
            assert_eq!((pod.ready_s, pod.deleted_s), (when(PodPhase::Ready), when(PodPhase::Gone)));
            let samples =
                |w: &(Time, Time, bool, Vec<PodSample>, usize)| w.3.iter().find(|s| s.pod.0 == i as u32).copied();
            let last = self.windows.iter().rev().find_map(samples);
            assert_eq!(pod.connections_at_end, last.map_or(0, |s| u64::from(s.connections)));
            let (mut busy, mut time) = (0.0, 0.0);
            let measured = || self.windows.iter().filter(|w| w.0.0 >= model.warmup.0);
            let periods = |of: fn(Periods) -> u64| measured().filter_map(samples).map(|s| of(s.periods)).sum::<u64>();
            let (used, throttled) = (periods(|p| p.used), periods(|p| p.throttled));
            same_option("throttled", pod.throttled, (used > 0).then(|| throttled as f64 / used as f64));
            for window in measured() {
                if let Some(sample) = samples(window).filter(|s| s.ready_throughout) {
                    busy += sample.busy.0 as f64;
                    time += (window.1.0 - window.0.0) as f64 * cores(&model.servers[self.servers[i]]);
                }
            }
            // Streams that a test makes up may have pods that are busier than they can be.
            same_option("utilization", pod.utilization, (time > 0.0).then(|| (busy / time).min(1.0)));
        }
    }

    /// The intervals in which a pod was Ready after the warmup.
    fn ready(&self, pod: usize, warmup: u64, end: Time) -> Vec<(u64, u64)> {
        let mine: Vec<(u64, PodPhase)> = self.phases.iter().filter(|p| p.1 == pod).map(|p| (p.0.0, p.2)).collect();
        let until = |i: usize| mine.get(i + 1).map_or(end.0, |next| next.0);
        let ready = mine.iter().enumerate().filter(|(_, p)| p.1 == PodPhase::Ready);
        ready.map(|(i, p)| (p.0.max(warmup), until(i))).filter(|(a, b)| a < b).collect()
    }

    fn check_skew(&self, warmup: u64, width: f64, end: Time, summary: &Summary) {
        let width = width.min(end.0.saturating_sub(warmup) as f64 / 1e9);
        let mut loads = Vec::new();
        for pod in 0..self.servers.len() {
            let ready = self.ready(pod, warmup, end);
            let time = ready.iter().map(|(a, b)| b - a).sum::<u64>() as f64 / 1e9;
            if time > 0.0 && time >= width {
                // The streams of the test have at most one observation per instant, so that bounds do not matter.
                let inside = |r: &&(Time, usize)| r.1 == pod && ready.iter().any(|(a, b)| (*a..=*b).contains(&r.0.0));
                loads.push(self.loads.iter().filter(inside).count() as f64 / time);
            }
        }
        check_figures(&summary.skew.whole_run, &loads);
    }

    /// (pod, requests, Ready throughout) of a window.
    fn loads(&self, window: usize) -> Vec<(usize, f64, bool)> {
        let before = if window == 0 { 0 } else { self.windows[window - 1].4 };
        let received = &self.loads[before..self.windows[window].4];
        let count = |pod| received.iter().filter(|r| r.1 == pod).count() as f64;
        let row = |s: &PodSample| (s.pod.0 as usize, count(s.pod.0 as usize), s.ready_throughout);
        self.windows[window].3.iter().map(row).collect()
    }

    fn check_windows(&self, warmup: u64, summary: &Summary) {
        let (mut all, mut stray) = (0.0, 0.0);
        let mut judged: Vec<(u64, Vec<f64>)> = Vec::new();
        for (i, window) in self.windows.iter().enumerate().filter(|(_, w)| w.0.0 >= warmup) {
            let loads = self.loads(i);
            all += loads.iter().map(|l| l.1).sum::<f64>();
            stray += loads.iter().filter(|l| !l.2).map(|l| l.1).sum::<f64>();
            let ready: Vec<f64> = loads.iter().filter(|l| l.2).map(|l| l.1).collect();
            let total: f64 = ready.iter().sum();
            if !window.2 && total > 0.0 && total >= 20.0 * ready.len() as f64 {
                judged.push((window.0.0, ready));
            }
        }
        same("stray_share", summary.stray_share, if all > 0.0 { stray / all } else { 0.0 });
        let over =
            |loads: &[f64]| loads.iter().copied().fold(0.0, f64::max) * loads.len() as f64 / loads.iter().sum::<f64>();
        let worst = judged.iter().map(|j| over(&j.1)).fold(0.0, f64::max);
        match &summary.skew.worst_window {
            None => assert!(judged.is_empty()),
            Some(w) => {
                same("worst window", w.figures.max_over_mean.unwrap_or(f64::NAN), worst);
                let at = judged.iter().find(|j| (j.0 as f64 / 1e9 - w.time_s).abs() < 1e-12);
                check_figures(&w.figures, &at.expect("a window that counts").1);
            }
        }
        let mut overs: Vec<f64> = judged.iter().map(|j| over(&j.1)).collect();
        overs.sort_by(f64::total_cmp);
        let n = overs.len();
        let median = (n > 0).then(|| (overs[(n - 1) / 2] + overs[n / 2]) / 2.0);
        same_option("median", summary.skew.median_window.as_ref().and_then(|m| m.max_over_mean), median);
    }

    fn check_balance(&self, model: &Model, end: Time, summary: &Summary) {
        let changes: Vec<u64> = model
            .timeline
            .iter()
            .filter(|a| a.what.moves_connections() && a.at.0 >= model.warmup.0 && a.at <= end)
            .map(|a| a.at.0)
            .collect();
        assert_eq!(summary.time_to_balance.len(), changes.len());
        for (at, got) in changes.iter().zip(&summary.time_to_balance) {
            let next = changes.iter().find(|n| *n > at).copied();
            same_option("time to balance", got.seconds, self.balance(*at, next, end));
        }
    }

    fn balance(&self, at: u64, next: Option<u64>, end: Time) -> Option<f64> {
        const BIN: u64 = 5_000_000_000;
        // Instants at which the set of Ready pods changes, up to the next change.
        let mut settled = at;
        let mut ready: BTreeMap<usize, bool> = BTreeMap::new();
        for &(t, pod, phase) in self.phases.iter().filter(|p| next.is_none_or(|n| p.0.0 < n)) {
            let now = phase == PodPhase::Ready;
            let before = ready.insert(pod, now).unwrap_or(false);
            if before != now {
                settled = settled.max(t.0);
            }
        }
        let pods: Vec<usize> = ready.into_iter().filter(|(_, ready)| *ready).map(|(pod, _)| pod).collect();
        let (first, last) = (settled.div_ceil(BIN), next.unwrap_or(end.0) / BIN);
        let mut since = None;
        for begin in first..last {
            let mut block = vec![0.0f64; pods.len()];
            let mut bin = begin;
            while bin < last && block.iter().sum::<f64>() < 400.0 * pods.len() as f64 {
                for (place, pod) in pods.iter().enumerate() {
                    block[place] += self.loads.iter().filter(|l| l.0.0 / BIN == bin && l.1 == *pod).count() as f64;
                }
                bin += 1;
            }
            let total: f64 = block.iter().sum();
            if total == 0.0 || total < 400.0 * pods.len() as f64 {
                break;
            }
            let fair = total / pods.len() as f64;
            let (least, most) = (0.8 * fair, 1.25 * fair);
            let out = |x: &f64| *x < least - 2.0 * least.sqrt() || *x > most + 2.0 * most.sqrt();
            since = if block.iter().any(out) { None } else { since.or(Some(begin)) };
        }
        since.map(|begin| (begin * BIN - at) as f64 / 1e9)
    }
}

fn check_latency(mut ns: Vec<u64>, got: &Latency) {
    ns.sort_unstable();
    let ms = |ns: f64| ns / 1e6;
    let mean = (!ns.is_empty()).then(|| ms(ns.iter().map(|x| *x as f64).sum::<f64>() / ns.len() as f64));
    same_option("mean", got.mean, mean);
    same_option("max", got.max, ns.last().map(|x| ms(*x as f64)));
    for (got, per_mille) in [(got.p50, 500), (got.p90, 900), (got.p95, 950), (got.p99, 990), (got.p999, 999)] {
        let exact = ns.get((ns.len() * per_mille).div_ceil(1000).saturating_sub(1)).map(|x| ms(*x as f64));
        assert_eq!(got.is_some(), exact.is_some());
        if let (Some(got), Some(exact)) = (got, exact) {
            assert!((got - exact).abs() <= exact / 128.0 + 1e-15, "quantile {got}, should be {exact}");
        }
    }
}

fn check_figures(got: &SkewFigures, x: &[f64]) {
    let n = x.len() as f64;
    let sum: f64 = x.iter().sum();
    let max = x.iter().copied().fold(0.0, f64::max);
    let squares: f64 = x.iter().map(|x| x * x).sum();
    let loaded = |v: f64| (sum > 0.0).then_some(v);
    let mean = sum / n;
    let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    let pairs: f64 = x.iter().flat_map(|a| x.iter().map(move |b| (a - b).abs())).sum();
    same_option("max_share", got.max_share, loaded(max / sum));
    same_option("max_over_mean", got.max_over_mean, loaded(max / mean));
    same_option("effective_pods", got.effective_pods, loaded(sum * sum / squares));
    same_option("usable_capacity", got.usable_capacity, loaded(mean / max));
    same_option("cv", got.cv, loaded(variance.sqrt() / mean));
    same_option("gini", got.gini, loaded(pairs / (2.0 * n * sum)));
    same_option("jain", got.jain, loaded(sum * sum / squares / n));
    let idle = x.iter().filter(|x| **x == 0.0).count() as f64;
    same_option("idle_pods", got.idle_pods, (!x.is_empty()).then_some(idle));
}

/// How many slots of a pod can be at work all the time. Each needs the part of a core that `share` says.
fn cores(server: &Server) -> f64 {
    let Some(cpu) = server.cpu else { return f64::from(server.concurrency) };
    let limit = cpu.bandwidth().map_or(f64::MAX, |limit| limit.quota.as_secs_f64() / limit.period.as_secs_f64());
    (limit.min(f64::from(cpu.cores.0) / 1e3) / cpu.share).min(f64::from(server.concurrency))
}
