//! Scenarios side by side over the same seeds. Where two scenarios ask for the same, run by run, their difference is
//! estimated pair by pair, which takes the luck of the draw out of it.

use std::collections::BTreeMap;

use super::replicate::{Replicates, estimates};
use crate::metrics::estimate::{self, Contrast};
use crate::metrics::figures::{Better, better, figures};
use crate::metrics::outcome::{Estimate, MethodSummary, Summary};
use crate::output::compare::{Compared, Comparison, Difference};
use crate::output::findings::{Finding, Verdict};

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
        until: None,
        scenarios: scenarios.collect(),
    }
}

fn compared(side: &Side<'_>, baseline: Option<&Side<'_>>) -> Compared {
    let summaries = &side.runs.summaries;
    let methods = &side.runs.first.summary.methods;
    let named = |(path, estimate)| (by_name(path, methods), estimate);
    Compared {
        scenario: side.runs.first.summary.scenario.clone(),
        seed: side.seed,
        figures: comparable(estimates(summaries).into_iter().map(named).collect()),
        difference: baseline.map(|b| difference(&b.runs.summaries, summaries)),
        verdict: side.runs.first.summary.verdict.clone(),
    }
}

fn difference(baseline: &[Summary], other: &[Summary]) -> Difference {
    let paired = baseline.len() == other.len()
        && baseline.iter().zip(other).all(|(a, b)| a.arrivals_digest == b.arrivals_digest);
    let (before, after) = (comparable(values(baseline)), comparable(values(other)));
    let mut difference = Difference { paired, figures: BTreeMap::new(), findings: BTreeMap::new() };
    for (path, a) in &before {
        let Some(b) = after.get(path) else { continue };
        let contrast = if paired {
            estimate::paired(a, b)
        } else {
            let present = |v: &[Option<f64>]| v.iter().copied().flatten().collect::<Vec<f64>>();
            estimate::unpaired(&present(a), &present(b))
        };
        if let Some(contrast) = contrast {
            difference.figures.insert(path.clone(), contrast.estimate);
        }
        if baseline.len() > 1 && a.iter().chain(b).any(Option::is_some) {
            let whole = a.iter().chain(b).all(Option::is_some);
            difference.findings.insert(path.clone(), finding(path, contrast.filter(|_| whole), paired));
        }
    }
    difference
}

/// What a difference says; without one, that nothing is compared.
fn finding(path: &str, contrast: Option<Contrast>, paired: bool) -> Finding {
    let Some(contrast) = contrast else {
        return Finding { verdict: Verdict::NotCompared, runs_to_show: None, variance_ratio: None };
    };
    let Estimate { mean, lo, hi, .. } = contrast.estimate;
    let verdict = match better(path) {
        _ if mean == 0.0 && contrast.variance == 0.0 => Verdict::Equal,
        _ if lo <= 0.0 && hi >= 0.0 => Verdict::NotShown,
        Better::Lower if mean < 0.0 => Verdict::Better,
        Better::Higher if mean > 0.0 => Verdict::Better,
        _ => Verdict::Worse,
    };
    let ratio = contrast.variance / contrast.unpaired_variance;
    Finding {
        verdict,
        runs_to_show: if verdict == Verdict::NotShown { contrast.runs_to_show() } else { None },
        variance_ratio: Some(ratio).filter(|r| paired && r.is_finite()),
    }
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
pub(super) fn by_name(path: String, methods: &[MethodSummary]) -> String {
    let named = |path: &str| {
        let (place, figure) = path.strip_prefix("methods.")?.split_once('.')?;
        let method = methods.get(place.parse::<usize>().ok()?)?;
        Some(format!("methods.{} {}.{figure}", method.client, method.method))
    };
    named(&path).unwrap_or(path)
}

/// Scenarios have different numbers of changes; what is compared is the time to balance after the first one.
pub(super) fn comparable<T>(figures: BTreeMap<String, T>) -> BTreeMap<String, T> {
    let rename = |(path, value): (String, T)| match path.strip_prefix("time_to_balance.") {
        Some("0.seconds") => Some(("time_to_balance_s".to_owned(), value)),
        Some(_) => None,
        None => Some((path, value)),
    };
    figures.into_iter().filter_map(rename).collect()
}
