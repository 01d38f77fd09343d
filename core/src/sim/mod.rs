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
mod failure_reason;
mod fifo;
mod handle;
mod lanes;
mod load;
mod lookout;
pub mod observation;
mod observer;
mod pings;
mod plans;
mod populate;
mod samples;
mod schedule;
mod slab;
mod tree;
mod waiting;
mod world;

pub use lookout::EACH as EVENTS_BETWEEN_LOOKS;
pub use observation::Observer;
pub use schedule::Rank;

use crate::model::Model;
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
        "{events} events at one instant ({at}): calls that take no time repeat for ever; \
         give the servers a `service_time`, or the cluster an `rtt`, above 0"
    )]
    Livelock {
        /// When.
        at: Time,
        /// How many events.
        events: u64,
    },
    /// Closed loads without a duration that do not come to their end.
    #[error(
        "not done after {at} of simulated time: {ended} of {of} calls have ended, and {waiting} wait for an answer; \
         give the scenario a `duration`, or its clients a `deadline`"
    )]
    Endless {
        /// When it was given up.
        at: Time,
        /// Calls of closed loads that have ended.
        ended: u64,
        /// Calls that the closed loads are to make.
        of: u64,
        /// Calls that were made and have not ended.
        waiting: u64,
    },
    /// More calls at once than the scenario allows.
    #[error(
        "more than {most} calls are in flight at {at} of simulated time: they come faster than they are answered; give the \
         clients a `deadline`, the servers a `queue_limit`, or the scenario a higher `max_calls_in_flight` (some 200 bytes each)"
    )]
    TooManyCalls {
        /// When.
        at: Time,
        /// The scenario's `max_calls_in_flight`.
        most: u32,
    },
    /// Something else than calls that would not fit into memory.
    #[error("there are more than {most} {what} at {at} of simulated time, which is more than a run may have; {}", what.cure())]
    TooMuch {
        /// When.
        at: Time,
        /// What there is too much of.
        what: TooMuch,
        /// The most that a run may have.
        most: u64,
    },
    /// The operating system gives no more memory.
    #[error(
        "out of memory at {at} of simulated time, with {calls} calls in flight; give evenkeel more memory, or the scenario a lower \
         `max_calls_in_flight`, fewer connections or less load"
    )]
    OutOfMemory {
        /// When.
        at: Time,
        /// Calls in flight.
        calls: u64,
    },
    /// The caller asked to stop.
    #[error("interrupted at {at} of simulated time")]
    Interrupted {
        /// When.
        at: Time,
    },
}

/// What grows in a run, and may not grow for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooMuch {
    /// Connections that are open or being dialled.
    Connections,
    /// What is still to happen.
    Events,
    /// Pods, those that are gone among them.
    Pods,
    /// Rows of windows and pods.
    Rows,
}

impl TooMuch {
    /// What makes less of it.
    #[must_use]
    pub fn cure(self) -> &'static str {
        match self {
            TooMuch::Connections => {
                "set `max_connections` of an http1 client's pool, fewer `replicas` or fewer `channels`"
            }
            TooMuch::Events => "set shorter deadlines, less load or fewer replicas",
            TooMuch::Pods => "set fewer rollouts, deletions or scalings, or fewer `replicas`",
            TooMuch::Rows => "set a longer `window`, or a `duration`",
        }
    }
}

impl std::fmt::Display for TooMuch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            TooMuch::Connections => "connections",
            TooMuch::Events => "scheduled events",
            TooMuch::Pods => "pods",
            TooMuch::Rows => "rows of windows and pods",
        })
    }
}

/// Where neither `window` nor `duration` is given, windows widen: when there are this many, each ten become one, and those to come
/// are as wide.
pub const WIDENS_AT: usize = 3_000;
/// How much wider they become each time.
pub const WIDENS_BY: usize = 10;

/// What a run needs besides the model.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Width of the windows at whose ends the pods are sampled, at first if they widen ([`WIDENS_AT`]); `None`: no sampling.
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
#[cfg(feature = "simulate_dyn")]
pub fn simulate_dyn(
    model: &Model,
    seed: u64,
    options: Options<'_>,
    mut observer: &mut dyn Observer,
) -> Result<RunEnd, SimError> {
    simulate(model, seed, options, &mut observer)
}
