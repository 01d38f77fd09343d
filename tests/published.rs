//! Published experiments, run again.

mod support;

use evenkeel::sim::observation::{Observation, Observer};
use evenkeel::units::{Span, Time};
use statrs::distribution::{ContinuousCDF, StudentsT};
use support::runs::{model, over_seeds};
use support::stats::{mean, variance};

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
