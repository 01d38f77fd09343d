//! The whole engine, recorded as in a normal run, against the least that the same work can cost (`support/bound.rs`), in turns
//! in one process: believe the ratios, and of the speeds only the order of magnitude.
//!
//! Reference workload W: each of n pods has 8 slots and a FIFO queue; service is exponential with a mean of 1 ms; clients of one
//! connection each, pinned to a pod, make Poisson arrivals of 5,000 calls per second and pod in all; no network delay.
//!
//! `cargo bench --bench engine` runs all; `-- <part>` one of `w`, `scale`, `memory`, `hour`; `-- ir CALLS [PODS CONNECTIONS]`
//! runs W and nothing else, for profilers (docs/performance.md).

#[path = "support/bound.rs"]
mod bound;
#[path = "support/meter.rs"]
mod meter;
#[path = "../tests/support/models.rs"]
mod models;

use std::sync::Arc;

use evenkeel::distribution::Distribution;
use evenkeel::metrics::outcome::Outcome;
use evenkeel::model::{Action, Arrivals, Load, Model, RateCurve, ServiceType, What};
use evenkeel::observe::{self, RecorderOptions};
use evenkeel::units::{Span, Time};
use meter::{Meter, median, peak_mb};

/// kube-proxy's draws with this seed put 12, 10, 5, 11 and 12 of W's 50 connections on its five pods: the busiest one is used
/// to 75 %. (A uniform draw saturates some pod with one seed in seven, and then the run measures its queue.)
const SEED: u64 = 1;

fn open(rate: f64) -> Load {
    Load::Open { arrivals: Arrivals::Poisson, rate: RateCurve { points: Arc::new([(Time::ZERO, rate)]) } }
}

/// W, for about this many calls.
fn workload(pods: u32, connections: u32, calls: u64) -> Model {
    let mut server = models::server("s", pods, 8);
    server.service_time = Distribution::Exponential { mean: 0.001, min: 0.0 };
    let rate = 5_000.0 * f64::from(pods);
    let mut client = models::client("c", 1, models::pick_first());
    client.replicas = connections;
    client.load = open(rate);
    let mut model = models::model(ServiceType::ClusterIp, vec![server], vec![client]);
    model.duration = Some(Span::from_secs_f64(calls as f64 / rate));
    model
}

/// One run with everything that a normal one records; the seconds it took.
fn run(model: &Model) -> (Outcome, f64) {
    let meter = Meter::start();
    let outcome = observe::run(model, SEED, RecorderOptions::default(), None).expect("it runs");
    (outcome, meter.seconds())
}

/// The pod of each connection: as the engine placed them, by `counts`.
fn pins(counts: &[u32]) -> Vec<u32> {
    counts.iter().enumerate().flat_map(|(pod, &n)| vec![pod as u32; n as usize]).collect()
}

fn compare(pods: u32, connections: u32, calls: u64, rounds: usize) {
    let model = workload(pods, connections, calls);
    let (mut ratios, mut ns_engine, mut ns_bound) = (Vec::new(), Vec::new(), Vec::new());
    let mut means = (0.0, 0.0);
    for _ in 0..rounds {
        let (outcome, seconds) = run(&model);
        let engine = seconds * 1e9 / outcome.summary.requests.started as f64;
        let placed: Vec<u32> = outcome.windows.iter().rev().take(pods as usize).map(|row| row.connections).collect();
        drop(outcome.windows);
        let meter = Meter::start();
        let done = bound::run(&pins(&placed), pods as usize, calls, SEED);
        let bound = meter.seconds() * 1e9 / done.calls as f64;
        assert_eq!(done.per_pod.iter().sum::<u64>(), done.calls);
        means = (outcome.summary.latency_ms.mean.unwrap_or(f64::NAN), done.mean_ms);
        ratios.push(engine / bound);
        ns_engine.push(engine);
        ns_bound.push(bound);
    }
    let engine = median(ns_engine);
    println!(
        "{pods:>5} pods {connections:>9} connections  engine {engine:>6.0} ns/request = {:>5.2} M/s  bound {:>5.1} ns  \
         ratio {:>5.2}  mean latency {:.3} and {:.3} ms  peak {:.0} MB",
        1e3 / engine,
        median(ns_bound),
        median(ratios),
        means.0,
        means.1,
        peak_mb(),
    );
}

/// Ten times as many requests: as much memory.
fn memory() {
    for calls in [10_000_000, 100_000_000] {
        let (outcome, seconds) = run(&workload(5, 50, calls));
        let n = outcome.summary.requests.started;
        println!("{n:>11} requests  {:>5.2} M/s  peak {:.1} MB", n as f64 / seconds / 1e6, peak_mb());
    }
}

/// An hour of 10 clients, 5 pods, 5,000 calls per second and a rolling restart.
fn hour() {
    let mut server = models::server("s", 5, 8);
    server.service_time = Distribution::Exponential { mean: 0.002, min: 0.0 };
    let mut client = models::client("c", 1, models::pick_first());
    client.replicas = 10;
    client.load = open(5_000.0);
    let mut model = models::model(ServiceType::ClusterIp, vec![server], vec![client]);
    model.duration = Some(Span::from_secs(3_600));
    model.cluster.rtt = Span::from_micros(200);
    model.timeline = vec![Action { at: Time::ZERO + Span::from_secs(1_800), what: What::RolloutServer(0) }];
    let (outcome, seconds) = run(&model);
    println!("an hour, {} requests and a rolling restart: {seconds:.1} s", outcome.summary.requests.started);
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let part = arguments.first().map(String::as_str);
    if part == Some("ir") {
        let number = |i: usize| arguments.get(i).map(|n| n.parse().expect("numbers of calls, pods and connections"));
        let (calls, pods, connections) = (number(1).unwrap_or(1_000_000), number(2), number(3));
        let (outcome, _) = run(&workload(pods.unwrap_or(5) as u32, connections.unwrap_or(50) as u32, calls));
        println!("{} requests, {}", outcome.summary.requests.started, outcome.summary.digest);
        return;
    }
    let wanted = |name| part.is_none_or(|part| part == name);
    if wanted("memory") {
        memory();
    }
    if wanted("w") {
        compare(5, 50, 10_000_000, 7);
    }
    if wanted("hour") {
        hour();
    }
    if wanted("scale") {
        compare(100, 10_000, 10_000_000, 3);
        compare(1_000, 1_000_000, 30_000_000, 1);
    }
}
