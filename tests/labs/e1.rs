//! E1: one channel through a ClusterIP puts all its calls on one pod, and which one is a uniform draw. 40 trials of the lab
//! against seeds 1 to 400.

use crate::support;

use support::lab;
use support::predict::Comparison;
use support::replay::{Trace, replays, scenario};
use support::stats::{chi_square, chi_square_two_samples};

/// One run: calls per pod, connections, failed calls.
type Run = ([u64; 5], u64, u64);

fn run(trace: &Trace) -> Run {
    (trace.per_pod(), trace.connected.len() as u64, trace.failed.len() as u64)
}

fn largest_shares(requests: impl Iterator<Item = [u64; 5]>) -> Vec<f64> {
    requests.map(|r| *r.iter().max().expect("five pods") as f64 / r.iter().sum::<u64>() as f64).collect()
}

/// How often each pod was the one with most calls.
fn chosen(requests: impl Iterator<Item = [u64; 5]>) -> [u64; 5] {
    requests.fold([0; 5], |mut counts, r| {
        counts[(0..5).max_by_key(|p| r[*p]).expect("five pods")] += 1;
        counts
    })
}

fn against_the_lab(simulated: &[Run]) -> Comparison {
    let mut comparison = Comparison::new("lab E1");
    let trials = lab::e1();
    let measured = || trials.iter().map(|t| t.requests);
    let ours = || simulated.iter().map(|r| r.0);
    comparison.inside("largest share", &largest_shares(ours()), &largest_shares(measured()));
    let all = |of: fn(&Run) -> u64| simulated.iter().map(|r| of(r) as f64).collect::<Vec<_>>();
    let connections: Vec<f64> = trials.iter().map(|t| t.connections as f64).collect();
    comparison.inside("connections", &all(|r| r.1), &connections);
    let errors: Vec<f64> = trials.iter().map(|t| t.errors as f64).collect();
    comparison.inside("failed calls", &all(|r| r.2), &errors);
    let (a, b) = (chosen(measured()), chosen(ours()));
    comparison.p("uniform", chi_square(&b.map(|n| n as f64), &[simulated.len() as f64 / 5.0; 5], 0));
    comparison.p("the same as in the lab", chi_square_two_samples(&a, &b));
    comparison
}

#[test]
fn one_connection_is_one_pod() {
    against_the_lab(&replays(&scenario("e1", &[]), 400, run)).assert_agrees();
}

#[test]
fn calls_are_not_spread() {
    // Wrong model: the Service balances calls, as round_robin does on a headless name.
    let spread = scenario("e1", &["service.type=Headless", "clients.0.policy=round_robin"]);
    against_the_lab(&replays(&spread, 200, run)).assert_disagrees();
}

#[test]
fn the_pod_is_not_always_the_first() {
    // Wrong model: kube-proxy takes the first endpoint.
    against_the_lab(&[([10_000, 0, 0, 0, 0], 1, 0); 200]).assert_disagrees();
}
