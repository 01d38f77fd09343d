//! Connections that the server's end closes with whatever is on them: a pod that is killed, a connection whose grace is over.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{CloseReason, FailureReason, Observer};
use super::super::schedule::Rank;
use super::super::world::{Call, ConnectionState, Handle, Slab};
use crate::ids::{CallIx, ConnectionIx};
use crate::narrow::u32_of;
use crate::units::Time;

/// Why connections are reset, and with that the calls on them.
pub(crate) type Why = (CloseReason, FailureReason);

/// Which calls were on which connection at some instant. A connection that drained before it has had no new call since, so
/// its calls can be looked up here; those of the others are found only by going through all calls. With a grace period,
/// connections drain that much earlier than they are closed: one index per such period serves all of them.
#[derive(Debug, Default)]
pub(crate) struct CallsByConnection {
    built: Option<Time>,
    /// Connection and call, sorted.
    entries: Vec<(ConnectionIx, Handle<CallIx>)>,
}

impl CallsByConnection {
    fn build(&mut self, calls: &Slab<CallIx, Call>, now: Time) {
        self.built = Some(now);
        self.entries = on_connections(calls, |_| true);
        self.entries.sort_by_key(|e| e.0);
    }

    fn of(&self, connection: ConnectionIx) -> &[(ConnectionIx, Handle<CallIx>)] {
        let from = self.entries.partition_point(|e| e.0 < connection);
        let to = self.entries.partition_point(|e| e.0 <= connection);
        &self.entries[from..to]
    }
}

/// The calls that have not ended and are on one of the chosen connections, in order of their slots.
fn on_connections(
    calls: &Slab<CallIx, Call>,
    chosen: impl Fn(ConnectionIx) -> bool,
) -> Vec<(ConnectionIx, Handle<CallIx>)> {
    let on = |i: CallIx| (calls[i].connection, calls.handle(i));
    let wanted = |i: &CallIx| {
        let call = &calls[*i];
        !call.ended && call.connection != ConnectionIx::NONE && chosen(call.connection)
    };
    calls.used().into_iter().filter(wanted).map(on).collect()
}

impl<O: Observer> Engine<'_, O> {
    /// The server's end of connections is gone; the news reaches the clients half a round trip later.
    pub(crate) fn reset(&mut self, connections: Vec<Handle<ConnectionIx>>, why: Why) {
        for &handle in &connections {
            self.lanes[handle.index].dead = true;
        }
        let i = u32_of(self.resets.len());
        self.resets.push((why, connections));
        self.after(self.to_client, Rank::World, Event::Resets(i));
    }

    /// The client's end of a connection is gone: its calls fail now.
    pub(crate) fn reset_by_client(&mut self, connection: Handle<ConnectionIx>, why: Why) {
        self.lanes[connection.index].dead = true;
        let i = u32_of(self.resets.len());
        self.resets.push((why, vec![connection]));
        self.on_resets(i);
    }

    /// Clients learn that connections were reset: channels react, the calls on them fail, the connections are closed.
    pub(crate) fn on_resets(&mut self, i: u32) {
        let ((reason, why), ref mut connections) = self.resets[i as usize];
        let connections = std::mem::take(connections);
        for &handle in &connections {
            if self.connections.get(handle).is_none() {
                continue;
            }
            self.connections[handle.index].reset = true;
            if reason == CloseReason::TooManyPings {
                self.slow_down(handle);
            }
            if self.lanes[handle.index].state == ConnectionState::Connecting {
                self.on_dial_failed(handle, CloseReason::Refused);
            } else {
                self.drain(handle.index, reason);
            }
        }
        for call in self.calls_on(&connections) {
            if self.calls.get(call).is_some_and(|c| !c.ended) {
                self.fail_call(call.index, why);
            }
        }
        for &handle in &connections {
            if let Some(c) = self.connections.get(handle) {
                let reason = c.reason.unwrap_or(reason);
                self.close(handle.index, reason);
            }
        }
    }

    /// The calls on connections that have just been reset, in order of their slots.
    fn calls_on(&mut self, reset: &[Handle<ConnectionIx>]) -> Vec<Handle<CallIx>> {
        let mut loaded: Vec<(Handle<ConnectionIx>, Time)> = Vec::new();
        for &handle in reset {
            let Some(c) = self.connections.get(handle) else { continue };
            if self.lanes.streams(handle.index) > 0 || !c.waiting.is_empty() {
                loaded.push((handle, c.draining_since));
            }
        }
        let Some(last) = loaded.iter().map(|l| l.1).max() else { return Vec::new() };
        if last >= self.now {
            // They carried new calls until now.
            let connections = &self.connections.items;
            let found = on_connections(&self.calls, |c| connections[c].reset);
            return found.into_iter().map(|f| f.1).collect();
        }
        if self.call_index.built.is_none_or(|built| built <= last) {
            self.call_index.build(&self.calls, self.now);
        }
        let found = loaded.iter().flat_map(|l| self.call_index.of(l.0.index)).map(|f| f.1);
        let mut found: Vec<Handle<CallIx>> = found.filter(|&call| self.calls.get(call).is_some()).collect();
        found.sort_by_key(|call| call.index);
        found
    }
}
