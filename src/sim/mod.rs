//! The engine: a schedule, the state of the world, and handlers that turn one into the other.
//!
//! The main loop is `Engine::run` in `engine.rs`: it takes the earliest of what comes next and calls the handler named
//! after it. Handlers live in `handle/`, by area; decisions live in `policy`; everything that happens is told to an
//! [`Observer`] as an [`observation::Observation`].

#[cfg(debug_assertions)]
mod audit;
mod channels;
mod close_reason;
mod engine;
mod event;
mod fifo;
mod handle;
mod lanes;
mod load;
pub mod observation;
mod observer;
mod pings;
mod plans;
mod populate;
mod schedule;
mod slab;
mod tree;
mod world;

pub use observation::Observer;
pub use schedule::Rank;

use crate::scenario::model::Model;
use crate::units::{Span, Time};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// When: the scenario's duration, or when the last call of closed loads was done.
    pub at: Time,
    /// How many events it took.
    pub events: u64,
}

/// A run that nobody can finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimError {
    /// Time stands still.
    #[error(
        "{events} events at one instant ({at}): calls that take no time at all go round for ever; \
         give the service a time, or the network a round trip"
    )]
    Livelock {
        /// When.
        at: Time,
        /// How many events.
        events: u64,
    },
    /// Closed loads without a duration that do not come to their end.
    #[error("the closed loads are not done after {at} of simulated time; give the scenario a `duration`")]
    Endless {
        /// When it was given up.
        at: Time,
    },
    /// The caller asked to stop.
    #[error("interrupted at {at} of simulated time")]
    Interrupted {
        /// When.
        at: Time,
    },
}

/// What a run needs besides the model.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Width of the windows at whose ends the pods are sampled; `None`: no sampling.
    pub window: Option<Span>,
    /// Told now and then how far the run is; says whether to stop.
    pub watch: Option<&'a (dyn Fn(Time) -> bool + Sync)>,
}

/// Runs `model` once. The same model and seed give the same observations, always.
///
/// # Errors
/// If the run cannot finish, or was interrupted.
pub fn simulate(
    model: &Model,
    seed: u64,
    options: Options<'_>,
    observer: &mut impl Observer,
) -> Result<RunEnd, SimError> {
    engine::Engine::new(model, seed, options, observer).run()
}

/// [`simulate`] for an observer whose type is not known when this crate is built. Each observation is a call through a table;
/// whoever calls it need not compile an engine of its own (which takes longer than most runs).
///
/// # Errors
/// If the run cannot finish, or was interrupted.
pub fn simulate_dyn(
    model: &Model,
    seed: u64,
    options: Options<'_>,
    mut observer: &mut dyn Observer,
) -> Result<RunEnd, SimError> {
    simulate(model, seed, options, &mut observer)
}
