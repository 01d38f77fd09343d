//! Scenarios side by side: what `compare` prints and writes. The experiment fills a [`Comparison`]; nothing is computed here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::csv::{RATIO, fixed, or_empty};
use super::files::FileSet;
use super::findings::{self, Finding};
use super::format::{middle_cut, short, trimmed};
use super::plot::{LAST_PHASE, PodShares, small_multiples};
use super::style::{Style, padded, paragraphs};
use super::{OutputError, add_figures, json, markdown, methods};
use crate::metrics::outcome::Estimate;

/// `compare.json`: the same seeds through several scenarios.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Version of evenkeel.
    pub evenkeel: String,
    /// How many runs each scenario had.
    pub runs: u64,
    /// What the runs went on for, and whether it was reached; absent if their number was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Reached>,
    /// The baseline, then the others in the order given.
    pub scenarios: Vec<Compared>,
}

/// `--until`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reached {
    /// As written.
    pub text: String,
    /// True if the figure is known so well in each scenario.
    pub reached: bool,
}

/// One scenario of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// Its name.
    pub scenario: String,
    /// Seed of its run 0; run `i` has the seed + i.
    pub seed: u64,
    /// Each figure by its path in the summary (`skew.max_over_mean`); figures without a value in every run are left out.
    pub figures: BTreeMap<String, Estimate>,
    /// How it differs from the baseline; absent for the baseline itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// The verdict of its run 0.
    pub verdict: String,
}

/// This scenario minus the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// True if both had the same arrivals in every run, so that runs are compared pair by pair.
    pub paired: bool,
    /// The mean difference of each figure.
    pub figures: BTreeMap<String, Estimate>,
    /// What that says of each figure; empty with a single run.
    pub findings: BTreeMap<String, Finding>,
}

/// The figures of the tables: path in the summary, heading.
pub(super) const COLUMNS: [(&str, &str); 9] = [
    ("skew.max_over_mean", "max/mean"),
    ("skew.effective_pods", "effpods"),
    ("skew.usable_capacity", "usable"),
    ("skew.idle_pods", "idle"),
    ("throughput_rps", "calls/s"),
    ("latency_ms.p99", "p99 ms"),
    ("requests.failed", "errors"),
    ("time_to_balance_s", "balance"),
    ("reconnects_per_s", "recon/s"),
];

pub(super) const LEGEND: &str = "max/mean: load of the busiest pod over the mean; effpods: pods that the traffic behaves as if it had; \
                      usable: part of the fleet's capacity before the busiest pod is full; idle: pods without a request; \
                      balance: seconds from the change to even load; -: no value; in 3/5: three of five runs have one.";

/// The tables for a terminal.
#[must_use]
pub fn render(comparison: &Comparison, style: &Style) -> String {
    let mut out = String::new();
    let names = comparison.scenarios.iter().map(|s| s.scenario.chars().count()).max().unwrap_or(0);
    let name = names.clamp(8, style.columns() - CELLS);
    let _ = writeln!(out, "{}\n{}", style.strong(&title(comparison)), style.strong(&heading(name)));
    for scenario in &comparison.scenarios {
        rows(&mut out, name, &scenario.scenario, (&paths(), &scenario.figures), comparison.runs, false, style);
    }
    let _ = writeln!(out, "{}", style.faint(&paragraphs(LEGEND, style.columns(), "")));
    differences(&mut out, comparison, name, style);
    findings::render(&mut out, comparison, style);
    methods::compared(&mut out, comparison, style);
    if comparison.runs > 1 && comparison.scenarios.iter().any(|s| !s.verdict.is_empty()) {
        let seed = comparison.scenarios.first().map_or(0, |s| s.seed);
        let _ = writeln!(out, "\n{}", style.strong(&format!("what happened in run 0 (seed {seed}) of each")));
    }
    for scenario in comparison.scenarios.iter().filter(|s| !s.verdict.is_empty()) {
        let text = paragraphs(&format!("{}: {}", scenario.scenario, scenario.verdict), style.columns(), "  ");
        let _ = writeln!(out, "\n{text}");
    }
    style.shown(out)
}

/// How many, and which one the others are compared with.
fn title(comparison: &Comparison) -> String {
    let count = |n: u64, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let (scenarios, runs) = (count(comparison.scenarios.len() as u64, "scenario"), count(comparison.runs, "run"));
    let until = comparison
        .until
        .as_ref()
        .map_or(String::new(), |until| format!(" ({}{})", until.text, if until.reached { "" } else { " not reached" }));
    match &comparison.scenarios[..] {
        [baseline, _, ..] => format!("{scenarios}, {runs} each{until}; baseline: {}", baseline.scenario),
        _ => format!("{scenarios}, {runs}{until}"),
    }
}

/// Width of a figure's column.
const CELL: usize = 8;
/// Width of all of them.
pub(super) const CELLS: usize = CELL * COLUMNS.len();

pub(super) fn paths() -> [&'static str; COLUMNS.len()] {
    COLUMNS.map(|c| c.0)
}

pub(super) fn heading(name: usize) -> String {
    let mut line = padded("", name);
    for (_, heading) in COLUMNS {
        let _ = write!(line, "{heading:>CELL$}");
    }
    line
}

/// A line of values and, if there were several runs, one of the half widths of their confidence intervals.
pub(super) fn rows(
    out: &mut String,
    name: usize,
    scenario: &str,
    (columns, figures): (&[&str], &BTreeMap<String, Estimate>),
    runs: u64,
    signed: bool,
    style: &Style,
) {
    let mut values = padded(&middle_cut(scenario, name), name);
    let mut intervals = padded("", name);
    for path in columns {
        let estimate = figures.get(*path);
        let value = estimate.map_or_else(|| "-".into(), |e| value(path, e, signed));
        let interval = estimate.and_then(|e| below(path, e, runs));
        // A space in any case: a small difference with sign and star fills the whole column.
        let _ = write!(values, " {value:>0$}", CELL - 1);
        let _ = write!(intervals, " {:>1$}", interval.unwrap_or_default(), CELL - 1);
    }
    let _ = writeln!(out, "{values}");
    if !intervals.trim().is_empty() {
        let _ = writeln!(out, "{}", style.faint(intervals.trim_end()));
    }
}

/// What stands below a value: half of its interval, or in how many of the runs there was one (a rollout that never came to
/// balance has no time to balance, and the mean of the others says little).
fn below(path: &str, estimate: &Estimate, runs: u64) -> Option<String> {
    match estimate.n {
        n if n < runs => Some(format!("in {n}/{runs}")),
        0 | 1 => None,
        _ => Some(interval(path, estimate)),
    }
}

/// `±half`, or both ends of an interval that zero has cut: it is not symmetric.
fn interval(path: &str, e: &Estimate) -> String {
    let (below, above) = (e.mean - e.lo, e.hi - e.mean);
    if e.lo == 0.0 && above - below > 1e-9 * above {
        format!("0–{}", shown(path, e.hi))
    } else {
        format!("±{}", shown(path, above))
    }
}

/// A figure in at most seven characters, sign and star included.
pub(super) fn shown(path: &str, x: f64) -> String {
    match x.abs() {
        _ if path == "skew.usable_capacity" => format!("{}%", trimmed(x * 100.0, 0)),
        a if a >= 1e6 => format!("{}M", short(x / 1e6)),
        a if a >= 1e4 => format!("{}k", short(x / 1e3)),
        _ => short(x),
    }
}

/// The mean; of a difference with its sign, and a star if its interval is on one side of zero.
fn value(path: &str, estimate: &Estimate, signed: bool) -> String {
    let text = shown(path, estimate.mean);
    if !signed {
        return text;
    }
    let plus = if estimate.mean > 0.0 && !matches!(text.as_str(), "0" | "0%") { "+" } else { "" };
    let star = if is_clear(estimate) { "*" } else { "" };
    format!("{plus}{text}{star}")
}

/// True if the 95 % confidence interval does not contain zero.
fn is_clear(difference: &Estimate) -> bool {
    difference.n > 1 && (difference.lo > 0.0 || difference.hi < 0.0)
}

fn differences(out: &mut String, comparison: &Comparison, name: usize, style: &Style) {
    let Some(baseline) = comparison.scenarios.first() else { return };
    let others: Vec<(&Compared, &Difference)> =
        comparison.scenarios.iter().filter_map(|s| Some((s, s.difference.as_ref()?))).collect();
    if others.is_empty() {
        return;
    }
    let title = format!("difference to {}", baseline.scenario);
    let _ = writeln!(out, "\n{}\n{}", style.strong(&title), style.strong(&heading(name)));
    for (scenario, difference) in &others {
        rows(out, name, &scenario.scenario, (&paths(), &difference.figures), comparison.runs, true, style);
    }
    let unpaired: Vec<&str> = others.iter().filter(|(_, d)| !d.paired).map(|(s, _)| s.scenario.as_str()).collect();
    let mut note =
        "± is half of the 95 % confidence interval, 0–x all of it where zero cuts it; * marks a difference whose interval excludes zero.".to_owned();
    if unpaired.len() == others.len() {
        note.push_str(" Unpaired: the arrivals differ.");
    } else if unpaired.is_empty() {
        note.push_str(" Paired: both had the same arrivals in every run.");
    } else {
        let _ = write!(note, " Paired by equal arrivals, except (unpaired): {}.", unpaired.join(", "));
    }
    let _ = writeln!(out, "{}", style.faint(&paragraphs(&note, style.columns(), "")));
}

/// The headings of a table in Markdown.
pub(super) fn markdown_headings(first: &'static str) -> Vec<&'static str> {
    std::iter::once(first).chain(COLUMNS.iter().map(|c| c.1)).collect()
}

/// A row of it.
pub(super) fn markdown_cells(name: &str, figures: &BTreeMap<String, Estimate>, signed: bool) -> Vec<String> {
    let cell = |path: &str| match figures.get(path) {
        Some(e) if e.n > 1 => format!("{} {}", value(path, e, signed), interval(path, e)),
        Some(e) => value(path, e, signed),
        None => "-".into(),
    };
    std::iter::once(markdown::outside(name)).chain(COLUMNS.iter().map(|c| cell(c.0))).collect()
}

/// The same as Markdown.
#[must_use]
pub fn markdown(comparison: &Comparison) -> String {
    let mut out = format!("## {}\n\n", markdown::outside(&title(comparison)));
    let headings = markdown_headings("scenario");
    let all = comparison.scenarios.iter().map(|s| markdown_cells(&s.scenario, &s.figures, false));
    markdown::table(&mut out, &headings, all);
    let _ = writeln!(out, "{LEGEND}\n");
    let differing = comparison.scenarios.iter().filter_map(|s| Some((s, s.difference.as_ref()?)));
    let rows: Vec<Vec<String>> = differing
        .map(|(s, d)| {
            let name = if d.paired { s.scenario.clone() } else { format!("{} (unpaired)", s.scenario) };
            markdown_cells(&name, &d.figures, true)
        })
        .collect();
    if let (Some(baseline), false) = (comparison.scenarios.first(), rows.is_empty()) {
        let _ = writeln!(out, "### Difference to {}\n", markdown::outside(&baseline.scenario));
        markdown::table(&mut out, &headings, rows.into_iter());
        out.push_str(
            "±: half of the 95 % confidence interval, 0–x: all of it, cut by zero; *: the interval excludes zero.\n",
        );
        findings::markdown(&mut out, comparison);
    }
    out
}

/// Writes `compare.csv`: a row per scenario and figure; the difference's fields are empty for the baseline.
///
/// # Errors
/// Those of the writer.
pub fn csv(comparison: &Comparison, to: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record([
        "scenario",
        "figure",
        "mean",
        "lo",
        "hi",
        "n",
        "paired",
        "difference_mean",
        "difference_lo",
        "difference_hi",
        "difference_n",
        "verdict",
        "runs_to_show",
        "variance_ratio",
    ])?;
    for scenario in &comparison.scenarios {
        for (figure, estimate) in &scenario.figures {
            let difference = scenario.difference.as_ref();
            let estimated = difference.and_then(|d| Some((d.paired, d.figures.get(figure)?)));
            let finding = difference.and_then(|d| d.findings.get(figure));
            let mut row = vec![scenario.scenario.clone(), figure.clone()];
            row.extend(estimate_fields(estimate));
            row.push(estimated.map_or_else(String::new, |(paired, _)| paired.to_string()));
            row.extend(estimated.map_or_else(<[String; 4]>::default, |(_, d)| estimate_fields(d)));
            row.extend(finding.map_or_else(<[String; 3]>::default, finding_fields));
            csv.write_record(row)?;
        }
    }
    csv.flush()
}

fn estimate_fields(e: &Estimate) -> [String; 4] {
    let Estimate { mean, lo, hi, n } = *e;
    [fixed(mean, RATIO), fixed(lo, RATIO), fixed(hi, RATIO), n.to_string()]
}

fn finding_fields(f: &Finding) -> [String; 3] {
    let runs = f.runs_to_show.map_or_else(String::new, |n| n.to_string());
    [f.verdict.word().to_owned(), runs, or_empty(f.variance_ratio, RATIO)]
}

/// Adds all files of a comparison to a set: `compare.csv`, `.md`, `.svg`, `.png`, and `.json` last. `shares` has an entry per
/// scenario, from [`pod_shares`](super::plot::pod_shares) of its run 0.
///
/// # Errors
/// If a file cannot be written.
pub fn add_files(
    set: &mut FileSet,
    comparison: &Comparison,
    shares: &[PodShares],
    png: bool,
) -> Result<(), OutputError> {
    set.add("compare.csv", |w| csv(comparison, w))?;
    set.add("compare.md", |w| w.write_all(markdown(comparison).as_bytes()))?;
    let figure = small_multiples("Which pod gets the traffic?", LAST_PHASE, shares);
    add_figures(set, &[("compare", figure)], true, png)?;
    set.add("compare.json", |w| json::pretty(comparison, w))
}

#[cfg(test)]
mod tests;
