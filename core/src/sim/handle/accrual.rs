//! Linkerd's failure accrual: which endpoints a proxy leaves out, and what lets them in again.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{FailureReason, Observer, Status};
use super::super::schedule::Rank;
use crate::ids::{Address, ChannelId, ConnectionIx};
use crate::model::FailureAccrual;
use crate::policy::accrual::Breaker;
use crate::random::{Purpose, mix};

impl<O: Observer> Engine<'_, O> {
    /// The settings of the proxy of a channel, if it has some.
    pub(crate) fn accrual_of(&self, index: ChannelId) -> Option<FailureAccrual> {
        self.clients[self.client_of(index)].settings.via.as_ref()?.accrual
    }

    /// A request to an endpoint has ended.
    pub(crate) fn accrue(&mut self, index: ChannelId, address: Address, failure: Option<FailureReason>) {
        let Some(settings) = self.accrual_of(index) else { return };
        let key = (index, address);
        let before = self.breakers.get(&key).copied().unwrap_or_default();
        let failure = failure.map(FailureReason::status);
        // What the application gave up says nothing of the endpoint, unless all hung on it: another request must decide then, and that takes
        // another penalty. RESOURCE_EXHAUSTED is no failure of Linkerd's (`app/core/src/classify.rs`).
        if failure == Some(Status::DeadlineExceeded) && matches!(before, Breaker::Open { .. }) {
            return;
        }
        let success = failure.is_none_or(|status| status == Status::ResourceExhausted);
        if success && before == Breaker::default() {
            return;
        }
        let draw = self.streams.draw(Purpose::Penalty, mix(self.channel_key(index), address.0.into()), self.now.0);
        let after = before.ended(&settings, success, self.now, draw);
        match after {
            Breaker::Open { failures: 0 } => self.breakers.remove(&key),
            _ => self.breakers.insert(key, after),
        };
        if before.admits() == after.admits() && !matches!(before, Breaker::Probation { .. }) {
            return;
        }
        if let Breaker::Shut { until, .. } = after {
            self.schedule.at(until, Rank::Expiry, Event::PenaltyOver { channel: index, address });
        }
        // After a probe that failed the endpoint is out as before.
        match (before, after) {
            (Breaker::Probation { .. }, Breaker::Shut { .. }) => self.channels[index].stale = true,
            _ => self.ejection(index, address, matches!(after, Breaker::Open { .. })),
        }
    }

    /// One request may go there now, if the endpoint is still shut out and listed.
    pub(crate) fn on_penalty_over(&mut self, index: ChannelId, address: Address) {
        let now = self.now;
        if let Some(breaker) = self.breakers.get_mut(&(index, address))
            && let Breaker::Shut { until, penalties } = *breaker
            && until == now
        {
            *breaker = Breaker::Probation { taken: false, penalties };
            self.channels[index].stale = true;
        }
    }

    /// A request is sent on a connection: if it is the one that decides, no other one may follow.
    #[inline]
    pub(crate) fn probe(&mut self, index: ChannelId, connection: ConnectionIx) {
        if self.breakers.is_empty() {
            return;
        }
        let address = self.connections[connection].address;
        if let Some(Breaker::Probation { taken, .. }) = self.breakers.get_mut(&(index, address)) {
            *taken = true;
            self.channels[index].stale = true;
        }
    }

    /// What is known of endpoints that are no longer listed is forgotten.
    pub(crate) fn keep_breakers(&mut self, index: ChannelId, addresses: &[Address]) {
        if !self.breakers.is_empty() {
            self.breakers.retain(|(channel, address), _| *channel != index || addresses.binary_search(address).is_ok());
        }
    }

    /// Whether failure accrual leaves an endpoint out.
    pub(crate) fn is_shut(&self, index: ChannelId, address: Address) -> bool {
        !self.breakers.is_empty() && self.breakers.get(&(index, address)).is_some_and(|breaker| !breaker.admits())
    }
}
