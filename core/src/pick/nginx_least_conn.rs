//! NGINX's `least_conn`. Its rule is [`Peers::least_conn`]; all servers have the same weight.

use super::counted::Counting;
use super::nginx::Peers;
use crate::settings;

settings! {
    /// Settings of NGINX's `least_conn`: there are none.
    pub struct NginxLeastConn {}
}

impl Counting for NginxLeastConn {
    const NAME: &'static str = "least_conn";
    const SUMMARY: &'static str = "NGINX: each call to the server that has the fewest connections with calls; \
        servers with the same number take turns.";
    const SOURCE: &'static str = "ngx_http_upstream_least_conn_module";
    const PROXY: &'static str = "nginx";

    type Servers = Peers;

    fn servers(&self, under_way: &[u32], _before: Option<Peers>) -> Peers {
        Peers::new(&vec![1; under_way.len()])
    }

    fn choose(servers: &mut Peers, under_way: &[u32], _draw: &mut impl FnMut() -> u64) -> Option<usize> {
        servers.least_conn(|i| under_way[i])
    }
}
