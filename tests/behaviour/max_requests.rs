//! GOAWAY by the number of requests, as Envoy has it in front of a server: a connection that carries calls at rate r lives for
//! N / r, whatever the time.

use crate::support;

use evenkeel::sim::observation::{CloseReason, ConnectionRecord, Observation, Observer};
use evenkeel::units::Time;
use support::family::Family;
use support::runs::{model, observed, over_seeds};
use support::stats::z;

const RTT_S: f64 = 0.01;

/// When connections took no new calls from then on, and what they were in the end.
#[derive(Default)]
struct Seen {
    drained: Vec<Time>,
    closed: Vec<ConnectionRecord>,
    failed: u32,
}

impl Observer for Seen {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::Draining { reason, .. } => {
                assert_eq!(reason, CloseReason::MaxRequests);
                self.drained.push(at);
            }
            Observation::Closed(record) => self.closed.push(*record),
            Observation::Failed { .. } => self.failed += 1,
            _ => {}
        }
    }
}

fn text(seconds: u32, most: u32, client: &str) -> String {
    format!(
        "name: a\nduration: {seconds}s\ncluster: {{ rtt: {RTT_S}s, connect: 0s }}\n\
         servers: [{{ name: s, concurrency: 100, service_time: 1ms, grpc: {{ max_requests_per_connection: {most} }} }}]\n\
         clients: [{{ name: c, {client} }}]\n"
    )
}

/// One channel with Poisson calls: from one GOAWAY to the next are N gaps, and the round trip of the N-th request and of the
/// GOAWAY. Calls that come while the next connection is dialled wait for it, and count. 40 runs of 500 s with N = 100 at 40 calls
/// per second: about 200 connections each.
#[test]
fn a_connection_lives_for_as_many_calls_as_it_may_carry() {
    const CALLS: f64 = 100.0;
    const RATE: f64 = 40.0;
    let model = model(&text(500, 100, "load: { open: { rate: 40 } }"));
    let lives = over_seeds(&model, 1..=40, |seen: Seen| {
        let (first, last) = (seen.drained[0], seen.drained[seen.drained.len() - 1]);
        (last.since(first).as_secs_f64(), (seen.drained.len() - 1) as f64)
    });
    let total: f64 = lives.iter().map(|l| l.0).sum();
    let number: f64 = lives.iter().map(|l| l.1).sum();
    let p = |calls: f64| {
        let expected = number * (calls / RATE + RTT_S);
        z((total - expected) * RATE / (number * calls).sqrt())
    };
    let mut family = Family::named("closed form: lives by requests");
    family.add("mean life", p(CALLS));
    family.assert_holds();
    // Wrong model: GOAWAY one request later.
    let mut wrong = Family::named("closed form: lives by requests");
    wrong.add("mean life", p(CALLS + 1.0));
    wrong.assert_rejected();
}

/// Calls come evenly, one each 100 ms, and so nothing crosses the GOAWAY: each connection carries its N requests and not one more, all
/// of them are answered, and those of quiet clients live longer.
#[test]
fn a_connection_carries_as_many_calls_as_it_may_and_no_more() {
    let seen = observed::<Seen>(&model(&text(100, 20, "load: { open: { rate: 10, arrivals: constant } }")), 1).0;
    assert!(seen.closed.len() >= 49, "{} connections in 100 s", seen.closed.len());
    assert!(seen.closed.iter().all(|c| (c.requests, c.reason) == (20, Some(CloseReason::MaxRequests))));
    let gaps = seen.drained.windows(2).map(|pair| pair[1].since(pair[0]).as_secs_f64());
    assert!(gaps.clone().all(|gap| (gap - 2.0).abs() < 1e-6), "{:?}", gaps.collect::<Vec<_>>());
    assert_eq!(seen.failed, 0);
}

/// A burst: what crosses the GOAWAY is served, and goes on the old connection.
#[test]
fn what_crosses_the_goaway_is_served() {
    let burst = "dispatch: 0s, load: { closed: { concurrency: 50, requests: 5000 } }";
    let seen = observed::<Seen>(&model(&text(100, 20, burst)), 1).0;
    assert_eq!(seen.failed, 0);
    assert!(seen.closed.len() > 10 && seen.closed.iter().all(|c| c.requests > 20), "{:?}", seen.closed);
}
