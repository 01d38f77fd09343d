//! What a setting trades: time to balance against reconnects and failed calls.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::files::FileSet;
use super::format::{duration, percent, short};
use super::plot::trade_off;
use super::style::{Style, padded, paragraphs};
use super::{OutputError, add_figures, json, markdown};
use crate::scenario::vary::Axis;

/// `plan.json` with `--knob`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TradeOff {
    /// Version of evenkeel.
    pub evenkeel: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of what it means with the first value.
    pub scenario_hash: String,
    /// Seed of run 0 at every value.
    pub seed: u64,
    /// Runs at every value.
    pub runs: u64,
    /// The setting and its values.
    pub knob: Axis,
    /// The change after which the load has to balance again.
    pub change: String,
    /// By value.
    pub points: Vec<KnobPoint>,
    /// Place of the knee among the points; `null` if there is none.
    pub knee: Option<usize>,
    /// How far below the chord the knee is, or why there is none.
    pub basis: String,
}

/// What comes of one value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnobPoint {
    /// As written.
    pub value: String,
    /// Median over the runs of the time to balance after the change, those that never balance counted as longer than any; `null` if half of them
    /// never do.
    pub time_to_balance_s: Option<f64>,
    /// Runs that balance.
    pub balanced: u64,
    /// Mean over the runs.
    pub reconnects_per_s: f64,
    /// Failed calls of all runs, of those that ended.
    pub error_ratio: f64,
}

/// The table for a terminal.
#[must_use]
pub fn render(curve: &TradeOff, style: &Style) -> String {
    let mut out = format!("{}\n\n", style.strong(&paragraphs(&title(curve), style.columns(), "  ")));
    let rows: Vec<Vec<String>> = rows(curve).collect();
    let name = rows.iter().map(|r| r[0].chars().count()).max().unwrap_or(0).max(short_name(curve).chars().count());
    let line = |cells: &[String]| {
        let mut line = padded(&cells[0], name);
        for (cell, width) in cells[1..].iter().zip([18, 12, 14, 12]) {
            let _ = write!(line, "{cell:>width$}");
        }
        line + cells.get(5).map_or("", String::as_str)
    };
    let _ = writeln!(out, "{}", style.strong(&line(&headings(curve).map(str::to_owned))));
    for (i, cells) in rows.iter().enumerate() {
        let mark = if curve.knee == Some(i) { "  ← knee" } else { "" };
        let _ = writeln!(out, "{}{mark}", line(cells));
    }
    let _ = writeln!(out, "\n{}", paragraphs(&curve.basis, style.columns(), ""));
    style.shown(out)
}

/// The same as Markdown.
#[must_use]
pub fn markdown(curve: &TradeOff) -> String {
    let mut out = format!("## {}\n\n", markdown::outside(&title(curve)));
    let knee = curve.knee;
    let rows = rows(curve).enumerate().map(|(i, mut cells)| {
        cells[0] = markdown::outside(&cells[0]);
        if knee == Some(i) {
            cells[0] = format!("**{}**", cells[0]);
        }
        cells
    });
    markdown::table(&mut out, &headings(curve), rows);
    let _ = writeln!(out, "{}", curve.basis);
    out
}

/// Writes `plan.json`, `plan.md` and the picture.
///
/// # Errors
/// If a file cannot be written.
pub fn add_files(set: &mut FileSet, curve: &TradeOff, png: bool) -> Result<(), OutputError> {
    set.add("plan.md", |w| w.write_all(markdown(curve).as_bytes()))?;
    add_figures(set, &[("plan", trade_off(curve))], true, png)?;
    set.add("plan.json", |w| json::pretty(curve, w))
}

fn title(curve: &TradeOff) -> String {
    let TradeOff { scenario, runs, seed, change, .. } = curve;
    format!("{scenario}: what {} trades, after the {change}; {runs} runs each, seeds from {seed}", short_name(curve))
}

/// The last part of the path.
pub(super) fn short_name(curve: &TradeOff) -> &str {
    curve.knob.path.rsplit('.').next().unwrap_or(&curve.knob.path)
}

fn headings(curve: &TradeOff) -> [&str; 5] {
    [short_name(curve), "time to balance", "balanced", "reconnects/s", "errors"]
}

fn rows(curve: &TradeOff) -> impl Iterator<Item = Vec<String>> + '_ {
    curve.points.iter().map(|p| {
        vec![
            p.value.clone(),
            p.time_to_balance_s.map_or_else(|| "never".into(), duration),
            format!("{}/{}", p.balanced, curve.runs),
            short(p.reconnects_per_s),
            percent(p.error_ratio),
        ]
    })
}
