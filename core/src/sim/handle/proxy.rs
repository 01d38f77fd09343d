//! The proxy beside a client: which of its workers balances for a channel, and the time that a call spends in it.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{FailureReason, Observer};
use super::super::schedule::Rank;
use super::super::world::{CallState, Handle};
use crate::ids::{CallIx, ChannelId, ConnectionIx, ReplicaId};
use crate::random::{Purpose, below, mix};
use crate::units::Span;

/// Sets the time in the proxy apart from other uses of a call's own draw.
const OVERHEAD: u64 = 0x4f56_4552;

impl<O: Observer> Engine<'_, O> {
    /// The channel that balances for `channel`, which is being added: itself; where workers of a proxy do it, the first channel of
    /// the replica whose connection is on the same worker. Where the kernel puts a connection is a hash of its ports
    /// (SO_REUSEPORT): a uniform draw.
    pub(crate) fn balancer_of(&self, replica: ReplicaId, first: ChannelId, channel: ChannelId) -> ChannelId {
        let r = &self.replicas[replica];
        let via = self.clients[r.client].settings.via.as_ref();
        let Some(workers) = via.and_then(|sidecar| sidecar.workers) else { return channel };
        let key = self.replica_key(replica);
        let worker = |c: ChannelId| {
            let draw = self.streams.draw(Purpose::Worker, key, u64::from(c.0 - first.0));
            below(draw, workers as usize)
        };
        let mine = worker(channel);
        first.series(channel.0 - first.0).find(|&c| worker(c) == mine).unwrap_or(channel)
    }

    /// What the proxy adds to a call on its way there, and on its way back.
    fn time_in_proxy(&self, call: CallIx) -> (Span, Span) {
        let call = &self.calls[call];
        let sidecar = self.clients[call.client].settings.via.as_ref();
        let all = sidecar.map_or(Span::ZERO, |s| s.overhead.sample(mix(call.demand, OVERHEAD)));
        (Span(all.0 / 2), all - Span(all.0 / 2))
    }

    /// A call goes to the proxy first.
    pub(crate) fn enter_proxy(&mut self, call: Handle<CallIx>) {
        let item = &mut self.calls[call.index];
        item.owner = self.channels[item.owner.channel()].balancer.into();
        item.state = CallState::ToProxy;
        let (there, _) = self.time_in_proxy(call.index);
        self.after(there, Rank::World, Event::AtProxy(call));
    }

    pub(crate) fn on_at_proxy(&mut self, call: Handle<CallIx>) {
        let Some(c) = self.calls.get(call).filter(|c| !c.ended) else { return };
        if self.has_given_up(c.owner.channel()) {
            return self.fail_call(call.index, FailureReason::CallerStopped);
        }
        self.calls[call.index].state = CallState::WaitsForChannel;
        self.route_call(call);
    }

    /// A response has reached the proxy: for the pod and the connection the call is over, for the application not yet.
    pub(crate) fn leave_proxy(&mut self, index: CallIx) {
        let (_, back) = self.time_in_proxy(index);
        let call = self.calls.handle(index);
        let item = &mut self.calls[index];
        item.state = CallState::FromProxy;
        let (connection, sent) = (std::mem::replace(&mut item.connection, ConnectionIx::NONE), item.sent);
        let failure = item.failure;
        self.after(back, Rank::World, Event::Answered(call));
        self.response_came(connection, sent, failure);
    }

    pub(crate) fn on_answered(&mut self, call: Handle<CallIx>) {
        if self.calls.get(call).is_some_and(|c| !c.ended) {
            let failure = self.calls[call.index].failure;
            let worker = self.end_attempt(call.index, failure);
            self.calls.free(call.index);
            self.after_end(worker);
        }
    }
}
