//! What a channel's calls tell of it: when it is idle (grpc-go `internal/idle`, C-core `legacy_channel_idle_filter.cc`, grpc-java
//! `ManagedChannelImpl.IdleModeTimer`), and how many of its retries are let through. And what it keeps of its addresses.

use smallvec::smallvec;

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{CloseReason, Observer};
use super::super::schedule::Rank;
use super::super::world::{Call, Connectivity, ResolverState, Subchannel};
use crate::ids::{Address, CallIx, CallerId, ChannelId, ConnectionIx, OwnerId, PodId};
use crate::model::{Client, GrpcClient, Model, Protocol, Subset};
use crate::policy::subset;
use crate::random::Purpose;
use crate::units::{Span, Time};

/// What a channel's idle timeout needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Idleness {
    /// Calls that have not ended, attempts and back-offs in between included.
    calls: u32,
    /// A `ChannelIdle` event is scheduled.
    timer: bool,
    /// When the last call ended, or the channel left IDLE.
    since: Time,
}

/// True if some setting of a client asks when its calls begin and end.
pub(crate) fn counts_calls(model: &Model, client: &Client) -> bool {
    let Protocol::Grpc(grpc) = &client.protocol else { return false };
    let throttles = grpc.retry.is_some_and(|retries| retries.throttling.is_some());
    throttles || idles_after(model, client, grpc).is_some()
}

/// The idle timeout of a client's channels, if it can be reached before the end of the run.
fn idles_after(model: &Model, client: &Client, grpc: &GrpcClient) -> Option<Span> {
    let in_time = |t: &Span| model.duration.is_none_or(|duration| *t < duration);
    grpc.idle_timeout.filter(in_time).filter(|_| client.via.is_none())
}

impl<O: Observer> Engine<'_, O> {
    fn idle_timeout(&self, client: CallerId) -> Option<Span> {
        let client = self.clients[client].settings;
        match &client.protocol {
            Protocol::Grpc(grpc) => idles_after(self.model, client, grpc),
            Protocol::Http1(_) => None,
        }
    }

    /// A call of a channel begins.
    #[inline(never)]
    pub(crate) fn count_call(&mut self, client: CallerId, owner: OwnerId) {
        if self.idle_timeout(client).is_some() {
            let channel = owner.channel();
            self.watch_for_idle(channel);
            self.idleness[channel].calls += 1;
        }
    }

    /// A call has ended.
    #[inline(never)]
    pub(crate) fn discount_call(&mut self, index: CallIx, succeeded: bool) {
        let &Call { client, owner, .. } = &self.calls[index];
        let Protocol::Grpc(_) = self.clients[client].settings.protocol else { return };
        let channel = owner.channel();
        if succeeded {
            self.earn_token(channel);
        }
        let now = self.now;
        if self.idle_timeout(client).is_some()
            && let Some(idleness) = self.idleness.get_mut(channel)
        {
            idleness.calls -= 1;
            idleness.since = now;
        }
    }

    /// The channel is in use, or about to be: looks later whether it still is.
    pub(crate) fn watch_for_idle(&mut self, index: ChannelId) {
        let Some(timeout) = self.idle_timeout(self.client_of(index)) else { return };
        let unused = Idleness { calls: 0, timer: false, since: Time::ZERO };
        let idleness = self.idleness.reach(index, || unused);
        if !idleness.timer {
            (idleness.timer, idleness.since) = (true, self.now);
            self.after(timeout, Rank::Expiry, Event::ChannelIdle { channel: index });
        }
    }

    /// As grpc-go does: with a call open, the channel cannot be idle before a full period from now; without, it is when the period
    /// since the last one's end is over.
    pub(crate) fn on_channel_idle(&mut self, index: ChannelId) {
        let Some(timeout) = self.idle_timeout(self.client_of(index)) else { return };
        let idleness = &mut self.idleness[index];
        let over = if idleness.calls > 0 { self.now + timeout } else { idleness.since + timeout };
        idleness.timer = over > self.now;
        if idleness.timer {
            self.schedule.at(over, Rank::Expiry, Event::ChannelIdle { channel: index });
        } else if !self.channels[index].stopped {
            self.enter_idle(index);
        }
    }

    /// Closes all connections and forgets all addresses; the next call starts from nothing.
    fn enter_idle(&mut self, index: ChannelId) {
        let channel = &mut self.channels[index];
        let old = std::mem::take(&mut channel.subchannels);
        if let (None, Some(first)) = (&channel.resolver, old.first()) {
            // A virtual IP stays what it is; timers of its back-off are void.
            channel.subchannels =
                smallvec![Subchannel { epoch: first.epoch + 1, ..Subchannel::new(Address::VIRTUAL_IP) }];
        }
        self.remove_subchannels(index, old.into_vec(), CloseReason::ClientIdle);
        let channel = &mut self.channels[index];
        (channel.state, channel.in_pass, channel.stale) = (Connectivity::Idle, false, true);
        self.only_connection[index] = ConnectionIx::NONE;
        if let Some(resolver) = &mut channel.resolver {
            let (answers, life) = (resolver.answers, resolver.life + 1);
            **resolver = ResolverState { answers, life, ..ResolverState::default() };
        }
    }

    /// What a channel keeps of the addresses that discovery gave: all, or those that its own seed chooses (gRFC A68). The seed is the
    /// balancer's, which ends when the channel is idle.
    pub(crate) fn subset_of(&self, index: ChannelId, addresses: Vec<PodId>) -> Vec<PodId> {
        let Some(Subset { size }) = self.settings(index).subset else { return addresses };
        let life = self.channels[index].resolver.as_ref().map_or(0, |r| r.life);
        let seed = self.streams.draw(Purpose::Subset, self.channel_key(index), life.into());
        let names: Vec<String> = addresses.iter().map(|&pod| format!("{:016x}", self.pods[pod].key)).collect();
        let kept = subset::subset(seed, names.iter().map(String::as_str), size as usize);
        kept.into_iter().map(|i| addresses[i as usize]).collect()
    }
}
