//! Random subsetting: each client keeps a few endpoints, chosen by a hash with a seed of its own.
//!
//! Source: gRFC A68 and grpc-go `balancer/randomsubsetting` (`calculateSubset`). XXH64 of each endpoint's address, with the
//! seed that the balancer drew when it was made; the `size` endpoints with the smallest hashes. A change of the endpoints
//! changes a subset as little as possible (rendezvous hashing). The number of clients per endpoint is binomial.

use xxhash_rust::xxh64::xxh64;

use crate::narrow::u32_of;

/// The indices of the endpoints that a client with this seed keeps, in order of their hash; all, in order, if there are no
/// more than `size` (1 or more).
pub fn subset<'a>(seed: u64, addresses: impl IntoIterator<Item = &'a str>, size: usize) -> Vec<u32> {
    let hash = |(i, address): (usize, &str)| (xxh64(address.as_bytes(), seed), u32_of(i));
    let mut hashes: Vec<(u64, u32)> = addresses.into_iter().enumerate().map(hash).collect();
    if hashes.len() > size {
        if size > 0 {
            hashes.select_nth_unstable(size - 1);
        }
        hashes.truncate(size);
        hashes.sort_unstable();
    }
    hashes.into_iter().map(|h| h.1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("10.244.{}.{}:50051", i / 256, i % 256)).collect()
    }

    fn of(seed: u64, addresses: &[String], size: usize) -> Vec<u32> {
        subset(seed, addresses.iter().map(String::as_str), size)
    }

    #[test]
    fn as_many_as_asked_for_or_all() {
        let ten = addresses(10);
        assert_eq!(of(1, &ten, 10), (0..10).collect::<Vec<u32>>());
        assert_eq!(of(1, &ten, 0), [0; 0]);
        let mut four = of(1, &ten, 4);
        assert_ne!(four, of(2, &ten, 4));
        four.sort_unstable();
        four.dedup();
        assert_eq!(four.len(), 4);
    }

    #[test]
    fn a_lost_endpoint_is_replaced_and_no_other() {
        let all = addresses(50);
        for seed in 0..100 {
            let before = of(seed, &all, 5);
            let lost = before[2];
            let rest: Vec<String> =
                all.iter().enumerate().filter(|(i, _)| *i as u32 != lost).map(|a| a.1.clone()).collect();
            let after: Vec<u32> = of(seed, &rest, 5).iter().map(|i| if *i >= lost { i + 1 } else { *i }).collect();
            assert!(before.iter().filter(|i| **i != lost).all(|i| after.contains(i)));
        }
    }
}
