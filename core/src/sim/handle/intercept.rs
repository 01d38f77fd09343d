//! What interceptors in clients and pods see of calls, for observers that ask. For the others all of this is nothing.

use super::super::engine::Engine;
use super::super::observation::{FailureReason, Handled, Intercepted, Observer};
use super::super::world::CallState;
use crate::ids::{CallIx, CallerId, PodId};

impl<O: Observer> Engine<'_, O> {
    #[inline(always)]
    pub(crate) fn tell_called(&mut self, client: CallerId, method: u16) {
        if self.observer.intercepts() {
            self.observer.intercept(self.now, &Intercepted::Called { client: client.0, method });
        }
    }

    #[inline(always)]
    pub(crate) fn tell_received(&mut self, pod: PodId, index: CallIx) {
        if self.observer.intercepts() {
            let client = self.originator(index).client.0;
            let method = self.calls[index].method;
            self.observer.intercept(self.now, &Intercepted::Received { pod, client, method });
        }
    }

    /// A pod is done with a call. A gateway's that was given up is done already.
    #[inline(always)]
    pub(crate) fn tell_handled(&mut self, pod: PodId, index: CallIx, how: Handled) {
        if !self.observer.intercepts() {
            return;
        }
        let call = &self.calls[index];
        if call.ended && !self.originates(call.client) {
            return;
        }
        let (client, method) = (self.originator(index).client.0, call.method);
        let took = self.now.since(call.sent + self.to_pod);
        self.observer.intercept(self.now, &Intercepted::Handled { pod, client, method, took, how });
    }

    /// A client gives a call up. Its handler goes on if it serves: only what waits, and what is a stream, looks whether anybody still asks.
    #[inline(always)]
    pub(crate) fn tell_given_up(&mut self, index: CallIx, why: FailureReason) {
        if !self.observer.intercepts() {
            return;
        }
        let call = &self.calls[index];
        let noticed = match call.state {
            CallState::Queued | CallState::Streaming => true,
            CallState::InService => !self.originates(call.client),
            _ => false,
        };
        if noticed && self.pods[call.pod].serving {
            let expired = why == FailureReason::Deadline && self.originates(call.client);
            self.tell_handled(call.pod, index, if expired { Handled::Expired } else { Handled::Cancelled });
        }
    }

    #[inline(always)]
    pub(crate) fn tell_message(&mut self, pod: PodId, client: CallerId) {
        if self.observer.intercepts() {
            self.observer.intercept(self.now, &Intercepted::Message { pod, client: client.0 });
        }
    }
}
