//! tower's balancers in E4 and E8, as tonic uses them: `Channel::balance_list`, and P2C over `PeakEwma` (50 ms, 5 s) of five
//! channels.
//!
//! `balance_list` is tower's P2C, and was taken for P2C on pending requests when it was measured. It is not: the load of a
//! connection is the constant 0 (tonic `transport/channel/service/connection.rs`, `impl Load for Connection`), and of two equals
//! P2C takes the first, which is a uniform draw. So each call goes to a random pod: counts are multinomial (E4), and a pod
//! is now and then left idle while others queue, which costs 5 to 10 % of the throughput (E8). Our `random` predicts both.
//!
//! E8: seeds 1 to 600. Throughput, mean, how unequal the pods' completions are, and the tail in whole rounds of service.
//! The quantiles are shown (`--nocapture`), not compared: with service that is fixed to 1 %, where between two rounds a call
//! ends is how the slots have drifted apart, which the overheads estimated from pick_first do not tell.

use crate::support;

use support::closed_loop::{Against, Claims};
use support::lab;
use support::predict::Comparison;
use support::replay::{replays, scenario};
use support::stats::x2_uniform;

/// So many that two trials outside of their range have a p-value below what Holm asks for in a group of eight.
const RUNS: u64 = 600;
const BALANCE_LIST: Against<'_> =
    Against { family: "lab E8 balance_list", policy: "balance_list", runs: RUNS, claims: Claims::PodsAndTail };
const P2C_EWMA: Against<'_> =
    Against { family: "lab E8 peak EWMA", policy: "p2c_ewma", runs: RUNS, claims: Claims::PodsAndTail };
/// The lab's settings.
const EWMA: &str = "{ peak_ewma: { default_rtt: 50ms, decay: 5s } }";

#[test]
fn balance_list_is_random() {
    BALANCE_LIST.simulated("random", 0).assert_agrees();
}

#[test]
fn balance_list_does_not_look_at_pending_requests() {
    // Wrong models: two choices by pending requests, and a rotation.
    BALANCE_LIST.simulated("least_request", 0).assert_disagrees();
    BALANCE_LIST.simulated("round_robin", 0).assert_disagrees();
}

#[test]
fn peak_ewma_keeps_the_throughput() {
    P2C_EWMA.simulated(EWMA, 0).assert_agrees();
}

#[test]
fn peak_ewma_looks_at_loads() {
    // Wrong models: a random pod; a rotation, which has the same throughput and mean, and a longer tail; one slot less.
    P2C_EWMA.simulated("random", 0).assert_disagrees();
    P2C_EWMA.simulated("round_robin", 0).assert_disagrees();
    P2C_EWMA.simulated(EWMA, 1).assert_disagrees();
}

/// E4: the 10,000 calls of 50 workers and the 2,000 of one after the first 500; three trials each, seeds 1 to 400.
fn warm_counts(policy: &str) -> Comparison {
    let mut comparison = Comparison::new("lab E4 balance_list");
    let policy = format!("clients.0.policy={policy}");
    for (workers, calls) in [(50, 10_000), (1, 2_000)] {
        let load = [
            format!("clients.0.load.closed.requests={}", calls + 500),
            format!("clients.0.load.closed.concurrency={workers}"),
            "clients.0.stack=null".to_owned(),
            policy.clone(),
        ];
        let model = scenario("e4", &load.each_ref().map(String::as_str));
        let ours = replays(&model, 400, |trace| {
            let mut counts = [0; 5];
            trace.received.iter().skip(500).for_each(|r| counts[r.1] += 1);
            x2_uniform(&counts)
        });
        let trials = lab::e4_warm().into_iter().filter(|t| t.stack == "tonic" && t.workers == workers);
        let measured: Vec<f64> = trials.map(|t| x2_uniform(&t.requests)).collect();
        comparison.inside(&format!("{workers} workers: X²"), &ours, &measured);
    }
    comparison
}

#[test]
fn counts_of_balance_list_are_multinomial() {
    warm_counts("random").assert_agrees();
}

#[test]
fn balance_list_is_no_rotation() {
    // Wrong model. Against two choices by pending requests, whose X² are half as large, these trials are too few: E8 tells.
    warm_counts("round_robin").assert_disagrees();
}
