//! Gateways: a pod takes a call from a client's connection and makes one of its own to a server, on a channel of the worker that the
//! connection is on. The client's call is in the pod meanwhile, and is answered with what comes of the other.

use super::super::engine::Engine;
use super::super::observation::{CloseReason, FailureReason, Observer};
use super::super::world::{Call, CallState, Forwarder, Handle, ReplicaPhase};
use crate::distribution::unit;
use crate::ids::{CallIx, CallerId, ConnectionIx, PodId, WorkerId};
use crate::narrow::u32_of;
use crate::random::{Purpose, below, mix};
use crate::units::Span;

/// Istio's `--drain-time-s` for Envoy, over which the chance that an answer comes with a GOAWAY grows from 0 to 1.
const DRAIN_TIME: Span = Span::from_secs(45);
/// Sets the draw for that apart from other uses of a call's own.
const SHED: u64 = 0x5348_4544;

impl<O: Observer> Engine<'_, O> {
    /// A pod is up. If it is a gateway's, it looks for servers.
    pub(crate) fn open_gateway(&mut self, pod: PodId) {
        let p = &self.pods[pod];
        let Some(gateway) = p.server.0.checked_sub(u32_of(self.model.servers.len())) else { return };
        let node = p.node;
        let replica = self.add_replica(CallerId(self.originators + gateway));
        let r = &mut self.replicas[replica];
        (r.node, r.phase, r.ready_since) = (node, ReplicaPhase::Running, self.now);
        let channels = r.first.channel().series(self.clients[r.client].settings.channels);
        self.pods[pod].forwarder = Some(Forwarder { replica, under_way: 0 });
        channels.for_each(|channel| self.exit_idle(channel));
    }

    /// A call has come to a gateway's pod, which makes one like it. Where the kernel puts a connection is a hash of its ports
    /// (SO_REUSEPORT): a worker at random.
    #[inline(never)]
    pub(crate) fn forward(&mut self, pod: PodId, index: CallIx) {
        let p = &mut self.pods[pod];
        let Some(forwarder) = &mut p.forwarder else { return };
        forwarder.under_way += 1;
        let (replica, key) = (&self.replicas[forwarder.replica], p.key);
        let workers = self.clients[replica.client].settings.channels;
        let &mut Call { emitted, demand, key: routing, method, connection, ref mut state, .. } = &mut self.calls[index];
        *state = CallState::InService;
        let draw = self.streams.draw(Purpose::Worker, key, self.lanes[connection].id);
        let call = self.calls.insert(Call {
            emitted,
            demand,
            key: routing,
            client: replica.client,
            owner: replica.first.plus(u32_of(below(draw, workers as usize))),
            connection: ConnectionIx::NONE,
            sent: self.now,
            pod: PodId::NONE,
            worker: WorkerId::NONE,
            generation: 0,
            state: CallState::ToProxy,
            method,
            failure: None,
            ended: false,
            retries: 0,
        });
        let nothing = Handle { index: CallIx::NONE, generation: 0 };
        *self.forwarded.reach(index, || nothing) = call;
        *self.asked.reach(call.index, || CallIx::NONE) = index;
        self.enter_proxy(call);
    }

    /// The call that an application made: this one, or if it is a gateway's the one that it is made for.
    pub(crate) fn originator(&self, index: CallIx) -> &Call {
        let call = &self.calls[index];
        if self.originates(call.client) { call } else { &self.calls[self.asked[index]] }
    }

    /// A gateway's call has ended: the one that it was made for is answered.
    #[inline(never)]
    pub(crate) fn answer_for(&mut self, index: CallIx, failure: Option<FailureReason>) {
        let (asked, server) = (self.asked[index], self.calls[index].at());
        if failure.is_none() {
            self.count_off(index);
        }
        self.forwarded[asked].index = CallIx::NONE;
        let call = &mut self.calls[asked];
        let gateway = &mut self.pods[call.pod];
        if let Some(forwarder) = &mut gateway.forwarder {
            forwarder.under_way -= 1;
        }
        // What drains tells the client to go with more and more of its answers.
        let shed =
            gateway.sheds_since.map_or(0.0, |since| self.now.since(since).as_secs_f64() / DRAIN_TIME.as_secs_f64());
        let sheds = !call.ended && shed > unit(mix(call.demand, SHED));
        let connection = call.connection;
        if call.ended {
            self.calls.free(asked);
        } else if gateway.serving {
            (call.state, call.failure) = (CallState::Returning, failure);
            // From here on it counts where it was served.
            call.pod = if server == PodId::NONE { call.pod } else { server };
            self.responses.push(self.now + self.to_client, asked);
        } else {
            call.state = CallState::Lost;
        }
        if sheds {
            self.send_goaway(connection, CloseReason::Shutdown);
        }
    }

    /// Somebody waits for what becomes of a gateway's call.
    pub(crate) fn still_asked_for(&self, index: CallIx) -> bool {
        let asked = &self.calls[self.asked[index]];
        !asked.ended && self.pods[asked.pod].serving
    }

    /// A client has given a call up: so does the gateway that it is in.
    pub(crate) fn cancel_forwarded(&mut self, index: CallIx) {
        let Some(&call) = self.forwarded.get(index) else { return };
        if call.index != CallIx::NONE {
            // Whatever the reason was, the server is not judged by it.
            self.fail_call(call.index, FailureReason::Deadline);
        }
    }

    /// A gateway's pod is no more: what it was asked for is lost, and its connections to servers are closed.
    pub(crate) fn close_gateway(&mut self, pod: PodId) {
        let Some(Forwarder { replica, .. }) = self.pods[pod].forwarder else { return };
        let r = &mut self.replicas[replica];
        r.phase = ReplicaPhase::Stopped;
        let (client, first) = (r.client, r.first.channel());
        self.clients[client].members.retain(|&r| r != replica);
        let channels = first.series(self.clients[client].settings.channels);
        for channel in channels.clone() {
            self.channels[channel].stopped = true;
        }
        for index in self.calls.used() {
            let call = &self.calls[index];
            if call.client == client && !call.ended && self.channels[call.owner.channel()].replica == replica {
                self.fail_call(index, FailureReason::CallerStopped);
            }
        }
        channels.for_each(|channel| self.give_up(channel));
        self.pods[pod].forwarder = None;
    }
}
