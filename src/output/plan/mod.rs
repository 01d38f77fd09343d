//! `plan.json`: how many pods, or how much load, each candidate needs or carries, and what was tried to know it.

mod table;

use super::files::FileSet;
use super::plot::pods_needed;
use super::{OutputError, add_figures, json};
use crate::experiment::plan::PlanReport;
pub use table::{markdown, render};

/// Writes `plan.json`, `plan.md` and the picture.
///
/// # Errors
/// If a file cannot be written.
pub fn add_files(set: &mut FileSet, report: &PlanReport, png: bool) -> Result<(), OutputError> {
    set.add("plan.md", |w| w.write_all(markdown(report).as_bytes()))?;
    add_figures(set, &[("plan", pods_needed(report))], true, png)?;
    set.add("plan.json", |w| json::pretty(report, w))
}
