//! What would change the skew of a run: the cures that apply to its scenario, each simulated over the same seed and load.

mod choice;
mod list;

pub use list::{Cure, cures, even_load};

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::run::{Watch, go_on, run};
use crate::metrics::cures::{Cures, EVEN, Row, words};
use crate::metrics::outcome::{Outcome, Summary};
use crate::scenario::Loaded;
use crate::scenario::document::Document;
use crate::scenario::model::{Load, Model};
use crate::sim::{EVENTS_BETWEEN_LOOKS, SimError};
use choice::{Facts, candidates};

/// Cures of a run of at most so many events of the engine are simulated unasked: together they take about a second on two cores.
pub const MOST_EVENTS: u64 = 5_000_000;
/// A cure is given up after so many times the events of the run (of [`MOST_EVENTS`], if those are more): a closed load may call more often
/// for it.
const MOST_TIMES: u64 = 4;
/// No more cures than this are simulated.
pub const MOST_CURES: usize = 5;

/// The cures of a run, simulated with its seed on all threads of the current pool. `first` is the run of what `document` means; `fixes` are
/// cures for its own mistakes, which come before the usual ones; `forced`: however many events it had; `done` is told of each cure that is
/// simulated. `None`: there was too little traffic for any skew.
///
/// # Errors
/// If `watch` stopped a run. A run that cannot finish is a row that says so.
pub fn simulated(
    document: &Document,
    first: &Outcome,
    fixes: impl FnOnce() -> Vec<Cure>,
    forced: bool,
    (watch, done): (Option<Watch<'_>>, &(dyn Fn() + Sync)),
) -> Result<Option<Cures>, SimError> {
    let Some(max_over_mean) = first.summary.skew.headline.max_over_mean else { return Ok(None) };
    let none = |words: String| Ok(Some(Cures { rows: Vec::new(), words }));
    if max_over_mean <= EVEN {
        return none(format!("max_over_mean is {max_over_mean:.2}: the load is even, and no cure was simulated."));
    }
    if first.engine_events > MOST_EVENTS && !forced {
        return none(format!(
            "No cure was simulated: the run took {} million events, and unasked they are simulated up to {} million; --cures asks for it.",
            first.engine_events.div_ceil(1_000_000),
            MOST_EVENTS / 1_000_000
        ));
    }
    let Ok(as_it_is) = document.load(&[]) else { return Ok(None) };
    let cures = chosen(document, &as_it_is, first, fixes(), watch)?;
    let one = |(cure, loaded): (Cure, Loaded)| {
        let row = row(cure, &loaded, first, watch);
        done();
        row
    };
    let cured: Vec<Row> = cures.into_par_iter().map(one).collect::<Result<Vec<Row>, SimError>>()?;
    let own = made_by_answers(&as_it_is.model);
    let same = |row: &Row| own || row.figures.as_ref().is_none_or(|f| f.same_calls);
    let rows: Vec<Row> = std::iter::once(Row::as_it_is(&first.summary)).chain(cured.into_iter().filter(same)).collect();
    match words(&rows) {
        Some(words) => Ok(Some(Cures { rows, words })),
        None => none("No cure that evenkeel knows applies to this scenario.".to_owned()),
    }
}

/// The first cures that the reader accepts and that are neither the scenario as it is nor one another.
fn chosen(
    document: &Document,
    as_it_is: &Loaded,
    first: &Outcome,
    fixes: Vec<Cure>,
    watch: Option<Watch<'_>>,
) -> Result<Vec<(Cure, Loaded)>, SimError> {
    let mut chosen: Vec<(Cure, Loaded)> = Vec::new();
    for cure in candidates(&Facts::of(&as_it_is.model, first.end_s), fixes) {
        go_on(watch)?;
        if chosen.len() == MOST_CURES {
            break;
        }
        let Ok(loaded) = document.load(&cure.sets) else { continue };
        let known = chosen.iter().map(|(_, known)| known).chain([as_it_is]);
        if known.into_iter().all(|known| known.scenario_hash != loaded.scenario_hash) {
            chosen.push((cure, loaded));
        }
    }
    Ok(chosen)
}

fn row(cure: Cure, loaded: &Loaded, first: &Outcome, watch: Option<Watch<'_>>) -> Result<Row, SimError> {
    let Cure { name, sets } = cure;
    let most = MOST_TIMES * first.engine_events.max(MOST_EVENTS);
    match within(most, loaded, first.summary.seed, watch) {
        Ok(summary) => Ok(Row::cured(name, sets, &summary, &first.summary)),
        Err(Ended::Failed(error @ SimError::Interrupted { .. })) => Err(error),
        Err(Ended::Failed(error)) => {
            Ok(Row { name, sets, figures: None, effect: None, failure: error.to_string() })
        }
        Err(Ended::TooLong) => {
            let failure = format!("it was given up after {} million events", most / 1_000_000);
            Ok(Row { name, sets, figures: None, effect: None, failure })
        }
    }
}

/// Why a run has no summary.
enum Ended {
    Failed(SimError),
    TooLong,
}

/// A run of at most so many events. The engine asks whether to stop after fixed numbers of events, so that the same run is given up
/// at the same event each time.
fn within(most: u64, loaded: &Loaded, seed: u64, watch: Option<Watch<'_>>) -> Result<Summary, Ended> {
    let looks = AtomicU64::new(0);
    let too_long = || looks.load(Ordering::Relaxed) > most / EVENTS_BETWEEN_LOOKS;
    let counts = |seed, at| {
        looks.fetch_add(1, Ordering::Relaxed);
        watch.is_some_and(|stop| stop(seed, at)) || too_long()
    };
    match run(loaded, seed, false, Some(&counts)) {
        Ok(outcome) => Ok(outcome.summary),
        Err(SimError::Interrupted { .. }) if too_long() => match go_on(watch) {
            Ok(()) => Err(Ended::TooLong),
            Err(stopped) => Err(Ended::Failed(stopped)),
        },
        Err(error) => Err(Ended::Failed(error)),
    }
}

/// True if what clients ask for depends on how they are answered: a cure makes other calls then, of the same load.
fn made_by_answers(model: &Model) -> bool {
    model.clients.iter().any(|c| matches!(c.load, Load::Closed { .. } | Load::Streams(_)))
}
