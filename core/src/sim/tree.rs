//! A tournament over fixed slots: the earliest of many timers, each changed or cleared in place.

use super::schedule::{RANK_BITS, Rank};
use crate::narrow::usize_of;

/// The least of `n` times, each of which can be replaced in place. `u64::MAX` means "none". Ties go to the lowest slot.
///
/// Eight children per node. A key is a time and, in its low bits, the child that has it, so that the least key says where
/// it is. Nodes lie in one array, the root first: the parent of node `i` has it as entry `i - 1` of all entries.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    /// The first node of the lowest level.
    first_leaf: usize,
    len: usize,
    rank: Rank,
    /// The least time as a key of the schedule: the main loop asks for it at each event.
    next_key: u64,
}

#[derive(Clone, Debug)]
struct Node {
    least: u64,
    keys: [u64; FAN],
}

const FAN_BITS: u32 = 3;
const FAN: usize = 1 << FAN_BITS;
/// The times that a key can hold; a later one is "none".
const NONE: u64 = u64::MAX >> FAN_BITS;
/// The low bits of a key.
const CHILD: u64 = FAN as u64 - 1;

const _: () = assert!(FAN_BITS == RANK_BITS, "the child's place is where schedule keys have the rank");

impl Tree {
    /// A tree of `n` empty slots, for events of this rank.
    #[must_use]
    pub(crate) fn new(n: usize, rank: Rank) -> Tree {
        let leaves = n.div_ceil(FAN).max(1);
        let (mut first_leaf, mut width) = (0, 1);
        while width < leaves {
            first_leaf += width;
            width *= FAN;
        }
        let empty = Node { least: u64::MAX, keys: [u64::MAX; FAN] };
        Tree {
            nodes: vec![empty; first_leaf + leaves],
            first_leaf,
            len: n,
            rank,
            next_key: NONE << FAN_BITS | rank as u64,
        }
    }

    /// Adds `n` empty slots and returns the first one's index.
    pub(crate) fn grow(&mut self, n: usize) -> usize {
        let first = self.len;
        if first + n > (self.nodes.len() - self.first_leaf) * FAN {
            let mut bigger = Tree::new((first + n).max(2 * first), self.rank);
            (0..first).for_each(|i| bigger.set(i, self.get(i)));
            *self = bigger;
        }
        self.len = first + n;
        first
    }

    /// Replaces the time of slot `i`.
    #[inline]
    pub(crate) fn set(&mut self, i: usize, at: u64) {
        let (mut node, mut child) = (self.first_leaf + i / FAN, i as u64 & CHILD);
        let mut key = at.min(NONE) << FAN_BITS | child;
        loop {
            let Node { least, keys } = &mut self.nodes[node];
            keys[usize_of(child)] = key;
            let before = *least;
            // Only a new least key, or the end of the old one, matters above.
            if key < before {
                *least = key;
            } else if before & CHILD == child {
                *least = least_of(keys);
            } else {
                return;
            }
            let now = *least;
            if node == 0 {
                self.next_key = now & !CHILD | self.rank as u64;
                return;
            }
            if (now ^ before) <= CHILD {
                return;
            }
            (node, child) = ((node - 1) / FAN, (node - 1) as u64 & CHILD);
            key = now & !CHILD | child;
        }
    }

    /// The time of slot `i`.
    #[inline]
    #[must_use]
    pub(crate) fn get(&self, i: usize) -> u64 {
        let at = self.nodes[self.first_leaf + i / FAN].keys[i % FAN] >> FAN_BITS;
        if at == NONE { u64::MAX } else { at }
    }

    /// The least time as a key of the schedule; above all others if all slots are empty.
    #[inline]
    #[must_use]
    pub(crate) fn next_key(&self) -> u64 {
        self.next_key
    }

    /// The slot of the least time (the lowest one if several have it).
    #[inline]
    #[must_use]
    pub(crate) fn argmin(&self) -> usize {
        let mut node = 0;
        while node < self.first_leaf {
            node = node * FAN + (self.nodes[node].least & CHILD) as usize + 1;
        }
        (node - self.first_leaf) * FAN + (self.nodes[node].least & CHILD) as usize
    }
}

#[inline]
fn least_of(k: &[u64; FAN]) -> u64 {
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
            let (mut tree, mut plain) = (Tree::new(n, Rank::World), vec![u64::MAX; n]);
            for (i, key, grow) in ops {
                if grow && key == 7 {
                    prop_assert_eq!(tree.grow(n), plain.len());
                    plain.resize(plain.len() + n, u64::MAX);
                }
                let (i, key) = (i % plain.len(), if key == 0 { u64::MAX } else { key });
                tree.set(i, key);
                plain[i] = key;
                let least = *plain.iter().min().unwrap();
                prop_assert_eq!(tree.next_key() >> 3, least.min(NONE));
                prop_assert_eq!(tree.get(i), plain[i]);
                if least != u64::MAX {
                    prop_assert_eq!(Some(tree.argmin()), plain.iter().position(|&k| k == least));
                }
            }
        }
    }
}
