//! How many runs a plan makes: foretold, and counted.

use std::sync::atomic::{AtomicU64, Ordering};

use super::evidence::runs_to_show;
use crate::experiment::plan::Rule;

/// Runs of one answer beside those that show its number to be enough: of the numbers that only tell where to look, and of one fewer.
const BESIDE: u64 = 22;

/// What a plan will take, said before it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// Candidates and scenes: numbers to be found.
    pub answers: u64,
    /// Scenes of a candidate.
    pub scenes: u64,
    /// Runs, about.
    pub runs: u64,
    /// The most runs.
    pub most: u64,
}

impl Forecast {
    /// Of this many candidates with this many scenes each; answers are from a range of this many numbers.
    pub(super) fn new(rule: &Rule, candidates: u64, scenes: u64, range: u64) -> Forecast {
        let answers = candidates * scenes;
        let each = runs_to_show(rule).unwrap_or(0) + BESIDE;
        // From any start in steps that double, then by bisection; once to see where, and once to be sure.
        let numbers = 4 * u64::from(u64::BITS - range.leading_zeros()) + 2;
        Forecast { answers, scenes, runs: answers * each, most: answers * numbers.min(range) * rule.max_runs }
    }
}

/// Told how many runs are made, and of about how many.
pub type Told<'a> = &'a (dyn Fn(u64, u64) + Sync);

/// The runs so far. Nothing that a plan answers depends on it.
pub(super) struct Count<'a> {
    runs: AtomicU64,
    answers: AtomicU64,
    forecast: Forecast,
    told: Told<'a>,
}

impl<'a> Count<'a> {
    pub(super) fn new(forecast: Forecast, told: Told<'a>) -> Count<'a> {
        Count { runs: AtomicU64::new(0), answers: AtomicU64::new(0), forecast, told }
    }

    /// A run is over.
    pub(super) fn run(&self) {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }

    /// An answer is found.
    pub(super) fn answer(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }

    /// Runs so far.
    pub(super) fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// Each answer that is not found yet needs half as many more as it needs in all: some are nearly there, and some have not begun.
    fn tell(&self) {
        let Forecast { answers, runs, .. } = self.forecast;
        let left = answers.saturating_sub(self.answers.load(Ordering::Relaxed));
        let made = self.runs();
        let more = runs * left / (2 * answers).max(1);
        (self.told)(made, made + more.max(left.min(1)));
    }
}
