//! Rows of figures, for terminals and Markdown: one kind for comparisons, their phases and methods, and sweeps.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::experiment::compare::{COLUMNS, Finding, Verdict};
use crate::metrics::figures::is_quantile;
use crate::metrics::outcome::Estimate;
use crate::output::markdown;
use crate::output::style::{Style, padded};
use crate::words::{middle_cut, short, trimmed};

pub(in crate::output) const LEGEND: &str = "max/mean: load of the busiest pod over the mean; effpods: pods effectively used; \
     usable: part of the fleet's capacity before the busiest pod is full; idle: pods without a request; \
     balance: seconds from the change to even load; -: no value; in 3/5: three of five runs have one. \
     p99 is the median of the runs, and below it their range.";

/// Width of the column of a figure: ranges of quantiles need more room.
pub(in crate::output) fn width(path: &str) -> usize {
    if is_quantile(path) { 11 } else { 8 }
}

/// Width of all columns of [`COLUMNS`].
pub(in crate::output) const CELLS: usize = 8 * 8 + 11;

pub(in crate::output) fn paths() -> [&'static str; COLUMNS.len()] {
    COLUMNS.map(|c| c.0)
}

/// The headings of some figures, after `first`, which is as wide as the names.
pub(in crate::output) fn heading(first: &str, name: usize, columns: &[(&str, &str)]) -> String {
    let mut line = padded(&middle_cut(first, name), name);
    for (path, heading) in columns {
        let _ = write!(line, "{heading:>0$}", width(path));
    }
    line
}

/// A line of values and, if there were several runs, one of the half widths of their confidence intervals, or of ranges. Differences come
/// with their findings: they have signs, and a star if they are better or worse.
pub(in crate::output) fn rows(
    out: &mut String,
    (first, name): (&str, usize),
    (columns, figures): (&[&str], &BTreeMap<String, Estimate>),
    runs: u64,
    findings: Option<&BTreeMap<String, Finding>>,
    style: &Style,
) {
    let mut values = padded(&middle_cut(first, name), name);
    let mut intervals = padded("", name);
    for path in columns {
        let estimate = figures.get(*path);
        let value = estimate.map_or_else(|| "-".into(), |e| value(path, e, findings));
        let interval = estimate.and_then(|e| below(path, e, runs));
        // A space in any case: a small difference with sign and star fills the whole column.
        let wide = width(path) - 1;
        let _ = write!(values, " {value:>wide$}");
        let _ = write!(intervals, " {:>wide$}", interval.unwrap_or_default());
    }
    let _ = writeln!(out, "{}", values.trim_end());
    if !intervals.trim().is_empty() {
        let _ = writeln!(out, "{}", style.faint(intervals.trim_end()));
    }
}

/// What stands below a value: half of its interval, or its range, or in how many of the runs there was one (a rollout that never came to
/// balance has no time to balance, and the mean of the others says little).
fn below(path: &str, estimate: &Estimate, runs: u64) -> Option<String> {
    match estimate.n {
        n if n < runs => Some(format!("in {n}/{runs}")),
        0 | 1 => None,
        _ => Some(interval(path, estimate)),
    }
}

/// `±half`, or both ends: of a range, and of an interval that zero has cut, which is not symmetric.
fn interval(path: &str, e: &Estimate) -> String {
    if let Some(spread) = e.spread {
        return format!("{}–{}", rough(spread.least), rough(spread.most));
    }
    let (below, above) = (e.mean - e.lo, e.hi - e.mean);
    if e.lo == 0.0 && above - below > 1e-9 * above {
        format!("0–{}", shown(path, e.hi))
    } else {
        format!("±{}", shown(path, above))
    }
}

/// An end of a range in at most five characters.
fn rough(x: f64) -> String {
    match x.abs() {
        a if a >= 1e6 => format!("{}M", trimmed(x / 1e6, 0)),
        a if a >= 1e4 => format!("{}k", trimmed(x / 1e3, 0)),
        a if a >= 999.5 => format!("{}k", trimmed(x / 1e3, 1)),
        a if a >= 9.95 => trimmed(x, 0),
        a if a >= 0.95 => trimmed(x, 1),
        _ => trimmed(x, 2),
    }
}

/// A figure in at most seven characters, sign and star included.
pub(in crate::output) fn shown(path: &str, x: f64) -> String {
    match x.abs() {
        _ if ["usable_capacity", "max_utilization"].iter().any(|part| path.ends_with(part)) => {
            format!("{}%", trimmed(x * 100.0, 0))
        }
        a if a >= 1e6 => format!("{}M", short(x / 1e6)),
        a if a >= 1e4 => format!("{}k", short(x / 1e3)),
        _ => short(x),
    }
}

/// The middle; of a difference with its sign, and a star if it is better or worse.
fn value(path: &str, estimate: &Estimate, findings: Option<&BTreeMap<String, Finding>>) -> String {
    let middle = estimate.shown().0;
    let text = shown(path, middle);
    let Some(findings) = findings else { return text };
    let plus = if middle > 0.0 && !matches!(text.as_str(), "0" | "0%") { "+" } else { "" };
    let verdict = findings.get(path).map(|finding| finding.verdict);
    let star = if matches!(verdict, Some(Verdict::Better | Verdict::Worse)) { "*" } else { "" };
    format!("{plus}{text}{star}")
}

/// The headings of a table in Markdown.
pub(in crate::output) fn markdown_headings<'a>(first: &[&'a str], columns: &[(&str, &'a str)]) -> Vec<&'a str> {
    first.iter().copied().chain(columns.iter().map(|c| c.1)).collect()
}

/// A row of it.
pub(in crate::output) fn markdown_cells(
    first: &[&str],
    (columns, figures): (&[&str], &BTreeMap<String, Estimate>),
    findings: Option<&BTreeMap<String, Finding>>,
) -> Vec<String> {
    let cell = |path: &str| match figures.get(path) {
        Some(e) if e.n > 1 && e.spread.is_some() => format!("{} ({})", value(path, e, findings), interval(path, e)),
        Some(e) if e.n > 1 => format!("{} {}", value(path, e, findings), interval(path, e)),
        Some(e) => value(path, e, findings),
        None => "-".into(),
    };
    first.iter().map(|name| markdown::outside(name)).chain(columns.iter().map(|path| cell(path))).collect()
}
