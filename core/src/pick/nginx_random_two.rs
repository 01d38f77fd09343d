//! NGINX's `random two`. Its rule is [`Peers::random_two`]; all servers have the same weight.

use super::counted::Counting;
use super::nginx::Peers;
use crate::settings;

settings! {
    /// Settings of NGINX's `random two`: there are none.
    pub struct NginxRandomTwo {}
}

impl Counting for NginxRandomTwo {
    const NAME: &'static str = "random two";
    const SUMMARY: &'static str = "NGINX: each call to the server that has fewer connections with calls, \
        of two different ones drawn at random.";
    const SOURCE: &'static str = "ngx_http_upstream_random_module";
    const PROXY: &'static str = "nginx";

    type Servers = Peers;

    fn servers(&self, under_way: &[u32], _before: Option<Peers>) -> Peers {
        Peers::new(&vec![1; under_way.len()])
    }

    fn choose(servers: &mut Peers, under_way: &[u32], draw: &mut impl FnMut() -> u64) -> Option<usize> {
        servers.random_two(|i| under_way[i], draw)
    }
}
