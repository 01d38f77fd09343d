//! Several runs of one scenario: run `i` has seed + i, whatever the number of threads.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use super::run::{Taps, Watch, run, run_into};
use crate::metrics::estimate;
use crate::metrics::figures::{figures, is_quantile, range};
use crate::metrics::outcome::{Estimate, Outcome, Summary};
use crate::scenario::Loaded;
use crate::sim::SimError;

/// How many bytes the summaries of runs may take together.
const MAX_BYTES: u64 = 1_500_000_000;

/// The most runs whose summaries fit into memory together (1.5 GB: some 4 KB for each run, and 600 bytes for each of its pods).
#[must_use]
pub fn most_runs(loaded: &Loaded) -> u64 {
    let pods: u64 = loaded.model.deployments().map(|d| u64::from(d.replicas)).sum();
    MAX_BYTES / (4_000 + 600 * pods)
}

/// Several runs of one scenario.
pub struct Replicates {
    /// Run 0, with its traces. With more than one run, its summary has the estimates over all of them.
    pub first: Outcome,
    /// The summaries of all runs, from run 0.
    pub summaries: Vec<Summary>,
}

/// Runs a scenario with the seeds `seed`, `seed + 1`, … on all threads of the current pool; the taps are those of
/// run 0.
///
/// # Errors
/// If a run cannot finish, or `watch` stopped it.
pub fn replicate<'a>(
    loaded: &Loaded,
    seed: u64,
    runs: u64,
    taps: impl Into<Taps<'a>>,
    watch: Option<Watch<'_>>,
) -> Result<Replicates, SimError> {
    let taps = taps.into();
    let (first, others) =
        rayon::join(|| run_into(loaded, seed, true, taps, watch), || summaries_of(loaded, seed, 1..runs, watch));
    let first: Outcome = first?;
    let summaries = vec![first.summary.clone()];
    let mut all = Replicates { first, summaries };
    all.add(others?);
    Ok(all)
}

impl Replicates {
    /// Adds runs up to this many; none if there are as many already.
    ///
    /// # Errors
    /// If a run cannot finish, or `watch` stopped it; nothing is added then.
    pub fn extend(&mut self, loaded: &Loaded, runs: u64, watch: Option<Watch<'_>>) -> Result<(), SimError> {
        let there = self.summaries.len() as u64;
        self.add(summaries_of(loaded, self.first.summary.seed, there..runs, watch)?);
        Ok(())
    }

    fn add(&mut self, summaries: Vec<Summary>) {
        self.summaries.extend(summaries);
        if self.summaries.len() > 1 {
            self.first.summary.runs = Some(estimates(&self.summaries));
        }
    }
}

/// The summaries of these runs, on all threads of the current pool.
pub(super) fn summaries_of(
    loaded: &Loaded,
    seed: u64,
    runs: Range<u64>,
    watch: Option<Watch<'_>>,
) -> Result<Vec<Summary>, SimError> {
    let one = |i| run(loaded, seed.wrapping_add(i), false, watch).map(|outcome| outcome.summary);
    runs.into_par_iter().map(one).collect()
}

/// Each figure over the runs that have a value of it, by its path in the summary.
pub(super) fn estimates(summaries: &[Summary]) -> BTreeMap<String, Estimate> {
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for summary in summaries {
        for figure in figures(summary) {
            values.entry(figure.path).or_default().extend(figure.value);
        }
    }
    values
        .into_iter()
        .filter_map(|(path, values)| {
            let estimate = estimate_of(&path, &values)?;
            Some((path, estimate))
        })
        .collect()
}

/// The mean of a figure with its confidence interval, which ends where the figure does, and of a quantile its median and range; of a
/// single value, the value, with `n` 1 and an interval that says nothing.
pub(super) fn estimate_of(path: &str, values: &[f64]) -> Option<Estimate> {
    let (least, most) = range(path);
    match values {
        [value] => Some(Estimate { mean: *value, lo: *value, hi: *value, n: 1, spread: None }),
        values => estimate::mean(values).map(|e| {
            let spread = if is_quantile(path) { estimate::spread(values) } else { None };
            Estimate { lo: e.lo.max(least), hi: e.hi.min(most), spread, ..e }
        }),
    }
}
