//! Where round_robin goes on: each stack's channels turn by themselves, and not in step.

use crate::support;

use evenkeel::sim::observation::{Observation, Observer};
use evenkeel::units::Time;
use support::runs::{model, observed, over_seeds};

/// (when, pod) of each request, in order.
#[derive(Default)]
struct Received(Vec<(f64, u32)>);

impl Observer for Received {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        if let Observation::Received { pod, .. } = *what {
            self.0.push((at.as_secs_f64(), pod.0));
        }
    }
}

impl Received {
    /// Requests per pod in `from..to`, of pods `first..first + n`.
    fn counts(&self, from: f64, to: f64, first: u32, n: usize) -> Vec<u32> {
        let mut counts = vec![0; n];
        for &(_, pod) in self.0.iter().filter(|r| (from..to).contains(&r.0) && r.1 >= first) {
            counts[(pod - first) as usize] += 1;
        }
        counts
    }
}

/// X^2 of counts that should be equal, over the mean count: 0 if they are, 1 by chance on average but for one degree of freedom.
fn x2_per_cell(counts: &[u32]) -> f64 {
    let mean = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
    counts.iter().map(|n| (f64::from(*n) - mean).powi(2)).sum::<f64>() / mean / (counts.len() - 1) as f64
}

fn clients(stack: &str, seconds: u32, more: &str) -> String {
    format!(
        "name: turns\nduration: {seconds}s\nservice: {{ type: Headless }}\nservers: [{{ name: s, replicas: 6 }}]\n\
         clients: [{{ name: c, replicas: 60, {stack}, policy: round_robin, load: {{ open: {{ rate: 60, arrivals: constant }} }} }}]\n{more}"
    )
}

/// 60 clients with one call each per second, over 6 pods. Each client's place is uniform and its own, so the 60 calls of a second are
/// multinomial: about 10 per pod. In step, one pod would have all 60 of them. Over 100 seeds the X^2 of one second is 5 on average,
/// with a standard deviation of sqrt(10 / 100): within 4 of them (level 6e-5).
#[test]
fn clients_do_not_turn_in_step() {
    for stack in ["stack: java", "stack: node", "stack: c_core", "stack: go"] {
        let model = model(&clients(stack, 12, ""));
        let x2: Vec<f64> = over_seeds(&model, 1..=100, |seen: Received| {
            let counts = seen.counts(10.0, 11.0, 0, 6);
            assert!((55..=65).contains(&counts.iter().sum::<u32>()), "{counts:?}");
            5.0 * x2_per_cell(&counts)
        });
        let mean = x2.iter().sum::<f64>() / 100.0;
        assert!((mean - 5.0).abs() < 4.0 * 0.1f64.sqrt(), "{stack}: {mean}");
    }
}

/// Over six seconds each client has called each pod once, whatever the stack: the rotation itself is exact.
#[test]
fn each_client_calls_each_pod_in_its_turn() {
    for stack in ["stack: java", "stack: node"] {
        let seen = observed::<Received>(&model(&clients(stack, 130, "")), 1).0;
        let counts = seen.counts(10.0, 130.0, 0, 6);
        assert!(counts.iter().all(|n| n.abs_diff(1_200) <= 60), "{stack}: {counts:?}");
    }
}

/// Envoys that each have a counter of their own: when a sixth pod joins five, their places are uniform over all six, and not over
/// those five that they were at. Over 200 seeds of 60 replicas, the first call of each after that goes to the pods alike: X^2 with 5
/// degrees of freedom over 12,000 calls is below 25.7 (level 1e-4).
#[test]
fn envoys_counter_goes_on_when_a_host_joins() {
    let text = "name: joins\nduration: 13s\ncluster: { endpoint_lag: 0s }\nservers: [{ name: s, replicas: 5, startup: 1s }]\n\
                clients: [{ name: c, replicas: 60, via: istio, policy: round_robin, load: { open: { rate: 60, arrivals: constant } } }]\n\
                timeline: [{ at: 10s, scale: { server: s, replicas: 6 } }]\n";
    let model = model(text);
    let all: Vec<Vec<u32>> = over_seeds(&model, 1..=200, |seen: Received| seen.counts(11.2, 12.2, 0, 6));
    let counts: Vec<u32> = (0..6).map(|pod| all.iter().map(|c| c[pod]).sum()).collect();
    assert!(5.0 * x2_per_cell(&counts) < 25.7, "{counts:?}");
}

/// grpc-js asks which subchannel would have been next, and goes on there when the list changes; a counter is anywhere then. One client, three
/// pods, a fourth one from 6 s on; 40 seeds.
#[test]
fn grpc_js_goes_on_with_the_next_subchannel() {
    let goes_on = |start: &str| {
        let text = format!(
            "name: next\nduration: 10s\ncluster: {{ endpoint_lag: 0s }}\nservers: [{{ name: s, replicas: 3, startup: 1s }}]\n\
             clients: [{{ name: c, discovery: watch, policy: {{ round_robin: {{ start: {start} }} }}, \
             load: {{ open: {{ rate: 10, arrivals: constant }} }} }}]\n\
             timeline: [{{ at: 5s, scale: {{ server: s, replicas: 4 }} }}]\n"
        );
        over_seeds(&model(&text), 1..=40, |seen: Received| {
            let pods: Vec<u32> = seen.0.iter().map(|r| r.1).collect();
            // The list changes at 6 s; the connection to the new pod is READY before the next call.
            let last = seen.0.iter().rposition(|r| r.0 < 6.0).expect("there were calls");
            assert!(pods[last..].contains(&3));
            pods[last + 1] == (pods[last] + 1) % 3
        })
    };
    assert!(goes_on("next_subchannel").into_iter().all(|same| same));
    let by_counter = goes_on("continue").into_iter().filter(|same| *same).count();
    assert!(by_counter < 30, "{by_counter} of 40");
}
