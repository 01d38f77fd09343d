//! Published experiments, run again.

use crate::support;

use std::collections::BTreeMap;

use evenkeel::sim::observation::{Observation, Observer};
use evenkeel::units::{Span, Time};
use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::function::factorial::multinomial;
use support::family::Family;
use support::runs::{model, over_seeds};
use support::stats::{binomial, chi_square, chi_square_tail, mean, pool, variance, x2_uniform};

/// Linkerd, "Beyond Round Robin: Load Balancing for Latency" (2016): 11 backends answer in 167 ms (median; standard deviation 5 ms), one client
/// calls 1,000 times per second for 60 s; at 15 s one backend takes 2 s, for 30 s. With a timeout of
/// 1 s, round robin succeeds in 95 % of cases, least loaded in 99 %, peak EWMA in 99.9 %.
fn linkerd(policy: &str, more: &str) -> String {
    format!(
        "name: linkerd
duration: 70s
cluster: {{ nodes: 1, rtt: 1ms }}
service: {{ type: Headless }}
servers: [{{ name: backend, replicas: 11, concurrency: 1000, service_time: {{ lognormal: {{ median: 167ms, sigma: 0.03 }} }} }}]
clients:
  - name: client
    policy: {policy}
    discovery: watch
    load: {{ open: {{ curve: [{{ at: 0s, rate: 1000 }}, {{ at: 60s, rate: 1000 }}, {{ at: 60s, rate: 0 }}], arrivals: constant }} }}{more}
timeline: [{{ at: 15s, slow: {{ server: backend, factor: 12, for: 30s }} }}]
"
    )
}

/// Calls, and those that were answered within 1 s.
#[derive(Default)]
struct Success {
    calls: u64,
    quick: u64,
}

impl Observer for Success {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::Emitted { .. } => self.calls += 1,
            Observation::Completed { emitted, .. } => self.quick += u64::from(at.since(emitted) <= Span::from_secs(1)),
            _ => {}
        }
    }
}

const SEEDS: u64 = 20;

/// Percent that succeed within 1 s, seeds 1 to 20.
fn success(policy: &str, more: &str) -> Vec<f64> {
    let percent = |run: Success| {
        assert!((59_999..=60_001).contains(&run.calls), "{} calls", run.calls);
        100.0 * run.quick as f64 / run.calls as f64
    };
    over_seeds(&model(&linkerd(policy, more)), 1..=SEEDS, percent)
}

/// The 99.9 % confidence interval of the mean.
fn interval(x: &[f64]) -> (f64, f64) {
    let t = StudentsT::new(0.0, 1.0, SEEDS as f64 - 1.0).unwrap().inverse_cdf(0.9995);
    let half = t * (variance(x) / SEEDS as f64).sqrt();
    (mean(x) - half, mean(x) + half)
}

/// Calls have no deadline, and a success is an answer within 1 s. The published figures are read as steps of a scale of percentiles: 95 % says that the 95th percentile is within
/// 1 s and the 99th is not. Each interval lies within its step.
///
/// Least loaded is not the same rule here and there: Finagle's takes the least of a heap of all; `least_request` (gRPC, Envoy) the less
/// loaded of two that are drawn with replacement. The rule with ten draws stands between them, and is in the same step.
#[test]
fn linkerd_2016_success_within_a_second() {
    for (policy, from, below) in [
        ("round_robin", 95.0, 99.0),
        ("least_request", 99.0, 99.9),
        ("{ least_request: { choice_count: 10 } }", 99.0, 99.9),
        ("peak_ewma", 99.9, 100.0),
    ] {
        let (low, high) = interval(&success(policy, ""));
        assert!(from <= low && high < below, "{policy}: {low} to {high}, published {from}");
    }
}

/// Round robin in closed form: what falls to one of 11 backends in 30 of 60 s fails, and one call more or less at the edges.
#[test]
fn linkerd_2016_round_robin_is_a_division() {
    let expected = 60_000.0 - 30_000.0 / 11.0;
    for percent in success("round_robin", "") {
        let quick = percent / 100.0 * 60_000.0;
        assert!((quick - expected).abs() <= 2.0, "{quick}, should be {expected}");
    }
}

/// What the publication does not tell: with a real deadline of 1 s, the two that look at the backends do worse. A call that is given up no
/// longer counts as outstanding, and its 1 s is all that peak EWMA sees of the 2 s, so both try the slow backend more often. Means over
/// seeds 1 to 20 differ, paired, at the level 0.1 %; round robin, which looks at nothing, does not change at all.
#[test]
fn a_deadline_hides_how_slow_a_backend_is() {
    let deadline = "\n    deadline: 1s";
    assert_eq!(success("round_robin", ""), success("round_robin", deadline));
    for policy in ["least_request", "peak_ewma"] {
        let (without, with) = (success(policy, ""), success(policy, deadline));
        let lost: Vec<f64> = without.iter().zip(&with).map(|(a, b)| a - b).collect();
        let (low, high) = interval(&lost);
        assert!(low > 0.0, "{policy}: {low} to {high} percentage points lost");
    }
}

/// envoyproxy/envoy#33707: a client through an Envoy with 3 workers to one host. With 2 connections one worker served all calls
/// in 30 % of the experiments, two in 70 %; with 17 the workers' CPU was 19, 57, 23 %; 28, 40, 31 %; 48, 18, 35 %.
fn one_host(channels: u32, workers: u32) -> String {
    format!(
        "name: one-host
duration: 3s
cluster: {{ nodes: 1, rtt: 1ms }}
service: {{ type: Headless }}
servers: [{{ name: host, replicas: 1, concurrency: 100, service_time: 1ms }}]
clients:
  - name: client
    channels: {channels}
    via: {{ envoy: {{ workers: {workers} }} }}
    load: {{ open: {{ rate: 170, arrivals: constant }} }}
"
    )
}

/// Calls by connection to the host: each worker has one of its own.
#[derive(Default)]
struct ByWorker(BTreeMap<u64, u64>);

impl Observer for ByWorker {
    fn observe(&mut self, _: Time, what: &Observation<'_>) {
        if let Observation::Received { connection, .. } = *what {
            *self.0.entry(connection.0).or_default() += 1;
        }
    }
}

/// By seed, from 1: how many workers served, and how many of the channels the busiest of them had, by its share of the calls.
fn workers(channels: u32, workers: u32, seeds: u64) -> Vec<(usize, usize)> {
    let busiest = |ByWorker(calls): ByWorker| {
        let (all, most) = (calls.values().sum::<u64>(), calls.values().max().expect("calls"));
        (calls.len(), (f64::from(channels) * *most as f64 / all as f64).round() as usize)
    };
    over_seeds(&model(&one_host(channels, workers)), 1..=seeds, busiest)
}

/// The chance that the fullest of 3 has so many of `n`, by that number: a sum over all ways to place them.
fn fullest_of_three(n: u64) -> Vec<f64> {
    let mut chances = vec![0.0; n as usize + 1];
    for (a, b) in (0..=n).flat_map(|a| (0..=n - a).map(move |b| (a, b))) {
        let parts = [a, b, n - a - b];
        chances[*parts.iter().max().expect("three") as usize] += multinomial(n, &parts) / 3f64.powi(n as i32);
    }
    chances
}

const DRAWS: u64 = 2_000;

/// Each connection stays on the worker that the kernel's hash gives it: two share one in a third of all runs (exact binomial
/// test), and the fullest of 17 has 45 % on average (chi-square over its whole law). Seeds 1 to 2,000.
fn sticky_workers(of: u32) -> Family {
    let mut family = Family::named("published: workers of Envoy");
    let alone = workers(2, of, DRAWS).into_iter().filter(|w| w.0 == 1).count() as u64;
    family.add("two connections on one worker", binomial(alone, DRAWS, 1.0 / 3.0));
    let law: Vec<f64> = fullest_of_three(17).iter().map(|p| p * DRAWS as f64).collect();
    let mut seen = vec![0.0; 18];
    workers(17, of, DRAWS).into_iter().for_each(|w| seen[w.1] += 1.0);
    let (seen, law) = pool(&seen, &law);
    family.add("the fullest of 17 connections", chi_square(&seen, &law, 0));
    // What was published are samples of that law: shares of CPU, taken as connections.
    let published = [[19.0, 57.0, 23.0], [28.0, 40.0, 31.0], [48.0, 18.0, 35.0]];
    let x2 = published.map(|cpu| x2_uniform(&cpu.map(|share: f64| (17.0 * share / 100.0).round() as u64)));
    family.add("the published samples", chi_square_tail(x2.iter().sum(), 6));
    family
}

#[test]
fn envoy_33707_connections_stay_on_their_worker() {
    let law = fullest_of_three(17);
    let share: f64 = law.iter().enumerate().map(|(most, p)| most as f64 * p / 17.0).sum();
    assert!((share - 0.45).abs() < 0.005, "{share}");
    sticky_workers(3).assert_holds();
}

#[test]
fn envoy_33707_with_one_worker_less_is_another_law() {
    // Wrong model.
    sticky_workers(2).assert_rejected();
}
