//! Gateways: a pod of one takes calls from its clients' connections and makes calls of its own to the servers.

use std::collections::{BTreeMap, BTreeSet};

use crate::support;

use evenkeel::sim::observation::{ConnectionId, ConnectionRecord, Observation, Observer, PodId, Status};
use evenkeel::units::Time;
use support::runs::{model, observed};

/// What came where, on what, and what became of the calls.
#[derive(Default)]
struct Seen {
    /// By pod: its server, among servers and gateways.
    servers: Vec<u32>,
    /// (pod, connection) of each request, in order.
    received: Vec<(PodId, ConnectionId)>,
    /// Latencies in ns.
    answered: Vec<u64>,
    failed: Vec<Status>,
    emitted: usize,
    ended: Vec<ConnectionRecord>,
}

impl Observer for Seen {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::PodCreated { server, .. } => self.servers.push(server),
            Observation::Emitted { .. } => self.emitted += 1,
            Observation::Received { pod, connection } => self.received.push((pod, connection)),
            Observation::Completed { client, pod, emitted, .. } => {
                assert_eq!(client, 0, "calls of gateways are nobody's");
                assert_eq!(self.servers[pod.0 as usize], 0, "servers answer, and not gateways");
                self.answered.push(at.since(emitted).0);
            }
            Observation::Failed { why, .. } => self.failed.push(why.status()),
            Observation::Closed(record) | Observation::OpenAtEnd(record) => self.ended.push(*record),
            _ => {}
        }
    }
}

impl Seen {
    /// Requests per pod of the servers (0) or of the gateway (1), in order of the pods.
    fn per_pod(&self, server: u32) -> Vec<usize> {
        let pods = (0..self.servers.len()).filter(|&i| self.servers[i] == server);
        pods.map(|i| self.received.iter().filter(|r| r.0.0 as usize == i).count()).collect()
    }

    /// Connections to servers' pods that were ever READY.
    fn upstream(&self) -> Vec<&ConnectionRecord> {
        let to_server = |c: &&ConnectionRecord| c.pod.is_some_and(|p| self.servers[p.0 as usize] == 0);
        self.ended.iter().filter(to_server).collect()
    }
}

fn text(gateway: &str, server: &str, client: &str) -> String {
    format!(
        "name: a\nduration: 20s\nservice: {{ type: Headless }}\ncluster: {{ rtt: 4ms, connect: 0s }}\n\
         gateways: [{{ name: g, {gateway} }}]\nservers: [{{ name: s, {server} }}]\n\
         clients: [{{ name: c, via: {{ gateway: g }}, {client} }}]\n"
    )
}

/// A call goes over the network four times, and waits for the servers' names and connections only once: all others take two round
/// trips, what the gateway adds, and the service.
#[test]
fn a_call_takes_two_hops() {
    for proxy in ["envoy", "nginx", "haproxy"] {
        let gateway = format!("proxy: {{ {proxy}: {{ overhead: 3ms }} }}");
        let text = text(&gateway, "replicas: 2, service_time: 5ms", "load: { open: { rate: 10, arrivals: constant } }");
        let seen = observed::<Seen>(&model(&text), 1).0;
        let rest = &seen.answered[seen.answered.len() / 2..];
        assert!(rest.iter().all(|ns| *ns == (2 * 4 + 3 + 5) * 1_000_000), "{proxy}: {rest:?}");
        assert!(seen.failed.is_empty() && seen.answered.len() >= seen.emitted - 1);
    }
}

/// One pod with one worker: round robin is exact, from the first server on. With several pods, each has a rotation of its own.
#[test]
fn round_robin_of_a_gateway_is_exact() {
    for (proxy, pods) in [("nginx", 1), ("{ haproxy: { balance: roundrobin } }", 1), ("nginx", 3)] {
        let gateway = format!("replicas: {pods}, proxy: {proxy}");
        let text = text(&gateway, "replicas: 5, service_time: 1ms", "replicas: 12, load: { open: { rate: 200 } }");
        let seen = observed::<Seen>(&model(&text), 1).0;
        let (servers, gateways) = (seen.per_pod(0), seen.per_pod(1));
        let spread = servers.iter().max().unwrap() - servers.iter().min().unwrap();
        assert!(spread <= pods, "{proxy} x {pods}: {servers:?}");
        assert_eq!(gateways.len(), pods);
        // What has come to a gateway and not yet to a server is on its way.
        let on_the_way = gateways.iter().sum::<usize>() - servers.iter().sum::<usize>();
        assert!(on_the_way <= 3, "{gateways:?} {servers:?}");
    }
}

/// kube-proxy still places the connections of clients: what was uneven over the servers is now uneven over the gateway's pods.
#[test]
fn the_gateway_inherits_the_skew() {
    let text = text("replicas: 5, proxy: haproxy", "replicas: 5", "channels: 3, load: { open: { rate: 500 } }");
    let seen = observed::<Seen>(&model(&text), 1).0;
    let (servers, gateways) = (seen.per_pod(0), seen.per_pod(1));
    assert!(gateways.iter().filter(|n| **n == 0).count() >= 2, "three connections on five pods: {gateways:?}");
    assert!(servers.iter().all(|n| *n > 1_500), "{servers:?}");
}

/// `grpc_pass` has a connection for each call under way, and a worker keeps so many when they are idle.
#[test]
fn nginx_does_not_multiplex() {
    for (keepalive, least, most) in [(0, 900, 2_100), (32, 10, 80)] {
        let gateway = format!("proxy: {{ nginx: {{ keepalive: {keepalive} }} }}");
        let client = "load: { closed: { concurrency: 20, requests: 2000 } }";
        let seen =
            observed::<Seen>(&model(&text(&gateway, "replicas: 2, concurrency: 20, service_time: 5ms", client)), 1).0;
        assert_eq!(seen.answered.len(), 2_000);
        let upstream = seen.upstream();
        assert!((least..=most).contains(&upstream.len()), "keepalive {keepalive}: {} connections", upstream.len());
        if keepalive == 0 {
            assert!(upstream.iter().all(|c| c.requests <= 1), "{upstream:?}");
        }
    }
}

/// `http-reuse safe`: a connection with calls on it takes more from the same client connection only. Busy clients times servers are
/// the most that there can be.
#[test]
fn haproxy_keeps_the_calls_of_a_client_together() {
    let client = "replicas: 4, load: { closed: { concurrency: 80, requests: 8000 } }";
    let gateway = "proxy: { haproxy: { balance: roundrobin } }";
    let seen =
        observed::<Seen>(&model(&text(gateway, "replicas: 3, concurrency: 100, service_time: 5ms", client)), 1).0;
    assert_eq!(seen.answered.len(), 8_000);
    let mut per_pod: BTreeMap<PodId, BTreeSet<ConnectionId>> = BTreeMap::new();
    for (pod, connection) in seen.received.iter().filter(|r| seen.servers[r.0.0 as usize] == 0) {
        per_pod.entry(*pod).or_default().insert(*connection);
    }
    assert_eq!(per_pod.values().map(BTreeSet::len).collect::<Vec<_>>(), [4, 4, 4]);
}

/// A gateway's pod that dies takes the calls in it along: they fail, the servers have nothing of them left to do, and nobody waits for
/// ever. The clients connect to what is left.
#[test]
fn a_gateway_that_dies_takes_its_calls_along() {
    let text = text(
        "replicas: 2, startup: 3s, proxy: envoy",
        "replicas: 2, concurrency: 1, service_time: 500ms, queue_limit: 40",
        "replicas: 6, load: { open: { rate: 3 } }",
    ) + "timeline: [{ at: 10s, kill: { server: g } }]\n";
    let seen = observed::<Seen>(&model(&text), 3).0;
    assert!(!seen.failed.is_empty() && seen.failed.iter().all(|s| *s == Status::Unavailable), "{:?}", seen.failed);
    assert!(seen.answered.len() + seen.failed.len() + 12 > seen.emitted);
    let gateways = seen.per_pod(1);
    assert!(gateways.iter().all(|n| *n > 0), "{gateways:?}");
}

/// A client that gives up lets the gateway give up, too: the server's queue does not fill with calls that nobody waits for.
#[test]
fn a_deadline_passes_on_both_sides() {
    let text = text(
        "proxy: waypoint",
        "replicas: 1, concurrency: 1, service_time: 1s, queue_limit: 3",
        "deadline: 100ms, load: { open: { rate: 20, arrivals: constant } }",
    );
    let seen = observed::<Seen>(&model(&text), 1).0;
    // Nobody is served within 100 ms, one is in the slot, and the queue has room again when a deadline has passed.
    assert!(seen.answered.is_empty());
    let refused = seen.failed.iter().filter(|s| **s == Status::ResourceExhausted).count();
    assert!(refused == 0 && seen.failed.len() > 390, "{refused} refused of {}", seen.failed.len());
}
