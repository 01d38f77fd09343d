//! HAProxy's `balance random` and `balance leastconn`.
//!
//! Sources: haproxy `src/backend.c` (`get_server_rnd`), `src/lb_chash.c` (`chash_get_server_hash`, `chash_queue_dequeue_srv`),
//! `src/lb_fwlc.c` (`fwlc_get_key`, `fwlc_srv_reposition`), `include/haproxy/tools.h` (`__full_hash`, `statistical_prng`). State
//! is shared by all threads of a process. `random` looks its draws up in a consistent-hash ring with 16 points per unit of
//! weight: with five servers of weight 1 the shares are 24, 15, 21, 19 and 20 %, every time; with weight 100 they are even.
//! Not modelled: `maxconn` and queues (a server is never full), and the tie-breaking by request rate of version 3.3.

use crate::narrow::u32_of;

/// `BE_WEIGHT_SCALE`: points on the ring per unit of weight.
const POINTS: u32 = 16;
/// `SRV_EWGHT_RANGE`: how far the points of two servers are apart before they are hashed.
const RANGE: u32 = 256 * POINTS;

/// The ring of `balance random`.
#[derive(Clone, Debug)]
pub struct Ring {
    /// Sorted: where, and which server.
    points: Vec<(u32, u32)>,
    weights: Vec<u32>,
}

impl Ring {
    /// Servers as `(id, weight)`: the id (`puid`) counts from 1 in the order of the configuration and places the server's points;
    /// the weight is 0 (gets nothing) to 256. Picks are indices into `servers`.
    #[must_use]
    pub fn new(servers: &[(u32, u32)]) -> Ring {
        let points_of = |(i, &(id, weight)): (usize, &(u32, u32))| {
            (0..weight * POINTS).map(move |j| (full_hash(id.wrapping_mul(RANGE).wrapping_add(j)), u32_of(i)))
        };
        let mut points: Vec<(u32, u32)> = servers.iter().enumerate().flat_map(points_of).collect();
        points.sort_unstable();
        Ring { points, weights: servers.iter().map(|s| s.1).collect() }
    }

    /// `random(draws)`: of servers drawn from the ring, the one with the fewest requests by weight; of equals the last drawn.
    /// HAProxy's default is 2. `draw` gives 32 bits, such as [`Prng`]. `None` without a server of weight.
    pub fn random(&self, draws: u32, served: impl Fn(usize) -> u32, draw: &mut impl FnMut() -> u32) -> Option<usize> {
        let load = |i: usize, other: usize| u64::from(served(i)) * u64::from(self.weights[other]);
        let mut best = self.closest(draw())?;
        for _ in 1..draws {
            let next = self.closest(draw())?;
            if load(next, best) <= load(best, next) {
                best = next;
            }
        }
        Some(best)
    }

    /// The server whose point is closest; of two as close the one before.
    fn closest(&self, hash: u32) -> Option<usize> {
        let last = self.points.len().checked_sub(1)?;
        let after = self.points.partition_point(|p| p.0 < hash);
        let (before, after) = (if after == 0 { last } else { after - 1 }, if after > last { 0 } else { after });
        let (before, after) = (self.points[before], self.points[after]);
        let nearer = if hash.wrapping_sub(before.0) <= after.0.wrapping_sub(hash) { before } else { after };
        Some(nearer.1 as usize)
    }
}

/// Bob Jenkins's full-avalanche hash of an integer, spread further as HAProxy does.
fn full_hash(a: u32) -> u32 {
    let a = a.wrapping_add(0x7ed5_5d16).wrapping_add(a << 12);
    let a = (a ^ 0xc761_c23c) ^ (a >> 19);
    let a = a.wrapping_add(0x1656_67b1).wrapping_add(a << 5);
    let a = a.wrapping_add(0xd3a2_646c) ^ (a << 9);
    let a = a.wrapping_add(0xfd70_46c5).wrapping_add(a << 3);
    let a = (a ^ 0xb55a_4f09) ^ (a >> 16);
    a.wrapping_mul(3_221_225_473)
}

/// The generator behind `balance random`: xorshift32, which starts at the same place in every process (seen in 2.6: the same
/// counts after each start). Two replicas started together draw alike.
#[derive(Clone, Debug)]
pub struct Prng(u32);

impl Default for Prng {
    fn default() -> Prng {
        Prng(2_463_534_242)
    }
}

impl Prng {
    /// The next 32 bits.
    pub fn draw(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}

/// The order of `balance leastconn`: servers by key, those with the same key by when they got it. A server's key is 0 when it
/// is idle, else `(requests + 1) * 256 / weight`, in whole numbers.
#[derive(Clone, Debug)]
pub struct LeastConn {
    weights: Vec<u32>,
    /// Key and turn of each server; the padding up to a power of two, and servers of no weight, have the greatest key.
    places: Vec<(u64, u64)>,
    /// A tournament: node 1 has the first of all, node i the earlier of nodes 2i and 2i + 1.
    first: Vec<u32>,
    turns: u64,
}

impl LeastConn {
    /// Idle servers with weights from 0 (gets nothing) to 256.
    #[must_use]
    pub fn new(weights: &[u32]) -> LeastConn {
        let leaves = weights.len().next_power_of_two();
        let place = |i: usize| match weights.get(i) {
            Some(w) if *w > 0 => (0, i as u64),
            _ => (u64::MAX, i as u64),
        };
        let turns = weights.len() as u64;
        let places: Vec<(u64, u64)> = (0..leaves).map(place).collect();
        let mut order = LeastConn { weights: weights.to_vec(), places, first: vec![0; 2 * leaves], turns };
        (0..leaves).for_each(|i| order.first[leaves + i] = u32_of(i));
        (1..leaves).rev().for_each(|node| order.decide(node));
        order
    }

    /// The server for the next request. `None` without a server of weight. Say what follows with [`LeastConn::set`].
    #[must_use]
    pub fn pick(&self) -> Option<usize> {
        let first = self.first[1] as usize;
        (self.places[first].0 < u64::MAX).then_some(first)
    }

    /// Server `i` now has this many requests, in service or queued for it: if that changes its key, it goes behind those with the
    /// same key. To be called at the begin and at the end of every request. Costs the logarithm of the number of servers.
    pub fn set(&mut self, i: usize, requests: u32) {
        let weight = u64::from(self.weights[i]);
        let key = match requests {
            _ if weight == 0 => return,
            0 => 0,
            n => (u64::from(n) + 1) * 256 / weight,
        };
        if self.places[i].0 != key {
            self.places[i] = (key, self.turns);
            self.turns += 1;
            let mut node = (self.places.len() + i) / 2;
            while node > 0 {
                self.decide(node);
                node /= 2;
            }
        }
    }

    fn decide(&mut self, node: usize) {
        let (a, b) = (self.first[2 * node], self.first[2 * node + 1]);
        self.first[node] = if self.places[a as usize] <= self.places[b as usize] { a } else { b };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(weight: u32) -> Vec<f64> {
        let servers: Vec<(u32, u32)> = (1..=5).map(|id| (id, weight)).collect();
        let ring = Ring::new(&servers);
        let hashes = 1u32 << 20;
        let mut counts = [0u32; 5];
        (0..hashes).for_each(|k| counts[ring.closest(k << 12).unwrap()] += 1);
        counts.iter().map(|c| f64::from(*c) / f64::from(hashes)).collect()
    }

    #[test]
    fn few_points_make_uneven_shares() {
        let (few, many) = (shares(1), shares(100));
        assert!(few[0] > 0.23 && few[1] < 0.16, "{few:?}");
        assert!(many.iter().all(|s| (s - 0.2).abs() < 0.01), "{many:?}");
    }

    #[test]
    fn the_point_before_and_the_point_after_are_compared_around_the_end_of_the_ring() {
        let ring = Ring { points: vec![(10, 0), (100, 1)], weights: vec![1, 1] };
        let of = |hash| ring.closest(hash).unwrap();
        assert_eq!([0, 10, 55, 56, 100].map(of), [0, 0, 0, 1, 1]);
        // Halfway between 100 and 10 + 2^32.
        assert_eq!([2_147_483_703, 2_147_483_704, u32::MAX].map(of), [1, 0, 0]);
    }

    #[test]
    fn of_two_draws_the_less_busy_by_weight_and_of_equals_the_last() {
        let ring = Ring { points: vec![(0, 0), (1 << 31, 1)], weights: vec![1, 4] };
        let pick = |served: [u32; 2], draws: [u32; 2]| {
            let mut draws = draws.into_iter();
            ring.random(2, |i| served[i], &mut || draws.next().unwrap()).unwrap()
        };
        let (a, b) = (0, 1 << 31);
        assert_eq!(
            [pick([1, 3], [a, b]), pick([1, 5], [a, b]), pick([1, 4], [a, b]), pick([1, 4], [b, a])],
            [1, 0, 1, 0]
        );
        assert_eq!(Ring::new(&[(1, 0)]).random(2, |_| 0, &mut || 0), None);
    }

    #[test]
    fn least_conn_goes_round_among_equals() {
        let mut order = LeastConn::new(&[1; 3]);
        let mut served = [0; 3];
        let mut picks = Vec::new();
        for _ in 0..7 {
            let i = order.pick().unwrap();
            served[i] += 1;
            order.set(i, served[i]);
            picks.push(i);
        }
        assert_eq!(picks, [0, 1, 2, 0, 1, 2, 0]);
        // The one that becomes idle is next, and an idle one goes before one with a request.
        order.set(1, 0);
        assert_eq!(order.pick(), Some(1));
    }

    #[test]
    fn least_conn_weighs() {
        let mut order = LeastConn::new(&[1, 4, 0]);
        order.set(0, 1); // 2 * 256
        order.set(1, 6); // 7 * 256 / 4
        assert_eq!(order.pick(), Some(1));
        order.set(1, 7); // 8 * 256 / 4, as server 0, and later.
        assert_eq!(order.pick(), Some(0));
        assert_eq!((LeastConn::new(&[]).pick(), LeastConn::new(&[0]).pick()), (None, None));
    }

    /// The first numbers of xorshift32 (13, 17, 5) from this seed, as computed with Python's integers; the seed and the shifts are those
    /// of Marsaglia, Xorshift RNGs (2003).
    #[test]
    fn random_numbers_are_xorshifts() {
        let mut prng = Prng::default();
        assert_eq!([prng.draw(), prng.draw(), prng.draw()], [723_471_715, 2_497_366_906, 2_064_144_800]);
    }
}
