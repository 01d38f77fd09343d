//! The phases of scenarios side by side.

use super::table::with_figures;
use crate::experiment::compare::Compared;
use crate::output::tabular::{Name, Rows, Section, Table, column};
use crate::words::count;

/// What is shown of a phase: the end of its path, and the heading.
const COLUMNS: [(&str, &str); 7] = [
    ("skew.max_over_mean", "max/mean"),
    ("skew.idle_pods", "idle"),
    ("throughput_rps", "calls/s"),
    ("latency_ms.p99", "p99 ms"),
    ("requests.failed", "errors"),
    ("max_utilization", "util"),
    ("reconnects_per_s", "recon/s"),
];

/// More phases than this are not listed.
const MOST: usize = 20;

/// The phases of a group in the order of its first scenario, then those that only others have.
fn names(group: &[Compared]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for name in group.iter().flat_map(|s| &s.phases) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

/// The scenarios of a group that have a phase.
fn with<'a>(group: &'a [Compared], name: &'a str) -> impl Iterator<Item = &'a Compared> {
    group.iter().filter(move |s| s.phases.iter().any(|phase| phase == name))
}

/// A row per scenario and phase.
pub(super) fn table(group: &[Compared], runs: u64) -> Table {
    let names = names(group);
    let shown = names.iter().take(MOST).map(|name| (*name, format!("phases.{name}."))).collect::<Vec<_>>();
    let rows = shown.iter().flat_map(|(name, prefix)| with(group, name).map(move |s| (*name, prefix.as_str(), s)));
    // As wide as if the phases stood among the names.
    let least = names.iter().map(|name| name.chars().count() + 2).max().unwrap_or(0).max(8);
    let rows = Rows::of(rows)
        .with(column("phase", Section), |(name, _, _)| name)
        .with(column("scenario", Name(least)).above("by phase"), |(_, _, s)| format!("  {}", s.scenario));
    let rows = with_figures(rows, &COLUMNS, runs, |(_, prefix, s)| (prefix, &s.figures, None));
    let left = |n| format!("… {} more phases (all are in compare.json)", count(n as u64));
    rows.table().remark(usize::MAX, names.len().saturating_sub(MOST), left)
}
