//! Envoy's limits on retries and on load: its circuit breakers (`circuit_breaker.proto`, `ResourceManagerImpl`).
//!
//! Modelled: the counting. Not modelled: that Envoy's workers race for the last place, and Envoy's priorities.

use crate::model::{Breakers, RetryLimit};
use crate::narrow::whole;

/// What Envoy counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A request that waits for a connection.
    Pending,
    /// A request under way.
    Request,
    /// A retry under way.
    Retry,
}

/// What of a cluster is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InUse {
    pending: u32,
    requests: u32,
    retries: u32,
}

impl InUse {
    /// Takes one of `resource`, unless as many as `breakers` allows are in use: then the request fails with UNAVAILABLE
    /// (503, overflow), or goes without the retry.
    #[must_use]
    pub fn try_take(&mut self, breakers: &Breakers, resource: Resource) -> bool {
        let most = self.most(breakers, resource);
        let used = self.of(resource);
        let free = *used < most;
        *used += u32::from(free);
        free
    }

    /// Gives one back.
    pub fn give_back(&mut self, resource: Resource) {
        let used = self.of(resource);
        *used = used.saturating_sub(1);
    }

    /// How many of `resource` are in use.
    #[must_use]
    pub fn used(&self, resource: Resource) -> u32 {
        let mut copy = *self;
        *copy.of(resource)
    }

    fn most(&self, breakers: &Breakers, resource: Resource) -> u32 {
        match (resource, breakers.retries) {
            (Resource::Pending, _) => breakers.max_pending_requests,
            (Resource::Request, _) => breakers.max_requests,
            (Resource::Retry, RetryLimit::Count(most)) => most,
            (Resource::Retry, RetryLimit::Budget { percent, min }) => {
                let active = f64::from(self.requests) + f64::from(self.pending);
                whole::<u32>(percent / 100.0 * active).max(min)
            }
        }
    }

    fn of(&mut self, resource: Resource) -> &mut u32 {
        match resource {
            Resource::Pending => &mut self.pending,
            Resource::Request => &mut self.requests,
            Resource::Retry => &mut self.retries,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Envoy's defaults.
    const ENVOY: Breakers =
        Breakers { max_requests: 1_024, max_pending_requests: 1_024, retries: RetryLimit::Count(3) };

    #[test]
    fn breakers_count() {
        let mut used = InUse::default();
        let taken = (0..5).filter(|_| used.try_take(&ENVOY, Resource::Retry)).count();
        assert_eq!((taken, used.used(Resource::Retry)), (3, 3));
        used.give_back(Resource::Retry);
        assert!(used.try_take(&ENVOY, Resource::Retry));
        assert_eq!((0..2_000).filter(|_| used.try_take(&ENVOY, Resource::Request)).count(), 1_024);
    }

    #[test]
    fn envoys_budget_is_a_share_of_what_is_active_and_waits() {
        let breakers = Breakers { retries: RetryLimit::Budget { percent: 20.0, min: 3 }, ..ENVOY };
        let mut used = InUse::default();
        (0..30).for_each(|_| assert!(used.try_take(&breakers, Resource::Request)));
        (0..20).for_each(|_| assert!(used.try_take(&breakers, Resource::Pending)));
        assert_eq!((0..50).filter(|_| used.try_take(&breakers, Resource::Retry)).count(), 10);
        let mut idle = InUse::default();
        assert_eq!((0..50).filter(|_| idle.try_take(&breakers, Resource::Retry)).count(), 3);
    }
}
