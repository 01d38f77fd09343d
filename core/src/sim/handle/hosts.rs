//! Envoy's way with connections (`source/common/conn_pool/conn_pool_base.cc`): the policy picks among all hosts that discovery
//! names, whether connected or not, and the pool of the worker for that host dials when a call needs it. Calls wait for the dial,
//! and fail with it: the next one to that host dials again, at once.
//!
//! Not modelled: preconnecting, which is off by default.

use std::collections::VecDeque;

use super::super::engine::Engine;
use super::super::observation::{CloseReason, FailureReason, Observer};
use super::super::plans::Plan;
use super::super::world::{CallState, Channel, ConnectionState, Handle, SubchannelState};
use crate::ids::{Address, CallIx, ChannelId, ConnectionIx, PodId};
use crate::model::Breakers;
use crate::pick::{PickPolicy, Registered, View, on_policy, take_turn};
use crate::policy::budget::{InUse, Resource};
use crate::units::Time;

/// Istio: `host_selection_retry_max_attempts` 5.
const RESELECTIONS: u32 = 5;

impl<O: Observer> Engine<'_, O> {
    /// The connection for a call: READY, or being dialled.
    pub(crate) fn pick_pool(
        &mut self,
        index: ChannelId,
        call: Handle<CallIx>,
        draw: &mut impl FnMut() -> u64,
    ) -> Option<ConnectionIx> {
        let before = self.calls[call.index].pod;
        let host = match before.some() {
            None => self.pick_host(index, call, draw)?,
            Some(before) => self.pick_elsewhere(index, call, before.into(), draw)?,
        };
        self.count_on(index, host);
        Some(self.connection_to(index, host, call))
    }

    /// A host for a call that had one before: the next one in the list, or any other that a few picks find.
    fn pick_elsewhere(
        &mut self,
        index: ChannelId,
        call: Handle<CallIx>,
        before: Address,
        draw: &mut impl FnMut() -> u64,
    ) -> Option<usize> {
        if let Some(next) = self.next_untried(index, before) {
            return Some(next);
        }
        let mut host = self.pick_host(index, call, draw)?;
        for _ in 0..RESELECTIONS {
            if self.channels[index].subchannels[host].address != before {
                break;
            }
            host = self.pick_host(index, call, draw)?;
        }
        Some(host)
    }

    /// A request has been sent, or a call waits: a connection that has had all that it takes is replaced.
    pub(crate) fn after_send(&mut self, index: ChannelId, connection: ConnectionIx) {
        let most = self.most_requests(index);
        if most.is_some_and(|most| self.lanes[connection].requests >= u64::from(most)) {
            self.drain(connection, CloseReason::MaxRequests);
        }
    }

    /// How many requests a connection of a channel's proxy carries in its life.
    pub(crate) fn most_requests(&self, index: ChannelId) -> Option<u32> {
        let client = self.clients[self.client_of(index)].settings;
        client.via.as_ref().and_then(|via| via.cluster?.max_requests_per_connection)
    }

    fn pick_host(&mut self, index: ChannelId, call: Handle<CallIx>, draw: &mut impl FnMut() -> u64) -> Option<usize> {
        self.lanes.settle();
        let channel = &self.channels[index];
        let picked = if matches!(channel.plan.as_deref(), Some(Plan::Edf(_))) {
            self.pick_slowly(index)
        } else if channel.policy.hashes() {
            return self.pick_by_key(index, call);
        } else {
            on_policy!(*channel.policy, policy => self.pick_host_by(policy, index, draw))
        };
        Some(self.channels[index].picker[picked?].host())
    }

    fn pick_host_by<P: Registered>(
        &mut self,
        policy: P,
        index: ChannelId,
        draw: &mut impl FnMut() -> u64,
    ) -> Option<usize> {
        // Other policies are not Envoy's, which the reader sees to.
        if !policy.picks_hosts() {
            return None;
        }
        let channel = &mut self.channels[index];
        let (mut plan, next, turned) = (channel.plan.take(), channel.next, channel.turned);
        let memory = P::Memory::default();
        let mut hosts = Hosts::<P, O> { engine: self, index, plan: plan.as_deref_mut(), next, turned, memory };
        let picked = policy.pick(&mut hosts, draw);
        let (next, turned) = (hosts.next, hosts.turned);
        let channel = &mut self.channels[index];
        (channel.plan, channel.next, channel.turned) = (plan, next, turned);
        picked
    }

    /// Requests under way to the `i`-th host of a channel's picker, by all workers of its proxy; those that wait for a
    /// connection do not count (envoyproxy/envoy issue 44989).
    pub(crate) fn active_on(&self, index: ChannelId, i: usize) -> u32 {
        let channel = &self.channels[index];
        let own = &channel.subchannels[channel.picker[i].host()];
        let replica = &self.replicas[channel.replica];
        let all = replica.first.channel().series(self.clients[replica.client].settings.channels);
        let workers = all.filter(|&c| self.channels[c].balancer == c);
        let under_way = |c: ChannelId| {
            let host =
                if c == index { own } else { &self.channels[c].subchannels[self.find_subchannel(c, own.address)?] };
            let more = self.pooled.get(&(c, own.address)).map_or(0, |more| more.streams);
            let first = if host.state == SubchannelState::Ready { self.lanes.settled(host.connection) } else { 0 };
            Some(first + more)
        };
        workers.filter_map(under_way).sum()
    }

    /// A pool's connection has become READY: the calls that waited for it go, oldest first.
    pub(crate) fn pool_ready(&mut self, index: ChannelId, connection: ConnectionIx) {
        let reuse = self.reuse_of(index);
        let limit = self.stream_limit(self.lanes[connection].pod, false);
        self.lanes[connection].streams_max = limit.min(reuse.streams.unwrap_or(u32::MAX));
        self.send_waiting(connection);
        self.after_send(index, connection);
        let waits = !self.connections[connection].waiting.is_empty();
        // The end of each stream counts, too, where there are more connections than one.
        if waits || reuse.idle.is_some() || self.breakers_of(index).is_some() || self.pooled_at(connection).is_some() {
            self.lanes.set_plain(connection, false);
        }
    }

    /// Calls that waited for a connection to `address` that did not come.
    pub(crate) fn fail_waiters(
        &mut self,
        channel: ChannelId,
        address: Address,
        waiting: VecDeque<Handle<CallIx>>,
        why: FailureReason,
    ) {
        for call in waiting {
            if self.calls.get(call).is_some_and(|c| !c.ended) {
                self.judge(channel, address, Some(why));
                self.fail_call(call.index, why);
            }
        }
    }

    /// Calls that waited, for a connection or for a stream of one that drains, and were never sent, go elsewhere.
    pub(crate) fn reroute(&mut self, waiting: VecDeque<Handle<CallIx>>) {
        for call in waiting {
            if self.calls.get(call).is_some_and(|c| !c.ended) {
                self.count_off(call.index);
                let item = &mut self.calls[call.index];
                (item.connection, item.pod, item.state) = (ConnectionIx::NONE, PodId::NONE, CallState::WaitsForChannel);
                let channel = item.owner.channel();
                self.give_back(channel, Resource::Pending);
                self.route_call(call);
            }
        }
    }

    fn breakers_of(&self, channel: ChannelId) -> Option<Breakers> {
        self.clients[self.client_of(channel)].settings.via.as_ref()?.cluster?.circuit_breakers
    }

    /// Whether the circuit breakers let a call of `channel` go on `connection`.
    pub(crate) fn takes_on(&mut self, channel: ChannelId, connection: ConnectionIx) -> bool {
        let lane = &self.lanes[connection];
        let at_once = lane.state == ConnectionState::Ready && self.lanes.settled(connection) < lane.streams_max;
        self.take(channel, if at_once { Resource::Request } else { Resource::Pending })
    }

    /// Whether a call that waited may begin; if not, it still counts as one that waits.
    pub(crate) fn begins(&mut self, channel: ChannelId) -> bool {
        if self.in_use.is_empty() {
            return true;
        }
        let begins = self.take(channel, Resource::Request);
        if begins {
            self.give_back(channel, Resource::Pending);
        }
        begins
    }

    /// Takes one of what the proxy of `channel` has, if its circuit breakers allow it.
    pub(crate) fn take(&mut self, channel: ChannelId, resource: Resource) -> bool {
        let Some(breakers) = self.breakers_of(channel) else { return true };
        let replica = self.channels[channel].replica;
        self.in_use.reach(replica, InUse::default).try_take(&breakers, resource)
    }

    #[inline]
    pub(crate) fn give_back(&mut self, channel: ChannelId, resource: Resource) {
        if !self.in_use.is_empty() {
            self.give_back_to_proxy(channel, resource);
        }
    }

    #[inline(never)]
    fn give_back_to_proxy(&mut self, channel: ChannelId, resource: Resource) {
        let Some(Channel { replica, pools: true, .. }) = self.channels.get(channel) else { return };
        if let Some(in_use) = self.in_use.get_mut(*replica) {
            in_use.give_back(resource);
        }
    }
}

/// The hosts of a channel's proxy, as its policy sees them.
struct Hosts<'e, 'a, P: PickPolicy, O> {
    engine: &'e Engine<'a, O>,
    index: ChannelId,
    plan: Option<&'e mut Plan>,
    next: u32,
    turned: u32,
    /// Nothing is remembered of hosts.
    memory: P::Memory,
}

impl<P: Registered, O: Observer> View<P> for Hosts<'_, '_, P, O> {
    fn len(&self) -> usize {
        self.engine.channels[self.index].picker.len()
    }

    fn outstanding(&self, i: usize) -> u32 {
        self.engine.active_on(self.index, i)
    }

    fn streams(&self, i: usize) -> u32 {
        self.outstanding(i)
    }

    fn now(&self) -> Time {
        self.engine.now
    }

    fn turn(&mut self) -> usize {
        let n = self.len();
        take_turn(&mut self.next, &mut self.turned, n)
    }

    fn memory(&mut self, _: usize) -> &mut P::Memory {
        &mut self.memory
    }

    fn plan(&mut self) -> Option<&mut P::Plan> {
        self.plan.as_deref_mut()?.of::<P>()
    }
}
