//! The runs that show what a finding costs, and what its fix is worth.

use rayon::prelude::*;
use serde::Serialize;

use super::Finding;
use super::facts::{capacity, peak};
use super::figures::{Figure, WATCHED};
use crate::experiment::{self, Watch};
use crate::metrics::outcome::Summary;
use crate::model::{Load, Model};
use crate::scenario::Loaded;
use crate::scenario::document::Document;
use crate::sim::SimError;

/// Seeds of the runs: the scenario's and those after it. With eight, chance makes seven or all of them better in 3.5 % of the cases.
const RUNS: u64 = 8;
/// Fewer runs show nothing: chance makes all of four better in 6 % of the cases.
const FEWEST: u64 = 5;
/// Calls of the runs without the fix, and of those with it, up to which there are as many runs as they allow.
const CALLS: f64 = 1e6;
/// Calls of one run, up to which it is a short simulation.
const MOST_CALLS: f64 = 1e6;
/// What chance alone would make better or worse in this many runs, or more, in this part of the cases is a difference.
const LEVEL: f64 = 0.05;
/// A difference of less than this part of the larger value is of no practical size.
const SIZE: f64 = 0.05;

/// What a finding costs, and what its fix is worth: runs without and with the fix, over the same seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    /// The seed of the first run; those of the others count up from it.
    pub seed: u64,
    /// Runs without the fix; there are as many with it.
    pub runs: u64,
    /// `--set`s that made the scenario a short experiment; none: the scenario itself.
    pub probe: Vec<String>,
    /// The rule's figures.
    pub figures: Vec<Shown>,
    /// Other figures that the fix makes worse.
    pub price: Vec<Shown>,
    /// Why there are no figures; empty if there are.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub missing: String,
}

/// A figure over the runs: the mean; of quantiles of latency, the median.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// Its name.
    pub name: &'static str,
    /// As the scenario is.
    pub without: Option<f64>,
    /// With the fix.
    pub with: Option<f64>,
    /// Runs in which the fix makes it better.
    pub better: u64,
    /// Runs in which the fix makes it worse.
    pub worse: u64,
}

impl Shown {
    fn of(figure: &Figure, runs: &[(Summary, Summary)]) -> Shown {
        let values: Vec<_> = runs.iter().map(|(a, b)| (figure.of(a), figure.of(b))).collect();
        let sign = if figure.more_is_better { -1.0 } else { 1.0 };
        let count = |sign: f64| {
            let so = |pair: &&(Option<f64>, Option<f64>)| matches!(pair, (Some(a), Some(b)) if sign * (a - b) > 0.0);
            values.iter().filter(so).count() as u64
        };
        Shown {
            name: figure.name,
            without: figure.over(values.iter().filter_map(|v| v.0).collect()),
            with: figure.over(values.iter().filter_map(|v| v.1).collect()),
            better: count(sign),
            worse: count(-sign),
        }
    }

    /// True if the runs show that the fix makes it better.
    #[must_use]
    pub fn is_better(&self) -> bool {
        is_more_often(self.better, self.worse)
    }

    /// True if the runs show that the fix makes it worse, and by an amount that matters.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        let size = match (self.without, self.with) {
            (Some(a), Some(b)) => (a - b).abs() >= SIZE * a.abs().max(b.abs()),
            _ => false,
        };
        size && is_more_often(self.worse, self.better)
    }
}

/// A sign test, of one side: whether fair coins would show `often` heads or more, of both together, in [`LEVEL`] of the cases at most.
fn is_more_often(often: u64, seldom: u64) -> bool {
    let n = often + seldom;
    let sets = |k: u64| (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product::<f64>();
    let tail: f64 = (0..=seldom).map(sets).sum();
    n > 0 && tail / 2f64.powi(n as i32) <= LEVEL
}

/// Runs a finding's experiment without and with its fix, over several seeds.
///
/// # Errors
/// If a run cannot finish, or `watch` stopped it.
pub fn evidence(document: &Document, finding: &Finding, watch: Option<Watch<'_>>) -> Result<Evidence, SimError> {
    let none = Evidence {
        seed: 0,
        runs: 0,
        probe: Vec::new(),
        figures: Vec::new(),
        price: Vec::new(),
        missing: String::new(),
    };
    let missing = |why: &str| Ok(Evidence { missing: why.to_owned(), ..none.clone() });
    let Some((without, with, probe)) = experiment(document, finding) else {
        return missing("the fix does not go with other settings of the scenario");
    };
    let calls = calls(&without.model).max(calls(&with.model));
    if calls > MOST_CALLS {
        return missing(&format!("a run has about {:.1} million calls; use `compare --runs {FEWEST}`", calls / 1e6));
    }
    let runs = ((CALLS / calls.max(1.0)) as u64).clamp(FEWEST, RUNS);
    let seed = without.model.seed;
    let summary = |loaded: &Loaded, seed| -> Result<Summary, SimError> {
        Ok(experiment::run(loaded, seed, false, watch)?.summary)
    };
    let pair = |i: u64| {
        let seed = seed.wrapping_add(i);
        let (a, b) = rayon::join(|| summary(&without, seed), || summary(&with, seed));
        Ok((a?, b?))
    };
    let pairs = (0..runs).into_par_iter().map(pair).collect::<Result<Vec<_>, SimError>>()?;
    let figures: Vec<Shown> = finding.rule.figures.iter().map(|figure| Shown::of(figure, &pairs)).collect();
    let others = WATCHED.iter().filter(|figure| figures.iter().all(|shown| shown.name != figure.name));
    let price = others.map(|figure| Shown::of(figure, &pairs)).filter(Shown::is_worse).collect();
    Ok(Evidence { seed, runs, probe, figures, price, missing: String::new() })
}

/// The scenario of a finding's experiment without and with its fix, and the `--set`s that make it.
fn experiment(document: &Document, finding: &Finding) -> Option<(Loaded, Loaded, Vec<String>)> {
    let pair = |probe: &[String]| {
        let with: Vec<String> = probe.iter().chain(&finding.fix).cloned().collect();
        Some((document.load(probe).ok()?, document.load(&with).ok()?))
    };
    if let Some((without, with)) = pair(&finding.probe) {
        return Some((without, with, finding.probe.clone()));
    }
    // A probe that does not fit the scenario (a client that starts late, say) gives way to the scenario itself; but there workers whose
    // calls fail at once would call, and fail, as fast as the network is.
    let (without, with) = pair(&[])?;
    let spins = without.model.clients.iter().any(|c| matches!(c.load, Load::Closed(_)));
    (!spins).then(|| (without, with, Vec::new()))
}

/// About how many calls a run has.
fn calls(model: &Model) -> f64 {
    let seconds = model.duration.map_or(f64::INFINITY, |d| d.as_secs_f64());
    let most: f64 = model.servers.iter().map(|s| capacity(model, s) * f64::from(s.replicas)).sum();
    let of = |client: &crate::model::Client| match &client.load {
        Load::Closed(closed) => {
            let each = model.servers.iter().map(|s| s.service_time.mean()).fold(0.0, f64::max);
            let rate = most.min(f64::from(closed.concurrency) / (each + model.cluster.rtt.as_secs_f64()).max(1e-6));
            (rate * seconds).min(closed.requests.map_or(f64::INFINITY, |n| n as f64))
        }
        Load::Streams(streams) => {
            let messages =
                streams.messages.map_or(0.0, |m| streams.duration.mean().min(seconds) / m.interval.as_secs_f64());
            let rate = streams.rate.points.iter().map(|p| p.1).fold(0.0, f64::max);
            rate * seconds * (1.0 + messages)
        }
        _ => peak(client).unwrap_or(0.0) * seconds,
    };
    model.clients.iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_makes_seven_of_eight_better_in_less_than_one_case_of_twenty() {
        assert!(is_more_often(7, 1) && is_more_often(5, 0));
        assert!(!is_more_often(6, 2) && !is_more_often(4, 0) && !is_more_often(0, 0));
    }

    #[test]
    fn a_difference_that_matters_is_neither_chance_nor_small() {
        let shown =
            |without, with, worse| Shown { name: "a", without: Some(without), with: Some(with), better: 0, worse };
        assert!(shown(1.64, 1.87, 8).is_worse());
        assert!(!shown(1.64, 1.65, 8).is_worse(), "less than 5 %");
        assert!(!shown(1.64, 1.87, 4).is_worse(), "four of four are chance in 6 % of the cases");
    }
}
