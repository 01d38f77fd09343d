//! Made-up outcomes for the tests of outputs: the shapes that real runs have, from a few weights per pod.

use std::collections::BTreeMap;

use crate::metrics::outcome::*;

/// A pod and its weight in the traffic: `weights` holds (from second, weight), in order.
struct Pod {
    name: String,
    created: f64,
    ready: f64,
    terminating: f64,
    gone: f64,
    weights: Vec<(f64, f64)>,
}

impl Pod {
    fn new(name: String, weight: f64) -> Pod {
        let (created, ready) = (0.0, 0.0);
        Pod { name, created, ready, terminating: f64::MAX, gone: f64::MAX, weights: vec![(0.0, weight)] }
    }

    fn at(&self, t: f64) -> f64 {
        let weight = self.weights.iter().rev().find(|w| w.0 <= t).map_or(0.0, |w| w.1);
        if t < self.ready || t >= self.gone { 0.0 } else { weight }
    }

    fn state(&self, t: f64) -> &'static str {
        match t {
            t if t >= self.gone => "gone",
            t if t >= self.terminating => "terminating",
            t if t >= self.ready => "ready",
            _ => "starting",
        }
    }
}

/// A small generator, so that the figures look like measurements.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / f64::from(1u32 << 24)
    }
}

/// 1 pod of 5 gets everything, in a short run of 0.4 s.
pub(crate) fn one_takes_all() -> Outcome {
    let pods = (0..5).map(|i| Pod::new(format!("grpc-server-1-{i}"), f64::from(u8::from(i == 3)))).collect();
    build("grpc-clusterip", (0.4, 0.002, 0.0), 25_000.0, pods, Vec::new())
}

/// 5 pods, evenly loaded.
pub(crate) fn even() -> Outcome {
    let pods = (0..5).map(|i| Pod::new(format!("grpc-server-1-{i}"), 1.0)).collect();
    build("grpc-headless-round-robin", (60.0, 0.2, 5.0), 5000.0, pods, Vec::new())
}

/// 5 pods replaced one by one from 120 s on; the last new ones get nothing.
pub(crate) fn rollout() -> Outcome {
    let mut pods: Vec<Pod> = (0..5).map(|i| Pod::new(format!("grpc-server-1-{i}"), 1.0)).collect();
    let mut events =
        vec![event(120.0, EventKind::Rollout, "grpc-server", "rollout of grpc-server to revision 2 began")];
    for (i, pod) in pods.iter_mut().enumerate() {
        pod.terminating = 126.0 + 9.0 * i as f64;
        pod.gone = pod.terminating + 6.0;
    }
    for i in 0..5 {
        let created = if i == 0 { 120.0 } else { 118.0 + 9.0 * f64::from(i) };
        let mut pod = Pod::new(format!("grpc-server-2-{i}"), 0.0);
        (pod.created, pod.ready) = (created, created + 6.0);
        let last = [2.6, 1.5, 0.8, 0.1, 0.0][i as usize];
        pod.weights = vec![(0.0, 0.0), (pod.ready + 5.0, last * 0.6), (172.0, last)];
        events.push(event(pod.ready, EventKind::Pod, &pod.name, "Ready"));
        pods.push(pod);
    }
    events.push(event(168.0, EventKind::Rollout, "grpc-server", "rollout of grpc-server complete"));
    build("rolling-restart", (600.0, 2.0, 30.0), 5000.0, pods, events)
}

/// 5 pods, 5 more from 60 s on, which get a little once a client restarts.
pub(crate) fn scale_up() -> Outcome {
    let mut pods: Vec<Pod> = (0..10).map(|i| Pod::new(format!("grpc-server-1-{i}"), 1.0)).collect();
    for pod in &mut pods[5..] {
        (pod.created, pod.ready) = (60.0, 66.0);
        pod.weights = vec![(0.0, 0.0)];
    }
    pods[7].weights = vec![(0.0, 0.0), (150.0, 0.05)];
    let events = vec![
        event(60.0, EventKind::Scale, "grpc-server", "grpc-server scaled from 5 to 10 pods"),
        event(90.0, EventKind::Rate, "web", "rate of web goes to 8,000/s over 30s"),
        event(150.0, EventKind::Kill, "grpc-server-1-0", "killed grpc-server-1-0"),
    ];
    build("scale-up", (300.0, 1.0, 10.0), 5000.0, pods, events)
}

/// 100 pods with long names and uneven loads; every eighth is idle.
pub(crate) fn hundred() -> Outcome {
    let name = |i: usize| format!("checkout-payments-authorization-service-canary-1-{i}");
    let weight = |i: usize| if i % 8 == 7 { 0.0 } else { 1.0 + (i * 37 % 11) as f64 / 3.0 };
    let pods = (0..100).map(|i| Pod::new(name(i), weight(i))).collect();
    build("many-clients-hundred-pods", (120.0, 0.5, 0.0), 40_000.0, pods, Vec::new())
}

/// A run without a single pod or request.
pub(crate) fn nothing() -> Outcome {
    build("replicas-0", (10.0, 0.05, 0.0), 0.0, Vec::new(), Vec::new())
}

fn event(time_s: f64, kind: EventKind, subject: &str, what: &str) -> EventRow {
    EventRow { time_s, kind, subject: subject.into(), what: what.into() }
}

/// `times`: end, window and warmup in seconds.
fn build(name: &str, times: (f64, f64, f64), rate: f64, pods: Vec<Pod>, events: Vec<EventRow>) -> Outcome {
    let (end_s, window_s, warmup_s) = times;
    let mut noise = Noise(7);
    let mut windows = Vec::new();
    let mut received = vec![0u64; pods.len()];
    for w in 0..(end_s / window_s).round() as usize {
        let time_s = w as f64 * window_s;
        let (middle, last) = (time_s + window_s / 2.0, time_s + window_s - 1e-9);
        let sum: f64 = pods.iter().map(|p| p.at(middle)).sum();
        let start = windows.len();
        for (i, pod) in pods.iter().enumerate().filter(|(_, p)| last >= p.created && time_s < p.gone) {
            let mean = if sum > 0.0 { rate * window_s * pod.at(middle) / sum } else { 0.0 };
            let requests = (mean + (noise.next() - 0.5) * 2.5 * mean.sqrt()).max(0.0).round() as u64;
            if time_s >= warmup_s {
                received[i] += requests;
            }
            let load = if sum > 0.0 { pod.at(middle) / sum } else { 0.0 };
            let base = 2.0 / (1.05 - load.min(0.95)) * (1.0 + noise.next() * 0.2);
            windows.push(WindowRow {
                time_s,
                pod: Some(i as u32),
                state: pod.state(last).into(),
                connections: (load * 50.0).round() as u32,
                requests,
                share: None,
                in_flight: (load * 40.0) as u32,
                queued: 0,
                utilization: Some(load),
                latency_p50_ms: (requests > 0).then_some(base),
                latency_p99_ms: (requests > 0).then_some(base * (4.0 + noise.next())),
                errors: 0,
                partial: false,
                messages: 0,
            });
        }
        let total: u64 = windows[start..].iter().map(|r: &WindowRow| r.requests).sum();
        for row in &mut windows[start..] {
            row.share = (total > 0).then(|| row.requests as f64 / total as f64);
        }
    }
    let summary = summary(name, end_s - warmup_s, &pods, &received);
    Outcome {
        summary,
        windows,
        gateways: Vec::new(),
        parts: Vec::new(),
        clients: Vec::new(),
        connections: connections(&pods),
        events,
        window_s,
        end_s,
        engine_events: 0,
    }
}

fn connections(pods: &[Pod]) -> Vec<ConnectionRow> {
    let row = |(i, pod): (usize, &Pod)| ConnectionRow {
        id: i as u64,
        client: format!("web-{i}"),
        pod: pod.name.clone(),
        opened_s: 0.25 * i as f64,
        draining_s: (pod.terminating < f64::MAX).then_some(pod.terminating),
        closed_s: (pod.gone < f64::MAX).then_some(pod.gone),
        close_reason: if pod.gone < f64::MAX { "shutdown".into() } else { String::new() },
        requests: 10 * i as u64,
    };
    pods.iter().enumerate().map(row).collect()
}

fn summary(name: &str, measured_s: f64, pods: &[Pod], received: &[u64]) -> Summary {
    let sum: u64 = received.iter().sum();
    let of = |x: f64| (sum > 0).then_some(x);
    let whole = skew(received);
    let latency = |x: f64| Latency {
        mean: of(x),
        p50: of(x * 0.8),
        p90: of(x * 2.0),
        p95: of(x * 3.0),
        p99: of(x * 5.0),
        p999: of(x * 9.0),
        max: of(x * 12.0),
    };
    let pod = |(pod, &requests): (&Pod, &u64)| PodSummary {
        pod: pod.name.clone(),
        server: "grpc-server".into(),
        created_s: pod.created,
        ready_s: Some(pod.ready),
        deleted_s: (pod.gone < f64::MAX).then_some(pod.gone),
        requests,
        share: of(requests as f64 / sum as f64),
        connections_opened: 10,
        connections_at_end: if pod.gone < f64::MAX { 0 } else { 10 },
        connections_by_client: Default::default(),
        utilization: of(requests as f64 / sum as f64),
        latency_ms: if requests > 0 { latency(2.4) } else { Latency::default() },
        now: None,
        messages: 0,
        errors: 0,
        throttled: None,
    };
    Summary {
        evenkeel: "0.1.0".into(),
        scenario: name.into(),
        scenario_hash: "0011223344556677".into(),
        seed: 1,
        digest: "v1:0123456789abcdef".into(),
        arrivals_digest: "v1:fedcba9876543210".into(),
        arrivals_digest_by_client: BTreeMap::from([("web".into(), "v1:fedcba9876543210".into())]),
        measured_s,
        requests: Requests {
            started: sum + 12,
            ok: sum,
            failed: 7,
            unfinished: 5,
            by_status: BTreeMap::from([("UNAVAILABLE".into(), 7)]),
            retries: 0,
            failed_by_client: BTreeMap::new(),
        },
        failures: vec![
            Failure { reason: "dial_refused".into(), by: Maker::Client, at: "web".into(), calls: 4 },
            Failure { reason: "reset".into(), by: Maker::Pod, at: "grpc-server-1-0".into(), calls: 3 },
        ],
        throughput_rps: sum as f64 / measured_s,
        time_to_balance: vec![TimeToBalance {
            at_s: 120.0,
            change: "rollout of grpc-server".into(),
            seconds: None,
            resolution_s: 5.0,
        }],
        reconnects_per_s: 0.0877,
        error_ratio: None,
        max_utilization: None,
        stray_share: 0.0123,
        latency_ms: latency(2.4),
        skew: Skew {
            headline: whole.clone(),
            worst_window: Some(WindowSkew { time_s: 176.0, figures: whole.clone() }),
            median_window: None,
            whole_run: whole,
        },
        phases: Vec::new(),
        headline_phase: None,
        attribution: None,
        pods: pods.iter().zip(received).map(pod).collect(),
        gateways: Vec::new(),
        methods: Vec::new(),
        connections: Connections { opened: 57, closed_by: BTreeMap::from([("shutdown".into(), 50)]) },
        expectations: vec![
            ExpectationResult { text: "idle_pods == 0".into(), value: whole_idle(received), met: false },
            ExpectationResult { text: "latency.p99 <= 20ms".into(), value: of(12.0), met: true },
        ],
        warnings: vec!["grpc-server-2-0 was busy 97 % of its time: latencies depend on how long the run is.".into()],
        verdict:
            "grpc-server-2-0 carries 2.6 times its share: its connections were opened before the others were Ready."
                .into(),
        theory: vec![TheoryRow {
            figure: "share of the first pod after a rollout".into(),
            theory: 0.4567,
            simulated: of(0.52),
            basis: "sum of 1/(n-j) over the steps; pods one at a time".into(),
        }],
        cures: None,
        runs: None,
    }
}

fn skew(received: &[u64]) -> SkewFigures {
    let sum: u64 = received.iter().sum();
    let (n, most) = (received.len() as f64, received.iter().copied().max().unwrap_or(0) as f64);
    let squares: f64 = received.iter().map(|r| (*r as f64) * (*r as f64)).sum();
    let of = |x: f64| (sum > 0).then_some(x);
    let mean = sum as f64 / n;
    SkewFigures {
        max_share: of(most / sum as f64),
        max_over_mean: of(most / mean),
        effective_pods: of((sum as f64) * (sum as f64) / squares),
        usable_capacity: of(mean / most),
        idle_pods: Some(received.iter().filter(|r| **r == 0).count() as f64),
        ..SkewFigures::default()
    }
}

fn whole_idle(received: &[u64]) -> Option<f64> {
    Some(received.iter().filter(|r| **r == 0).count() as f64)
}

/// The even run, ended in the middle of its last window.
pub(crate) fn cut_short() -> Outcome {
    let mut outcome = even();
    outcome.end_s -= 0.0731;
    let last = outcome.windows.last().map_or(0.0, |row| row.time_s);
    for row in outcome.windows.iter_mut().filter(|row| row.time_s == last) {
        row.partial = true;
    }
    outcome
}

/// A rollout in whose middle nobody can be reached for a while: at first some calls fail, then all.
pub(crate) fn outage() -> Outcome {
    let mut outcome = rollout();
    outcome.summary.scenario = "outage".into();
    let mut windows = Vec::new();
    for window in outcome.windows.chunk_by(|a, b| a.time_s == b.time_s) {
        let time_s = window[0].time_s;
        let out = (130.0..150.0).contains(&time_s);
        let received = |row: &WindowRow| WindowRow { requests: if out { 0 } else { row.requests }, ..row.clone() };
        windows.extend(window.iter().map(received));
        if out || (126.0..130.0).contains(&time_s) {
            windows.push(WindowRow { time_s, errors: 25, ..WindowRow::default() });
        }
    }
    Outcome { windows, ..outcome }
}
