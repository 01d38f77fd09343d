//! A watch tells of each change, and a channel that has a connection only remembers that it was told: what it dials later is what
//! it was told of last.

use crate::support;

use std::collections::BTreeSet;

use evenkeel::sim::observation::{CloseReason, Observation, Observer};
use evenkeel::units::Time;
use support::runs::{model, over_seeds};

/// A rolling restart, and long after it a pod is killed and starts again: its clients dial it in vain, and then another one.
const KILLED: &str = "name: watch
duration: 50s
service: { type: Headless }
servers:
  - name: s
    replicas: 5
    startup: { uniform: { min: 1s, max: 3s } }
    termination: { pre_stop: 5s }
    strategy: { max_surge: 1, max_unavailable: 0 }
clients:
  - name: c
    replicas: 20
    discovery: watch
    policy: { pick_first: { shuffle: true } }
    load: { open: { rate: 200 } }
timeline: [{ at: 10s, rollout: s }, { at: 40s, kill: { server: s, pods: 1 } }]
";

/// Pods that refused a connection.
#[derive(Default)]
struct Refusals(BTreeSet<Option<u32>>);

impl Observer for Refusals {
    fn observe(&mut self, _: Time, what: &Observation<'_>) {
        if let Observation::Closed(c) = *what
            && c.reason == Some(CloseReason::Refused)
        {
            self.0.insert(c.pod.map(|p| p.0));
        }
    }
}

#[test]
fn pick_first_dials_what_it_heard_of_last() {
    let refused = over_seeds(&model(KILLED), 1..=20, |Refusals(pods)| pods.len());
    // Only the killed one; the pods from before the restart are on nobody's list any more.
    assert!(refused.iter().all(|&pods| pods <= 1), "{refused:?}");
    assert!(refused.contains(&1), "{refused:?}");
}
