//! Failed calls are told apart, and counted at who made them fail.

use std::collections::BTreeMap;

use evenkeel::metrics::outcome::{Maker, Summary};
use evenkeel::{experiment, scenario};

fn run(text: &str) -> Summary {
    let loaded = scenario::parse("failures.yaml", text, None, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    let summary = experiment::run(&loaded, 1, false, None).expect("runs").summary;
    let calls: u64 = summary.failures.iter().map(|failure| failure.calls).sum();
    assert_eq!(calls, summary.requests.failed, "{:?}", summary.failures);
    for pod in summary.pods.iter().chain(&summary.gateways) {
        let here = summary.failures.iter().filter(|f| matches!(f.by, Maker::Pod | Maker::Gateway) && f.at == pod.pod);
        assert_eq!(here.map(|f| f.calls).sum::<u64>(), pod.errors, "{}", pod.pod);
    }
    summary
}

/// (reason, by whom, where) and how many, of all failures.
fn failures(summary: &Summary) -> BTreeMap<(&str, Maker, &str), u64> {
    summary.failures.iter().map(|f| ((f.reason.as_str(), f.by, f.at.as_str()), f.calls)).collect()
}

/// All failures are of this kind, and there are some.
#[track_caller]
fn all_are(summary: &Summary, reason: &str, by: Maker, at: &str) {
    let got = failures(summary);
    assert!(!got.is_empty() && got.keys().all(|key| *key == (reason, by, at)), "{got:?}");
}

#[test]
fn a_full_queue_refuses_at_its_pod() {
    let summary = run(
        "name: a\nduration: 5s\nservers: [{ name: s, replicas: 1, concurrency: 1, service_time: 10ms, queue_limit: 2 }]\n\
                       clients: [{ name: web, load: { open: { rate: 300 } } }]\n",
    );
    all_are(&summary, "queue_full", Maker::Pod, "s-1-0");
    assert_eq!(summary.requests.by_status["RESOURCE_EXHAUSTED"], summary.requests.failed);
}

/// What a breaker refuses was never at a pod, whether it waited for one or not. (One call of 10 ms at once; 300 per second arrive.)
#[test]
fn a_breaker_refuses_at_the_proxy() {
    for breakers in ["max_requests: 1", "max_requests: 1, max_pending_requests: 1", "max_pending_requests: 1"] {
        let summary = run(&format!(
            "name: a\nduration: 5s\ncluster: {{ connect: 20ms }}\n\
             servers: [{{ name: s, replicas: 1, service_time: 10ms, grpc: {{ max_concurrent_streams: 1, max_connection_age: 1s }} }}]\n\
             clients: [{{ name: web, via: {{ envoy: {{ overhead: 0s, circuit_breakers: {{ {breakers} }} }} }}, load: {{ open: {{ rate: 300 }} }} }}]\n"
        ));
        all_are(&summary, "circuit_breaker", Maker::Proxy, "web");
        assert!(summary.pods.iter().all(|pod| pod.errors == 0), "{breakers}");
    }
}

/// The calls in the pod are reset, and the next dials are refused until kube-proxy knows, and then there is no endpoint.
#[test]
fn a_killed_pod_resets_then_refuses_then_is_no_endpoint() {
    let summary = run("name: a\nduration: 20s\ncluster: { endpoint_lag: 2s }\n\
                       servers: [{ name: s, replicas: 1, concurrency: 100, service_time: 50ms, startup: 8s }]\n\
                       clients: [{ name: web, replicas: 4, load: { open: { rate: 200 } } }]\n\
                       timeline: [{ at: 5s, kill: { server: s, pods: 1 } }]\n");
    let got = failures(&summary);
    let of = |reason, by, at| got.get(&(reason, by, at)).copied().unwrap_or(0);
    // 200 per second that take 50 ms: ten at once.
    let reset = of("reset", Maker::Pod, "s-1-0");
    assert!((3..=25).contains(&reset), "{got:?}");
    let (refused, none) = (of("dial_refused", Maker::Client, "web"), of("no_endpoint", Maker::Client, "web"));
    assert!(refused > 100 && none > 100, "{got:?}");
    assert_eq!(reset + refused + none, summary.requests.failed, "{got:?}");
}

/// Envoy's calls wait for a dial into the black hole at a pod that they have; its deadline is the client's.
#[test]
fn a_black_hole_times_dials_out_and_lets_deadlines_pass_at_its_pod() {
    let hole = |client: &str| {
        run(&format!(
            "name: a\nduration: 40s\nservice: {{ type: Headless }}\nservers: [{{ name: s, replicas: 1 }}]\n\
             clients: [{{ name: web, load: {{ open: {{ rate: 20 }} }}, {client} }}]\n\
             timeline: [{{ at: 5s, black_hole: {{ server: s, pods: 1 }} }}]\n"
        ))
    };
    all_are(&hole("deadline: 1s"), "deadline", Maker::Pod, "s-1-0");
    let pinged = hole("keepalive: { time: 10s, timeout: 2s, permit_without_stream: true }, stack: go");
    let got = failures(&pinged);
    assert!(got.contains_key(&("keepalive_timeout", Maker::Pod, "s-1-0")), "{got:?}");
    let dials = hole("via: envoy, start: { at: 6s }");
    all_are(&dials, "dial_timeout", Maker::Pod, "s-1-0");
    let waits = hole("start: { at: 6s }, deadline: 1s");
    let got = failures(&waits);
    let both = ["deadline", "dial_timeout"].map(|reason| (reason, Maker::Client, "web"));
    assert_eq!(got.keys().copied().collect::<Vec<_>>(), both, "{got:?}");
}

#[test]
fn too_many_pings_and_a_short_grace_are_named() {
    let pings = run("name: a\nduration: 400s\ncluster: { rtt: 1ms, connect: 0s }\n\
                     servers: [{ name: s, replicas: 1, concurrency: 100, service_time: 10000s }]\n\
                     clients: [{ name: web, idle_timeout: 0s, keepalive: { time: 30s, timeout: 10s }, \
                     load: { open: { arrivals: constant, rate: 0.02 } } }]\n");
    all_are(&pings, "too_many_pings", Maker::Pod, "s-1-0");
    let cut = run("name: a\nduration: 60s\n\
                   servers: [{ name: s, replicas: 1, service_time: 3s, concurrency: 1000, grpc: { max_connection_age: 10s, max_connection_age_grace: 1s } }]\n\
                   clients: [{ name: web, load: { open: { rate: 20 } } }]\n");
    all_are(&cut, "grace_over", Maker::Pod, "s-1-0");
}

/// Outlier detection without panic leaves nobody: the proxy answers, and no pod is to blame for that.
#[test]
fn ejected_hosts_are_no_failures_of_theirs() {
    let summary =
        run("name: a\nduration: 30s\nservers: [{ name: s, replicas: 1, concurrency: 1, service_time: 10ms }]\n\
                       clients: [{ name: web, load: { open: { rate: 50 } }, via: { istio: { retries: 0 } }, \
                       outlier_detection: { max_ejection_percent: 100%, consecutive_5xx: 3 } }]\n\
                       timeline: [{ at: 5s, kill: { server: s, pods: 1 } }]\n");
    let got = failures(&summary);
    assert!(got.contains_key(&("no_healthy_host", Maker::Proxy, "web")), "{got:?}");
}

/// What fails inside a gateway is the gateway's, or the server's behind it.
#[test]
fn a_gateway_tells_whose_failure_it_passes_on() {
    let through = |server: &str, gateway: &str| {
        run(&format!(
            "name: a\nduration: 5s\nservers: [{{ name: s, replicas: 1, concurrency: 1, service_time: 10ms{server} }}]\n\
             gateways: [{{ name: edge, replicas: 1, proxy: {{ envoy: {{ overhead: 0s{gateway} }} }} }}]\n\
             clients: [{{ name: web, via: {{ gateway: edge }}, load: {{ open: {{ rate: 300 }} }} }}]\n"
        ))
    };
    all_are(&through(", queue_limit: 1", ""), "queue_full", Maker::Pod, "s-1-0");
    all_are(&through("", ", circuit_breakers: { max_requests: 1 }"), "circuit_breaker", Maker::Gateway, "edge-1-0");
}

/// HTTP/1.1 has the same words.
#[test]
fn http1_dials_are_refused_too() {
    let summary = run(
        "name: a\nduration: 20s\ncluster: { endpoint_lag: 2s }\nservers: [{ name: s, replicas: 1, startup: 8s }]\n\
                       clients: [{ name: web, protocol: http1, load: { open: { rate: 50 } } }]\n\
                       timeline: [{ at: 5s, kill: { server: s, pods: 1 } }]\n",
    );
    let got = failures(&summary);
    assert!(got.contains_key(&("dial_refused", Maker::Client, "web")), "{got:?}");
    assert!(got.contains_key(&("no_endpoint", Maker::Client, "web")), "{got:?}");
}
