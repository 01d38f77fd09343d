//! Who knows of which endpoints, and when: EndpointSlices to nodes and DNS, DNS to channels.

use super::super::channels::Subchannels;
use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{CloseReason, FailureReason, Observation, Observer};
use super::super::schedule::Rank;
use super::super::world::{Channel, Connectivity, Subchannel, SubchannelState, View};
use super::picker::goes_by_answer;
use crate::ids::{Address, ChannelId, ConnectionIx, Id, NodeId, PodId, ViewId};
use crate::model::{Discovery, DnsCache, EarlyRequest, GrpcClient, PickFirst, Policy, Poll, Resolver};
use crate::narrow::u32_of;
use crate::policy::backoff;
use crate::policy::route::Condition;
use crate::random::{Purpose, mix, number_below, shuffle};
use crate::units::{Span, Time};

impl<O: Observer> Engine<'_, O> {
    /// A pod's condition has changed: every node and the cluster DNS learn of it after a lag of their own, in order.
    pub(crate) fn publish(&mut self, pod: PodId, to: Condition) {
        let p = &mut self.pods[pod];
        let (key, change) = (p.key, p.endpoint_changes);
        p.endpoint_changes += 1;
        for view in self.views_of(pod) {
            let draw = self.streams.draw(Purpose::EndpointLag, mix(key, view.0.into()), change);
            let lag = self.model.cluster.endpoint_lag.sample(draw);
            let at = (self.now + lag).max(self.views[view].latest);
            self.views[view].latest = at;
            if at == self.now {
                self.on_endpoint_change(view, pod, to);
            } else {
                self.schedule.at(at, Rank::World, Event::EndpointChange { view, pod, to });
            }
        }
    }

    /// The views of the Service that a pod is behind.
    fn views_of(&self, pod: PodId) -> impl Iterator<Item = ViewId> + use<O> {
        let views = self.model.cluster.nodes + 1;
        let gateway = (self.pods[pod].server.0 + 1).saturating_sub(u32_of(self.model.servers.len()));
        ViewId(gateway * views).series(views)
    }

    pub(crate) fn on_endpoint_change(&mut self, view: ViewId, pod: PodId, to: Condition) {
        let View { endpoints, log, .. } = &mut self.views[view];
        let ready = endpoints.ready.len();
        endpoints.change(pod, to);
        if self.watched && view.0 < self.model.cluster.nodes {
            if endpoints.ready.len() != ready {
                log.push(pod);
            }
            self.changed_for_watchers(NodeId(view.0));
        }
    }

    /// What the cluster DNS knows: ready endpoints only.
    pub(crate) fn dns_view(&self) -> &View {
        &self.views[ViewId(self.model.cluster.nodes)]
    }

    /// A channel asks for a lookup: now, or as its resolver treats requests that come too early.
    pub(crate) fn request_resolution(&mut self, index: ChannelId) {
        let settings = self.settings(index);
        let (discovery, resolver_settings) = (settings.discovery, settings.resolver);
        let now = self.now;
        let Some(resolver) = &mut self.channels[index].resolver else { return };
        if discovery != Discovery::Dns {
            // A poll and a watch go on by themselves once they have begun.
            if !resolver.pending {
                resolver.pending = true;
                let life = resolver.life;
                self.after(self.model.cluster.rtt, Rank::World, Event::DnsAnswer { channel: index, life });
            }
            return;
        }
        if resolver.pending {
            resolver.again = true;
            return;
        }
        let earliest = resolver.answered.map_or(now, |t| t + resolver_settings.min_interval);
        if earliest > now && resolver_settings.early == EarlyRequest::Drop {
            return;
        }
        resolver.pending = true;
        let (at, life) = (earliest.max(now) + self.model.cluster.rtt, resolver.life);
        // The DNS server takes a moment beyond the round trip: a dial that was made together with the query is refused before.
        self.schedule.at(at, Rank::Expiry, Event::DnsAnswer { channel: index, life });
    }

    /// DNS answers a channel, with what it knows (or has cached) now; or the first list of a watch has come.
    pub(crate) fn on_dns_answer(&mut self, index: ChannelId, life: u32) {
        if self.channels[index].resolver.as_ref().is_none_or(|r| r.life != life) {
            return;
        }
        if self.channels[index].stopped {
            if self.channels[index].ready == 0 {
                self.give_up(index);
            }
            return;
        }
        match self.settings(index).discovery {
            Discovery::Dns => self.on_lookup(index),
            Discovery::Poll(Poll { interval }) => {
                let next = self.next_poll(index, interval);
                self.after(next, Rank::World, Event::DnsAnswer { channel: index, life });
                self.mark_answered(index);
                let addresses = self.answer(index);
                self.new_addresses(index, addresses);
            }
            Discovery::Watch { .. } => {
                self.mark_answered(index);
                self.push_list(index);
            }
        }
    }

    /// How long after this answer a poll asks again. A replica that ran before the run began has polled all along, at a phase of
    /// its own; its channels, and the workers of its proxy (Envoy resolves once for all of them), have the same.
    fn next_poll(&self, index: ChannelId, interval: Span) -> Span {
        let Channel { replica, resolver, .. } = &self.channels[index];
        let first = resolver.as_ref().is_some_and(|r| r.answers == 0);
        if !first || self.replicas[*replica].ready_since > Time::ZERO {
            return interval;
        }
        phase(self.streams.draw(Purpose::PollPhase, self.replica_key(*replica), 0), interval)
    }

    fn mark_answered(&mut self, index: ChannelId) {
        let now = self.now;
        if let Some(resolver) = &mut self.channels[index].resolver {
            resolver.answered = Some(now);
            resolver.answers += 1;
        }
    }

    fn on_lookup(&mut self, index: ChannelId) {
        let addresses = self.answer(index);
        let key = self.channel_key(index);
        let GrpcClient { backoff, resolver: Resolver { early, .. }, .. } = *self.settings(index);
        let now = self.now;
        let Some(resolver) = &mut self.channels[index].resolver else { return };
        resolver.pending = false;
        resolver.answers += 1;
        if addresses.is_empty() {
            self.channels[index].trouble = FailureReason::NoEndpoint;
            self.tell_resolved(index, 0);
            let Some(resolver) = &mut self.channels[index].resolver else { return };
            // No such host: the resolver tries again by itself, after a delay that starts at the second step.
            if backoff.per_call {
                return self.attempt_failed_for_good(index);
            }
            resolver.failures += 1;
            resolver.pending = true;
            let life = resolver.life;
            let draw = self.streams.draw(Purpose::Backoff, mix(key, NO_ADDRESS), resolver.answers);
            let delay = backoff::delay(&backoff, resolver.failures + 1, draw);
            self.after(delay, Rank::Expiry, Event::DnsAnswer { channel: index, life });
            if self.channels[index].subchannels.is_empty() {
                self.channels[index].state = Connectivity::TransientFailure;
                self.fail_waiting(index);
            }
            return;
        }
        resolver.failures = 0;
        resolver.answered = Some(now);
        let again = std::mem::take(&mut resolver.again);
        if again && early == EarlyRequest::DeferAndRemember {
            self.request_resolution(index);
        }
        self.new_addresses(index, addresses);
    }

    pub(crate) fn tell_resolved(&mut self, index: ChannelId, addresses: u32) {
        let replica = &self.replicas[self.channels[index].replica];
        let (client, ordinal) = (replica.client, replica.ordinal);
        self.observe(&Observation::Resolved { client: client.0, replica: ordinal, addresses });
    }

    /// A new list of addresses, which the policy acts on. With none, calls fail.
    pub(crate) fn new_addresses(&mut self, index: ChannelId, addresses: Vec<PodId>) {
        self.lookout.extra_work += addresses.len() as u64;
        let addresses = self.subset_of(index, addresses);
        self.tell_resolved(index, u32_of(addresses.len()));
        if addresses.is_empty() {
            self.channels[index].trouble = FailureReason::NoEndpoint;
        }
        if !self.channels[index].policy.one_connection() {
            return self.update_all(index, addresses);
        }
        self.list_for_pick_first(index, addresses);
        let channel = &self.channels[index];
        // A connection whose address is still listed stays; otherwise a new pass begins.
        if channel.ready == 0 && (channel.state != Connectivity::Idle || !channel.waiting.is_empty()) {
            self.start_pass(index);
        }
    }

    /// The addresses that a channel's lookup returns, in the order of the answer.
    fn answer(&mut self, index: ChannelId) -> Vec<PodId> {
        let channel = &self.channels[index];
        let in_turn = channel.policy.one_connection() || goes_by_answer(channel);
        let order = if in_turn { Order::OfAnswer } else { Order::Any };
        let node = self.replicas[channel.replica].node.index();
        let answers = channel.resolver.as_ref().map_or(0, |r| r.answers);
        self.look_up(node, mix(self.channel_key(index), answers), order)
    }

    /// What the cluster DNS answers to somebody on `node`; `owner` keys the order.
    pub(crate) fn look_up(&mut self, node: usize, owner: u64, order: Order) -> Vec<PodId> {
        match self.model.cluster.dns.cache {
            DnsCache::None => {
                let answer = self.dns_view().endpoints.ready.clone();
                self.in_order(answer, owner, order)
            }
            DnsCache::CoreDns => self.core_dns(owner, order),
            DnsCache::NodeLocal => {
                if !self.is_cached(node) {
                    let owner = mix(node as u64, self.dns_caches[node].fills);
                    let answer = self.core_dns(owner, Order::OfAnswer);
                    self.fill(node, answer);
                }
                self.dns_caches[node].answer.clone()
            }
        }
    }

    /// CoreDNS's own cache: the answer may be old, but is shuffled afresh.
    fn core_dns(&mut self, owner: u64, order: Order) -> Vec<PodId> {
        let core = self.dns_caches.len() - 1;
        if !self.is_cached(core) {
            let answer = self.dns_view().endpoints.ready.clone();
            self.fill(core, answer);
        }
        let answer = self.dns_caches[core].answer.clone();
        self.in_order(answer, owner, order)
    }

    /// True if a cache has an answer that has not expired. The run begins in the middle of the life of the first one, which has
    /// the pods of the start: how much of it is left is a draw.
    fn is_cached(&mut self, cache: usize) -> bool {
        if !self.dns_caches[cache].filled {
            let pods = self.model.servers.iter().map(|s| s.replicas).sum();
            // CoreDNS shuffles each response, a node's cache answers in one order.
            let core = cache == self.dns_caches.len() - 1;
            let (owner, order) = if core { (CORE_DNS, Order::Any) } else { (cache as u64, Order::OfAnswer) };
            let answer = self.in_order((0..pods).map(PodId).collect(), mix(owner, 0), order);
            self.fill(cache, answer);
            let life = self.dns_caches[cache].expires.since(self.now);
            let left = phase(self.streams.draw(Purpose::DnsPhase, owner, 0), life);
            self.dns_caches[cache].expires = Time::ZERO + left;
        }
        self.dns_caches[cache].expires > self.now
    }

    /// An answer in the order that `owner` gets, if somebody looks at it.
    fn in_order(&self, mut answer: Vec<PodId>, owner: u64, order: Order) -> Vec<PodId> {
        if order == Order::OfAnswer && self.model.cluster.dns.loadbalance {
            shuffle(&mut answer, &mut self.streams.stream(Purpose::Answer, owner));
        }
        answer
    }

    /// Puts an answer into a cache. An empty one is kept for 5 s only (denial TTL), never longer than others.
    fn fill(&mut self, cache: usize, answer: Vec<PodId>) {
        let ttl = self.model.cluster.dns.ttl;
        let ttl = if answer.is_empty() { ttl.min(DENIAL_TTL) } else { ttl };
        let cache = &mut self.dns_caches[cache];
        cache.expires = self.now + ttl;
        cache.filled = true;
        cache.fills += 1;
        cache.answer = answer;
    }

    /// Makes this the address list of a pick_first, in the order of its attempts.
    pub(crate) fn list_for_pick_first(&mut self, index: ChannelId, mut addresses: Vec<PodId>) {
        if let Policy::PickFirst(PickFirst { shuffle: true, .. }) = *self.channels[index].policy {
            let k = self.channels[index].resolver.as_ref().map_or(0, |r| r.answers);
            let owner = mix(self.channel_key(index), k);
            shuffle(&mut addresses, &mut self.streams.stream(Purpose::Shuffle, owner));
        }
        let mut old = std::mem::take(&mut self.channels[index].subchannels);
        old.sort_unstable_by_key(|s| s.address);
        let mut kept = vec![false; old.len()];
        let take = |&pod: &PodId| match old.binary_search_by_key(&Address::from(pod), |s| s.address) {
            Ok(i) => {
                kept[i] = true;
                old[i]
            }
            Err(_) => Subchannel::new(pod.into()),
        };
        let new = addresses.iter().map(take).collect();
        self.channels[index].subchannels = new;
        let removed = old.into_iter().zip(kept).filter(|(_, kept)| !kept).map(|(s, _)| s);
        self.remove_subchannels(index, removed.collect(), CloseReason::AddressRemoved);
    }

    /// A new address list for a policy that connects to all: removed addresses drain, added ones connect at once.
    fn update_all(&mut self, index: ChannelId, addresses: Vec<PodId>) {
        let mut addresses: Vec<Address> = addresses.into_iter().map(Address::from).collect();
        self.keep_order(index, &addresses);
        addresses.sort_unstable();
        self.note_joins(index, &addresses);
        self.judge_addresses(index, &addresses);
        self.keep_breakers(index, &addresses);
        let old = std::mem::take(&mut self.channels[index].subchannels);
        let before = old.len();
        let (new, removed) = merge(old, &addresses);
        let channel = &mut self.channels[index];
        // Plans and pools name subchannels by their places.
        let changed = new.len() != before || !removed.is_empty();
        channel.stale |= !channel.in_turn && (!channel.pools || changed);
        channel.subchannels = new;
        self.remove_subchannels(index, removed, CloseReason::AddressRemoved);
        self.connect_all(index, false);
    }

    /// Subchannels that are no longer in the channel's list end. All are counted out before the first one drains: the calls
    /// that wait on it are picked for again, and must not find another one of them.
    pub(crate) fn remove_subchannels(&mut self, index: ChannelId, removed: Vec<Subchannel>, why: CloseReason) {
        if removed.is_empty() {
            return;
        }
        let ready = u32_of(removed.iter().filter(|s| s.state == SubchannelState::Ready).count());
        if ready > 0 || self.channels[index].pools {
            let channel = &mut self.channels[index];
            channel.ready -= ready;
            channel.stale = true;
            self.only_connection[index] = ConnectionIx::NONE;
            if channel.ready == 0 {
                channel.state = Connectivity::Connecting;
            }
        }
        for s in removed {
            self.end_pooled(index, s.address, why);
            match s.state {
                SubchannelState::Connecting => {
                    let waiting = self.connections[s.connection].waiting.take_all();
                    self.close(s.connection, why);
                    self.reroute(waiting);
                }
                SubchannelState::Ready => self.drain(s.connection, why),
                SubchannelState::Idle | SubchannelState::Backoff => {}
            }
        }
    }

    /// Publishes a pod of the start without lag.
    pub(crate) fn publish_at_start(&mut self, pod: PodId) {
        for view in self.views_of(pod) {
            let view = &mut self.views[view];
            view.endpoints.change(pod, Condition::Ready);
            view.latest = Time::ZERO;
        }
        self.pods[pod].endpoint_changes += 1;
    }
}

/// Sets the draws of a resolver's back-off apart from those of its channel's addresses.
const NO_ADDRESS: u64 = u32::MAX as u64;

/// Sets the draws of CoreDNS apart from those of the nodes' caches.
const CORE_DNS: u64 = u32::MAX as u64;

/// How long a cache keeps the answer that there is no address (CoreDNS and NodeLocal DNSCache: denial TTL 5 s).
const DENIAL_TTL: Span = Span::from_secs(5);

/// What is left of a period that began at any time: uniform, above zero.
fn phase(draw: u64, period: Span) -> Span {
    Span(1 + number_below(draw, period.0)).min(period)
}

/// Who looks at the order of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Somebody takes the addresses in turn.
    OfAnswer,
    /// Nobody, so that it need not be drawn.
    Any,
}

/// The subchannels of a list, both in order of address: those of `old` that are listed, and new ones; and those no longer listed.
fn merge(old: Subchannels, addresses: &[Address]) -> (Subchannels, Vec<Subchannel>) {
    if old.iter().map(|s| s.address).eq(addresses.iter().copied()) {
        return (old, Vec::new());
    }
    let (mut new, mut removed) = (Subchannels::with_capacity(addresses.len()), Vec::new());
    let mut old = old.into_iter().peekable();
    for &address in addresses {
        while let Some(gone) = old.next_if(|s| s.address < address) {
            removed.push(gone);
        }
        new.push(old.next_if(|s| s.address == address).unwrap_or(Subchannel::new(address)));
    }
    removed.extend(old);
    (new, removed)
}
