//! Runs of small scenarios written as YAML, and an observer that knows which connections were where.

use std::ops::RangeInclusive;

use evenkeel::model::Model;
use evenkeel::sim::observation::{CloseReason, Observation, Observer, PodPhase};
use evenkeel::sim::{Options, RunEnd, simulate_dyn};
use evenkeel::units::Time;
use rayon::prelude::*;

/// The model of a scenario's text.
pub fn model(text: &str) -> Model {
    match evenkeel::scenario::parse("test.yaml", text, None, &[]) {
        Ok(loaded) => loaded.model,
        Err(problems) => panic!("{problems}\n{text}"),
    }
}

/// Runs `model` with this seed, seen by a new observer.
pub fn observed<O: Observer + Default>(model: &Model, seed: u64) -> (O, RunEnd) {
    let mut observer = O::default();
    let end = simulate_dyn(model, seed, Options::default(), &mut observer).expect("the run ends");
    (observer, end)
}

/// What `read` makes of the runs with these seeds, in order of seed.
pub fn over_seeds<O, T>(model: &Model, seeds: RangeInclusive<u64>, read: impl Fn(O) -> T + Sync) -> Vec<T>
where
    O: Observer + Default,
    T: Send,
{
    let one = |seed| read(observed::<O>(model, seed).0);
    seeds.into_par_iter().map(one).collect()
}

/// Established connections and their ends.
#[derive(Default)]
pub struct Connections {
    /// By connection: the client's replica.
    replicas: Vec<u32>,
    /// (when, pod, +1 or -1) for connections that became READY or took no new calls from then on.
    changes: Vec<(Time, usize, i64)>,
    /// Pods in order of becoming Ready.
    pub ready: Vec<usize>,
    /// (when, the client's replica, why) of connections that took no new calls from then on.
    pub drained: Vec<(Time, u32, CloseReason)>,
    /// (when, connections) of pods that got SIGTERM.
    pub sigterms: Vec<(Time, u64)>,
    /// When the last rollout was complete.
    pub rolled_out: Option<Time>,
}

impl Observer for Connections {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::Dialled { replica, .. } => self.replicas.push(replica),
            Observation::Connected { pod, .. } => self.changes.push((at, pod.0 as usize, 1)),
            Observation::Draining { connection, pod, reason } => {
                self.changes.push((at, pod.0 as usize, -1));
                self.drained.push((at, self.replicas[connection.0 as usize], reason));
            }
            Observation::PodPhase { pod, phase: PodPhase::Ready } => self.ready.push(pod.0 as usize),
            Observation::PodDraining { connections, .. } => self.sigterms.push((at, u64::from(connections))),
            Observation::RolloutFinished { .. } => self.rolled_out = Some(at),
            _ => {}
        }
    }
}

impl Connections {
    /// Connections per pod just after everything that happened at `at`, in order of the pods' creation.
    pub fn at(&self, at: Time) -> Vec<u64> {
        let mut counts = vec![0i64; self.ready.len()];
        self.changes.iter().take_while(|c| c.0 <= at).for_each(|c| counts[c.1] += c.2);
        counts.into_iter().map(|c| u64::try_from(c).expect("no pod has less than nothing")).collect()
    }

    /// Connections per pod at the end.
    pub fn at_end(&self) -> Vec<u64> {
        self.at(Time::NEVER)
    }

    /// Time average of the connections per pod over `from..to`.
    pub fn average(&self, from: Time, to: Time) -> Vec<f64> {
        let mut area = vec![0.0; self.ready.len()];
        for &(at, pod, change) in self.changes.iter().take_while(|c| c.0 < to) {
            area[pod] += change as f64 * to.since(at.max(from)).as_secs_f64();
        }
        area.into_iter().map(|a| a / to.since(from).as_secs_f64()).collect()
    }

    /// How many replicas lost a connection in `(from, to]`; each of them has one.
    pub fn redialled(&self, from: Time, to: Time) -> u64 {
        let mut replicas: Vec<u32> = self.drained.iter().filter(|d| from < d.0 && d.0 <= to).map(|d| d.1).collect();
        replicas.sort_unstable();
        replicas.dedup();
        replicas.len() as u64
    }
}

/// So many seconds after the start.
pub fn second(s: f64) -> Time {
    Time((s * 1e9).round() as u64)
}
