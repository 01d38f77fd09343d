//! Queues of calls that wait for something of the client's: a connection, a stream.

use std::collections::{TryReserveError, VecDeque};

use super::slab::{Handle, Slab};
use super::world::Call;
use crate::ids::CallIx;

/// Calls that wait, first in first out: mostly none, in up to millions of places.
#[derive(Debug, Default)]
#[expect(clippy::box_collection, reason = "few places ever have any: 8 bytes in each instead of 32")]
pub(super) struct Waiting(Option<Box<VecDeque<Handle<CallIx>>>>);

impl Waiting {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|calls| calls.is_empty())
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |calls| calls.len())
    }

    /// Adds a call. Those that end while they wait are taken out from time to time: the queue grows with the calls in progress.
    pub(super) fn push_back(&mut self, call: Handle<CallIx>, calls: &Slab<CallIx, Call>) {
        let queue = self.0.get_or_insert_default();
        queue.push_back(call);
        if queue.len() > 2 * calls.items.len() + 1024 {
            queue.retain(|&call| calls.get(call).is_some_and(|c| !c.ended));
        }
    }

    pub(super) fn try_reserve(&mut self, n: usize) -> Result<(), TryReserveError> {
        self.0.as_mut().map_or(Ok(()), |calls| calls.try_reserve(n))
    }

    pub(super) fn pop_front(&mut self) -> Option<Handle<CallIx>> {
        self.0.as_mut()?.pop_front()
    }

    /// All of them, in order; none is left.
    pub(super) fn take_all(&mut self) -> VecDeque<Handle<CallIx>> {
        self.0.take().map_or_else(VecDeque::new, |calls| *calls)
    }
}
