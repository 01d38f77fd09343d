//! Little's law on every shipped scenario: what is in the system on average is the rate times the mean time in it. Over a whole
//! run it holds exactly (Denning and Buzen 1978), if calls that are open at the end count until then: so whatever is lost,
//! counted twice or given a wrong time shows. One run each, with the scenario's own seed.

use crate::support;

use std::collections::VecDeque;

use evenkeel::metrics::outcome::Summary;
use evenkeel::model::Model;
use evenkeel::observe::{ConnectionSink, Recorder, RecorderOptions};
use evenkeel::sim::observation::{Observation, Observer};
use evenkeel::sim::{Options, simulate_dyn};
use evenkeel::theory::queueing::little;
use evenkeel::units::{Span, Time};
use support::runs::model;

/// Integrals over the number of calls in the system, by the events' times alone, and sums of the times that calls say they
/// took.
#[derive(Default)]
struct Books {
    warmup: Time,
    /// Calls in the system (emitted after the warmup), and the integral of that in call-nanoseconds.
    inside: i64,
    area: i128,
    last: Time,
    emitted: u64,
    /// Nanoseconds in the system of calls that ended well, and of all others.
    ok: u128,
    others: u128,
    failed: u64,
    /// How many Deployments are servers; a gateway's pods pass requests on, and nobody waits in them.
    servers: u32,
    /// Waiting in pods: received and not started, by pod.
    lines: Vec<Option<VecDeque<Time>>>,
    line_area: u128,
    waited: u128,
    started: u64,
}

impl Books {
    fn step(&mut self, at: Time, change: i64) {
        self.area += i128::from(self.inside) * i128::from(at.since(self.last).0);
        self.last = at;
        self.inside += change;
        assert!(self.inside >= 0, "more calls ended than were made, at {at}");
    }

    fn end(&mut self, at: Time, emitted: Time, well: bool) {
        if emitted < self.warmup {
            return;
        }
        self.step(at, -1);
        let took = u128::from(at.since(emitted).0);
        *if well { &mut self.ok } else { &mut self.others } += took;
    }
}

impl Observer for Books {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::Emitted { .. } if at >= self.warmup => {
                self.step(at, 1);
                self.emitted += 1;
            }
            Observation::Completed { emitted, .. } => self.end(at, emitted, true),
            Observation::Failed { emitted, .. } => {
                self.failed += 1;
                self.end(at, emitted, false);
            }
            Observation::Unfinished { emitted, .. } => self.end(at, emitted, false),
            Observation::PodCreated { server, .. } => {
                self.lines.push((server < self.servers).then(VecDeque::new));
            }
            Observation::Received { pod, .. } => {
                if let Some(line) = &mut self.lines[pod.0 as usize] {
                    line.push_back(at);
                }
            }
            Observation::Started { pod, waited } => {
                // First in, first out.
                let since = self.lines[pod.0 as usize].as_mut().and_then(VecDeque::pop_front);
                self.line_area += since.map_or(0, |since| u128::from(at.since(since).0));
                self.waited += u128::from(waited.0);
                self.started += 1;
            }
            _ => {}
        }
    }
}

fn run(model: &Model) -> (Books, Summary) {
    let warmup = Time::ZERO + model.warmup;
    let servers = model.servers.len() as u32;
    let mut books = Books { warmup, last: warmup, servers, ..Books::default() };
    let window = Span::from_secs(1);
    let options =
        RecorderOptions { scenario_hash: String::new(), summary_only: true, connections: ConnectionSink::Discard };
    let mut recorder = Recorder::new(model, model.seed, window, options);
    let options = Options { window: Some(window), watch: None };
    let end = simulate_dyn(model, model.seed, options, &mut (&mut books, &mut recorder)).expect("the run ends");
    let summary = recorder.finish(end.at).summary;
    books.step(end.at, 0);
    (books, summary)
}

/// Sums of up to a few million terms in another order agree to this.
const ROUNDING: f64 = 1e-9;

fn same(name: &str, what: &str, got: f64, want: f64) {
    assert!((got - want).abs() <= ROUNDING * want.abs(), "{name}: {what}: {got}, should be {want}");
}

#[test]
fn on_every_shipped_scenario() {
    let shipped = evenkeel::shipped::all();
    assert!(!shipped.is_empty());
    for scenario in shipped {
        let name = scenario.name;
        let model = model(scenario.text);
        let (books, summary) = run(&model);
        assert!(books.emitted > 500, "{name}: {} calls say little", books.emitted);
        // Every call ends, once: in an answer, a failure, or as unfinished at the end.
        assert_eq!(books.inside, 0, "{name}");
        assert_eq!(u128::try_from(books.area).unwrap(), books.ok + books.others, "{name}");
        // The same by the figures of the summary: L = λ W with W over all calls.
        let measured = summary.measured_s;
        let inside = books.area as f64 / 1e9 / measured;
        let requests = &summary.requests;
        assert_eq!(requests.started, books.emitted, "{name}");
        let ok_s = requests.ok as f64 * summary.latency_ms.mean.unwrap_or(0.0) / 1e3;
        let time = (ok_s + books.others as f64 / 1e9) / requests.started as f64;
        same(name, "in the system", little(requests.started as f64 / measured, time), inside);
        // In the pods' lines, where nothing leaves but by being served.
        if books.failed == 0 {
            assert_eq!(books.line_area, books.waited, "{name}: waiting");
            let open: usize = books.lines.iter().flatten().map(VecDeque::len).sum();
            assert!(open as u64 <= requests.unfinished && books.started > 0, "{name}");
        }
    }
}
