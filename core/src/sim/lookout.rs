//! What the main loop looks at now and then, and not at each event: whether to stop, whether the run gets anywhere, and whether it
//! still fits into memory. All but the first is a function of the run alone, so that the same run ends in the same way each time.

use std::collections::TryReserveError;

use super::engine::Engine;
use super::observation::Observer;
use super::{SimError, TooMuch};
use crate::narrow::usize_of;
use crate::units::Time;

/// Events between two looks: some tenths of a millisecond.
pub const EACH: u64 = 1 << 12;
/// More events than this at one instant are a livelock.
const MOST_EVENTS_AT_ONE_INSTANT: u64 = 100_000_000;
/// So much work without the end of a call, in a run that ends with its calls, and it is given up: some seconds.
const MOST_WORK_FOR_A_CALL: u64 = 20_000_000;
/// The same for each channel: those may all have something to do before the first call ends.
const MORE_FOR_A_CHANNEL: u64 = 20;

/// Connections at one time: some 200 bytes each.
const MOST_CONNECTIONS: u64 = 10_000_000;
/// What is scheduled at one time, 48 bytes each: so much, and more for each channel.
const MOST_SCHEDULED: u64 = 20_000_000;
const MORE_SCHEDULED: u64 = 4;
/// Pods in a run, those that are gone among them: some 6 KB each, mostly for latencies.
const MOST_PODS: u64 = 200_000;
/// Rows of `pods.csv` where their number is not known before: some 300 bytes each.
const MOST_ROWS: u64 = 5_000_000;

/// From this many calls or connections on, memory for more is asked for before it is needed.
const MANY: usize = 1 << 20;

/// What was seen at the last look.
#[derive(Debug, Default)]
pub(super) struct Lookout {
    /// The number of the event at which to look again.
    pub next: u64,
    instant: Time,
    /// Events before it.
    before_instant: u64,
    /// Calls of closed loads that had not ended.
    unfinished: u64,
    /// Work done when the last of them was seen to end.
    work_then: u64,
    ended_at: Time,
    /// Work beyond one piece per event: addresses that were copied.
    pub extra_work: u64,
    /// Rows of windows that are kept to the end.
    pub rows: u64,
}

impl<O: Observer> Engine<'_, O> {
    /// Looks whether to go on.
    #[inline(never)]
    pub(super) fn look(&mut self) -> Result<(), SimError> {
        self.lookout.next = self.events + EACH;
        let at = self.now;
        if self.options.watch.is_some_and(|stop| stop(at)) {
            return Err(SimError::Interrupted { at });
        }
        let seen = &mut self.lookout;
        if at > seen.instant {
            (seen.instant, seen.before_instant) = (at, self.events);
        } else if self.events - seen.before_instant > MOST_EVENTS_AT_ONE_INSTANT {
            return Err(SimError::Livelock { at, events: self.events - seen.before_instant });
        }
        if self.model.duration.is_none() {
            self.look_for_progress()?;
        }
        self.look_at_sizes()?;
        self.make_room().map_err(|_| SimError::OutOfMemory { at, calls: self.calls.len() as u64 })
    }

    /// A run that ends with its calls may wait for ever for the next one to end, and have something to do all the time: polls,
    /// pings, attempts to connect.
    fn look_for_progress(&mut self) -> Result<(), SimError> {
        let work = self.events + self.lookout.extra_work;
        let seen = &mut self.lookout;
        if seen.unfinished != self.unfinished_closed {
            (seen.unfinished, seen.work_then, seen.ended_at) = (self.unfinished_closed, work, self.now);
        }
        let most = MOST_WORK_FOR_A_CALL + MORE_FOR_A_CHANNEL * self.channels.len() as u64;
        if work - seen.work_then > most { Err(self.endless(self.now)) } else { Ok(()) }
    }

    /// The run is given up at `at`.
    pub(super) fn endless(&self, at: Time) -> SimError {
        let of: u64 = self.model.clients.iter().filter_map(|c| c.load.requests()).sum();
        let made: u64 = self.closed.iter().map(|load| load.made).sum();
        let ended = of - self.unfinished_closed.min(of);
        SimError::Endless { at, ended, of, waiting: made.saturating_sub(ended) }
    }

    /// Asks for the memory of the next events where there are many calls or connections: what is refused here can be said, and what is
    /// refused in the middle of an event ends the process.
    fn make_room(&mut self) -> Result<(), TryReserveError> {
        const ROOM: usize = usize_of(2 * EACH);
        if self.calls.items.len().max(self.connections.items.len()) < MANY {
            return Ok(());
        }
        self.calls.items.try_reserve(ROOM)?;
        self.connections.items.try_reserve(ROOM)?;
        self.schedule.try_reserve(ROOM)?;
        self.deliveries.try_reserve(ROOM)?;
        self.responses.try_reserve(ROOM)?;
        self.deadline_queues.iter_mut().try_for_each(|queue| queue.try_reserve(ROOM))?;
        // Of many pods or channels no single one has a long queue.
        let pods = self.pods.iter_mut().take(MANY >> 10);
        pods.filter(|pod| pod.queue.len() > MANY >> 10).try_for_each(|pod| pod.queue.try_reserve(ROOM))?;
        let channels = self.channels.iter_mut().take(MANY >> 10);
        channels.filter(|c| c.waiting.len() > MANY >> 10).try_for_each(|c| c.waiting.try_reserve(ROOM))
    }

    fn look_at_sizes(&self) -> Result<(), SimError> {
        let at = self.now;
        let calls = self.calls.len() as u64;
        if calls > u64::from(self.model.max_calls_in_flight) {
            return Err(SimError::TooManyCalls { at, most: self.model.max_calls_in_flight });
        }
        let channels = self.channels.len() as u64;
        let sizes = [
            (TooMuch::Connections, self.connections.len() as u64, MOST_CONNECTIONS),
            (TooMuch::Events, self.schedule.len() as u64, MOST_SCHEDULED + MORE_SCHEDULED * channels),
            (TooMuch::Pods, self.pods.len() as u64, MOST_PODS),
            (TooMuch::Rows, self.lookout.rows, MOST_ROWS),
        ];
        match sizes.into_iter().find(|(_, n, most)| n > most) {
            Some((what, _, most)) => Err(SimError::TooMuch { at, what, most }),
            None => Ok(()),
        }
    }
}
