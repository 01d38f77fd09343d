//! Maglev hashing: a table of fixed size in which all endpoints have nearly the same number of entries.
//!
//! Source: Envoy `source/extensions/load_balancing_policies/maglev/maglev_lb.cc` (`constructMaglevTableInternal`,
//! `constructImplementationInternals`), after listing 1 of the Maglev paper (NSDI 2016). Hosts, sorted by address, take turns;
//! each takes the next free entry of its own permutation `offset + skip * k` (XXH64 with seeds 0 and 1). A host of weight
//! w takes part in w / w_max of the turns. Not modelled: `hash_balance_factor`, off by default.

use xxhash_rust::xxh64::xxh64;

use super::ring_hash::Hashed;
use super::{Endpoints, PickPolicy, View, Wrong};
use crate::narrow::{u32_of, usize_of};
use crate::settings;
use crate::settings::count;

settings! {
    /// Settings of Maglev.
    pub struct Maglev {
        /// Entries of the table, a prime number (`maglev.proto`).
        table_size: u32 [count(2, 5_000_011)] = 65_537;
    }
}

impl PickPolicy for Maglev {
    const NAME: &'static str = "maglev";
    const SUMMARY: &'static str =
        "Each key has its pod by a table in which all pods have nearly the same number of places.";
    const SOURCE: &'static str = "Envoy maglev";

    type Memory = ();
    type Plan = Hashed<Table>;

    /// It goes by the key of a call.
    fn pick(&self, _view: &mut impl View<Self>, _draw: &mut impl FnMut() -> u64) -> Option<usize> {
        None
    }

    fn settle(&mut self, _: &dyn Fn(&str) -> bool) -> Result<(), Wrong> {
        let n = self.table_size;
        if (2..).take_while(|d| d * d <= n).any(|d| n.is_multiple_of(d)) {
            let message = format!("`table_size` is {n}, and must be a prime number");
            return Err(Wrong { key: "table_size", message, alone: true });
        }
        Ok(())
    }

    fn hashes(&self) -> bool {
        true
    }

    fn plan(&self, of: &mut Endpoints<'_, ()>, before: Option<Self::Plan>) -> Option<Self::Plan> {
        Some(Hashed::of(of.addresses(), before, |named| Table::new(named, self.table_size as usize)))
    }

    /// Envoy's table has healthy hosts only. Here the key of a host that is left out goes to the next host.
    fn pick_by_key(&self, plan: &Self::Plan, hash: u64, usable: impl Fn(usize) -> bool) -> Option<usize> {
        let (i, n) = (plan.made.pick(hash)?, plan.addresses.len());
        (0..n).map(|k| (i + k) % n).find(|i| usable(*i))
    }
}

/// A lookup table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    table: Vec<u32>,
}

struct Turn {
    endpoint: u32,
    weight: f64,
    target: f64,
    offset: u64,
    skip: u64,
    next: u64,
}

impl Table {
    /// Endpoints with their weights (0: gets nothing), and a prime number of entries, which is more than there are endpoints.
    #[must_use]
    pub fn new(endpoints: &[(impl AsRef<str>, u32)], entries: usize) -> Table {
        const FREE: u32 = u32::MAX;
        let mut order: Vec<usize> = (0..endpoints.len()).filter(|i| endpoints[*i].1 > 0).collect();
        if order.is_empty() {
            return Table::default();
        }
        order.sort_by_key(|i| endpoints[*i].0.as_ref());
        let sum: f64 = order.iter().map(|i| f64::from(endpoints[*i].1)).sum();
        let size = entries as u64;
        let turn = |i: &usize| Turn {
            endpoint: u32_of(*i),
            weight: f64::from(endpoints[*i].1) / sum,
            target: 0.0,
            offset: xxh64(endpoints[*i].0.as_ref().as_bytes(), 0) % size,
            skip: xxh64(endpoints[*i].0.as_ref().as_bytes(), 1) % (size - 1) + 1,
            next: 0,
        };
        let mut turns: Vec<Turn> = order.iter().map(turn).collect();
        let greatest = turns.iter().fold(0.0, |m: f64, t| m.max(t.weight));
        let (mut table, mut filled, mut round) = (vec![FREE; entries], 0, 0.0);
        while filled < entries {
            round += 1.0;
            for turn in &mut turns {
                if filled == entries || round * turn.weight < turn.target {
                    continue;
                }
                turn.target += greatest;
                while table[turn.entry(size)] != FREE {
                    turn.next += 1;
                }
                table[turn.entry(size)] = turn.endpoint;
                turn.next += 1;
                filled += 1;
            }
        }
        Table { table }
    }

    /// The endpoint of a key's hash. `None` without endpoints. One look.
    #[must_use]
    pub fn pick(&self, hash: u64) -> Option<usize> {
        let entry = hash.checked_rem(self.table.len() as u64)?;
        Some(self.table[usize_of(entry)] as usize)
    }
}

impl Turn {
    fn entry(&self, size: u64) -> usize {
        usize_of((self.offset + self.skip * self.next) % size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: usize = 65_537;

    fn named(weights: &[u32]) -> Vec<(String, u32)> {
        weights.iter().enumerate().map(|(i, w)| (format!("10.244.0.{i}:50051"), *w)).collect()
    }

    fn entries(weights: &[u32]) -> Vec<usize> {
        let maglev = Table::new(&named(weights), TABLE);
        assert_eq!(maglev.table.len(), TABLE);
        (0..weights.len()).map(|i| maglev.table.iter().filter(|e| **e as usize == i).count()).collect()
    }

    #[test]
    fn equal_weights_fill_the_table_evenly() {
        for n in [1, 2, 5, 100, 1_000] {
            let counts = entries(&vec![1; n]);
            // They take turns: nobody has two more than another.
            assert!(counts.iter().all(|c| [TABLE / n, TABLE.div_ceil(n)].contains(c)), "{n}");
        }
    }

    #[test]
    fn entries_follow_weights() {
        let counts = entries(&[1, 2, 0, 5]);
        for (count, want) in counts.iter().zip([1.0, 2.0, 0.0, 5.0]) {
            assert!((*count as f64 - TABLE as f64 * want / 8.0).abs() <= 2.0, "{counts:?}");
        }
    }

    #[test]
    fn a_lost_endpoint_moves_little_else() {
        let all = Table::new(&named(&[1; 100]), TABLE);
        let mut weights = vec![1; 100];
        weights[42] = 0;
        let rest = Table::new(&named(&weights), TABLE);
        let moved = all.table.iter().zip(&rest.table).filter(|(a, b)| a != b && **a != 42).count();
        // The paper: a few percent for a table of this size (its figure 12).
        assert!(moved > 0 && moved < TABLE * 3 / 100, "{moved}");
    }

    #[test]
    fn without_endpoints_there_is_no_pick() {
        assert_eq!(Table::new(&named(&[0]), TABLE).pick(7), None);
        assert_eq!(Table::new(&named(&[1]), 7).pick(u64::MAX), Some(0));
    }
}
