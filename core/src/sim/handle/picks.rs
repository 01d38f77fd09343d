//! Picks that ask more than whose turn it is.

use super::super::engine::Engine;
use super::super::observation::{FailureReason, Observer};
use super::super::plans::Plan;
use super::super::world::{Handle, reach};
use crate::model::Policy;
use crate::policy::peak_ewma::PeakEwma;
use crate::policy::{least_request, p2c};
use crate::random::{below, mix};
use crate::units::Time;

impl<O: Observer> Engine<'_, O> {
    /// Sends `call` on the connection that the policy of its channel picks, which is READY. The draws come from the call's own, so
    /// that no pick shifts those of another.
    #[inline(never)]
    pub fn send_by_policy(&mut self, index: u32, call: Handle) {
        let mut drawn = self.calls.items[call.index as usize].draws();
        let mut draw = || {
            drawn = mix(drawn, PICK);
            drawn
        };
        let pools = self.channels[index as usize].pools;
        if !pools {
            self.dial_for_call(index);
        }
        let picked =
            if pools { self.pick_pool(index, call, &mut draw) } else { self.pick_ready(index, call, &mut draw) };
        match picked {
            Some(connection) if !pools => self.send(call, connection),
            Some(connection) if self.takes_on(index, connection) => {
                self.send(call, connection);
                self.after_send(index, connection);
            }
            Some(_) => self.fail_fast(call, index, FailureReason::CircuitBreaker),
            None => self.fail_fast(call, index, self.why_nobody(index)),
        }
    }

    /// Why a policy picks nobody: all hosts are left out, or there is none.
    fn why_nobody(&self, index: u32) -> FailureReason {
        let channel = &self.channels[index as usize];
        if channel.subchannels.iter().any(|s| self.is_ejected(index, s.address)) {
            FailureReason::NoHealthyHost
        } else {
            channel.trouble
        }
    }

    /// Without back-off a connection that failed is tried again with the next call, which goes on one that is READY.
    fn dial_for_call(&mut self, index: u32) {
        let channel = &self.channels[index as usize];
        if channel.ready as usize == channel.subchannels.len() || self.settings(index).backoff.is_some() {
            return;
        }
        self.dial_idle(index, true);
    }

    /// One of the READY connections.
    fn pick_ready(&mut self, index: u32, call: Handle, draw: &mut impl FnMut() -> u64) -> Option<u32> {
        if self.channels[index as usize].policy.hashes() {
            let i = self.pick_by_key(index, call)?;
            return Some(self.channels[index as usize].subchannels[i].connection);
        }
        let (channel, lanes, now) = (&mut self.channels[index as usize], &mut self.lanes, self.now);
        lanes.settle();
        let n = channel.picker.len();
        if n == 0 {
            return None;
        }
        let picked = match *channel.policy {
            Policy::PickFirst { .. } | Policy::RoundRobin { .. } => Some(channel.take_turn()),
            Policy::WeightedRoundRobin(_) => match channel.plan.as_deref_mut() {
                Some(Plan::Stride(stride)) => stride.pick(),
                _ => None,
            },
            Policy::RingHash { .. } | Policy::Maglev { .. } | Policy::Counted(_) => None,
            Policy::Random => Some(below(draw(), n)),
            Policy::LeastRequest { choice_count } => {
                let waiting = |c: u32| self.connections.items[c as usize].waiting.len() as u32;
                let picker = &channel.picker;
                let outstanding = |i: usize| lanes.settled(picker[i]) + waiting(picker[i]);
                least_request::of_choices(n, choice_count, outstanding, draw)
            }
            Policy::PeakEwma { decay, .. } => {
                let load = |i: usize| {
                    let c = channel.picker[i];
                    self.ewma[c as usize].load(now, lanes.settled(c), decay)
                };
                p2c::pick(n, load, draw)
            }
        };
        picked.and_then(|i| self.channels[index as usize].picker.get(i)).copied()
    }

    /// A connection of a channel has become READY: nothing is known yet of how fast it answers.
    pub fn begin_measuring(&mut self, index: u32, connection: u32) {
        match *self.channels[index as usize].policy {
            Policy::PeakEwma { default_rtt, .. } => {
                let fresh = PeakEwma::new(default_rtt, self.now);
                *reach(&mut self.ewma, connection, fresh) = fresh;
            }
            Policy::WeightedRoundRobin(_) => self.begin_weighing(connection),
            _ => {}
        }
    }

    /// A call on a connection has ended: with a response, or given up.
    #[inline(always)]
    pub fn learn(&mut self, connection: u32, sent: Time, failure: Option<FailureReason>) {
        if self.learns {
            self.learn_from(connection, sent, failure);
        }
    }

    #[inline(never)]
    fn learn_from(&mut self, connection: u32, sent: Time, failure: Option<FailureReason>) {
        if self.lanes[connection].http1 {
            return;
        }
        let (owner, address) = {
            let c = &self.connections.items[connection as usize];
            (c.owner, c.address)
        };
        match *self.channels[owner as usize].policy {
            Policy::PeakEwma { decay, .. } => {
                self.ewma[connection as usize].complete(self.now, self.now.since(sent), decay);
            }
            // What the client gave up carries no report.
            Policy::WeightedRoundRobin(weighing) if failure.is_none_or(|f| f == FailureReason::QueueFull) => {
                self.weigh(connection, &weighing);
            }
            _ => {}
        }
        self.judge(owner, address, failure);
    }
}

/// Sets the draws of picks apart from other uses of a call's own.
const PICK: u64 = 0x5049_434b;
