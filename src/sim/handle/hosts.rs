//! Envoy's way with connections (`source/common/conn_pool/conn_pool_base.cc`): the policy picks among all hosts that discovery
//! names, whether connected or not, and the pool of the worker for that host dials when a call needs it. Calls wait for the dial,
//! and fail with it: the next one to that host dials again, at once.
//!
//! Not modelled: a second connection of a worker to a host whose first one has no stream left (the call waits), and preconnecting,
//! which is off by default.

use std::collections::VecDeque;

use super::super::engine::Engine;
use super::super::observation::{Observer, Status};
use super::super::world::{CallState, Channel, ConnectionState, Handle, NONE, SubchannelState};
use crate::policy::budget::{InUse, Resource};
use crate::policy::least_request;
use crate::random::below;
use crate::scenario::model::{Breakers, Policy};

impl<O: Observer> Engine<'_, O> {
    /// The connection for a call: READY, or being dialled.
    pub fn pick_host(&mut self, index: u32, draw: &mut impl FnMut() -> u64) -> Option<u32> {
        self.lanes.settle();
        let channel = &mut self.channels[index as usize];
        let n = channel.picker.len();
        let picked = match channel.policy {
            Policy::LeastRequest { choice_count } => {
                least_request::of_choices(n, choice_count, |i| self.active_on(index, i), draw)
            }
            Policy::Random => (n > 0).then(|| below(draw(), n)),
            Policy::RoundRobin { .. } | Policy::PickFirst { .. } | Policy::PeakEwma { .. } => {
                let i = channel.next as usize;
                channel.next = if i + 1 >= n { 0 } else { channel.next + 1 };
                (i < n).then_some(i)
            }
        };
        let host = self.channels[index as usize].picker[picked?] as usize;
        if self.channels[index as usize].subchannels[host].state == SubchannelState::Idle {
            self.dial_subchannel(index, host);
            let connection = self.channels[index as usize].subchannels[host].connection;
            self.lanes[connection].streams_max = 0;
        }
        Some(self.channels[index as usize].subchannels[host].connection)
    }

    /// Requests under way to the `i`-th host of a channel's picker, by all workers of its proxy; those that wait for a
    /// connection do not count (envoyproxy/envoy issue 44989).
    fn active_on(&self, index: u32, i: usize) -> u32 {
        let channel = &self.channels[index as usize];
        let own = &channel.subchannels[channel.picker[i] as usize];
        let replica = &self.replicas[channel.replica as usize];
        let first = replica.first_channel;
        let all = first..first + self.model.clients[replica.client as usize].channels;
        let workers = all.filter(|&c| self.channels[c as usize].balancer == c);
        let connection = |c: u32| {
            let host = if c == index {
                own
            } else {
                &self.channels[c as usize].subchannels[self.find_subchannel(c, own.address)?]
            };
            (host.state == SubchannelState::Ready).then_some(host.connection)
        };
        workers.filter_map(connection).map(|c| self.lanes.settled(c)).sum()
    }

    /// A pool's connection has become READY: the calls that waited for it go, oldest first.
    pub fn pool_ready(&mut self, index: u32, connection: u32) {
        self.lanes[connection].streams_max = self.stream_limit(self.lanes[connection].pod, false);
        self.send_waiting(connection);
        if !self.connections.items[connection as usize].waiting.is_empty() || self.breakers_of(index).is_some() {
            self.lanes.set_plain(connection, false);
        }
    }

    /// Calls that waited for a connection that did not come, or for a stream of one that drains, and were never sent.
    pub fn fail_waiters(&mut self, waiting: VecDeque<Handle>) {
        for call in waiting {
            if self.calls.get(call).is_some_and(|c| !c.ended) {
                self.fail_call(call.index, Status::Unavailable);
            }
        }
    }

    /// The same calls go elsewhere.
    pub fn reroute(&mut self, waiting: VecDeque<Handle>) {
        for call in waiting {
            if self.calls.get(call).is_some_and(|c| !c.ended) {
                let item = &mut self.calls.items[call.index as usize];
                (item.connection, item.pod, item.state) = (NONE, NONE, CallState::WaitsForChannel);
                let channel = item.channel;
                self.give_back(channel, Resource::Pending);
                self.route_call(call);
            }
        }
    }

    fn breakers_of(&self, channel: u32) -> Option<Breakers> {
        self.model.clients[self.client_of(channel) as usize].via.as_ref()?.cluster?.breakers
    }

    /// Whether the circuit breakers let a call of `channel` go on `connection`.
    pub fn takes_on(&mut self, channel: u32, connection: u32) -> bool {
        let lane = &self.lanes[connection];
        let at_once = lane.state == ConnectionState::Ready && self.lanes.settled(connection) < lane.streams_max;
        self.take(channel, if at_once { Resource::Request } else { Resource::Pending })
    }

    /// Whether a call that waited may begin; if not, it still counts as one that waits.
    pub fn begins(&mut self, channel: u32) -> bool {
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
    pub fn take(&mut self, channel: u32, resource: Resource) -> bool {
        let Some(breakers) = self.breakers_of(channel) else { return true };
        let replica = self.channels[channel as usize].replica as usize;
        if self.in_use.len() <= replica {
            self.in_use.resize(replica + 1, InUse::default());
        }
        self.in_use[replica].try_take(&breakers, resource)
    }

    #[inline]
    pub fn give_back(&mut self, channel: u32, resource: Resource) {
        if !self.in_use.is_empty() {
            self.give_back_to_proxy(channel, resource);
        }
    }

    #[inline(never)]
    fn give_back_to_proxy(&mut self, channel: u32, resource: Resource) {
        let Some(Channel { replica, pools: true, .. }) = self.channels.get(channel as usize) else { return };
        if let Some(in_use) = self.in_use.get_mut(*replica as usize) {
            in_use.give_back(resource);
        }
    }
}
