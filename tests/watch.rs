//! A watch tells of each change, and a channel that has a connection only remembers that it was told: what it dials later is what
//! it was told of last.

mod support;

use evenkeel::sim::observation::{CloseReason, Observation, Observer};
use evenkeel::units::Time;
use support::runs::{model, over_seeds};

/// Rolling restarts at 10 s and 40 s; the second one ends connections to pods that came with the first.
fn restarts(policy: &str) -> String {
    format!(
        "name: watch
duration: 70s
service: {{ type: Headless }}
servers: [{{ name: s, replicas: 5, startup: {{ uniform: {{ min: 1s, max: 3s }} }}, termination: {{ pre_stop: 5s }} }}]
clients: [{{ name: c, replicas: 10, discovery: watch, policy: {policy}, load: {{ open: {{ rate: 100 }} }} }}]
timeline: [{{ at: 10s, rollout: s }}, {{ at: 40s, rollout: s }}]
"
    )
}

#[derive(Default)]
struct Seen {
    failed: u64,
    refused: u64,
    connected: u64,
}

impl Observer for Seen {
    fn observe(&mut self, _: Time, what: &Observation<'_>) {
        match *what {
            Observation::Failed { .. } => self.failed += 1,
            Observation::Closed(c) => self.refused += u64::from(c.reason == Some(CloseReason::Refused)),
            Observation::Connected { .. } => self.connected += 1,
            _ => {}
        }
    }
}

#[test]
fn pick_first_dials_what_it_heard_of_last() {
    for policy in ["pick_first", "{ pick_first: { shuffle: true } }"] {
        for seen in over_seeds(&model(&restarts(policy)), 1..=20, |seen: Seen| seen) {
            // Two restarts move each of ten clients at least twice; a pod that was deleted serves for 5 s, and is off the list
            // after 0.5 s, so that nobody who listens dials one that is gone.
            assert!(seen.connected >= 30, "{policy}: {} connections", seen.connected);
            assert_eq!((seen.failed, seen.refused), (0, 0), "{policy}");
        }
    }
}
