//! What is recorded of a pod.

use crate::sim::observation::PodPhase;
use crate::units::{Span, Time};

use super::histogram::Tally;

/// What changes with each request. Arrays of two are indexed by `measured`: 0 for the warmup, 1 after it.
#[derive(Clone, Debug, Default)]
pub(super) struct PodCounts {
    /// Requests received, by when they were.
    pub received: [u64; 2],
    /// Calls that failed here.
    pub errors: u64,
}

impl PodCounts {
    pub(super) fn received_in_all(&self) -> u64 {
        self.received[0] + self.received[1]
    }
}

/// The rest.
#[derive(Clone, Debug)]
pub(super) struct PodInfo {
    pub name: String,
    pub server: u32,
    /// Of a gateway.
    pub gateway: bool,
    /// Its index among the pods of gateways, or among those of servers.
    pub row: u32,
    pub created: Time,
    pub phase: PodPhase,
    pub first_ready: Option<Time>,
    pub gone: Option<Time>,
    pub opened: u64,
    /// Messages of streams received, in the warmup and after it.
    pub messages: [u64; 2],
    /// At the end of the last window.
    pub connections: u32,
    /// When it last became Ready and what it had received after the warmup by then, while it is Ready.
    ready_since: Option<(Time, u64)>,
    /// How long it was Ready after the warmup.
    pub ready: Span,
    /// What it received meanwhile.
    pub received_ready: u64,
    /// What it had received, and failed, at the end of the last window.
    pub seen: (u64, u64),
    /// Messages of streams in the window that goes on.
    pub messages_now: u64,
    /// Latency of the measured calls answered in the windows so far.
    pub latency: Tally,
}

impl PodInfo {
    pub(super) fn new(name: String, server: u32, (gateway, row): (bool, u32), created: Time) -> PodInfo {
        PodInfo {
            name,
            server,
            gateway,
            row,
            created,
            phase: PodPhase::Starting,
            first_ready: None,
            gone: None,
            opened: 0,
            messages: [0; 2],
            connections: 0,
            ready_since: None,
            ready: Span::ZERO,
            received_ready: 0,
            seen: (0, 0),
            messages_now: 0,
            latency: Tally::default(),
        }
    }

    /// Enters a phase; `received` is what the pod has received after the warmup. True if it became Ready or ceased to be.
    pub(super) fn enter(&mut self, at: Time, phase: PodPhase, warmup: Time, received: u64) -> bool {
        let was_ready = self.phase == PodPhase::Ready;
        let is_ready = phase == PodPhase::Ready;
        self.phase = phase;
        if phase == PodPhase::Gone {
            self.gone = Some(at);
        }
        if is_ready && !was_ready {
            self.first_ready.get_or_insert(at);
            self.ready_since = Some((at, received));
        } else if was_ready && !is_ready {
            self.leave_ready(at, warmup, received);
        }
        was_ready != is_ready
    }

    /// Counts the time of being Ready up to `at`: at its end, and at the end of the run.
    pub(super) fn leave_ready(&mut self, at: Time, warmup: Time, received: u64) {
        if let Some((since, before)) = self.ready_since.take() {
            self.ready = self.ready + at.since(since.max(warmup));
            self.received_ready += received - before;
        }
    }
}
