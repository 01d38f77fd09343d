//! The sequential test of one number of pods, or of one load.

use crate::experiment::replicate::summaries_of;
use crate::experiment::run::Watch;
use crate::experiment::sequential::{Decision, Sprt};
use crate::metrics::outcome::Summary;
use crate::output::plan::{Missed, Rule, Trial, Verdict};
use crate::scenario::Loaded;
use crate::sim::SimError;

/// Runs of the first batch. Batches depend on nothing but the number of runs so far, and what a batch has beyond the decision is not
/// counted: the result is the same on any number of threads.
const BATCH: u64 = 4;

/// Runs a scenario with the seeds of the rule until they say whether it meets its expectations.
///
/// # Errors
/// If a run cannot finish, or `watch` stopped it.
pub(super) fn trial(rule: &Rule, at: f64, loaded: &Loaded, watch: Option<Watch<'_>>) -> Result<Trial, SimError> {
    let error = 1.0 - rule.confidence;
    // Without a test there is no decision; the command line has checked the numbers.
    let Some(mut test) = Sprt::new(rule.share, rule.surely, error, error) else { return Ok(refused(at)) };
    let mut counted = Counted { missed: vec![0; loaded.model.expect.len()], reconnects: 0.0, errors: 0.0 };
    let mut done = 0;
    'runs: while done < rule.max_runs {
        let next = (done + BATCH.max(done / 2)).min(rule.max_runs);
        for summary in summaries_of(loaded, rule.seed, done..next, watch)? {
            counted.add(&summary);
            if test.add(summary.expectations.iter().all(|e| e.met)) != Decision::Continue {
                break 'runs;
            }
        }
        done = next;
    }
    let runs = test.trials();
    Ok(Trial {
        at,
        verdict: match test.decision() {
            Decision::AcceptHigh => Verdict::Enough,
            Decision::AcceptLow => Verdict::NotEnough,
            Decision::Continue => Verdict::Undecided,
        },
        runs,
        met: test.successes(),
        missed: counted.missed(loaded, runs),
        reconnects_per_s: (runs > 0).then(|| counted.reconnects / runs as f64),
        error_ratio: (runs > 0).then(|| counted.errors / runs as f64),
    })
}

/// How many runs it takes to show that something is enough, if all of them meet the objectives.
pub(super) fn runs_to_show(rule: &Rule) -> Option<u64> {
    let error = 1.0 - rule.confidence;
    let mut test = Sprt::new(rule.share, rule.surely, error, error)?;
    while test.add(true) == Decision::Continue {}
    Some(test.trials())
}

/// What stands for a scenario that cannot be run.
pub(super) fn refused(at: f64) -> Trial {
    Trial {
        at,
        verdict: Verdict::Refused,
        runs: 0,
        met: 0,
        missed: Vec::new(),
        reconnects_per_s: None,
        error_ratio: None,
    }
}

struct Counted {
    /// Runs that miss each expectation.
    missed: Vec<u64>,
    /// Sums over the runs.
    reconnects: f64,
    errors: f64,
}

impl Counted {
    fn add(&mut self, summary: &Summary) {
        for (missed, expectation) in self.missed.iter_mut().zip(&summary.expectations) {
            *missed += u64::from(!expectation.met);
        }
        self.reconnects += summary.reconnects_per_s;
        self.errors += summary.error_ratio.unwrap_or(0.0);
    }

    fn missed(&self, loaded: &Loaded, of: u64) -> Vec<Missed> {
        let all = loaded.model.expect.iter().zip(&self.missed).filter(|(_, runs)| **runs > 0);
        let mut all: Vec<Missed> = all.map(|(e, runs)| Missed { slo: e.text.clone(), runs: *runs, of }).collect();
        // A stable sort: of those that are missed equally often the first one written comes first.
        all.sort_by_key(|m| std::cmp::Reverse(m.runs));
        all
    }
}
