//! Calls, from the application's call to its answer.

use super::super::engine::Engine;
use super::super::observation::{CloseReason, ConnectionId, FailureReason, Observation, Observer};
use super::super::world::{Call, CallState, ConnectionState, Connectivity, Handle};
use super::methods::Kind;
use crate::ids::{CallIx, CallerId, ChannelId, ConnectionIx, Id, OwnerId, PodId, ReplicaId, WorkerId};
use crate::model::Protocol;
use crate::policy::budget::Resource;
use crate::random::below;
use crate::units::{Span, Time};

/// What it takes an application to learn of a failure on its own node and to go on: an assumption. A closed loop that nobody
/// serves is as fast as this lets it be. (A real one is bound by its processor: a failed call costs tens of microseconds, and
/// all workers share the cores, which is about 1 ms per call and worker for ghz with its 50 workers.)
pub(super) const LOCAL_FAILURE_TAKES: Span = Span::from_millis(1);

/// Fewer replicas than this fit into the processor's caches.
const WORTH_TOUCHING: usize = 4096;

impl<O: Observer> Engine<'_, O> {
    /// The next call of an open load.
    #[inline]
    pub(crate) fn on_arrival(&mut self) {
        let of = self.arrivals.argmin();
        let client = CallerId::of(of);
        let state = &mut self.clients[client];
        let Some(load) = &mut state.open else { return };
        let next = load.next;
        let members = state.active.len();
        let mut caller = None;
        if members > 0 {
            let (i, key) = load.assign(members);
            let c = &mut state.active[i];
            caller = (c.replica != ReplicaId::NONE).then_some((c.ordinal, c.first.plus(c.next_channel), key));
            c.next_channel = if c.next_channel + 1 == state.settings.channels { 0 } else { c.next_channel + 1 };
        }
        let drawn = load.advance();
        self.arrivals.set(of, load.next.at);
        if drawn {
            self.touch(client);
        }
        // A replica that has not started makes no calls; its part of the load is not made by others.
        let Some((replica, owner, key)) = caller else { return };
        let (n, demand) = (next.n, next.demand);
        let what = Observation::Emitted { client: client.0, replica, n, demand, key, open: true };
        self.observer.observe(self.now, &what);
        self.make_call(client, owner, WorkerId::NONE, demand, key);
    }

    /// Reads what the next calls will need: the waits for memory overlap here, and would not later.
    #[inline(never)]
    fn touch(&self, client: CallerId) {
        let state = &self.clients[client];
        let (Some(load), members) = (&state.open, state.active.len()) else { return };
        if members < WORTH_TOUCHING || matches!(state.settings.protocol, Protocol::Http1(_)) {
            return;
        }
        let mut seen = 0;
        for mark in load.marks() {
            let channel = state.active[below(mark, members)].first.channel();
            let connection = self.only_connection.get(channel).copied().unwrap_or(ConnectionIx::NONE);
            seen ^= self.lanes.touch(connection);
        }
        std::hint::black_box(seen);
    }

    #[inline(always)]
    pub(crate) fn make_call(&mut self, client: CallerId, owner: OwnerId, worker: WorkerId, demand: u64, key: u64) {
        let settings = self.clients[client].settings;
        let kind = Kind::of(settings, demand);
        let call = self.calls.insert(Call {
            emitted: self.now,
            demand: kind.demand,
            key,
            method: kind.method,
            client,
            owner,
            connection: ConnectionIx::NONE,
            sent: self.now,
            pod: PodId::NONE,
            worker,
            generation: 0,
            state: CallState::WaitsForChannel,
            failure: None,
            ended: false,
            retries: 0,
        });
        self.tell_called(client, kind.method);
        if self.counts_calls {
            self.count_call(client, owner);
        }
        if let Some(deadline) = kind.deadline {
            let at = self.now + deadline;
            let i = self.clients[client].first_queue as usize + kind.queue();
            let queue = &mut self.deadline_queues[i];
            if queue.is_empty() {
                self.deadlines.set(i, at.0);
            }
            queue.push_back((at, call));
            if queue.len() > 2 * self.calls.items.len() + 1024 {
                self.forget_deadlines(i);
            }
        }
        match settings.protocol {
            Protocol::Grpc(_) if settings.via.is_some() => self.enter_proxy(call),
            Protocol::Grpc(_) => self.route_call(call),
            Protocol::Http1(_) => self.pool_call(call),
        }
    }

    /// Most calls end long before their deadline: from time to time, those that have ended are taken out of the queue, so
    /// that it grows with the calls in progress and not with the deadline.
    #[inline(never)]
    fn forget_deadlines(&mut self, i: usize) {
        let calls = &self.calls;
        let queue = &mut self.deadline_queues[i];
        queue.retain(|&(_, call)| calls.get(call).is_some_and(|c| !c.ended));
        self.deadlines.set(i, queue.front().map_or(u64::MAX, |d| d.0.0));
    }

    /// Picks a connection for a call of a gRPC channel; lets it wait, or fail, if there is none.
    #[inline]
    pub(crate) fn route_call(&mut self, call: Handle<CallIx>) {
        let index = self.calls[call.index].owner.channel();
        let only = self.only_connection[index];
        if only != ConnectionIx::NONE {
            return self.send(call, only);
        }
        let channel = &self.channels[index];
        if channel.state == Connectivity::Ready && channel.waiting.is_empty() {
            return self.pick_and_send(index, call);
        }
        self.wait_for_connection(call, index);
    }

    #[inline(never)]
    fn wait_for_connection(&mut self, call: Handle<CallIx>, index: ChannelId) {
        let state = self.channels[index].state;
        let waits = self.waits_for_ready(index) && !self.channels[index].stopped;
        if state == Connectivity::TransientFailure && !waits {
            let why = self.channels[index].trouble;
            return self.fail_fast(call, index, why);
        }
        self.channels[index].waiting.push_back(call, &self.calls);
        if state == Connectivity::Idle {
            self.exit_idle(index);
        }
    }

    /// Sends a call on the connection that the channel's picker says is next. The channel must be READY.
    #[inline(always)]
    pub(crate) fn pick_and_send(&mut self, index: ChannelId, call: Handle<CallIx>) {
        if self.channels[index].stale {
            self.rebuild_picker(index);
        }
        let channel = &mut self.channels[index];
        if !channel.in_turn {
            return self.send_by_policy(index, call);
        }
        let i = channel.take_turn();
        let connection = channel.picker[i].connection();
        if channel.picker.len() == 1 && channel.waiting.is_empty() {
            self.only_connection[index] = connection;
        }
        self.send(call, connection);
    }

    /// Sends a call on a connection, or lets it wait there for a free stream: the policy does not know of the limit.
    #[inline(always)]
    pub(crate) fn send(&mut self, call: Handle<CallIx>, connection: ConnectionIx) {
        let item = &mut self.calls[call.index];
        item.connection = connection;
        (item.pod, item.sent) = (self.lanes[connection].pod, self.now);
        if !self.lanes.begin_stream(connection) {
            self.lanes.set_plain(connection, false);
            item.state = CallState::WaitsForStream;
            return self.connections[connection].waiting.push_back(call, &self.calls);
        }
        item.state = CallState::Sent;
        self.deliveries.push(self.now + self.to_pod, call.index);
        self.call_begins(connection);
        self.count_pooled(connection, true);
    }

    /// A request reaches its pod.
    #[inline]
    pub(crate) fn on_delivery(&mut self) {
        let Some(index) = self.deliveries.pop() else { return };
        let call = &mut self.calls[index];
        if call.ended {
            return self.calls.free(index);
        }
        let (pod, connection) = (call.pod, call.connection);
        let lane = &self.lanes[connection];
        if !self.pods[pod].serving || lane.dead {
            call.state = CallState::Lost;
            let sent = call.sent;
            return self.request_lost(pod, connection, sent);
        }
        let id = ConnectionId(lane.id);
        if lane.unusual && self.receive_unusual(connection, index) {
            return;
        }
        self.observe(&Observation::Received { pod, connection: id });
        self.tell_received(pod, index);
        self.admit_call(pod, index);
    }

    /// A response reaches its client.
    #[inline]
    pub(crate) fn on_response(&mut self) {
        let Some(index) = self.responses.pop() else { return };
        let call = &self.calls[index];
        if call.ended {
            return self.calls.free(index);
        }
        let (connection, failure, sent) = (call.connection, call.failure, call.sent);
        if self.clients[call.client].settings.via.is_some() {
            return self.leave_proxy(index);
        }
        let worker = self.end_attempt(index, failure);
        self.calls.free(index);
        self.response_came(connection, sent, failure);
        self.after_end(worker);
    }

    /// A response has been read from a connection: of a call that was sent on it at `sent`, and what it says.
    #[inline(always)]
    pub(crate) fn response_came(&mut self, connection: ConnectionIx, sent: Time, failure: Option<FailureReason>) {
        self.learn(connection, sent, failure);
        self.response_read(connection);
        self.release_stream(connection);
    }

    /// The first deadline of all passes.
    pub(crate) fn on_deadline(&mut self) {
        let i = self.deadlines.argmin();
        let queue = &mut self.deadline_queues[i];
        let Some((_, call)) = queue.pop_front() else { return };
        let next = queue.front().map_or(u64::MAX, |d| d.0.0);
        self.deadlines.set(i, next);
        if self.calls.get(call).is_some_and(|c| !c.ended) {
            self.fail_call(call.index, FailureReason::Deadline);
        }
    }

    /// The client gives a call up, wherever it is, or its attempt, if it makes another one.
    pub(crate) fn fail_call(&mut self, index: CallIx, why: FailureReason) {
        let call = &self.calls[index];
        let (state, connection, pod, sent) = (call.state, call.connection, call.pod, call.sent);
        let owner = call.owner;
        self.tell_given_up(index, why);
        let worker = self.end_attempt(index, Some(why));
        // What waits is held by handles, which may go stale, and what is lost by nobody; the rest is freed by its holder.
        match state {
            CallState::ToProxy
            | CallState::WaitsForChannel
            | CallState::WaitsForStream
            | CallState::Failing
            | CallState::BacksOff
            | CallState::FromProxy
            | CallState::Streaming
            | CallState::Lost => self.calls.free(index),
            CallState::Sent | CallState::Queued | CallState::InService | CallState::Returning => {
                self.calls[index].ended = true;
                self.cancel_forwarded(index);
            }
        }
        if state == CallState::Queued {
            self.leave_queue(pod);
        } else if state == CallState::WaitsForStream {
            self.give_back(owner.channel(), Resource::Pending);
        }
        if state.has_stream() {
            // An answer that nobody waits for would still come first on an HTTP/1.1 connection: it is of no use any more.
            if self.lanes[connection].http1 {
                self.drain(connection, CloseReason::PerRequest);
            }
            self.learn(connection, sent, Some(why));
            self.release_stream(connection);
        }
        self.after_end(worker);
    }

    /// Tells the observer that a call has ended, and returns the worker that made it.
    #[inline(always)]
    pub(crate) fn tell_end(&mut self, index: CallIx, failure: Option<FailureReason>) -> WorkerId {
        let &Call { client, method, pod, emitted, worker, .. } = &self.calls[index];
        if !self.originates(client) {
            self.answer_for(index, failure);
            return WorkerId::NONE;
        }
        match failure {
            None => self.observe(&Observation::Completed { client: client.0, method, pod, emitted }),
            Some(why) => self.tell_failure(index, why),
        }
        if self.counts_calls {
            self.discount_call(index, failure.is_none());
        }
        worker
    }

    /// A stream of a connection has ended.
    #[inline]
    pub(crate) fn release_stream(&mut self, connection: ConnectionIx) {
        if self.lanes.end_stream(connection) {
            self.after_stream(connection);
        }
    }

    /// Somebody may wait for the stream that has ended, or for the last one's end.
    #[inline(never)]
    fn after_stream(&mut self, connection: ConnectionIx) {
        self.call_ends(connection);
        self.count_pooled(connection, false);
        if !self.in_use.is_empty() && !self.lanes[connection].http1 {
            self.give_back(self.connections[connection].owner.channel(), Resource::Request);
        }
        self.send_waiting(connection);
        let channel = self.connections[connection].owner.channel();
        if !self.lanes[connection].http1 && self.channels[channel].pools {
            self.after_send(channel, connection);
        }
        self.connections[connection].idle_since = self.now;
        if self.lanes.streams(connection) > 0 {
            return;
        }
        let lane = &self.lanes[connection];
        if lane.http1 {
            self.return_to_pool(connection);
        } else if lane.state == ConnectionState::Ready {
            self.limit_idle(connection);
        } else if lane.state == ConnectionState::Draining && !lane.dead {
            self.close_drained(connection);
        }
    }

    /// Sends calls that wait for a stream of `connection` while there are free streams.
    pub(crate) fn send_waiting(&mut self, connection: ConnectionIx) {
        loop {
            let streams = self.lanes.streams(connection);
            let lane = &self.lanes[connection];
            if lane.dead || streams >= lane.streams_max {
                return;
            }
            let Some(call) = self.connections[connection].waiting.pop_front() else { return };
            let Some(channel) = self.calls.get(call).filter(|c| !c.ended).map(|c| c.owner.channel()) else { continue };
            if self.begins(channel) {
                self.send(call, connection);
            } else {
                self.refuse_waiting(call.index, channel);
            }
        }
    }
}
