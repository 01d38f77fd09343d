//! Calls that fail: without having been sent, and what the observer is told.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{FailureReason, Observation, Observer};
use super::super::schedule::Rank;
use super::super::world::{Call, CallState, Handle};
use super::calls::LOCAL_FAILURE_TAKES;
use crate::ids::{CallIx, ChannelId};
use crate::policy::budget::Resource;

impl<O: Observer> Engine<'_, O> {
    /// A call fails without having been sent; the application learns of it after a while.
    pub(crate) fn fail_fast(&mut self, call: Handle<CallIx>, index: ChannelId, why: FailureReason) {
        let item = &mut self.calls[call.index];
        (item.state, item.failure) = (CallState::Failing, Some(why));
        let takes = self.dispatch_time(index).max(LOCAL_FAILURE_TAKES);
        self.after(takes, Rank::Expiry, Event::FailFast(call));
    }

    /// A call fails that its channel could not even try to send.
    pub(crate) fn on_fail_fast(&mut self, call: Handle<CallIx>) {
        if let Some(Call { ended: false, failure: Some(why), .. }) = self.calls.get(call) {
            self.fail_call(call.index, *why);
        }
    }

    /// The proxy refuses a call that has waited: the pod that it waited for has no part in that.
    pub(crate) fn refuse_waiting(&mut self, call: CallIx, channel: ChannelId) {
        self.give_back(channel, Resource::Pending);
        self.calls[call].state = CallState::Failing;
        self.fail_call(call, FailureReason::CircuitBreaker);
    }

    /// Tells the observer that a call has failed, at the pod that has to do with it.
    #[inline(never)]
    pub(crate) fn tell_failure(&mut self, index: CallIx, why: FailureReason) {
        let call = &self.calls[index];
        let &Call { client, method, emitted, .. } = call;
        let pod = call.at().some();
        let replica = self.ordinal_of(index);
        self.observe(&Observation::Failed { client: client.0, replica, method, pod, why, emitted });
    }
}
