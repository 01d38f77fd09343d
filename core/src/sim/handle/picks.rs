//! Picks that ask more than whose turn it is.

use super::super::engine::Engine;
use super::super::lanes::Lanes;
use super::super::observation::{FailureReason, Observer};
use super::super::plans::Plan;
use super::super::world::{Channel, Connection, Handle, Slab};
use crate::ids::{CallIx, ChannelId, ConnectionIx, EndpointIx, Table};
use crate::narrow::u32_of;
use crate::pick::{Ended, PickPolicy, Registered, View, on_policy, take_turn};
use crate::random::mix;
use crate::units::Time;

impl<O: Observer> Engine<'_, O> {
    /// Sends `call` on the connection that the policy of its channel picks, which is READY. The draws come from the call's own, so
    /// that no pick shifts those of another.
    #[inline(never)]
    pub(crate) fn send_by_policy(&mut self, index: ChannelId, call: Handle<CallIx>) {
        let mut drawn = self.calls[call.index].draws();
        let mut draw = || {
            drawn = mix(drawn, PICK);
            drawn
        };
        let pools = self.channels[index].pools;
        if !pools {
            self.dial_for_call(index);
        }
        let picked =
            if pools { self.pick_pool(index, call, &mut draw) } else { self.pick_ready(index, call, &mut draw) };
        match picked {
            Some(connection) if !pools => {
                self.probe(index, connection);
                self.send(call, connection);
            }
            Some(connection) if self.takes_on(index, connection) => {
                self.send(call, connection);
                self.after_send(index, connection);
            }
            Some(_) => self.fail_fast(call, index, FailureReason::CircuitBreaker),
            None => self.fail_fast(call, index, self.why_nobody(index)),
        }
    }

    /// Why a policy picks nobody: all hosts are left out, or there is none.
    fn why_nobody(&self, index: ChannelId) -> FailureReason {
        let channel = &self.channels[index];
        if channel.subchannels.iter().any(|s| self.is_ejected(index, s.address)) {
            FailureReason::NoHealthyHost
        } else {
            channel.trouble
        }
    }

    /// Without back-off a connection that failed is tried again with the next call, which goes on one that is READY.
    fn dial_for_call(&mut self, index: ChannelId) {
        let channel = &self.channels[index];
        if channel.ready as usize == channel.subchannels.len() || !self.settings(index).backoff.per_call {
            return;
        }
        self.dial_idle(index, true);
    }

    /// One of the READY connections.
    fn pick_ready(
        &mut self,
        index: ChannelId,
        call: Handle<CallIx>,
        draw: &mut impl FnMut() -> u64,
    ) -> Option<ConnectionIx> {
        if self.channels[index].policy.hashes() {
            let i = self.pick_by_key(index, call)?;
            return Some(self.channels[index].subchannels[i].connection);
        }
        self.lanes.settle();
        let channel = &self.channels[index];
        if channel.picker.is_empty() {
            return None;
        }
        let i = on_policy!(*channel.policy, policy => self.pick_ready_by(policy, index, draw))?;
        self.channels[index].picker.get(i).map(|endpoint| endpoint.connection())
    }

    #[inline(always)]
    fn pick_ready_by<P: Registered>(
        &mut self,
        policy: P,
        index: ChannelId,
        draw: &mut impl FnMut() -> u64,
    ) -> Option<usize> {
        let Channel { picker, plan, next, turned, .. } = &mut self.channels[index];
        let mut ready = Ready::<P> {
            picker,
            lanes: &self.lanes,
            connections: &self.connections,
            memories: P::memories(&mut self.memories),
            plan: plan.as_deref_mut(),
            next,
            turned,
            now: self.now,
        };
        policy.pick(&mut ready, draw)
    }

    /// A connection of a channel has become READY: nothing is known yet of how fast it answers.
    pub(crate) fn begin_measuring(&mut self, index: ChannelId, connection: ConnectionIx) {
        on_policy!(*self.channels[index].policy, policy => self.begin_measuring_by(policy, connection));
    }

    fn begin_measuring_by<P: Registered>(&mut self, policy: P, connection: ConnectionIx) {
        if policy.learns() {
            let memory = P::memories(&mut self.memories).reach(connection, P::Memory::default);
            policy.connected(memory, self.now);
        }
    }

    /// A call on a connection has ended: with a response, or given up.
    #[inline(always)]
    pub(crate) fn learn(&mut self, connection: ConnectionIx, sent: Time, failure: Option<FailureReason>) {
        if self.learns {
            self.learn_from(connection, sent, failure);
        }
    }

    #[inline(never)]
    fn learn_from(&mut self, connection: ConnectionIx, sent: Time, failure: Option<FailureReason>) {
        if self.lanes[connection].http1 {
            return;
        }
        let (channel, address) = {
            let c = &self.connections[connection];
            (c.owner.channel(), c.address)
        };
        on_policy!(*self.channels[channel].policy, policy => self.learn_by(policy, connection, sent, failure));
        self.judge(channel, address, failure);
        self.accrue(channel, address, failure);
    }

    #[inline(always)]
    fn learn_by<P: Registered>(
        &mut self,
        policy: P,
        connection: ConnectionIx,
        sent: Time,
        failure: Option<FailureReason>,
    ) {
        if !policy.learns() {
            return;
        }
        // What the client gave up carries no report.
        let answered = failure.is_none_or(FailureReason::is_answer);
        let report = (policy.asks_for_reports() && answered).then(|| self.pods[self.lanes[connection].pod].report);
        let ended = Ended { now: self.now, took: self.now.since(sent), report };
        policy.learn(&mut P::memories(&mut self.memories)[connection], &ended);
    }
}

/// The READY connections of a channel, as its policy sees them.
struct Ready<'a, P: PickPolicy> {
    picker: &'a [EndpointIx],
    lanes: &'a Lanes,
    connections: &'a Slab<ConnectionIx, Connection>,
    memories: &'a mut Table<ConnectionIx, P::Memory>,
    plan: Option<&'a mut Plan>,
    next: &'a mut u32,
    turned: &'a mut u32,
    now: Time,
}

impl<P: Registered> View<P> for Ready<'_, P> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.picker.len()
    }

    #[inline(always)]
    fn outstanding(&self, i: usize) -> u32 {
        let connection = self.picker[i].connection();
        self.lanes.settled(connection) + u32_of(self.connections[connection].waiting.len())
    }

    #[inline(always)]
    fn streams(&self, i: usize) -> u32 {
        self.lanes.settled(self.picker[i].connection())
    }

    #[inline(always)]
    fn now(&self) -> Time {
        self.now
    }

    #[inline(always)]
    fn turn(&mut self) -> usize {
        take_turn(self.next, self.turned, self.picker.len())
    }

    #[inline(always)]
    fn memory(&mut self, i: usize) -> &mut P::Memory {
        &mut self.memories[self.picker[i].connection()]
    }

    #[inline(always)]
    fn plan(&mut self) -> Option<&mut P::Plan> {
        self.plan.as_deref_mut()?.of::<P>()
    }
}

/// Sets the draws of picks apart from other uses of a call's own.
const PICK: u64 = 0x5049_434b;
