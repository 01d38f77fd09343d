//! E3: HTTP/1.1 through a ClusterIP: a connection per request spreads like dice, a keep-alive pool like its connections,
//! and a pool that takes the connection used last like as many connections as there are requests at once. 40 trials of the
//! lab each against seeds 1 to 400.

use crate::support;

use support::lab;
use support::predict::Comparison;
use support::replay::{Trace, replays, scenario};
use support::stats::{ks_two_samples, x2_uniform};

const RUNS: u64 = 400;

fn simulated(kind: &str, workers: u32) -> Vec<[u64; 5]> {
    let workers = format!("clients.0.load.closed.concurrency={workers}");
    let pool = format!("clients.0.http1.keep_alive={{ warm: 10, order: {kind} }}");
    let sets = if kind == "new" { vec![workers.as_str()] } else { vec![workers.as_str(), pool.as_str()] };
    replays(&scenario("e3", &sets), RUNS, Trace::per_pod)
}

/// X² of requests. Which worker makes the 1,000th of 1,000 calls is no matter of balance: counts of a pool are rounded to
/// tens, or trials with 333 and 334 calls on three connections would differ.
fn x2(kind: &str, requests: &[[u64; 5]]) -> Vec<f64> {
    let rounded = |n: u64| if kind == "new" { n } else { (n + 5) / 10 * 10 };
    requests.iter().map(|r| x2_uniform(&r.map(rounded))).collect()
}

fn idle(requests: &[[u64; 5]]) -> Vec<f64> {
    requests.iter().map(|r| r.iter().filter(|n| **n == 0).count() as f64).collect()
}

/// `order` says how the simulation of a kind of the lab takes connections.
fn against_the_lab(order: fn(&'static str) -> &'static str) -> Comparison {
    let mut comparison = Comparison::new("lab E3");
    for (kind, workers) in [("new", 10), ("lifo", 10), ("lifo", 3), ("fifo", 3)] {
        let trials = lab::e3().into_iter().filter(|t| t.kind == kind && t.workers == workers);
        let measured: Vec<[u64; 5]> = trials.map(|t| t.requests).collect();
        let ours = simulated(order(kind), workers);
        let name = format!("{kind}, {workers} workers");
        let (a, b) = (x2(kind, &measured), x2(kind, &ours));
        comparison.p(&format!("{name}: X²"), ks_two_samples(&a, &b));
        comparison.mean_inside(&format!("{name}: mean X²"), &b, &a);
        let (a, b) = (idle(&measured), idle(&ours));
        if kind == "new" {
            comparison.inside("new: idle pods", &b, &a);
        } else {
            comparison.mean_inside(&format!("{name}: idle pods"), &b, &a);
        }
    }
    comparison
}

#[test]
fn requests_follow_connections() {
    against_the_lab(|kind| kind).assert_agrees();
}

#[test]
fn the_order_of_the_pool_matters() {
    // Wrong model: the pools' orders are swapped.
    against_the_lab(|kind| match kind {
        "lifo" => "fifo",
        "fifo" => "lifo",
        other => other,
    })
    .assert_disagrees();
}
