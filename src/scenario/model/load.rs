//! What clients ask for.

use std::sync::Arc;

use crate::units::Time;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    /// Workers that each wait for the response before the next call (ghz).
    Closed {
        /// Workers over all replicas, at least 1 per replica.
        concurrency: u32,
        /// Calls over all replicas. `None`: until the run's `duration`.
        requests: Option<u64>,
    },
    /// Calls that come whatever the responses do.
    Open {
        /// How they are spaced.
        arrivals: Arrivals,
        /// Calls per second over all replicas, as a function of time.
        rate: RateCurve,
    },
}

/// How the calls of an open load are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// A Poisson process.
    Poisson,
    /// Constant spacing per replica, each replica with its own random phase.
    Constant,
}

/// A rate as a function of time: linear between its points, constant after the last. The first point is at time zero; two
/// points at one instant are a step.
#[derive(Clone, Debug, PartialEq)]
pub struct RateCurve {
    /// `(time, calls per second)`, in order of time; never empty; every rate finite and at least 0.
    pub points: Arc<[(Time, f64)]>,
}
