//! What a setting trades: time to balance against reconnects and failed calls.

use std::fmt::Write as _;

use super::columns::Columns;
use super::files::FileSet;
use super::plot::trade_off;
use super::style::Style;
use super::{OutputError, add_figures, json, markdown};
use crate::experiment::plan::TradeOff;
use crate::words::{duration, paragraphs, percent, short};

/// The table for a terminal.
#[must_use]
pub fn render(curve: &TradeOff, style: &Style) -> String {
    let mut out = format!("{}\n\n", style.strong(&paragraphs(&title(curve), style.columns(), "  ")));
    let rows: Vec<Vec<String>> = rows(curve).collect();
    let name = rows.iter().map(|r| r[0].chars().count()).max().unwrap_or(0).max(short_name(curve).chars().count());
    let columns = Columns { name, gap: "", cells: &[18, 12, 14, 12] };
    let headings = headings(curve);
    let _ = writeln!(out, "{}", style.strong(&columns.line(headings[0], &headings[1..])));
    for (i, cells) in rows.iter().enumerate() {
        let mark = if curve.knee == Some(i) { "  ← knee" } else { "" };
        let _ = writeln!(out, "{}{mark}", columns.line(&cells[0], &cells[1..]));
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
