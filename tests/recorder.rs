//! The recorder against the independent oracle, on random streams of observations that keep the engine's promises (times in
//! order, pods numbered in order, windows one after the other) and are otherwise arbitrary.

mod support;

use evenkeel::metrics::outcome::{Outcome, Summary};
use evenkeel::model::{
    Action, Comparison, Expectation, Http1Client, Model, Pods, Protocol, RateChange, Scale, ServiceType, What, When,
};
use evenkeel::observe::{ConnectionSink, Recorder, RecorderOptions};
use evenkeel::sim::observation::*;
use evenkeel::units::{Span, Time};
use proptest::prelude::*;
use support::journal::Journal;
use support::models;

const WINDOW: u64 = 1_000_000;

/// A made-up run: keeps what makes a stream consistent, and nothing that figures are made of.
struct Stream<'o, O> {
    out: &'o mut O,
    now: u64,
    window: u64,
    pods: Vec<PodPhase>,
    /// Since when each pod has been Ready.
    ready_since: Vec<Option<u64>>,
    gone_before_window: Vec<bool>,
    open_calls: Vec<(u32, u64)>,
    connections: u64,
}

impl<O: Observer> Stream<'_, O> {
    fn tell(&mut self, what: &Observation<'_>) {
        self.now += 1;
        self.out.observe(Time(self.now), what);
    }

    fn advance(&mut self, by: u64) {
        let to = self.now + by;
        while self.window + WINDOW <= to {
            self.now = self.window + WINDOW;
            self.end_window(false, by);
        }
        self.now = self.now.max(to);
    }

    fn end_window(&mut self, partial: bool, noise: u64) {
        let from = self.window;
        let sample = |i: usize| PodSample {
            pod: PodId(i as u32),
            phase: self.pods[i],
            ready_throughout: self.ready_since[i].is_some_and(|since| since <= from),
            connections: (noise % 5) as u32,
            in_flight: (noise % 7) as u32,
            queued: (noise % 3) as u32,
            busy: Span(noise.wrapping_mul(i as u64 + 1) % WINDOW),
            periods: Periods { used: noise % 11, throttled: (noise % 11).min(noise % 4) },
        };
        let samples: Vec<PodSample> =
            (0..self.pods.len()).filter(|i| !self.gone_before_window[*i]).map(sample).collect();
        self.out.observe(
            Time(self.now),
            &Observation::Window { from: Time(from), partial, pods: &samples, connections: &[] },
        );
        self.gone_before_window = self.pods.iter().map(|p| *p == PodPhase::Gone).collect();
        self.window = self.now;
    }

    fn step(&mut self, kind: u32, a: u32, b: u32) {
        self.advance(u64::from(b) % 20_000);
        let pod = if self.pods.is_empty() { None } else { Some(PodId(a % self.pods.len() as u32)) };
        let (client, replica) = (a % 3, b % 3);
        match (kind, pod) {
            (0, _) if self.pods.len() < 6 => {
                self.pods.push(PodPhase::Starting);
                self.ready_since.push(None);
                self.gone_before_window.push(false);
                let pod = PodId(self.pods.len() as u32 - 1);
                self.tell(&Observation::PodCreated { pod, server: b % 2, revision: 1, number: pod.0, node: 0 });
            }
            // Later on seldom, so that the load has time to balance.
            (1 | 2, Some(pod)) if self.now < 3 * WINDOW || b % 128 < 3 => self.phase(pod, b),
            (3..=7, Some(pod)) if self.pods[pod.0 as usize] != PodPhase::Gone => {
                let received = Observation::Received { pod, connection: ConnectionId(u64::from(b % 9)) };
                (0..a % 40).for_each(|_| self.tell(&received));
            }
            (8..=10, _) => {
                self.tell(&Observation::Emitted { client, replica, n: 0, demand: 1, key: 2, open: true });
                self.open_calls.push((client, self.now));
            }
            (11 | 12, Some(pod)) if !self.open_calls.is_empty() => {
                let (client, emitted) = self.open_calls.swap_remove(b as usize % self.open_calls.len());
                self.tell(&Observation::Completed { client, method: 0, pod, emitted: Time(emitted) });
            }
            (13, pod) if !self.open_calls.is_empty() => {
                let (client, emitted) = self.open_calls.pop().unwrap_or_default();
                let why = FailureReason::ALL[b as usize % FailureReason::ALL.len()];
                self.tell(&Observation::Failed { client, replica, method: 0, pod, why, emitted: Time(emitted) });
            }
            (14, Some(pod)) => {
                self.connections += 1;
                let connection = ConnectionId(self.connections);
                self.tell(&Observation::Connected { connection, client, replica, pod });
            }
            (15, pod) => self.close(client, replica, pod, b),
            (16, _) => self.tell(&Observation::Resolved { client, replica, addresses: b % 4 }),
            _ => {}
        }
    }

    fn phase(&mut self, pod: PodId, b: u32) {
        let i = pod.0 as usize;
        let next = match (self.pods[i], b % 3) {
            (PodPhase::Starting, _) => PodPhase::Ready,
            (PodPhase::Ready, 0) => PodPhase::Starting,
            (PodPhase::Ready, 1) => PodPhase::Terminating,
            (PodPhase::Terminating, 0) => PodPhase::Gone,
            _ => return,
        };
        self.tell(&Observation::PodPhase { pod, phase: next });
        self.pods[i] = next;
        self.ready_since[i] = (next == PodPhase::Ready).then_some(self.now);
    }

    fn close(&mut self, client: u32, replica: u32, pod: Option<PodId>, b: u32) {
        let record = ConnectionRecord {
            id: ConnectionId(u64::from(b)),
            client,
            replica,
            pod,
            opened: Time(self.now / 2),
            draining: None,
            closed: Some(Time(self.now)),
            reason: Some(CloseReason::ALL[b as usize % CloseReason::ALL.len()]),
            requests: u64::from(b),
            ready: false,
        };
        self.tell(&Observation::Closed(&record));
    }

    fn end(mut self) -> Time {
        for (client, emitted) in std::mem::take(&mut self.open_calls) {
            self.tell(&Observation::Unfinished { client, method: 0, emitted: Time(emitted) });
        }
        if self.now > self.window {
            self.end_window(true, self.now);
        }
        Time(self.now)
    }
}

fn model(service: ServiceType, warmup: u64, actions: &[(u64, u8)]) -> Model {
    let http = Protocol::Http1(Http1Client { max_connections: None, keep_alive: None });
    let clients = vec![
        models::client("a", 2, models::pick_first()),
        models::client("b", 1, models::round_robin()),
        models::client("c", 1, http),
    ];
    let mut model = models::model(service, vec![models::server("s", 3, 2), models::server("t", 1, 3)], clients);
    model.warmup = Span(warmup);
    model.window = Some(Span(WINDOW));
    let what = |kind| match kind {
        0 => What::RolloutServer(0),
        1 => What::Scale(Scale { server: 1, replicas: 2 }),
        2 => What::Kill(Pods { server: 0, pods: 1 }),
        3 => What::Delete(Pods { server: 0, pods: 2 }),
        _ => What::Rate(RateChange { client: 0, to: 5.0, over: Span::ZERO }),
    };
    model.timeline = actions.iter().map(|&(at, kind)| Action { at: Time(at), what: what(kind) }).collect();
    model.timeline.sort_by_key(|a| a.at);
    model
}

fn run(model: &Model, steps: &[(u32, u32, u32)]) -> (Outcome, Journal, Time) {
    let options = RecorderOptions { connections: ConnectionSink::Keep, ..RecorderOptions::default() };
    let mut both = (Recorder::new(model, 7, Span(WINDOW), options), Journal::of(model));
    let mut stream = Stream {
        out: &mut both,
        now: 0,
        window: 0,
        pods: Vec::new(),
        ready_since: Vec::new(),
        gone_before_window: Vec::new(),
        open_calls: Vec::new(),
        connections: 0,
    };
    for &(kind, a, b) in steps {
        stream.step(kind, a, b);
    }
    let end = stream.end();
    (both.0.finish(end), both.1, end)
}

fn actions() -> impl Strategy<Value = Vec<(u64, u8)>> {
    proptest::collection::vec((0u64..30_000_000, 0u8..5), 0..4)
}

fn steps() -> impl Strategy<Value = Vec<(u32, u32, u32)>> {
    proptest::collection::vec((0u32..17, any::<u32>(), any::<u32>()), 0..3_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_summary_is_what_the_journal_says(
        steps in steps(),
        warmup in prop_oneof![Just(0), 0u64..40_000_000],
        headless in any::<bool>(),
        actions in actions(),
    ) {
        let service = if headless { ServiceType::Headless } else { ServiceType::ClusterIp };
        let model = model(service, warmup, &actions);
        let (outcome, journal, end) = run(&model, &steps);
        journal.check(&model, outcome.window_s, end, &outcome.summary);
        let closed: u64 = outcome.summary.connections.closed_by.values().sum();
        prop_assert_eq!(outcome.connections.len() as u64, closed);
        prop_assert!(outcome.connections.is_sorted_by_key(|c| c.id));
        prop_assert!(outcome.events.is_sorted_by(|a, b| a.time_s <= b.time_s));
        // What is not measured is still in the traces.
        let requests: u64 = outcome.windows.iter().map(|w| w.requests).sum();
        prop_assert!(requests >= outcome.summary.pods.iter().map(|p| p.requests).sum::<u64>());
    }

    /// Windows are sampling: their width changes neither the digests nor anything that is not about windows.
    #[test]
    fn observing_without_windows_gives_the_same_digest(steps in steps()) {
        struct WithoutWindows<'a>(Recorder<'a>);
        impl Observer for WithoutWindows<'_> {
            fn observe(&mut self, at: Time, what: &Observation<'_>) {
                if !matches!(what, Observation::Window { .. }) {
                    self.0.observe(at, what);
                }
            }
        }
        let model = model(ServiceType::ClusterIp, 5_000_000, &[]);
        let recorder = || Recorder::new(&model, 7, Span(WINDOW), RecorderOptions::default());
        let mut both = (recorder(), WithoutWindows(recorder()));
        let mut stream = Stream {
            out: &mut both, now: 0, window: 0, pods: Vec::new(), ready_since: Vec::new(),
            gone_before_window: Vec::new(), open_calls: Vec::new(), connections: 0,
        };
        for &(kind, a, b) in &steps {
            stream.step(kind, a, b);
        }
        let end = stream.end();
        let (with, without) = (both.0.finish(end).summary, both.1.0.finish(end).summary);
        prop_assert_eq!(&with.digest, &without.digest);
        prop_assert_eq!(&with.arrivals_digest, &without.arrivals_digest);
        prop_assert_eq!((&with.requests, &with.latency_ms), (&without.requests, &without.latency_ms));
        prop_assert_eq!(&with.skew.whole_run, &without.skew.whole_run);
    }
}

#[test]
fn every_figure_has_a_path_that_expectations_can_use() {
    let model = model(ServiceType::ClusterIp, 0, &[(1_000, 0), (2_000, 1)]);
    let steps: Vec<(u32, u32, u32)> =
        (0..2_000u32).map(|i| (i % 17, i.wrapping_mul(2_654_435_761), i << 12 ^ i)).collect();
    let outcome = run(&model, &steps).0;
    let all = evenkeel::metrics::figures(&outcome.summary);
    assert!(all.iter().filter(|f| f.value.is_some()).count() >= 20, "most figures have a value: {all:?}");
    for figure in all {
        let path = figure.path.split('.').map(str::to_owned).collect();
        let value = figure.value.unwrap_or(0.0);
        let expectation =
            Expectation { text: figure.name.clone(), path, when: When::WholeRun, op: Comparison::Equal, value };
        let result = evenkeel::experiment::expect::evaluate(&[expectation], &outcome).remove(0);
        assert_eq!((result.value, result.met), (figure.value, figure.value.is_some()), "{}", figure.name);
    }
}

/// A dial takes 300 ms and a round trip, so that after 250 ms each channel dials its second address too (gRFC A61).
#[test]
fn dials_that_lose_the_race_are_superseded() {
    let text = "name: race\nduration: 10s\ncluster: { connect: 300ms }\nservice: { type: Headless }\n\
                servers: [{ name: s, replicas: 3 }]\nclients: [{ name: c, replicas: 4, load: { open: { rate: 10 } } }]\n";
    let loaded = evenkeel::scenario::parse("race.yaml", text, None, &[]).expect("reads");
    let outcome = evenkeel::experiment::run(&loaded, 1, true, None).expect("runs");
    let closed_by = outcome.summary.connections.closed_by;
    assert_eq!((closed_by["superseded"], closed_by["client_idle"]), (4, 0));
    let lost: Vec<_> = outcome.connections.iter().filter(|c| c.close_reason == "superseded").collect();
    assert!(
        lost.len() == 4 && lost.iter().all(|c| c.opened_s == 0.25 + 0.0005 && c.closed_s == Some(0.3 + 0.001)),
        "{lost:?}"
    );
}

/// Both pods are killed: until they are back, every call fails without a pod, and the windows show when.
#[test]
fn an_outage_is_in_the_windows() {
    let text = "name: outage\nduration: 20s\nservers: [{ name: s, replicas: 2, startup: 3s }]\n\
                clients: [{ name: c, replicas: 4, load: { open: { rate: 100 } } }]\n\
                timeline: [{ at: 10s, kill: { server: s, pods: 2 } }]\n";
    let loaded = evenkeel::scenario::parse("outage.yaml", text, None, &[]).expect("reads");
    let outcome = evenkeel::experiment::run(&loaded, 1, true, None).expect("runs");
    let errors =
        |of_pods: bool| outcome.windows.iter().filter(|w| w.pod.is_some() == of_pods).map(|w| w.errors).sum::<u64>();
    let (pods, nowhere) = (errors(true), errors(false));
    assert_eq!(pods + nowhere, outcome.summary.requests.failed);
    // 3 s of 100 calls per second, and as long as the clients' back-off lasts.
    assert!(nowhere > 250, "{nowhere}");
    for window in outcome.windows.chunk_by(|a, b| a.time_s == b.time_s) {
        let unplaced = window.iter().filter(|row| row.pod.is_none());
        assert!(unplaced.clone().all(|row| row.errors > 0 && row.time_s >= 9.9 && row.time_s < 17.0), "{window:?}");
        assert!(unplaced.count() <= 1 && window[0].pod.is_some());
    }
}

/// Where only the summary is read, less is kept, and the summary is the same but for the verdict and the attribution that it rests on.
#[test]
fn the_summary_does_not_depend_on_the_traces() {
    let text = "name: same\nservers: [{ name: s, replicas: 3 }]\n\
                clients: [{ name: c, load: { closed: { concurrency: 20, requests: 20000 } } }]\n";
    let loaded = evenkeel::scenario::parse("same.yaml", text, None, &[]).expect("reads");
    let run = |whole| evenkeel::experiment::run(&loaded, 1, whole, None).expect("runs");
    let (whole, only) = (run(true), run(false));
    assert!(whole.windows.len() > 50 && only.windows.is_empty());
    assert!(whole.summary.attribution.is_some());
    assert_eq!(Summary { verdict: String::new(), attribution: None, ..whole.summary }, only.summary);
}
