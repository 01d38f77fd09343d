//! What refutes a claim: shrunk, tried again with fresh seeds, and written as files that `run` replays.

use super::judge::{Judge, Judged};
use super::report::{self, Refutation};
use super::story::story;
use super::trial::{Observed, Trial};
use super::{Attacker, CheckError, FEW, FRESH, MOST_TRIES, Tried};
use crate::model::Comparison;
use crate::scenario::property::{Claim, Holds};
use crate::sim::SimError;
use crate::words::paragraphs;

/// Of a case that refutes the claim: its runs with fresh seeds, and what they say.
struct Fresh {
    judged: Judged,
    /// The first run in which the claim did not hold, with its seed and figures.
    broken: Option<(u64, [Option<f64>; 2])>,
}

impl Attacker<'_> {
    /// Shrinks what refutes the claim. A shrunk case that fresh seeds do not confirm gives way to the one before it.
    pub(super) fn refutation(&self, found: Tried) -> Result<(Refutation, Vec<(String, String)>), CheckError> {
        let judge = Judge { holds: self.property.holds, level: self.property.level, most: self.most() };
        let (number, seed) = (found.number, found.seed);
        let found_run = found.judged.first_broken.unwrap_or(0);
        let found_case = self.case(&found, found_run);
        // Each smaller than the one before, and all refuted with the seeds that the case was found with.
        let mut path = vec![found.case.drawn()];
        let mut case = found.case;
        let least = self.broken_runs(&case.drawn(), seed)?.max(1);
        let tries = case.shrink(MOST_TRIES, |drawn| {
            let refuted = match judge.holds {
                // Not a smaller case that takes more luck to refute the claim.
                Holds::Always => self.broken_runs(drawn, seed)? >= least,
                _ => self.still(drawn, &judge, seed)?,
            };
            if refuted {
                path.push(drawn.to_vec());
            }
            Ok::<_, CheckError>(refuted)
        })?;
        let (drawn, fresh) = self.confirmed(path, &judge, number)?;
        let (run_seed, values) = self.telling_run(&drawn, seed, &fresh)?;
        let shrunk = report::Case {
            number,
            sets: self.property.sets(&drawn),
            seed: run_seed,
            values: values[..self.property.sides.len().min(2)].to_vec(),
        };
        let mut refutation = Refutation {
            found: found_case,
            shrunk,
            tries: u64::from(tries),
            fresh_runs: fresh.judged.runs - fresh.judged.silent,
            fresh_broken: fresh.judged.broken,
            fresh_excess: fresh.judged.mean_excess(),
            files: Vec::new(),
            happened: self.happened(&drawn, run_seed)?,
        };
        let files = self.files(&drawn, &refutation);
        refutation.files = files.iter().map(|(name, _)| name.clone()).collect();
        Ok((refutation, files))
    }

    /// In how many of a few runs the claim does not hold; of what is no scenario, in none.
    fn broken_runs(&self, drawn: &[Option<u32>], seed: u64) -> Result<u64, CheckError> {
        let Ok(trial) = Trial::new(self.property, drawn) else { return Ok(0) };
        let mut broken = 0;
        for i in 0..self.few() {
            let reading = trial.run(seed.wrapping_add(i), self.watch)?.reading;
            broken += u64::from(reading.is_some_and(|r| !r.met));
        }
        Ok(broken)
    }

    /// Runs that a case is shrunk by, of what holds always: all that may have refuted the claim, or more.
    fn few(&self) -> u64 {
        self.most().max(FEW)
    }

    /// Whether these values still refute the claim; what is no scenario does not.
    fn still(&self, drawn: &[Option<u32>], judge: &Judge, seed: u64) -> Result<bool, CheckError> {
        let Ok(trial) = Trial::new(self.property, drawn) else { return Ok(false) };
        let judged = judge.judge(|run| Ok::<_, SimError>(trial.run(seed.wrapping_add(run), self.watch)?.reading))?;
        Ok(judged.refuted)
    }

    /// Runs with seeds that nobody has seen: all of a fixed number where one is enough to refute, else as the test goes.
    fn fresh(&self, drawn: &[Option<u32>], judge: &Judge, number: u64) -> Result<Fresh, CheckError> {
        let trial = Trial::new(self.property, drawn).map_err(|d| CheckError::NoScenario(Box::new(d)))?;
        let seed = self.fresh_seed(number);
        let mut broken = None;
        let mut run = |i: u64| {
            let Observed { reading, values, .. } = trial.run(seed.wrapping_add(i), self.watch)?;
            if reading.is_some_and(|r| !r.met) && broken.is_none() {
                broken = Some((seed.wrapping_add(i), values));
            }
            Ok::<_, SimError>(reading)
        };
        let judged = if judge.holds == Holds::Always {
            // Nothing is decided: it is counted.
            Judged::count(FRESH, &mut run)?
        } else {
            judge.judge(&mut run)?
        };
        Ok(Fresh { judged, broken })
    }

    /// The smallest case that fresh seeds confirm, or else the one that was found.
    fn confirmed(
        &self,
        path: Vec<Vec<Option<u32>>>,
        judge: &Judge,
        number: u64,
    ) -> Result<(Vec<Option<u32>>, Fresh), CheckError> {
        let mut as_found = None;
        for drawn in path.into_iter().rev() {
            let fresh = self.fresh(&drawn, judge, number)?;
            if self.property.holds == Holds::Always || fresh.judged.refuted {
                return Ok((drawn, fresh));
            }
            as_found = Some((drawn, fresh));
        }
        as_found.ok_or(CheckError::Silent)
    }

    /// The run to show: of what holds always the one that refutes it, else the first broken one of the fresh ones.
    fn telling_run(
        &self,
        drawn: &[Option<u32>],
        seed: u64,
        fresh: &Fresh,
    ) -> Result<(u64, [Option<f64>; 2]), CheckError> {
        if let Some(broken) = fresh.broken.filter(|_| self.property.holds != Holds::Always) {
            return Ok(broken);
        }
        let trial = Trial::new(self.property, drawn).map_err(|d| CheckError::NoScenario(Box::new(d)))?;
        for i in 0..self.few() {
            let Observed { reading, values, .. } = trial.run(seed.wrapping_add(i), self.watch)?;
            if reading.is_some_and(|r| !r.met) {
                return Ok((seed.wrapping_add(i), values));
            }
        }
        // Only of averages: no run need break what the mean of all breaks.
        Ok((seed, trial.run(seed, self.watch)?.values))
    }

    /// What happened, on the side that is larger than the claim says.
    fn happened(&self, drawn: &[Option<u32>], seed: u64) -> Result<Vec<String>, CheckError> {
        let larger = match self.property.claim {
            Claim::Between { op: Comparison::AtLeast | Comparison::Greater, .. } => 1,
            _ => 0,
        };
        let trial = Trial::new(self.property, drawn).map_err(|d| CheckError::NoScenario(Box::new(d)))?;
        match trial.traced(larger, seed, self.watch) {
            Some(traced) => {
                let (loaded, outcome) = traced?;
                let mut told = story(&loaded.model, &outcome);
                if let (Some(first), true) = (told.first_mut(), self.property.sides.len() > 1) {
                    *first = format!("With {}: {first}", self.property.sides[larger].name);
                }
                Ok(told)
            }
            None => Ok(Vec::new()),
        }
    }

    /// A scenario file per side, its refutation above it.
    fn files(&self, drawn: &[Option<u32>], refutation: &Refutation) -> Vec<(String, String)> {
        let property = self.property;
        let names: Vec<String> =
            (0..property.sides.len()).map(|s| format!("{}.yaml", property.scenario_name(s))).collect();
        let mut head = vec![
            format!("Refutes: {} ({}).", property.says, property.name),
            format!("Claim: {}, {}.", property.text, super::words(property.holds)),
        ];
        let figure = |(name, value): (&String, &Option<f64>)| {
            let value = value.map_or_else(|| "no value".to_owned(), |v| v.to_string());
            format!("{name}: {value}")
        };
        let figures: Vec<String> = names.iter().zip(&refutation.shrunk.values).map(figure).collect();
        head.push(format!("The claim's figure with seed {}: {}.", refutation.shrunk.seed, figures.join(", ")));
        let (broken, runs) = (refutation.fresh_broken, refutation.fresh_runs);
        head.push(format!("With other seeds the claim did not hold in {broken} of {runs} runs."));
        for draw in property.draws.iter().zip(drawn).filter_map(|(draw, value)| value.map(|_| draw)) {
            let was = if draw.default.is_empty() { "not given" } else { &draw.default };
            head.push(format!("Changed: {} (was {was}).", draw.path));
        }
        head.extend(refutation.happened.iter().cloned());
        let head = comments(&head);
        let text = |side: usize| format!("{head}{}", property.scenario_text(side, drawn, refutation.shrunk.seed));
        names.into_iter().enumerate().map(|(side, name)| (name, text(side))).collect()
    }
}

impl Judged {
    /// Counts this many runs, without deciding anything.
    fn count<E>(runs: u64, run: &mut impl FnMut(u64) -> Result<Option<super::Reading>, E>) -> Result<Judged, E> {
        let mut judged = Judged::default();
        for i in 0..runs {
            judged.add(i, run(i)?);
        }
        Ok(judged)
    }
}

/// Paragraphs as comments of a YAML file.
fn comments(texts: &[String]) -> String {
    const WIDTH: usize = 100;
    let comment = |text: &String| paragraphs(&format!("# {text}"), WIDTH, "#   ") + "\n";
    texts.iter().map(comment).collect()
}
