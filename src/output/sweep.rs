//! The results of a sweep as tables, and as files.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::csv::{RATIO, fixed, or_empty};
use super::files::FileSet;
use super::plot::over_values;
use super::style::Style;
use super::tabular::{Name, Rows, Table, column};
use super::{OutputError, add_figures, compare, json, markdown};
use crate::experiment::compare::COLUMNS;
use crate::experiment::sweep::{Cell, CellResult, Plan, Sweep};
use crate::metrics::outcome::Estimate;
use crate::words::paragraphs;

/// More cells than this are not printed.
const MOST_PRINTED: usize = 60;

/// The table for a terminal.
#[must_use]
pub fn render(sweep: &Sweep, style: &Style) -> String {
    let mut out = format!("{}\n{}", style.strong(&title(sweep)), table(sweep).terminal(style));
    for note in notes(sweep) {
        let _ = writeln!(out, "{}", paragraphs(&note, style.columns(), ""));
    }
    let _ = writeln!(out, "{}", style.faint(&paragraphs(compare::LEGEND, style.columns(), "")));
    style.shown(out)
}

/// The same as Markdown.
#[must_use]
pub fn markdown(sweep: &Sweep) -> String {
    let mut out = format!("## {}\n\n{}", markdown::outside(&title(sweep)), table(sweep).markdown());
    for note in notes(sweep) {
        let _ = writeln!(out, "{note}\n");
    }
    let _ = writeln!(out, "{}", compare::LEGEND);
    out
}

fn table(sweep: &Sweep) -> Table {
    let cells = Rows::of(sweep.cells.iter().take(MOST_PRINTED)).with(column("cell", Name(8)).above(""), label);
    compare::with_figures(cells, &COLUMNS, sweep.plan.runs, |cell| ("", &cell.figures, None)).table()
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
