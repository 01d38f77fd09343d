//! What `calibrate` prints and writes.

use std::fmt::Write as _;

use super::files::FileSet;
use super::markdown::outside;
use super::style::Style;
use super::tabular::{Name, Number, Rows, Section, Table, column};
use super::{OutputError, json};
use crate::experiment::calibrate::{Calibration, Estimate, Figure, Part, Prediction};
use crate::words::{count, counted, duration, paragraphs, percent, rounded, trimmed};

const LEGEND: &str = "p: how often a run is as far from the median as what was measured. A small p, say below 0.05, says that the scenario is wrong for that \
                      figure. Quantiles are drawn straight through their bucket, on both sides, as histogram_quantile does.";

/// The report for the terminal.
#[must_use]
pub fn render(found: &Calibration, style: &Style) -> String {
    let mut out = format!("{}\n\n", style.strong(&title(found)));
    out += &estimates(found).terminal(style);
    let _ = writeln!(out, "\n{}", style.strong("What the data do not tell"));
    for untold in &found.untold {
        let _ = writeln!(out, "- {}", paragraphs(untold, style.columns().saturating_sub(2), "").replace('\n', "\n  "));
    }
    if let Some(prediction) = &found.prediction {
        let title = style.strong(&paragraphs(&predicted(prediction), style.columns(), ""));
        let legend = style.faint(&paragraphs(LEGEND, style.columns(), ""));
        let _ = writeln!(out, "\n{title}\n{}{legend}", predictions(prediction).terminal(style));
    }
    out
}

fn estimates(found: &Calibration) -> Table {
    let rows = found.estimates.iter().flat_map(|estimate| estimate.figures.iter().map(move |f| (estimate, f)));
    let setting = |Estimate { path, value, was, .. }: &Estimate| format!("{path}={value} (was {was})");
    Rows::of(rows)
        .with(column("setting", Section), |(estimate, _)| setting(estimate))
        .with(column("estimate", Name(44)), |(_, figure)| format!("  {}", figure.name))
        .with(column("value", Number(11)).above(""), |(_, figure)| number(figure.value, figure.unit))
        .with(column("99 % interval", Number(25)), |(_, figure)| interval(figure))
        .table()
}

fn predicted(prediction: &Prediction) -> String {
    let Prediction { part, runs, kept, distance, .. } = prediction;
    format!(
        "{}: measured, and predicted by those {} of {} runs whose shares were nearest before, at most {} of the calls off",
        interval_of(*part),
        count(*kept),
        count(*runs),
        percent(*distance)
    )
}

fn predictions(prediction: &Prediction) -> Table {
    Rows::of(&prediction.figures)
        .with(column("", Name(24)), |p| &p.name)
        .with(column("measured", Number(11)), |p| number(p.measured, p.unit))
        .with(column("predicted", Number(11)), |p| number(p.predicted, p.unit))
        .with(column("90 % of the runs", Number(23)), |p| {
            format!("{} to {}", number(p.from, p.unit), number(p.to, p.unit))
        })
        .with(column("p", Number(7)), |p| trimmed(p.p, 2))
        .table()
}

fn interval_of(part: Part) -> String {
    format!("{} to {}", duration(part.from), duration(part.to))
}

fn title(found: &Calibration) -> String {
    format!(
        "{}: {} calls at {}, {} of {}",
        found.scenario,
        count(found.calls as u64),
        counted(found.pods as u64, "pod"),
        interval_of(found.fit),
        found.source
    )
}

fn interval(figure: &Figure) -> String {
    format!("{} to {}", number(figure.from, figure.unit), number(figure.to, figure.unit))
}

/// Four digits and the unit.
fn number(x: f64, unit: &str) -> String {
    let decimals = if x >= 1_000.0 { 0 } else { (3 - (x.max(0.001).log10().floor() as i32)).clamp(0, 4) as usize };
    let space = if unit == "ms" || unit == "%" { " " } else { "" };
    format!("{}{space}{unit}", trimmed(rounded(x, decimals), decimals))
}

/// The same for a pull request.
#[must_use]
pub fn markdown(found: &Calibration) -> String {
    let mut out = format!("**{}**\n\n{}The data do not tell:\n\n", outside(&title(found)), estimates(found).markdown());
    found.untold.iter().for_each(|untold| {
        let _ = writeln!(out, "- {}", outside(untold));
    });
    if let Some(prediction) = &found.prediction {
        let _ = write!(out, "\n{}\n\n{}", outside(&predicted(prediction)), predictions(prediction).markdown());
    }
    out
}

/// Adds `calibrated.yaml`, which is `scenario`, `calibrate.md` and `calibrate.json`.
///
/// # Errors
/// If a file cannot be written.
pub fn add_files(set: &mut FileSet, found: &Calibration, scenario: &str) -> Result<(), OutputError> {
    set.add("calibrated.yaml", |w| w.write_all(scenario.as_bytes()))?;
    set.add("calibrate.md", |w| w.write_all(markdown(found).as_bytes()))?;
    set.add("calibrate.json", |w| json::pretty(found, w))
}
