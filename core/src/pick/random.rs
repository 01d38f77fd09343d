//! A random endpoint for each call.
//!
//! Sources: Envoy `source/extensions/load_balancing_policies/random/random_lb.cc`; tonic's `balance_list`, which is tower's P2C over
//! loads that are always 0.

use super::{PickPolicy, View};
use crate::random::below;
use crate::settings;

settings! {
    /// Settings of random: there are none.
    pub struct Random {}
}

impl PickPolicy for Random {
    const NAME: &'static str = "random";
    const SUMMARY: &'static str =
        "One connection per address, each call on one drawn at random, all with the same chance.";
    const SOURCE: &'static str = "Envoy random; tonic balance_list";

    type Memory = ();
    type Plan = ();

    fn pick(&self, view: &mut impl View<Self>, draw: &mut impl FnMut() -> u64) -> Option<usize> {
        (!view.is_empty()).then(|| below(draw(), view.len()))
    }
}
