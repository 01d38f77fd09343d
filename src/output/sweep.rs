//! A sweep: a grid of cells, each run over the same seeds. What a cell's file holds, and the results over all cells.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::csv::{RATIO, fixed, or_empty};
use super::files::FileSet;
use super::plot::over_values;
use super::style::{Style, paragraphs};
use super::{OutputError, add_figures, compare, json, markdown, sealed};
use crate::metrics::figures::ALWAYS;
use crate::metrics::outcome::Estimate;
use crate::scenario::vary::Grid;

/// What a sweep is: two shards belong together, and a sweep is resumed, only if all of this is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Version of evenkeel.
    pub evenkeel: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of what the scenario of cell 0 means.
    pub scenario_hash: String,
    /// Hash of the scenario as it is written, with what `--set` says.
    pub inputs: String,
    /// Seed of run 0 of every cell; run `i` has the seed + i.
    pub seed: u64,
    /// Runs of each cell.
    pub runs: u64,
    /// What is varied; cells are numbered from 0, the last axis turning fastest.
    pub axes: Grid,
}

impl Plan {
    /// 16 hexadecimal digits that stand for all of it.
    #[must_use]
    pub fn digest(&self) -> String {
        // A plan is plain data, which always has a JSON form.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        sealed::checksum(&bytes)
    }

    /// What no plan says, in words; `None` if nothing is wrong. Nothing of a plan is used before.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if let Err(why) = self.axes.check() {
            return Some(why);
        }
        let no_hash = [&self.scenario_hash, &self.inputs].into_iter().find(|hash| !is_hash(hash));
        match no_hash {
            Some(text) => Some(format!("{text:?} is no hash")),
            None if !(1..=MOST_RUNS).contains(&self.runs) => Some(format!("{} is no number of runs", self.runs)),
            None => None,
        }
    }
}

/// The most runs of a cell.
pub const MOST_RUNS: u64 = 100_000;

/// 16 hexadecimal digits.
fn is_hash(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The file of one finished cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Its number.
    pub cell: u64,
    /// [`Plan::digest`] of the sweep that it is of.
    pub plan: String,
    /// Hash of what its scenario means.
    pub scenario_hash: String,
    /// Hash of each CSV file that its scenario names, by the path that is written there.
    pub files: BTreeMap<String, String>,
    /// Its figures: each one's column in `runs.csv`, and its path in the summary (of a method's, with names for numbers).
    pub figures: Vec<(String, String)>,
    /// Its runs, in order.
    pub runs: Vec<CellRun>,
}

impl Cell {
    /// Why this is not cell `number` of a sweep, in words; `None` if it is.
    #[must_use]
    pub fn problem(&self, plan: &Plan, number: u64) -> Option<String> {
        if self.plan != plan.digest() {
            return Some("it is of another sweep".to_owned());
        }
        if self.cell != number || number >= plan.axes.cells() {
            return Some(format!("it holds cell {}", self.cell));
        }
        let columns: Vec<&str> = self.figures.iter().map(|(column, _)| column.as_str()).collect();
        let always = ALWAYS.iter().map(|(column, _, _)| *column);
        if !always.eq(columns.iter().copied().take(ALWAYS.len())) {
            return Some("it lacks figures that every run has".to_owned());
        }
        if columns.iter().collect::<BTreeSet<_>>().len() < columns.len() {
            return Some("it has a figure twice".to_owned());
        }
        if self.runs.len() as u64 != plan.runs {
            return Some(format!("it has {} runs, and the sweep has {} of each cell", self.runs.len(), plan.runs));
        }
        let hashes = self.files.values().chain([&self.scenario_hash]).map(String::as_str);
        let digests = self.runs.iter().map(|run| run.digest.strip_prefix("v1:").unwrap_or_default());
        if !hashes.chain(digests).all(is_hash) {
            return Some("a hash in it is none".to_owned());
        }
        let seeds = (0..plan.runs).map(|i| plan.seed.wrapping_add(i));
        if !self.runs.iter().map(|run| run.seed).eq(seeds) {
            return Some("its seeds are not those of the sweep".to_owned());
        }
        let incomplete = self.runs.iter().find(|run| run.values.len() != columns.len());
        incomplete
            .map(|run| format!("the run with seed {} has {} values of {}", run.seed, run.values.len(), columns.len()))
    }
}

/// One run of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellRun {
    /// Its seed.
    pub seed: u64,
    /// Digest of its events.
    pub digest: String,
    /// Expectations of the scenario that it does not meet.
    pub unmet: u64,
    /// The value of each figure; `null` if it has none.
    pub values: Vec<Option<f64>>,
}

/// `sweep.json`: what was varied, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// What was varied.
    pub plan: Plan,
    /// The cells, from number 0.
    pub cells: Vec<CellResult>,
}

/// The means of a cell over its runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CellResult {
    /// Its number.
    pub cell: u64,
    /// The value of each axis.
    pub values: Vec<String>,
    /// Hash of what its scenario means.
    pub scenario_hash: String,
    /// Runs that do not meet all expectations of the scenario.
    pub unmet_runs: u64,
    /// Each figure that has a value in some run, by its path as in `compare.json`.
    pub figures: BTreeMap<String, Estimate>,
}

/// More cells than this are not printed.
const MOST_PRINTED: usize = 60;

/// The table for a terminal.
#[must_use]
pub fn render(sweep: &Sweep, style: &Style) -> String {
    let labels: Vec<String> = sweep.cells.iter().map(label).collect();
    let shown = labels.iter().take(MOST_PRINTED).map(|l| l.chars().count()).max().unwrap_or(0);
    let name = shown.clamp(8, style.columns().saturating_sub(compare::CELLS).max(8));
    let mut out =
        format!("{}\n{}\n", style.strong(&title(sweep)), style.strong(&compare::heading("", name, &compare::COLUMNS)));
    for (cell, label) in sweep.cells.iter().zip(&labels).take(MOST_PRINTED) {
        let figures = (&compare::paths()[..], &cell.figures);
        compare::rows(&mut out, (label, name), figures, sweep.plan.runs, None, style);
    }
    for note in notes(sweep) {
        let _ = writeln!(out, "{}", paragraphs(&note, style.columns(), ""));
    }
    let _ = writeln!(out, "{}", style.faint(&paragraphs(compare::LEGEND, style.columns(), "")));
    style.shown(out)
}

/// The same as Markdown.
#[must_use]
pub fn markdown(sweep: &Sweep) -> String {
    let mut out = format!("## {}\n\n", markdown::outside(&title(sweep)));
    let cells = sweep.cells.iter().take(MOST_PRINTED);
    let rows = cells.map(|c| compare::markdown_cells(&[&label(c)], (&compare::paths(), &c.figures), None));
    markdown::table(&mut out, &compare::markdown_headings(&["cell"], &compare::COLUMNS), rows);
    for note in notes(sweep) {
        let _ = writeln!(out, "{note}\n");
    }
    let _ = writeln!(out, "{}", compare::LEGEND);
    out
}

fn title(sweep: &Sweep) -> String {
    let Plan { scenario, runs, seed, .. } = &sweep.plan;
    let count = |n: u64, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let (cells, runs) = (count(sweep.cells.len() as u64, "cell"), count(*runs, "run"));
    let axes = &sweep.plan.axes;
    let varied: Vec<&str> = axes.axes.iter().map(|axis| axes.short(axis)).collect();
    format!("{scenario}: {cells} of {}; {runs} each, seeds from {seed}", varied.join(" × "))
}

/// The number of a cell and its values.
fn label(cell: &CellResult) -> String {
    format!("{}: {}", cell.cell, cell.values.join(" "))
}

fn notes(sweep: &Sweep) -> Vec<String> {
    let mut notes = Vec::new();
    let more = sweep.cells.len().saturating_sub(MOST_PRINTED);
    if more > 0 {
        notes.push(format!("{more} more cells are in sweep.csv."));
    }
    let unmet = sweep.cells.iter().filter(|c| c.unmet_runs > 0).count();
    if unmet > 0 {
        notes.push(format!(
            "In {unmet} cells some run does not meet all that the scenario expects (unmet_runs in sweep.json)."
        ));
    }
    notes
}

/// Writes `sweep.csv`: a row per cell and figure.
///
/// # Errors
/// Those of the writer.
pub fn csv(sweep: &Sweep, to: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(columns(&sweep.plan, &["figure", "mean", "lo", "hi", "n"]))?;
    for cell in &sweep.cells {
        for (path, Estimate { mean, lo, hi, n, .. }) in &cell.figures {
            let mut row = vec![cell.cell.to_string()];
            row.extend(cell.values.iter().cloned());
            row.push(path.clone());
            row.extend([mean, lo, hi].map(|x| fixed(*x, RATIO)));
            row.push(n.to_string());
            csv.write_record(row)?;
        }
    }
    csv.flush()
}

/// Writes `sweep_runs.csv`: a row per cell and run, with a column for every figure that some cell has.
///
/// # Errors
/// Those of the writer.
pub fn runs_csv(plan: &Plan, cells: &[Cell], to: impl Write) -> io::Result<()> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in cells.iter().flat_map(|c| &c.figures) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(columns(plan, &[&["run", "seed", "digest", "expectations_unmet"][..], &names].concat()))?;
    for cell in cells {
        let places: Vec<Option<usize>> = names.iter().map(|n| cell.figures.iter().position(|f| f.0 == *n)).collect();
        for (i, run) in cell.runs.iter().enumerate() {
            let mut row = vec![cell.cell.to_string()];
            row.extend(plan.axes.values(cell.cell).into_iter().map(str::to_owned));
            row.extend([i.to_string(), run.seed.to_string(), run.digest.clone(), run.unmet.to_string()]);
            row.extend(places.iter().map(|at| or_empty(at.and_then(|at| *run.values.get(at)?), RATIO)));
            csv.write_record(row)?;
        }
    }
    csv.flush()
}

/// `cell`, the path of each axis, and what follows.
fn columns(plan: &Plan, others: &[&str]) -> Vec<String> {
    let axes = plan.axes.axes.iter().map(|axis| axis.path.clone());
    std::iter::once("cell".to_owned()).chain(axes).chain(others.iter().map(|o| (*o).to_owned())).collect()
}

/// Adds all files of a sweep to a set: `sweep.csv`, `sweep_runs.csv`, the picture if one or two paths are varied, and `sweep.json`.
///
/// # Errors
/// If a file cannot be written.
pub fn add_files(set: &mut FileSet, sweep: &Sweep, cells: &[Cell], png: bool) -> Result<(), OutputError> {
    set.add("sweep.csv", |w| csv(sweep, w))?;
    set.add("sweep_runs.csv", |w| runs_csv(&sweep.plan, cells, w))?;
    if let Some(figure) = over_values(sweep) {
        add_figures(set, &[("sweep", figure)], true, png)?;
    }
    set.add("sweep.json", |w| json::pretty(sweep, w))
}
