//! Runs the scenarios of `tests/lab/scenarios/` and keeps of each run what the lab recorded of its real counterpart.

use std::path::Path;

use evenkeel::model::Model;
use evenkeel::scenario::load;
use evenkeel::sim::observation::{Observation, Observer, PodPhase, Status};
use evenkeel::sim::{Options, simulate_dyn};
use evenkeel::units::Time;
use rayon::prelude::*;

/// The scenario of that name, with overrides as `--set` takes them.
pub fn scenario(name: &str, sets: &[&str]) -> Model {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/lab/scenarios/{name}.yaml"));
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    load(&path, &sets).unwrap_or_else(|errors| panic!("{name}: {errors:?}")).model
}

/// What `of` says of the runs with seeds 1 to `runs`, in order.
pub fn replays<T: Send>(model: &Model, runs: u64, of: impl Fn(&Trace) -> T + Sync) -> Vec<T> {
    (1..=runs).into_par_iter().map(|seed| of(&replay(model, seed))).collect()
}

/// One run.
pub fn replay(model: &Model, seed: u64) -> Trace {
    let mut trace = Trace::default();
    simulate_dyn(model, seed, Options::default(), &mut trace).expect("a run that ends");
    trace
}

/// One run. Times are in seconds; pods are numbered from 0 in order of creation, replicas (channels) from 0.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Requests at pods: (when, pod, replica), in the order in which they were sent.
    pub received: Vec<(f64, usize, usize)>,
    /// Responses: (made, done, pod).
    pub completed: Vec<(f64, f64, usize)>,
    /// Calls that failed: (made, failed, how).
    pub failed: Vec<(f64, f64, Status)>,
    /// Calls made.
    pub calls: u64,
    /// Connections that became READY: (when, pod).
    pub connected: Vec<(f64, usize)>,
    /// Connections that were placed and ended: (dialled, closed).
    pub lives: Vec<(f64, f64)>,
    /// Pods of the connections in use at the end.
    pub at_end: Vec<usize>,
    /// Answers of DNS: (when, replica).
    pub resolved: Vec<(f64, usize)>,
    /// When each pod became Ready, in order of pods; those of the start at 0.
    pub ready: Vec<f64>,
    /// When pods got SIGTERM.
    pub sigterms: Vec<f64>,
    /// By connection: its replica.
    replicas: Vec<usize>,
}

impl Trace {
    /// Requests per pod, of five.
    pub fn per_pod(&self) -> [u64; 5] {
        let mut counts = [0; 5];
        self.received.iter().for_each(|r| counts[r.1] += 1);
        counts
    }

    /// Connections that became READY per pod, of five.
    pub fn connections_per_pod(&self) -> [u64; 5] {
        let mut counts = [0; 5];
        self.connected.iter().for_each(|c| counts[c.1] += 1);
        counts
    }
}

impl Observer for Trace {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        let now = at.as_secs_f64();
        match *what {
            Observation::Emitted { .. } => self.calls += 1,
            Observation::Received { pod, connection } => {
                self.received.push((now, pod.0 as usize, self.replicas[connection.0 as usize]));
            }
            Observation::Completed { pod, emitted, .. } => {
                self.completed.push((emitted.as_secs_f64(), now, pod.0 as usize));
            }
            Observation::Failed { why, emitted, .. } => self.failed.push((emitted.as_secs_f64(), now, why.status())),
            Observation::Dialled { replica, .. } => self.replicas.push(replica as usize),
            Observation::Connected { pod, .. } => self.connected.push((now, pod.0 as usize)),
            Observation::Closed(c) if c.pod.is_some() => {
                let closed = c.closed.expect("it has ended");
                self.lives.push((c.opened.as_secs_f64(), closed.as_secs_f64()));
            }
            Observation::OpenAtEnd(c) if c.draining.is_none() => self.at_end.extend(c.pod.map(|p| p.0 as usize)),
            Observation::Resolved { replica, .. } => self.resolved.push((now, replica as usize)),
            Observation::PodCreated { .. } => self.ready.push(f64::NAN),
            Observation::PodPhase { pod, phase: PodPhase::Ready } => self.ready[pod.0 as usize] = now,
            Observation::PodDraining { .. } => self.sigterms.push(now),
            _ => {}
        }
    }
}
