//! What each call reads or writes of its connection, apart from the rest: 32 bytes each, so that those of a million
//! connections stay near the processor.

use super::world::ConnectionState;
use crate::ids::{ConnectionIx, PodId, Table};

/// A connection as calls see it.
#[derive(Debug)]
#[repr(align(32))]
pub(super) struct Lane {
    pub id: u64,
    /// Requests sent on it.
    pub requests: u64,
    /// The pod that it was placed on, or `NONE`.
    pub pod: PodId,
    /// Calls on it that have not ended, and those whose end is not settled.
    streams: u32,
    /// Most of them at once; `u32::MAX` if there is no limit.
    pub streams_max: u32,
    pub state: ConnectionState,
    pub http1: bool,
    /// The pod has closed it, or is dead: its reset is on the way to the client.
    pub dead: bool,
    /// What comes on it is more than a request to be served: the pod counts requests, or they are streams.
    pub unusual: bool,
}

const _: () = assert!(size_of::<Lane>() == 32);

impl Lane {
    /// Of a connection that is being dialled.
    pub(super) fn new(id: u64, pod: PodId, streams_max: u32, http1: bool) -> Lane {
        Lane {
            id,
            requests: 0,
            pod,
            streams: 0,
            streams_max,
            state: ConnectionState::Connecting,
            http1,
            dead: false,
            unusual: false,
        }
    }
}

/// Ends of streams that are kept back.
const BATCH: usize = 64;

/// The lanes of all connections.
///
/// A call comes back long after it was sent, when its lane has left the caches. Mostly nobody waits for that, and then the
/// stream is counted off with the next `BATCH` of them: they are independent of each other, and the waits for memory overlap.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// By connection.
    items: Table<ConnectionIx, Lane>,
    /// A bit per connection: the end of a stream means nothing but a stream less. It may be unset where it need not be.
    plain: Vec<u64>,
    ended: Vec<ConnectionIx>,
}

impl Lanes {
    pub(super) fn reserve(&mut self, n: usize) {
        self.items.reserve_exact(n);
    }

    /// Puts a new connection into slot `i`: one that was used before, or the next one.
    pub(super) fn put(&mut self, i: ConnectionIx, lane: Lane) {
        match self.items.get_mut(i) {
            Some(old) => *old = lane,
            None => {
                self.items.push(lane);
            }
        }
        self.plain.resize(self.items.len().div_ceil(64), 0);
        self.set_plain(i, false);
    }

    /// Says whether somebody wants to know of the end of each stream: a call that waits, an idle timer, a pool, a drain.
    pub(super) fn set_plain(&mut self, i: ConnectionIx, plain: bool) {
        self.settle();
        let (word, bit) = (i.0 as usize / 64, 1 << (i.0 % 64));
        self.plain[word] = if plain { self.plain[word] | bit } else { self.plain[word] & !bit };
    }

    pub(super) fn is_plain(&self, i: ConnectionIx) -> bool {
        self.plain[i.0 as usize / 64] >> (i.0 % 64) & 1 == 1
    }

    /// A request is sent: false if there is no stream for it.
    #[inline]
    pub(super) fn begin_stream(&mut self, i: ConnectionIx) -> bool {
        if self.items[i].streams >= self.items[i].streams_max {
            self.settle();
        }
        let lane = &mut self.items[i];
        let free = lane.streams < lane.streams_max;
        lane.streams += u32::from(free);
        lane.requests += u64::from(free);
        free
    }

    /// A call has ended: true if there is more to do than to count.
    #[inline]
    pub(super) fn end_stream(&mut self, i: ConnectionIx) -> bool {
        if !self.is_plain(i) {
            self.items[i].streams -= 1;
            return true;
        }
        self.ended.push(i);
        if self.ended.len() >= BATCH {
            self.settle();
        }
        false
    }

    /// Counts off the streams that have ended.
    #[inline(never)]
    pub(super) fn settle(&mut self) {
        for i in self.ended.drain(..) {
            self.items[i].streams -= 1;
        }
    }

    /// Calls on a connection that have not ended.
    pub(super) fn streams(&mut self, i: ConnectionIx) -> u32 {
        self.settle();
        self.items[i].streams
    }

    /// The same, after `settle`.
    #[inline]
    pub(super) fn settled(&self, i: ConnectionIx) -> u32 {
        self.items[i].streams
    }

    /// For reading ahead.
    #[inline]
    pub(super) fn touch(&self, i: ConnectionIx) -> u32 {
        self.items.get(i).map_or(0, |lane| lane.pod.0)
    }
}

impl std::ops::Index<ConnectionIx> for Lanes {
    type Output = Lane;
    #[inline]
    fn index(&self, i: ConnectionIx) -> &Lane {
        &self.items[i]
    }
}

impl std::ops::IndexMut<ConnectionIx> for Lanes {
    #[inline]
    fn index_mut(&mut self, i: ConnectionIx) -> &mut Lane {
        &mut self.items[i]
    }
}
