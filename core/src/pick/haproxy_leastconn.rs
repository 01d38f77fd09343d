//! HAProxy's `balance leastconn`. Its rule is [`LeastConn`].

use super::counted::Counting;
use super::haproxy::LeastConn;
use crate::settings;
use crate::settings::count;

settings! {
    /// Settings that HAProxy's policies by calls under way have.
    pub struct HaproxyLeastConn {
        /// Weight of each server.
        weight: u32 [count(1, 256)] = 1;
    }
}

impl Counting for HaproxyLeastConn {
    const NAME: &'static str = "leastconn";
    const SUMMARY: &'static str = "HAProxy: each call to the server that has the fewest calls by its weight; \
        of several, to the one that has had so many for longest.";
    const SOURCE: &'static str = "haproxy src/lb_fwlc.c";
    const PROXY: &'static str = "haproxy";

    type Servers = LeastConn;

    fn servers(&self, under_way: &[u32], _before: Option<LeastConn>) -> LeastConn {
        let mut servers = LeastConn::new(&vec![self.weight; under_way.len()]);
        under_way.iter().enumerate().for_each(|(i, &n)| servers.set(i, n));
        servers
    }

    fn choose(servers: &mut LeastConn, under_way: &[u32], _draw: &mut impl FnMut() -> u64) -> Option<usize> {
        if under_way.is_empty() { None } else { servers.pick() }
    }

    fn changed(servers: &mut LeastConn, place: usize, under_way: u32) {
        servers.set(place, under_way);
    }
}
