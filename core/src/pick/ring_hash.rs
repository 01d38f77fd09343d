//! Ring hash: a key goes to the endpoint whose point follows on a ring.
//!
//! Sources: gRFC A42 and grpc-go `balancer/ringhash/ring.go` (`newRing`, `pick`); Envoy
//! `source/extensions/load_balancing_policies/ring_hash/ring_hash_lb.cc`. Points are XXH64 of `address_i`. The ring is scaled
//! so that the endpoint of least weight has a whole number of points: `scale = min(ceil(least * min) / least, max)` with weights
//! that add up to 1. gRPC: 1,024 to 4,096 points (and never more than 4,096), endpoints sorted by address; Envoy: 1,024 to
//! 8,388,608. Not modelled: Envoy's `hash_balance_factor`, off by default, and its retries on the next point.

use std::fmt::Write;

use xxhash_rust::xxh64::xxh64;

use super::{Endpoints, PickPolicy, View, Wrong, named};
use crate::ids::Address;
use crate::narrow::{u32_of, whole};
use crate::settings;
use crate::settings::count;

/// Envoy's bound (`ring_hash.proto`).
const MOST: u64 = 8_388_608;

settings! {
    /// Settings of ring_hash (gRFC A42).
    pub struct RingHash {
        /// Points on the ring, at least.
        min_ring_size: u32 [count(1, MOST)] = 1_024;
        /// Points on the ring, at most. Envoy's default is its bound.
        max_ring_size: u32 [count(1, MOST)] = 4_096;
    }
}

impl PickPolicy for RingHash {
    const NAME: &'static str = "ring_hash";
    const SUMMARY: &'static str =
        "Each key has its pod: the next point on a ring of hashes. Popular keys make hot pods.";
    const SOURCE: &'static str = "gRFC A42; Envoy ring_hash";

    type Memory = ();
    type Plan = Hashed<Ring>;

    /// It goes by the key of a call.
    fn pick(&self, _view: &mut impl View<Self>, _draw: &mut impl FnMut() -> u64) -> Option<usize> {
        None
    }

    fn settle(&mut self, given: &dyn Fn(&str) -> bool) -> Result<(), Wrong> {
        if !given("max_ring_size") {
            self.max_ring_size = self.max_ring_size.max(self.min_ring_size);
        }
        let RingHash { min_ring_size: min, max_ring_size: max } = self;
        if max < min {
            let message = format!("`max_ring_size` ({max}) is below `min_ring_size` ({min})");
            return Err(Wrong { key: "max_ring_size", message, alone: false });
        }
        Ok(())
    }

    fn hashes(&self) -> bool {
        true
    }

    fn plan(&self, of: &mut Endpoints<'_, ()>, before: Option<Self::Plan>) -> Option<Self::Plan> {
        let (min, max) = (self.min_ring_size.into(), self.max_ring_size.into());
        Some(Hashed::of(of.addresses(), before, |named| Ring::new(named, min, max)))
    }

    fn pick_by_key(&self, plan: &Self::Plan, hash: u64, usable: impl Fn(usize) -> bool) -> Option<usize> {
        plan.made.pick(hash, usable)
    }
}

/// A plan by hashes of addresses, and the addresses that it is of.
#[derive(Debug)]
pub struct Hashed<T> {
    /// In the order in which the plan names them.
    pub addresses: Vec<Address>,
    /// The ring or table.
    pub made: T,
}

impl<T> Hashed<T> {
    /// The plan of these addresses: the one `before` if it is of the same, for they are the same for as long as no pod comes or goes.
    pub(super) fn of(
        addresses: Vec<Address>,
        before: Option<Hashed<T>>,
        make: impl Fn(&[(String, u32)]) -> T,
    ) -> Hashed<T> {
        match before {
            Some(same) if same.addresses == addresses => same,
            _ => Hashed { made: make(&named(&addresses)), addresses },
        }
    }
}

/// A ring of points.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    /// Sorted: where, and which endpoint.
    points: Vec<(u64, u32)>,
}

impl Ring {
    /// Endpoints with their weights (0: gets nothing) in order; `min` and `max` bound the number of points, `1 <= min <= max`.
    #[must_use]
    pub fn new(endpoints: &[(impl AsRef<str>, u32)], min: u64, max: u64) -> Ring {
        let sum: u64 = endpoints.iter().map(|e| u64::from(e.1)).sum();
        let Some(least) = endpoints.iter().map(|e| e.1).filter(|w| *w > 0).min() else {
            return Ring::default();
        };
        let normalised = |weight: u32| f64::from(weight) / sum as f64;
        let least = normalised(least);
        let scale = ((least * min as f64).ceil() / least).min(max as f64);
        let mut points = Vec::with_capacity(whole(scale.ceil()));
        let mut target = 0.0;
        let mut key = String::new();
        for (i, (address, weight)) in endpoints.iter().enumerate() {
            // Running sums: parts of points are made up for by the endpoints that follow.
            target += scale * normalised(*weight);
            let mut k = 0;
            while (points.len() as f64) < target {
                key.clear();
                // Writing to a String cannot fail.
                let _ = write!(key, "{}_{k}", address.as_ref());
                points.push((xxh64(key.as_bytes(), 0), u32_of(i)));
                k += 1;
            }
        }
        points.sort_unstable();
        Ring { points }
    }

    /// The number of points.
    #[must_use]
    pub fn points(&self) -> usize {
        self.points.len()
    }

    /// The endpoint at the first point at or after `hash`, around the end; of those that are not `usable` (gRPC:
    /// TRANSIENT_FAILURE) the next. `None` if there is none. Costs the logarithm of the number of points, and one step for each
    /// passed over.
    pub fn pick(&self, hash: u64, usable: impl Fn(usize) -> bool) -> Option<usize> {
        let (before, after) = self.points.split_at(self.points.partition_point(|p| p.0 < hash));
        after.iter().chain(before).map(|p| p.1 as usize).find(|i| usable(*i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(weights: &[u32]) -> Vec<(String, u32)> {
        weights.iter().enumerate().map(|(i, w)| (format!("10.244.0.{i}:50051"), *w)).collect()
    }

    fn counts(ring: &Ring, n: usize) -> Vec<usize> {
        (0..n).map(|i| ring.points.iter().filter(|p| p.1 as usize == i).count()).collect()
    }

    #[test]
    fn xxh64_is_the_published_one() {
        // The specification's sanity checks of the empty input, and the reference implementation's value for "a".
        assert_eq!(xxh64(b"", 0), 0xef46_db37_51d8_e999);
        assert_eq!(xxh64(b"", 2_654_435_761), 0xac75_fda2_929b_17ef);
        assert_eq!(xxh64(b"a", 0), 0xd24e_c4f1_a98c_6e5b);
    }

    #[test]
    fn the_least_weight_gets_whole_points() {
        // grpc-go's example: {3, 3, 4} and 7 points: scale 6.67 after rounding 0.3 * 6 up to 2.
        assert_eq!(counts(&Ring::new(&named(&[3, 3, 4]), 6, 20), 3), [2, 2, 3]);
        assert_eq!(counts(&Ring::new(&named(&[1; 5]), 1_024, 4_096), 5), [205; 5]);
        assert_eq!(counts(&Ring::new(&named(&[1, 2, 0]), 1_024, 4_096), 3), [342, 684, 0]);
        // Envoy's example: four hosts and at most six points.
        assert_eq!(counts(&Ring::new(&named(&[1; 4]), 6, 6), 4), [2, 1, 2, 1]);
        assert_eq!(Ring::new(&named(&[0, 0]), 1_024, 4_096).points(), 0);
    }

    #[test]
    fn the_next_point_takes_it() {
        let ring = Ring { points: vec![(10, 0), (20, 1), (30, 2)] };
        assert_eq!([0, 10, 11, 30, 31].map(|h| ring.pick(h, |_| true).unwrap()), [0, 0, 1, 2, 0]);
        assert_eq!(ring.pick(15, |i| i != 1), Some(2));
        assert_eq!((ring.pick(15, |_| false), Ring::default().pick(0, |_| true)), (None, None));
    }

    #[test]
    fn a_new_endpoint_takes_from_all_and_moves_nothing_else() {
        let few = Ring::new(&named(&[1; 5]), 1_024, 1 << 23);
        // As many points for each as before.
        let more = Ring::new(&named(&[1; 6]), 6 * 205, 1 << 23);
        let moved = (0..10_000u64).map(|k| k.wrapping_mul(0x9e37_79b9_7f4a_7c15)).filter(|h| {
            let (before, after) = (few.pick(*h, |_| true), more.pick(*h, |_| true));
            assert!(before == after || after == Some(5));
            before != after
        });
        assert!((1_300..2_000).contains(&moved.count()));
    }
}
