//! E8: a closed loop of 50 workers on one channel against five pods with FIFO slots of fixed service: what one connection
//! gives, and what round_robin. Seeds 1 to 200.
//!
//! Three things are estimated from the runs with pick_first and 8 slots of 80 ms; runs go through their ranges, and the other
//! runs (4 slots of 40 ms, round_robin) are predicted.
//!
//! - What a call costs on top of its sleep (timers, scheduling, writing the response): `overheads`, grpc-go only.
//! - How much of that varies from call to call, which makes the slots drift apart: `JITTER_S`.
//! - How late a client sees its responses: `client_delay`. It makes the worker's next call late, too: a measured latency is
//!   the true one plus this delay minus the one before. With all slots busy that moves nothing else.
//!
//! Trials share what was estimated, and each run draws it anew: several trials outside would be likelier than the test says.
//! None is.

mod support;

use std::sync::LazyLock;

use evenkeel::scenario::distribution::Distribution;
use evenkeel::scenario::model::{Model, ServiceType};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use support::family::LEVEL;
use support::lab::{self, ClosedLoop};
use support::predict::Comparison;
use support::replay::{Trace, replay, scenario};
use support::stats::{binomial, mean};

const RUNS: u64 = 200;
const WARMUP_S: f64 = 3.0;
const MEASURED_S: f64 = 20.0;
const PERCENTS: [f64; 9] = [1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0];

/// What a call costs on top of its sleep, in seconds, by the throughput of grpc-go's two trials: the smallest and the
/// largest value that they leave open. With all slots in step, 20 s have a whole number of rounds: n of them leave a round
/// between `20 s / (n + 1)` and `20 s / (n - 1)`; the trials had 248 and 247.
fn overheads() -> [f64; 2] {
    let go = lab::e8().into_iter().filter(|t| calibrates(t) && t.stack == "go");
    let rounds = go.map(|t| t.completed as f64 / 8.0);
    let open = rounds.flat_map(|n| [MEASURED_S / (n + 1.0), MEASURED_S / (n - 1.0)]);
    open.map(|s| s - 0.080).fold([f64::INFINITY, 0.0], |[lo, hi], s| [lo.min(s), hi.max(s)])
}

/// The mean of the exponential part of what a call costs, in seconds. Without it the 90 % quantile would be one round of 80.7
/// ms above the median; drifting slots bring them closer by about 40 times this mean over 23 s. The four trials are 0.4 to
/// 3.8 ms below.
const JITTER_S: [f64; 2] = [0.000_01, 0.000_1];

fn calibrates(t: &ClosedLoop) -> bool {
    t.config == "k8_s80" && t.policy == "pick_first"
}

/// Mean delay of a client in seconds, smallest and largest of the four estimates. The difference of two exponential delays
/// is a Laplace variable; 3/4 of the calls with 8 slots wait for six rounds of service, so that the 1 % and the 25 %
/// quantile of all are the 1.33 % and the 33.3 % quantile of those, and these are `log(33.3/1.33)` = 3.22 means apart.
fn client_delay() -> [f64; 2] {
    let of = lab::e8().into_iter().filter(calibrates).map(|t| {
        let q = lab::e8_quantiles(&t.config, &t.stack, &t.policy, t.trial);
        let at = |percent| q.iter().find(|q| q.0 == percent).expect("a quantile of the lab").1;
        (at(25.0) - at(1.0)) / (25f64).ln() / 1e3
    });
    of.fold([f64::INFINITY, 0.0], |[lo, hi], d| [lo.min(d), hi.max(d)])
}

static OVERHEADS: LazyLock<[f64; 2]> = LazyLock::new(overheads);
static CLIENT_DELAY: LazyLock<[f64; 2]> = LazyLock::new(client_delay);

fn between([lo, hi]: [f64; 2], u: f64) -> f64 {
    lo + (hi - lo) * u
}

/// One run as the lab saw it.
struct Run {
    rps: f64,
    mean_ms: f64,
    quantiles_ms: [f64; 9],
    longest_ms: f64,
}

fn run(model: &Model, sleep_ms: u64, seed: u64) -> Run {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let overhead = between(*OVERHEADS, (seed as f64 - 0.5) / RUNS as f64);
    let jitter = between(JITTER_S, rng.random());
    let delay = between(*CLIENT_DELAY, rng.random());
    let mut model = model.clone();
    let least = sleep_ms as f64 / 1e3 + overhead - jitter;
    model.servers[0].service_time = Distribution::Exponential { mean: jitter, min: least };
    // round_robin leaves slots idle: a late call is served later, and its latency is what it is.
    let delay = if model.service == ServiceType::ClusterIp { delay } else { 0.0 };
    seen(&replay(&model, seed), || -delay * (1.0 - rng.random::<f64>()).ln())
}

/// What the client measures of a run, from its own start.
fn seen(trace: &Trace, mut late: impl FnMut() -> f64) -> Run {
    let start = trace.connected[0].0;
    let window = start + WARMUP_S..start + WARMUP_S + MEASURED_S;
    let calls = trace.completed.iter().filter(|c| window.contains(&c.1));
    let mut ms: Vec<f64> = calls.map(|c| (c.1 - c.0 + late() - late()) * 1e3).collect();
    ms.sort_by(f64::total_cmp);
    let quantile = |percent: f64| ms[(ms.len() as f64 * percent / 100.0) as usize];
    let longest_ms = *ms.last().expect("calls in the window");
    Run { rps: ms.len() as f64 / MEASURED_S, mean_ms: mean(&ms), quantiles_ms: PERCENTS.map(quantile), longest_ms }
}

/// The runs of a configuration, with `fewer` slots than it has.
fn simulated(trial: &ClosedLoop, policy: &str, fewer: u32, sets: &[&str]) -> Vec<Run> {
    let slots = format!("servers.0.concurrency={}", trial.slots - fewer);
    let headless = ["service.type=Headless", "cluster.dns.cache=none", "clients.0.policy=round_robin"];
    let policy = if policy == "round_robin" { &headless[..] } else { &[] };
    let model = scenario("e8", &[&[slots.as_str()], policy, sets].concat());
    (1..=RUNS).into_par_iter().map(|seed| run(&model, trial.sleep_ms, seed)).collect()
}

/// Stalls of the shared machine, which no model predicts: in the second trial with 4 slots some calls of the slowest 5 %
/// took 50 ms longer than the slowest of the first trial. These two values are exceptions from the demand, and from the test.
fn stalled(t: &ClosedLoop, percent: f64) -> bool {
    t.config == "k4_s40" && t.trial == 1 && percent >= 95.0
}

/// Trials with one policy of the lab against a simulation of another, or the same.
fn against_the_lab(policy: &str, simulated_policy: &str, fewer: u32) -> Comparison {
    let family = if policy == "pick_first" { "lab E8 pick_first" } else { "lab E8 round_robin" };
    let mut comparison = Comparison::new(family);
    for config in ["k8_s80", "k4_s40"] {
        let of_config = |t: &ClosedLoop| t.policy == policy && t.config == config;
        let trials: Vec<ClosedLoop> = lab::e8().into_iter().filter(of_config).collect();
        let runs = simulated(&trials[0], simulated_policy, fewer, &[]);
        compare(&mut comparison, &trials, &runs);
    }
    comparison
}

fn compare(comparison: &mut Comparison, trials: &[ClosedLoop], runs: &[Run]) {
    let name = format!("{} {}", trials[0].config, trials[0].policy);
    let ours = |value: &dyn Fn(&Run) -> f64| runs.iter().map(value).collect::<Vec<f64>>();
    let lab = |value: fn(&ClosedLoop) -> f64| trials.iter().map(value).collect::<Vec<f64>>();
    comparison.inside(&format!("{name}: rps"), &ours(&|r| r.rps), &lab(|t| t.rps));
    comparison.inside(&format!("{name}: mean"), &ours(&|r| r.mean_ms), &lab(|t| t.latency_ms[0]));
    if trials[0].policy == "round_robin" {
        return;
    }
    for (i, percent) in PERCENTS.into_iter().enumerate() {
        let quantile = |t: &ClosedLoop| {
            let quantiles = lab::e8_quantiles(&t.config, &t.stack, &t.policy, t.trial);
            quantiles.iter().find(|q| q.0 == percent).expect("a quantile of the lab").1
        };
        let measured: Vec<f64> = trials.iter().filter(|t| !stalled(t, percent)).map(quantile).collect();
        comparison.inside(&format!("{name}: {percent} %"), &ours(&|r| r.quantiles_ms[i]), &measured);
    }
}

#[test]
fn one_connection_gives_one_pods_capacity() {
    against_the_lab("pick_first", "pick_first", 0).assert_agrees();
}

#[test]
fn round_robin_gives_five() {
    against_the_lab("round_robin", "round_robin", 0).assert_agrees();
}

#[test]
fn slots_count() {
    // Wrong model: one slot less.
    for policy in ["pick_first", "round_robin"] {
        against_the_lab(policy, policy, 1).assert_disagrees();
    }
}

#[test]
fn round_robin_is_not_one_pod() {
    // Wrong model: all calls of round_robin on one pod.
    against_the_lab("round_robin", "pick_first", 0).assert_disagrees();
}

/// With fixed service the queues of the start never even out: which latencies round_robin gives depends on how it started.
/// A sign test at 1 % over the seeds, each with both starts; the lab's quantiles are shown beside (`--nocapture`), not compared.
/// The mean does not depend on the start: Little's law gives it for each run.
#[test]
fn round_robin_keeps_its_start() {
    for t in lab::e8().iter().filter(|t| t.policy == "round_robin" && t.trial == 0) {
        let q = lab::e8_quantiles(&t.config, &t.stack, &t.policy, t.trial);
        println!("{} {}: lab  {:?}", t.config, t.stack, q.iter().map(|q| q.1).collect::<Vec<_>>());
        let p99 = |start: &str, sets: &[&str]| {
            let runs = simulated(t, "round_robin", 0, sets);
            runs.iter().for_each(obeys_littles_law);
            println!("{} {}: {start} {:.1?} with seed 1", t.config, t.stack, runs[0].quantiles_ms);
            runs.iter().map(|r| r.quantiles_ms[8]).collect::<Vec<_>>()
        };
        // Cold: the calls that wait for the first READY subchannel go there. Warm: all are READY before the first call.
        let (cold, warm) = (p99("cold", &["clients.0.connect=first_call"]), p99("warm", &["cluster.connect=200us"]));
        let longer = cold.iter().zip(&warm).filter(|(cold, warm)| cold > warm).count() as u64;
        let p = binomial(longer, RUNS, 0.5);
        println!("the cold start has the longer tail with {longer} of {RUNS} seeds: p = {p:.2e}");
        assert!(2 * longer > RUNS && p < LEVEL, "{longer} of {RUNS}, p = {p}");
    }
}

/// 50 workers always have a call open. Those that complete within the window have spent `50 * window` in it, less what
/// the calls open at its end have spent, plus what the calls open at its start had: each at most the longest latency.
fn obeys_littles_law(run: &Run) {
    let time_in_calls = run.rps * run.mean_ms / 1e3;
    let slack = 50.0 * run.longest_ms / 1e3 / MEASURED_S;
    assert!((time_in_calls - 50.0).abs() <= slack, "{time_in_calls} calls at once, and not 50 +- {slack}");
}
