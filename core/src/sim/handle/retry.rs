//! Configured retries (gRFC A6): a failed attempt is made again after a back-off, with a new pick. What was never sent goes elsewhere
//! without them (`drain`).

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{FailureReason, Observation, Observer};
use super::super::schedule::Rank;
use super::super::world::{Call, CallState, Handle};
use super::methods::Kind;
use crate::ids::{CallIx, ChannelId, ConnectionIx, PodId, WorkerId};
use crate::model::{GrpcClient, Protocol, RetryThrottling};
use crate::policy::retry::{self, Failure, Next, Reached, Throttle};
use crate::random::mix;
use crate::units::Span;

/// Sets the draw of a back-off apart from other uses of a call's own.
const BACKOFF: u64 = 0x5245_5452;

impl<O: Observer> Engine<'_, O> {
    /// An attempt is over: so is its call, unless its client tries again. Returns the worker that can go on.
    #[inline(always)]
    pub(crate) fn end_attempt(&mut self, index: CallIx, failure: Option<FailureReason>) -> WorkerId {
        match failure {
            Some(why) if self.tries_again(index, why) => WorkerId::NONE,
            _ => self.tell_end(index, failure),
        }
    }

    /// An attempt has failed. If there is to be another one, it takes over in a slot of its own: somebody may still hold this one.
    #[inline(never)]
    fn tries_again(&mut self, index: CallIx, why: FailureReason) -> bool {
        let &Call { client, owner, demand, retries, pod, emitted, state, .. } = &self.calls[index];
        if !self.originates(client) {
            self.count_off(index);
            if !self.still_asked_for(index) {
                return false;
            }
        }
        if let Some(streams) = self.streams_of(client) {
            return self.opens_again(index, why, streams);
        }
        let settings = self.clients[client].settings;
        let Protocol::Grpc(GrpcClient { retry: Some(policy), .. }) = &settings.protocol else { return false };
        if self.has_given_up(owner.channel()) || policy.unsent_only && state != CallState::WaitsForStream {
            return false;
        }
        // Envoy answers what finds no host, or what its circuit breakers refuse, at once, and does not try it again.
        if state == CallState::Failing && self.clients[client].settings.proxy_retries() > 0 {
            return false;
        }
        let attempts = u32::from(retries) + 1;
        let failed = Failure { reached: Reached::NoHeaders, code: why.status().code(), attempts, first: retries == 0 };
        let draw = mix(mix(demand, BACKOFF), attempts.into());
        let throttle = policy.throttling.map(|settings| self.throttle(owner.channel(), settings));
        let Next::After(after) = retry::next(Some(policy), throttle, failed, draw) else { return false };
        let pod = pod.some();
        self.observe(&Observation::Retried { client: client.0, pod, why, emitted, after });
        let before = pod.filter(|_| policy.elsewhere);
        self.take_over(index, why, after, before);
        true
    }

    /// Another attempt begins after a while, in a slot of its own.
    pub(crate) fn take_over(&mut self, index: CallIx, why: FailureReason, after: Span, before: Option<PodId>) {
        let &Call { emitted, demand, key, method, client, owner, worker, retries, .. } = &self.calls[index];
        let next = self.calls.insert(Call {
            emitted,
            demand,
            key,
            method,
            client,
            owner,
            connection: ConnectionIx::NONE,
            sent: self.now,
            pod: before.unwrap_or(PodId::NONE),
            worker,
            generation: 0,
            state: CallState::BacksOff,
            failure: Some(why),
            ended: false,
            // Streams are opened again without end; zero means that it is the first attempt.
            retries: retries.checked_add(1).unwrap_or(1),
        });
        if !self.originates(client) {
            let asked = self.asked[index];
            self.forwarded[asked] = next;
            *self.asked.reach(next.index, || CallIx::NONE) = asked;
        }
        self.after(after, Rank::Expiry, Event::Retry(next));
        if let Some(deadline) = Kind::deadline_of(self.clients[client].settings, method) {
            self.schedule.at(emitted + deadline, Rank::Expiry, Event::Deadline(next));
        }
    }

    /// The next attempt begins.
    pub(crate) fn on_retry(&mut self, call: Handle<CallIx>) {
        let Some(c) = self.calls.get(call).filter(|c| !c.ended) else { return };
        let (client, channel, failure) = (c.client, c.owner.channel(), c.failure);
        if let (true, Some(why)) = (self.has_given_up(channel), failure) {
            return self.fail_call(call.index, why);
        }
        let item = &mut self.calls[call.index];
        (item.failure, item.state) = (None, CallState::WaitsForChannel);
        // The application's retries go through its proxy again; the proxy's own start there.
        let settings = self.clients[client].settings;
        if settings.via.is_some() && settings.proxy_retries() == 0 {
            self.enter_proxy(call);
        } else {
            self.route_call(call);
        }
    }

    pub(crate) fn on_own_deadline(&mut self, call: Handle<CallIx>) {
        if self.calls.get(call).is_some_and(|c| !c.ended) {
            self.fail_call(call.index, FailureReason::Deadline);
        }
    }

    /// The channel's replica has stopped, and has no connection left: there is no more to try.
    pub(crate) fn has_given_up(&self, channel: ChannelId) -> bool {
        let channel = &self.channels[channel];
        channel.stopped && channel.ready == 0
    }

    fn throttle(&mut self, channel: ChannelId, settings: RetryThrottling) -> &mut Throttle {
        self.throttles.reach(channel, || None).get_or_insert(Throttle::new(settings))
    }

    /// A call has succeeded. A bucket that has lost no token is full.
    pub(crate) fn earn_token(&mut self, channel: ChannelId) {
        if let Some(Some(throttle)) = self.throttles.get_mut(channel) {
            throttle.succeeded();
        }
    }
}
