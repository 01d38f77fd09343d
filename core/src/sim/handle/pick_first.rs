//! pick_first's pass over its addresses (gRFC A62, A61): try one, 250 ms later or on failure the next; the first one that
//! is READY wins.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{CloseReason, Observer};
use super::super::schedule::Rank;
use super::super::world::{Connectivity, Subchannel, SubchannelState};
use crate::ids::{ChannelId, ConnectionIx};
use crate::units::Span;

/// Happy Eyeballs' connection attempt delay (gRFC A61).
const CONNECTION_ATTEMPT_DELAY: Span = Span::from_millis(250);

impl<O: Observer> Engine<'_, O> {
    /// Starts at the first address. TRANSIENT_FAILURE is sticky: a channel that is in it stays so until it is READY.
    pub(crate) fn start_pass(&mut self, index: ChannelId) {
        self.catch_up(index);
        let channel = &mut self.channels[index];
        if channel.state != Connectivity::TransientFailure {
            channel.state = Connectivity::Connecting;
        }
        channel.in_pass = true;
        channel.pass_next = 0;
        self.try_next(index);
    }

    /// Goes on to the next address of the pass: dials it, or waits for it if it is being dialled; one that waits for its
    /// back-off is passed over. If there is none left and none under way, the pass has failed.
    fn try_next(&mut self, index: ChannelId) {
        loop {
            let channel = &mut self.channels[index];
            let i = channel.pass_next as usize;
            let Some(state) = channel.subchannels.get(i).map(|s| s.state) else { break };
            channel.pass_next += 1;
            if !matches!(state, SubchannelState::Idle | SubchannelState::Connecting) {
                continue;
            }
            // A new attempt voids the timer of the one before.
            channel.attempt += 1;
            let attempt = channel.attempt;
            if channel.pass_next as usize != channel.subchannels.len() {
                let event = Event::AttemptDelayOver { channel: index, attempt };
                self.after(CONNECTION_ATTEMPT_DELAY, Rank::Expiry, event);
            }
            if state == SubchannelState::Idle {
                self.dial_subchannel(index, i);
            }
            return;
        }
        let under_way = |s: &Subchannel| s.state == SubchannelState::Connecting;
        if !self.channels[index].subchannels.iter().any(under_way) {
            self.pass_failed(index);
        }
    }

    /// All addresses have failed: the channel is in TRANSIENT_FAILURE, and each address tries again on its own back-off;
    /// those whose back-off ended during the pass do so now.
    fn pass_failed(&mut self, index: ChannelId) {
        let channel = &mut self.channels[index];
        channel.in_pass = false;
        if self.settings(index).backoff.per_call {
            return self.attempt_failed_for_good(index);
        }
        let channel = &mut self.channels[index];
        if channel.state != Connectivity::TransientFailure {
            channel.state = Connectivity::TransientFailure;
            self.fail_waiting(index);
        }
        for i in 0..self.channels[index].subchannels.len() {
            if self.channels[index].subchannels[i].state == SubchannelState::Idle {
                self.dial_subchannel(index, i);
            }
        }
    }

    pub(crate) fn on_attempt_delay_over(&mut self, index: ChannelId, attempt: u32) {
        let channel = &self.channels[index];
        if channel.attempt == attempt && channel.in_pass && !channel.stopped {
            self.try_next(index);
        }
    }

    /// An attempt failed; in a pass, the next address is tried at once.
    pub(crate) fn attempt_failed(&mut self, index: ChannelId) {
        if self.channels[index].in_pass {
            self.try_next(index);
        }
    }

    /// The same without back-off: nothing is tried until there is a call.
    pub(crate) fn attempt_of_call_failed(&mut self, index: ChannelId, i: usize) {
        let subchannel = &mut self.channels[index].subchannels[i];
        (subchannel.state, subchannel.connection, subchannel.failures) = (SubchannelState::Idle, ConnectionIx::NONE, 1);
        self.request_resolution(index);
        self.attempt_failed(index);
    }

    /// The calls that waited for the attempt fail with it; the next one is the next attempt.
    pub(crate) fn attempt_failed_for_good(&mut self, index: ChannelId) {
        let channel = &mut self.channels[index];
        if channel.ready == 0 && !channel.in_pass {
            channel.state = Connectivity::Idle;
            self.fail_waiting(index);
        }
    }

    /// The `winner`-th address is READY: all other attempts end.
    pub(crate) fn end_pass(&mut self, index: ChannelId, winner: usize) {
        self.channels[index].in_pass = false;
        for i in 0..self.channels[index].subchannels.len() {
            if i == winner {
                continue;
            }
            let subchannel = &mut self.channels[index].subchannels[i];
            let other = *subchannel;
            *subchannel = Subchannel { epoch: other.epoch + 1, ..Subchannel::new(other.address) };
            if other.state == SubchannelState::Connecting {
                self.close(other.connection, CloseReason::Superseded);
            }
        }
    }
}
