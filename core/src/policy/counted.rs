//! The choices of NGINX and HAProxy that go by calls under way, which they count themselves: from the choice of a server to the end of
//! the attempt. The rules are those of [`super::nginx`] and [`super::haproxy`]; here, servers come and go.
//!
//! Not modelled: HAProxy's slots (`server-template`), which keep a server's place when others go. Places are in order of address.

use super::haproxy::{LeastConn, Prng, Ring};
use super::nginx::Peers;
use crate::model::Counting;

/// A proxy's servers, and what is under way on each.
#[derive(Clone, Debug)]
pub struct Counted {
    /// Sorted.
    addresses: Vec<u32>,
    under_way: Vec<u32>,
    rule: Rule,
    /// HAProxy's own generator goes on when servers come and go.
    prng: Prng,
}

#[derive(Clone, Debug)]
enum Rule {
    Fewest(Peers),
    OfTwo(Peers),
    Order(LeastConn),
    OnRing(Ring),
}

impl Counted {
    /// Servers by address, sorted. Of those that were in `before`, the calls under way are known.
    #[must_use]
    pub fn new(counting: Counting, addresses: &[u32], before: Option<&Counted>) -> Counted {
        let known = |a: &u32| before.and_then(|b| b.find(*a).map(|i| b.under_way[i])).unwrap_or(0);
        let under_way: Vec<u32> = addresses.iter().map(known).collect();
        let peers = || Peers::new(&vec![1; addresses.len()]);
        let rule = match counting {
            Counting::NginxLeastConn => Rule::Fewest(peers()),
            Counting::NginxRandomTwo => Rule::OfTwo(peers()),
            Counting::HaproxyLeastConn { weight } => {
                let mut order = LeastConn::new(&vec![weight; addresses.len()]);
                under_way.iter().enumerate().for_each(|(i, &n)| order.set(i, n));
                Rule::Order(order)
            }
            Counting::HaproxyRandom { weight } => {
                let servers: Vec<(u32, u32)> = (1..).zip(addresses).map(|(id, _)| (id, weight)).collect();
                Rule::OnRing(Ring::new(&servers))
            }
        };
        let prng = before.map_or_else(Prng::default, |b| b.prng.clone());
        Counted { addresses: addresses.to_vec(), under_way, rule, prng }
    }

    /// The place of the server for the next call; `None` without one. Say what follows with [`Counted::begin`].
    pub fn pick(&mut self, draw: &mut impl FnMut() -> u64) -> Option<usize> {
        let (under_way, prng) = (&self.under_way, &mut self.prng);
        match &mut self.rule {
            Rule::Fewest(peers) => peers.least_conn(|i| under_way[i]),
            Rule::OfTwo(peers) => peers.random_two(|i| under_way[i], draw),
            Rule::Order(order) if !under_way.is_empty() => order.pick(),
            Rule::Order(_) => None,
            Rule::OnRing(ring) => ring.random(2, |i| under_way[i], &mut || prng.draw()),
        }
    }

    /// A call goes to the server in this place.
    pub fn begin(&mut self, place: usize) {
        self.under_way[place] += 1;
        self.changed(place);
    }

    /// A call that went to this address is over.
    pub fn end(&mut self, address: u32) {
        if let Some(place) = self.find(address) {
            self.under_way[place] = self.under_way[place].saturating_sub(1);
            self.changed(place);
        }
    }

    fn changed(&mut self, place: usize) {
        if let Rule::Order(order) = &mut self.rule {
            order.set(place, self.under_way[place]);
        }
    }

    fn find(&self, address: u32) -> Option<usize> {
        self.addresses.binary_search(&address).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_follow_their_servers() {
        for counting in [Counting::NginxLeastConn, Counting::HaproxyLeastConn { weight: 1 }] {
            let mut draw = || 0;
            let mut counted = Counted::new(counting, &[3, 5, 9], None);
            let places: Vec<usize> = (0..3)
                .map(|_| {
                    let place = counted.pick(&mut draw).expect("there are servers");
                    counted.begin(place);
                    place
                })
                .collect();
            assert_eq!(places, [0, 1, 2], "{counting:?}");
            counted.end(5);
            counted.end(77);
            // 5 is idle, 9 is gone, 12 is new: the idle ones take their turns.
            let mut counted = Counted::new(counting, &[3, 5, 12], Some(&counted));
            let next = counted.pick(&mut draw);
            assert!(matches!(next, Some(1 | 2)), "{counting:?}: {next:?}");
            assert_eq!(Counted::new(counting, &[], None).pick(&mut draw), None);
        }
    }
}
