//! What may be behind the shares that somebody saw.

use std::fmt::Write as _;

use super::files::FileSet;
use super::plot::small_multiples;
use super::style::Style;
use super::tabular::{Below, Name, Number, Rows, Table, Text, column};
use super::{OutputError, add_figures, json, markdown};
use crate::experiment::PodShares;
use crate::experiment::fit::{Fit, Fitted, Likely, Range};
use crate::words::{paragraphs, percent};

/// The table for the terminal; `folder` is where the scenarios are.
#[must_use]
pub fn render(fit: &Fit, folder: &str, style: &Style) -> String {
    let mut out = format!("{}\n\n", style.strong(&title(fit)));
    if fit.kinds.is_empty() {
        let none = "No explanation that was considered shows such shares: try more --connections, or a wider --within.";
        let _ = writeln!(out, "{}", paragraphs(none, style.columns(), ""));
        base(fit).apart(&mut out, style);
        return out;
    }
    out += &table(fit).terminal(style);
    let first = fit.kinds.first().map_or_else(String::new, |kind| file(kind, 0));
    let legend = format!("{LEGEND} A scenario has the seed of the first of these runs: evenkeel run {folder}/{first}");
    let _ = writeln!(out, "{}", style.faint(&paragraphs(&legend, style.columns(), "")));
    base(fit).apart(&mut out, style);
    out
}

/// Each kind, and below it those of it that are likely.
fn table(fit: &Fit) -> Table {
    type Row<'a> = (&'a Fitted, Option<(usize, &'a Likely)>);
    let rows = fit.kinds.iter().flat_map(|kind| {
        let likely = kind.likely.iter().enumerate().map(move |likely| (kind, Some(likely)));
        std::iter::once((kind, None)).chain(likely)
    });
    let likely = |(kind, likely): Row<'_>, text: fn(String, String) -> String| {
        likely.map_or_else(String::new, |(i, likely)| text(file(kind, i), runs(likely)))
    };
    let what = |(kind, likely): Row<'_>| match likely {
        None => format!("{}{}", kind.says, numbers(kind)),
        Some((_, likely)) => format!("  {}", likely.says),
    };
    Rows::of(rows)
        .with(column("belief", Number(6)), |(kind, l)| percent(l.map_or(kind.belief, |(_, l)| l.belief)))
        .with(column("P(seen)", Number(9)), |(kind, l)| probability(l.map_or(kind.chance, |(_, l)| l.chance)))
        .with(column("what it may be", Text), what)
        .with(column("runs that show it", Number(0)).markdown_only(), |row| likely(row, |_, runs| runs))
        .with(column("scenario", Text).code().markdown_only(), |row| likely(row, |file, _| file))
        .with(column("", Below).paint(Style::faint).terminal_only(), move |row| {
            likely(row, |file, runs| format!("{file} shows it in {runs}"))
        })
        .table()
}

/// The user's own scenario.
fn base(fit: &Fit) -> Table {
    Rows::of(&fit.base)
        .with(column("your scenario", Name(8)), |tried| &tried.says)
        .with(column("P(seen)", Number(9)), |tried| percent(tried.matching as f64 / tried.runs.max(1) as f64))
        .with(column("95 % interval", Text), |tried| format!("{} to {}", percent(tried.from), percent(tried.to)))
        .with(column("runs", Number(9)), |tried| format!("{} of {}", tried.matching, tried.runs))
        .table()
}

/// A probability; a small one by its power of ten.
fn probability(p: f64) -> String {
    if p == 0.0 || p >= 0.001 { percent(p) } else { format!("{p:.0e}") }
}

const LEGEND: &str = "belief: how credible an explanation is beside the others, if all kinds were equally credible before. What is not \
                      thought of here (docs/fit.md has the list) can still be the cause. P(seen): how likely it makes these shares, each pod with its own; runs count them on whichever pods.";

fn title(fit: &Fit) -> String {
    let named = |(i, share): (usize, &f64)| match fit.pods.get(i) {
        Some(name) => format!("{name} {}", percent(*share)),
        None => percent(*share),
    };
    let shares: Vec<String> = fit.shares.iter().enumerate().map(named).collect();
    format!("seen on {} pods: {} (each within {})", shares.len(), shares.join(" / "), percent(fit.within))
}

fn numbers(kind: &Fitted) -> String {
    match kind.connections {
        Range { to: 0, .. } => String::new(),
        Range { from, to } if from == to => format!(": {from} of them"),
        Range { from, to } => format!(": {from} to {to} of them"),
    }
}

fn runs(likely: &Likely) -> String {
    let number = if likely.matching == 0 { "none".to_owned() } else { likely.matching.to_string() };
    format!("{number} of {} runs", likely.runs)
}

/// The file of the scenario of a kind's explanation, by its place from 0.
#[must_use]
pub fn file(kind: &Fitted, place: usize) -> String {
    format!("{}-{}.yaml", kind.kind.word(), place + 1)
}

/// The same as Markdown.
#[must_use]
pub fn markdown(fit: &Fit) -> String {
    let mut out = format!("## {}\n\n{}{LEGEND}\n", markdown::outside(&title(fit)), table(fit).markdown());
    if !fit.base.is_empty() {
        let _ = write!(out, "\n{}", base(fit).markdown());
    }
    out
}

/// Adds all files: the scenarios with their names, `fit.md`, a picture, and `fit.json` last.
///
/// # Errors
/// If a file cannot be written.
pub fn add_files(
    set: &mut FileSet,
    fit: &Fit,
    scenarios: &[(String, String)],
    shares: &[PodShares],
    png: bool,
) -> Result<(), OutputError> {
    for (name, text) in scenarios {
        set.add(name, |w| w.write_all(text.as_bytes()))?;
    }
    set.add("fit.md", |w| w.write_all(markdown(fit).as_bytes()))?;
    let note = "Share of calls per pod: as seen, and in a run of each kind's likeliest that shows it, by size";
    add_figures(set, &[("fit", small_multiples("What was seen, and what may be behind it", note, shares))], true, png)?;
    set.add("fit.json", |w| json::pretty(fit, w))
}
