//! The choices of NGINX and HAProxy that go by calls under way, which they count themselves: from the choice of a server to the end of
//! the attempt. The rules are those of [`super::nginx`] and [`super::haproxy`]; here, servers come and go.
//!
//! Not modelled: HAProxy's slots (`server-template`), which keep a server's place when others go. Places are in order of address.

/// A proxy's servers, and what is under way on each.
#[derive(Clone, Debug)]
pub struct Counted<R> {
    /// Sorted.
    addresses: Vec<u32>,
    under_way: Vec<u32>,
    rule: R,
}

/// How a proxy chooses by what it counts.
pub trait Rule {
    /// The place of the server for the next call; `None` without one.
    fn pick(&mut self, under_way: &[u32], draw: &mut impl FnMut() -> u64) -> Option<usize>;

    /// The server in this place has so many calls under way.
    fn changed(&mut self, _place: usize, _under_way: u32) {}
}

impl<R: Rule> Counted<R> {
    /// Servers by address, sorted. Of those that were in `before`, the calls under way are known. `rule` makes the rule from the calls
    /// under way on each server, and from the rule before.
    pub fn new(
        addresses: Vec<u32>,
        before: Option<Counted<R>>,
        rule: impl FnOnce(&[u32], Option<R>) -> R,
    ) -> Counted<R> {
        let known = |a: &u32| before.as_ref().and_then(|b| b.find(*a).map(|i| b.under_way[i])).unwrap_or(0);
        let under_way: Vec<u32> = addresses.iter().map(known).collect();
        let rule = rule(&under_way, before.map(|b| b.rule));
        Counted { addresses, under_way, rule }
    }

    /// The place of the server for the next call; `None` without one. Say what follows with [`Counted::begin`].
    pub fn pick(&mut self, draw: &mut impl FnMut() -> u64) -> Option<usize> {
        self.rule.pick(&self.under_way, draw)
    }

    /// A call goes to the server in this place.
    pub fn begin(&mut self, place: usize) {
        self.under_way[place] += 1;
        self.rule.changed(place, self.under_way[place]);
    }

    /// A call that went to this address is over.
    pub fn end(&mut self, address: u32) {
        if let Some(place) = self.find(address) {
            self.under_way[place] = self.under_way[place].saturating_sub(1);
            self.rule.changed(place, self.under_way[place]);
        }
    }

    fn find(&self, address: u32) -> Option<usize> {
        self.addresses.binary_search(&address).ok()
    }
}

#[cfg(test)]
mod tests {
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
        let all = || addresses.to_vec();
        let mut of = Endpoints { usable: &[], memories: &mut [(); 0], all: &all, now: Time(0), drawn: 0 };
        policy.plan(&mut of, before).expect("it counts")
    }

    fn follow<R: super::Rule, P: PickPolicy<Memory = (), Plan = super::Counted<R>>>(policy: P) {
        let mut counted = plan(policy, &[3, 5, 9], None);
        let places: Vec<usize> = (0..3)
            .map(|_| {
                let place = counted.pick(&mut || 0).expect("there are servers");
                policy.began(&mut counted, place);
                place
            })
            .collect();
        assert_eq!(places, [0, 1, 2], "{policy:?}");
        policy.ended(&mut counted, 5);
        policy.ended(&mut counted, 77);
        // 5 is idle, 9 is gone, 12 is new: the idle ones take their turns.
        let next = plan(policy, &[3, 5, 12], Some(counted)).pick(&mut || 0);
        assert!(matches!(next, Some(1 | 2)), "{policy:?}: {next:?}");
    }
}
