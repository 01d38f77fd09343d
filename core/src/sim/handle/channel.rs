//! gRPC channels: connectivity, the picker, and calls that wait for a READY connection.

use smallvec::smallvec;

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{CloseReason, FailureReason, Observer};
use super::super::schedule::Rank;
use super::super::world::{Channel, Connectivity, Handle, ResolverState, Subchannel, SubchannelState, Waiting};
use crate::ids::{Address, CallerId, ChannelId, ConnectionIx, ReplicaId};
use crate::model::{Client, DelayFrom, GrpcClient, PickFirst, Policy, Protocol, Reconnect};
use crate::policy::backoff;
use crate::random::{Purpose, mix};
use crate::units::{Span, Time};

impl<'a, O: Observer> Engine<'a, O> {
    /// A channel that has not been used. Behind a virtual IP it knows its only address; DNS has nothing to add.
    pub(crate) fn new_channel(
        &self,
        replica: ReplicaId,
        client: &'a Client,
        grpc: &'a GrpcClient,
        balancer: ChannelId,
    ) -> Channel<'a> {
        let policy = &grpc.policy;
        let knows_pods = self.model.knows_pods(client);
        let cluster = client.via.as_ref().and_then(|via| via.cluster);
        let pools = cluster.is_some();
        Channel {
            replica,
            balancer,
            state: Connectivity::Idle,
            trouble: FailureReason::NoEndpoint,
            stopped: false,
            dispatching: false,
            policy,
            pools,
            in_turn: policy.goes_in_turn() && !pools && grpc.outlier_detection.is_none(),
            next: 0,
            turned: 0,
            picker: smallvec![],
            stale: false,
            plan: None,
            joined: cluster.and_then(|cluster| cluster.slow_start).map(|_| Box::default()),
            ready: 0,
            subchannels: if knows_pods { smallvec![] } else { smallvec![Subchannel::new(Address::VIRTUAL_IP)] },
            waiting: Waiting::default(),
            pickers: 0,
            dispatched: 0,
            in_pass: false,
            attempt: 0,
            pass_next: 0,
            resolver: knows_pods.then(|| Box::new(ResolverState::default())),
        }
    }

    /// The settings of a channel's client.
    pub(crate) fn settings(&self, channel: ChannelId) -> &GrpcClient {
        match &self.clients[self.client_of(channel)].settings.protocol {
            Protocol::Grpc(settings) => settings,
            Protocol::Http1(_) => unreachable!("only gRPC clients have channels"),
        }
    }

    /// The client that a channel belongs to.
    pub(crate) fn client_of(&self, channel: ChannelId) -> CallerId {
        self.replicas[self.channels[channel].replica].client
    }

    /// The key of a channel's random draws.
    pub(crate) fn channel_key(&self, channel: ChannelId) -> u64 {
        let replica = self.channels[channel].replica;
        let offset = channel.0 - self.replicas[replica].first.channel().0;
        mix(self.replica_key(replica), (1 << 32) + u64::from(offset))
    }

    pub(crate) fn waits_for_ready(&self, channel: ChannelId) -> bool {
        self.settings(channel).wait_for_ready
    }

    /// How long the channel needs for its next call that has waited, or that fails.
    pub(crate) fn dispatch_time(&mut self, index: ChannelId) -> Span {
        let k = u64::from(self.channels[index].dispatched);
        self.channels[index].dispatched += 1;
        let law = &self.settings(index).dispatch;
        // The usual constant needs no draw.
        let draw = if law.is_constant() { 0 } else { self.streams.draw(Purpose::Dispatch, self.channel_key(index), k) };
        law.sample(draw)
    }

    /// Leaves IDLE: resolves the name if that has not been done, and connects.
    pub(crate) fn exit_idle(&mut self, index: ChannelId) {
        let channel = &mut self.channels[index];
        if channel.stopped || channel.state != Connectivity::Idle {
            return;
        }
        channel.state = Connectivity::Connecting;
        self.watch_for_idle(index);
        if self.channels[index].subchannels.is_empty() {
            return self.request_resolution(index);
        }
        self.connect_all(index, true);
    }

    /// Starts what the policy starts when it may connect. Without back-off, what has failed is tried again only `for_call`.
    pub(crate) fn connect_all(&mut self, index: ChannelId, for_call: bool) {
        if self.channels[index].policy.one_connection() {
            return self.start_pass(index);
        }
        if self.channels[index].pools {
            let channel = &mut self.channels[index];
            channel.stale |= channel.picker.is_empty();
            return self.update_state(index);
        }
        self.dial_idle(index, for_call || !self.settings(index).backoff.per_call);
        self.update_state(index);
    }

    /// Dials for the subchannels that are IDLE, those that have failed `again` included.
    pub(crate) fn dial_idle(&mut self, index: ChannelId, again: bool) {
        for i in 0..self.channels[index].subchannels.len() {
            let Subchannel { state, failures, .. } = self.channels[index].subchannels[i];
            if state == SubchannelState::Idle && (again || failures == 0) {
                self.dial_subchannel(index, i);
            }
        }
    }

    /// Dials for the `i`-th subchannel of a channel.
    pub(crate) fn dial_subchannel(&mut self, index: ChannelId, i: usize) {
        let address = self.channels[index].subchannels[i].address;
        let replica = self.channels[index].replica;
        let connection = self.dial(index.into(), replica, address, false);
        let subchannel = &mut self.channels[index].subchannels[i];
        subchannel.state = SubchannelState::Connecting;
        subchannel.connection = connection.index;
    }

    /// The subchannel of `channel` for `address`.
    pub(crate) fn find_subchannel(&self, index: ChannelId, address: Address) -> Option<usize> {
        let channel = &self.channels[index];
        if self.channels[index].policy.one_connection() {
            // Mostly the one that its pass is at.
            let at = channel.pass_next.saturating_sub(1) as usize;
            let here = channel.subchannels.get(at).is_some_and(|s| s.address == address);
            return if here { Some(at) } else { channel.subchannels.iter().position(|s| s.address == address) };
        }
        channel.subchannels.binary_search_by_key(&address, |s| s.address).ok()
    }

    /// A connection of the channel has become READY.
    pub(crate) fn subchannel_ready(&mut self, index: ChannelId, connection: Handle<ConnectionIx>) {
        let address = self.connections[connection.index].address;
        if self.is_pooled(index, address, connection.index) {
            return self.pooled_ready(index, connection.index);
        }
        let Some(i) = self.find_subchannel(index, address) else { return };
        let channel = &mut self.channels[index];
        let subchannel = &mut channel.subchannels[i];
        subchannel.state = SubchannelState::Ready;
        (subchannel.failed, subchannel.failures) = (false, 0);
        channel.ready += 1;
        channel.stale |= !channel.pools;
        self.only_connection[index] = ConnectionIx::NONE;
        self.begin_measuring(index, connection.index);
        if self.channels[index].pools {
            self.pooled_ready(index, connection.index);
            if self.channels[index].stopped {
                return;
            }
        }
        if self.channels[index].policy.one_connection() {
            self.end_pass(index, i);
        }
        self.update_state(index);
    }

    /// A dial of the channel, begun at `since`, failed.
    pub(crate) fn subchannel_failed(
        &mut self,
        index: ChannelId,
        connection: ConnectionIx,
        address: Address,
        since: Time,
    ) {
        if self.is_pooled(index, address, connection) {
            return self.leave_pooled(index, address, connection);
        }
        let Some(i) = self.find_subchannel(index, address) else { return };
        if self.channels[index].stopped {
            let subchannel = &mut self.channels[index].subchannels[i];
            (subchannel.state, subchannel.connection) = (SubchannelState::Idle, ConnectionIx::NONE);
            return self.give_up(index);
        }
        if self.channels[index].pools {
            let subchannel = &mut self.channels[index].subchannels[i];
            (subchannel.state, subchannel.connection) = (SubchannelState::Idle, ConnectionIx::NONE);
            return self.promote_pooled(index, i);
        }
        let GrpcClient { policy, backoff, .. } = self.settings(index);
        let (pick_first, backoff) = (policy.one_connection(), *backoff);
        if backoff.per_call {
            return self.attempt_of_call_failed(index, i);
        }
        let owner = mix(self.channel_key(index), u64::from(address.0));
        let subchannel = &mut self.channels[index].subchannels[i];
        subchannel.state = SubchannelState::Backoff;
        subchannel.connection = ConnectionIx::NONE;
        subchannel.failed = true;
        subchannel.failures = subchannel.failures.saturating_add(1);
        subchannel.epoch += 1;
        let (failures, epoch) = (u32::from(subchannel.failures), subchannel.epoch);
        let draw = self.streams.draw(Purpose::Backoff, owner, u64::from(epoch));
        let from = match backoff.from {
            DelayFrom::AttemptStart => since,
            DelayFrom::AttemptEnd => self.now,
        };
        let at = (from + backoff::delay(&backoff, failures, draw)).max(self.now);
        self.schedule.at(at, Rank::Expiry, Event::BackoffOver { channel: index, address, epoch });
        self.request_resolution(index);
        if pick_first {
            self.attempt_failed(index);
        } else {
            self.update_state(index);
        }
    }

    /// A back-off is over. A pass of pick_first tries the address in its turn; all else tries again now.
    pub(crate) fn on_backoff_over(&mut self, index: ChannelId, address: Address, epoch: u32) {
        let Some(i) = self.find_subchannel(index, address) else { return };
        let channel = &mut self.channels[index];
        let subchannel = &mut channel.subchannels[i];
        if subchannel.epoch != epoch || subchannel.state != SubchannelState::Backoff {
            return;
        }
        if channel.stopped {
            return self.give_up(index);
        }
        subchannel.state = SubchannelState::Idle;
        let pick_first = self.channels[index].policy.one_connection();
        let channel = &self.channels[index];
        if !pick_first || channel.state == Connectivity::TransientFailure && !channel.in_pass {
            self.dial_subchannel(index, i);
        }
    }

    /// A READY connection of the channel takes no new calls any more, and its subchannel is IDLE. pick_first waits for the
    /// next call unless it is told to be `eager`; round_robin reconnects at once.
    pub(crate) fn subchannel_lost(&mut self, index: ChannelId, connection: ConnectionIx, reason: CloseReason) {
        let address = self.connections[connection].address;
        let Some(i) = self.find_subchannel(index, address) else { return };
        let channel = &mut self.channels[index];
        let subchannel = &mut channel.subchannels[i];
        if subchannel.connection != connection || subchannel.state != SubchannelState::Ready {
            return self.leave_pooled(index, address, connection);
        }
        subchannel.state = SubchannelState::Idle;
        subchannel.connection = ConnectionIx::NONE;
        channel.ready -= 1;
        channel.stale |= !channel.pools;
        self.only_connection[index] = ConnectionIx::NONE;
        if channel.stopped {
            if channel.ready == 0 && reason != CloseReason::ClientStopped {
                self.give_up(index);
            }
            return;
        }
        if self.channels[index].pools {
            return self.promote_pooled(index, i);
        }
        self.request_resolution(index);
        match *self.channels[index].policy {
            Policy::PickFirst(PickFirst { reconnect, .. }) => {
                self.channels[index].state = Connectivity::Idle;
                let eager = reconnect == Reconnect::Eager || reason == CloseReason::ClientLifetime;
                if eager || !self.channels[index].waiting.is_empty() {
                    self.exit_idle(index);
                }
            }
            _ => {
                self.dial_subchannel(index, i);
                self.update_state(index);
            }
        }
    }

    /// Aggregates the subchannels' states (gRFC A61: READY, else CONNECTING, else IDLE, else TRANSIENT_FAILURE, where a
    /// subchannel that has failed counts as failed until it is READY), and acts on a change.
    pub(crate) fn update_state(&mut self, index: ChannelId) {
        let channel = &mut self.channels[index];
        let before = channel.state;
        let trying = |s: &Subchannel| !s.failed && s.state == SubchannelState::Connecting;
        channel.state = if channel.ready > 0 || channel.pools && !channel.subchannels.is_empty() {
            Connectivity::Ready
        } else if channel.subchannels.iter().any(trying) {
            Connectivity::Connecting
        } else if channel.subchannels.iter().any(|s| !s.failed) {
            Connectivity::Idle
        } else {
            Connectivity::TransientFailure
        };
        if channel.state != Connectivity::Ready
            && let Some(answer) = channel.answer()
        {
            answer.forget();
        }
        match channel.state {
            Connectivity::Ready => self.start_dispatching(index),
            Connectivity::TransientFailure if before != Connectivity::TransientFailure => self.fail_waiting(index),
            _ => {}
        }
    }

    /// The replica has stopped, and the channel has lost a way to connect: it does not look for another. Calls that wait fail.
    pub(crate) fn give_up(&mut self, index: ChannelId) {
        self.channels[index].state = Connectivity::TransientFailure;
        self.fail_all_waiting(index, FailureReason::CallerStopped);
        self.shut_channel(index);
    }

    /// The channel is in TRANSIENT_FAILURE: calls that do not wait for READY fail.
    pub(crate) fn fail_waiting(&mut self, index: ChannelId) {
        if !self.waits_for_ready(index) {
            self.fail_all_waiting(index, self.channels[index].trouble);
        }
    }

    fn fail_all_waiting(&mut self, index: ChannelId, why: FailureReason) {
        for call in self.channels[index].waiting.take_all() {
            if self.calls.get(call).is_some_and(|c| !c.ended) {
                self.fail_call(call.index, why);
            }
        }
    }

    /// Puts the calls that wait on the wire, one after the other.
    fn start_dispatching(&mut self, index: ChannelId) {
        let channel = &mut self.channels[index];
        if !channel.dispatching && !channel.waiting.is_empty() {
            channel.dispatching = true;
            self.after(Span::ZERO, Rank::World, Event::Dispatch { channel: index });
        }
    }

    pub(crate) fn on_dispatch(&mut self, index: ChannelId) {
        self.channels[index].dispatching = false;
        while self.channels[index].state == Connectivity::Ready {
            let Some(call) = self.channels[index].waiting.pop_front() else { break };
            if self.calls.get(call).is_none_or(|c| c.ended) {
                continue;
            }
            self.pick_and_send(index, call);
            let takes = self.dispatch_time(index);
            if takes > Span::ZERO && !self.channels[index].waiting.is_empty() {
                self.channels[index].dispatching = true;
                return self.after(takes, Rank::World, Event::Dispatch { channel: index });
            }
        }
        let channel = &self.channels[index];
        if channel.stopped && channel.waiting.is_empty() {
            self.shut_channel(index);
        }
    }

    /// The replica has stopped and the channel has no calls waiting: its connections close when their calls have ended.
    pub(crate) fn shut_channel(&mut self, index: ChannelId) {
        for i in 0..self.channels[index].subchannels.len() {
            let Subchannel { state, connection, address, .. } = self.channels[index].subchannels[i];
            self.end_pooled(index, address, CloseReason::ClientStopped);
            match state {
                // Calls that wait for it have nowhere else to go.
                SubchannelState::Connecting if !self.connections[connection].waiting.is_empty() => {}
                SubchannelState::Connecting => {
                    let subchannel = &mut self.channels[index].subchannels[i];
                    (subchannel.state, subchannel.connection) = (SubchannelState::Idle, ConnectionIx::NONE);
                    self.close(connection, CloseReason::ClientStopped);
                }
                SubchannelState::Ready => self.drain(connection, CloseReason::ClientStopped),
                SubchannelState::Idle | SubchannelState::Backoff => {}
            }
        }
    }
}
