//! Columns and cells of figures: one kind for comparisons, their phases and methods, and sweeps.

use std::collections::BTreeMap;

use crate::experiment::compare::{Finding, Verdict};
use crate::metrics::figures::is_quantile;
use crate::metrics::outcome::Estimate;
use crate::output::tabular::{Cell, Column, Number, Rows, column};
use crate::words::{short, trimmed};

pub(in crate::output) const LEGEND: &str = "max/mean: load of the busiest pod over the mean; effpods: pods effectively used; \
     usable: part of the fleet's capacity before the busiest pod is full; idle: pods without a request; \
     balance: seconds from the change to even load; -: no value; in 3/5: three of five runs have one. \
     p99 is the median of the runs, and below it their range.";

/// Figures of a row: what their paths begin with, the figures, and of differences the findings.
pub(in crate::output) type Figures<'a> =
    (&'a str, &'a BTreeMap<String, Estimate>, Option<&'a BTreeMap<String, Finding>>);

/// With columns of figures: values and, if there were several runs, half widths of their confidence intervals, or ranges. Differences have signs,
/// and a star if they are better or worse.
pub(in crate::output) fn with_figures<'a, R: Copy>(
    rows: Rows<R>,
    columns: &[(&str, &str)],
    runs: u64,
    of: impl Fn(R) -> Figures<'a>,
) -> Rows<R> {
    columns.iter().fold(rows, |rows, figure| rows.with(figure_column(figure), |row| cell(figure.0, runs, of(row))))
}

pub(super) fn figure_column((path, heading): &(&str, &str)) -> Column {
    // Ranges of quantiles need more room.
    column(heading, Number(if is_quantile(path) { 10 } else { 7 }))
}

pub(super) fn cell(path: &str, runs: u64, (prefix, figures, findings): Figures<'_>) -> Cell {
    let path = format!("{prefix}{path}");
    let Some(estimate) = figures.get(&path) else { return "-".into() };
    value(&path, estimate, findings).below(below(&path, estimate, runs))
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
fn value(path: &str, estimate: &Estimate, findings: Option<&BTreeMap<String, Finding>>) -> Cell {
    let middle = estimate.shown().0;
    let text = shown(path, middle);
    let Some(findings) = findings else { return text.into() };
    let plus = if middle > 0.0 && !matches!(text.as_str(), "0" | "0%") { "+" } else { "" };
    let verdict = findings.get(path).map(|finding| finding.verdict);
    let star = if matches!(verdict, Some(Verdict::Better | Verdict::Worse)) { "*" } else { "" };
    Cell::from(format!("{plus}{text}")).marked(star)
}
