//! What a setting trades: time to balance against reconnects and failed calls.

use super::files::FileSet;
use super::plot::trade_off;
use super::style::Style;
use super::tabular::{Cell, Name, Number, Rows, Table, Text, column};
use super::{OutputError, add_figures, json, markdown};
use crate::experiment::plan::{KnobPoint, TradeOff};
use crate::words::{duration, paragraphs, percent, short};

/// The table for a terminal.
#[must_use]
pub fn render(curve: &TradeOff, style: &Style) -> String {
    let title = style.strong(&paragraphs(&title(curve), style.columns(), "  "));
    let basis = paragraphs(&curve.basis, style.columns(), "");
    style.shown(format!("{title}\n\n{}\n{basis}\n", table(curve).terminal(style)))
}

/// The same as Markdown.
#[must_use]
pub fn markdown(curve: &TradeOff) -> String {
    format!("## {}\n\n{}{}\n", markdown::outside(&title(curve)), table(curve).markdown(), curve.basis)
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

fn table(curve: &TradeOff) -> Table {
    let knee = |i| curve.knee == Some(i);
    let balance = |p: &KnobPoint| p.time_to_balance_s.map_or_else(|| "never".into(), duration);
    Rows::of(curve.points.iter().enumerate())
        .with(column(short_name(curve), Name(0)), |(i, p)| Cell::from(&p.value).strong(knee(i)))
        .with(column("time to balance", Number(17)), |(_, p)| balance(p))
        .with(column("balanced", Number(11)), |(_, p)| format!("{}/{}", p.balanced, curve.runs))
        .with(column("reconnects/s", Number(13)), |(_, p)| short(p.reconnects_per_s))
        .with(column("errors", Number(11)), |(_, p)| percent(p.error_ratio))
        .with(column("", Text).terminal_only(), |(i, _)| if knee(i) { "← knee" } else { "" })
        .table()
}
