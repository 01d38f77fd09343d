//! Pods that answer errors, and are Ready all the same. Statistical statements hold at 4 standard deviations, of one seed each.

use evenkeel::metrics::outcome::{Maker, Summary};
use evenkeel::{experiment, scenario};

fn run(text: &str) -> Summary {
    let loaded = scenario::parse("errors.yaml", text, None, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    experiment::run(&loaded, 1, true, None).expect("runs").summary
}

/// Four pods behind a headless Service, of which `errors` says what they answer from the start on; `client` goes on.
fn four(errors: &str, client: &str) -> Summary {
    run(&format!(
        "name: a\nduration: 60s\nservice: {{ type: Headless }}\nservers: [{{ name: s, replicas: 4, service_time: 10ms }}]\n\
         clients: [{{ name: web, replicas: 4, load: {{ open: {{ rate: 400 }} }}, {client} }}]\n\
         timeline: [{{ at: 0s, errors: {{ server: s, {errors} }} }}]\n"
    ))
}

/// `successes` of `n` are within four standard deviations of a binomial law.
#[track_caller]
fn is_binomial(successes: u64, n: u64, p: f64) {
    let (mean, deviation) = (n as f64 * p, (n as f64 * p * (1.0 - p)).sqrt());
    assert!((successes as f64 - mean).abs() <= 4.0 * deviation, "{successes} of {n}, and not {mean} ± 4 x {deviation}");
}

#[test]
fn a_share_of_the_calls_fails_at_the_pod_with_the_status() {
    for (status, reason) in [
        ("UNAVAILABLE", "answered_unavailable"),
        ("INTERNAL", "answered_internal"),
        ("UNKNOWN", "answered_unknown"),
        ("RESOURCE_EXHAUSTED", "answered_resource_exhausted"),
    ] {
        let summary = four(&format!("share: 30%, status: {status}"), "policy: round_robin");
        let failing = &summary.pods[0];
        is_binomial(failing.errors, failing.requests, 0.3);
        assert_eq!(summary.requests.by_status[status], summary.requests.failed);
        let all = &summary.failures;
        assert!(all.iter().all(|f| f.reason == reason && f.by == Maker::Pod && f.at == "s-1-0"), "{all:?}");
        assert_eq!(failing.errors, summary.requests.failed);
    }
}

/// Each attempt has a draw of its own: three of them fail with the cube of the share. A code that is not in the list is not retried.
#[test]
fn attempts_fail_independently() {
    let retry = |code: &str| {
        let retry = "{ max_attempts: 3, initial_backoff: 1ms, max_backoff: 1ms, multiplier: 1";
        format!("policy: round_robin, retry: {retry}, codes: [{code}] }}")
    };
    let summary = four("pods: 4, share: 50%, status: INTERNAL", &retry("INTERNAL"));
    is_binomial(summary.requests.failed, summary.requests.started, 0.125);
    let summary = four("pods: 4, share: 50%, status: UNKNOWN", &retry("INTERNAL"));
    is_binomial(summary.requests.failed, summary.requests.started, 0.5);
}

/// What fails at once has never a call under way when another is picked: with P2C it wins each pair that it is in, which is 2 of n. So much
/// by Linkerd's policy, whose EWMA of it decays to nothing; round_robin sends it no more than its part.
#[test]
fn what_fails_fast_attracts_calls() {
    let p2c = run("name: a\nduration: 120s\nwarmup: 60s\nservers: [{ name: s, replicas: 4, service_time: 20ms }]\n\
                   clients: [{ name: web, replicas: 2, via: linkerd, load: { open: { rate: 400 } } }]\n\
                   timeline: [{ at: 10s, errors: { server: s, takes: 1ms } }]\n");
    is_binomial(p2c.pods[0].requests, p2c.requests.started, 0.5);
    assert!(p2c.verdict.contains("what fails fast looks idle"), "{}", p2c.verdict);
    assert!(p2c.verdict.contains("it fails 100 % of its calls"), "{}", p2c.verdict);
    assert!(p2c.verdict.contains("1 pod of s answer all of the calls with an error from 10s on"), "{}", p2c.verdict);
    let even = four("takes: 1ms", "policy: round_robin");
    assert!(even.pods[0].requests.abs_diff(even.requests.started / 4) <= 4, "{:?}", even.pods[0]);
}

/// gRPC leaves out what fails for any status, Envoy not for 429.
#[test]
fn outlier_detection_judges_by_the_status() {
    let grpc =
        "policy: round_robin, outlier_detection: { failure_percentage: { request_volume: 10, minimum_hosts: 3 } }";
    for status in ["UNKNOWN", "RESOURCE_EXHAUSTED"] {
        let summary = four(&format!("status: {status}"), grpc);
        assert!(4 * summary.pods[0].requests < summary.pods[1].requests * 3, "{status}: {:?}", summary.pods[0]);
    }
    let envoy = "via: envoy, policy: round_robin, outlier_detection: { max_ejection_percent: 25% }";
    let requests = |status: &str| {
        let summary = four(&format!("status: {status}"), envoy);
        (summary.pods[0].requests, summary.pods[1].requests)
    };
    let ((unknown, beside), (exhausted, others)) = (requests("UNKNOWN"), requests("RESOURCE_EXHAUSTED"));
    assert!(2 * unknown < beside, "{unknown} and {beside}");
    assert!(exhausted + 10 >= others, "{exhausted} and {others}");
}

/// Linkerd's failure accrual. A failing pod of two, 10 calls/s for an hour: half fail without it. With it: 7 in a row, and then one by one after
/// penalties of 1, 2, 4, … 60 s without jitter, which is 1 + 5 + (3,600 - 63) / 60 probes, each with up to 1 / 10 s of waiting for a call.
#[test]
fn failure_accrual_leaves_a_failing_pod_out() {
    let run = |via: &str, errors: &str| {
        run(&format!(
            "name: a\nduration: 1h\nservers: [{{ name: s, replicas: 2, service_time: 10ms }}]\n\
             clients: [{{ name: web, load: {{ open: {{ rate: 10 }} }}, via: {{ linkerd: {{ {via} }} }} }}]\n\
             timeline: [{{ at: 0s, errors: {{ server: s, {errors} }} }}]\n"
        ))
    };
    let plain = run("failure_accrual: { jitter: 0 }", "status: INTERNAL");
    assert!((7 + 63..=7 + 65).contains(&plain.requests.failed), "{}", plain.requests.failed);
    assert!(plain.verdict.contains("failure accrual leaves s-1-0 out (1 ejection"), "{}", plain.verdict);
    // Until the 10th minute; the pod is back after one more penalty at most, and gets half of the calls of 49 minutes (less 4 deviations).
    let back = run("failure_accrual: { jitter: 0 }", "status: INTERNAL, for: 10m");
    assert!(back.pods[0].requests >= 49 * 60 * 10 / 2 - 4 * 86, "{}", back.pods[0].requests);
    assert!(back.requests.failed <= 7 + 6 + 10, "{}", back.requests.failed);
    let without = run("opaque: false", "status: INTERNAL");
    is_binomial(without.requests.failed, without.requests.started, 0.5);
    // It is no failure of Linkerd's.
    let exhausted = run("failure_accrual: {}", "status: RESOURCE_EXHAUSTED");
    is_binomial(exhausted.requests.failed, exhausted.requests.started, 0.5);
}

/// Another client's outlier detection changes nothing: each client has a mechanism of its own.
#[test]
fn failure_accrual_works_beside_outlier_detection() {
    let summary = run("name: a\nduration: 10m\nservers: [{ name: s, replicas: 9, service_time: 10ms }]\n\
                       clients:\n\
                       - { name: web, load: { open: { rate: 10 } }, via: { linkerd: { failure_accrual: { jitter: 0 } } } }\n\
                       - { name: other, policy: round_robin, discovery: watch, load: { open: { rate: 0.01 } },\n    \
                           outlier_detection: { failure_percentage: { request_volume: 1, minimum_hosts: 9 } } }\n\
                       timeline: [{ at: 0s, errors: { server: s, status: INTERNAL } }]\n");
    // 7 in a row, and a probe after each penalty of 1, 2, 4, … 60 s: 1 + 5 of them in 63 s, and then at most 9 in 10 minutes.
    let failed = summary.requests.failed_by_client["web"];
    assert!((7..=7 + 15).contains(&failed), "{failed}");
}

#[test]
fn errors_take_their_own_time_and_end() {
    let text = |lasts: &str| {
        run(&format!(
            "name: a\nduration: 20s\nservers: [{{ name: s, replicas: 1, service_time: 50ms }}]\n\
             clients: [{{ name: web, load: {{ closed: {{ concurrency: 1 }} }}, dispatch: 0s }}]\n\
             cluster: {{ rtt: 1ms }}\ntimeline: [{{ at: 10s, errors: {{ server: s, takes: 1ms{lasts} }} }}]\n"
        ))
    };
    // 51 ms per call that is served, 2 ms per one that is not, of which each 10 s and 5 s have so many.
    let (forever, over) = (text(""), text(", for: 5s"));
    assert!(forever.requests.failed.abs_diff(5_000) <= 30, "{}", forever.requests.failed);
    assert!(over.requests.failed.abs_diff(2_500) <= 30, "{}", over.requests.failed);
    assert!(over.requests.ok.abs_diff(15_000 / 51) <= 2, "{}", over.requests.ok);
}

#[test]
fn what_errors_cannot_act_on_is_refused() {
    let refused = |text: &str| scenario::parse("errors.yaml", text, None, &[]).expect_err("refused").to_string();
    let streams = refused(
        "name: a\nduration: 5s\nservers: [{ name: s }]\nclients: [{ name: web, load: { streams: { rate: 5, duration: 1s } } }]\n\
         timeline: [{ at: 1s, errors: { server: s } }]\n",
    );
    assert!(streams.contains("an error that ends a stream is not modelled"), "{streams}");
}
