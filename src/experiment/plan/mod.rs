//! Capacity: the fewest pods that meet objectives, or the highest load that they carry, for each of several candidates, while nothing
//! happens and through a timeline.
//!
//! Every number of pods that is tried gets a sequential test over fresh seeds (`evidence`), and a search that takes more pods for better
//! says which to try (`hunt`, `search`). All tests use the same seeds, so that candidates and numbers of pods meet the same luck. Even
//! load comes first: where the others begin. Runs are no longer than their figures need (`brief`).

mod adapt;
mod brief;
mod count;
mod event;
mod evidence;
mod hunt;
mod knob;
mod objectives;
mod report;
mod scene;
mod search;

pub use super::cures::{Cure, cures, even_load};
pub use count::{Forecast, Told};
pub use event::Event;
pub use knob::{Knob, KnobPoint, TradeOff, knee, trade_off};
pub use objectives::IMPLIED;
pub use report::{Answer, Candidate, LeftOut, Missed, PlanReport, Rule, Searched, Trial, Verdict};
pub use search::least;

use rayon::prelude::*;

use super::run::{Watch, run};
use crate::model::Model;
use crate::scenario::Loaded;
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::document::Document;
use crate::sim::SimError;
use adapt::{fitted, lean};
use count::Count;
use evidence::{Bench, runs_to_show};
use hunt::Hunt;
use objectives::with_objectives;
use scene::{Scene, Stage};

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
    /// All runs are as long as the scenario's, and not only as long as their figures need.
    pub exact: bool,
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
    /// The numbers of pods that are tried.
    ladder: Vec<u32>,
    rule: Rule,
    scenario_hash: String,
}

/// A candidate's answers, and the numbers that they stand for.
struct Found {
    candidate: Candidate,
    steady: Option<i64>,
    through: Option<i64>,
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
                "--max-runs {most} is too low for any answer: this --share and --confidence need {needed} runs that all meet the objectives"
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
        let (loaded, implied) = with_objectives(document, &first, &question.slos)?;
        let searched = searched(question.search, &loaded.model, server).map_err(PlanError::Question)?;
        let (model, event) = (loaded.model, question.event);
        let (exact, seed) = (question.exact, question.rule.seed);
        let stage = Stage { document, model, plain, server, event, sets, implied, exact, seed };
        let ladder = hunt::ladder(searched, exact);
        Ok(Planner { stage, searched, ladder, rule: question.rule, scenario_hash: loaded.scenario_hash })
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

    /// The usual cures, without those of the scenario's settings that they leave no place for.
    #[must_use]
    pub fn usual(&self) -> Vec<Cure> {
        let model = &self.stage.model;
        cures(model).into_iter().map(|cure| fitted(cure, model, &|cure| self.hash(cure))).collect()
    }

    /// What a candidate means; `None` if the reader refuses it.
    fn hash(&self, cure: &Cure) -> Option<String> {
        self.load(cure).ok().map(|loaded| loaded.scenario_hash)
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

    /// How many runs it will take for this many candidates and even load.
    #[must_use]
    pub fn forecast(&self, candidates: usize) -> Forecast {
        let scenes = [Scene::Steady, Scene::Through].into_iter().filter(|scene| self.stage.has(*scene)).count();
        let ((lo, hi), _) = self.range();
        Forecast::new(&self.rule, candidates as u64 + 1, scenes as u64, (hi - lo + 1) as u64)
    }

    /// One run of each scene as it is, to see how long that takes.
    ///
    /// # Errors
    /// If a run cannot finish, or `watch` stopped it.
    pub fn rehearse(&self, watch: Option<Watch<'_>>) -> Result<(), PlanError> {
        for scene in [Scene::Steady, Scene::Through].into_iter().filter(|scene| self.stage.has(*scene)) {
            let loaded = self.stage.load(scene, &[], self.stage.pods(), 1.0)?;
            run(&loaded, self.rule.seed, false, watch).map_err(|error| self.failed("as it is", error))?;
        }
        Ok(())
    }

    fn failed(&self, name: &str, error: SimError) -> PlanError {
        PlanError::Run(format!("{} ({name})", self.stage.model.name), error)
    }

    /// Answers the question for candidates that were [`accepted`](Planner::accepted), on all threads of the current pool; `told` learns of
    /// each run that is over.
    ///
    /// # Errors
    /// If a run cannot finish, or `watch` stopped it.
    pub fn plan(
        &self,
        cures: &[Cure],
        left_out: Vec<LeftOut>,
        watch: Option<Watch<'_>>,
        told: Told<'_>,
    ) -> Result<PlanReport, PlanError> {
        let count = Count::new(self.forecast(cures.len()), told);
        let bench = Bench { rule: self.rule, watch, count: &count };
        let even = fitted(even_load(&self.stage.model), &self.stage.model, &|cure| self.hash(cure));
        let (reference, refused) = self.accepted(vec![lean(even, &|cure| self.hash(cure))]);
        let even = reference.first().map(|cure| self.candidate(cure, None, &bench)).transpose()?;
        let one = |cure: &Cure| self.candidate(cure, even.as_ref(), &bench);
        let found = cures.into_par_iter().map(one).collect::<Result<Vec<Found>, PlanError>>()?;
        let even = even.map(|found| found.candidate);
        let mut candidates: Vec<Candidate> = found.into_iter().map(|found| found.candidate).collect();
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
            implied: self.stage.implied,
            exact: self.stage.exact,
            runs: count.runs(),
            rule: self.rule,
            through,
            sets: self.stage.sets.clone(),
            cheapest: self.cheapest(&candidates),
            candidates,
            even,
            left_out: left_out.into_iter().chain(refused).collect(),
        })
    }

    /// The answers of a candidate. The search begins where that of even load ended, and through the timeline no lower than while nothing
    /// happens.
    fn candidate(&self, cure: &Cure, even: Option<&Found>, bench: &Bench<'_>) -> Result<Found, PlanError> {
        let search = |scene, guess: Option<i64>| {
            let guess = guess.unwrap_or(self.start());
            let there = self.stage.has(scene);
            let hunt = there.then(|| Hunt::search(self, scene, &cure.sets, guess, bench)).transpose();
            if there {
                bench.count.answer();
            }
            hunt.map_err(|error| self.failed(&cure.name, error))
        };
        let steady = search(Scene::Steady, even.and_then(|e| e.steady))?;
        let here = steady.as_ref().and_then(Hunt::best);
        let through = search(Scene::Through, here.max(even.and_then(|e| e.through)))?;
        Ok(Found {
            steady: here,
            through: through.as_ref().and_then(Hunt::best),
            candidate: Candidate {
                name: cure.name.clone(),
                sets: cure.sets.clone(),
                steady: steady.map(|hunt| hunt.answer()),
                through: through.map(|hunt| hunt.answer()),
            },
        })
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

/// The scenario without what an event takes the place of: its own timeline, and what it expects of that.
///
/// # Errors
/// All that is wrong with it.
pub fn plain(document: &Document, event: Option<Event>) -> Result<Model, Diagnostics> {
    let without = event.map_or(&[][..], |_| &["timeline=[]", "expect=[]"]);
    let sets: Vec<String> = without.iter().map(|set| (*set).to_owned()).collect();
    Ok(document.load(&sets)?.model)
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
