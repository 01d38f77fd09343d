//! Closed loads whose workers wait: what they come to by hand, and by the interactive response time law (Denning and Buzen 1978).

use evenkeel::metrics::outcome::Summary;
use evenkeel::{experiment, scenario};

/// A round trip takes nothing, and a connection 1 ns.
fn of(duration: &str, server: &str, closed: &str) -> Summary {
    let text = format!(
        "name: a\nduration: {duration}\ncluster: {{ rtt: 0s, connect: 1ns }}\nservers: [{{ name: s, {server} }}]\n\
         clients: [{{ name: c, dispatch: 0s, load: {{ closed: {{ {closed} }} }} }}]\n"
    );
    let loaded = scenario::parse("test.yaml", &text, None, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    experiment::run(&loaded, 1, false, None).expect("runs").summary
}

/// A worker makes a call each 10 ms + 40 ms: 400 in 20 s.
#[test]
fn a_worker_thinks_between_its_calls() {
    let alone = of("20s", "service_time: 10ms, concurrency: 8", "concurrency: 1, think_time: 40ms");
    assert_eq!((alone.requests.started, alone.requests.ok), (400, 400));
    let eight = of("20s", "service_time: 10ms, concurrency: 8", "concurrency: 8, think_time: 40ms");
    assert_eq!(eight.requests.started, 8 * 400);
}

/// Four workers at 100 calls per second: each makes one in 40 ms, the last at 9.96 s, however fast the answers are. Where the pod cannot do it,
/// the pod is the bound: one slot of 10 ms ends 998 calls in 9.99 s.
#[test]
fn a_rate_is_kept() {
    let kept = of("9990ms", "service_time: 10ms, concurrency: 8", "concurrency: 4, max_rate: 100");
    assert_eq!(kept.requests.started, 1_000);
    let bound = of("9990ms", "service_time: 10ms, concurrency: 1", "concurrency: 4, max_rate: 150");
    assert_eq!(bound.requests.ok, 998);
}

/// Workers × time is what answers and think times take together, but for the cycles that the run's end cuts: at most one per worker.
#[test]
fn the_interactive_response_time_law_holds() {
    let (workers, run_ms, think_ms) = (50.0, 200_000.0, 1_000.0);
    let server = "service_time: { exponential: { mean: 10ms } }, concurrency: 1";
    let run = of("200s", server, "concurrency: 50, think_time: 1s");
    let calls = run.requests.ok as f64;
    let (mean, max) = (run.latency_ms.mean.expect("calls"), run.latency_ms.max.expect("calls"));
    let cut = workers * (max + think_ms) / calls;
    assert!(
        (mean + think_ms - workers * run_ms / calls).abs() <= cut,
        "{calls} calls of {mean} ms, at most {cut} ms off"
    );
}
