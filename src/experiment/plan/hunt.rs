//! The search for the answer of one candidate in one scene.
//!
//! To show that a number is enough takes some forty runs, to show that it is not takes three. So a few runs of each number say where the edge
//! may be (`locate`), and only there numbers are tried to the end, in steps of one until the edge is between two of them. What was run to find
//! the place is used again.

use std::collections::BTreeMap;

use super::evidence::{Bench, Evidence};
use super::scene::Scene;
use super::search::least;
use super::{MOST_LOAD, Planner};
use crate::experiment::plan::{Answer, Searched, Trial, Verdict};
use crate::experiment::run::go_on;
use crate::experiment::sequential::Decision;
use crate::sim::SimError;

/// Runs of a number that only says where to look.
const PROBE: u64 = 4;
/// Runs of the number above the answer, beyond which it is believed.
const BEYOND: u64 = 8;

/// From this many pods on the step of a search that is not exact is one in this many.
const STEPS: [(u32, u32); 2] = [(40, 5), (20, 10)];
/// Numbers that are not enough, after which the last one is asked whether any is.
const DOUBTS: u32 = 3;

/// Why a search ends early.
enum End {
    Failed(SimError),
    /// More does not help.
    Hopeless,
}

impl From<SimError> for End {
    fn from(error: SimError) -> End {
        End::Failed(error)
    }
}

/// A candidate in a scene.
pub(super) struct Hunt<'a> {
    planner: &'a Planner<'a>,
    scene: Scene,
    sets: &'a [String],
    tried: BTreeMap<i64, Evidence>,
    best: Option<i64>,
}

impl<'a> Hunt<'a> {
    /// Searches; `guess` is where to begin.
    ///
    /// # Errors
    /// If a run cannot finish, or it was stopped.
    pub(super) fn search(
        planner: &'a Planner<'a>,
        scene: Scene,
        sets: &'a [String],
        guess: i64,
        bench: &Bench<'_>,
    ) -> Result<Hunt<'a>, SimError> {
        let mut hunt = Hunt { planner, scene, sets, tried: BTreeMap::new(), best: None };
        let ((lo, hi), _) = planner.range();
        let start = hunt.locate(guess, bench)?.unwrap_or(hi);
        let enough = Decision::AcceptHigh;
        hunt.best = least((lo, hi), start, 1, &mut |at| Ok(hunt.decide(at, bench, bench.rule.max_runs)? == enough))?;
        if let Some(above) = hunt.best.map(|best| best + 1).filter(|above| *above <= hi) {
            hunt.decide(above, bench, if planner.stage.exact { bench.rule.max_runs } else { BEYOND })?;
        }
        Ok(hunt)
    }

    /// The least number whose first runs do not speak against it. `None`: there is none, or what the first ones that were tried always miss the
    /// last one does, too.
    fn locate(&mut self, guess: i64, bench: &Bench<'_>) -> Result<Option<i64>, SimError> {
        let ((lo, hi), step) = self.planner.range();
        let mut doubts = 0;
        let mut plausible = |at: i64| {
            let plausible = self.decide(at, bench, PROBE)? != Decision::AcceptLow;
            doubts += u32::from(!plausible);
            if !plausible && doubts == DOUBTS && at < hi {
                self.decide(hi, bench, 2)?;
                if self.tried[&hi].always_misses_what(&self.tried[&at]) {
                    return Err(End::Hopeless);
                }
            }
            Ok(plausible)
        };
        match least((lo, hi), guess, step, &mut plausible) {
            Ok(found) => Ok(found),
            Err(End::Hopeless) => Ok(None),
            Err(End::Failed(error)) => Err(error),
        }
    }

    fn decide(&mut self, at: i64, bench: &Bench<'_>, most: u64) -> Result<Decision, SimError> {
        go_on(bench.watch)?;
        let Hunt { planner, scene, sets, .. } = *self;
        let evidence = self.tried.entry(at).or_insert_with(|| {
            let (pods, factor) = planner.point(at);
            Evidence::new(planner.value(at), planner.stage.load(scene, sets, pods, factor).ok())
        });
        evidence.decide(bench, most)
    }

    /// The least number that is enough.
    pub(super) fn best(&self) -> Option<i64> {
        self.best
    }

    pub(super) fn answer(&self) -> Answer {
        let planner = self.planner;
        let ((_, hi), _) = planner.range();
        let trial = |at: i64| Some(self.tried.get(&at)?.trial(&planner.rule));
        let best = self.best.and_then(trial);
        let next = self.best.and_then(|best| trial(best - 1));
        // Without a best one there is what the bound misses.
        let bound = if best.is_none() { trial(hi) } else { None };
        let shown = best.as_ref().or(bound.as_ref());
        let (reconnects_per_s, error_ratio) = shown.map_or((None, None), |t| (t.reconnects_per_s, t.error_ratio));
        let beyond = self.best.and_then(|best| trial(best + 1)).filter(|t| t.verdict == Verdict::NotEnough);
        let mut tried: Vec<Trial> = self.tried.values().map(|e| e.trial(&planner.rule)).collect();
        tried.sort_by(|a, b| a.at.total_cmp(&b.at));
        Answer {
            best: best.as_ref().map(|t| t.at),
            tax: None,
            at_bound: best.as_ref().is_none_or(|t| planner.is_bound(t.at)),
            next: next.as_ref().map(|t| t.verdict),
            binds: next.as_ref().or(bound.as_ref()).and_then(|t| t.missed.first().cloned()),
            reconnects_per_s,
            error_ratio,
            broken_by: beyond.map(|t| t.at),
            tried,
        }
    }
}

impl Planner<'_> {
    /// The numbers to search, and the first step. They are places on the ladder of pods; of loads it is minus the number of steps from factor
    /// 1: the smaller the number, the harder, as with pods.
    pub(super) fn range(&self) -> ((i64, i64), i64) {
        match self.searched {
            Searched::Pods { .. } => ((0, self.ladder.len() as i64 - 1), 1),
            Searched::Load { precision, .. } => {
                let steps = steps(precision);
                ((-steps, steps), (steps / 8).max(1))
            }
        }
    }

    /// Where the first search begins.
    pub(super) fn start(&self) -> i64 {
        match self.searched {
            Searched::Pods { .. } => self.ladder.partition_point(|pods| *pods < self.stage.pods()) as i64,
            Searched::Load { .. } => 0,
        }
    }

    /// The pods and the factor of the load that a number stands for.
    fn point(&self, at: i64) -> (u32, f64) {
        match self.searched {
            Searched::Pods { .. } => (self.pods(at), 1.0),
            Searched::Load { pods, .. } => (pods, self.value(at)),
        }
    }

    fn pods(&self, at: i64) -> u32 {
        usize::try_from(at).ok().and_then(|at| self.ladder.get(at)).copied().unwrap_or(1)
    }

    /// What is searched, at a number.
    fn value(&self, at: i64) -> f64 {
        match self.searched {
            Searched::Pods { .. } => f64::from(self.pods(at)),
            Searched::Load { precision, .. } => libm::pow(1.0 + precision, -at as f64),
        }
    }

    /// True if the search could not go on beyond this answer: fewer pods (or more load) might do, or it is the last that was allowed.
    fn is_bound(&self, at: f64) -> bool {
        let ((lo, hi), _) = self.range();
        let first = at == self.value(lo);
        match self.searched {
            Searched::Pods { lo, .. } => (first && lo > 1) || at == self.value(hi),
            Searched::Load { .. } => first || at == self.value(hi),
        }
    }
}

/// The numbers of pods that are tried: all, or only some of the large ones ([`STEPS`]), where as close to the edge each is all but as
/// good as the next and takes many runs to be told from it.
pub(super) fn ladder(searched: Searched, exact: bool) -> Vec<u32> {
    let Searched::Pods { lo, hi } = searched else { return Vec::new() };
    let next = |pods: &u32| {
        let one_in = STEPS.iter().find(|(from, _)| pods >= from).filter(|_| !exact);
        let step = one_in.map_or(1, |(_, one_in)| pods / one_in);
        (*pods < hi).then(|| pods.saturating_add(step).min(hi))
    };
    std::iter::successors(Some(lo), next).collect()
}

/// How many steps of this ratio there are from factor 1 to the most.
fn steps(precision: f64) -> i64 {
    (libm::log(MOST_LOAD) / libm::log1p(precision)).ceil() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_large_numbers_of_pods_only_some_are_tried() {
        let of = |lo, hi, exact| ladder(Searched::Pods { lo, hi }, exact);
        assert_eq!(of(3, 6, false), [3, 4, 5, 6]);
        assert_eq!(of(18, 31, false), [18, 19, 20, 22, 24, 26, 28, 30, 31]);
        assert_eq!(of(36, 65, false), [36, 39, 42, 50, 60, 65]);
        assert_eq!(of(38, 41, true), [38, 39, 40, 41]);
    }
}
