//! One run, from a scenario to its outcome.

use crate::metrics::outcome::Outcome;
use crate::observe::{self, ConnectionSink, RecorderOptions};
use crate::scenario::Loaded;
use crate::sim::{Observer, SimError};
use crate::theory;
use crate::units::Time;
use crate::verdict;

/// Told how far a run is (its seed, and the simulated time), now and then, and [`Time::NEVER`] when it is done; says whether to stop.
pub type Watch<'a> = &'a (dyn Fn(u64, Time) -> bool + Sync);

/// Fails if `watch` says to stop: for what takes long before the first run, or between runs.
///
/// # Errors
/// [`SimError::Interrupted`], at the start of simulated time.
pub fn go_on(watch: Option<Watch<'_>>) -> Result<(), SimError> {
    let at = Time::ZERO;
    if watch.is_some_and(|stop| stop(0, at)) { Err(SimError::Interrupted { at }) } else { Ok(()) }
}

/// Where goes what a run tells, beside its outcome.
#[derive(Default)]
pub struct Taps<'a> {
    /// The lives of connections.
    pub connections: ConnectionSink<'a>,
    /// All else.
    pub beside: Option<&'a mut (dyn Observer + Send)>,
}

impl<'a> From<ConnectionSink<'a>> for Taps<'a> {
    fn from(connections: ConnectionSink<'a>) -> Self {
        Taps { connections, beside: None }
    }
}

/// Runs a scenario once. `whole` keeps the traces and the connections too; without it only the summary is
/// filled, but for its verdict, which is read off the traces.
///
/// # Errors
/// If the run cannot finish, or `watch` stopped it.
pub fn run(loaded: &Loaded, seed: u64, whole: bool, watch: Option<Watch<'_>>) -> Result<Outcome, SimError> {
    let connections = if whole { ConnectionSink::Keep } else { ConnectionSink::Discard };
    run_into(loaded, seed, whole, connections, watch)
}

/// The same, with taps.
///
/// # Errors
/// If the run cannot finish, or `watch` stopped it.
pub fn run_into<'a>(
    loaded: &Loaded,
    seed: u64,
    traces: bool,
    taps: impl Into<Taps<'a>>,
    watch: Option<Watch<'_>>,
) -> Result<Outcome, SimError> {
    let model = &loaded.model;
    let Taps { connections, beside } = taps.into();
    let scenario_hash = loaded.scenario_hash.clone();
    let options = RecorderOptions { scenario_hash, summary_only: !traces, connections };
    let stop = watch.map(|watch| move |at| watch(seed, at));
    let stop = stop.as_ref().map(|stop| stop as &(dyn Fn(Time) -> bool + Sync));
    let mut outcome = match beside {
        None => observe::run(model, seed, options, stop)?,
        Some(beside) => observe::run_beside(model, seed, options, beside, stop)?,
    };
    if let Some(done) = watch {
        done(seed, Time::NEVER);
    }
    outcome.summary.theory = theory::rows(model, &outcome.summary);
    outcome.summary.expectations = super::expect::evaluate(&model.expect, &outcome);
    if traces {
        verdict::conclude(model, &mut outcome);
    }
    Ok(outcome)
}
