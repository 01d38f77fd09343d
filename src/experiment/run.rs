//! One run, from a scenario to its outcome.

use crate::metrics::expect;
use crate::metrics::outcome::Outcome;
use crate::observe::{ConnectionSink, Recorder, RecorderOptions};
use crate::scenario::Loaded;
use crate::sim::{self, SimError, simulate};
use crate::theory;
use crate::units::{Span, Time};
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

/// Windows of a run whose length nobody knows before: the recorder merges them as it goes.
const FINEST_WINDOW: Span = Span::from_millis(1);

/// Runs a scenario once. `whole` keeps the traces and the connections too; without it only the summary is
/// filled, but for its verdict, which is read off the traces.
///
/// # Errors
/// If the run cannot finish, or `watch` stopped it.
pub fn run(loaded: &Loaded, seed: u64, whole: bool, watch: Option<Watch<'_>>) -> Result<Outcome, SimError> {
    let connections = if whole { ConnectionSink::Keep } else { ConnectionSink::Discard };
    run_into(loaded, seed, whole, connections, watch)
}

/// The same, with the lives of connections going where the caller wants them.
///
/// # Errors
/// If the run cannot finish, or `watch` stopped it.
pub fn run_into(
    loaded: &Loaded,
    seed: u64,
    traces: bool,
    connections: ConnectionSink<'_>,
    watch: Option<Watch<'_>>,
) -> Result<Outcome, SimError> {
    let model = &loaded.model;
    let window = model.window.unwrap_or_else(|| model.duration.map_or(FINEST_WINDOW, default_window));
    let options = RecorderOptions { scenario_hash: loaded.scenario_hash.clone(), summary_only: !traces, connections };
    let mut recorder = Recorder::new(model, seed, window, options);
    let stop = watch.map(|watch| move |at| watch(seed, at));
    let options =
        sim::Options { window: Some(window), watch: stop.as_ref().map(|stop| stop as &(dyn Fn(Time) -> bool + Sync)) };
    let end = simulate(model, seed, options, &mut recorder)?;
    if let Some(done) = watch {
        done(seed, Time::NEVER);
    }
    let mut outcome = recorder.finish(end.at);
    outcome.engine_events = end.events;
    outcome.summary.theory = theory::rows(model, &outcome.summary);
    outcome.summary.expectations = expect::evaluate(&model.expect, &outcome);
    if traces {
        verdict::conclude(model, &mut outcome);
    }
    Ok(outcome)
}

/// A three-hundredth of the run, rounded up to 1, 2 or 5 times a power of ten.
fn default_window(duration: Span) -> Span {
    let least = duration.0.div_ceil(300).max(1);
    let mut power = 1;
    loop {
        for step in [1, 2, 5] {
            if step * power >= least {
                return Span(step * power);
            }
        }
        power *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_round() {
        assert_eq!(default_window(Span::from_secs(600)), Span::from_secs(2));
        assert_eq!(default_window(Span::from_secs(300)), Span::from_secs(1));
        assert_eq!(default_window(Span::from_secs(301)), Span::from_secs(2));
        assert_eq!(default_window(Span::from_secs(3600)), Span::from_secs(20));
        assert_eq!(default_window(Span(1)), Span(1));
    }
}
