//! Pods whose readiness probe fails for a while. Kubernetes withdraws the endpoint and does nothing to the pod: connections
//! that it has stay, and go on carrying calls, unless the client hears of it.

use crate::support;

use evenkeel::sim::observation::{CloseReason, Observation, Observer, PodPhase};
use evenkeel::units::Time;
use support::runs::{model, observed, second};

/// What became of the pods.
#[derive(Default)]
struct Seen {
    /// (when, pod) of requests that a pod received.
    received: Vec<(Time, u32)>,
    /// (when, pod) of connections that became READY.
    connected: Vec<(Time, u32)>,
    /// (when, pod, why) of connections that took no new calls from then on.
    drained: Vec<(Time, u32, CloseReason)>,
    phases: Vec<(Time, u32, PodPhase)>,
    failed: u32,
}

impl Observer for Seen {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::Received { pod, .. } => self.received.push((at, pod.0)),
            Observation::Connected { pod, .. } => self.connected.push((at, pod.0)),
            Observation::Draining { pod, reason, .. } => self.drained.push((at, pod.0, reason)),
            Observation::PodPhase { pod, phase } => self.phases.push((at, pod.0, phase)),
            Observation::Failed { .. } => self.failed += 1,
            _ => {}
        }
    }
}

impl Seen {
    /// Requests that a pod received from `from` up to `to`, in seconds.
    fn received(&self, pod: u32, from: f64, to: f64) -> usize {
        self.received.iter().filter(|r| r.1 == pod && second(from) <= r.0 && r.0 < second(to)).count()
    }

    fn connected(&self, pod: u32, from: f64, to: f64) -> usize {
        self.connected.iter().filter(|r| r.1 == pod && second(from) <= r.0 && r.0 < second(to)).count()
    }
}

/// Three pods, of which the oldest is not Ready from 10 s to 30 s; nodes learn of it 1 s later.
fn run(service: &str, client: &str) -> Seen {
    let dns = if service == "Headless" { ", dns: { ttl: 1s }" } else { "" };
    let text = format!(
        "name: readiness\nduration: 60s\nservice: {{ type: {service} }}\ncluster: {{ endpoint_lag: 1s{dns} }}\n\
         servers: [{{ name: s, replicas: 3, service_time: 1ms }}]\n\
         clients: [{{ name: c, replicas: 30, {client}, load: {{ open: {{ rate: 300 }} }} }}]\n\
         timeline: [{{ at: 10s, unready: {{ server: s, for: 20s }} }}]\n"
    );
    let seen = observed::<Seen>(&model(&text), 1).0;
    let changes: Vec<_> = seen.phases.iter().filter(|p| p.1 == 0 && p.0 > Time::ZERO).copied().collect();
    assert_eq!(changes, [(second(10.0), 0, PodPhase::Unready), (second(30.0), 0, PodPhase::Ready)]);
    assert_eq!(seen.failed, 0, "nobody notices");
    seen
}

#[test]
fn pick_first_over_a_cluster_ip_keeps_its_traffic_on_an_unready_pod() {
    let seen = run("ClusterIP", "policy: pick_first");
    let before = seen.received(0, 0.0, 10.0);
    assert!(before > 500, "{before}: placed there by kube-proxy");
    // 20 s at the same rate: within five standard deviations of a Poisson count of twice the mean.
    let meanwhile = seen.received(0, 10.0, 30.0) as f64;
    assert!((meanwhile - 2.0 * before as f64).abs() < 5.0 * (6.0 * before as f64).sqrt(), "{before}, then {meanwhile}");
    assert_eq!(seen.drained.len(), 0);
}

#[test]
fn a_watching_client_takes_its_traffic_away_and_brings_it_back() {
    let seen = run("ClusterIP", "policy: round_robin, discovery: watch");
    assert!(seen.received(0, 0.0, 10.0) > 900);
    assert_eq!(seen.received(0, 11.1, 31.0), 0);
    let thirty = |reason, at| seen.drained.iter().filter(|d| (d.0, d.1, d.2) == (at, 0, reason)).count();
    assert_eq!((thirty(CloseReason::AddressRemoved, second(11.0)), seen.drained.len()), (30, 30));
    // Everybody connects again, and the pod has its third.
    assert_eq!(seen.connected(0, 31.0, 31.1), 30);
    let after = seen.received(0, 31.1, 60.0) as f64 / (28.9 * 300.0);
    assert!((after - 1.0 / 3.0).abs() < 0.01, "round robin: {after}");
}

/// DNS has no such address any more, and nobody asks it: gRPC resolves when a connection breaks.
#[test]
fn a_headless_client_learns_of_it_when_it_resolves() {
    let asleep = run("Headless", "policy: round_robin");
    assert!(asleep.received(0, 11.1, 30.0) > 1_500);
    let polls = run("Headless", "policy: round_robin, discovery: { poll: { interval: 1s } }");
    assert_eq!(polls.received(0, 14.0, 30.0), 0);
    assert!(polls.received(0, 35.0, 60.0) > 2_000);
}

/// kube-proxy places no new connection there once the node knows.
#[test]
fn new_connections_do_not_come() {
    let seen = run("ClusterIP", "connection_lifetime: { max: 2s }");
    assert!(seen.connected(0, 0.0, 10.0) > 30);
    assert_eq!(seen.connected(0, 11.1, 31.0), 0);
    assert!(seen.connected(0, 31.0, 60.0) > 60);
    // All connections that it had have reached their lifetime.
    assert!(seen.received(0, 10.0, 12.0) > 50);
    assert_eq!(seen.received(0, 14.0, 31.0), 0);
}

/// The Deployment controller: an unready pod is not available. With maxUnavailable 1 it takes the place of the pod that could go
/// at once, and it is the first that goes (`cleanupUnhealthyReplicas`). Deleted while unready, it still drains its connections.
#[test]
fn a_rollout_begins_with_the_unready_pod() {
    let text = "name: readiness\nduration: 60s\n\
        servers: [{ name: s, replicas: 4, startup: 5s, termination: { pre_stop: 2s }, strategy: { max_surge: 0, max_unavailable: 1 } }]\n\
        clients: [{ name: c, replicas: 20, load: { open: { rate: 100 } } }]\n\
        timeline: [{ at: 10s, unready: { server: s } }, { at: 20s, rollout: s }]\n";
    let seen = observed::<Seen>(&model(text), 1).0;
    let terminating = seen.phases.iter().filter(|p| p.2 == PodPhase::Terminating).map(|p| (p.0, p.1));
    let first: Vec<(Time, u32)> = terminating.take(2).collect();
    assert_eq!(first[0], (second(20.0), 0));
    assert_eq!(first[1].0, second(25.0), "one at a time, each when the one before is replaced");
    let ends = seen.drained.iter().filter(|d| d.1 == 0).map(|d| d.2);
    assert!(ends.clone().count() > 0 && ends.clone().all(|reason| reason == CloseReason::Shutdown));
    assert_eq!(seen.failed, 0);
}
