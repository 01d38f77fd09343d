//! HAProxy's `balance random`. Its rule is [`Ring::random`] with two draws.

use super::counted::{Counted, Rule};
use super::haproxy::{Prng, Ring};
use super::{Endpoints, PickPolicy, View};
use crate::settings;
use crate::settings::count;

settings! {
    /// Settings that HAProxy's policies by calls under way have.
    pub struct HaproxyRandom {
        /// Weight of each server.
        weight: u32 [count(1, 256)] = 1;
    }
}

impl PickPolicy for HaproxyRandom {
    const NAME: &'static str = "random";
    const SUMMARY: &'static str = "HAProxy: each call to the less busy of two servers, which random numbers find \
        on a ring with 16 points per unit of weight.";
    const SOURCE: &'static str = "haproxy src/backend.c, src/lb_chash.c";
    const PROXY: Option<&'static str> = Some("haproxy");

    type Memory = ();
    type Plan = Counted<OnRing>;

    fn pick(&self, view: &mut impl View<Self>, draw: &mut impl FnMut() -> u64) -> Option<usize> {
        view.plan()?.pick(draw)
    }

    fn prefers_by_load(&self) -> bool {
        true
    }

    fn counts(&self) -> bool {
        true
    }

    fn plan(&self, of: &mut Endpoints<'_, ()>, before: Option<Self::Plan>) -> Option<Self::Plan> {
        Some(Counted::new(of.addresses(), before, |under_way, rule| {
            let servers: Vec<(u32, u32)> = (1..).zip(under_way).map(|(id, _)| (id, self.weight)).collect();
            let prng = rule.map_or_else(Prng::default, |rule: OnRing| rule.prng);
            OnRing { ring: Ring::new(&servers), prng }
        }))
    }

    fn began(&self, plan: &mut Self::Plan, picked: usize) {
        plan.begin(picked);
    }

    fn ended(&self, plan: &mut Self::Plan, address: u32) {
        plan.end(address);
    }
}

/// The ring of the servers. HAProxy's own generator goes on when servers come and go.
#[derive(Clone, Debug)]
pub struct OnRing {
    ring: Ring,
    prng: Prng,
}

impl Rule for OnRing {
    fn pick(&mut self, under_way: &[u32], _draw: &mut impl FnMut() -> u64) -> Option<usize> {
        let OnRing { ring, prng } = self;
        ring.random(2, |i| under_way[i], &mut || prng.draw())
    }
}
