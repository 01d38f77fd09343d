//! HAProxy's `balance leastconn`. Its rule is [`LeastConn`].

use super::counted::{Counted, Rule};
use super::haproxy::LeastConn;
use super::{Endpoints, PickPolicy, View};
use crate::settings;
use crate::settings::count;

settings! {
    /// Settings that HAProxy's policies by calls under way have.
    pub struct HaproxyLeastConn {
        /// Weight of each server.
        weight: u32 [count(1, 256)] = 1;
    }
}

impl PickPolicy for HaproxyLeastConn {
    const NAME: &'static str = "leastconn";
    const SUMMARY: &'static str = "HAProxy: each call to the server that has the fewest calls by its weight; \
        of several, to the one that has had so many for longest.";
    const SOURCE: &'static str = "haproxy src/lb_fwlc.c";
    const PROXY: Option<&'static str> = Some("haproxy");

    type Memory = ();
    type Plan = Counted<Order>;

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
        Some(Counted::new(of.addresses(), before, |under_way, _| {
            let mut order = LeastConn::new(&vec![self.weight; under_way.len()]);
            under_way.iter().enumerate().for_each(|(i, &n)| order.set(i, n));
            Order(order)
        }))
    }

    fn began(&self, plan: &mut Self::Plan, picked: usize) {
        plan.begin(picked);
    }

    fn ended(&self, plan: &mut Self::Plan, address: u32) {
        plan.end(address);
    }
}

/// The servers in order.
#[derive(Clone, Debug)]
pub struct Order(LeastConn);

impl Rule for Order {
    fn pick(&mut self, under_way: &[u32], _draw: &mut impl FnMut() -> u64) -> Option<usize> {
        if under_way.is_empty() { None } else { self.0.pick() }
    }

    fn changed(&mut self, place: usize, under_way: u32) {
        self.0.set(place, under_way);
    }
}
