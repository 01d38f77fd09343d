//! Proxies beside clients: Envoy's pools, its circuit breakers.

mod support;

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
}

impl Observer for Seen {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::Dialled { pod, .. } => self.dialled.push((at, pod.map(|p| p.0))),
            Observation::Received { pod, .. } => self.received.push((at, pod.0)),
            Observation::Completed { .. } => self.completed.push(at),
            Observation::Failed { status, emitted, .. } => self.failed.push((at, status, emitted)),
            _ => {}
        }
    }
}

fn run(more: &str, server: &str, client: &str) -> Seen {
    let text = format!(
        "name: proxies
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
    let pools = run(KILL, "service_time: 1ms, startup: 10s", "via: { istio: { overhead: 0s } }, policy: round_robin");
    // A lag of 2 s and a debounce of 100 ms at 10 calls per second, each fourth one.
    let lost = pools.failed.iter().filter(|f| f.1 == Status::Unavailable).count();
    assert_eq!(pools.failed.len(), lost);
    assert!((5..=6).contains(&lost), "{lost}");
    assert!(pools.failed.iter().all(|f| f.2 > second(5.0) && f.2 < second(7.2)));
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
}
