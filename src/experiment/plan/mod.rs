//! Capacity: the fewest pods that meet objectives, or the highest load that they carry, for each of several candidates, while nothing
//! happens and through a timeline.
//!
//! Every number of pods that is tried gets a sequential test over fresh seeds (`trial`), and a search that takes more pods for better
//! says which to try (`search`). All tests use the same seeds, so that candidates and numbers of pods meet the same luck.

mod event;
mod knob;
mod scene;
mod search;
mod trial;

pub use super::cures::{Cure, cures, even_load};
pub use event::Event;
pub use knob::{Knob, knee, trade_off};
pub use search::least;

use std::cell::RefCell;
use std::collections::BTreeMap;

use rayon::prelude::*;

use super::run::{Watch, go_on};
use crate::output::plan::{Answer, Candidate, LeftOut, PlanReport, Rule, Searched, Verdict};
use crate::scenario::Loaded;
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::document::Document;
use crate::scenario::model::Model;
use crate::sim::SimError;
use scene::{Scene, Stage, expecting};
use trial::{refused, runs_to_show, trial};

/// A question of capacity.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The objectives, as `expect` writes them; empty: those of the scenario.
    pub slos: Vec<String>,
    /// The server whose pods are counted; may be left out if there is one.
    pub server: Option<String>,
    /// In place of the scenario's timeline.
    pub event: Option<Event>,
    /// What is searched.
    pub search: Search,
    /// When something is enough.
    pub rule: Rule,
}

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Search {
    /// The fewest pods, within bounds.
    Pods {
        /// At least 1.
        lo: u32,
        /// At least `lo`.
        hi: u32,
    },
    /// The highest load that the scenario's pods carry.
    Load {
        /// Neighbouring loads have this ratio, less 1; above 0.
        precision: f64,
    },
}

/// Loads are tried up to this factor, and down to one over it.
const MOST_LOAD: f64 = 64.0;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The scenario, or an objective, is wrong.
    #[error("{0}")]
    Scenario(Box<Diagnostics>),
    /// The question does not fit the scenario.
    #[error("{0}")]
    Question(String),
    /// A run of a candidate cannot finish.
    #[error("{0}: {1}")]
    Run(String, SimError),
}

impl From<Diagnostics> for PlanError {
    fn from(diagnostics: Diagnostics) -> PlanError {
        PlanError::Scenario(Box::new(diagnostics))
    }
}

/// A question about a scenario, checked: what its candidates are can be asked, and each can be tried.
pub struct Planner<'a> {
    stage: Stage<'a>,
    searched: Searched,
    rule: Rule,
    scenario_hash: String,
}

impl<'a> Planner<'a> {
    /// Checks a question.
    ///
    /// # Errors
    /// If the scenario or an objective is wrong, or if the question does not fit the scenario.
    pub fn new(document: &'a Document, question: &Question) -> Result<Planner<'a>, PlanError> {
        let most = question.rule.max_runs;
        if let Some(needed) = runs_to_show(&question.rule).filter(|needed| *needed > most) {
            let message = format!(
                "--max-runs {most} can show nothing: with this --share and --confidence {needed} runs that all meet the objectives are needed"
            );
            return Err(PlanError::Question(message));
        }
        let plain = plain(document, question.event)?;
        let server = server_of(&plain, question.server.as_deref()).map_err(PlanError::Question)?;
        let mut sets = Vec::new();
        if plain.servers[server].hpa.is_some() {
            sets.push(format!("servers.{}.hpa=null", plain.servers[server].name));
        }
        let mut first = sets.clone();
        if let Some(event) = question.event {
            let (name, pods) = (&plain.servers[server].name, plain.servers[server].replicas);
            first.push(event.timeline(&plain, name, pods).map_err(PlanError::Question)?);
        }
        if !question.slos.is_empty() {
            first.push(expecting(question.slos.iter().map(String::as_str)));
        }
        let loaded = document.load(&first).map_err(|wrong| retold(wrong, &question.slos))?;
        if loaded.model.expect.is_empty() {
            let message =
                "there is no objective: give some, such as --slo 'latency.p99 <= 20ms', or `expect` in the scenario";
            return Err(PlanError::Question(message.into()));
        }
        let searched = searched(question.search, &loaded.model, server).map_err(PlanError::Question)?;
        let stage = Stage { document, model: loaded.model, plain, server, event: question.event, sets };
        Ok(Planner { stage, searched, rule: question.rule, scenario_hash: loaded.scenario_hash })
    }

    /// The scenario with the objectives.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.stage.model
    }

    /// The scenario with the changes of a candidate, and with as many pods as it has.
    ///
    /// # Errors
    /// If the reader refuses it.
    pub fn load(&self, cure: &Cure) -> Result<Loaded, Diagnostics> {
        let scene = if self.stage.has(Scene::Through) { Scene::Through } else { Scene::Steady };
        self.stage.load(scene, &cure.sets, self.stage.pods(), 1.0)
    }

    /// Those candidates that the reader accepts and that are not what another one is already, and the others with the reason.
    #[must_use]
    pub fn accepted(&self, cures: Vec<Cure>) -> (Vec<Cure>, Vec<LeftOut>) {
        let (mut kept, mut left_out): (Vec<(String, Cure)>, Vec<LeftOut>) = (Vec::new(), Vec::new());
        for cure in cures {
            let why = match self.load(&cure) {
                Err(diagnostics) => first_message(&diagnostics),
                Ok(loaded) => match kept.iter().find(|(hash, _)| *hash == loaded.scenario_hash) {
                    Some((_, same)) => format!("the same scenario as `{}`", same.name),
                    None => {
                        kept.push((loaded.scenario_hash, cure));
                        continue;
                    }
                },
            };
            left_out.push(LeftOut { name: cure.name, why });
        }
        (kept.into_iter().map(|(_, cure)| cure).collect(), left_out)
    }

    /// Answers the question for candidates that were [`accepted`](Planner::accepted), on all threads of the current pool; `done` is told
    /// of each candidate that is finished.
    ///
    /// # Errors
    /// If a run cannot finish, or `watch` stopped it.
    pub fn plan(
        &self,
        cures: &[Cure],
        left_out: Vec<LeftOut>,
        watch: Option<Watch<'_>>,
        done: &(dyn Fn() + Sync),
    ) -> Result<PlanReport, PlanError> {
        let (reference, refused) = self.accepted(vec![even_load(&self.stage.model)]);
        let one = |cure: &Cure| {
            let candidate = self.candidate(cure, watch);
            done();
            candidate
        };
        let all: Vec<&Cure> = cures.iter().chain(&reference).collect();
        let mut candidates = all.into_par_iter().map(one).collect::<Result<Vec<Candidate>, PlanError>>()?;
        let even = if reference.is_empty() { None } else { candidates.pop() };
        if let Some(even) = &even {
            candidates.iter_mut().for_each(|candidate| self.tax(candidate, even));
        }
        let through = self.stage.has(Scene::Through).then(|| match self.stage.event {
            Some(event) => event.words(self.stage.name()),
            None => "the timeline of the scenario".to_owned(),
        });
        Ok(PlanReport {
            evenkeel: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: self.stage.model.name.clone(),
            scenario_hash: self.scenario_hash.clone(),
            server: self.stage.name().to_owned(),
            searched: self.searched,
            slos: self.stage.model.expect.iter().map(|e| e.text.clone()).collect(),
            rule: self.rule,
            through,
            sets: self.stage.sets.clone(),
            cheapest: self.cheapest(&candidates),
            candidates,
            even,
            left_out: left_out.into_iter().chain(refused).collect(),
        })
    }

    fn candidate(&self, cure: &Cure, watch: Option<Watch<'_>>) -> Result<Candidate, PlanError> {
        let of = |scene| self.stage.has(scene).then(|| self.answer(scene, cure, watch)).transpose();
        let failed = |error| PlanError::Run(format!("{} ({})", self.stage.model.name, cure.name), error);
        Ok(Candidate {
            name: cure.name.clone(),
            sets: cure.sets.clone(),
            steady: of(Scene::Steady).map_err(failed)?,
            through: of(Scene::Through).map_err(failed)?,
        })
    }

    /// Searches for the best, and looks at its neighbour on the good side.
    fn answer(&self, scene: Scene, cure: &Cure, watch: Option<Watch<'_>>) -> Result<Answer, SimError> {
        let tried = RefCell::new(BTreeMap::new());
        let mut enough = |at: i64| {
            let (pods, factor) = self.point(at);
            let value = self.value(at);
            go_on(watch)?;
            let result = match self.stage.load(scene, &cure.sets, pods, factor) {
                Ok(loaded) => trial(&self.rule, value, &loaded, watch)?,
                Err(_) => refused(value),
            };
            let verdict = result.verdict;
            tried.borrow_mut().insert(at, result);
            Ok(verdict == Verdict::Enough)
        };
        let ((lo, hi), start, step) = self.range();
        let best = least((lo, hi), start, step, &mut enough)?;
        if let Some(beyond) = best.map(|b| b + 1).filter(|b| *b <= hi && !tried.borrow().contains_key(b)) {
            enough(beyond)?;
        }
        let tried = tried.into_inner();
        let next = best.and_then(|b| tried.get(&(b - 1)));
        // Without a best one there is what the bound misses.
        let short = next.or_else(|| tried.get(&hi).filter(|_| best.is_none()));
        let beyond = best.and_then(|b| tried.get(&(b + 1))).filter(|t| t.verdict == Verdict::NotEnough);
        let mut all: Vec<_> = tried.values().cloned().collect();
        all.sort_by(|a, b| a.at.total_cmp(&b.at));
        Ok(Answer {
            best: best.map(|b| self.value(b)),
            tax: None,
            next: next.map(|t| t.verdict),
            binds: short.and_then(|t| t.missed.first().cloned()),
            reconnects_per_s: best.and_then(|b| tried.get(&b)?.reconnects_per_s),
            error_ratio: best.and_then(|b| tried.get(&b)?.error_ratio),
            broken_by: beyond.map(|t| t.at),
            tried: all,
        })
    }

    /// The numbers to search, where to begin, and the first step. Of loads it is minus the number of steps from factor 1: the
    /// smaller the number, the harder, as with pods.
    fn range(&self) -> ((i64, i64), i64, i64) {
        match self.searched {
            Searched::Pods { lo, hi } => ((i64::from(lo), i64::from(hi)), i64::from(self.stage.pods()), 1),
            Searched::Load { precision, .. } => {
                let steps = steps(precision);
                ((-steps, steps), 0, (steps / 8).max(1))
            }
        }
    }

    /// The pods and the factor of the load that a number stands for.
    fn point(&self, at: i64) -> (u32, f64) {
        match self.searched {
            Searched::Pods { .. } => (u32::try_from(at).unwrap_or(1), 1.0),
            Searched::Load { pods, .. } => (pods, self.value(at)),
        }
    }

    /// What is searched, at a number.
    fn value(&self, at: i64) -> f64 {
        match self.searched {
            Searched::Pods { .. } => at as f64,
            Searched::Load { precision, .. } => libm::pow(1.0 + precision, -at as f64),
        }
    }

    fn tax(&self, candidate: &mut Candidate, even: &Candidate) {
        let pairs = [(&mut candidate.steady, &even.steady), (&mut candidate.through, &even.through)];
        for (answer, even) in pairs.into_iter().filter_map(|(a, e)| Some((a.as_mut()?, e.as_ref()?))) {
            answer.tax = answer.best.zip(even.best).map(|(best, even)| match self.searched {
                Searched::Pods { .. } => best - even,
                Searched::Load { .. } => 1.0 - best / even,
            });
        }
    }

    fn cheapest(&self, candidates: &[Candidate]) -> Option<String> {
        let through = self.stage.has(Scene::Through);
        let cost = |c: &Candidate| {
            let answer = if through { c.through.as_ref() } else { c.steady.as_ref() }?;
            let best = answer.best?;
            let pods = if matches!(self.searched, Searched::Pods { .. }) { best } else { -best };
            Some((pods, answer.reconnects_per_s.unwrap_or(f64::INFINITY)))
        };
        let known = candidates.iter().filter_map(|c| Some((cost(c)?, c)));
        let least = known.min_by(|(a, _), (b, _)| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        least.map(|(_, candidate)| candidate.name.clone())
    }
}

/// What is wrong with objectives, told of the `--slo` that each was typed in.
fn retold(wrong: Diagnostics, slos: &[String]) -> Diagnostics {
    wrong.retold(|set, at| {
        // The i-th objective stands behind the list of those before it, without the bracket that would end that.
        let before = |i: &usize| expecting(slos.iter().take(*i).map(String::as_str)).len().saturating_sub(1);
        let i = (0..slos.len()).take_while(|i| before(i) <= at.start).last()?;
        let slo = slos.get(i).filter(|_| set == expecting(slos.iter().map(String::as_str)))?;
        Some(("--slo", slo.as_str(), 0..slo.len()))
    })
}

/// The scenario without what an event takes the place of: its own timeline, and what it expects of that.
///
/// # Errors
/// All that is wrong with it.
pub fn plain(document: &Document, event: Option<Event>) -> Result<Model, Diagnostics> {
    let without = event.map_or(&[][..], |_| &["timeline=[]", "expect=[]"]);
    let sets: Vec<String> = without.iter().map(|set| (*set).to_owned()).collect();
    Ok(document.load(&sets)?.model)
}

/// How many steps of this ratio there are from factor 1 to the most.
fn steps(precision: f64) -> i64 {
    (libm::log(MOST_LOAD) / libm::log1p(precision)).ceil() as i64
}

fn server_of(model: &Model, name: Option<&str>) -> Result<usize, String> {
    let names = || model.servers.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
    match name {
        None if model.servers.len() == 1 => Ok(0),
        None => Err(format!(
            "the scenario has several servers: say whose pods are counted, with --server NAME ({})",
            names()
        )),
        Some(name) => model
            .servers
            .iter()
            .position(|s| s.name == name)
            .ok_or_else(|| format!("the scenario has no server `{name}`; there is: {}", names())),
    }
}

fn searched(search: Search, model: &Model, server: usize) -> Result<Searched, String> {
    match search {
        Search::Pods { lo, hi } => Ok(Searched::Pods { lo, hi }),
        Search::Load { precision } => {
            let mut rate = 0.0;
            for client in &model.clients {
                let Some(curve) = client.load.rate() else {
                    let message = "--load needs clients whose loads have rates; the load of";
                    return Err(format!("{message} `{}` is what the servers make it", client.name));
                };
                rate += curve.points.iter().map(|p| p.1).fold(0.0, f64::max);
            }
            let range = (1.0 / MOST_LOAD, MOST_LOAD);
            Ok(Searched::Load { pods: model.servers[server].replicas, rate, range, precision })
        }
    }
}

/// The first thing that is wrong, shortly.
fn first_message(diagnostics: &Diagnostics) -> String {
    diagnostics.problems().first().map_or_else(String::new, |p| format!("{} ({})", p.message, p.code.rule().code))
}
