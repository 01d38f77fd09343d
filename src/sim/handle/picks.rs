//! Picks that ask more than whose turn it is.

use super::super::engine::Engine;
use super::super::observation::Observer;
use super::super::world::Handle;
use crate::policy::peak_ewma::PeakEwma;
use crate::policy::{least_request, p2c};
use crate::random::{below, mix};
use crate::scenario::model::Policy;
use crate::units::Time;

impl<O: Observer> Engine<'_, O> {
    /// Sends `call` on the connection that the policy of its channel picks, which is READY. The draws come from the call's own, so
    /// that no pick shifts those of another.
    #[inline(never)]
    pub fn send_by_policy(&mut self, index: u32, call: Handle) {
        let mut drawn = self.calls.items[call.index as usize].demand;
        let mut draw = || {
            drawn = mix(drawn, PICK);
            drawn
        };
        let pools = self.channels[index as usize].pools;
        let picked = if pools { self.pick_host(index, &mut draw) } else { self.pick_ready(index, &mut draw) };
        match picked {
            Some(connection) if !pools || self.takes_on(index, connection) => self.send(call, connection),
            _ => self.fail_fast(call, index),
        }
    }

    /// One of the READY connections.
    fn pick_ready(&mut self, index: u32, draw: &mut impl FnMut() -> u64) -> Option<u32> {
        let channel = &self.channels[index as usize];
        let (picker, lanes, now) = (&channel.picker, &mut self.lanes, self.now);
        lanes.settle();
        let picked = match channel.policy {
            Policy::PickFirst { .. } | Policy::RoundRobin { .. } => None,
            Policy::Random => Some(below(draw(), picker.len())),
            Policy::LeastRequest { choice_count } => {
                let waiting = |c: u32| self.connections.items[c as usize].waiting.len() as u32;
                let outstanding = |i: usize| lanes.settled(picker[i]) + waiting(picker[i]);
                least_request::of_choices(picker.len(), choice_count, outstanding, draw)
            }
            Policy::PeakEwma { decay, .. } => {
                let load = |i: usize| {
                    let c = picker[i];
                    self.ewma[c as usize].load(now, lanes.settled(c), decay)
                };
                p2c::pick(picker.len(), load, draw)
            }
        };
        picked.and_then(|i| picker.get(i)).copied()
    }

    /// A connection of a channel has become READY: nothing is known yet of how fast it answers.
    pub fn begin_measuring(&mut self, index: u32, connection: u32) {
        if let Policy::PeakEwma { default_rtt, .. } = self.channels[index as usize].policy {
            let fresh = PeakEwma::new(default_rtt, self.now);
            if self.ewma.len() <= connection as usize {
                self.ewma.resize(connection as usize + 1, fresh);
            }
            self.ewma[connection as usize] = fresh;
        }
    }

    /// A call on a connection has ended, however it did.
    #[inline(always)]
    pub fn measure(&mut self, connection: u32, sent: Time) {
        if !self.ewma.is_empty() {
            self.measure_peak(connection, sent);
        }
    }

    #[inline(never)]
    fn measure_peak(&mut self, connection: u32, sent: Time) {
        if self.lanes[connection].http1 {
            return;
        }
        let owner = self.connections.items[connection as usize].owner;
        if let Policy::PeakEwma { decay, .. } = self.channels[owner as usize].policy {
            self.ewma[connection as usize].complete(self.now, self.now.since(sent), decay);
        }
    }
}

/// Sets the draws of picks apart from other uses of a call's own.
const PICK: u64 = 0x5049_434b;
