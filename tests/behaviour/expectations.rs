//! Expectations about a part of the run.

use evenkeel::experiment;
use evenkeel::scenario;

/// Both pods are killed at 6 s and back at 9 s; calls fail meanwhile, and only then. Windows are seconds.
fn expected(lines: &[&str]) -> Vec<(Option<f64>, bool)> {
    let text = format!(
        "name: outage\nduration: 20s\nwindow: 1s\nwarmup: 2s\ncluster: {{ endpoint_lag: 0s }}\n\
         servers: [{{ name: s, replicas: 2, service_time: 5ms, startup: 3s }}]\n\
         clients: [{{ name: c, protocol: http1, load: {{ open: {{ rate: 100, arrivals: constant }} }} }}]\n\
         timeline: [{{ at: 6s, kill: {{ server: s, pods: 2 }} }}]\nexpect: [{}]\n",
        lines.iter().map(|line| format!("\"{line}\"")).collect::<Vec<_>>().join(", ")
    );
    let loaded = scenario::parse("outage.yaml", &text, None, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    // Of a run of which only the summary is read, too.
    let results = [true, false].map(|whole| {
        let outcome = experiment::run(&loaded, 1, whole, None).expect("runs");
        outcome.summary.expectations.into_iter().map(|e| (e.value, e.met)).collect::<Vec<_>>()
    });
    assert_eq!(results[0], results[1]);
    results[0].clone()
}

#[test]
fn a_part_of_the_run_can_be_asked_for() {
    let results = expected(&[
        "requests.failed == 0",
        "requests.failed == 0 after 10s",
        "requests.failed == 0 in every window",
        "requests.failed == 0 within 4s of kill",
        "requests.failed == 0 within 1s of kill",
        "requests.failed == 0 within 4s of change",
        "latency.p99 <= 8ms after 10s",
        "latency.p99 <= 8ms in every window",
        "max_over_mean <= 1.5 after 10s",
        "idle_pods == 0 in every window",
    ]);
    let met: Vec<bool> = results.iter().map(|r| r.1).collect();
    assert_eq!(met, [false, true, false, true, false, true, true, true, true, true], "{results:?}");
    // All calls of each second of the outage fail; from the next second on, those of two.
    let value = |i: usize| results[i].0.expect("a value");
    assert!(value(2) == 100.0 && (199.0..=201.0).contains(&value(4)) && value(0) >= value(4), "{results:?}");
    assert!((5.0..8.0).contains(&value(6)), "{results:?}");
}

/// 100 calls a second of 5 ms each on two pods of 8 slots: a thirty-second part of all slots, of one pod's all the more. All calls of
/// the outage fail, and no others.
#[test]
fn the_busiest_pod_and_the_part_that_fails() {
    let mut results = expected(&[
        "max_utilization <= 5%",
        "max_utilization <= 7% in every window",
        "max_utilization <= 7% after 10s",
        "error_ratio <= 20%",
        "error_ratio > 15%",
        "requests.failed > 0",
        "error_ratio == 0% after 10s",
        "error_ratio <= 0% within 4s of kill",
        "error_ratio >= 100% within 1s of kill",
        "error_ratio <= 100% in every window",
    ]);
    // A second after the kill two of the fourteen that are left are an outage.
    let within = results.remove(8);
    assert!(!within.1 && (within.0.expect("a value") - 2.0 / 13.0).abs() < 0.01, "{within:?}");
    assert!(results.iter().all(|r| r.1), "{results:?}");
    let value = |i: usize| results[i].0.expect("a value");
    assert!(value(0) >= 1.0 / 32.0 && value(1) >= value(2) && value(2) >= 1.0 / 32.0, "{results:?}");
    // The outage begins at 6 s and the pods are Ready from 9 s on; measured are 18 s, of 1,800 calls less those under way at the end.
    assert!((value(3) - value(5) / 1800.0).abs() < 1e-3, "{results:?}");
}

/// What has no window to be about is not met.
#[test]
fn a_part_that_is_not_there_holds_nothing() {
    assert_eq!(
        expected(&["requests.failed == 0 within 14s of kill", "idle_pods == 0 after 19s"]),
        [(None, false), (Some(0.0), true)]
    );
}
