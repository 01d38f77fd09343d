//! Keepalive pings of clients, and servers that take them for abuse.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{CloseReason, FailureReason, Observer};
use super::super::pings::Ends;
use super::super::schedule::Rank;
use super::super::world::Handle;
use crate::ids::{CallIx, ChannelId, ConnectionIx};
use crate::policy::enforcement::Verdict;
use crate::policy::keepalive::{Act, Due, slowed_down};
use crate::units::Time;

impl<O: Observer> Engine<'_, O> {
    /// A connection of a channel has become READY: says whether its client has keepalive.
    pub(crate) fn begin_pinging(&mut self, channel: ChannelId, connection: ConnectionIx) -> bool {
        let Some(mut settings) = self.settings(channel).keepalive else { return false };
        settings.time = self.slowed.get(&channel).copied().unwrap_or(settings.time);
        let ends = Ends::new(settings, self.now, self.to_pod, self.to_client);
        *self.pings.reach(connection, || None) = Some(Box::new(ends));
        self.set_keepalive_timer(connection);
        true
    }

    /// A connection is closed.
    pub(crate) fn end_pinging(&mut self, connection: ConnectionIx) {
        if let Some(ends) = self.pings.get_mut(connection) {
            *ends = None;
        }
    }

    /// Whether TCP ends a connection when keepalive's timeout is over, and not when it has tried often enough.
    pub(crate) fn has_user_timeout(&mut self, connection: ConnectionIx) -> bool {
        self.ends(connection).is_some_and(|ends| ends.settings.tcp_user_timeout)
    }

    fn ends(&mut self, connection: ConnectionIx) -> Option<&mut Ends> {
        self.pings.get_mut(connection)?.as_deref_mut()
    }

    /// Sets the timer for what comes next, if that is earlier than what it is set for: it may fire too early, but never late.
    fn set_keepalive_timer(&mut self, connection: ConnectionIx) {
        let now = self.now;
        let Some(ends) = self.ends(connection) else { return };
        let (Due::Ping(due) | Due::Close(due)) = ends.due(now) else { return };
        let due = due.max(now);
        if due < ends.timer {
            ends.timer = due;
            let handle = self.connections.handle(connection);
            self.schedule.at(due, Rank::Expiry, Event::Keepalive(handle));
        }
    }

    pub(crate) fn on_keepalive(&mut self, handle: Handle<ConnectionIx>) {
        if self.connections.get(handle).is_none() || self.lanes[handle.index].dead {
            return;
        }
        let (now, connection) = (self.now, handle.index);
        let streams = self.lanes.streams(connection);
        let Some(ends) = self.ends(connection).filter(|e| e.timer == now) else { return };
        ends.timer = Time::NEVER;
        match ends.fire(now) {
            Act::Close => {
                let why = (CloseReason::KeepaliveTimeout, FailureReason::KeepaliveTimeout);
                return self.reset_by_client(handle, why);
            }
            Act::SendPing => self.after(self.to_pod, Rank::World, Event::Ping { connection: handle, streams }),
            Act::Wait => {}
        }
        self.set_keepalive_timer(connection);
    }

    /// A ping reaches the pod: it answers, or it has had enough.
    pub(crate) fn on_ping(&mut self, handle: Handle<ConnectionIx>, streams: u32) {
        let lane = &self.lanes[handle.index];
        if self.connections.get(handle).is_none() || lane.dead || !self.pods[lane.pod].serving {
            return;
        }
        let rule = self.server_of(lane.pod).grpc.keepalive_enforcement;
        let (now, to_client) = (self.now, self.to_client);
        let calls = &self.calls.items;
        let on_it = |call: CallIx| calls[call].connection == handle.index && !calls[call].ended;
        let on_the_way = self.responses.last(on_it).map(|at| Time(at.0.saturating_sub(to_client.0)));
        let Some(ends) = self.ends(handle.index) else { return };
        match ends.judge(&rule, now, streams, on_the_way) {
            Verdict::Fine | Verdict::Strike => self.after(to_client, Rank::World, Event::Pong(handle)),
            Verdict::TooManyPings => {
                self.reset(vec![handle], (CloseReason::TooManyPings, FailureReason::TooManyPings));
            }
        }
    }

    /// The answer to a ping reaches the client.
    pub(crate) fn on_pong(&mut self, handle: Handle<ConnectionIx>) {
        let now = self.now;
        if self.connections.get(handle).is_some() && !self.lanes[handle.index].dead {
            if let Some(ends) = self.ends(handle.index) {
                ends.pong(now);
            }
            self.set_keepalive_timer(handle.index);
        }
    }

    /// A request was sent.
    #[inline(always)]
    pub(crate) fn call_begins(&mut self, connection: ConnectionIx) {
        if !self.pings.is_empty() {
            self.pinger_call_begins(connection);
        }
    }

    #[inline(never)]
    fn pinger_call_begins(&mut self, connection: ConnectionIx) {
        let now = self.now;
        if let Some(ends) = self.ends(connection) {
            ends.call_begins(now);
            self.set_keepalive_timer(connection);
        }
    }

    /// A call has ended.
    pub(crate) fn call_ends(&mut self, connection: ConnectionIx) {
        if let Some(ends) = self.ends(connection) {
            ends.call_ends();
        }
    }

    /// A response was read.
    #[inline(always)]
    pub(crate) fn response_read(&mut self, connection: ConnectionIx) {
        if !self.pings.is_empty() {
            self.pinger_reads(connection);
        }
    }

    #[inline(never)]
    fn pinger_reads(&mut self, connection: ConnectionIx) {
        let now = self.now;
        if let Some(ends) = self.ends(connection) {
            ends.response(now);
            self.set_keepalive_timer(connection);
        }
    }

    /// What the client sent at `sent` will not be acknowledged.
    pub(crate) fn lost(&mut self, connection: ConnectionIx, sent: Time) {
        if let Some(ends) = self.ends(connection) {
            ends.lost(sent);
            self.set_keepalive_timer(connection);
        }
    }

    /// A client is told that it pings too often: the new connections of its channel have twice the time.
    pub(crate) fn slow_down(&mut self, handle: Handle<ConnectionIx>) {
        let channel = self.connections[handle.index].owner.channel();
        let Some(settings) = self.ends(handle.index).map(|ends| ends.settings).filter(|s| s.slow_down) else { return };
        let of_connection = settings.time;
        let slowed = self.slowed.entry(channel).or_insert(of_connection);
        *slowed = slowed_down(*slowed, of_connection);
    }
}
