//! A run, from a model to its outcome.

use super::recorder::{Options, Recorder};
use crate::metrics::outcome::Outcome;
use crate::model::Model;
use crate::sim::{self, SimError};
use crate::units::{Span, Time};

/// The first width of windows if the length of the run is not known in advance. The recorder merges windows as the run goes on.
const FINEST_WINDOW: Span = Span::from_millis(1);

/// Runs `model` once with this seed. The same model and seed give the same outcome, always. `watch` is told now and then how far
/// the run is, in simulated time, and says whether to stop.
///
/// # Errors
/// If the run cannot finish, or `watch` stopped it.
pub fn run(
    model: &Model,
    seed: u64,
    options: Options<'_>,
    watch: Option<&(dyn Fn(Time) -> bool + Sync)>,
) -> Result<Outcome, SimError> {
    let window = model.window.unwrap_or_else(|| model.duration.map_or(FINEST_WINDOW, default_window));
    let mut recorder = Recorder::new(model, seed, window, options);
    let end = sim::simulate(model, seed, sim::Options { window: Some(window), watch }, &mut recorder)?;
    let mut outcome = recorder.finish(end.at);
    outcome.engine_events = end.events;
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
