//! The runs of one number of pods, or of one load, and what they say.

use rayon::prelude::*;

use super::count::Count;
use crate::experiment::plan::{Missed, Rule, Trial, Verdict};
use crate::experiment::run::{Watch, run};
use crate::experiment::sequential::{Decision, Sprt};
use crate::metrics::outcome::Summary;
use crate::scenario::Loaded;
use crate::sim::SimError;

/// What all runs of a plan share.
pub(super) struct Bench<'a> {
    pub rule: Rule,
    pub watch: Option<Watch<'a>>,
    pub count: &'a Count<'a>,
}

/// What is kept of a run.
struct Glance {
    /// By expectation.
    missed: Vec<bool>,
    reconnects_per_s: f64,
    error_ratio: f64,
}

impl Glance {
    fn of(summary: &Summary) -> Glance {
        Glance {
            missed: summary.expectations.iter().map(|e| !e.met).collect(),
            reconnects_per_s: summary.reconnects_per_s,
            error_ratio: summary.error_ratio.unwrap_or(0.0),
        }
    }
}

/// Runs of one scenario, with the seeds of the rule in their order; more are added when a question asks for them.
pub(super) struct Evidence {
    /// Pods, or the factor of the load.
    at: f64,
    /// `None` if the reader refuses it.
    loaded: Option<Loaded>,
    runs: Vec<Glance>,
}

impl Evidence {
    pub(super) fn new(at: f64, loaded: Option<Loaded>) -> Evidence {
        Evidence { at, loaded, runs: Vec::new() }
    }

    /// Adds runs until the test of the rule decides, or until there are `most`.
    ///
    /// How many a batch has depends on nothing but the runs so far, and what a batch has beyond the decision is not counted: the result is the
    /// same on any number of threads.
    ///
    /// # Errors
    /// If a run cannot finish, or it was stopped.
    pub(super) fn decide(&mut self, bench: &Bench<'_>, most: u64) -> Result<Decision, SimError> {
        let Some(loaded) = &self.loaded else { return Ok(Decision::AcceptLow) };
        // Without a test there is no decision; the command line has checked the numbers.
        let Some(fresh) = test_of(&bench.rule) else { return Ok(Decision::AcceptLow) };
        let fewest = runs_until(&fresh, false);
        loop {
            let test = tested(fresh.clone(), &self.runs);
            let done = self.runs.len() as u64;
            if test.decision() != Decision::Continue || done >= most {
                return Ok(test.decision());
            }
            // No more than would be needed if all of them met the objectives.
            let batch = fewest.max(done / 2).min(runs_until(&test, true)).min(most - done);
            let one = |i: u64| {
                let summary = run(loaded, bench.rule.seed.wrapping_add(i), false, bench.watch)?.summary;
                bench.count.run();
                Ok(Glance::of(&summary))
            };
            let more: Result<Vec<Glance>, SimError> = (done..done + batch).into_par_iter().map(one).collect();
            self.runs.extend(more?);
        }
    }

    /// What the runs say.
    pub(super) fn trial(&self, rule: &Rule) -> Trial {
        let test = test_of(rule).map(|fresh| tested(fresh, &self.runs));
        let runs = test.as_ref().map_or(0, Sprt::trials);
        let counted = self.runs.get(..runs as usize).unwrap_or_default();
        let mean = |of: fn(&Glance) -> f64| (runs > 0).then(|| counted.iter().map(of).sum::<f64>() / runs as f64);
        let verdict = match test.as_ref().map(Sprt::decision) {
            _ if self.loaded.is_none() => Verdict::Refused,
            Some(Decision::AcceptHigh) => Verdict::Enough,
            Some(Decision::AcceptLow) => Verdict::NotEnough,
            _ if runs < rule.max_runs => Verdict::Probed,
            _ => Verdict::Undecided,
        };
        Trial {
            at: self.at,
            verdict,
            runs,
            met: test.as_ref().map_or(0, Sprt::successes),
            missed: self.missed(counted),
            reconnects_per_s: mean(|run| run.reconnects_per_s),
            error_ratio: mean(|run| run.error_ratio),
        }
    }

    /// True if some objective is missed in all runs, here and there, and there are some.
    pub(super) fn always_misses_what(&self, other: &Evidence) -> bool {
        let all = |runs: &[Glance], i: usize| runs.iter().all(|run| run.missed.get(i) == Some(&true));
        let objectives = self.runs.first().map_or(0, |run| run.missed.len());
        !other.runs.is_empty() && (0..objectives).any(|i| all(&self.runs, i) && all(&other.runs, i))
    }

    fn missed(&self, counted: &[Glance]) -> Vec<Missed> {
        let of = counted.len() as u64;
        let expect = self.loaded.iter().flat_map(|loaded| &loaded.model.expect).enumerate();
        let all = expect.map(|(i, e)| {
            let runs = counted.iter().filter(|run| run.missed.get(i) == Some(&true)).count() as u64;
            Missed { slo: e.text.clone(), runs, of }
        });
        let mut all: Vec<Missed> = all.filter(|missed| missed.runs > 0).collect();
        // A stable sort: of those that are missed equally often the first one written comes first.
        all.sort_by_key(|m| std::cmp::Reverse(m.runs));
        all
    }
}

fn test_of(rule: &Rule) -> Option<Sprt> {
    let error = 1.0 - rule.confidence;
    Sprt::new(rule.share, rule.surely, error, error)
}

fn tested(mut test: Sprt, runs: &[Glance]) -> Sprt {
    for run in runs {
        if test.add(!run.missed.contains(&true)) != Decision::Continue {
            break;
        }
    }
    test
}

/// How many more runs decide if all of them are so.
fn runs_until(test: &Sprt, met: bool) -> u64 {
    let mut test = test.clone();
    let before = test.trials();
    while test.add(met) == Decision::Continue {}
    test.trials() - before
}

/// How many runs it takes to show that something is enough, if all of them meet the objectives.
pub(super) fn runs_to_show(rule: &Rule) -> Option<u64> {
    Some(runs_until(&test_of(rule)?, true))
}
