//! The choices of NGINX and HAProxy that go by calls under way, which they count themselves: from the choice of a server to the end of
//! the attempt. The rules are those of [`super::nginx`] and [`super::haproxy`]; here, servers come and go.
//!
//! Not modelled: HAProxy's slots (`server-template`), which keep a server's place when others go. Places are in order of address.

use std::fmt::Debug;

use super::{Endpoints, PickPolicy, View};
use crate::ids::Address;
use crate::settings::Settings;

/// A policy of a proxy that counts the calls under way itself. It is a [`PickPolicy`], too: what such policies have in common is here.
pub trait Counting: Settings + Copy + PartialEq + Debug {
    /// [`PickPolicy::NAME`].
    const NAME: &'static str;
    /// [`PickPolicy::SUMMARY`].
    const SUMMARY: &'static str;
    /// [`PickPolicy::SOURCE`].
    const SOURCE: &'static str;
    /// The proxy that has it.
    const PROXY: &'static str;

    /// What it keeps of the servers beside their calls.
    type Servers: Debug;

    /// The servers for a new list of them, from the calls under way on each, and from the servers before.
    fn servers(&self, under_way: &[u32], before: Option<Self::Servers>) -> Self::Servers;

    /// The place of the server for the next call; `None` without one.
    fn choose(servers: &mut Self::Servers, under_way: &[u32], draw: &mut impl FnMut() -> u64) -> Option<usize>;

    /// The calls under way on the server in this place have changed to this many.
    fn changed(_servers: &mut Self::Servers, _place: usize, _under_way: u32) {}
}

impl<C: Counting> PickPolicy for C {
    const NAME: &'static str = C::NAME;
    const SUMMARY: &'static str = C::SUMMARY;
    const SOURCE: &'static str = C::SOURCE;
    const PROXY: Option<&'static str> = Some(C::PROXY);

    type Memory = ();
    type Plan = Counted<C>;

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
        Some(Counted::new(self, of.addresses(), before))
    }

    fn began(&self, plan: &mut Self::Plan, picked: usize) {
        plan.begin(picked);
    }

    fn ended(&self, plan: &mut Self::Plan, address: Address) {
        plan.end(address);
    }
}

/// A proxy's servers, and what is under way on each.
#[derive(Debug)]
pub struct Counted<C: Counting> {
    /// Sorted.
    addresses: Vec<Address>,
    under_way: Vec<u32>,
    servers: C::Servers,
}

impl<C: Counting> Counted<C> {
    /// Servers by address, sorted. The calls under way are known of those that were in `before`.
    fn new(policy: &C, addresses: Vec<Address>, before: Option<Counted<C>>) -> Counted<C> {
        let known = |a: &Address| before.as_ref().and_then(|b| b.find(*a).map(|i| b.under_way[i])).unwrap_or(0);
        let under_way: Vec<u32> = addresses.iter().map(known).collect();
        let servers = policy.servers(&under_way, before.map(|b| b.servers));
        Counted { addresses, under_way, servers }
    }

    /// The place of the server for the next call; `None` without one. Say what follows with `begin`.
    fn pick(&mut self, draw: &mut impl FnMut() -> u64) -> Option<usize> {
        C::choose(&mut self.servers, &self.under_way, draw)
    }

    /// A call goes to the server in this place.
    fn begin(&mut self, place: usize) {
        self.under_way[place] += 1;
        C::changed(&mut self.servers, place, self.under_way[place]);
    }

    /// A call that went to this address is over.
    fn end(&mut self, address: Address) {
        if let Some(place) = self.find(address) {
            self.under_way[place] = self.under_way[place].saturating_sub(1);
            C::changed(&mut self.servers, place, self.under_way[place]);
        }
    }

    fn find(&self, address: Address) -> Option<usize> {
        self.addresses.binary_search(&address).ok()
    }
}

#[cfg(test)]
mod tests {
    use crate::ids::{Address, Table};
    use crate::pick::{Endpoints, HaproxyLeastConn, NginxLeastConn, PickPolicy, Trial};
    use crate::units::Time;

    #[test]
    fn counts_follow_their_servers() {
        follow(NginxLeastConn {});
        follow(HaproxyLeastConn::default());
        for policy in [NginxLeastConn {}.into(), HaproxyLeastConn::default().into()] {
            assert_eq!(Trial::new(policy, 0, 1).pick(0), None);
        }
    }

    fn plan<P: PickPolicy<Memory = ()>>(policy: P, addresses: &[u32], before: Option<P::Plan>) -> P::Plan {
        let all = || addresses.iter().copied().map(Address).collect();
        let mut of = Endpoints { usable: &[], memories: &mut Table::default(), all: &all, now: Time(0), drawn: 0 };
        policy.plan(&mut of, before).expect("it counts")
    }

    fn follow<P: super::Counting>(policy: P) {
        let mut counted = plan(policy, &[3, 5, 9], None);
        let places: Vec<usize> = (0..3)
            .map(|_| {
                let place = counted.pick(&mut || 0).expect("there are servers");
                policy.began(&mut counted, place);
                place
            })
            .collect();
        assert_eq!(places, [0, 1, 2], "{policy:?}");
        policy.ended(&mut counted, Address(5));
        policy.ended(&mut counted, Address(77));
        // 5 is idle, 9 is gone, 12 is new: the idle ones take their turns.
        let next = plan(policy, &[3, 5, 12], Some(counted)).pick(&mut || 0);
        assert!(matches!(next, Some(1 | 2)), "{policy:?}: {next:?}");
    }
}
