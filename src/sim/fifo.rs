//! What takes the same time for all: it ends in the order in which it began, so that a queue does where others need a heap.

use std::collections::VecDeque;

use super::schedule::{Rank, key};
use crate::units::Time;

/// Calls on their way, in order of arrival.
#[derive(Debug)]
pub struct Fifo {
    items: VecDeque<(Time, u32)>,
    rank: Rank,
    /// The key of the first one: the main loop asks for it at each event.
    next_key: u64,
}

impl Fifo {
    /// An empty queue of things of this rank.
    #[must_use]
    pub fn new(rank: Rank) -> Fifo {
        Fifo { items: VecDeque::new(), rank, next_key: u64::MAX }
    }

    /// Adds `item`, which arrives at `at`: not before those already there.
    #[inline]
    pub fn push(&mut self, at: Time, item: u32) {
        debug_assert!(self.items.back().is_none_or(|last| last.0 <= at), "first in, first out");
        if self.items.is_empty() {
            self.next_key = key(at, self.rank);
        }
        self.items.push_back((at, item));
    }

    /// Takes the first item.
    #[inline]
    pub fn pop(&mut self) -> Option<u32> {
        let (_, item) = self.items.pop_front()?;
        self.next_key = self.items.front().map_or(u64::MAX, |next| key(next.0, self.rank));
        Some(item)
    }

    /// The key of the first item in the schedule; `u64::MAX` if there is none.
    #[inline]
    #[must_use]
    pub fn next_key(&self) -> u64 {
        self.next_key
    }
}
