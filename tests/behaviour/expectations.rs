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
        "requests.failed == 0 for 1s after kill",
        "requests.failed == 0 for 1500ms after kill",
        "requests.failed == 0 for 1h after change",
        "latency.p99 <= 8ms after 10s",
        "latency.p99 <= 8ms in every window",
        "max_over_mean <= 1.5 after 10s",
        "idle_pods == 0 in every window",
    ]);
    let met: Vec<bool> = results.iter().map(|r| r.1).collect();
    assert_eq!(met, [false, true, false, false, false, false, true, true, true, true], "{results:?}");
    // All calls of each second of the outage fail, but for those that are under way at its ends. Of a window that is not in the time
    // as a whole all calls count.
    let value = |i: usize| results[i].0.expect("a value");
    assert!(value(2) == 100.0 && (value(3) - 100.0).abs() <= 1.0 && (value(4) - 200.0).abs() <= 1.0, "{results:?}");
    assert_eq!(value(5), value(0));
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
        "error_ratio >= 99% for 3s after kill",
        "error_ratio >= 100% for 4s after kill",
        "error_ratio <= 100% in every window",
    ]);
    // In the fourth second the pods are back.
    let longer = results.remove(8);
    assert!(!longer.1 && (longer.0.expect("a value") - 3.0 / 4.0).abs() < 0.01, "{longer:?}");
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
        expected(&["idle_pods == 0 within 14s of kill", "idle_pods == 0 after 19s"]),
        [(None, false), (Some(0.0), true)]
    );
}

/// Each request draws a pod anew from what kube-proxy knows, which is 4 s late: what is scaled up at 10 s and at 30 s is Ready after a
/// second and has nothing until then. At 20 s one pod is killed, and back after a second.
#[test]
fn it_may_take_so_long_after_a_change_and_must_hold_until_the_next_one() {
    let met = |line: &str| {
        let text = format!(
            "name: moves\nduration: 36s\nwindow: 1s\ncluster: {{ endpoint_lag: 4s }}\n\
             servers: [{{ name: s, replicas: 2, service_time: 1ms, startup: 1s }}]\n\
             clients: [{{ name: c, protocol: http1, load: {{ open: {{ rate: 2000 }} }} }}]\n\
             timeline: [{{ at: 10s, scale: {{ server: s, replicas: 4 }} }}, {{ at: 20s, kill: {{ server: s, pods: 1 }} }}, \
             {{ at: 30s, scale: {{ server: s, replicas: 8 }} }}]\nexpect: [\"{line}\"]\n"
        );
        let loaded = scenario::parse("moves.yaml", &text, None, &[]).unwrap_or_else(|problems| panic!("{problems}"));
        experiment::run(&loaded, 1, false, None).expect("runs").summary.expectations[0].met
    };
    // Two pods of four are idle then, and four of eight.
    assert!(met("idle_pods >= 2 for 3s after scale") && met("idle_pods <= 4 for 3s after scale"));
    assert!(!met("idle_pods == 0 for 3s after scale") && met("idle_pods == 0 for 6s after scale"));
    // The word says after which changes, and `change` means all of them.
    assert!(met("idle_pods == 0 for 3s after kill") && !met("idle_pods == 0 for 3s after change"));
    // The calls that the kill fails are not of the first scaling.
    assert!(met("requests.failed == 0 for 1h after scale") && !met("requests.failed == 0 for 1h after change"));
    // From so long after a change on: not before it, and not beyond the next one, after which pods are idle for 4 s of 6.
    assert!(met("max_over_mean <= 1.2 within 5s of scale") && !met("max_over_mean <= 1.2 within 3s of scale"));
    assert!(met("max_over_mean <= 1.2 within 5s of kill") && !met("max_over_mean <= 1.2 after 21s"));
}
