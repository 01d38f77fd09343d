//! The files of a comparison.

use std::io::{self, Write};

use super::markdown;
use crate::experiment::PodShares;
use crate::experiment::compare::{Comparison, Finding};
use crate::metrics::outcome::Estimate;
use crate::output::csv::{RATIO, fixed, or_empty};
use crate::output::files::FileSet;
use crate::output::plot::{LAST_PHASE, small_multiples};
use crate::output::{OutputError, add_figures, json};

/// Writes `compare.csv`: a row per scenario and figure; the difference's fields are empty for a baseline.
///
/// # Errors
/// Those of the writer.
pub fn csv(comparison: &Comparison, to: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    let estimate = ["mean", "lo", "hi", "n", "median", "least", "most"];
    let columns = ["load", "scenario", "figure"].map(str::to_owned).into_iter().chain(estimate.map(str::to_owned));
    let differences = estimate.map(|name| format!("difference_{name}"));
    let findings = ["verdict", "size", "runs_to_show", "variance_ratio"].map(str::to_owned);
    csv.write_record(columns.chain(differences).chain(findings))?;
    for scenario in &comparison.scenarios {
        for (figure, estimate) in &scenario.figures {
            let difference = scenario.difference.as_ref();
            let estimated = difference.and_then(|d| d.figures.get(figure));
            let finding = difference.and_then(|d| d.findings.get(figure));
            let mut row = vec![scenario.load.to_string(), scenario.scenario.clone(), figure.clone()];
            row.extend(estimate_fields(estimate));
            row.extend(estimated.map_or_else(<[String; 7]>::default, estimate_fields));
            row.extend(finding.map_or_else(<[String; 4]>::default, finding_fields));
            csv.write_record(row)?;
        }
    }
    csv.flush()
}

fn estimate_fields(e: &Estimate) -> [String; 7] {
    let Estimate { mean, lo, hi, n, spread } = *e;
    let of = |part: Option<f64>| or_empty(part, RATIO);
    let (median, least, most) = (spread.map(|s| s.median), spread.map(|s| s.least), spread.map(|s| s.most));
    [fixed(mean, RATIO), fixed(lo, RATIO), fixed(hi, RATIO), n.to_string(), of(median), of(least), of(most)]
}

fn finding_fields(f: &Finding) -> [String; 4] {
    let runs = f.runs_to_show.map_or_else(String::new, |n| n.to_string());
    [f.verdict.word().to_owned(), fixed(f.size, RATIO), runs, or_empty(f.variance_ratio, RATIO)]
}

/// Adds all files of a comparison to a set: `compare.csv`, `.md`, `.svg`, `.png`, and `.json` last.
///
/// # Errors
/// If a file cannot be written.
pub fn add_files(set: &mut FileSet, comparison: &Comparison, png: bool) -> Result<(), OutputError> {
    set.add("compare.csv", |w| csv(comparison, w))?;
    set.add("compare.md", |w| w.write_all(markdown(comparison).as_bytes()))?;
    let shares = comparison.scenarios.iter().map(|s| PodShares {
        scenario: s.scenario.clone(),
        pods: s.shares.iter().map(|pod| (pod.pod.clone(), pod.share)).collect(),
    });
    let figure = small_multiples("Which pod gets the traffic?", LAST_PHASE, &shares.collect::<Vec<_>>());
    add_figures(set, &[("compare", figure)], true, png)?;
    set.add("compare.json", |w| json::pretty(comparison, w))
}
