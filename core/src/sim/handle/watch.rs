//! Clients that watch the EndpointSlices: changes are pushed, after a debounce.
//!
//! Every client on a node hears of every change there, so a change must cost a client little: a node keeps a log of the pods that
//! joined or left its ready endpoints, and a channel how much of it is in its list. A few changes are made in place, and pick_first,
//! while its connection's address is listed, only remembers that it heard of them.

use super::super::channels::Subchannel;
use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{CloseReason, Observer};
use super::super::schedule::Rank;
use crate::ids::{Address, CallerId, ChannelId, NodeId, PodId, ViewId};
use crate::model::{Discovery, GrpcClient, Protocol, Watch};
use crate::narrow::u32_of;

/// Up to this many changes are made one by one.
const FEW: usize = 8;

impl<O: Observer> Engine<'_, O> {
    /// Clients that watch the EndpointSlices learn of a change together with their node, after a debounce of their own.
    pub(crate) fn changed_for_watchers(&mut self, node: NodeId) {
        for client in self.clients.ids() {
            let Some(Discovery::Watch(Watch { debounce, .. })) = self.discovery_of(client) else { continue };
            let push = &mut self.clients[client].pushes[node];
            push.latest = self.now;
            if !push.pending {
                (push.pending, push.first) = (true, self.now);
                self.after(debounce, Rank::World, Event::Push { client, node });
            }
        }
    }

    fn discovery_of(&self, client: CallerId) -> Option<Discovery> {
        match &self.clients[client].settings.protocol {
            Protocol::Grpc(grpc) => Some(grpc.discovery),
            Protocol::Http1(_) => None,
        }
    }

    /// A debounce is over: pushes what the node knows, unless more changed meanwhile and there is time to wait for more.
    pub(crate) fn on_push(&mut self, client: CallerId, node: NodeId) {
        let Some(Discovery::Watch(Watch { debounce, debounce_max, .. })) = self.discovery_of(client) else { return };
        let push = &mut self.clients[client].pushes[node];
        let due = (push.latest + debounce).min(push.first + debounce_max);
        if due > self.now {
            return self.schedule.at(due, Rank::World, Event::Push { client, node });
        }
        push.pending = false;
        let settings = self.clients[client].settings;
        let members = self.clients[client].members.clone();
        for replica in members {
            let r = &self.replicas[replica];
            if r.node == node {
                r.first.channel().series(settings.channels).for_each(|channel| self.push_changes(channel));
            }
        }
    }

    /// A channel that watches gets the list as its node knows it.
    pub(crate) fn push_list(&mut self, index: ChannelId) {
        let Some(view) = self.view_of_push(index) else { return };
        let view = &self.views[view];
        let (addresses, heard) = (view.endpoints.ready.clone(), view.log.len());
        self.set_heard(index, heard, heard);
        self.new_addresses(index, addresses);
    }

    /// The list that a push brings, which is its node's, unless the channel does not take it.
    fn view_of_push(&self, index: ChannelId) -> Option<ViewId> {
        let channel = &self.channels[index];
        let Discovery::Watch(Watch { ignore_empty, .. }) = self.settings(index).discovery else { return None };
        if channel.stopped || channel.resolver.as_ref().is_none_or(|r| r.answered.is_none()) {
            return None;
        }
        let view = ViewId(self.replicas[channel.replica].node.0);
        let empty = self.views[view].endpoints.ready.is_empty();
        (!empty || !ignore_empty).then_some(view)
    }

    fn set_heard(&mut self, index: ChannelId, listed: usize, heard: usize) {
        if let Some(resolver) = &mut self.channels[index].resolver {
            (resolver.listed, resolver.heard) = (listed, heard);
        }
    }

    /// A channel that watches hears of what has changed since it heard last.
    fn push_changes(&mut self, index: ChannelId) {
        let Some(view) = self.view_of_push(index) else { return };
        let channel = &self.channels[index];
        let Some(listed) = channel.resolver.as_ref().map(|r| r.listed) else { return };
        let GrpcClient { subset, outlier_detection, .. } = self.settings(index);
        // What is kept beside the list, or made of it, goes by the whole list.
        let beside = outlier_detection.is_some()
            || !self.breakers.is_empty()
            || channel.joined.is_some()
            || channel.plan.is_some();
        if subset.is_some() || beside {
            return self.push_list(index);
        }
        let view = &self.views[view];
        let (heard, known) = (view.log.len(), u32_of(view.endpoints.ready.len()));
        if channel.policy.one_connection() {
            let endpoint = channel.picker.first().filter(|_| channel.ready > 0 && !channel.stale);
            let pod = endpoint.and_then(|&c| self.connections[c.connection()].address.pod());
            if pod.is_some_and(|pod| view.endpoints.ready.binary_search(&pod).is_ok()) {
                self.set_heard(index, listed, heard);
                return self.tell_resolved(index, known);
            }
            return self.push_list(index);
        }
        if heard - listed > FEW || channel.subchannels.is_empty() {
            return self.push_list(index);
        }
        // A pod that joined and left again has not changed.
        let changes = &view.log[listed..];
        let odd = |pod: &&PodId| changes.iter().filter(|p| p == pod).count() % 2 == 1;
        let mut pods: Vec<PodId> = changes.iter().filter(odd).copied().collect();
        pods.sort_unstable();
        pods.dedup();
        self.set_heard(index, heard, heard);
        self.tell_resolved(index, known);
        self.change_list(index, &pods);
    }

    /// Takes pods out of the list of a policy that connects to all, or puts them in.
    fn change_list(&mut self, index: ChannelId, pods: &[PodId]) {
        let subchannels = &mut self.channels[index].subchannels;
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for &pod in pods {
            let address = Address::from(pod);
            match subchannels.binary_search_by_key(&address, |s| s.address) {
                Ok(i) => removed.push(subchannels.remove(i)),
                Err(i) => {
                    subchannels.insert(i, Subchannel::new(address));
                    added.push(address);
                }
            }
        }
        // Plans and pools name subchannels by their places.
        let channel = &mut self.channels[index];
        channel.stale |= !channel.in_turn;
        self.remove_subchannels(index, removed, CloseReason::AddressRemoved);
        if !self.channels[index].pools {
            for address in added {
                if let Some(i) = self.find_subchannel(index, address) {
                    self.dial_subchannel(index, i);
                }
            }
        }
        self.update_state(index);
    }

    /// Brings the list of a pick_first up to what it heard last: its node's, less what has changed since.
    pub(crate) fn catch_up(&mut self, index: ChannelId) {
        let channel = &self.channels[index];
        let Some((listed, heard)) = channel.resolver.as_ref().map(|r| (r.listed, r.heard)) else { return };
        if listed == heard {
            return;
        }
        let view = &self.views[ViewId(self.replicas[channel.replica].node.0)];
        let mut addresses = view.endpoints.ready.clone();
        for pod in &view.log[heard..] {
            match addresses.binary_search(pod) {
                Ok(i) => drop(addresses.remove(i)),
                Err(i) => addresses.insert(i, *pod),
            }
        }
        self.set_heard(index, heard, heard);
        self.list_for_pick_first(index, addresses);
    }
}
