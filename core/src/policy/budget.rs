//! Limits that proxies put on retries and on load: Linkerd's retry budget (tower `retry::budget::TpsBudget`, with the settings
//! of a ServiceProfile) and Envoy's circuit breakers (`circuit_breaker.proto`, `ResourceManagerImpl`).
//!
//! Modelled: the counting. tower's window is between ten and eleven tenths of its length, this one between nine and ten. Not
//! modelled: that Envoy's workers race for the last place, and Envoy's priorities.

use crate::model::{Breakers, RetryBudget, RetryLimit};
use crate::narrow::whole;
use crate::units::{Span, Time};

/// tower divides the window into this many parts, which it forgets one at a time.
const SLOTS: usize = 10;

/// The state of a Linkerd retry budget: every request deposits, every retry withdraws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    slots: [i64; SLOTS],
    current: usize,
    /// When the current slot began.
    since: Time,
    slot: Span,
    deposit: i64,
    withdrawal: i64,
    reserve: i64,
}

impl Budget {
    /// An empty budget, but for its floor.
    #[must_use]
    pub fn new(settings: &RetryBudget, now: Time) -> Budget {
        // tower counts in whole numbers: a withdrawal in terms of deposits, rounded down.
        let deposit: i32 = if settings.ratio <= 1.0 { 1 } else { 1_000 };
        let withdrawal = whole::<i64>(f64::from(deposit) / settings.ratio).max(1);
        let seconds = i64::try_from(settings.ttl.0 / Span::from_secs(1).0).unwrap_or(i64::MAX);
        let reserve = i64::from(settings.min_per_s).saturating_mul(seconds).saturating_mul(withdrawal);
        let slot = Span((settings.ttl.0 / SLOTS as u64).max(1));
        Budget { slots: [0; SLOTS], current: 0, since: now, slot, deposit: deposit.into(), withdrawal, reserve }
    }

    /// A request, not a retry, was made.
    pub fn requested(&mut self, now: Time) {
        self.forget(now);
        self.slots[self.current] = self.slots[self.current].saturating_add(self.deposit);
    }

    /// Takes what a retry costs, if it is there.
    #[must_use]
    pub fn try_retry(&mut self, now: Time) -> bool {
        self.forget(now);
        let balance = self.slots.iter().sum::<i64>().saturating_add(self.reserve);
        let enough = balance >= self.withdrawal;
        if enough {
            self.slots[self.current] -= self.withdrawal;
        }
        enough
    }

    fn forget(&mut self, now: Time) {
        let passed = now.since(self.since).0 / self.slot.0;
        for _ in 0..passed.min(SLOTS as u64) {
            self.current = (self.current + 1) % SLOTS;
            self.slots[self.current] = 0;
        }
        self.since += self.slot * passed;
    }
}

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

    /// Linkerd's defaults: 20 %, 10 per second, over 10 s.
    const LINKERD: RetryBudget = RetryBudget { ratio: 0.2, min_per_s: 10, ttl: Span::from_secs(10) };
    /// Envoy's defaults.
    const ENVOY: Breakers =
        Breakers { max_requests: 1_024, max_pending_requests: 1_024, retries: RetryLimit::Count(3) };

    fn retries(budget: &mut Budget, now: Time) -> usize {
        (0..10_000).take_while(|_| budget.try_retry(now)).count()
    }

    #[test]
    fn the_floor_is_ten_per_second_of_the_window() {
        let mut budget = Budget::new(&LINKERD, Time::ZERO);
        assert_eq!(retries(&mut budget, Time::ZERO), 100);
        // The window is over: the withdrawals are forgotten.
        assert_eq!(retries(&mut budget, Time::ZERO + Span::from_secs(10)), 100);
    }

    #[test]
    fn one_in_five_requests_may_be_retried_until_they_are_forgotten() {
        let mut budget = Budget::new(&RetryBudget { min_per_s: 0, ..LINKERD }, Time::ZERO);
        (0..1_000).for_each(|_| budget.requested(Time::ZERO));
        let later = Time::ZERO + Span::from_millis(9_999);
        assert_eq!(retries(&mut budget, later), 200);
        let mut budget = Budget::new(&RetryBudget { min_per_s: 0, ..LINKERD }, Time::ZERO);
        (0..1_000).for_each(|_| budget.requested(Time::ZERO));
        assert_eq!(retries(&mut budget, Time::ZERO + Span::from_secs(10)), 0);
    }

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
