//! The schedule: what happens next. Knows nothing of the domain but the rank of each kind of event.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, TryReserveError};

use crate::units::Time;

/// The tie rule. Events at one instant happen in this order, then in the order in which they were scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rank {
    /// Pods, endpoints and connections change.
    World = 0,
    /// A pod finishes a request.
    Completion = 1,
    /// A response reaches its client.
    Response = 2,
    /// A deadline, age, grace, idle timeout or back-off is over, or DNS has answered.
    Expiry = 3,
    /// A request reaches its pod.
    Delivery = 4,
    /// An application makes a call.
    Arrival = 5,
    /// The timeline and the Deployment controllers act.
    Controller = 6,
    /// A window ends.
    Sampling = 7,
}

impl Rank {
    /// True if what has this rank comes from the schedule; what each request does has queues of its own.
    #[must_use]
    pub fn is_scheduled(self) -> bool {
        !matches!(self, Rank::Completion | Rank::Response | Rank::Delivery | Rank::Arrival)
    }
}

/// Bits of a key that hold the rank.
pub(crate) const RANK_BITS: u32 = 3;

/// The latest instant that a key can hold: 2^60 ns, 36 years.
pub(crate) const LATEST: Time = Time(1 << 60);

/// An instant and a rank in one integer that sorts as the tie rule says.
#[inline]
#[must_use]
pub(crate) fn key(at: Time, rank: Rank) -> u64 {
    at.0 << RANK_BITS | rank as u64
}

/// The rank of a key.
#[inline]
#[must_use]
pub(crate) fn rank_of(key: u64) -> u64 {
    key & ((1 << RANK_BITS) - 1)
}

/// The instant of a key.
#[inline]
#[must_use]
pub(crate) fn time_of(key: u64) -> Time {
    Time(key >> RANK_BITS)
}

/// A heap of events in the order (time, rank, sequence number).
#[derive(Debug)]
pub(crate) struct Schedule<E> {
    heap: BinaryHeap<Reverse<Entry<E>>>,
    next: u64,
    /// The key of the first event: the main loop asks for it at each of its own.
    next_key: u64,
}

#[derive(Debug)]
struct Entry<E> {
    key: u64,
    sequence: u64,
    event: E,
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        (self.key, self.sequence) == (other.key, other.sequence)
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.key, self.sequence).cmp(&(other.key, other.sequence))
    }
}

impl<E> Default for Schedule<E> {
    fn default() -> Self {
        Schedule { heap: BinaryHeap::new(), next: 0, next_key: u64::MAX }
    }
}

/// A heap up to this size is not worth shrinking.
const SMALL: usize = 1 << 16;

impl<E> Schedule<E> {
    /// Makes room for `n` more events.
    pub(crate) fn reserve(&mut self, n: usize) {
        self.heap.reserve_exact(n);
    }

    /// Adds an event. What is later than `LATEST` never happens.
    pub(crate) fn at(&mut self, at: Time, rank: Rank, event: E) {
        if at <= LATEST {
            let key = key(at, rank);
            self.heap.push(Reverse(Entry { key, sequence: self.next, event }));
            self.next += 1;
            self.next_key = self.next_key.min(key);
        }
    }

    /// The same, if there is memory for it.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn try_reserve(&mut self, n: usize) -> Result<(), TryReserveError> {
        self.heap.try_reserve(n)
    }

    /// How many events are to come.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    /// The key of the next event; `u64::MAX` if there is none.
    #[inline]
    #[must_use]
    pub(crate) fn next_key(&self) -> u64 {
        self.next_key
    }

    /// Takes the next event.
    pub(crate) fn pop(&mut self) -> Option<E> {
        let Reverse(first) = self.heap.pop()?;
        // The start of a million replicas needs room that the rest of the run does not.
        if self.heap.capacity() > 4 * self.heap.len() + SMALL {
            self.heap.shrink_to(2 * self.heap.len());
        }
        self.next_key = self.heap.peek().map_or(u64::MAX, |Reverse(e)| e.key);
        Some(first.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_by_rank_then_by_order_of_scheduling() {
        let mut s = Schedule::default();
        let ranks = [
            Rank::Sampling,
            Rank::Controller,
            Rank::Arrival,
            Rank::Delivery,
            Rank::Expiry,
            Rank::Response,
            Rank::Completion,
            Rank::World,
        ];
        for (i, rank) in ranks.into_iter().enumerate() {
            s.at(Time(5), rank, (5, rank as usize, 0));
            s.at(Time(5), rank, (5, rank as usize, 1));
            s.at(Time(10 - i as u64 / 8), rank, (10, rank as usize, 0));
        }
        let mut order = Vec::new();
        while let Some(e) = s.pop() {
            order.push(e);
        }
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(order, sorted);
        assert_eq!(order.len(), 24);
    }

    #[test]
    fn what_is_later_than_the_end_of_time_never_happens() {
        let mut s = Schedule::default();
        s.at(Time::NEVER, Rank::World, ());
        assert_eq!(s.next_key(), u64::MAX);
    }
}
