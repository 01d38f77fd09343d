//! What windows say of pods and connections.

use super::observation::{Periods, PodId, PodPhase};
use crate::ids::{ConnectionIx, OwnerId};
use crate::units::{Span, Time};

/// A pod as it is at the end of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodSample {
    /// Which pod. Samples are in order of `PodId`; pods that were Gone before the window began are left out.
    pub pod: PodId,
    /// Its phase at the end of the window.
    pub phase: PodPhase,
    /// True if it was Ready during the whole window.
    pub ready_throughout: bool,
    /// Established connections, not draining.
    pub connections: u32,
    /// Requests in the pod: in service or waiting.
    pub in_flight: u32,
    /// Requests waiting for a slot.
    pub queued: u32,
    /// Slot-time used in the window.
    pub busy: Span,
    /// Periods of its CPU limit, if it has one.
    pub periods: Periods,
}

/// What a connection to a server's pod did in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionSample {
    /// Which: the place that it has among those that are there at the same time.
    pub slot: ConnectionIx,
    /// Index of the client in the model, the gateways' after them.
    pub client: u32,
    /// Its channel, or its pool of HTTP/1.1 connections.
    pub owner: OwnerId,
    /// Where it was placed.
    pub pod: PodId,
    /// When it was dialled.
    pub opened: Time,
    /// How long it was READY, and not draining, in the window.
    pub ready: Span,
    /// Requests sent on it in the window, and messages of streams.
    pub sent: u64,
    /// It ended in the window.
    pub ended: bool,
}
