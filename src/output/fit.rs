//! What may be behind the shares that somebody saw.

use std::fmt::Write as _;

use super::files::FileSet;
use super::plot::small_multiples;
use super::style::Style;
use super::{OutputError, add_figures, json, markdown};
use crate::experiment::PodShares;
use crate::experiment::fit::{Fit, Fitted, Likely, Range, Tried};
use crate::words::{paragraphs, percent};

/// The table for the terminal; `folder` is where the scenarios are.
#[must_use]
pub fn render(fit: &Fit, folder: &str, style: &Style) -> String {
    let mut out = format!("{}\n\n", style.strong(&title(fit)));
    if fit.kinds.is_empty() {
        let none = "No explanation that was considered shows such shares: try more --connections, or a wider --within.";
        return out + &paragraphs(none, style.columns(), "") + "\n" + &base(fit, style);
    }
    let _ = writeln!(out, "{}", style.strong("belief   P(seen)  what it may be"));
    for kind in &fit.kinds {
        let what = format!("{}{}", kind.says, numbers(kind));
        let what = paragraphs(&what, style.columns() - INDENT.len(), "").replace('\n', &format!("\n{INDENT}"));
        let _ = writeln!(out, "{:>6}  {:>8}  {what}", percent(kind.belief), probability(kind.chance));
        for (i, likely) in kind.likely.iter().enumerate() {
            let _ =
                writeln!(out, "{:>6}  {:>8}    {}", percent(likely.belief), probability(likely.chance), likely.says);
            let shown = format!("{} shows it in {}", file(kind, i), runs(likely));
            let _ = writeln!(out, "{INDENT}  {}", style.faint(&shown));
        }
    }
    let first = fit.kinds.first().map_or_else(String::new, |kind| file(kind, 0));
    let legend = format!("{LEGEND} A scenario has the seed of the first of these runs: evenkeel run {folder}/{first}");
    let _ = writeln!(out, "{}", style.faint(&paragraphs(&legend, style.columns(), "")));
    out + &base(fit, style)
}

/// Where the words of the table begin.
const INDENT: &str = "                  ";

/// The user's own scenario.
fn base(fit: &Fit, style: &Style) -> String {
    if fit.base.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", style.strong("your scenario   P(seen)   95 % interval"));
    for tried in &fit.base {
        let interval = format!("{} to {}", percent(tried.from), percent(tried.to));
        let part = percent(tried.matching as f64 / tried.runs.max(1) as f64);
        let _ =
            writeln!(out, "{part:>23}   {interval:<16}  {}, in {} of {} runs", tried.says, tried.matching, tried.runs);
    }
    out
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
    let mut out = format!("## {}\n\n", title(fit));
    let rows = fit.kinds.iter().flat_map(|kind| {
        let of_kind = vec![
            percent(kind.belief),
            probability(kind.chance),
            kind.says.clone() + &numbers(kind),
            String::new(),
            String::new(),
        ];
        let row = |(i, l): (usize, &Likely)| {
            vec![percent(l.belief), probability(l.chance), l.says.clone(), runs(l), format!("`{}`", file(kind, i))]
        };
        let each = kind.likely.iter().enumerate().map(row);
        std::iter::once(of_kind).chain(each)
    });
    markdown::table(&mut out, &["belief", "P(seen)", "what it may be", "runs that show it", "scenario"], rows);
    let _ = writeln!(out, "{LEGEND}");
    if !fit.base.is_empty() {
        out.push('\n');
        let row = |t: &Tried| {
            let part = percent(t.matching as f64 / t.runs.max(1) as f64);
            vec![
                t.says.clone(),
                part,
                format!("{} to {}", percent(t.from), percent(t.to)),
                format!("{} of {}", t.matching, t.runs),
            ]
        };
        markdown::table(&mut out, &["your scenario", "P(seen)", "95 % interval", "runs"], fit.base.iter().map(row));
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
