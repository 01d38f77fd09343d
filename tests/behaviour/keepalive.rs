//! Keepalive and its enforcement by the engine: 30 s and 10 s, as checklists recommend, against a server with defaults. Times are
//! those of grpc-go (tests/rules/keepalive.rs has their sources). A round trip takes 1 ms, so that each ping comes up to 1 ms
//! later than the last: the times of five pings are sharp to 6 ms.

use crate::support;

use evenkeel::sim::observation::{CloseReason, Observation, Observer};
use evenkeel::units::Time;
use support::runs::{model, observed};

const SHARP_S: f64 = 0.006;

/// When responses were read and connections ended, in seconds.
#[derive(Default)]
struct Seen {
    connected: Vec<f64>,
    responses: Vec<f64>,
    ends: Vec<(f64, CloseReason)>,
    failed: Vec<f64>,
}

impl Observer for Seen {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        let now = at.as_secs_f64();
        match *what {
            Observation::Connected { .. } => self.connected.push(now),
            Observation::Completed { .. } => self.responses.push(now),
            Observation::Failed { .. } => self.failed.push(now),
            Observation::Closed(record) => self.ends.extend(record.reason.map(|reason| (now, reason))),
            _ => {}
        }
    }
}

/// One client with one connection, whose channel is never idle (by default it would be after 30 min without calls); `keepalive` and `enforcement` are the keys' values, `client` the rest of the client.
fn run(seconds: u32, keepalive: &str, enforcement: &str, service: &str, client: &str) -> Seen {
    let text = format!(
        "name: keepalive\nduration: {seconds}s\ncluster: {{ rtt: 1ms, connect: 0s }}\n\
         servers: [{{ name: s, concurrency: 100, service_time: {service}, grpc: {{ keepalive_enforcement: {enforcement} }} }}]\n\
         clients: [{{ name: c, idle_timeout: 0s, keepalive: {keepalive}, {client} }}]\n"
    );
    observed::<Seen>(&model(&text), 1).0
}

const CHECKLIST: &str = "{ time: 30s, timeout: 10s }";
const PERMITTED: &str = "{ time: 30s, timeout: 10s, permit_without_stream: true }";
/// One call, at 10 s.
const ONE_CALL: &str = "load: { open: { arrivals: constant, curve: [{ at: 0s, rate: 0 }, { at: 10s, rate: 0 }, \
                        { at: 10s, rate: 1000 }, { at: 10.001s, rate: 1000 }, { at: 10.001s, rate: 0 }] } }";
/// None that matters.
const NO_CALL: &str = "load: { open: { arrivals: constant, rate: 0.0000001 } }";

#[track_caller]
fn assert_killed(seen: &Seen, after: f64, seconds: f64) {
    let &(end, reason) = seen.ends.first().expect("the connection ends");
    assert_eq!(reason, CloseReason::TooManyPings);
    let took = end - after;
    assert!((0.0..SHARP_S).contains(&(took - seconds)), "killed {took} s after {after} s, not {seconds}");
}

#[test]
fn an_idle_connection_that_pings_is_killed_at_the_third_or_fourth_ping() {
    // The BDP ping after its only response takes the place of the first.
    let used = run(400, PERMITTED, "{}", "1ms", ONE_CALL);
    assert_eq!(used.responses.len(), 1);
    assert_killed(&used, used.responses[0], 90.0);
    let unused = run(400, PERMITTED, "{}", "1ms", NO_CALL);
    assert_killed(&unused, unused.connected[0], 120.0);
}

#[test]
fn a_quiet_call_is_killed_and_fails() {
    for keepalive in [CHECKLIST, PERMITTED] {
        // Some calls are answered, others never: the pings begin with the last answer.
        let never = "{ mixture: [{ weight: 1, of: 1ms }, { weight: 1, of: 10000s }] }";
        let calls = "load: { open: { curve: [{ at: 0s, rate: 1 }, { at: 15s, rate: 1 }, { at: 15s, rate: 0 }] } }";
        let quiet = run(400, keepalive, "{}", never, calls);
        assert_killed(&quiet, *quiet.responses.last().expect("some are answered"), 90.0);
        assert_eq!(quiet.failed.len(), quiet.failed.iter().filter(|at| **at == quiet.ends[0].0).count());
        assert!(!quiet.failed.is_empty());
        // No DATA, no BDP ping. The first ping is 30 s after the last thing that was read: the server's SETTINGS.
        let silent = run(400, keepalive, "{}", "10000s", ONE_CALL);
        assert_killed(&silent, silent.connected[0], 120.0);
    }
}

#[test]
fn busy_and_sleeping_connections_live() {
    let often = "load: { open: { arrivals: constant, rate: 0.05 } }";
    let seldom = "load: { open: { arrivals: constant, rate: 0.0166 } }";
    for (keepalive, calls) in [(PERMITTED, often), (CHECKLIST, often), (CHECKLIST, seldom), (CHECKLIST, ONE_CALL)] {
        let seen = run(2_000, keepalive, "{}", "1ms", calls);
        assert_eq!((seen.ends.len(), seen.failed.len()), (0, 0), "{keepalive} {calls}");
    }
    // Permission, and pings that are far enough apart.
    let permits = "{ min_time: 30s, permit_without_stream: true }";
    assert_eq!(run(2_000, PERMITTED, permits, "1ms", ONE_CALL).ends.len(), 0);
}

/// round_robin reconnects at once; each kill doubles the time, until pings without calls are 2 h apart.
#[test]
fn every_kill_doubles_the_time_of_the_channel() {
    let calls = format!("policy: round_robin, {NO_CALL}");
    let seen = run(100_000, PERMITTED, "{}", "1ms", &calls);
    assert_eq!(seen.ends.len(), 8);
    for (i, (end, reason)) in seen.ends.iter().enumerate() {
        assert_eq!(*reason, CloseReason::TooManyPings);
        let (lived, time) = (end - seen.connected[i], 30.0 * f64::from(1 << i));
        assert!((0.0..SHARP_S).contains(&(lived - 4.0 * time)), "connection {i} lived for {lived} s");
    }
}

/// A client with two channels: their times are their own.
#[test]
fn channels_slow_down_by_themselves() {
    let idle = run(1_000, PERMITTED, "{}", "1ms", &format!("channels: 2, policy: round_robin, {NO_CALL}"));
    let lives: Vec<f64> = idle.ends.iter().map(|e| e.0).collect();
    assert_eq!(lives.len(), 6, "both at 120, 360 and 840 s");
    assert!(lives.chunks(2).all(|pair| pair[1] - pair[0] < SHARP_S), "{lives:?}");
}
