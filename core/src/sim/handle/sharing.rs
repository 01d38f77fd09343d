//! Pods whose requests in service share a processor: how long one stays in its slot depends on who else is in service, so that the
//! slots' times cannot be fixed when they are taken. All requests progress alike (`policy::cpu`), so they end in order of
//! what must have been attained by then, and only the first end has a place in the engine's tree of completions.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::engine::Engine;
use super::super::observation::Observer;
use crate::ids::{Id, PodId, SlotIx};
use crate::model::Cpu;
use crate::narrow::saturating_u64;
use crate::policy::cpu::{Meter, Periods};
use crate::random::{Purpose, number_below};
use crate::units::{Span, Time};

/// What is in service in a pod whose processor is shared.
#[derive(Debug)]
pub(crate) struct Sharing {
    cpu: Cpu,
    meter: Meter,
    /// What must be attained for the request in a slot to be done, and the slot.
    jobs: BinaryHeap<Reverse<(Span, SlotIx)>>,
    /// The slot whose end is in the tree.
    planned: Option<SlotIx>,
    /// By slot of the pod: how long its request waits for others once it has had its CPU time.
    waits: Vec<Span>,
    /// Periods of the limit up to the last sample.
    sampled: Periods,
}

impl Sharing {
    /// CPU time used so far, as the service time that it is a part of.
    pub(crate) fn used(&self, now: Time) -> Span {
        self.cpu.service_of(self.meter.used(&self.cpu, now))
    }

    /// The same that counts in a window of this length, at most: what the cores and the limit give in it. A container may use two
    /// quotas at once, the end of one period and the beginning of the next, and what it used of its cores is rounded to whole ns;
    /// what it used ahead counts in the windows that follow.
    pub(crate) fn most(&self, window: Span) -> Span {
        let part = |of: u64, one: u64| Span(saturating_u64(u128::from(window.0) * u128::from(of) / u128::from(one)));
        let cores = part(self.cpu.cores.0.into(), 1_000);
        let cpu = self.cpu.bandwidth().map_or(cores, |limit| cores.min(part(limit.quota.0, limit.period.0)));
        self.cpu.service_of(cpu).min(window * self.waits.len() as u64)
    }

    /// Periods of the limit since this was asked before.
    pub(crate) fn periods(&mut self, now: Time) -> Periods {
        let (before, sampled) = (self.sampled, self.meter.periods(&self.cpu, now));
        self.sampled = sampled;
        Periods { used: sampled.used - before.used, throttled: sampled.throttled - before.throttled }
    }
}

impl<O: Observer> Engine<'_, O> {
    /// The processor of a new pod. The periods of its limit are its own.
    pub(crate) fn new_sharing(&self, cpu: &Cpu, slots: u32, key: u64) -> Box<Sharing> {
        let draw = self.streams.draw(Purpose::CpuPeriod, key, 0);
        let phase = cpu.bandwidth().map_or(Span::ZERO, |limit| Span(1 + number_below(draw, limit.period.0)));
        let meter = Meter::new(cpu, self.now, phase);
        let waits = vec![Span::ZERO; slots as usize];
        Box::new(Sharing {
            cpu: *cpu,
            meter,
            jobs: BinaryHeap::new(),
            planned: None,
            waits,
            sampled: Periods::default(),
        })
    }

    /// Something that takes `service` enters a slot, all of it CPU time or the usual part of it.
    pub(crate) fn begin_sharing(&mut self, pod: PodId, slot: SlotIx, service: Span, waits: bool) {
        let (now, first) = (self.now, self.pods[pod].first_slot);
        let Some(sharing) = &mut self.pods[pod].sharing else { return };
        let (work, wait) = if waits { sharing.cpu.split(service) } else { (service, Span::ZERO) };
        let attained = sharing.meter.begin(&sharing.cpu, now);
        sharing.jobs.push(Reverse((attained + work, slot)));
        sharing.waits[(slot.0 - first.0) as usize] = wait;
        self.plan(pod);
    }

    /// A slot is done: with its CPU time, or with what came after it. True if it now waits.
    pub(crate) fn begins_to_wait(&mut self, pod: PodId, slot: SlotIx) -> bool {
        let p = &mut self.pods[pod];
        let Some(sharing) = p.sharing.as_mut() else { return false };
        if sharing.planned != Some(slot) {
            // It has waited. What enters the slot next may not be the first to end.
            self.slots.set(slot.index(), u64::MAX);
            return false;
        }
        let wait = sharing.waits[(slot.0 - p.first_slot.0) as usize];
        self.end_sharing(pod);
        if wait > Span::ZERO {
            self.slots.set(slot.index(), (self.now + wait).0);
        }
        wait > Span::ZERO
    }

    /// What ends first has had its CPU time.
    fn end_sharing(&mut self, pod: PodId) {
        let now = self.now;
        let Some(sharing) = &mut self.pods[pod].sharing else { return };
        sharing.meter.end(&sharing.cpu, now);
        sharing.jobs.pop();
        self.plan(pod);
    }

    /// All that was in service is lost.
    pub(crate) fn clear_sharing(&mut self, pod: PodId) {
        let now = self.now;
        let Some(sharing) = &mut self.pods[pod].sharing else { return };
        sharing.meter.clear(&sharing.cpu, now);
        sharing.jobs.clear();
        self.plan(pod);
    }

    /// The number in service has changed: when the first of them ends now.
    fn plan(&mut self, pod: PodId) {
        let Some(sharing) = &mut self.pods[pod].sharing else { return };
        if let Some(before) = sharing.planned.take() {
            self.slots.set(before.index(), u64::MAX);
        }
        if let Some(&Reverse((goal, slot))) = sharing.jobs.peek() {
            sharing.planned = Some(slot);
            self.slots.set(slot.index(), sharing.meter.reaches(&sharing.cpu, goal).0);
        }
    }
}
