//! Pods that are not alike: several Deployments behind one Service, other machines, slow pods and cold ones.

use crate::support;

use evenkeel::model::WarmUp;
use evenkeel::policy::warm_up;
use evenkeel::sim::observation::{Observation, Observer, PodPhase};
use evenkeel::units::{Span, Time};
use support::runs::{model, observed, over_seeds};
use support::stats::x2_across_seeds;

const RTT: Span = Span::from_millis(2);
const MS: fn(u64) -> Span = Span::from_millis;

/// Who served, and how long it took in the slot: loads are so small that nothing waits.
#[derive(Default)]
struct Served {
    /// By pod: its server.
    servers: Vec<u32>,
    /// By pod: when it last became Ready.
    ready: Vec<Time>,
    /// (pod, began service, time in the slot)
    calls: Vec<(usize, Time, Span)>,
}

impl Observer for Served {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::PodCreated { server, .. } => {
                self.servers.push(server);
                self.ready.push(Time::NEVER);
            }
            Observation::PodPhase { pod, phase: PodPhase::Ready } => self.ready[pod.0 as usize] = at,
            Observation::Completed { pod, emitted, .. } => {
                let half = Span(RTT.0 / 2);
                self.calls.push((pod.0 as usize, emitted + half, at.since(emitted) - RTT));
            }
            _ => {}
        }
    }
}

impl Served {
    /// Distinct times in the slots of these pods, of what began in `from..to`, in order.
    fn times(&self, pods: impl Fn(usize) -> bool, from: u64, to: u64) -> Vec<Span> {
        let inside = |at: Time| MS(from) <= at.since(Time::ZERO) && at.since(Time::ZERO) < MS(to);
        let mut times: Vec<Span> = self.calls.iter().filter(|c| pods(c.0) && inside(c.1)).map(|c| c.2).collect();
        times.sort_unstable();
        times.dedup();
        times
    }
}

/// One client with round_robin, 100 calls per second, from which nothing waits after the first second.
fn scenario(servers: &str, timeline: &str) -> String {
    format!(
        "name: unequal
duration: 20s
cluster: {{ nodes: 1, rtt: 2ms, endpoint_lag: 10ms }}
service: {{ type: Headless }}
servers: [{servers}]
clients: [{{ name: c, policy: round_robin, discovery: watch, load: {{ open: {{ rate: 100, arrivals: constant }} }} }}]
timeline: [{timeline}]
"
    )
}

fn served(servers: &str, timeline: &str) -> Served {
    observed::<Served>(&model(&scenario(servers, timeline)), 1).0
}

#[test]
fn speed_divides_the_time_in_a_slot() {
    let servers = "{ name: old, replicas: 2, service_time: 8ms }, { name: new, service_time: 8ms, speed: 2 }";
    let run = served(servers, "");
    assert_eq!(run.times(|p| run.servers[p] == 0, 1_000, 20_000), [MS(8)]);
    assert_eq!(run.times(|p| run.servers[p] == 1, 1_000, 20_000), [MS(4)]);
}

/// A canary is one pod in ten, and gets a tenth: nobody in the path knows of Deployments.
#[test]
fn a_canary_gets_its_share_by_pods() {
    let servers = "{ name: stable, replicas: 9, service_time: 1ms }, { name: canary, service_time: 1ms }";
    let run = served(servers, "");
    let counts = |p: usize| run.calls.iter().filter(|c| c.0 == p && c.1 >= Time::ZERO + MS(1_000)).count();
    let all: Vec<usize> = (0..10).map(counts).collect();
    assert!(all.iter().max().unwrap() - all.iter().min().unwrap() <= 1, "rotation: {all:?}");
    // kube-proxy draws: 1,000 connections of a call each, level 1 % over seeds 1 to 200.
    let text = format!(
        "name: canary\nduration: 1h\ncluster: {{ rtt: 2ms }}\nservers: [{servers}]\n\
         clients: [{{ name: c, protocol: http1, load: {{ closed: {{ concurrency: 1, requests: 1000 }} }} }}]\n"
    );
    let counts =
        |run: Served| (0..10).map(|p| run.calls.iter().filter(|c| c.0 == p).count() as u64).collect::<Vec<u64>>();
    let p = x2_across_seeds(&over_seeds(&model(&text), 1..=200, counts));
    assert!(p > 0.01, "p = {p}");
}

#[test]
fn a_slow_pod_is_slow_for_as_long_as_said() {
    let slow = "{ at: 5s, slow: { server: s, pods: 2, factor: 3, for: 5s } }";
    let run = served("{ name: s, replicas: 4, service_time: 2ms }", slow);
    // As for a kill: the pods that have been Ready longest.
    assert_eq!(run.times(|p| p < 2, 1_000, 5_000), [MS(2)]);
    assert_eq!(run.times(|p| p < 2, 5_000, 10_000), [MS(6)]);
    assert_eq!(run.times(|p| p < 2, 10_000, 20_000), [MS(2)]);
    assert_eq!(run.times(|p| p >= 2, 1_000, 20_000), [MS(2)]);
}

#[test]
fn a_newer_slowness_replaces_an_older_one_and_outlives_the_container() {
    let slow = "{ at: 5s, slow: { server: s, factor: 3, for: 5s } }, { at: 8s, slow: { server: s, factor: 2 } },
        { at: 12s, kill: { server: s } }";
    let run = served("{ name: s, replicas: 2, service_time: 2ms, startup: 1s }", slow);
    assert_eq!(run.times(|p| p == 0, 5_000, 8_000), [MS(6)]);
    assert_eq!(run.times(|p| p == 0, 8_000, 12_000), [MS(4)]);
    assert_eq!(run.times(|p| p == 0, 14_000, 20_000), [MS(4)]);
    assert_eq!(run.times(|p| p == 1, 1_000, 20_000), [MS(2)]);
}

#[test]
fn pods_of_the_start_are_warm_and_new_ones_warm_up() {
    const CURVE: WarmUp = WarmUp { initial: 0.25, time: Span::from_secs(6) };
    let server =
        "{ name: s, replicas: 2, service_time: 2ms, speed: 0.5, startup: 1s, warm_up: { initial: 25%, time: 6s } }";
    let run = served(server, "{ at: 5s, scale: { server: s, replicas: 3 } }");
    assert_eq!(run.times(|p| p < 2, 1_000, 20_000), [MS(4)]);
    let new: Vec<_> = run.calls.iter().filter(|c| c.0 == 2).collect();
    assert!(new.len() > 300 && run.ready[2] == Time::ZERO + MS(6_000), "{} calls, Ready {}", new.len(), run.ready[2]);
    for &&(_, began, took) in &new {
        let age = began.since(run.ready[2]);
        assert_eq!(took, warm_up::duration(&CURVE, age, MS(4)), "{age}");
    }
    // The curve makes a difference: about 16 ms at first, 4 at last.
    assert!(new[0].2 > MS(14) && new[new.len() - 1].2 == MS(4), "{:?}", new[0]);
}
