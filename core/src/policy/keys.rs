//! What a call is routed by, as ring_hash and Maglev see it: the hash of its key (XXH64, as Envoy and gRPC hash headers).

use xxhash_rust::xxh64::xxh64;

use crate::distribution::unit;
use crate::model::Keys;

/// The hash of the key that a call with this uniform draw has: equal keys have equal hashes.
#[must_use]
pub fn hash(keys: &Keys, draw: u64) -> u64 {
    let key = match &keys.cumulative {
        None => draw,
        Some(shares) => shares.partition_point(|share| *share <= unit(draw)) as u64,
    };
    xxh64(&key.to_le_bytes(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_their_shares() {
        let keys = Keys { cumulative: Some([0.5, 0.75, 1.0].into()) };
        let draws = (0..1_000u64).map(|i| i * (u64::MAX / 1_000));
        let mut counts = std::collections::BTreeMap::new();
        draws.for_each(|d| *counts.entry(hash(&keys, d)).or_insert(0) += 1);
        let mut counts: Vec<i32> = counts.into_values().collect();
        counts.sort_unstable();
        // Even draws: each boundary may be off by one.
        assert!(counts.iter().zip([250, 250, 500]).all(|(c, e)| (c - e).abs() <= 1), "{counts:?}");
        assert_ne!(hash(&Keys { cumulative: None }, 1), hash(&Keys { cumulative: None }, 2));
    }
}
