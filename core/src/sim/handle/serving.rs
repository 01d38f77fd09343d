//! What happens inside a pod: slots, and one queue in front of them.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{FailureReason, Handled, NO_METHOD, Observation, Observer};
use super::super::schedule::Rank;
use super::super::world::{CallState, Handle, Job};
use crate::ids::{CallIx, ConnectionIx, Id, PodId, SlotIx};
use crate::narrow::u16_of;
use crate::units::{Span, Time};

impl<O: Observer> Engine<'_, O> {
    /// A request asks a pod to be served.
    #[inline]
    pub(crate) fn admit_call(&mut self, pod: PodId, index: CallIx) {
        let p = &mut self.pods[pod];
        p.requests += 1;
        if let Some(slot) = p.idle.pop() {
            let slot = p.first_slot.plus(slot.into());
            return self.start(pod, slot, Job::Call(index), Span::ZERO);
        }
        if p.forwarder.is_some() {
            return self.forward(pod, index);
        }
        let call = &mut self.calls[index];
        if p.settings.queue_limit.is_some_and(|limit| p.queued >= limit) {
            p.refused += 1;
            call.failure = Some(FailureReason::QueueFull);
            call.state = CallState::Returning;
            self.tell_handled(pod, index, Handled::Refused);
            return self.responses.push(self.now + self.to_client, index);
        }
        call.state = CallState::Queued;
        p.queue.push_back((Job::Call(index), self.now));
        p.queued += 1;
    }

    /// A connection asks a pod to be accepted, where that takes a slot.
    pub(crate) fn admit_handshake(&mut self, pod: PodId, connection: Handle<ConnectionIx>) {
        self.admit_job(pod, Job::Handshake(connection));
    }

    /// A message of a stream asks to be served. If the queue is full it is lost, and nobody asks for it.
    pub(crate) fn admit_message(&mut self, pod: PodId, draw: u32) {
        let p = &mut self.pods[pod];
        p.requests += 1;
        if p.idle.is_empty() && p.settings.queue_limit.is_some_and(|limit| p.queued >= limit) {
            p.refused += 1;
        } else {
            self.admit_job(pod, Job::Message(draw));
        }
    }

    fn admit_job(&mut self, pod: PodId, job: Job) {
        let p = &mut self.pods[pod];
        match p.idle.pop() {
            Some(slot) => {
                let slot = p.first_slot.plus(slot.into());
                self.start(pod, slot, job, Span::ZERO);
            }
            None => {
                p.queue.push_back((job, self.now));
                p.queued += 1;
            }
        }
    }

    #[inline]
    fn start(&mut self, pod: PodId, slot: SlotIx, job: Job, waited: Span) {
        let p = &self.pods[pod];
        let takes = match job {
            Job::Call(index) => {
                let call = &mut self.calls[index];
                call.state = CallState::InService;
                let work = p.settings.service_time.sample(call.demand);
                let work = if call.method == NO_METHOD { work } else { self.costs(index, work) };
                if self.pods[pod].errors.is_some() { self.served_or_not(pod, index, work) } else { work }
            }
            Job::Message(draw) => p.settings.service_time.sample(u64::from(draw) << 32),
            Job::Handshake(_) | Job::Idle => p.settings.handshake_time,
        };
        self.slot_jobs[slot] = job;
        let p = &mut self.pods[pod];
        if p.pace.even {
            p.work_started += takes.0;
            self.slots.set(slot.index(), (self.now + takes).0);
        } else {
            self.start_unevenly(pod, slot, takes);
        }
        if matches!(job, Job::Call(_)) {
            self.observe(&Observation::Started { pod, waited });
        }
    }

    #[inline(never)]
    fn start_unevenly(&mut self, pod: PodId, slot: SlotIx, work: Span) {
        let p = &mut self.pods[pod];
        let takes = p.pace.of(p.settings, work, self.now);
        if p.sharing.is_some() {
            let waits = !matches!(self.slot_jobs[slot], Job::Handshake(_));
            return self.begin_sharing(pod, slot, takes, waits);
        }
        p.work_started += takes.0;
        self.slots.set(slot.index(), (self.now + takes).0);
    }

    /// The first of all slots is done: its job leaves, the next one enters.
    #[inline]
    pub(crate) fn on_completion(&mut self) {
        let slot = SlotIx::of(self.slots.argmin());
        let pod = self.slot_pods[slot];
        if !self.pods[pod].pace.even && self.begins_to_wait(pod, slot) {
            return;
        }
        match self.slot_jobs[slot] {
            Job::Call(index) => {
                self.tell_handled(pod, index, self.how_handled(index));
                let call = &mut self.calls[index];
                if call.ended {
                    self.calls.free(index);
                } else {
                    call.state = CallState::Returning;
                    self.responses.push(self.now + self.to_client, index);
                }
            }
            Job::Handshake(connection) if self.connections.get(connection).is_some() => {
                let takes = self.to_client + self.connect_time(connection.index);
                self.after(takes, Rank::World, Event::Connected(connection));
            }
            Job::Handshake(_) | Job::Message(_) | Job::Idle => {}
        }
        match self.next_job(pod) {
            Some((job, since)) => self.start(pod, slot, job, self.now.since(since)),
            None => {
                self.slots.set(slot.index(), u64::MAX);
                self.slot_jobs[slot] = Job::Idle;
                let p = &mut self.pods[pod];
                p.idle.push(u16_of(slot.index() - p.first_slot.index()));
            }
        }
    }

    /// Takes the first live job from a pod's queue.
    #[inline]
    fn next_job(&mut self, pod: PodId) -> Option<(Job, Time)> {
        loop {
            let (job, since) = self.pods[pod].queue.pop_front()?;
            match job {
                Job::Call(index) if self.calls[index].ended => self.calls.free(index),
                Job::Handshake(connection) if self.connections.get(connection).is_none() => {
                    self.pods[pod].queued -= 1;
                }
                _ => {
                    self.pods[pod].queued -= 1;
                    return Some((job, since));
                }
            }
        }
    }

    /// A call in a pod's queue has ended: it frees its place at once, and its memory when it comes to the front.
    pub(crate) fn leave_queue(&mut self, pod: PodId) {
        let p = &mut self.pods[pod];
        p.queued -= 1;
        while let Some(&(Job::Call(index), _)) = p.queue.front() {
            if !self.calls[index].ended {
                return;
            }
            p.queue.pop_front();
            self.calls.free(index);
        }
    }

    /// A pod dies: what it was working on is lost, and its slots are idle.
    pub(crate) fn lose_work(&mut self, pod: PodId) {
        self.close_gateway(pod);
        let concurrency = self.server_of(pod).concurrency;
        let first = self.pods[pod].first_slot;
        let shared = self.pods[pod].sharing.is_some();
        let mut lost: Vec<Job> = Vec::new();
        for slot in first.series(concurrency) {
            let job = std::mem::replace(&mut self.slot_jobs[slot], Job::Idle);
            if job == Job::Idle {
                continue;
            }
            if !shared {
                self.pods[pod].work_started -= Time(self.slots.get(slot.index())).since(self.now).0;
            }
            self.slots.set(slot.index(), u64::MAX);
            lost.push(job);
        }
        self.clear_sharing(pod);
        let p = &mut self.pods[pod];
        lost.extend(p.queue.drain(..).map(|(job, _)| job));
        p.queued = 0;
        p.idle = all_idle(concurrency);
        for job in lost {
            if let Job::Call(index) = job {
                let call = &mut self.calls[index];
                if call.ended {
                    self.calls.free(index);
                } else {
                    call.state = CallState::Lost;
                }
            }
        }
    }
}

/// All slots of a pod, the first one to be used first.
pub(super) fn all_idle(concurrency: u32) -> Vec<u16> {
    (0..=u16::MAX).take(concurrency as usize).rev().collect()
}
