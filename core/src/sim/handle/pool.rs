//! HTTP/1.1: one request at a time on a connection; a new connection per request, or a keep-alive pool.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{CloseReason, FailureReason, Observer};
use super::super::schedule::Rank;
use super::super::world::{ConnectionState, Handle};
use super::discovery::Order;
use crate::ids::{Address, CallIx, ConnectionIx, Id, PoolId, ReplicaId};
use crate::model::{Http1Client, PoolOrder, Protocol};
use crate::random::mix;

impl<O: Observer> Engine<'_, O> {
    fn pool_settings(&self, pool: PoolId) -> Http1Client {
        let client = self.replicas[self.pools[pool].replica].client;
        match &self.clients[client].settings.protocol {
            Protocol::Http1(settings) => *settings,
            Protocol::Grpc(_) => unreachable!("only HTTP/1.1 clients have pools"),
        }
    }

    /// A request takes an idle connection, or waits for the first one that comes free: a new one if the limit allows.
    pub(crate) fn pool_call(&mut self, call: Handle<CallIx>) {
        let index = self.calls[call.index].owner.pool();
        let settings = self.pool_settings(index);
        let pool = &mut self.pools[index];
        let idle = match settings.keep_alive.map(|k| k.order) {
            None => None,
            Some(PoolOrder::Lifo) => pool.idle.pop_back(),
            Some(PoolOrder::Fifo) => pool.idle.pop_front(),
        };
        if let Some(connection) = idle {
            return self.send(call, connection);
        }
        pool.waiting.push_back(call, &self.calls);
        if settings.max_connections.is_none_or(|most| pool.open < most) {
            self.pool_dial(index);
        }
    }

    /// Opens a connection. To a headless Service an HTTP/1.1 client resolves the name for each dial and takes one address.
    pub(crate) fn pool_dial(&mut self, index: PoolId) {
        let pool = &mut self.pools[index];
        pool.open += 1;
        pool.dialling += 1;
        let replica = pool.replica;
        let address = if self.headless() { self.resolve_once(replica) } else { Address::VIRTUAL_IP };
        self.dial(index.into(), replica, address, true);
    }

    /// The first address of an answer of the cluster DNS; with no address, the dial finds no endpoint either.
    fn resolve_once(&mut self, replica: ReplicaId) -> Address {
        let r = &self.replicas[replica];
        let (node, dials) = (r.node.index(), r.dials);
        let owner = mix(mix(self.replica_key(replica), 1), u64::from(dials));
        self.look_up(node, owner, Order::OfAnswer).first().map_or(Address::VIRTUAL_IP, |&pod| pod.into())
    }

    pub(crate) fn pool_connected(&mut self, index: PoolId, connection: Handle<ConnectionIx>) {
        self.pools[index].dialling -= 1;
        if let Some(idle) = self.pool_settings(index).keep_alive.and_then(|k| k.idle_timeout) {
            self.after(idle, Rank::Expiry, Event::PoolIdleCheck(connection));
        }
        self.return_to_pool(connection.index);
    }

    /// A dial failed: so does the call that has waited longest.
    pub(crate) fn pool_refused(&mut self, index: PoolId, why: FailureReason) {
        let pool = &mut self.pools[index];
        pool.open -= 1;
        pool.dialling -= 1;
        if let Some(call) = self.next_waiting(index) {
            self.fail_call(call.index, why);
        }
        self.dial_for_waiting(index);
    }

    /// The first live call that waits in a pool.
    fn next_waiting(&mut self, index: PoolId) -> Option<Handle<CallIx>> {
        loop {
            let call = self.pools[index].waiting.pop_front()?;
            if self.calls.get(call).is_some_and(|c| !c.ended) {
                return Some(call);
            }
        }
    }

    /// Dials as many connections as calls wait for and the limit allows.
    fn dial_for_waiting(&mut self, index: PoolId) {
        let most = self.pool_settings(index).max_connections.unwrap_or(u32::MAX);
        loop {
            let pool = &self.pools[index];
            if pool.open >= most || pool.dialling as usize >= pool.waiting.len() {
                return;
            }
            self.pool_dial(index);
        }
    }

    /// A connection of a pool has no request on it: it takes the next one, or waits for one, or ends.
    pub(crate) fn return_to_pool(&mut self, connection: ConnectionIx) {
        let index = self.connections[connection].owner.pool();
        let lane = &self.lanes[connection];
        let fresh = lane.requests == 0;
        if lane.dead {
            return;
        }
        if lane.state == ConnectionState::Draining {
            return self.close_drained(connection);
        }
        let keep_alive = self.pool_settings(index).keep_alive;
        if keep_alive.is_none() && !fresh {
            self.pools[index].open -= 1;
            self.close(connection, CloseReason::PerRequest);
            return self.dial_for_waiting(index);
        }
        if let Some(call) = self.next_waiting(index) {
            return self.send(call, connection);
        }
        if self.pools[index].stopped {
            return self.drain(connection, CloseReason::ClientStopped);
        }
        if keep_alive.is_none() {
            return self.drain(connection, CloseReason::ClientIdle);
        }
        self.pools[index].idle.push_back(connection);
    }

    pub(crate) fn on_pool_idle_check(&mut self, handle: Handle<ConnectionIx>) {
        let Some(c) = self.connections.get(handle) else { return };
        let Some(idle) = self.pool_settings(c.owner.pool()).keep_alive.and_then(|k| k.idle_timeout) else { return };
        let idle_since = c.idle_since;
        let over = if self.lanes.streams(handle.index) > 0 { self.now + idle } else { idle_since + idle };
        if over > self.now {
            self.schedule.at(over, Rank::Expiry, Event::PoolIdleCheck(handle));
        } else {
            self.drain(handle.index, CloseReason::ClientIdle);
        }
    }

    /// A connection of a pool takes no new requests.
    pub(crate) fn leave_pool(&mut self, index: PoolId, connection: ConnectionIx) {
        let pool = &mut self.pools[index];
        pool.idle.retain(|&c| c != connection);
        pool.open -= 1;
        self.dial_for_waiting(index);
    }

    /// The replica has stopped: idle connections close now, the others after their requests.
    pub(crate) fn shut_pool(&mut self, index: PoolId) {
        self.pools[index].stopped = true;
        for connection in std::mem::take(&mut self.pools[index].idle) {
            self.drain(connection, CloseReason::ClientStopped);
        }
    }
}
