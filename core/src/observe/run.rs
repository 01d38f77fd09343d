//! A run, from a model to its outcome.

use super::recorder::{Options, Recorder};
use crate::metrics::outcome::Outcome;
use crate::model::Model;
use crate::sim::{self, RunEnd, SimError};
use crate::units::{Span, Time};

/// The first width of windows if the length of the run is not known in advance. The recorder merges windows as the run goes on.
const FINEST_WINDOW: Span = Span::from_millis(1);

/// Told now and then how far a run is, in simulated time; says whether to stop.
type Watch<'a> = Option<&'a (dyn Fn(Time) -> bool + Sync)>;

/// Runs `model` once with this seed. The same model and seed give the same outcome, always. `watch` is told now and then how far
/// the run is, in simulated time, and says whether to stop.
///
/// # Errors
/// If the run cannot finish, or `watch` stopped it.
pub fn run(model: &Model, seed: u64, options: Options<'_>, watch: Watch<'_>) -> Result<Outcome, SimError> {
    record(model, seed, options, watch, |options, recorder| sim::simulate(model, seed, options, recorder))
}

/// The same with another observer beside the recorder, which takes some time more: this copy of the engine tells them through a table.
///
/// # Errors
/// Those of [`run`].
#[cfg(feature = "simulate_dyn")]
pub fn run_beside(
    model: &Model,
    seed: u64,
    options: Options<'_>,
    beside: &mut dyn sim::Observer,
    watch: Watch<'_>,
) -> Result<Outcome, SimError> {
    let both = |options: sim::Options<'_>, recorder: &mut Recorder<'_>| {
        sim::simulate_dyn(model, seed, options, &mut (recorder, beside))
    };
    record(model, seed, options, watch, both)
}

fn record<'a>(
    model: &'a Model,
    seed: u64,
    options: Options<'a>,
    watch: Watch<'_>,
    simulate: impl FnOnce(sim::Options<'_>, &mut Recorder<'a>) -> Result<RunEnd, SimError>,
) -> Result<Outcome, SimError> {
    let window = window(model);
    let mut recorder = Recorder::new(model, seed, window, options);
    let end = simulate(sim::Options { window: Some(window), watch }, &mut recorder)?;
    let mut outcome = recorder.finish(end.at);
    outcome.engine_events = end.events;
    Ok(outcome)
}

/// The width of the first windows.
pub(super) fn window(model: &Model) -> Span {
    model.window.unwrap_or_else(|| model.duration.map_or(FINEST_WINDOW, default_window))
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
