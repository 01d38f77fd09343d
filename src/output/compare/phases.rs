//! The phases of scenarios side by side.

use std::fmt::Write as _;

use super::table::{heading, markdown_cells, markdown_headings, rows, width};
use crate::experiment::compare::{Compared, Comparison};
use crate::output::markdown;
use crate::output::style::Style;
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

fn paths(name: &str) -> Vec<String> {
    COLUMNS.iter().map(|(figure, _)| format!("phases.{name}.{figure}")).collect()
}

/// A block per phase, with a row per scenario.
pub(super) fn render(out: &mut String, comparison: &Comparison, group: &[Compared], style: &Style) {
    let names = names(group);
    if names.is_empty() {
        return;
    }
    let cells: usize = COLUMNS.iter().map(|(path, _)| width(path)).sum();
    let longest = names.iter().copied().chain(group.iter().map(|s| s.scenario.as_str()));
    let name = longest.map(|name| name.chars().count() + 2).max().unwrap_or(0);
    let name = name.clamp(8, style.columns().saturating_sub(cells).max(8));
    let _ = writeln!(out, "\n{}", style.strong(&heading("by phase", name, &COLUMNS)));
    for phase in names.iter().take(MOST) {
        let _ = writeln!(out, "{phase}");
        let paths = paths(phase);
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        for scenario in with(group, phase) {
            let label = format!("  {}", scenario.scenario);
            rows(out, (&label, name), (&paths, &scenario.figures), comparison.runs, None, style);
        }
    }
    if names.len() > MOST {
        let left = count((names.len() - MOST) as u64);
        let _ = writeln!(out, "{}", style.faint(&format!("… {left} more phases (all are in compare.json)")));
    }
}

/// The same as Markdown.
pub(super) fn markdown(out: &mut String, group: &[Compared]) {
    let names = names(group);
    if names.is_empty() {
        return;
    }
    out.push_str("### By phase\n\n");
    let mut all = Vec::new();
    for phase in names.iter().take(MOST) {
        let paths = paths(phase);
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        all.extend(with(group, phase).map(|s| markdown_cells(&[phase, &s.scenario], (&paths, &s.figures), None)));
    }
    markdown::table(out, &markdown_headings(&["phase", "scenario"], &COLUMNS), all.into_iter());
}
