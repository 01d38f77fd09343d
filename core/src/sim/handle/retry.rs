//! Configured retries (gRFC A6): a failed attempt is made again after a back-off, with a new pick. What was never sent goes elsewhere
//! without them (`drain`).

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{FailureReason, Observation, Observer, PodId};
use super::super::schedule::Rank;
use super::super::world::{Call, CallState, Handle, NONE, reach};
use super::methods::Kind;
use crate::model::{GrpcClient, Protocol, Retries, RetryThrottling};
use crate::policy::retry::{self, Failure, Next, Reached, Throttle};
use crate::random::mix;
use crate::units::Span;

/// Sets the draw of a back-off apart from other uses of a call's own.
const BACKOFF: u64 = 0x5245_5452;

impl<O: Observer> Engine<'_, O> {
    /// An attempt is over: so is its call, unless its client tries again. Returns the worker that can go on.
    #[inline(always)]
    pub fn end_attempt(&mut self, index: u32, failure: Option<FailureReason>) -> u32 {
        match failure {
            Some(why) if self.tries_again(index, why) => NONE,
            _ => self.tell_end(index, failure),
        }
    }

    /// An attempt has failed. If there is to be another one, it takes over in a slot of its own: somebody may still hold this one.
    #[inline(never)]
    fn tries_again(&mut self, index: u32, why: FailureReason) -> bool {
        let &Call { client, channel, demand, retries, pod, emitted, state, .. } = &self.calls.items[index as usize];
        if client >= self.originators {
            self.count_off(index);
            if !self.still_asked_for(index) {
                return false;
            }
        }
        if let Some(streams) = self.streams_of(client) {
            return self.opens_again(index, why, streams);
        }
        let settings = self.clients[client as usize].settings;
        let Protocol::Grpc(GrpcClient { retry: Some(Retries { policy, elsewhere, unsent_only }), .. }) =
            &settings.protocol
        else {
            return false;
        };
        if self.has_given_up(channel) || *unsent_only && state != CallState::WaitsForStream {
            return false;
        }
        // Envoy answers what finds no host, or what its circuit breakers refuse, at once, and does not try it again.
        if state == CallState::Failing && self.clients[client as usize].settings.proxy_retries() > 0 {
            return false;
        }
        let attempts = u32::from(retries) + 1;
        let failed = Failure { reached: Reached::NoHeaders, code: why.status().code(), attempts, first: retries == 0 };
        let draw = mix(mix(demand, BACKOFF), attempts.into());
        let throttle = policy.throttling.map(|settings| self.throttle(channel, settings));
        let Next::After(after) = retry::next(Some(policy), throttle, failed, draw) else { return false };
        let pod = (pod != NONE).then_some(PodId(pod));
        self.observe(&Observation::Retried { client, pod, why, emitted, after });
        let before = pod.filter(|_| *elsewhere);
        self.take_over(index, why, after, before);
        true
    }

    /// Another attempt begins after a while, in a slot of its own.
    pub fn take_over(&mut self, index: u32, why: FailureReason, after: Span, before: Option<PodId>) {
        let &Call { emitted, demand, key, method, client, channel, worker, retries, .. } =
            &self.calls.items[index as usize];
        let next = self.calls.insert(Call {
            emitted,
            demand,
            key,
            method,
            client,
            channel,
            connection: NONE,
            sent: self.now,
            pod: before.map_or(NONE, |pod| pod.0),
            worker,
            generation: 0,
            state: CallState::BacksOff,
            failure: Some(why),
            ended: false,
            // Streams are opened again without end; zero means that it is the first attempt.
            retries: retries.checked_add(1).unwrap_or(1),
        });
        if client >= self.originators {
            self.forwarded[worker as usize] = next;
        }
        self.after(after, Rank::Expiry, Event::Retry(next));
        if let Some(deadline) = Kind::deadline_of(self.clients[client as usize].settings, method) {
            self.schedule.at(emitted + deadline, Rank::Expiry, Event::Deadline(next));
        }
    }

    /// The next attempt begins.
    pub fn on_retry(&mut self, call: Handle) {
        let Some(c) = self.calls.get(call).filter(|c| !c.ended) else { return };
        let (client, channel, failure) = (c.client, c.channel, c.failure);
        if let (true, Some(why)) = (self.has_given_up(channel), failure) {
            return self.fail_call(call.index, why);
        }
        let item = &mut self.calls.items[call.index as usize];
        (item.failure, item.state) = (None, CallState::WaitsForChannel);
        // The application's retries go through its proxy again; the proxy's own start there.
        let settings = self.clients[client as usize].settings;
        if settings.via.is_some() && settings.proxy_retries() == 0 {
            self.enter_proxy(call);
        } else {
            self.route_call(call);
        }
    }

    pub fn on_own_deadline(&mut self, call: Handle) {
        if self.calls.get(call).is_some_and(|c| !c.ended) {
            self.fail_call(call.index, FailureReason::Deadline);
        }
    }

    /// The channel's replica has stopped, and has no connection left: there is no more to try.
    pub fn has_given_up(&self, channel: u32) -> bool {
        let channel = &self.channels[channel as usize];
        channel.stopped && channel.ready == 0
    }

    fn throttle(&mut self, channel: u32, settings: RetryThrottling) -> &mut Throttle {
        reach(&mut self.throttles, channel, None).get_or_insert(Throttle::new(settings))
    }

    /// A call has succeeded. A bucket that has lost no token is full.
    pub fn earn_token(&mut self, channel: u32) {
        if let Some(Some(throttle)) = self.throttles.get_mut(channel as usize) {
            throttle.succeeded();
        }
    }
}
