//! What the observer is told at the end of each window, and at the end of the run.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{ConnectionSample, Observation, Observer, PodPhase, PodSample};
use super::super::schedule::Rank;
use super::super::world::Call;
use super::super::{RunEnd, WIDENS_AT, WIDENS_BY};
use crate::ids::{ConnectionIx, Id, PodId};
use crate::units::{Span, Time};

impl<O: Observer> Engine<'_, O> {
    pub(crate) fn on_sample(&mut self) {
        self.sample(false);
        self.widen();
        if let Some(window) = self.options.window {
            self.after(window, Rank::Sampling, Event::Sample);
        }
    }

    /// Windows widen if nobody knows how long the run will be; the recorder merges those that it has at the same moments.
    fn widen(&mut self) {
        if !self.model.windows_widen() {
            return;
        }
        self.windows += 1;
        if self.windows == WIDENS_AT {
            self.windows /= WIDENS_BY;
            self.options.window = self.options.window.map(|window| window * WIDENS_BY as u64);
        }
    }

    /// Samples the pods; those that are gone by now are not sampled again.
    fn sample(&mut self, partial: bool) {
        #[cfg(debug_assertions)]
        self.audit();
        let from = self.window_start;
        let pods = std::mem::take(&mut self.sampled_pods);
        let samples: Vec<PodSample> = pods.iter().map(|&pod| self.sample_pod(pod, from)).collect();
        self.sampled_pods = pods.into_iter().filter(|&p| self.pods[p].phase != PodPhase::Gone).collect();
        let connections = self.sample_connections();
        self.observe(&Observation::Window { from, partial, pods: &samples, connections: &connections });
        self.lookout.extra_work += samples.len() as u64;
        if !self.model.windows_widen() {
            self.lookout.rows += samples.len() as u64;
        }
        self.window_start = self.now;
    }

    /// Those that have ended, in that order, then those that are there, in order of slot; nothing if nobody asks.
    fn sample_connections(&mut self) -> Vec<ConnectionSample> {
        let mut samples = std::mem::take(&mut self.ended_connections);
        if self.samples_connections {
            for index in self.connections.used() {
                samples.extend(self.sample_connection(index, false));
            }
        }
        samples
    }

    /// What a connection did in this window, if it was READY in it and goes to a server's pod.
    pub(crate) fn sample_connection(&mut self, index: ConnectionIx, ended: bool) -> Option<ConnectionSample> {
        let lane = &self.lanes[index];
        let (pod, sent) = (lane.pod, lane.requests);
        let client = self.replicas[self.replica_of(index)].client;
        let c = &mut self.connections[index];
        if c.ready_since == Time::NEVER || self.pods[pod].server.index() >= self.model.servers.len() {
            return None;
        }
        let sent = sent + c.messages;
        let from = self.window_start.max(c.ready_since);
        let to = self.now.min(c.draining_since);
        let ready = if to > from { to.since(from) } else { Span::ZERO };
        let new = sent - std::mem::replace(&mut c.sampled, sent);
        let (owner, opened) = (c.owner, c.opened);
        Some(ConnectionSample { slot: index, client: client.0, owner, pod, opened, ready, sent: new, ended })
    }

    /// Slots of a pod in use, and the slot-time that all its slots have used so far, in ns; CPU time where they share a processor.
    pub(crate) fn work_of(&self, pod: PodId) -> (u32, u64) {
        let concurrency = self.server_of(pod).concurrency;
        let p = &self.pods[pod];
        let in_service = if p.phase == PodPhase::Gone { 0 } else { p.in_service(concurrency) };
        if let Some(sharing) = &p.sharing {
            return (in_service, sharing.used(self.now).0);
        }
        let mut done = p.work_started;
        if in_service > 0 {
            for slot in p.first_slot.series(concurrency) {
                let at = self.slots.get(slot.index());
                if at != u64::MAX {
                    done -= Time(at).since(self.now).0;
                }
            }
        }
        (in_service, done)
    }

    fn sample_pod(&mut self, pod: PodId, from: Time) -> PodSample {
        let (in_service, done) = self.work_of(pod);
        let p = &mut self.pods[pod];
        let now = self.now;
        let mut busy = Span(done - p.work_sampled);
        if let Some(sharing) = &p.sharing {
            busy = busy.min(sharing.most(now.since(from.max(p.created))));
        }
        p.work_sampled += busy.0;
        let periods = p.sharing.as_mut().map(|sharing| sharing.periods(now)).unwrap_or_default();
        PodSample {
            pod,
            phase: p.phase,
            ready_throughout: p.phase == PodPhase::Ready && p.ready_since <= from,
            // Clients of a pod that was killed learn of it half a round trip later.
            connections: if p.phase == PodPhase::Gone { 0 } else { p.established },
            in_flight: in_service + p.queued + p.forwarder.map_or(0, |f| f.under_way),
            queued: p.queued,
            busy,
            periods,
        }
    }

    /// The run is over: what is still open is told as such.
    pub(crate) fn finish(&mut self, at: Time) -> RunEnd {
        self.now = at;
        if self.options.window.is_some() && at > self.window_start {
            let full = self.options.window == Some(at.since(self.window_start));
            self.sample(!full);
        }
        for index in self.calls.used() {
            let call = &self.calls[index];
            if !call.ended && self.originates(call.client) {
                let &Call { client, method, emitted, .. } = call;
                self.observe(&Observation::Unfinished { client: client.0, method, emitted });
            }
        }
        let mut open = self.connections.used();
        open.sort_unstable_by_key(|&c| self.lanes[c].id);
        for index in open {
            let reason = self.connections[index].reason;
            let record = self.record(index, None, reason);
            self.observe(&Observation::OpenAtEnd(&record));
        }
        RunEnd { at, events: self.events }
    }
}
