//! Long-lived streams. A stream is a call that takes no slot and ends when its time is over; its messages are what costs. It stays on
//! its connection, and with it on its pod, until one of them ends: a connection that drains waits for it, so that a GOAWAY moves no
//! stream, and what is cut is opened again.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{ConnectionId, FailureReason, Handled, Observation, Observer};
use super::super::schedule::Rank;
use super::super::world::{Call, CallState, Handle};
use crate::ids::{CallIx, CallerId, ConnectionIx};
use crate::model::{Load, Messages, Streams};
use crate::random::mix;
use crate::units::{Span, Time};

/// What an application waits that could not open its stream at all: an assumption. It is gRPC's own first back-off
/// (`connection-backoff.md`, 1 s): who asks sooner finds the channel in TRANSIENT_FAILURE still.
const OPENS_AGAIN_AFTER: Span = Span::from_secs(1);

/// Sets the draws of messages apart from other uses of a stream's own.
const MESSAGE: u64 = 0x4d45_5353;

/// When the application is done with a stream.
fn wanted_until(call: &Call, streams: &Streams) -> Time {
    call.emitted + streams.duration.sample(call.demand)
}

impl<'a, O: Observer> Engine<'a, O> {
    /// What is to be known of a client's streams, if that is what it asks for.
    pub(crate) fn streams_of(&self, client: CallerId) -> Option<&'a Streams> {
        match &self.clients[client].settings.load {
            Load::Streams(streams) => Some(streams),
            Load::Closed(_) | Load::Open { .. } | Load::Forwarded => None,
        }
    }

    /// What comes on a connection whose requests the pod counts, or which carries streams. True if it is a stream, which is open now.
    #[inline(never)]
    pub(crate) fn receive_unusual(&mut self, connection: ConnectionIx, index: CallIx) -> bool {
        self.count_request(connection);
        let call = &self.calls[index];
        let Some(streams) = self.streams_of(call.client) else { return false };
        let (pod, over) = (call.pod, wanted_until(call, streams).max(self.now));
        let (connection, handle) = (ConnectionId(self.lanes[connection].id), self.calls.handle(index));
        if let Some(Messages { interval }) = streams.messages {
            let last = interval * self.messages_until_now(call, interval);
            let next = call.emitted + self.to_pod + last + interval;
            self.schedule.at(next, Rank::Expiry, Event::Message(handle));
        }
        self.schedule.at(over, Rank::Expiry, Event::StreamOver(handle));
        self.calls[index].state = CallState::Streaming;
        self.pods[pod].requests += 1;
        self.observe(&Observation::Received { pod, connection });
        self.tell_received(pod, index);
        self.observe(&Observation::Started { pod, waited: Span::ZERO });
        true
    }

    /// How many messages of a stream are due at its pod up to now. Their clock is that of the stream and not of its latest opening:
    /// streams that are cut together must not beat together ever after.
    fn messages_until_now(&self, call: &Call, interval: Span) -> u64 {
        self.now.since(call.emitted + self.to_pod).0 / interval.0
    }

    /// The pod ends a stream.
    pub(crate) fn on_stream_over(&mut self, handle: Handle<CallIx>) {
        let Some(call) = self.calls.get(handle).filter(|c| c.state == CallState::Streaming) else { return };
        let pod = call.pod;
        let answers = self.pods[pod].serving && !self.lanes[call.connection].dead;
        if answers {
            self.tell_handled(pod, handle.index, Handled::Served);
            self.calls[handle.index].state = CallState::Returning;
            self.responses.push(self.now + self.to_client, handle.index);
        } else {
            self.calls[handle.index].state = CallState::Lost;
        }
    }

    /// A message of a stream has come to its pod.
    pub(crate) fn on_message(&mut self, handle: Handle<CallIx>) {
        let Some(call) = self.calls.get(handle).filter(|c| c.state == CallState::Streaming) else { return };
        let Some(Messages { interval }) = self.streams_of(call.client).and_then(|s| s.messages) else { return };
        let (client, pod, connection) = (call.client, call.pod, call.connection);
        let sent = Time(self.now.0 - self.to_pod.0);
        let draw = mix(mix(call.demand, MESSAGE), self.messages_until_now(call, interval));
        self.after(interval, Rank::Expiry, Event::Message(handle));
        self.connections[connection].messages += 1;
        if !self.pods[pod].serving || self.lanes[connection].dead {
            return self.request_lost(pod, connection, sent);
        }
        self.observe(&Observation::Message { pod });
        self.tell_message(pod, client);
        self.admit_message(pod, (draw >> 32) as u32);
    }

    /// A stream was cut, or could not be opened: its application opens it again, at once if it was open, unless it is done with it.
    pub(crate) fn opens_again(&mut self, index: CallIx, why: FailureReason, streams: &Streams) -> bool {
        let call = &self.calls[index];
        let &Call { client, owner, pod, emitted, .. } = call;
        let after = if call.state.has_stream() { Span::ZERO } else { OPENS_AGAIN_AFTER };
        if self.now + after >= wanted_until(call, streams) || self.has_given_up(owner.channel()) {
            return false;
        }
        let pod = pod.some();
        self.observe(&Observation::Retried { client: client.0, pod, why, emitted, after });
        self.take_over(index, why, after, None);
        true
    }
}
