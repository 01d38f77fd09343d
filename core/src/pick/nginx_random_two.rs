//! NGINX's `random two`. Its rule is [`Peers::random_two`]; all servers have the same weight.

use super::counted::{Counted, Rule};
use super::nginx::Peers;
use super::{Endpoints, PickPolicy, View};
use crate::settings;

settings! {
    /// Settings of NGINX's `random two`: there are none.
    pub struct NginxRandomTwo {}
}

impl PickPolicy for NginxRandomTwo {
    const NAME: &'static str = "random two";
    const SUMMARY: &'static str = "NGINX: each call to the server that has fewer connections with calls, \
        of two different ones drawn at random.";
    const SOURCE: &'static str = "ngx_http_upstream_random_module";
    const PROXY: Option<&'static str> = Some("nginx");

    type Memory = ();
    type Plan = Counted<OfTwo>;

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
        Some(Counted::new(of.addresses(), before, |under_way, _| OfTwo(Peers::new(&vec![1; under_way.len()]))))
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
pub struct OfTwo(Peers);

impl Rule for OfTwo {
    fn pick(&mut self, under_way: &[u32], draw: &mut impl FnMut() -> u64) -> Option<usize> {
        self.0.random_two(|i| under_way[i], draw)
    }
}
