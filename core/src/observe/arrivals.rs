//! The digest of what clients ask for.

use super::digest::{K0, K1, K2, K3, mix, pair, text};
use crate::units::Time;

/// A hash of what one call asks for. For open loads it covers the time; for closed loads it does not, since there the time
/// depends on the responses.
#[inline]
#[must_use]
pub fn call_hash(at: Time, replica: u32, n: u64, demand: u64, key: u64, open: bool) -> u64 {
    let time = if open { at.0 } else { 0 };
    mix(mix(demand ^ K0, key ^ K1) ^ time, mix(n ^ K2, pair(u32::from(open), replica) ^ K3) ^ K0)
}

/// What one client asked for: a sum of its calls' hashes, so that the order in which its replicas take turns does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrivals {
    sum: u64,
    calls: u64,
}

impl Arrivals {
    /// Covers a call with this `call_hash`.
    #[inline]
    pub fn add(&mut self, hash: u64) {
        self.sum = self.sum.wrapping_add(hash);
        self.calls += 1;
    }

    /// The digest so far.
    #[must_use]
    pub fn text(&self) -> String {
        text(self.value())
    }

    /// One digest of several clients, each with its name; their order does not matter.
    #[must_use]
    pub fn combined<'a>(clients: impl Iterator<Item = (&'a str, &'a Arrivals)>) -> String {
        text(clients.fold(0, |sum, (name, arrivals)| {
            let name = name.bytes().fold(K2, |hash, byte| mix(hash ^ u64::from(byte), K3));
            sum.wrapping_add(mix(name ^ K0, arrivals.value() ^ K1))
        }))
    }

    fn value(&self) -> u64 {
        mix(self.sum ^ K0, self.calls ^ K1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(calls: &[(u64, u32, u64, u64)], open: bool) -> Arrivals {
        let mut arrivals = Arrivals::default();
        for &(at, replica, n, demand) in calls {
            arrivals.add(call_hash(Time(at), replica, n, demand, 3, open));
        }
        arrivals
    }

    #[test]
    fn closed_arrivals_know_neither_time_nor_turns() {
        let calls = [(1, 0, 0, 11), (2, 1, 0, 12), (3, 0, 1, 13)];
        let turned = [(7, 1, 0, 12), (8, 0, 0, 11), (9, 0, 1, 13)];
        assert_eq!(arrivals(&calls, false), arrivals(&turned, false));
        assert_ne!(arrivals(&calls, true), arrivals(&turned, true));
        let swapped = [(1, 0, 0, 11), (2, 0, 0, 12), (3, 1, 1, 13)];
        assert_ne!(arrivals(&calls, false), arrivals(&swapped, false));
    }

    #[test]
    fn clients_combine_by_name() {
        let (a, b) = (arrivals(&[(1, 0, 0, 1)], true), arrivals(&[(1, 0, 0, 2)], true));
        let both = Arrivals::combined([("a", &a), ("b", &b)].into_iter());
        assert_eq!(both, Arrivals::combined([("b", &b), ("a", &a)].into_iter()));
        assert_ne!(both, Arrivals::combined([("a", &b), ("b", &a)].into_iter()));
    }
}
