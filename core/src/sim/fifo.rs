//! What takes the same time for all: it ends in the order in which it began, so that a queue does where others need a heap.

use std::collections::TryReserveError;

use super::schedule::{Rank, key, time_of};
use crate::ids::CallIx;
use crate::units::Time;

/// Calls on their way, in order of arrival: a ring, whose size is a power of two.
#[derive(Debug)]
pub(crate) struct Fifo {
    items: Vec<(u64, CallIx)>,
    /// Taken and added so far.
    taken: usize,
    added: usize,
    rank: Rank,
    /// The key of the first one: the main loop asks for it at each event.
    next_key: u64,
}

impl Fifo {
    /// An empty queue of things of this rank.
    #[must_use]
    pub(crate) fn new(rank: Rank) -> Fifo {
        Fifo { items: vec![(u64::MAX, CallIx::NONE); 64], taken: 0, added: 0, rank, next_key: u64::MAX }
    }

    /// Adds `item`, which arrives at `at`: not before those already there.
    #[inline]
    pub(crate) fn push(&mut self, at: Time, item: CallIx) {
        if self.added - self.taken == self.items.len() {
            self.grow();
        }
        let key = key(at, self.rank);
        if self.added == self.taken {
            self.next_key = key;
        }
        let place = self.added & (self.items.len() - 1);
        self.items[place] = (key, item);
        self.added += 1;
    }

    /// Makes room for `n` more items, if there is memory for it.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn try_reserve(&mut self, n: usize) -> Result<(), TryReserveError> {
        if self.added - self.taken + n <= self.items.len() {
            return Ok(());
        }
        self.items.try_reserve(self.items.len())
    }

    #[cold]
    fn grow(&mut self) {
        let n = self.items.len();
        self.items.rotate_left(self.taken & (n - 1));
        self.items.resize(2 * n, (u64::MAX, CallIx::NONE));
        (self.taken, self.added) = (0, n);
    }

    /// Takes the first item.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<CallIx> {
        if self.added == self.taken {
            return None;
        }
        let mask = self.items.len() - 1;
        let (_, item) = self.items[self.taken & mask];
        self.taken += 1;
        self.next_key = if self.added == self.taken { u64::MAX } else { self.items[self.taken & mask].0 };
        Some(item)
    }

    /// When the last of the chosen items arrives.
    #[must_use]
    pub(crate) fn last(&self, chosen: impl Fn(CallIx) -> bool) -> Option<Time> {
        let mask = self.items.len() - 1;
        let items = (self.taken..self.added).rev().map(|i| self.items[i & mask]);
        items.into_iter().find(|i| chosen(i.1)).map(|i| time_of(i.0))
    }

    /// The key of the first item in the schedule; `u64::MAX` if there is none.
    #[inline]
    #[must_use]
    pub(crate) fn next_key(&self) -> u64 {
        self.next_key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    proptest! {
        #[test]
        fn agrees_with_a_deque(pushes in prop::collection::vec(prop::option::weighted(0.6, 0u64..3), 0..600)) {
            let (mut fifo, mut plain, mut now) = (Fifo::new(Rank::Delivery), VecDeque::new(), 0);
            for (i, push) in pushes.into_iter().enumerate() {
                match push {
                    Some(later) => {
                        now += later;
                        fifo.push(Time(now), CallIx(i as u32));
                        plain.push_back((now, CallIx(i as u32)));
                    }
                    None => prop_assert_eq!(fifo.pop(), plain.pop_front().map(|(_, i)| i)),
                }
                prop_assert_eq!(fifo.next_key(), plain.front().map_or(u64::MAX, |f| key(Time(f.0), Rank::Delivery)));
            }
        }
    }
}
