//! NGINX's choice of an upstream server by connections.
//!
//! Sources: nginx `src/http/modules/ngx_http_upstream_least_conn_module.c`, `ngx_http_upstream_random_module.c`; round robin
//! is [`super::swrr`]. Connections count per worker unless the upstream has a `zone`; one carries one call at a time
//! (`grpc_pass` does not multiplex), so that they are the calls outstanding. Not modelled: `max_fails`, `max_conns`,
//! backup servers and a retry, which leaves out the servers tried before.

use super::swrr::Swrr;
use crate::random::number_below;

/// `++tries > 20`: then round robin.
const MOST_TRIES: u32 = 20;

/// The servers of an upstream as one worker (or, with a `zone`, all workers) sees them.
#[derive(Clone, Debug)]
pub struct Peers {
    swrr: Swrr,
    /// Sums of the weights up to and with each server.
    sums: Vec<u64>,
}

impl Peers {
    /// Servers with their weights, from 0 (gets nothing) on.
    #[must_use]
    pub fn new(weights: &[u32]) -> Peers {
        let mut sum = 0;
        let mut up_to = |w: &u32| {
            sum += u64::from(*w);
            sum
        };
        Peers { sums: weights.iter().map(&mut up_to).collect(), swrr: Swrr::new(weights) }
    }

    /// Round robin.
    pub fn round_robin(&mut self) -> Option<usize> {
        self.swrr.pick()
    }

    /// `least_conn`: fewest connections by weight; among several, a turn of smooth weighted round robin between them. `None`
    /// without a server of weight. Linear, as in nginx.
    pub fn least_conn(&mut self, conns: impl Fn(usize) -> u32) -> Option<usize> {
        let weights = &self.swrr.weights;
        // Compares conns / weight without dividing.
        let load = |i: usize, other: usize| u64::from(conns(i)) * u64::from(weights[other]);
        let (mut best, mut several) = (None, false);
        for i in (0..weights.len()).filter(|i| weights[*i] > 0) {
            match best {
                Some(b) if load(i, b) == load(b, i) => several = true,
                Some(b) if load(i, b) > load(b, i) => {}
                _ => (best, several) = (Some(i), false),
            }
        }
        let best = best?;
        if !several {
            return Some(best);
        }
        let (conns_of_best, weight_of_best) = (u64::from(conns(best)), u64::from(weights[best]));
        self.swrr.pick_among(|i, weight| u64::from(conns(i)) * weight_of_best == conns_of_best * u64::from(weight))
    }

    /// `random two least_conn`: the one with fewer connections by weight of two different servers drawn by weight, of equals
    /// the second. After 20 draws that gave no two, round robin. `None` without a server of weight.
    pub fn random_two(&mut self, conns: impl Fn(usize) -> u32, draw: &mut impl FnMut() -> u64) -> Option<usize> {
        let total = *self.sums.last()?;
        if self.sums.len() < 2 || total == 0 {
            return self.round_robin();
        }
        let mut first = None;
        for _ in 0..=MOST_TRIES {
            let x = number_below(draw(), total);
            let i = self.sums.partition_point(|sum| *sum <= x);
            match first {
                None => first = Some(i),
                Some(p) if p == i => {}
                Some(p) => {
                    let load = |i: usize, other: usize| u64::from(conns(i)) * u64::from(self.swrr.weights[other]);
                    return Some(if load(i, p) > load(p, i) { p } else { i });
                }
            }
        }
        self.round_robin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_conn_takes_turns_among_equals_only() {
        let mut peers = Peers::new(&[1; 4]);
        let conns = [2, 1, 1, 3];
        let picks: Vec<_> = (0..4).map(|_| peers.least_conn(|i| conns[i]).unwrap()).collect();
        assert_eq!(picks, [1, 2, 1, 2]);
        assert_eq!(peers.least_conn(|i| [2, 1, 0, 3][i]), Some(2));
    }

    #[test]
    fn least_conn_divides_by_weight() {
        let mut peers = Peers::new(&[1, 4, 0]);
        // 2/1 and 7/4; the third would be idle, but has no weight.
        assert_eq!(peers.least_conn(|i| [2, 7, 0][i]), Some(1));
        assert_eq!(Peers::new(&[0]).least_conn(|_| 0), None);
        // 2/2 and 1/1 are equal: they take turns by their weights, and the busier third has none.
        let mut equal = Peers::new(&[2, 1, 1]);
        let picks: Vec<_> = (0..6).map(|_| equal.least_conn(|i| [2, 1, 3][i]).unwrap()).collect();
        assert_eq!([0, 1, 2].map(|peer| picks.iter().filter(|pick| **pick == peer).count()), [4, 2, 0]);
    }

    #[test]
    fn random_two_draws_until_they_differ() {
        let mut peers = Peers::new(&[1; 4]);
        let mut draws = [0, 0, 0, u64::MAX].into_iter();
        assert_eq!(peers.random_two(|i| i as u32, &mut || draws.next().unwrap()), Some(0));
        // Of equals the second.
        let mut draws = [0, u64::MAX].into_iter();
        assert_eq!(peers.random_two(|_| 5, &mut || draws.next().unwrap()), Some(3));
    }

    #[test]
    fn random_two_gives_up_after_twenty_tries() {
        let (mut peers, mut drawn) = (Peers::new(&[1, 1]), 0);
        let picks: Vec<_> = (0..3)
            .map(|_| {
                peers.random_two(|_| 0, &mut || {
                    drawn += 1;
                    0
                })
            })
            .collect();
        assert_eq!((picks, drawn), (vec![Some(0), Some(1), Some(0)], 63));
    }
}
