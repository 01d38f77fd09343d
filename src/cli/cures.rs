//! The end of `evenkeel run`: what would change the skew, or the failed calls, simulated.

use super::Terms;
use super::failure::Failure;
use super::interrupt;
use super::run::in_pool;
use super::terminal::Progress;
use crate::experiment::cures::{MOST_CURES, simulated};
use crate::lint;
use crate::metrics::cures::Cures;
use crate::metrics::outcome::Outcome;
use crate::scenario::document::Document;

/// Whether cures are simulated.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(super) struct Asked {
    /// Simulate the cures that apply, however large the run is [default: for runs of up to 5 million events]
    #[arg(long, overrides_with = "no_cures")]
    cures: bool,
    /// Do not simulate what would change the skew
    #[arg(long, overrides_with = "cures")]
    no_cures: bool,
}

/// The cures of a run, run 0 of several; `None` if nobody wants them, or if there was no traffic to speak of.
pub(super) fn cures(
    asked: Asked,
    document: &Document,
    first: &Outcome,
    terms: Terms,
) -> Result<Option<Cures>, Failure> {
    if asked.no_cures {
        return Ok(None);
    }
    let progress = Progress::new(MOST_CURES as u64, None, terms.quiet);
    let watch = |_: u64, _| interrupt::asked();
    let done = || progress.one_done();
    // What is linted was run already, so that it can be read.
    let fixes = |about| lint::cures(document, about).unwrap_or_default();
    let all = || simulated(document, first, fixes, asked.cures, (Some(&watch), &done));
    let all = in_pool(terms.threads, all)?;
    progress.finish();
    all.map_err(|error| Failure::Run(first.summary.scenario.clone(), error))
}
