//! The connections of a proxy's worker to one host: the first is its subchannel's, and there are more when the calls under way do
//! not fit on it. NGINX puts one call on each; HAProxy (`http-reuse safe`) those of one client connection.

use super::super::engine::Engine;
use super::super::observation::{CloseReason, Observer};
use super::super::world::{Call, CallState, ConnectionState, Handle, Pooled, SubchannelState};
use crate::ids::{Address, CallIx, ChannelId, ConnectionIx};
use crate::model::{RetryPolicy, Reuse};
use crate::narrow::u32_of;

impl<O: Observer> Engine<'_, O> {
    /// How calls of a channel share its connections.
    pub(crate) fn reuse_of(&self, index: ChannelId) -> Reuse {
        let via = self.clients[self.client_of(index)].settings.via.as_ref();
        via.and_then(|via| via.cluster).map_or(Reuse::default(), |cluster| cluster.reuse)
    }

    /// The connection of a pool for a call: the first that takes it, or a new one.
    pub(crate) fn connection_to(&mut self, index: ChannelId, host: usize, call: Handle<CallIx>) -> ConnectionIx {
        let reuse = self.reuse_of(index);
        let session = if reuse.by_session { self.session_of(call) } else { 0 };
        let subchannel = self.channels[index].subchannels[host];
        let address = subchannel.address;
        let first = (subchannel.state != SubchannelState::Idle).then_some(subchannel.connection);
        let in_all = self.most_requests(index).map_or(u64::MAX, u64::from);
        let found = first.filter(|&c| self.has_room(c, reuse, in_all) && self.belongs_to(c, reuse, session));
        let found = found.or_else(|| {
            self.find_pooled((index, address), |engine, connection| {
                (engine.has_room(connection, reuse, in_all), engine.belongs_to(connection, reuse, session))
            })
        });
        let connection = match (found, first) {
            (Some(connection), _) => connection,
            (None, None) => {
                self.dial_subchannel(index, host);
                self.channels[index].subchannels[host].connection
            }
            (None, Some(_)) => {
                let replica = self.channels[index].replica;
                let connection = self.dial(index.into(), replica, address, false).index;
                self.pooled.entry((index, address)).or_default().add(self.lanes[connection].id, connection);
                connection
            }
        };
        if found.is_none() {
            self.lanes[connection].streams_max = 0;
        }
        if reuse.by_session {
            *self.sessions.reach(connection, || 0) = session;
        }
        connection
    }

    /// The first of the further connections that has room, and that may be used.
    fn find_pooled(
        &mut self,
        pool: (ChannelId, Address),
        asks: impl Fn(&Self, ConnectionIx) -> (bool, bool),
    ) -> Option<ConnectionIx> {
        let more = self.pooled.get(&pool)?;
        let (mut full, mut found) = (Vec::new(), None);
        for (&id, &connection) in &more.open {
            match asks(self, connection) {
                (true, true) => {
                    found = Some(connection);
                    break;
                }
                (true, false) => {}
                // Until one of its streams ends.
                (false, _) => full.push(id),
            }
        }
        let more = self.pooled.get_mut(&pool)?;
        for id in &full {
            more.open.remove(id);
        }
        found
    }

    /// Whether a connection takes one more call: at once, and `in_all`, those that wait for it included.
    fn has_room(&self, connection: ConnectionIx, reuse: Reuse, in_all: u64) -> bool {
        let lane = &self.lanes[connection];
        let most = match lane.state {
            ConnectionState::Connecting => reuse.streams.unwrap_or(u32::MAX),
            ConnectionState::Ready => lane.streams_max,
            ConnectionState::Draining => 0,
        };
        let waiting = self.connections[connection].waiting.len() as u64;
        lane.requests + waiting < in_all && self.calls_on_connection(connection) < most
    }

    /// Whether a connection may be used for calls of this client's connection.
    fn belongs_to(&self, connection: ConnectionIx, reuse: Reuse, session: u64) -> bool {
        let same = || self.sessions.get(connection) == Some(&session);
        !reuse.by_session || self.calls_on_connection(connection) == 0 || same()
    }

    /// The pool that has this connection beside its first.
    pub(crate) fn pooled_at(&mut self, connection: ConnectionIx) -> Option<&mut Pooled> {
        if self.pooled.is_empty() || self.lanes[connection].http1 {
            return None;
        }
        let c = &self.connections[connection];
        let more = self.pooled.get_mut(&(c.owner.channel(), c.address))?;
        more.all.contains_key(&self.lanes[connection].id).then_some(more)
    }

    /// A connection is READY: it may have room for more than it had while it was dialled.
    pub(crate) fn reopen_pooled(&mut self, connection: ConnectionIx) {
        let id = self.lanes[connection].id;
        if let Some(more) = self.pooled_at(connection) {
            more.open.insert(id, connection);
        }
    }

    /// A stream of a connection has begun, or ended, and there is room for another one.
    #[inline]
    pub(crate) fn count_pooled(&mut self, connection: ConnectionIx, begins: bool) {
        if !self.pooled.is_empty() {
            self.count_in_pool(connection, begins);
        }
    }

    #[inline(never)]
    fn count_in_pool(&mut self, connection: ConnectionIx, begins: bool) {
        let id = self.lanes[connection].id;
        let Some(more) = self.pooled_at(connection) else { return };
        if begins {
            more.streams += 1;
        } else {
            more.streams -= 1;
            more.open.insert(id, connection);
        }
    }

    /// Calls under way on a connection, and those that wait for it; after `settle`.
    fn calls_on_connection(&self, connection: ConnectionIx) -> u32 {
        self.lanes.settled(connection) + u32_of(self.connections[connection].waiting.len())
    }

    /// The client's connection that a gateway's call came on, counted from 1.
    fn session_of(&self, call: Handle<CallIx>) -> u64 {
        let asked = self.originator(call.index);
        self.lanes[asked.connection].id + 1
    }

    /// A connection of a pool is READY; if its replica has stopped meanwhile, it closes when the calls that waited for it end.
    pub(crate) fn pooled_ready(&mut self, index: ChannelId, connection: ConnectionIx) {
        self.pool_ready(index, connection);
        if self.channels[index].stopped {
            self.drain(connection, CloseReason::ClientStopped);
        }
    }

    /// True if `connection` is one of the further connections of a channel to an address.
    pub(crate) fn is_pooled(&self, index: ChannelId, address: Address, connection: ConnectionIx) -> bool {
        let id = self.lanes[connection].id;
        self.pooled.get(&(index, address)).is_some_and(|more| more.all.contains_key(&id))
    }

    /// One of the further connections is no more, or takes no more calls.
    pub(crate) fn leave_pooled(&mut self, index: ChannelId, address: Address, connection: ConnectionIx) {
        let (id, streams) = (self.lanes[connection].id, self.lanes.streams(connection));
        if let Some(more) = self.pooled.get_mut(&(index, address)) {
            more.remove(id, streams);
        }
    }

    /// A subchannel has lost its connection: one of the others takes its place.
    pub(crate) fn promote_pooled(&mut self, index: ChannelId, i: usize) {
        let address = self.channels[index].subchannels[i].address;
        let first = self.pooled.get(&(index, address)).and_then(|more| more.all.values().next());
        let Some(&connection) = first else { return };
        self.leave_pooled(index, address, connection);
        let channel = &mut self.channels[index];
        let subchannel = &mut channel.subchannels[i];
        subchannel.connection = connection;
        subchannel.state = SubchannelState::Connecting;
        if self.lanes[connection].state == ConnectionState::Ready {
            subchannel.state = SubchannelState::Ready;
            channel.ready += 1;
        }
    }

    /// The further connections of a channel to an address end.
    pub(crate) fn end_pooled(&mut self, index: ChannelId, address: Address, why: CloseReason) {
        for (id, connection) in self.pooled.remove(&(index, address)).unwrap_or_default().all {
            let waits = !self.connections[connection].waiting.is_empty();
            match self.lanes[connection].state {
                // Calls that wait for it have nowhere else to go.
                ConnectionState::Connecting if waits && why == CloseReason::ClientStopped => {
                    self.pooled.entry((index, address)).or_default().add(id, connection);
                }
                ConnectionState::Connecting => {
                    let waiting = self.connections[connection].waiting.take_all();
                    self.close(connection, why);
                    self.reroute(waiting);
                }
                ConnectionState::Ready | ConnectionState::Draining => self.drain(connection, why),
            }
        }
    }

    /// A connection of a pool carries nothing any more: it is closed if its worker keeps enough others.
    pub(crate) fn limit_idle(&mut self, connection: ConnectionIx) {
        let index = self.connections[connection].owner.channel();
        if !self.channels[index].pools {
            return;
        }
        let Some(most) = self.reuse_of(index).idle else { return };
        self.lanes.settle();
        let channel = &self.channels[index];
        let ready = channel.subchannels.iter().filter(|s| s.state == SubchannelState::Ready).map(|s| s.connection);
        let of_channel = self.pooled.range((index, Address::FIRST)..=(index, Address::LAST));
        let more = of_channel.flat_map(|(_, more)| more.all.values()).copied();
        let idle =
            |&c: &ConnectionIx| self.lanes[c].state == ConnectionState::Ready && self.calls_on_connection(c) == 0;
        if ready.chain(more).filter(idle).count() > most as usize {
            self.drain(connection, CloseReason::ClientIdle);
        }
    }

    /// Where NGINX and HAProxy go with a call that found no connection to `before`: to the next server, so that each is tried once.
    pub(crate) fn next_untried(&self, index: ChannelId, before: Address) -> Option<usize> {
        let Some(RetryPolicy { unsent_only: true, .. }) = self.settings(index).retry else { return None };
        let hosts = &self.channels[index].subchannels;
        let after = hosts.partition_point(|host| host.address <= before);
        (!hosts.is_empty()).then_some(if after == hosts.len() { 0 } else { after })
    }

    // What NGINX and HAProxy count.

    /// An attempt of a call is over, or it goes elsewhere: its server has one less to do.
    pub(crate) fn count_off(&mut self, index: CallIx) {
        let &Call { owner, pod, state, .. } = &self.calls[index];
        let channel = owner.channel();
        let counts = self.channels[channel].policy.counts();
        let under_way = state.has_stream() || matches!(state, CallState::WaitsForStream | CallState::FromProxy);
        if counts && under_way {
            self.count_end(channel, pod.into());
        }
    }
}
