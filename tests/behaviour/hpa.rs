//! The HorizontalPodAutoscaler in a running cluster: what it does about one hot pod. Times are those of its real clocks.

use crate::support;

use evenkeel::sim::observation::{Observation, Observer, PodPhase, ScaledBy};
use evenkeel::units::{Span, Time};
use support::runs::{model, over_seeds};

/// What the autoscaler did, and where requests went.
#[derive(Default)]
struct Seen {
    /// (when, from, to, CPU in percent)
    scaled: Vec<(Time, u32, u32, Option<u32>)>,
    /// By pod: when requests reached it.
    received: Vec<Vec<Time>>,
    /// By pod: its revision and phase.
    pods: Vec<(u32, PodPhase)>,
    rolled_out: Option<Time>,
}

impl Observer for Seen {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::PodCreated { revision, .. } => {
                self.received.push(Vec::new());
                self.pods.push((revision, PodPhase::Starting));
            }
            Observation::PodPhase { pod, phase } => self.pods[pod.0 as usize].1 = phase,
            Observation::Received { pod, .. } => self.received[pod.0 as usize].push(at),
            Observation::Scaled { from, to, by: ScaledBy::Hpa { cpu_percent }, .. } => {
                self.scaled.push((at, from, to, cpu_percent));
            }
            Observation::RolloutFinished { .. } => self.rolled_out = Some(at),
            _ => {}
        }
    }
}

impl Seen {
    fn steps(&self) -> Vec<(u32, u32)> {
        self.scaled.iter().map(|s| (s.1, s.2)).collect()
    }

    /// Requests per second of each pod that is Ready at the end, in the last minute of a run that ends at `end`.
    fn rates(&self, end: Span) -> Vec<f64> {
        let from = Time::ZERO + (end - Span::from_secs(60));
        let ready = self.pods.iter().zip(&self.received).filter(|(p, _)| p.1 == PodPhase::Ready);
        ready.map(|(_, times)| times.iter().filter(|t| **t >= from).count() as f64 / 60.0).collect()
    }
}

const RUN: Span = Span::from_secs(20 * 60);

/// Pods with one slot and 60 ms per call: 16.7 calls per second are all that one can do.
fn scenario(replicas: u32, discovery: &str, timeline: &str) -> String {
    format!(
        "name: hpa
duration: 20m
service: {{ type: Headless }}
servers:
  - name: s
    replicas: {replicas}
    concurrency: 1
    service_time: 60ms
    queue_limit: 5
    hpa: {{ max_replicas: 20, target_cpu_utilization: 80% }}
clients:
  - {{ name: c, policy: round_robin, discovery: {discovery}, load: {{ open: {{ rate: 100, arrivals: constant }} }} }}
timeline: [{timeline}]
"
    )
}

fn runs(text: &str) -> Vec<Seen> {
    over_seeds(&model(text), 1..=10, |seen: Seen| seen)
}

/// Nine pods at 60 % and one that is saturated are 64 % on average: at a target of 80 % the autoscaler takes two pods away.
#[test]
fn one_hot_pod_of_ten_is_scaled_down_to_eight() {
    for seen in runs(&scenario(10, "watch", "{ at: 1s, slow: { server: s, factor: 2 } }")) {
        assert_eq!(seen.steps(), [(10, 8)]);
        let (at, _, _, cpu) = seen.scaled[0];
        // Samples of 15 s may cut a call at each end, and the mean is rounded down.
        assert!(matches!(cpu, Some(63 | 64)), "{cpu:?}");
        // Not before 5 min of stabilization are over, and at the next look then.
        let minutes = at.since(Time::ZERO);
        assert!(Span::from_secs(300) < minutes && minutes <= Span::from_secs(345), "at {at}");
    }
}

/// Five saturated pods become seven. The clients do not learn of the two new ones, so these idle; the mean is 71 %, and the
/// autoscaler is content, while five pods stay saturated for the rest of the run.
#[test]
fn five_saturated_pods_become_seven_and_that_is_that() {
    for seen in runs(&scenario(5, "dns", "")) {
        assert_eq!(seen.steps(), [(5, 7)]);
        let (at, _, _, cpu) = seen.scaled[0];
        assert!(matches!(cpu, Some(99 | 100)), "{cpu:?}");
        // Two looks of metrics-server, 15 s apart and at any phase, and then one of the autoscaler's.
        assert!(Span::from_secs(15) <= at.since(Time::ZERO) && at.since(Time::ZERO) <= Span::from_secs(45), "at {at}");
        assert_eq!(seen.rates(RUN), [20.0, 20.0, 20.0, 20.0, 20.0, 0.0, 0.0]);
    }
}

/// The negative control: where clients learn of new pods, the same seven pods share the load and none is saturated.
#[test]
fn with_a_balancer_that_finds_them_new_pods_help() {
    for seen in runs(&scenario(5, "watch", "")) {
        assert_eq!(seen.steps(), [(5, 7)]);
        let rates = seen.rates(RUN);
        assert!(rates.len() == 7 && rates.iter().all(|r| *r < 15.0), "{rates:?}");
    }
}

#[test]
fn its_clocks_have_their_own_phases() {
    let mut times: Vec<Time> = runs(&scenario(5, "dns", "")).iter().map(|seen| seen.scaled[0].0).collect();
    times.sort_unstable();
    times.dedup();
    assert_eq!(times.len(), 10, "another time with each seed: {times:?}");
}

/// It scales while a rollout is under way, and the rollout comes to an end with the new number.
#[test]
fn it_scales_in_the_middle_of_a_rollout() {
    // At a target of 80 % the surge's pods, which count as idle until they are Ready, would hold it back.
    let timeline = "{ at: 10s, rollout: s }";
    let slow_start =
        scenario(5, "watch", timeline).replace("80%", "50%").replace("queue_limit", "startup: 1m\n    queue_limit");
    for seen in runs(&slow_start) {
        let (at, _, to, _) = *seen.scaled.last().expect("it scales");
        let done = seen.rolled_out.expect("the rollout ends");
        let alive: Vec<_> = seen.pods.iter().filter(|p| p.1 == PodPhase::Ready).collect();
        assert!(alive.len() == to as usize && alive.iter().all(|p| p.0 == 2), "{alive:?}, {to} wanted since {at}");
        assert!(done > seen.scaled[0].0, "the rollout was over at {done}: {:?}", seen.scaled);
    }
}
