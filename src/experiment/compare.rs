//! Scenarios side by side over the same seeds. Where two scenarios ask for the same, run by run, their difference is
//! estimated pair by pair, which takes the luck of the draw out of it.

use std::collections::BTreeMap;

use super::replicate::{Replicates, estimates};
use crate::metrics::estimate::{paired_difference, unpaired_difference};
use crate::metrics::figures::figures;
use crate::metrics::outcome::{Estimate, MethodSummary, Summary};
use crate::output::compare::{Compared, Comparison, Difference};

/// One scenario of a comparison: its seed of run 0, and its runs.
pub struct Side<'a> {
    /// Seed of run 0.
    pub seed: u64,
    /// Its runs.
    pub runs: &'a Replicates,
}

/// Compares scenarios with the first one.
#[must_use]
pub fn compare(sides: &[Side<'_>]) -> Comparison {
    let baseline = sides.first();
    let scenarios = sides.iter().enumerate().map(|(i, side)| {
        let against = baseline.filter(|_| i > 0);
        compared(side, against)
    });
    Comparison {
        evenkeel: env!("CARGO_PKG_VERSION").to_owned(),
        runs: baseline.map_or(0, |b| b.runs.summaries.len() as u64),
        scenarios: scenarios.collect(),
    }
}

fn compared(side: &Side<'_>, baseline: Option<&Side<'_>>) -> Compared {
    let summaries = &side.runs.summaries;
    Compared {
        scenario: side.runs.first.summary.scenario.clone(),
        seed: side.seed,
        figures: comparable(estimates(summaries), &side.runs.first.summary.methods),
        difference: baseline.map(|b| difference(&b.runs.summaries, summaries)),
        verdict: side.runs.first.summary.verdict.clone(),
    }
}

fn difference(baseline: &[Summary], other: &[Summary]) -> Difference {
    let paired = baseline.len() == other.len()
        && baseline.iter().zip(other).all(|(a, b)| a.arrivals_digest == b.arrivals_digest);
    let (before, after) = (values(baseline), values(other));
    let figures = before.iter().filter_map(|(path, a)| {
        let b = after.get(path)?;
        let difference = if paired {
            paired_difference(a, b)
        } else {
            let present = |v: &[Option<f64>]| v.iter().copied().flatten().collect::<Vec<f64>>();
            unpaired_difference(&present(a), &present(b))
        };
        Some((path.clone(), difference?))
    });
    // The paths are comparable already, but for the time to balance.
    Difference { paired, figures: comparable(figures.collect(), &[]) }
}

/// Each figure's value in each run.
fn values(summaries: &[Summary]) -> BTreeMap<String, Vec<Option<f64>>> {
    let mut values: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    for figure in summaries.iter().flat_map(figures) {
        values.entry(figure.path).or_default().push(figure.value);
    }
    let methods = summaries.first().map_or(&[][..], |s| &s.methods);
    values.into_iter().map(|(path, values)| (by_name(path, methods), values)).collect()
}

/// The path of a method's figure with its client and name for its place: lists of methods differ.
fn by_name(path: String, methods: &[MethodSummary]) -> String {
    let named = |path: &str| {
        let (place, figure) = path.strip_prefix("methods.")?.split_once('.')?;
        let method = methods.get(place.parse::<usize>().ok()?)?;
        Some(format!("methods.{} {}.{figure}", method.client, method.method))
    };
    named(&path).unwrap_or(path)
}

/// Scenarios have different numbers of changes; what is compared is the time to balance after the first one.
fn comparable(figures: BTreeMap<String, Estimate>, methods: &[MethodSummary]) -> BTreeMap<String, Estimate> {
    let rename = |(path, estimate): (String, Estimate)| match path.strip_prefix("time_to_balance.") {
        Some("0.seconds") => Some(("time_to_balance_s".to_owned(), estimate)),
        Some(_) => None,
        None => Some((by_name(path, methods), estimate)),
    };
    figures.into_iter().filter_map(rename).collect()
}
