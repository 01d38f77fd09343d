//! What ends a connection, or a dial, that nothing comes back on: the kernel's timers and keepalive; and a C-core server's patience with pings.

use crate::support;

use evenkeel::sim::observation::{CloseReason, Observation, Observer};
use evenkeel::units::Time;
use support::runs::{model, observed};

/// When things happened, in seconds.
#[derive(Default)]
struct Seen {
    made: Vec<f64>,
    dialled: Vec<f64>,
    connected: Vec<f64>,
    answered: Vec<f64>,
    failed: Vec<f64>,
    ends: Vec<(f64, CloseReason)>,
}

impl Observer for Seen {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        let now = at.as_secs_f64();
        match *what {
            Observation::Emitted { .. } => self.made.push(now),
            Observation::Dialled { .. } => self.dialled.push(now),
            Observation::Connected { .. } => self.connected.push(now),
            Observation::Completed { .. } => self.answered.push(now),
            Observation::Failed { .. } => self.failed.push(now),
            Observation::Closed(record) => self.ends.extend(record.reason.map(|reason| (now, reason))),
            _ => {}
        }
    }
}

impl Seen {
    /// How long after the first call that was sent into the black hole, which begins at 10 s, its connection ended, and why.
    fn first_end(&self) -> (f64, CloseReason) {
        let lost = *self.made.iter().find(|at| **at > 10.0).expect("calls are made");
        let (end, why) = *self.ends.first().expect("the connection ends");
        (end - lost, why)
    }
}

/// One client with one connection; its pod is a black hole from 10 s on.
fn black_hole(seconds: u32, rtt: &str, more: &str, client: &str) -> Seen {
    let text = format!(
        "name: dead\nduration: {seconds}s\ncluster: {{ rtt: {rtt}, connect: 0s }}\nservers: [{{ name: s, service_time: 1ms }}]\n\
         clients: [{{ name: c, {client}, load: {{ open: {{ rate: 1, arrivals: constant }} }} }}]\n\
         timeline: [{{ at: 10s, black_hole: {{ server: s, pods: 1{more} }} }}]\n"
    );
    observed::<Seen>(&model(&text), 1).0
}

/// The first timer is that of a tail loss probe, the second that of the first retransmission, from which on TCP_USER_TIMEOUT counts:
/// 200 ms and a round trip each. Measured for 1, 2 and 5 s at a round trip of 30 ms: 1.46, 2.47 and 5.47 s.
#[test]
fn the_user_timeout_counts_from_the_first_retransmission() {
    for (timeout, measured) in [(1, 1.46), (2, 2.47), (5, 5.47)] {
        let client = format!("stack: go, keepalive: {{ time: 1h, timeout: {timeout}s }}");
        let (took, why) = black_hole(60, "30ms", "", &client).first_end();
        assert_eq!(why, CloseReason::KeepaliveTimeout);
        assert!((took - (f64::from(timeout) + 0.46)).abs() < 1e-6, "{timeout} s: {took}");
        // The lab's own rounding.
        assert!((took - measured).abs() < 0.0101, "{timeout} s: {took} here, {measured} measured");
    }
}

/// Without TCP_USER_TIMEOUT the kernel sends 15 times: RTO (2^10 - 1) + 6 * 120 s, at a round trip of 20 ms 945.06 s after the first call that was
/// lost. The calls of that connection fail together.
#[test]
fn tcp_gives_up_after_fifteen_minutes() {
    for client in ["stack: go", "stack: tonic", "stack: tonic, keepalive: { time: 2000s }"] {
        let seen = black_hole(1_000, "20ms", "", client);
        let (took, why) = seen.first_end();
        assert_eq!(why, CloseReason::TcpTimeout, "{client}");
        assert!((took - (0.22 * 1_023.0 + 720.0)).abs() < 1e-6, "{client}: {took}");
        assert!((942.0..945.1).contains(&took), "measured: 942 to 945 s");
        let together = seen.failed.iter().filter(|at| **at == seen.ends[0].0).count();
        assert!(together >= 944, "{together} calls were on it");
    }
}

/// A hole that is over before that has lost what was sent, and the connection lives.
#[test]
fn a_connection_outlives_a_black_hole_that_is_shorter() {
    let seen = black_hole(2_000, "20ms", ", for: 900s", "stack: go, deadline: 1s");
    assert_eq!(seen.ends, []);
    assert!(seen.answered.last().expect("calls are answered again") > &1_999.0);
}

/// grpc-go sets TCP_USER_TIMEOUT on a connection that has been made: its dial ends after 20 s, whatever the keepalive; C-core and
/// grpc-java set it on the socket before. The reason tells a dial that got no answer from one that was refused.
#[test]
fn a_dial_into_a_black_hole_ends_by_its_own_clock() {
    const KEEPALIVE: &str = "keepalive: { time: 10s, timeout: 2s }";
    let cases = [
        (format!("stack: go, {KEEPALIVE}"), 20.0),
        (KEEPALIVE.to_owned(), 20.0),
        (format!("stack: c_core, {KEEPALIVE}"), 2.0),
        (format!("stack: java, {KEEPALIVE}"), 2.0),
        ("keepalive: { time: 10s, timeout: 2s, tcp_user_timeout_of_dials: true }".to_owned(), 2.0),
        ("stack: java".to_owned(), 30.0),
    ];
    for (client, takes) in cases {
        // The client starts when the pod is silent already.
        let seen = black_hole(100, "20ms", "", &format!("{client}, start: {{ at: 11s }}"));
        let (end, why) = *seen.ends.first().expect("the dial ends");
        assert_eq!(why, CloseReason::DialTimeout, "{client}");
        assert!((end - seen.dialled[0] - takes).abs() < 1e-6, "{client}: {}", end - seen.dialled[0]);
        assert_eq!(seen.connected.len(), 0);
    }
    let refused = "name: refused\nduration: 5s\nservers: [{ name: s, replicas: 0 }]\nclients: [{ name: c, load: { open: { rate: 1 } } }]\n";
    assert!(observed::<Seen>(&model(refused), 1).0.ends.iter().all(|e| e.1 == CloseReason::Refused));
}

/// A C-core client that pings each 3 s, with a call open all the time, against a C-core server: measured GOAWAYs at 15.1, 45.2, 105.2 and
/// 225.2 s. The fifth ping ends each connection, and the next one's pings are twice as far apart. A ping is late by the round trips of those
/// before it, and each connection by its dial.
#[test]
fn a_c_core_server_bears_four_pings_with_a_call_open() {
    let run = |server: &str| {
        let text = format!(
            "name: strikes\nduration: 300s\ncluster: {{ rtt: 1ms, connect: 0s }}\nservers: [{{ name: s, service_time: 1000s, {server} }}]\n\
             clients: [{{ name: c, stack: c_core, keepalive: {{ time: 3s, timeout: 1s, throttle: {{ free: 0 }} }}, \
             load: {{ closed: {{ concurrency: 1 }} }} }}]\n"
        );
        observed::<Seen>(&model(&text), 1).0.ends
    };
    let at = |ends: &[(f64, CloseReason)], expected: &[f64]| {
        assert!(ends.iter().all(|e| e.1 == CloseReason::TooManyPings) && ends.len() == expected.len(), "{ends:?}");
        for ((end, _), expected) in ends.iter().zip(expected) {
            assert!((0.0..0.1).contains(&(end - expected)), "{ends:?}");
        }
    };
    at(&run("stack: c_core"), &[15.0, 45.0, 105.0, 225.0]);
    // grpc-go's and grpc-java's servers: the fourth. grpc-js and tonic bear all.
    at(&run("stack: go"), &[12.0, 36.0, 84.0, 180.0]);
    assert_eq!((run("stack: node"), run("stack: tonic")), (vec![], vec![]));
    // One strike less, and none that counts.
    at(&run("stack: c_core, grpc: { keepalive_enforcement: { max_ping_strikes: 1 } }"), &[12.0, 36.0, 84.0, 180.0]);
    assert_eq!(run("stack: c_core, grpc: { keepalive_enforcement: { max_ping_strikes: 0 } }"), []);
}
