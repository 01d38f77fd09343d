//! Connections, from the dial to the close. Once placed, a connection never moves.

use std::collections::VecDeque;

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::lanes::Lane;
use super::super::observation::{CloseReason, ConnectionId, ConnectionRecord, FailureReason, Observation, Observer};
use super::super::schedule::Rank;
use super::super::world::{Connection, ConnectionState, Handle, NOT_ACCEPTED, Waiting};
use super::calls::LOCAL_FAILURE_TAKES;
use crate::ids::{Address, ConnectionIx, OwnerId, PodId, ReplicaId};
use crate::model::SessionAffinity;
use crate::narrow::u32_of;
use crate::policy::backoff::jittered;
use crate::random::Purpose;
use crate::units::{Span, Time};

/// gRFC A9: MaxConnectionAge is jittered by a uniform ±10 %, once per connection.
const AGE_JITTER: f64 = 0.1;

impl<O: Observer> Engine<'_, O> {
    /// Dials `address` for a channel or pool. A virtual IP becomes a pod here, once per connection, by the view of the
    /// endpoints that the replica's node has now.
    pub(crate) fn dial(
        &mut self,
        owner: OwnerId,
        replica: ReplicaId,
        address: Address,
        http1: bool,
    ) -> Handle<ConnectionIx> {
        let key = self.replica_key(replica);
        let r = &mut self.replicas[replica];
        let dial = r.dials;
        r.dials += 1;
        let (client, ordinal, node) = (r.client, r.ordinal, r.node);
        let to = &self.clients[client];
        let pod = if let Some(pod) = address.pod() {
            pod
        } else if self.headless() && to.settings.gateway.is_none() {
            // A headless Service has no virtual IP: this is a dial without an answer from DNS.
            PodId::NONE
        } else {
            let draw = self.streams.draw(Purpose::Route, key, u64::from(dial));
            let placed_there = self.model.goes_through_kube_proxy(to.settings);
            let endpoints = &self.views[to.first_view.plus(node.0)].endpoints;
            match self.model.session_affinity.filter(|_| placed_there) {
                None => endpoints.choose(draw).unwrap_or(PodId::NONE),
                Some(SessionAffinity { timeout }) => {
                    let kept = endpoints.kept(self.last_pods.get(&replica).copied(), timeout, self.now);
                    let pod = kept.or_else(|| endpoints.choose(draw)).unwrap_or(PodId::NONE);
                    self.last_pods.insert(replica, (pod, self.now));
                    pod
                }
            }
        };
        let streams_max = self.stream_limit(pod, http1);
        let connection = self.connections.insert(Connection {
            owner,
            address,
            generation: 0,
            received: 0,
            incarnation: 0,
            place_in_pod: NOT_ACCEPTED,
            dial,
            goaway: false,
            reset: false,
            reason: None,
            opened: self.now,
            ready_since: Time::NEVER,
            draining_since: Time::NEVER,
            messages: 0,
            sampled: 0,
            idle_since: self.now,
            waiting: Waiting::default(),
        });
        self.lanes.put(connection.index, Lane::new(self.dialled, pod, streams_max, http1));
        let id = ConnectionId(self.dialled);
        self.dialled += 1;
        let placed = pod.some();
        self.observe(&Observation::Dialled { connection: id, client: client.0, replica: ordinal, pod: placed });
        // kube-proxy rejects on the client's own node when there is no endpoint.
        let (takes, event) = match placed {
            None => (LOCAL_FAILURE_TAKES, Event::Refused(connection)),
            Some(_) => (self.to_pod, Event::Syn(connection)),
        };
        self.after(takes, Rank::World, event);
        connection
    }

    /// How many streams a connection to `pod` carries at once.
    pub(crate) fn stream_limit(&self, pod: PodId, http1: bool) -> u32 {
        let limit = |pod| self.server_of(pod).grpc.max_concurrent_streams;
        if http1 || pod == PodId::NONE { u32::MAX } else { limit(pod).unwrap_or(u32::MAX) }
    }

    /// A SYN reaches a pod: it is accepted if somebody listens.
    pub(crate) fn on_syn(&mut self, handle: Handle<ConnectionIx>) {
        if self.connections.get(handle).is_none() {
            return;
        }
        let pod = self.lanes[handle.index].pod;
        if self.black_holes.contains(&pod) {
            return self.no_answer(handle);
        }
        let p = &mut self.pods[pod];
        if !p.listening {
            return self.after(self.to_client, Rank::World, Event::Refused(handle));
        }
        let c = &mut self.connections[handle.index];
        c.incarnation = p.incarnation;
        c.place_in_pod = u32_of(p.connections.len());
        p.connections.push(handle.index);
        if self.server_of(pod).handshake_time > Span::ZERO {
            self.admit_handshake(pod, handle);
        } else {
            let takes = self.to_client + self.connect_time(handle.index);
            self.after(takes, Rank::World, Event::Connected(handle));
        }
    }

    /// How long the dial takes on top of the round trip.
    pub(crate) fn connect_time(&self, connection: ConnectionIx) -> Span {
        let c = &self.connections[connection];
        let key = self.replica_key(self.replica_of(connection));
        self.model.cluster.connect.sample(self.streams.draw(Purpose::Connect, key, u64::from(c.dial)))
    }

    /// The replica that a connection belongs to.
    pub(crate) fn replica_of(&self, connection: ConnectionIx) -> ReplicaId {
        let owner = self.connections[connection].owner;
        if self.lanes[connection].http1 {
            self.pools[owner.pool()].replica
        } else {
            self.channels[owner.channel()].replica
        }
    }

    /// A dial has come to its end: READY, unless the pod stopped listening meanwhile (a server that shuts down closes
    /// connections that are still in their handshake).
    pub(crate) fn on_connected(&mut self, handle: Handle<ConnectionIx>) {
        let Some(c) = self.connections.get(handle) else { return };
        let (owner, dial) = (c.owner, c.dial);
        let Lane { pod, http1, .. } = self.lanes[handle.index];
        if self.black_holes.contains(&pod) {
            return;
        }
        let p = &mut self.pods[pod];
        if !p.listening || p.incarnation != c.incarnation {
            return self.on_dial_failed(handle, CloseReason::Refused);
        }
        p.established += 1;
        let measures_idle = p.settings.grpc.max_connection_idle.is_some();
        let c = &mut self.connections[handle.index];
        (c.idle_since, c.ready_since) = (self.now, self.now);
        let lane = &mut self.lanes[handle.index];
        lane.state = ConnectionState::Ready;
        let id = ConnectionId(lane.id);
        let pings = !http1 && self.begin_pinging(owner.channel(), handle.index);
        self.lanes.set_plain(handle.index, !http1 && !measures_idle && !pings);
        self.reopen_pooled(handle.index);
        let replica = self.replica_of(handle.index);
        let (client, ordinal) = (self.replicas[replica].client, self.replicas[replica].ordinal);
        self.observe(&Observation::Connected { connection: id, client: client.0, replica: ordinal, pod });
        let key = self.replica_key(replica);
        if let Some(lifetime) = self.clients[client].settings.connection_lifetime {
            let draw = self.streams.draw(Purpose::Lifetime, key, u64::from(dial));
            let lives = Span::from_secs_f64(lifetime.max.as_secs_f64() * jittered(lifetime.jitter, draw));
            self.after(lives, Rank::Expiry, Event::LifetimeOver(handle));
        }
        if http1 {
            return self.pool_connected(owner.pool(), handle);
        }
        let grpc = self.server_of(pod).grpc;
        if let Some(age) = grpc.max_connection_age {
            let draw = self.streams.draw(Purpose::Age, key, u64::from(dial));
            let lives = Span::from_secs_f64(age.as_secs_f64() * jittered(AGE_JITTER, draw));
            self.after(lives, Rank::Expiry, Event::AgeOver(handle));
        }
        self.lanes[handle.index].unusual =
            grpc.max_requests_per_connection.is_some() || self.streams_of(client).is_some();
        if let Some(idle) = grpc.max_connection_idle {
            self.after(idle, Rank::Expiry, Event::IdleCheck(handle));
        }
        self.subchannel_ready(owner.channel(), handle);
    }

    /// A dial failed: nothing listened, or nothing answered.
    pub(crate) fn on_dial_failed(&mut self, handle: Handle<ConnectionIx>, why: CloseReason) {
        let Some(c) = self.connections.get(handle) else { return };
        let (owner, address, since) = (c.owner, c.address, c.opened);
        let Lane { pod, http1, state, .. } = self.lanes[handle.index];
        if state != ConnectionState::Connecting {
            return;
        }
        let failure = match why {
            CloseReason::DialTimeout => FailureReason::DialTimeout,
            _ if pod == PodId::NONE => FailureReason::NoEndpoint,
            _ => FailureReason::DialRefused,
        };
        let waiting = self.connections[handle.index].waiting.take_all();
        self.close(handle.index, why);
        if http1 {
            // Its calls wait in the pool.
            return self.pool_refused(owner.pool(), failure);
        }
        let channel = owner.channel();
        self.channels[channel].trouble = failure;
        self.subchannel_failed(channel, handle.index, address, since);
        self.fail_waiters(channel, address, waiting, failure);
    }

    /// The pod tells the client to go away. The first GOAWAY of two: it takes effect at the client; requests that cross it
    /// are still served, because the last one the pod accepts is fixed only after a PING has come back.
    pub(crate) fn send_goaway(&mut self, index: ConnectionIx, reason: CloseReason) {
        let connection = self.connections.handle(index);
        let c = &mut self.connections[index];
        if !c.goaway && !self.black_holes.contains(&self.lanes[index].pod) {
            c.goaway = true;
            self.after(self.to_client, Rank::World, Event::GoAway { connection, reason });
        }
    }

    pub(crate) fn on_goaway(&mut self, handle: Handle<ConnectionIx>, reason: CloseReason) {
        if self.connections.get(handle).is_some() {
            self.drain(handle.index, reason);
        }
    }

    pub(crate) fn on_age_over(&mut self, handle: Handle<ConnectionIx>) {
        if self.connections.get(handle).is_none() {
            return;
        }
        let pod = self.lanes[handle.index].pod;
        self.send_goaway(handle.index, CloseReason::MaxAge);
        if let Some(grace) = self.server_of(pod).grpc.max_connection_age_grace {
            self.after(grace, Rank::Expiry, Event::GraceOver(handle));
        }
    }

    /// The pod has received one more request on a connection whose requests it counts.
    #[inline(never)]
    pub(crate) fn count_request(&mut self, index: ConnectionIx) {
        let most = self.server_of(self.lanes[index].pod).grpc.max_requests_per_connection;
        let c = &mut self.connections[index];
        c.received += 1;
        if most == Some(c.received) {
            self.send_goaway(index, CloseReason::MaxRequests);
        }
    }

    /// Grace is over: the pod closes the connection with whatever is on it.
    pub(crate) fn on_grace_over(&mut self, handle: Handle<ConnectionIx>) {
        let lane = &self.lanes[handle.index];
        if self.connections.get(handle).is_some() && !lane.dead && !self.black_holes.contains(&lane.pod) {
            self.reset(vec![handle], (CloseReason::Killed, FailureReason::GraceOver));
        }
    }

    pub(crate) fn on_idle_check(&mut self, handle: Handle<ConnectionIx>) {
        let Some(c) = self.connections.get(handle) else { return };
        let pod = self.lanes[handle.index].pod;
        let Some(idle) = self.server_of(pod).grpc.max_connection_idle else { return };
        // With streams it cannot be over before a full period from now; without, when the period since the last one is.
        let idle_since = c.idle_since;
        let over = if self.lanes.streams(handle.index) > 0 { self.now + idle } else { idle_since + idle };
        if over > self.now {
            self.schedule.at(over, Rank::Expiry, Event::IdleCheck(handle));
        } else {
            self.send_goaway(handle.index, CloseReason::MaxIdle);
        }
    }

    pub(crate) fn on_lifetime_over(&mut self, handle: Handle<ConnectionIx>) {
        if self.connections.get(handle).is_some() {
            self.drain(handle.index, CloseReason::ClientLifetime);
        }
    }

    /// The client takes no new calls to a connection; it closes when the last call on it ends. Calls that wait for a free
    /// stream were never sent and go elsewhere (gRFC A6, transparent retry).
    pub(crate) fn drain(&mut self, index: ConnectionIx, reason: CloseReason) {
        let lane = &mut self.lanes[index];
        if lane.state != ConnectionState::Ready {
            return;
        }
        lane.state = ConnectionState::Draining;
        let (id, pod, http1) = (ConnectionId(lane.id), lane.pod, lane.http1);
        self.lanes.set_plain(index, false);
        let c = &mut self.connections[index];
        c.reason = Some(reason);
        c.draining_since = self.now;
        let owner = c.owner;
        // The calls of a replica that stops have nowhere else to go.
        let waiting = if reason == CloseReason::ClientStopped { VecDeque::new() } else { c.waiting.take_all() };
        self.pods[pod].established -= 1;
        self.observe(&Observation::Draining { connection: id, pod, reason });
        let handle = self.connections.handle(index);
        if http1 {
            self.leave_pool(owner.pool(), index);
        } else {
            self.subchannel_lost(owner.channel(), index, reason);
        }
        self.reroute(waiting);
        if self.connections.get(handle).is_some() && self.lanes.streams(index) == 0 && !self.lanes[index].dead {
            self.close_drained(index);
        }
    }

    /// Closes a draining connection that carries nothing any more.
    pub(crate) fn close_drained(&mut self, index: ConnectionIx) {
        let c = &self.connections[index];
        let waits = !c.waiting.is_empty();
        if let (false, Some(reason)) = (waits, c.reason) {
            self.close(index, reason);
        }
    }

    /// A connection ends, and its slot is free.
    pub(crate) fn close(&mut self, index: ConnectionIx, reason: CloseReason) {
        let closed = Some(self.now);
        let record = self.record(index, closed, Some(reason));
        if self.samples_connections {
            let sample = self.sample_connection(index, true);
            self.ended_connections.extend(sample);
        }
        let place = self.connections[index].place_in_pod;
        let lane = &self.lanes[index];
        let (pod, ready) = (lane.pod, lane.state == ConnectionState::Ready);
        self.connections.free(index);
        self.end_pinging(index);
        if pod != PodId::NONE && place != NOT_ACCEPTED {
            let p = &mut self.pods[pod];
            p.established -= u32::from(ready);
            p.connections.swap_remove(place as usize);
            if let Some(&moved) = p.connections.get(place as usize) {
                self.connections[moved].place_in_pod = place;
            }
        }
        self.observe(&Observation::Closed(&record));
        if pod != PodId::NONE {
            self.pod_lost_connection(pod);
        }
    }

    /// What there is to say about a connection.
    pub(crate) fn record(
        &self,
        index: ConnectionIx,
        closed: Option<Time>,
        reason: Option<CloseReason>,
    ) -> ConnectionRecord {
        let (lane, c) = (&self.lanes[index], &self.connections[index]);
        let r = &self.replicas[self.replica_of(index)];
        ConnectionRecord {
            id: ConnectionId(lane.id),
            client: r.client.0,
            replica: r.ordinal,
            pod: lane.pod.some(),
            opened: c.opened,
            draining: (c.draining_since != Time::NEVER).then_some(c.draining_since),
            closed,
            reason,
            requests: lane.requests,
            ready: lane.state == ConnectionState::Ready,
        }
    }
}
