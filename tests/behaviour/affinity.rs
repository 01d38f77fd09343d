//! `sessionAffinity: ClientIP`: what kube-proxy remembers of a client (`recent --rcheck --seconds` and `--set` of pkg/proxy/iptables).

use evenkeel::metrics::outcome::Summary;
use evenkeel::{experiment, scenario};

fn of(service: &str, server: &str, client: &str, more: &str) -> Summary {
    let text = format!(
        "name: a\nservice: {service}\nservers: [{{ name: s, replicas: 5, startup: 1s, {server} }}]\nclients: [{{ name: c, {client} }}]\n{more}"
    );
    let loaded = scenario::parse("test.yaml", &text, None, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    experiment::run(&loaded, 1, false, None).expect("runs").summary
}

/// How many pods got calls.
fn used(summary: &Summary) -> usize {
    summary.pods.iter().filter(|pod| pod.requests > 0).count()
}

/// What people report of it: 15 requests, each on a connection of its own, are all at one pod. Without it 15 fair draws of 5 pods are at
/// one pod with probability 5^-14.
#[test]
fn fifteen_of_fifteen_are_at_one_pod() {
    let fifteen =
        |service: &str| of(service, "", "protocol: http1, load: { closed: { concurrency: 1, requests: 15 } }", "");
    assert_eq!(used(&fifteen("{ session_affinity: {} }")), 1);
    assert!(used(&fifteen("{}")) > 1);
}

/// All channels of a replica are one client address: 3 replicas have at most 3 pods, however many channels they have.
#[test]
fn channels_of_a_replica_are_at_one_pod() {
    let many =
        |service: &str| of(service, "", "replicas: 3, channels: 40, load: { open: { rate: 2000 } }", "duration: 10s\n");
    assert!(used(&many("{ session_affinity: {} }")) <= 3);
    // 120 fair draws leave one of 5 pods out with a probability below 5 × 0.8^120 = 1e-11.
    assert_eq!(used(&many("{}")), 5);
}

/// An age below the timeout brings a connection back for ever, since each new connection starts the time again. With a timeout below the age
/// each one is drawn: 59 draws or more leave one of 5 pods out with a probability below 5 × 0.8^59 = 1e-5.
#[test]
fn an_age_below_the_timeout_changes_nothing() {
    let aged = |timeout: &str| {
        let service = format!("{{ session_affinity: {{ timeout: {timeout} }} }}");
        let server = "grpc: { max_connection_age: 10s }";
        of(&service, server, "load: { open: { rate: 20 } }", "duration: 660s\n")
    };
    assert_eq!((used(&aged("12s")), used(&aged("8s"))), (1, 5));
}

/// A pod that is no endpoint any more is not gone back to: the client is placed anew, and stays there when the pod returns.
#[test]
fn a_pod_that_is_gone_is_forgotten() {
    let killed = of(
        "{ session_affinity: {} }",
        "",
        "load: { open: { rate: 100 } }",
        "duration: 30s\ncluster: { endpoint_lag: 100ms }\ntimeline: [{ at: 10s, delete: { server: s, pods: 5 } }]\n",
    );
    // All five are replaced, and the one connection goes to one of the new ones.
    let after: Vec<_> = killed.pods.iter().filter(|pod| pod.requests > 0).collect();
    assert_eq!(after.len(), 2, "{:?}", killed.pods.iter().map(|p| p.requests).collect::<Vec<_>>());
}
