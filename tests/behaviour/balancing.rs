//! Who gets the calls: Envoy's pools, circuit breakers, slow start and outlier detection; picks by weight and by key.

use crate::support;

use evenkeel::sim::observation::{Observation, Observer, Status};
use evenkeel::units::{Span, Time};
use support::runs::{model, observed, second};

/// Everything that the tests look at.
#[derive(Default)]
struct Seen {
    dialled: Vec<(Time, Option<u32>)>,
    received: Vec<(Time, u32)>,
    completed: Vec<Time>,
    failed: Vec<(Time, Status, Time)>,
    ejected: Vec<(Time, u32, bool)>,
}

impl Seen {
    /// Requests of each of the first `n` pods from one second to another.
    fn counts(&self, n: u32, from: f64, to: f64) -> Vec<usize> {
        let within = |r: &&(Time, u32)| r.0 >= second(from) && r.0 < second(to);
        (0..n).map(|pod| self.received.iter().filter(within).filter(|r| r.1 == pod).count()).collect()
    }
}

impl Observer for Seen {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::Dialled { pod, .. } => self.dialled.push((at, pod.map(|p| p.0))),
            Observation::Received { pod, .. } => self.received.push((at, pod.0)),
            Observation::Completed { .. } => self.completed.push(at),
            Observation::Failed { why, emitted, .. } => self.failed.push((at, why.status(), emitted)),
            Observation::Ejected { pod, back, .. } => self.ejected.push((at, pod.0, back)),
            _ => {}
        }
    }
}

fn run(more: &str, server: &str, client: &str) -> Seen {
    let text = format!(
        "name: balancing
duration: 20s
cluster: {{ rtt: 1ms, connect: 3ms, endpoint_lag: 2s }}
{more}
servers: [{{ name: s, replicas: 4, concurrency: 100, {server} }}]
clients: [{{ name: c, load: {{ open: {{ rate: 10, arrivals: constant }} }}, {client} }}]
"
    );
    observed::<Seen>(&model(&text), 1).0
}

/// A connection is dialled for the first call that goes to its host, which waits for it, and not before.
#[test]
fn a_pool_dials_when_a_call_needs_it() {
    let seen = run("", "service_time: 1ms", "via: { istio: { overhead: 0s } }, policy: round_robin, start: { at: 1s }");
    assert_eq!(seen.dialled.len(), 4);
    for (i, &(at, pod)) in seen.dialled.iter().enumerate() {
        // Its first request comes after half a round trip for the SYN, half for the answer, the handshake, and half for itself.
        let arrives = at + Span::from_micros(500 + 500 + 3_000 + 500);
        let first = seen.received.iter().find(|r| Some(r.1) == pod).expect("a request");
        assert_eq!(first.0, arrives);
        assert!(at > second(1.0) && i == 0 || at.since(seen.dialled[i - 1].0) == Span::from_millis(100));
    }
    // gRPC's channel dials all at once.
    let eager = run("", "service_time: 1ms", "discovery: watch, policy: round_robin, start: { at: 1s }");
    assert!(eager.dialled.iter().all(|d| d.0 == eager.dialled[0].0));
}

/// Until discovery takes a dead pod away, Envoy sends it its share, and each of these calls fails; gRPC's channel does not pick
/// what is not READY.
#[test]
fn a_dead_host_gets_its_share_until_it_is_removed() {
    const KILL: &str = "timeline: [{ at: 5s, kill: { server: s, pods: 1 } }]";
    let via = |retries: u32| {
        let client = format!("via: {{ istio: {{ overhead: 0s, retries: {retries} }} }}, policy: round_robin");
        run(KILL, "service_time: 1ms, startup: 10s", &client)
    };
    let pools = via(0);
    // A lag of 2 s and a debounce of 100 ms at 10 calls per second, each fourth one.
    let lost = pools.failed.iter().filter(|f| f.1 == Status::Unavailable).count();
    assert_eq!(pools.failed.len(), lost);
    assert!((5..=6).contains(&lost), "{lost}");
    assert!(pools.failed.iter().all(|f| f.2 > second(5.0) && f.2 < second(7.2)));
    // Istio's default is to try twice more, elsewhere.
    assert_eq!(via(2).failed.len(), 0);
    let channel = run(KILL, "service_time: 1ms, startup: 10s", "discovery: watch, policy: round_robin");
    assert_eq!(channel.failed.len(), 0);
}

/// Envoy's max_requests: what is more than that at once fails, and only that.
#[test]
fn circuit_breakers_bound_what_is_under_way() {
    let with = |breakers: &str| {
        let client = format!("via: {{ envoy: {{ overhead: 0s{breakers} }} }}");
        // Ten calls per second that take almost 1 s each, with the way: ten at once.
        run("service: { type: Headless }", "service_time: 990ms", &client)
    };
    assert_eq!(with("").failed.len(), 0);
    let limited = with(", circuit_breakers: { max_requests: 5 }");
    // From then on five begin and five fail each second.
    let (begun, failed) = (limited.received.len(), limited.failed.len());
    assert!((begun, failed) == (100, 100), "{begun} {failed}");
    let most = limited.received.iter().map(|r| r.0).map(|t| {
        let under_way = |r: &&(Time, u32)| r.0 <= t && r.0 + Span::from_millis(990) > t;
        limited.received.iter().filter(under_way).count()
    });
    assert_eq!(most.max(), Some(5));
}

/// A connection that takes 1 s to open lets one call wait, and fails the others.
#[test]
fn circuit_breakers_bound_what_waits() {
    let client = "via: { envoy: { overhead: 0s, circuit_breakers: { max_pending_requests: 1 } } }";
    let text = format!(
        "name: pending
duration: 10s
cluster: {{ rtt: 1ms, connect: 1s }}
servers: [{{ name: s, replicas: 1, service_time: 1ms }}]
clients: [{{ name: c, load: {{ open: {{ rate: 10, arrivals: constant }} }}, {client} }}]
"
    );
    let seen = observed::<Seen>(&model(&text), 1).0;
    assert!((9..=10).contains(&seen.failed.len()), "{}", seen.failed.len());
    assert!(seen.completed.len() >= 89);
}

/// ztunnel opens a connection of its own for each one that it is given; Linkerd's threads share one balancer.
#[test]
fn ambient_passes_connections_on_one_by_one() {
    let channels = |via: &str| run("", "service_time: 1ms", &format!("channels: 8, via: {via}")).dialled.len();
    assert_eq!(channels("ambient"), 8);
    assert_eq!(channels("linkerd"), 4);
    // What a mesh takes for opaque it passes on as well.
    assert_eq!(channels("{ istio: { opaque: true } }"), 8);
    assert_eq!(channels("{ linkerd: { opaque: true } }"), 8);
}

fn of(text: &str) -> Seen {
    observed::<Seen>(&model(text), 1).0
}

/// Two Deployments, one of them twice as fast: weights are what a pod does per second at full load, so the calls follow the
/// speeds. Until the blackout period is over they go round.
#[test]
fn weighted_round_robin_follows_what_pods_can_do() {
    let seen = of("name: weighted
duration: 60s
service: { type: Headless }
servers:
  - { name: slow, replicas: 1, concurrency: 10, service_time: 20ms }
  - { name: fast, replicas: 1, concurrency: 10, service_time: 20ms, speed: 2 }
clients:
  - name: c
    policy: weighted_round_robin
    load: { open: { rate: 300, arrivals: constant } }
");
    let before = seen.counts(2, 1.0, 10.0);
    assert!(before[0].abs_diff(before[1]) <= 1, "{before:?}");
    // The reports are of whole seconds: a call that begins in one and ends in the next moves a weight by one in 100 at most.
    let after = seen.counts(2, 15.0, 60.0);
    let ratio = after[1] as f64 / after[0] as f64;
    assert!((1.96..=2.04).contains(&ratio), "{after:?}");
}

/// All calls of a key go to one pod, which is another one while that is gone.
#[test]
fn ring_hash_sends_a_key_to_its_pod() {
    let text = |keys: &str| {
        format!(
            "name: ring
duration: 60s
cluster: {{ endpoint_lag: 0s }}
servers: [{{ name: s, replicas: 5, service_time: 1ms, startup: 10s }}]
clients:
  - {{ name: c, discovery: watch, policy: ring_hash, keys: {keys}, load: {{ open: {{ rate: 100 }} }} }}
timeline: [{{ at: 20s, kill: {{ server: s, pods: 5 }} }}]
"
        )
    };
    let one = of(&text("{ count: 1 }"));
    let busy: Vec<usize> = one.counts(5, 1.0, 19.0).into_iter().filter(|n| *n > 0).collect();
    assert_eq!(busy.len(), 1);
    assert_eq!(one.counts(5, 40.0, 60.0).iter().filter(|n| **n > 0).count(), 1);
    // The same pod as before, since the ring is the same.
    let place = |counts: Vec<usize>| counts.iter().position(|n| *n > 0);
    assert_eq!(place(one.counts(5, 1.0, 19.0)), place(one.counts(5, 40.0, 60.0)));
    // Many keys spread over all pods.
    let many = of(&text("{ count: 10000 }"));
    assert!(many.counts(5, 1.0, 19.0).iter().all(|n| *n > 100));
}

/// Two of four hosts are dead, and discovery says so late. Ejecting is limited to 25 % of the hosts, which is one; by default
/// nobody of four, but with `always_eject_one_host`; with 50 % it is both, and with less than half of the hosts left Envoy panics.
#[test]
fn outlier_detection_leaves_out_as_many_as_it_may() {
    let with = |pods: u32, rules: &str, more: &str| {
        of(&format!(
            "name: outliers
duration: 20s
cluster: {{ endpoint_lag: 10s }}
servers: [{{ name: s, replicas: 4, service_time: 1ms, startup: 15s }}]
clients:
  - name: c
    via: {{ istio: {{ overhead: 0s, retries: 0{more} }} }}
    policy: round_robin
    outlier_detection: {{ {rules} }}
    load: {{ open: {{ rate: 100, arrivals: constant }} }}
timeline: [{{ at: 5s, kill: {{ server: s, pods: {pods} }} }}]
"
        ))
    };
    let out = |seen: &Seen| {
        let mut pods: Vec<u32> = seen.ejected.iter().filter(|e| !e.2).map(|e| e.1).collect();
        pods.sort_unstable();
        pods.dedup();
        pods
    };
    assert_eq!(out(&with(2, "base_ejection_time: 30s, max_ejection_percent: 25%", "")).len(), 1);
    assert_eq!(out(&with(2, "base_ejection_time: 30s, always_eject_one_host: true", "")).len(), 1);
    let both = with(2, "base_ejection_time: 30s, max_ejection_percent: 50%", "");
    assert_eq!(out(&both), [0, 1]);
    // Five failures in a row each, and no more: half of the hosts are left, which is no panic.
    assert_eq!(both.failed.len(), 10);
    // Three of four: the last quarter is a panic, if Istio is told to, and the calls go to all again.
    let panic = with(3, "base_ejection_time: 30s, max_ejection_percent: 80%", ", panic_threshold: 50%");
    assert_eq!(out(&panic), [0, 1, 2]);
    assert!(panic.failed.len() > 300, "{}", panic.failed.len());
    let calm = with(3, "base_ejection_time: 30s, max_ejection_percent: 80%", "");
    assert_eq!(calm.failed.len(), 15);
}

/// With slow start the weight of a fifth host grows linearly: over the window it gets 1 - 4 ln(5/4) of the calls, 10.7 %, and
/// not 20. (From 10 % of a weight on, which lasts a tenth of the window: 0.1 % more.)
#[test]
fn slow_start_gives_a_new_host_less_at_first() {
    let with = |slow_start: &str| {
        of(&format!(
            "name: slow-start
duration: 60s
cluster: {{ endpoint_lag: 0s }}
servers: [{{ name: s, replicas: 4, service_time: 1ms, startup: 5s }}]
clients:
  - name: c
    via: {{ istio: {{ overhead: 0s{slow_start} }} }}
    policy: round_robin
    load: {{ open: {{ rate: 500, arrivals: constant }} }}
timeline: [{{ at: 10s, scale: {{ server: s, replicas: 5 }} }}]
"
        ))
    };
    let share = |seen: &Seen| {
        // Ready at 15 s, pushed 100 ms later.
        let counts = seen.counts(5, 15.1, 35.1);
        counts[4] as f64 / counts.iter().sum::<usize>() as f64
    };
    assert!((share(&with("")) - 0.2).abs() < 0.001);
    let expected = 1.0 - 4.0 * 1.25f64.ln();
    // Of 10,000 calls; the schedule is even, up to a host's weight being a pick old, one call in five.
    let slow = share(&with(", slow_start: { window: 20s }"));
    assert!((slow - expected).abs() < 0.004, "{slow} {expected}");
}

/// A pool's connection that has had its requests is drained, and the next call dials another one.
#[test]
fn a_pool_replaces_a_connection_after_its_requests() {
    let client = "via: { istio: { overhead: 0s, max_requests_per_connection: 10 } }, policy: round_robin";
    let seen = run("", "service_time: 1ms", client);
    // 200 calls, 50 to each of four pods.
    assert_eq!((seen.received.len(), seen.dialled.len(), seen.failed.len()), (200, 20, 0));
}
