//! What a server does at SIGTERM, and in which order CoreDNS answers.

use evenkeel::metrics::outcome::Summary;
use evenkeel::{experiment, scenario};

fn run(text: &str) -> Summary {
    let loaded = scenario::parse("endings.yaml", text, None, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    experiment::run(&loaded, 1, true, None).expect("runs").summary
}

/// One pod of three is deleted. Its 10 calls of 1 s are in it at SIGTERM, which comes when no client sends to it any more.
fn deletion(sigterm: &str) -> Summary {
    run(&format!(
        "name: a\nduration: 60s\ncluster: {{ endpoint_lag: 100ms, rtt: 1ms, connect: 1ms }}\n\
         servers: [{{ name: s, replicas: 3, concurrency: 100, service_time: 1s, termination: {{ pre_stop: 1s, grace: 11s, sigterm: {sigterm} }} }}]\n\
         clients: [{{ name: web, replicas: 4, policy: round_robin, discovery: watch, load: {{ open: {{ rate: 30, arrivals: constant }} }} }}]\n\
         timeline: [{{ at: 20s, delete: {{ server: s }} }}]\n"
    ))
}

/// A watch takes the pod away within 200 ms, and drains: the last calls there are done before SIGTERM, whatever that does.
#[test]
fn who_no_longer_calls_loses_nothing() {
    for sigterm in ["graceful_stop", "ignore"] {
        assert_eq!(deletion(sigterm).requests.failed, 0, "{sigterm}");
    }
}

/// Behind a ClusterIP a connection stays until somebody closes it: calls are in the pod at SIGTERM, about as many as arrive there in a second.
#[test]
fn sigterm_ends_what_is_under_way_if_nobody_handles_it() {
    let with = |sigterm: &str| {
        run(&format!(
            "name: a\nduration: 60s\ncluster: {{ endpoint_lag: 100ms, rtt: 1ms, connect: 1ms }}\n\
             servers: [{{ name: s, replicas: 1, concurrency: 100, service_time: 1s, startup: 1s, termination: {{ pre_stop: 5s, grace: 20s, sigterm: {sigterm} }} }}]\n\
             clients: [{{ name: web, replicas: 10, load: {{ open: {{ rate: 30, arrivals: constant }} }} }}]\n\
             timeline: [{{ at: 20s, rollout: s }}]\n"
        ))
    };
    let (graceful, exit, ignore) = (with("graceful_stop"), with("exit"), with("ignore"));
    assert_eq!(graceful.requests.failed, 0);
    for summary in [&exit, &ignore] {
        let reset: u64 = summary.failures.iter().filter(|f| f.reason == "reset").map(|f| f.calls).sum();
        assert_eq!(reset, summary.requests.failed, "{:?}", summary.failures);
        // 30 per second, each for 1 s and a way of half a millisecond.
        assert!((29..=31).contains(&reset), "{reset}");
    }
    assert!(exit.verdict.contains("exits at SIGTERM, with what is under way: no graceful stop"), "{}", exit.verdict);
    // The new pod is Ready after 1 s. The old one serves until SIGTERM, or until SIGKILL, 15 s longer.
    let old = |summary: &Summary| summary.pods[0].deleted_s.expect("gone");
    assert!((old(&exit) - 26.0).abs() < 0.1 && (old(&ignore) - 41.0).abs() < 0.1, "{} {}", old(&exit), old(&ignore));
}

/// istio#31064: 11 of 11 connections on the first address. With the plugin each answer has an order of its own.
#[test]
fn without_loadbalance_all_go_to_the_first_address() {
    let with = |dns: &str| {
        let summary = run(&format!(
            "name: a\nduration: 10s\nservice: {{ type: Headless }}\ncluster: {{ nodes: 11, dns: {{ {dns} }} }}\nservers: [{{ name: s, replicas: 5 }}]\n\
             clients: [{{ name: web, replicas: 11, policy: pick_first, load: {{ open: {{ rate: 100 }} }} }}]\n"
        ));
        summary.pods.iter().map(|pod| pod.connections_at_end).collect::<Vec<_>>()
    };
    for cache in ["none", "core_dns", "node_local"] {
        assert_eq!(with(&format!("loadbalance: false, cache: {cache}")), [11, 0, 0, 0, 0], "{cache}");
        let shuffled = with(&format!("cache: {cache}"));
        assert!(shuffled.iter().filter(|n| **n > 0).count() > 1, "{cache}: {shuffled:?}");
    }
}

#[test]
fn what_has_no_effect_is_refused() {
    let refused = |text: &str| scenario::parse("endings.yaml", text, None, &[]).expect_err("refused").to_string();
    let gateway = refused(
        "name: a\nduration: 5s\nservers: [{ name: s }]\ngateways: [{ name: g, proxy: envoy, termination: { sigterm: exit } }]\n\
         clients: [{ name: web, via: { gateway: g }, load: { open: { rate: 1 } } }]\n",
    );
    assert!(gateway.contains("`sigterm` has no effect on a gateway"), "{gateway}");
}
