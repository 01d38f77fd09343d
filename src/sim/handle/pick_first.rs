//! pick_first's pass over its addresses (gRFC A62, A61): try one, 250 ms later or on failure the next; the first one that
//! is READY wins.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{CloseReason, Observer};
use super::super::schedule::Rank;
use super::super::world::{Connectivity, Subchannel, SubchannelState};
use crate::units::Span;

/// Happy Eyeballs' connection attempt delay (gRFC A61).
const CONNECTION_ATTEMPT_DELAY: Span = Span::from_millis(250);

impl<O: Observer> Engine<'_, O> {
    /// Starts at the first address.
    pub fn start_pass(&mut self, index: u32) {
        let channel = &mut self.channels[index as usize];
        channel.state = Connectivity::Connecting;
        channel.pass += 1;
        channel.pass_next = 0;
        self.try_next(index);
    }

    /// Dials the next address of the pass; if there is none left and none under way, the pass has failed.
    fn try_next(&mut self, index: u32) {
        loop {
            let channel = &mut self.channels[index as usize];
            let i = channel.pass_next as usize;
            let Some(subchannel) = channel.subchannels.get(i) else { break };
            channel.pass_next += 1;
            if subchannel.state == SubchannelState::Idle {
                self.dial_subchannel(index, i);
                let channel = &self.channels[index as usize];
                if (channel.pass_next as usize) < channel.subchannels.len() {
                    let pass = channel.pass;
                    let event = Event::AttemptDelayOver { channel: index, pass };
                    self.after(CONNECTION_ATTEMPT_DELAY, Rank::Expiry, event);
                }
                return;
            }
        }
        let channel = &mut self.channels[index as usize];
        let under_way = |s: &Subchannel| s.state == SubchannelState::Connecting;
        if channel.state == Connectivity::Connecting && !channel.subchannels.iter().any(under_way) {
            channel.state = Connectivity::TransientFailure;
            self.fail_waiting(index);
        }
    }

    pub fn on_attempt_delay_over(&mut self, index: u32, pass: u32) {
        let channel = &self.channels[index as usize];
        if channel.pass == pass && channel.state == Connectivity::Connecting && !channel.stopped {
            self.try_next(index);
        }
    }

    /// An attempt of the pass failed.
    pub fn attempt_failed(&mut self, index: u32) {
        if self.channels[index as usize].state == Connectivity::Connecting {
            self.try_next(index);
        }
    }

    /// The `winner`-th address is READY: all other attempts end.
    pub fn end_pass(&mut self, index: u32, winner: usize) {
        self.channels[index as usize].pass += 1;
        for i in 0..self.channels[index as usize].subchannels.len() {
            if i == winner {
                continue;
            }
            let subchannel = &mut self.channels[index as usize].subchannels[i];
            let other = *subchannel;
            *subchannel = Subchannel { epoch: other.epoch + 1, ..Subchannel::new(other.address) };
            if other.state == SubchannelState::Connecting {
                self.close(other.connection, CloseReason::ClientIdle);
            }
        }
    }
}
