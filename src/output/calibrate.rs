//! What `calibrate` prints and writes.

use std::fmt::Write as _;

use super::columns::Columns;
use super::files::FileSet;
use super::style::Style;
use super::{OutputError, json};
use crate::experiment::calibrate::{Calibration, Estimate, Figure, Part, Predicted, Prediction};
use crate::words::{count, counted, duration, paragraphs, percent, rounded, trimmed};

const ESTIMATES: Columns<'static> = Columns { name: 44, gap: "  ", cells: &[10, 24] };
const PREDICTION: Columns<'static> = Columns { name: 24, gap: "  ", cells: &[10, 10, 22, 6] };
const LEGEND: &str = "p: how often a run is as far from the median as what was measured. A small p, say below 0.05, says that the scenario is wrong for that \
                      figure. Quantiles are drawn straight through their bucket, on both sides, as histogram_quantile does.";

/// The report for the terminal.
#[must_use]
pub fn render(found: &Calibration, style: &Style) -> String {
    let mut out = format!("{}\n\n", style.strong(&title(found)));
    let _ = writeln!(out, "{}", style.strong(&ESTIMATES.line("estimate", &["", "99 % interval"])));
    for Estimate { path, value, was, figures } in &found.estimates {
        let _ = writeln!(out, "{path}={value} {}", style.faint(&format!("(was {was})")));
        for figure in figures {
            let cells = [number(figure.value, figure.unit), interval(figure)];
            let _ = writeln!(out, "{}", ESTIMATES.line(&format!("  {}", figure.name), &cells));
        }
    }
    let _ = writeln!(out, "\n{}", style.strong("What the data do not tell"));
    for untold in &found.untold {
        let _ = writeln!(out, "- {}", paragraphs(untold, style.columns().saturating_sub(2), "").replace('\n', "\n  "));
    }
    if let Some(prediction) = &found.prediction {
        out += &predicted(prediction, style);
    }
    out
}

fn predicted(prediction: &Prediction, style: &Style) -> String {
    let Prediction { part, runs, kept, distance, figures } = prediction;
    let title = format!(
        "{}: measured, and predicted by those {} of {} runs whose shares were nearest before, at most {} of the calls off",
        interval_of(*part),
        count(*kept),
        count(*runs),
        percent(*distance)
    );
    let mut out = format!("\n{}\n", style.strong(&paragraphs(&title, style.columns(), "")));
    let head = ["measured", "predicted", "90 % of the runs", "p"];
    let _ = writeln!(out, "{}", style.strong(&PREDICTION.line("", &head)));
    for Predicted { name, unit, measured, predicted, from, to, p } in figures {
        let cells = [
            number(*measured, unit),
            number(*predicted, unit),
            format!("{} to {}", number(*from, unit), number(*to, unit)),
            trimmed(*p, 2),
        ];
        let _ = writeln!(out, "{}", PREDICTION.line(name, &cells));
    }
    out + &style.faint(&paragraphs(LEGEND, style.columns(), "")) + "\n"
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
    let mut out = format!("**{}**\n\n| estimate | was | | 99 % interval |\n|---|---|---|---|\n", title(found));
    for estimate in &found.estimates {
        for figure in &estimate.figures {
            let (path, was, value) = (&estimate.path, &estimate.was, number(figure.value, figure.unit));
            let _ = writeln!(out, "| `{path}` {} | {was} | {value} | {} |", figure.name, interval(figure));
        }
    }
    out += "\nThe data do not tell:\n\n";
    found.untold.iter().for_each(|untold| {
        let _ = writeln!(out, "- {untold}");
    });
    if let Some(prediction) = &found.prediction {
        let _ = writeln!(
            out,
            "\n{}: {} of {} runs\n\n| | measured | predicted | 90 % of the runs | p |\n|---|---|---|---|---|",
            interval_of(prediction.part),
            prediction.kept,
            prediction.runs
        );
        for Predicted { name, unit, measured, predicted, from, to, p } in &prediction.figures {
            let [measured, predicted, from, to] = [measured, predicted, from, to].map(|x| number(*x, unit));
            let _ = writeln!(out, "| {name} | {measured} | {predicted} | {from} to {to} | {} |", trimmed(*p, 2));
        }
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
