//! The recorder: makes the `Outcome` of a run out of its observations.
//!
//! It counts, and keeps no request: its memory grows with pods, windows and client replicas, and with connections only where
//! they are kept. What comes with each request is a handful of additions and one step of the digest.
//!
//! Which figures leave out the warmup, and how:
//! - calls (`requests`, latencies) by when they were emitted;
//! - calls that succeeded (`throughput_rps`) by when they did: those under way when the warmup ends are as many as those under way at the end;
//! - requests received (`skew`, `pods[].requests`, `share`) and connections opened (`reconnects_per_s`) by when that happened;
//! - windows (`stray_share`, worst and median window, utilization, warnings) by when they began;
//! - changes (`time_to_balance`) by when they were made.
//!
//! What happens at the very end of the warmup belongs to it, as what happens at the very end of a window belongs to that window:
//! windows and summary agree. A run without a warmup is measured from its first instant on.
//!
//! Traces, digests and `connections` cover the whole run.

use crate::ids::Table;
use crate::metrics::outcome::Outcome;
use crate::model::Model;
use crate::sim::observation::{ConnectionSample, FailureReason, Observation, Observer, PodId, PodPhase, PodSample};
use crate::units::{Span, Time};

use super::arrivals::{Arrivals, call_hash};
use super::bins::Bins;
use super::connections::{ConnectionSink, Connections};
use super::digest::Digest;
use super::events::Events;
use super::failures::Failures;
use super::finish;
use super::histogram::Tally;
use super::latencies::Latencies;
use super::methods::Methods;
use super::parts;
use super::phases::{Known, Phases};
use super::pods::{PodCounts, PodInfo};
use super::windows::{Cell, Window, Windows};

/// What to record beside the summary.
#[derive(Default)]
pub struct Options<'a> {
    /// Goes into the summary as it is.
    pub scenario_hash: String,
    /// Leave `Outcome::windows` and `Outcome::events` empty: for runs of which only the summary is read.
    pub summary_only: bool,
    /// Where the lives of connections go.
    pub connections: ConnectionSink<'a>,
}

/// An observer that makes the `Outcome` of a run.
pub struct Recorder<'a> {
    pub(super) model: &'a Model,
    pub(super) seed: u64,
    pub(super) scenario_hash: String,
    pub(super) summary_only: bool,
    pub(super) warmup: Time,
    /// From then on it is measured: what happens at the very end of the warmup is in the window that ends then, and in the warmup.
    measured_from: Time,
    pub(super) digest: Digest,
    /// By client.
    pub(super) arrivals: Vec<Arrivals>,
    /// Calls emitted in the warmup, and after it.
    pub(super) started: [u64; 2],
    pub(super) failures: Failures,
    pub(super) unfinished: u64,
    /// Calls that succeeded after the warmup, whenever they were emitted.
    pub(super) succeeded: u64,
    pub(super) retries: u64,
    /// Calls that failed without having reached a connection, or on the way to a pod that was gone, in the window that goes on.
    unplaced: u64,
    /// Some expectation is about latencies in a part of the run.
    asked: bool,
    pub(super) methods: Methods,
    /// By pod.
    pub(super) counts: Table<PodId, PodCounts>,
    pub(super) latencies: Latencies,
    /// By pod.
    pub(super) pods: Table<PodId, PodInfo>,
    /// Pods of servers so far, and of gateways.
    rows: [u32; 2],
    pub(super) windows: Windows,
    pub(super) phases: Phases,
    pub(super) bins: Bins,
    pub(super) events: Events,
    pub(super) connections: Connections<'a>,
    /// When a pod became Ready, or ceased to be.
    pub(super) ready_changes: Vec<(Time, PodId)>,
}

impl<'a> Recorder<'a> {
    /// A recorder of one run of `model` with this seed. `window` is the width of the first windows that will be observed. If
    /// neither the model's `window` nor its `duration` is given, they widen as the run goes on, and are merged so that at most 300
    /// are left, by a factor of 1, 2 or 5 times a power of ten.
    #[must_use]
    pub fn new(model: &'a Model, seed: u64, window: Span, options: Options<'a>) -> Self {
        Recorder {
            model,
            seed,
            scenario_hash: options.scenario_hash,
            summary_only: options.summary_only,
            warmup: Time::ZERO + model.warmup,
            measured_from: Time::ZERO + if model.warmup == Span::ZERO { Span::ZERO } else { model.warmup + Span(1) },
            digest: Digest::default(),
            arrivals: vec![Arrivals::default(); model.clients.len()],
            started: [0; 2],
            failures: Failures::new(model.clients.len()),
            unfinished: 0,
            succeeded: 0,
            retries: 0,
            unplaced: 0,
            asked: parts::ask_for_latencies(model),
            methods: Methods::new(model),
            counts: Table::default(),
            latencies: Latencies::default(),
            pods: Table::default(),
            rows: [0; 2],
            windows: Windows::new(window, model.windows_widen()),
            phases: Phases::new(model),
            bins: Bins::new(model),
            events: Events::default(),
            connections: Connections::new(model, options.connections),
            ready_changes: Vec::new(),
        }
    }

    /// The outcome of the run, which ended at `end`. Its `verdict`, `theory`, `expectations` and `runs` are still empty.
    #[must_use]
    pub fn finish(self, end: Time) -> Outcome {
        finish::outcome(self, end)
    }

    #[inline]
    fn measured(&self, at: Time) -> bool {
        at >= self.measured_from
    }

    /// Closes bins that are over.
    #[inline]
    pub(super) fn close_bins(&mut self, at: Time) {
        if self.bins.is_over(at) {
            let received = self
                .counts
                .iter()
                .zip(&self.pods)
                .map(|(counts, info)| counts.received_in_all() + info.messages[0] + info.messages[1]);
            self.bins.close(at, received);
        }
    }

    #[inline]
    fn failed(&mut self, client: u32, method: u16, pod: Option<PodId>, why: FailureReason, emitted: Time) {
        if self.measured(emitted) {
            self.failures.add(client, pod, why);
            self.methods.failed(client, method);
        }
        match pod {
            // A pod that is gone has no row any more.
            Some(pod) if self.pods[pod].phase != PodPhase::Gone => self.counts[pod].errors += 1,
            _ => self.unplaced += 1,
        }
    }

    /// Everything that does not happen for each request.
    #[inline(never)]
    fn rare(&mut self, at: Time, what: &Observation<'_>) {
        if !self.summary_only && !matches!(what, Observation::PodCreated { .. }) {
            self.events.observe(self.model, &self.pods, at, what);
        }
        self.phases.observe(self.model, &self.pods, at, what);
        match *what {
            Observation::Retried { emitted, .. } => self.retries += u64::from(self.measured(emitted)),
            Observation::Unfinished { client, method, emitted } if self.measured(emitted) => {
                self.unfinished += 1;
                self.methods.unfinished(client, method);
            }
            Observation::Message { pod } => {
                self.close_bins(at);
                let measured = self.measured(at);
                let info = &mut self.pods[pod];
                info.messages[usize::from(measured)] += 1;
                info.messages_now += 1;
            }
            Observation::PodCreated { pod, server, revision, number, .. } => {
                debug_assert_eq!(pod.0 as usize, self.pods.len(), "pods are numbered in order of creation");
                let name = format!("{}-{revision}-{number}", self.model.deployment(server as usize).name);
                let gateway = server as usize >= self.model.servers.len();
                let rows = &mut self.rows[usize::from(gateway)];
                let row = std::mem::replace(rows, *rows + 1);
                self.pods.push(PodInfo::new(name, server, (gateway, row), at));
                self.counts.push(PodCounts::default());
                self.latencies.add_pod();
                if !self.summary_only {
                    self.events.observe(self.model, &self.pods, at, what);
                }
            }
            Observation::PodPhase { pod, phase } => {
                let info = &mut self.pods[pod];
                let received = self.counts[pod].received[1] + info.messages[1];
                if info.enter(at, phase, self.warmup, received) && !info.gateway {
                    self.ready_changes.push((at, pod));
                }
            }
            Observation::ReplicaStarted { client, replica } => {
                self.connections.started(self.model, client, replica, at);
            }
            Observation::Resolved { client, replica, addresses } => {
                self.connections.resolved(self.model, client, replica, addresses);
            }
            Observation::Connected { client, replica, pod, .. } => {
                self.pods[pod].opened += 1;
                let measured = self.measured(at);
                self.connections.connected(self.model, client, replica, (at, measured));
            }
            Observation::Closed(record) => self.connections.closed(self.model, &self.pods, record),
            Observation::OpenAtEnd(record) => self.connections.open_at_end(self.model, &self.pods, record),
            Observation::Window { from, partial, pods, connections } => {
                self.window(from, at, partial, pods, connections);
            }
            _ => {}
        }
    }

    fn window(&mut self, from: Time, to: Time, partial: bool, samples: &[PodSample], connections: &[ConnectionSample]) {
        let known = Known { model: self.model, pods: &self.pods, ready_changes: &self.ready_changes };
        let held = self.phases.holds(from, to, known);
        if held {
            self.phases.connections(connections, known);
        }
        let failed = self.unplaced + samples.iter().map(|s| self.failed_since(s.pod)).sum::<u64>();
        let cells = samples.iter().map(|sample| self.cell(sample, held.then(|| to.since(from)))).collect();
        let unplaced = std::mem::take(&mut self.unplaced);
        let reconnects = self.connections.reconnects;
        let known = Known { model: self.model, pods: &self.pods, ready_changes: &self.ready_changes };
        self.phases.pass((from, to), held, (failed, reconnects), known);
        self.windows.push(Window { from, to, partial, cells, unplaced });
    }

    /// Calls that failed at a pod of a server in the window that ends.
    fn failed_since(&self, pod: PodId) -> u64 {
        let (counts, info) = (&self.counts[pod], &self.pods[pod]);
        if info.gateway { 0 } else { counts.errors - info.seen.1 }
    }

    /// What a pod did in the window that ends, and back to zero. `held`: the length of the window, if it lies whole in a phase.
    fn cell(&mut self, sample: &PodSample, held: Option<Span>) -> Cell {
        let (counts, info) = (&mut self.counts[sample.pod], &mut self.pods[sample.pod]);
        info.connections = sample.connections;
        let now = (counts.received_in_all(), counts.errors);
        let (requests, errors) = (now.0 - info.seen.0, now.1 - info.seen.1);
        info.seen = now;
        let messages = std::mem::take(&mut info.messages_now);
        let pod = sample.pod.0 as usize;
        // A window's quantiles are in its rows only, and rows are for runs whose traces are read.
        let asked = self.asked;
        let latency = if self.summary_only && !asked { Tally::default() } else { self.latencies.of(pod) };
        let of_phase =
            held.filter(|_| !info.gateway).map(|length| self.phases.pod(sample, (requests + messages, errors), length));
        self.latencies.take(pod, std::iter::once(&mut info.latency).chain(of_phase), info.gone.is_some());
        let (p50, p99) = (latency.quantile(500), latency.quantile(990));
        let kept = asked || self.windows.merging && !self.summary_only;
        let latency = kept.then(|| Box::new(latency));
        Cell { sample: *sample, requests, messages, errors, p50, p99, latency }
    }
}

impl Observer for Recorder<'_> {
    // Always: where the engine tells of a request the kind is known, and what is left of both matches is a few additions.
    #[inline(always)]
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        if let Observation::Emitted { client, replica, n, demand, key, open } = *what {
            let hash = call_hash(at, replica, n, demand, key, open);
            self.digest.call(at, client, hash);
            self.arrivals[client as usize].add(hash);
            self.started[usize::from(self.measured(at))] += 1;
            return;
        }
        self.digest.observe(at, what);
        match *what {
            Observation::Received { pod, .. } => {
                self.close_bins(at);
                let measured = usize::from(self.measured(at));
                self.counts[pod].received[measured] += 1;
            }
            Observation::Started { .. } => {}
            Observation::Completed { client, method, pod, emitted } => {
                let measured = self.measured(emitted);
                self.succeeded += u64::from(at >= self.warmup);
                self.latencies.record(pod.0, measured, at.since(emitted));
                if measured {
                    self.methods.completed(client, method, at.since(emitted));
                }
            }
            Observation::Failed { client, replica, method, pod, why, emitted } => {
                self.connections.failed(self.model, client, replica, at);
                self.failed(client, method, pod, why, emitted);
            }
            _ => self.rare(at, what),
        }
    }

    fn wants_connections(&self) -> bool {
        !self.summary_only
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Client, Load, Server};
    use crate::sim::observation::Periods;

    /// Of a run whose windows will be merged, thousands are kept meanwhile: they have histograms only where rows need them.
    #[test]
    fn windows_of_a_run_of_which_only_the_summary_is_read_keep_no_histograms() {
        let load = Load::closed(1, Some(1));
        let model = Model::new(vec![Server::new("s", 1)], vec![Client::new("c", load)]);
        for summary_only in [false, true] {
            let options = Options { summary_only, ..Options::default() };
            let mut recorder = Recorder::new(&model, 1, Span::from_millis(1), options);
            let (pod, at) = (PodId(0), Time::ZERO);
            recorder.observe(at, &Observation::PodCreated { pod, server: 0, revision: 1, number: 0, node: 0 });
            recorder.observe(at, &Observation::Completed { client: 0, method: 0, pod, emitted: at });
            let sample = PodSample {
                pod,
                phase: PodPhase::Ready,
                ready_throughout: true,
                connections: 1,
                in_flight: 0,
                queued: 0,
                busy: Span::ZERO,
                periods: Periods::default(),
            };
            let cell = recorder.cell(&sample, None);
            assert_eq!((cell.latency.is_none(), cell.p50.is_none()), (summary_only, summary_only));
            assert_eq!(recorder.pods[PodId(0)].latency.count(), 1, "the run's own histogram has it");
        }
    }
}
