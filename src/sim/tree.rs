//! A tournament over fixed slots: the earliest of many timers, each changed or cleared in place.

/// The least of `n` keys, each of which can be replaced in place. `u64::MAX` means "none". Ties go to the lowest slot.
///
/// Eight children per node: a level costs one cache line, and 4,096 slots need four levels.
#[derive(Clone, Debug)]
pub struct Tree {
    /// `levels[0]` holds the keys; each further level the minima of groups of eight, up to a single root.
    levels: Vec<Vec<u64>>,
    len: usize,
}

const FAN: usize = 8;

impl Tree {
    /// A tree of `n` empty slots.
    #[must_use]
    pub fn new(n: usize) -> Tree {
        let mut levels = vec![vec![u64::MAX; n.next_multiple_of(FAN).max(FAN)]];
        while levels[levels.len() - 1].len() > 1 {
            let groups = levels[levels.len() - 1].len() / FAN;
            let width = if groups == 1 { 1 } else { groups.next_multiple_of(FAN) };
            levels.push(vec![u64::MAX; width]);
        }
        Tree { levels, len: n }
    }

    /// Adds `n` empty slots and returns the first one's index.
    pub fn grow(&mut self, n: usize) -> usize {
        let first = self.len;
        if first + n <= self.levels[0].len() {
            self.len += n;
        } else {
            let mut bigger = Tree::new((first + n).max(2 * first));
            for (i, &key) in self.levels[0][..first].iter().enumerate() {
                if key != u64::MAX {
                    bigger.set(i, key);
                }
            }
            bigger.len = first + n;
            *self = bigger;
        }
        first
    }

    /// Replaces the key of slot `i`.
    #[inline]
    pub fn set(&mut self, i: usize, key: u64) {
        self.levels[0][i] = key;
        let mut i = i;
        for l in 1..self.levels.len() {
            i /= FAN;
            let least = least(&self.levels[l - 1], i);
            let above = &mut self.levels[l][i];
            if *above == least {
                return;
            }
            *above = least;
        }
    }

    /// The key of slot `i`.
    #[inline]
    #[must_use]
    pub fn get(&self, i: usize) -> u64 {
        self.levels[0][i]
    }

    /// The least key; `u64::MAX` if all slots are empty.
    #[inline]
    #[must_use]
    pub fn min(&self) -> u64 {
        self.levels[self.levels.len() - 1][0]
    }

    /// The slot of the least key (the lowest one if several have it).
    #[inline]
    #[must_use]
    pub fn argmin(&self) -> usize {
        let key = self.min();
        let mut i = 0;
        for level in self.levels.iter().rev().skip(1) {
            let group = &level[i * FAN..i * FAN + FAN];
            i = i * FAN + group.iter().position(|&k| k == key).unwrap_or(0);
        }
        i
    }
}

/// The least of the `group`-th eight keys of a level.
#[inline]
fn least(level: &[u64], group: usize) -> u64 {
    let k: &[u64; FAN] = level[group * FAN..].first_chunk().expect("levels are padded to groups of eight");
    (k[0].min(k[1]).min(k[2].min(k[3]))).min(k[4].min(k[5]).min(k[6].min(k[7])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a plain vector: any sequence of writes and growth gives the same least key and slot.
        #[test]
        fn agrees_with_a_vector(n in 1usize..600, ops in prop::collection::vec((any::<usize>(), 0u64..50, any::<bool>()), 1..300)) {
            let (mut tree, mut plain) = (Tree::new(n), vec![u64::MAX; n]);
            for (i, key, grow) in ops {
                if grow && key == 7 {
                    prop_assert_eq!(tree.grow(n), plain.len());
                    plain.resize(plain.len() + n, u64::MAX);
                }
                let (i, key) = (i % plain.len(), if key == 0 { u64::MAX } else { key });
                tree.set(i, key);
                plain[i] = key;
                let least = *plain.iter().min().unwrap();
                prop_assert_eq!(tree.min(), least);
                if least != u64::MAX {
                    prop_assert_eq!(Some(tree.argmin()), plain.iter().position(|&k| k == least));
                }
            }
        }
    }
}
