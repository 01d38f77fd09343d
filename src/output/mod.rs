//! Everything that turns an [`Outcome`] into text, files and pictures. Nothing here computes what the recorder should:
//! outputs read outcomes and nothing else.

pub mod alerts;
pub mod calibrate;
pub mod cells;
#[cfg(feature = "check")]
pub mod check;
pub mod compare;
pub mod csv;
mod disk;
mod error;
pub mod files;
pub mod findings;
pub mod fit;
pub mod json;
pub mod knob;
mod lock;
pub mod markdown;
mod marker;
mod methods;
pub mod openmetrics;
pub mod plan;
pub mod plot;
pub mod replot;
pub mod sealed;
mod staging;
mod style;
pub mod sweep;
pub mod table;
mod tabular;
pub mod unfinished;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use error::OutputError;
use files::FileSet;
pub use style::Style;

use crate::metrics::outcome::{Outcome, Summary};

/// What a run writes besides `summary.json`, `pods.csv` and `events.csv`.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions<'a> {
    /// `connections.csv`; off if the connections were not kept.
    pub connections: bool,
    /// The figures as SVG.
    pub svg: bool,
    /// The figures as PNG (without the feature `png`: no effect).
    pub png: bool,
    /// With several runs: the summaries of all of them, from run 0, for `runs.csv` and `runs_pods.csv`. Empty: one run.
    pub runs: &'a [Summary],
}

impl Default for WriteOptions<'_> {
    fn default() -> Self {
        WriteOptions { connections: true, svg: true, png: true, runs: &[] }
    }
}

/// Writes all files of a run into a folder, whole or not at all; returns their paths in the order in which they appeared.
///
/// # Errors
/// If the folder or a file cannot be written.
pub fn write_run(folder: &Path, outcome: &Outcome, options: &WriteOptions<'_>) -> Result<Vec<PathBuf>, OutputError> {
    let mut set = FileSet::begin(folder, "run")?;
    add_run(&mut set, outcome, options)?;
    set.commit()
}

/// Adds all files of a run to a set that was begun before the run.
///
/// # Errors
/// If a file cannot be written.
pub fn add_run(set: &mut FileSet, outcome: &Outcome, options: &WriteOptions<'_>) -> Result<(), OutputError> {
    set.add("pods.csv", |w| csv::pods(outcome, w))?;
    if !outcome.summary.gateways.is_empty() {
        set.add("gateways.csv", |w| csv::gateways(outcome, w))?;
    }
    set.add("clients.csv", |w| csv::clients(&outcome.clients, w))?;
    set.add("events.csv", |w| csv::events(&outcome.events, w))?;
    if options.connections {
        set.add("connections.csv", |w| csv::connections(&outcome.connections, w))?;
    }
    if !options.runs.is_empty() {
        set.add("runs.csv", |w| csv::runs(options.runs, w))?;
        set.add("runs_pods.csv", |w| csv::runs_pods(options.runs, w))?;
    }
    add_figures(set, &plot::figures(outcome), options.svg, options.png)?;
    set.add("summary.json", |w| json::pretty(&outcome.summary, w))
}

/// Adds figures to a set, as `<stem>.svg` and `<stem>.png`.
///
/// # Errors
/// If a file cannot be written.
pub fn add_figures<S: AsRef<str>>(
    set: &mut FileSet,
    figures: &[(S, plot::Figure)],
    svg: bool,
    png: bool,
) -> Result<(), OutputError> {
    for (stem, figure) in figures {
        let stem = stem.as_ref();
        if svg && cfg!(feature = "svg") {
            set.add(&format!("{stem}.svg"), |w| w.write_all(drawn(figure).as_bytes()))?;
        }
        if png && cfg!(feature = "png") {
            let image = image(figure);
            let name = format!("{stem}.png");
            if image.is_empty() {
                return Err(OutputError::Picture { path: set.target().join(name) });
            }
            set.add(&name, |w| w.write_all(&image))?;
        }
    }
    Ok(())
}

#[cfg(feature = "svg")]
fn drawn(figure: &plot::Figure) -> String {
    figure.svg()
}

#[cfg(not(feature = "svg"))]
fn drawn(_: &plot::Figure) -> String {
    String::new()
}

#[cfg(feature = "png")]
fn image(figure: &plot::Figure) -> Vec<u8> {
    figure.png()
}

#[cfg(not(feature = "png"))]
fn image(_: &plot::Figure) -> Vec<u8> {
    Vec::new()
}
