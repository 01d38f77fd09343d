//! NGINX's `least_conn`. Its rule is [`Peers::least_conn`]; all servers have the same weight.

use super::counted::{Counted, Rule};
use super::nginx::Peers;
use super::{Endpoints, PickPolicy, View};
use crate::settings;

settings! {
    /// Settings of NGINX's `least_conn`: there are none.
    pub struct NginxLeastConn {}
}

impl PickPolicy for NginxLeastConn {
    const NAME: &'static str = "least_conn";
    const SUMMARY: &'static str = "NGINX: each call to the server that has the fewest connections with calls; \
        servers with the same number take turns.";
    const SOURCE: &'static str = "ngx_http_upstream_least_conn_module";
    const PROXY: Option<&'static str> = Some("nginx");

    type Memory = ();
    type Plan = Counted<Fewest>;

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
        Some(Counted::new(of.addresses(), before, |under_way, _| Fewest(Peers::new(&vec![1; under_way.len()]))))
    }

    fn began(&self, plan: &mut Self::Plan, picked: usize) {
        plan.begin(picked);
    }

    fn ended(&self, plan: &mut Self::Plan, address: u32) {
        plan.end(address);
    }
}

/// The servers of a worker.
#[derive(Clone, Debug)]
pub struct Fewest(Peers);

impl Rule for Fewest {
    fn pick(&mut self, under_way: &[u32], _draw: &mut impl FnMut() -> u64) -> Option<usize> {
        self.0.least_conn(|i| under_way[i])
    }
}
