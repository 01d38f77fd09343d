//! `check`: attacks a property with scenarios that proptest generates, judges their runs, and shrinks what refutes it.
//!
//! What holds always is refuted by one run. Of a claim about many runs each scenario gets its part of the level (level / number
//! of scenarios: Bonferroni), and is judged by a sequential test that may stop after any run ([`Wager`]), so that the chance of
//! refuting a claim that all scenarios meet is at most the level. Cases are judged in batches, and the first of a batch that
//! refutes counts: the outcome does not depend on the number of threads.

mod case;
mod judge;
mod replay;
pub mod report;
mod story;
mod trial;
mod wager;

use rayon::prelude::*;

pub use judge::{Judge, Judged, Reading};
pub use report::{Checked, Fate, Report};
pub use wager::Wager;

use super::run::{Watch, go_on};
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::property::{Holds, Property};
use crate::sim::SimError;
use case::Case;
use report::{Attack, Nearest, Range};
use trial::{Observed, Trial};

/// Cases that are judged at once, at most; the first batches are smaller, since many false claims fall at once.
const BATCH: u64 = 32;
/// Cases that shrinking may try.
const MOST_TRIES: u32 = 300;
/// Runs by which what holds always is shrunk, at least.
const FEW: u64 = 5;
/// Runs of a shrunk case with other seeds, of what holds always.
const FRESH: u64 = 20;

/// How hard a property is attacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// The most scenarios.
    pub cases: u64,
    /// The most runs of each. `None`: 3 of what holds always, else 200.
    pub runs: Option<u64>,
    /// Seed of the cases; run i of case n has `seed + 2·n·m + i`, with the larger of `runs` and 20 for m.
    pub seed: u64,
}

/// Why a property could not be checked.
#[derive(Debug)]
pub enum CheckError {
    /// No drawn values make a valid scenario; the first that do not.
    NoScenario(Box<Diagnostics>),
    /// A run that cannot be finished.
    Run(SimError),
    /// No run had a value of the figures.
    Silent,
    /// So few runs of each scenario cannot refute the claim, whatever they show.
    TooFewRuns(u64),
}

impl From<SimError> for CheckError {
    fn from(error: SimError) -> Self {
        CheckError::Run(error)
    }
}

/// What became of a property, and the files that replay its refutation: names and contents.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The report.
    pub checked: Checked,
    /// Scenario files.
    pub files: Vec<(String, String)>,
}

/// A case that was judged.
struct Tried {
    number: u64,
    case: Case,
    judged: Judged,
    /// The figures of each run.
    values: Vec<[Option<f64>; 2]>,
    calls: u64,
    seed: u64,
}

/// Attacks a property. `watch` is told of every run, and `done` of every case that was judged.
///
/// # Errors
/// If no scenario can be made, no run says anything, or a run cannot finish or was stopped.
pub fn check(
    property: &Property,
    effort: &Effort,
    watch: Option<Watch<'_>>,
    done: &(dyn Fn() + Sync),
) -> Result<Done, CheckError> {
    let attacker = Attacker { property, effort: *effort, watch };
    let (tried, invalid) = attacker.attack(done)?;
    let attack = attacker.attack_of(&tried, invalid);
    if attack.runs == attack.silent {
        return Err(CheckError::Silent);
    }
    let mut checked = Checked {
        name: property.name.clone(),
        says: property.says.clone(),
        claim: property.text.clone(),
        holds: words(property.holds),
        level: (property.holds != Holds::Always).then_some(property.level),
        expected: if property.expect_refuted { Fate::Refuted } else { Fate::Holds },
        outcome: Fate::Holds,
        attack,
        nearest: None,
        refutation: None,
        learnt: property.learnt.clone(),
    };
    let mut files = Vec::new();
    match tried.iter().position(|t| t.judged.refuted) {
        Some(found) => {
            checked.outcome = Fate::Refuted;
            let found = tried.into_iter().nth(found);
            let replayed = found.map(|found| attacker.refutation(found)).transpose()?;
            checked.refutation = replayed.map(|(refutation, texts)| {
                files = texts;
                refutation
            });
        }
        None => checked.nearest = attacker.nearest(&tried),
    }
    Ok(Done { checked, files })
}

fn words(holds: Holds) -> String {
    match holds {
        Holds::Always => "always".to_owned(),
        Holds::OnAverage => "on average".to_owned(),
        Holds::InRuns(part) => format!("in {}% of runs", crate::words::trimmed(part * 100.0, 3)),
    }
}

/// A property under attack.
struct Attacker<'a> {
    property: &'a Property,
    effort: Effort,
    watch: Option<Watch<'a>>,
}

impl Attacker<'_> {
    fn most(&self) -> u64 {
        let usual = if self.property.holds == Holds::Always { 3 } else { 200 };
        self.effort.runs.unwrap_or(usual)
    }

    /// Seed of the first run of a case. Twice as many seeds as runs belong to it: the second half is fresh.
    fn seed(&self, number: u64) -> u64 {
        self.effort.seed.wrapping_add(number.wrapping_mul(2 * self.most().max(FRESH)))
    }

    fn fresh_seed(&self, number: u64) -> u64 {
        self.seed(number).wrapping_add(self.most().max(FRESH))
    }

    /// All cases up to the first that refutes the claim, and how many of them were no scenarios.
    fn attack(&self, done: &(dyn Fn() + Sync)) -> Result<(Vec<Tried>, u64), CheckError> {
        let level = self.property.level / self.effort.cases.max(1) as f64;
        let judge = Judge { holds: self.property.holds, level, most: self.most() };
        if !judge.can_refute() {
            return Err(CheckError::TooFewRuns(self.most()));
        }
        let one = |number: u64| {
            let tried =
                self.tried(number, Case::new(self.property, self.effort.seed, number), &judge, self.seed(number));
            done();
            tried
        };
        let mut all = Vec::new();
        let mut wrong = None;
        let mut invalid = 0;
        let (mut first, mut size) = (0, 1);
        while first < self.effort.cases {
            let batch = first..(first + size).min(self.effort.cases);
            (first, size) = (batch.end, (2 * size).min(BATCH));
            for tried in batch.into_par_iter().map(one).collect::<Vec<_>>() {
                match tried {
                    Ok(tried) => all.push(tried),
                    Err(CheckError::NoScenario(diagnostics)) => {
                        invalid += 1;
                        wrong.get_or_insert(diagnostics);
                    }
                    Err(error) => return Err(error),
                }
                if all.last().is_some_and(|t: &Tried| t.judged.refuted) {
                    return Ok((all, invalid));
                }
            }
        }
        match wrong.filter(|_| all.is_empty()) {
            Some(diagnostics) => Err(CheckError::NoScenario(diagnostics)),
            None => Ok((all, invalid)),
        }
    }

    /// Judges a case with the seeds from `seed` on.
    fn tried(&self, number: u64, case: Case, judge: &Judge, seed: u64) -> Result<Tried, CheckError> {
        go_on(self.watch)?;
        let trial = Trial::new(self.property, &case.drawn()).map_err(|d| CheckError::NoScenario(Box::new(d)))?;
        let (mut values, mut calls) = (Vec::new(), 0);
        let judged = judge.judge(|run| {
            let Observed { reading, values: figures, calls: more } = trial.run(seed.wrapping_add(run), self.watch)?;
            values.push(figures);
            calls += more;
            Ok::<_, SimError>(reading)
        })?;
        Ok(Tried { number, case, judged, values, calls, seed })
    }

    fn attack_of(&self, tried: &[Tried], invalid: u64) -> Attack {
        let range = |(i, draw): (usize, &crate::scenario::property::Draw)| {
            let mut places: Vec<u32> = tried.iter().filter_map(|t| *t.case.drawn().get(i)?).collect();
            places.sort_unstable();
            places.dedup();
            let ends = if draw.is_range {
                [places.first(), places.last()].to_vec()
            } else {
                places.iter().map(Some).collect()
            };
            let text = |place: Option<&u32>| draw.values.get(*place? as usize).cloned();
            Range {
                path: draw.path.clone(),
                tried: ends.into_iter().filter_map(text).collect(),
                values: places.len() as u64,
                of: draw.values.len() as u64,
                is_range: draw.is_range,
            }
        };
        Attack {
            scenarios: tried.len() as u64,
            invalid,
            runs: tried.iter().map(|t| t.judged.runs).sum(),
            silent: tried.iter().map(|t| t.judged.silent).sum(),
            calls: tried.iter().map(|t| t.calls).sum(),
            ranges: self.property.draws.iter().enumerate().map(range).collect(),
        }
    }

    fn nearest(&self, tried: &[Tried]) -> Option<Nearest> {
        let nearness = |t: &Tried| match self.property.holds {
            Holds::Always => t.judged.worst.map_or(f64::NEG_INFINITY, |(_, excess)| excess),
            Holds::InRuns(_) => t.judged.broken_part(),
            Holds::OnAverage => t.judged.mean_excess(),
        };
        let said = tried.iter().filter(|t| t.judged.worst.is_some());
        let most = said.reduce(|most, next| if nearness(next) > nearness(most) { next } else { most })?;
        let (run, _) = most.judged.worst?;
        Some(Nearest {
            case: self.case(most, run),
            mean_excess: most.judged.mean_excess(),
            broken: most.judged.broken,
            runs: most.judged.runs - most.judged.silent,
        })
    }

    /// A case and one of its runs, for the report.
    fn case(&self, tried: &Tried, run: u64) -> report::Case {
        let values = tried.values.get(run as usize).copied().unwrap_or_default();
        report::Case {
            number: tried.number,
            sets: self.property.sets(&tried.case.drawn()),
            seed: tried.seed.wrapping_add(run),
            values: values[..self.property.sides.len().min(2)].to_vec(),
        }
    }
}
