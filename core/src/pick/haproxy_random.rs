//! HAProxy's `balance random`. Its rule is [`Ring::random`] with two draws.

use super::counted::Counting;
use super::haproxy::{Prng, Ring};
use crate::settings;
use crate::settings::count;

settings! {
    /// Settings that HAProxy's policies by calls under way have.
    pub struct HaproxyRandom {
        /// Weight of each server.
        weight: u32 [count(1, 256)] = 1;
    }
}

impl Counting for HaproxyRandom {
    const NAME: &'static str = "random";
    const SUMMARY: &'static str = "HAProxy: each call to the less busy of two servers, which random numbers find \
        on a ring with 16 points per unit of weight.";
    const SOURCE: &'static str = "haproxy src/backend.c, src/lb_chash.c";
    const PROXY: &'static str = "haproxy";

    type Servers = OnRing;

    fn servers(&self, under_way: &[u32], before: Option<OnRing>) -> OnRing {
        let servers: Vec<(u32, u32)> = (1..).zip(under_way).map(|(id, _)| (id, self.weight)).collect();
        OnRing { ring: Ring::new(&servers), prng: before.map_or_else(Prng::default, |before| before.prng) }
    }

    fn choose(servers: &mut OnRing, under_way: &[u32], _draw: &mut impl FnMut() -> u64) -> Option<usize> {
        let OnRing { ring, prng } = servers;
        ring.random(2, |i| under_way[i], &mut || prng.draw())
    }
}

/// The ring of the servers. HAProxy's own generator goes on when servers come and go.
#[derive(Clone, Debug)]
pub struct OnRing {
    ring: Ring,
    prng: Prng,
}
