//! A policy on trial: a client with some endpoints, without an engine. For tests and measurements.

use super::{
    Ended, Endpoints, Memories, PickPolicy, Policy, PolicyPlan, Registered, Report, View, on_policy, take_turn,
};
use crate::ids::{Address, ConnectionIx, EndpointIx, Id, Table};
use crate::narrow::u32_of;
use crate::random::mix;
use crate::units::{Span, Time};

/// A client with connections to endpoints that are all READY, and its calls. The endpoints report a load in proportion to their calls.
#[derive(Debug)]
pub struct Trial {
    policy: Policy,
    state: State,
    plan: Option<PolicyPlan>,
    memories: Memories,
}

#[derive(Debug)]
struct State {
    outstanding: Vec<u32>,
    numbers: Vec<EndpointIx>,
    now: Time,
    next: u32,
    turned: u32,
}

impl Trial {
    /// A client with this many endpoints. `seed` is what its channel draws for its plan.
    #[must_use]
    pub fn new(policy: Policy, endpoints: usize, seed: u64) -> Trial {
        let numbers = (0..u32_of(endpoints)).map(EndpointIx).collect();
        let state = State { outstanding: vec![0; endpoints], numbers, now: Time::ZERO, next: 0, turned: 0 };
        let mut trial = Trial { policy, state, plan: None, memories: Memories::default() };
        on_policy!(policy, p => trial.connect(p, seed));
        trial
    }

    /// The calls that are under way at each endpoint.
    #[must_use]
    pub fn outstanding(&self) -> &[u32] {
        &self.state.outstanding
    }

    /// The endpoint for a call, by draws that follow from `key`; the call goes there.
    pub fn pick(&mut self, key: u64) -> Option<usize> {
        let mut k = 0;
        let mut draw = || {
            k += 1;
            mix(key, k)
        };
        let picked = on_policy!(self.policy, p => self.pick_by(p, key, &mut draw))?;
        self.state.outstanding[picked] += 1;
        Some(picked)
    }

    /// A call to endpoint `i` has ended, `took` after it was sent.
    pub fn end(&mut self, i: usize, took: Span) {
        self.state.outstanding[i] -= 1;
        on_policy!(self.policy, p => self.learn(p, i, took));
    }

    /// Time passes. The policy renews its plan, if it has one to renew.
    pub fn wait(&mut self, span: Span) {
        self.state.now += span;
        on_policy!(self.policy, p => self.renew(p));
    }

    fn connect<P: Registered>(&mut self, policy: P, seed: u64) {
        let memories = P::memories(&mut self.memories);
        for endpoint in &self.state.numbers {
            policy.connected(memories.reach(endpoint.connection(), P::Memory::default), self.state.now);
        }
        let plan = with_endpoints(&self.state, memories, seed, |endpoints| policy.plan(endpoints, None));
        self.plan = plan.map(P::keep);
    }

    fn pick_by<P: Registered>(&mut self, policy: P, key: u64, draw: &mut impl FnMut() -> u64) -> Option<usize> {
        if policy.hashes() {
            return policy.pick_by_key(self.plan.as_ref().and_then(P::kept_ref)?, key, |_| true);
        }
        let plan = self.plan.as_mut().and_then(P::kept_mut);
        let picked =
            policy.pick(&mut Seen { state: &mut self.state, memories: P::memories(&mut self.memories), plan }, draw)?;
        if let Some(plan) = self.plan.as_mut().and_then(P::kept_mut) {
            policy.began(plan, picked);
        }
        Some(picked)
    }

    fn learn<P: Registered>(&mut self, policy: P, i: usize, took: Span) {
        let qps = f64::from(self.state.outstanding[i] + 1);
        let report = Report { qps, cpu: qps / 100.0, ..Report::default() };
        let report = policy.asks_for_reports().then_some(report);
        if policy.learns() {
            let ended = Ended { now: self.state.now, took, report };
            policy.learn(&mut P::memories(&mut self.memories)[ConnectionIx::of(i)], &ended);
        }
        if let Some(plan) = self.plan.as_mut().and_then(P::kept_mut) {
            policy.ended(plan, Address(u32_of(i)));
        }
    }

    fn renew<P: Registered>(&mut self, policy: P) {
        if let (Some(_), Some(plan)) = (policy.renewal(), self.plan.as_mut().and_then(P::kept_mut)) {
            let memories = P::memories(&mut self.memories);
            with_endpoints(&self.state, memories, 0, |endpoints| policy.renew(plan, endpoints));
        }
    }
}

fn with_endpoints<M, T>(
    state: &State,
    memories: &mut Table<ConnectionIx, M>,
    drawn: u64,
    f: impl FnOnce(&mut Endpoints<'_, M>) -> T,
) -> T {
    let all = || state.numbers.iter().map(|endpoint| Address(endpoint.0)).collect();
    f(&mut Endpoints { usable: &state.numbers, memories, all: &all, now: state.now, drawn })
}

struct Seen<'a, P: PickPolicy> {
    state: &'a mut State,
    memories: &'a mut Table<ConnectionIx, P::Memory>,
    plan: Option<&'a mut P::Plan>,
}

impl<P: PickPolicy> View<P> for Seen<'_, P> {
    fn len(&self) -> usize {
        self.state.numbers.len()
    }

    fn outstanding(&self, i: usize) -> u32 {
        self.state.outstanding[i]
    }

    fn streams(&self, i: usize) -> u32 {
        self.state.outstanding[i]
    }

    fn now(&self) -> Time {
        self.state.now
    }

    fn turn(&mut self) -> usize {
        take_turn(&mut self.state.next, &mut self.state.turned, self.state.numbers.len())
    }

    fn memory(&mut self, i: usize) -> &mut P::Memory {
        &mut self.memories[ConnectionIx::of(i)]
    }

    fn plan(&mut self) -> Option<&mut P::Plan> {
        self.plan.as_deref_mut()
    }
}
