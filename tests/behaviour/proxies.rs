//! What proxies do as their documentation says: limits of requests, slow start, ejection, and how gateways end.

use crate::support;

use evenkeel::model::Shutdown;
use evenkeel::sim::observation::{CloseReason, ConnectionRecord, Observation, Observer, PodPhase, Status};
use evenkeel::units::Time;
use support::runs::{model, observed};

#[derive(Default)]
struct Seen {
    received: Vec<(f64, u32)>,
    answered: Vec<f64>,
    /// (when, the pod that it was on the way to, status).
    failed: Vec<(f64, Option<u32>, Status)>,
    retried: Vec<f64>,
    ejected: Vec<(f64, u32, bool)>,
    closed: Vec<ConnectionRecord>,
    /// (when, pod) of what is no more.
    gone: Vec<(f64, u32)>,
    terminating: Vec<f64>,
}

impl Observer for Seen {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        let now = at.as_secs_f64();
        match *what {
            Observation::Received { pod, .. } => self.received.push((now, pod.0)),
            Observation::Completed { .. } => self.answered.push(now),
            Observation::Failed { pod, why, .. } => self.failed.push((now, pod.map(|p| p.0), why.status())),
            Observation::Retried { .. } => self.retried.push(now),
            Observation::Ejected { pod, back, .. } => self.ejected.push((now, pod.0, back)),
            Observation::Closed(record) => self.closed.push(*record),
            Observation::PodPhase { pod, phase: PodPhase::Gone } => self.gone.push((now, pod.0)),
            Observation::PodPhase { phase: PodPhase::Terminating, .. } => self.terminating.push(now),
            _ => {}
        }
    }
}

fn run(text: &str) -> Seen {
    observed::<Seen>(&model(text), 1).0
}

/// Calls that wait for the first connection count among those that it carries, and so do those that wait on it for a stream.
#[test]
fn a_connection_carries_no_more_requests_than_it_may() {
    for (streams, concurrency) in [(100, 1), (100, 11), (100, 50), (4, 11), (4, 50), (1, 30)] {
        let text = format!(
            "name: most\nduration: 20s\ncluster: {{ rtt: 1ms }}\n\
             servers: [{{ name: s, concurrency: 100, service_time: 5ms, grpc: {{ max_concurrent_streams: {streams} }} }}]\n\
             clients: [{{ name: c, via: {{ istio: {{ max_requests_per_connection: 10 }} }}, \
             load: {{ closed: {{ concurrency: {concurrency}, requests: 1000 }} }} }}]\n"
        );
        let seen = run(&text);
        let requests: Vec<u64> = seen.closed.iter().map(|c| c.requests).collect();
        assert_eq!(seen.answered.len(), 1_000);
        assert!(requests.iter().all(|n| *n <= 10), "{streams} streams, {concurrency} workers: {requests:?}");
        assert!(requests.iter().filter(|n| **n == 10).count() >= 80, "{requests:?}");
    }
}

/// Pods of the start are warm, however long ago the run began: a third pod has a tenth of a weight beside two whole ones, 0.1 / 2.1 of the
/// calls, at 55 s as at 355 s. Of 6 s with 1,000 calls each the schedule gives it 286, give or take those of its edges.
#[test]
fn a_new_pod_has_its_least_weight_whenever_it_comes() {
    for start in ["", "start: { spread: 5s }, "] {
        let share = |at: u32| {
            let text = format!(
                "name: slow\nduration: {}s\ncluster: {{ endpoint_lag: 0s }}\nservers: [{{ name: s, replicas: 2, service_time: 100us, startup: 5s }}]\n\
                 clients: [{{ name: c, {start}via: {{ istio: {{ overhead: 0s, slow_start: {{ window: 60s }} }} }}, policy: round_robin, \
                 load: {{ open: {{ rate: 1000, arrivals: constant }} }} }}]\n\
                 timeline: [{{ at: {at}s, scale: {{ server: s, replicas: 3 }} }}]\n",
                at + 15
            );
            let seen = run(&text);
            let from = f64::from(at) + 5.1;
            let window: Vec<u32> =
                seen.received.iter().filter(|r| r.0 >= from && r.0 < from + 5.5).map(|r| r.1).collect();
            window.iter().filter(|pod| **pod == 2).count() as f64 / window.len() as f64
        };
        for at in [55, 355] {
            let share = share(at);
            assert!((share - 0.1 / 2.1).abs() < 0.001, "{start}a pod at {at} s: {share}");
        }
    }
}

/// Three pods that accept nothing, five failures in a row each: fifteen calls fail at them, and then none goes there any more: Istio turns
/// panic off together with outlier detection. What finds no host is answered at once, and not tried again. Envoy itself panics.
#[test]
fn istio_does_not_panic() {
    let calls = |proxy: &str, judged: &str| {
        let text = format!(
            "name: panic\nduration: 25s\ncluster: {{ endpoint_lag: 1m }}\nservers: [{{ name: s, replicas: 3, service_time: 1ms, startup: 1m }}]\n\
             {proxy}timeline: [{{ at: 5s, kill: {{ server: s, pods: 3 }} }}]\n"
        );
        let text = text.replace("DETECTION", &format!("outlier_detection: {{ max_ejection_percent: 100%{judged} }}"));
        let seen = run(&text);
        let after = seen.failed.iter().filter(|f| f.0 >= 5.0);
        assert!(after.clone().all(|f| f.2 == Status::Unavailable));
        let at_pods = after.clone().filter(|f| f.1.is_some()).count();
        (at_pods, seen.retried.iter().filter(|at| **at >= 5.0).count(), after.count())
    };
    let beside = |kind: &str, more: &str| {
        format!(
            "clients: [{{ name: c, via: {{ {kind}: {{ overhead: 0s{more} }} }}, discovery: watch, policy: round_robin, DETECTION, \
             load: {{ open: {{ rate: 100, arrivals: constant }} }} }}]\n"
        )
    };
    let between = |kind: &str| {
        format!(
            "gateways: [{{ name: g, proxy: {{ {kind}: {{ overhead: 0s, retries: 0 }} }}, policy: round_robin, DETECTION }}]\n\
             clients: [{{ name: c, via: {{ gateway: g }}, load: {{ open: {{ rate: 100, arrivals: constant }} }} }}]\n"
        )
    };
    let (at_pods, retried, all) = calls(&beside("istio", ", retries: 0"), "");
    assert_eq!((at_pods, retried), (15, 0));
    assert!(all > 1_900, "{all}");
    // With Istio's own two retries these are attempts, of which each call has three; what comes last finds no host.
    let retried = calls(&beside("istio", ""), "").1;
    assert!((10..15).contains(&retried), "{retried}");
    let (panicking, _, all) = calls(&beside("envoy", ", retries: 0"), "");
    assert_eq!(panicking, all, "an Envoy that panics goes on with hosts that it has ejected");
    assert_eq!(calls(&beside("istio", ", retries: 0, panic_threshold: 50%"), "").0, all);
    for waypoint in ["istio", "waypoint"] {
        // Failures count where the client's call was, which is the gateway; what its own calls did is told by the ejections.
        let text = calls(&between(waypoint), "");
        assert_eq!(text.1, 0, "{waypoint}");
    }
}

/// A client that gives a call up resets it, which says nothing of the host: Envoy does not judge by it; gRPC's own detection does.
#[test]
fn a_clients_own_deadline_ejects_no_host() {
    let ejections = |client: &str| {
        let text = format!(
            "name: deadline\nduration: 60s\nservers: [{{ name: s, replicas: 3, service_time: 50ms }}]\n\
             clients: [{{ name: c, {client}, deadline: 20ms, load: {{ open: {{ rate: 30 }} }} }}]\n"
        );
        let seen = run(&text);
        assert!(seen.failed.len() > 1_000 && seen.failed[0].2 == Status::DeadlineExceeded);
        seen.ejected.len()
    };
    let detection =
        "outlier_detection: { max_ejection_percent: 100%, failure_percentage: { minimum_hosts: 1, request_volume: 5 }";
    assert_eq!(ejections(&format!("via: istio, {detection}, consecutive_5xx: 5 }}")), 0);
    assert!(ejections(&format!("discovery: watch, policy: round_robin, {detection} }}")) > 0);
}

/// Envoy's pools for a host that is ejected drain (`onHostHealthFailure`): its connections take no more calls, and the next call after
/// its return dials. One pod is gone for a second, and serves again; the next sweep ejects it for its success rate.
#[test]
fn connections_to_an_ejected_host_drain() {
    let text = "name: drain\nduration: 80s\ncluster: { endpoint_lag: 2m, rtt: 1ms, connect: 0s }\n\
                servers: [{ name: s, replicas: 5, service_time: 1ms, startup: 1s }]\n\
                clients: [{ name: c, via: { istio: { overhead: 0s, retries: 0 } }, policy: round_robin, \
                outlier_detection: { max_ejection_percent: 20%, consecutive_5xx: 1000, success_rate: { stdev_factor: 1000, request_volume: 10 } }, \
                load: { open: { rate: 100, arrivals: constant } } }]\n\
                timeline: [{ at: 12s, kill: { server: s, pods: 1 } }]\n";
    let seen = run(text);
    let [(out, 0, false), (back, 0, true), ..] = *seen.ejected.as_slice() else { panic!("{:?}", seen.ejected) };
    let drained: Vec<&ConnectionRecord> =
        seen.closed.iter().filter(|c| c.reason == Some(CloseReason::Ejected)).collect();
    let [connection] = drained.as_slice() else { panic!("{drained:?}") };
    assert_eq!(connection.draining.map(Time::as_secs_f64), Some(out));
    assert!(connection.requests > 10, "{connection:?}");
    let of_pod: Vec<f64> = seen.received.iter().filter(|r| r.1 == 0).map(|r| r.0).collect();
    assert!(of_pod.iter().all(|at| !(out + 0.01..back).contains(at)));
    assert!(of_pod.iter().any(|at| *at > back));
}

/// SIGTERM is the proxy's own. Envoy exits at once; Istio's agent lets it go on for 5 s; NGINX and HAProxy finish what is in flight, which
/// is what the `STOPSIGNAL` of their images asks for.
#[test]
fn a_gateways_end_is_its_proxys() {
    let ends = |proxy: &str| {
        let text = format!(
            "name: ends\nduration: 40s\ncluster: {{ rtt: 1ms }}\ngateways: [{{ name: g, replicas: 2, proxy: {proxy} }}]\n\
             servers: [{{ name: s, replicas: 4, concurrency: 100, service_time: 2s }}]\n\
             clients: [{{ name: c, replicas: 20, via: {{ gateway: g }}, load: {{ open: {{ rate: 40 }} }} }}]\n\
             timeline: [{{ at: 20s, delete: {{ server: g, pods: 1 }} }}]\n"
        );
        let model = model(&text);
        let way = model.shutdown(model.servers.len());
        let seen = observed::<Seen>(&model, 1).0;
        let gone = seen.gone.first().map(|g| g.0 - seen.terminating[0]).expect("the pod is gone");
        let cut = seen.failed.iter().filter(|f| f.0 >= 20.0 && f.0 < 20.1).count();
        let sheds = seen.closed.iter().filter(|c| c.reason == Some(CloseReason::Shutdown)).count();
        (way, gone, cut, sheds, seen.failed.len())
    };
    let (way, gone, cut, _, _) = ends("envoy");
    assert_eq!((way, gone), (Shutdown::AtOnce, 0.0));
    assert!(cut > 20, "40 calls per second of 2 s each, half of them on the pod: {cut}");
    for proxy in ["istio", "waypoint"] {
        let (way, gone, cut, sheds, failed) = ends(proxy);
        assert_eq!((way, cut), (Shutdown::Drains, 0), "{proxy}");
        assert!((gone - 5.0).abs() < 1e-6, "{proxy}: {gone}");
        // 20 answers per second for 5 s, each with a chance that rises from 0 to 1/9: some connections are told, most are cut.
        assert!((1..10).contains(&sheds), "{proxy}: {sheds}");
        assert!(failed > 10, "{proxy}: {failed}");
    }
    for proxy in ["nginx", "haproxy"] {
        // Clients that dial again before the endpoint is withdrawn may be refused; no call that is in flight is cut.
        let (way, gone, cut, ..) = ends(proxy);
        assert_eq!((way, cut), (Shutdown::Graceful, 0), "{proxy}");
        assert!(gone > 1.0 && gone < 3.0, "{proxy}: {gone}");
    }
}
