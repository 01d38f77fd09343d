//! Cases: a value of each key that is drawn, by proptest, and their shrinking.

use proptest::num::u32::BinarySearch;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::random::{key_of, mix};
use crate::scenario::property::{Draw, Property};

/// How often a key has a value of its own, rather than the scenario's.
const DRAWN: f64 = 0.8;

/// A key's value: proptest's, and whether it is taken.
struct Key {
    drawn: bool,
    value: u32,
    tree: BinarySearch,
}

/// Values of all keys.
pub(super) struct Case {
    keys: Vec<Key>,
}

impl Case {
    /// The case of this number: 0 is the scenario as it is written.
    pub(super) fn new(property: &Property, seed: u64, number: u64) -> Case {
        let mut bytes = [0; 32];
        let key = mix(mix(key_of(&property.name), seed), number);
        for (i, chunk) in bytes.chunks_mut(8).enumerate() {
            chunk.copy_from_slice(&mix(key, i as u64).to_le_bytes());
        }
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
        let mut key = |draw: &Draw| {
            // Neither strategy rejects what it draws.
            let drawn = proptest::bool::weighted(DRAWN).new_tree(&mut runner).is_ok_and(|tree| tree.current());
            let tree = (0..draw.values.len() as u32).new_tree(&mut runner).ok()?;
            Some(Key { drawn: drawn && number > 0, value: tree.current(), tree })
        };
        Case { keys: property.draws.iter().filter_map(&mut key).collect() }
    }

    /// The value of each key, or the scenario's own.
    pub(super) fn drawn(&self) -> Vec<Option<u32>> {
        self.keys.iter().map(|key| key.drawn.then_some(key.value)).collect()
    }

    /// Makes the case as small as it gets while `still` says that the claim is refuted: keys go back to the scenario's values,
    /// then values toward the first ones, then keys again. At most `most` cases are tried; returns how many were.
    pub(super) fn shrink<E>(
        &mut self,
        most: u32,
        mut still: impl FnMut(&[Option<u32>]) -> Result<bool, E>,
    ) -> Result<u32, E> {
        let mut tries = 0;
        let mut bounded = |case: &Case| {
            if tries == most {
                return Ok(false);
            }
            tries += 1;
            still(&case.drawn())
        };
        self.without_keys(&mut bounded)?;
        for i in 0..self.keys.len() {
            self.smaller_value(i, &mut bounded)?;
        }
        self.without_keys(&mut bounded)?;
        Ok(tries)
    }

    fn without_keys<E>(&mut self, still: &mut impl FnMut(&Case) -> Result<bool, E>) -> Result<(), E> {
        loop {
            let mut changed = false;
            for i in 0..self.keys.len() {
                if self.keys[i].drawn {
                    self.keys[i].drawn = false;
                    let refuted = still(self)?;
                    self.keys[i].drawn = !refuted;
                    changed |= refuted;
                }
            }
            if !changed {
                return Ok(());
            }
        }
    }

    fn smaller_value<E>(&mut self, i: usize, still: &mut impl FnMut(&Case) -> Result<bool, E>) -> Result<(), E> {
        let mut refuted = self.keys[i].drawn;
        let mut best = self.keys[i].value;
        while self.keys[i].drawn {
            let key = &mut self.keys[i];
            let moved = if refuted { key.tree.simplify() } else { key.tree.complicate() };
            if !moved {
                break;
            }
            key.value = key.tree.current();
            refuted = key.value == best || still(self)?;
            if refuted {
                best = self.keys[i].value;
            }
        }
        self.keys[i].value = best;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::property::parse;

    fn property() -> Property {
        let text = "properties: [{ name: p, says: x, claim: idle_pods == 0, holds: always, draw: { servers.s.replicas: 1..100, \
                    servers.s.concurrency: 1..100, clients.c.replicas: '1,2,3' }, scenario: { servers: [{ name: s, replicas: 1 }], \
                    clients: [{ name: c, load: { closed: { concurrency: 200, requests: 1000 } } }] } }]";
        parse("p", text, None).unwrap().remove(0)
    }

    #[test]
    fn cases_are_their_numbers() {
        let p = property();
        let of = |seed, number| Case::new(&p, seed, number).drawn();
        assert_eq!(of(1, 0), [None, None, None]);
        assert_eq!(of(1, 7), of(1, 7));
        assert!(of(1, 7) != of(1, 8) && of(1, 7) != of(2, 7));
        let drawn: Vec<_> = (1..1000).map(|i| of(1, i)).collect();
        let first: Vec<u32> = drawn.iter().filter_map(|d| d[0]).collect();
        assert!((750..850).contains(&first.len()), "{}", first.len());
        assert_eq!((first.iter().min(), first.iter().max()), (Some(&0), Some(&99)));
    }

    #[test]
    fn a_case_shrinks_to_what_matters() {
        let p = property();
        let refuted = |d: &[Option<u32>]| Ok::<_, ()>(d[0].unwrap_or(0) >= 42);
        for number in 1..200 {
            let mut case = Case::new(&p, 3, number);
            if refuted(&case.drawn()) == Ok(true) {
                case.shrink(100, refuted).unwrap();
                assert_eq!(case.drawn(), [Some(42), None, None], "{number}");
            }
        }
    }

    #[test]
    fn shrinking_ends() {
        let p = property();
        let mut case = Case::new(&p, 3, 1);
        let before = case.drawn();
        assert_eq!(
            case.shrink(5, |_| Ok::<_, ()>(false)),
            Ok(before.iter().flatten().count().max(1) as u32 * 2 + 1).map(|n| n.min(5))
        );
        assert_eq!(case.drawn(), before);
    }
}
