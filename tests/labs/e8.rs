//! E8: a closed loop of 50 workers on one channel against five pods: what one connection gives, and what round_robin. Seeds 1
//! to 200; `support/closed_loop.rs` says what is estimated, and from what.

use crate::support;

use support::closed_loop::{Against, Claims, MEASURED_S, Run, simulated};
use support::family::LEVEL;
use support::lab;
use support::stats::binomial;

const RUNS: u64 = 200;
const PICK_FIRST: Against<'_> =
    Against { family: "lab E8 pick_first", policy: "pick_first", runs: RUNS, claims: Claims::Quantiles };
/// Its latencies keep what the start left: see `round_robin_keeps_its_start`.
const ROUND_ROBIN: Against<'_> =
    Against { family: "lab E8 round_robin", policy: "round_robin", runs: RUNS, claims: Claims::Nothing };

#[test]
fn one_connection_gives_one_pods_capacity() {
    PICK_FIRST.simulated("pick_first", 0).assert_agrees();
}

#[test]
fn round_robin_gives_five() {
    ROUND_ROBIN.simulated("round_robin", 0).assert_agrees();
}

#[test]
fn slots_count() {
    // Wrong model: one slot less.
    PICK_FIRST.simulated("pick_first", 1).assert_disagrees();
    ROUND_ROBIN.simulated("round_robin", 1).assert_disagrees();
}

#[test]
fn round_robin_is_not_one_pod() {
    // Wrong model: all calls of round_robin on one pod.
    ROUND_ROBIN.simulated("pick_first", 0).assert_disagrees();
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
            let runs = simulated(t, "round_robin", 0, RUNS, sets);
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
