//! A comparison for a terminal, and as Markdown for a pull request.

use std::fmt::Write as _;

use super::table::{CELLS, LEGEND, heading, markdown_cells, markdown_headings, paths, rows, width};
use super::{phases, shares};
use crate::experiment::compare::{COLUMNS, Compared, Comparison, Difference, Told, Unmet};
use crate::output::findings;
use crate::output::markdown::{self, outside};
use crate::output::methods;
use crate::output::style::{Style, padded};
use crate::words::{middle_cut, paragraphs};

/// Of more scenarios a terminal gets the first table only: the rest is in `compare.md`.
const MOST: usize = 10;

/// The figures beside the shares; where there are many scenarios the first ones of them.
const FIRST: [(&str, &str); 6] = [COLUMNS[0], COLUMNS[4], COLUMNS[5], COLUMNS[6], COLUMNS[7], COLUMNS[8]];
const BRIEF: usize = 4;

const SAID: &str = "said: what is claimed of a scenario; the row above it is what happens.";
const SHARES: &str = "shares: each pod's part of the requests in %, the largest first, in run 0. Shares and max/mean (load of the busiest \
                      pod over the mean) are of now, the last settled phase; all else is of the whole run. errors: failed calls; -: no value.";
const BALANCE: &str = "balance: seconds from the change to even load; recon/s: connections opened again.";
const MEDIANS: &str = "p99 is the median of the runs.";
const BELOW: &str = "p99 is the median of the runs, with their range below it; below the other means stands half of their 95 % confidence \
                     interval (0–x: all of it, cut by zero), or in how many of the runs there is a value.";

/// The tables for a terminal.
#[must_use]
pub fn render(comparison: &Comparison, style: &Style) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", style.strong(&title(comparison)));
    let brief = comparison.scenarios.len() > MOST;
    first_table(&mut out, comparison, brief, style);
    if !brief {
        for group in comparison.groups() {
            differences(&mut out, comparison, group, style);
            findings::render(&mut out, comparison, group, style);
            phases::render(&mut out, comparison, group, style);
            methods::compared(&mut out, comparison, group, style);
        }
        verdicts(&mut out, comparison, style);
    }
    style.shown(out)
}

/// How many, and which one the others are compared with.
fn title(comparison: &Comparison) -> String {
    let count = |n: u64, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let (scenarios, runs) = (count(comparison.scenarios.len() as u64, "scenario"), count(comparison.runs, "run"));
    let until = comparison
        .until
        .as_ref()
        .map_or(String::new(), |until| format!(" ({}{})", until.text, if until.reached { "" } else { " not reached" }));
    match (&comparison.scenarios[..], comparison.loads.len()) {
        ([baseline, _, ..], 0 | 1) => format!("{scenarios}, {runs} each{until}; baseline: {}", baseline.scenario),
        ([_, _, ..], loads) => format!("{scenarios}, {runs} each{until}, of {loads} loads; compared within each"),
        _ => format!("{scenarios}, {runs}{until}"),
    }
}

/// A row per scenario, by load: shares and figures, and what is said of it. Half widths of intervals are for those who compare.
fn first_table(out: &mut String, comparison: &Comparison, brief: bool, style: &Style) {
    let columns = if brief { &FIRST[..BRIEF] } else { &FIRST[..] };
    let paths: Vec<&str> = columns.iter().map(|c| c.0).collect();
    let shares_wide = shares::width(&comparison.scenarios);
    let cells: usize = paths.iter().map(|path| width(path)).sum();
    let names = comparison.scenarios.iter().map(|s| s.scenario.chars().count()).max().unwrap_or(0);
    let name = names.clamp(8, style.columns().saturating_sub(cells + shares_wide + 2).max(8));
    let first = |text: &str, shares: &str| format!("{}  {shares}", padded(&middle_cut(text, name), name));
    let wide = name + 2 + shares_wide;
    let _ = writeln!(out, "{}", style.strong(&heading(&first("", shares::HEADING), wide, columns)));
    for (group, load) in comparison.groups().zip(&comparison.loads) {
        if comparison.loads.len() > 1 {
            let _ = writeln!(out, "{}", style.strong(&middle_cut(&format!("load: {load}"), style.columns())));
        }
        for scenario in group {
            let row = first(&scenario.scenario, &shares::quoted(&scenario.shares));
            let mut lines = String::new();
            rows(&mut lines, (&row, wide), (&paths, &scenario.figures), comparison.runs, None, style);
            for line in lines.lines().take(if brief { 1 } else { usize::MAX }) {
                let _ = writeln!(out, "{line}");
            }
            told(out, scenario.story.as_ref(), style);
        }
    }
    let several = match comparison.runs {
        0 | 1 => "",
        _ if brief => MEDIANS,
        _ => BELOW,
    };
    let balance = if brief { "" } else { BALANCE };
    let told = comparison.scenarios.iter().any(|s| s.story.as_ref().is_some_and(|told| !told.says.is_empty()));
    let said = if told { SAID } else { "" };
    let note = format!("{said} {SHARES} {balance} {several}");
    let _ = writeln!(out, "{}", style.faint(&paragraphs(&note, style.columns(), "")));
}

/// What is claimed of a scenario, below what happens, and why that happens.
fn told(out: &mut String, story: Option<&Told>, style: &Style) {
    let Some(Told { says, why }) = story.filter(|told| !told.says.is_empty()) else { return };
    let line = |what: &str, text: &str| paragraphs(&format!("{what}: {text}"), style.columns() - 2, "    ");
    let _ = writeln!(out, "  {}", line("said", says));
    if !why.is_empty() {
        let _ = writeln!(out, "  {}", style.faint(&line("why", why)));
    }
}

fn differing(group: &[Compared]) -> impl Iterator<Item = (&Compared, &Difference)> {
    group.iter().filter_map(|s| Some((s, s.difference.as_ref()?)))
}

const STAR: &str = "* marks what is better or worse: a difference that is shown, and large enough to matter.";
const RUN_BY_RUN: &str = "Run by run, with the same seeds and calls: half of the 95 % confidence interval of the mean difference, of p99 \
                          the median difference and the range.";

fn differences(out: &mut String, comparison: &Comparison, group: &[Compared], style: &Style) {
    let [baseline, _, ..] = group else { return };
    let names = group.iter().map(|s| s.scenario.chars().count()).max().unwrap_or(0);
    let name = names.clamp(8, style.columns().saturating_sub(CELLS).max(8));
    let title = format!("difference to {}", baseline.scenario);
    let _ = writeln!(out, "\n{}\n{}", style.strong(&title), style.strong(&heading("", name, &COLUMNS)));
    for (scenario, difference) in differing(group) {
        let figures = (&paths()[..], &difference.figures);
        rows(out, (&scenario.scenario, name), figures, comparison.runs, Some(&difference.findings), style);
    }
    if comparison.runs > 1 {
        let note = format!("{RUN_BY_RUN} {STAR}");
        let _ = writeln!(out, "{}", style.faint(&paragraphs(&note, style.columns(), "")));
    }
}

fn verdicts(out: &mut String, comparison: &Comparison, style: &Style) {
    if comparison.runs > 1 && comparison.scenarios.iter().any(|s| !s.verdict.is_empty()) {
        let seed = comparison.scenarios.first().map_or(0, |s| s.seed);
        let _ = writeln!(out, "\n{}", style.strong(&format!("what happened in run 0 (seed {seed}) of each")));
    }
    for scenario in comparison.scenarios.iter().filter(|s| !s.verdict.is_empty()) {
        let text = paragraphs(&format!("{}: {}", scenario.scenario, scenario.verdict), style.columns(), "  ");
        let _ = writeln!(out, "\n{text}");
    }
}

/// The same as Markdown.
#[must_use]
pub fn markdown(comparison: &Comparison) -> String {
    let mut out = format!("## {}\n\n", outside(&title(comparison)));
    not_met(&mut out, comparison);
    stories(&mut out, comparison);
    let several = comparison.loads.len() > 1;
    for (group, load) in comparison.groups().zip(&comparison.loads) {
        if several {
            let _ = writeln!(out, "### Load: {}\n", outside(load));
        }
        let columns = paths();
        let row = |s: &Compared| {
            let shares = shares::quoted(&s.shares);
            markdown_cells(&[&s.scenario, &shares], (&columns, &s.figures), None)
        };
        let headings = markdown_headings(&["scenario", "shares of the pods, %"], &COLUMNS);
        markdown::table(&mut out, &headings, group.iter().map(row));
        if let [baseline, _, ..] = group {
            let _ = writeln!(out, "### Difference to {}\n", outside(&baseline.scenario));
            let rows = differing(group)
                .map(|(s, d)| markdown_cells(&[&s.scenario], (&columns, &d.figures), Some(&d.findings)));
            markdown::table(&mut out, &markdown_headings(&["scenario"], &COLUMNS), rows);
            findings::markdown(&mut out, comparison, group);
        }
        phases::markdown(&mut out, group);
    }
    let _ = writeln!(
        out,
        "Shares are of run 0, the largest first; they and the first four figures are of now, the last settled phase, the others of \
                           the whole run. {LEGEND} ±: half of the 95 % confidence interval, 0–x: all of it, cut by zero. {STAR}"
    );
    let said: Vec<&Compared> = comparison.scenarios.iter().filter(|s| !s.verdict.is_empty()).collect();
    if !said.is_empty() {
        let seed = said.first().map_or(0, |s| s.seed);
        let _ = writeln!(out, "\n### What happened in run 0 (seed {seed})\n");
        for scenario in said {
            let _ = writeln!(out, "- **{}**: {}", outside(&scenario.scenario), outside(&scenario.verdict));
        }
    }
    out
}

/// What is not as it should be, in words, before all else.
fn not_met(out: &mut String, comparison: &Comparison) {
    let unmet = unmet(comparison).map(|(s, words)| format!("**{}**: {}", outside(&s.scenario), outside(&words)));
    let failures = comparison.failures.iter().map(|failure| outside(failure));
    let until = comparison.until.iter().filter(|until| !until.reached);
    let until = until.map(|u| format!("{} is not reached after {} runs of each", outside(&u.text), comparison.runs));
    let all: Vec<String> = unmet.chain(failures).chain(until).collect();
    if !all.is_empty() {
        let _ = writeln!(out, "### Not met\n");
        for line in all {
            let _ = writeln!(out, "- {line}");
        }
        out.push('\n');
    }
}

/// What is said of the scenarios beside what happens.
fn stories(out: &mut String, comparison: &Comparison) {
    let columns = ["throughput_rps", "latency_ms.p99"];
    let rows = comparison.scenarios.iter().filter_map(|s| {
        let Told { says, why } = s.story.as_ref()?;
        let shares = shares::quoted(&s.shares);
        let mut row = markdown_cells(&[&s.scenario, says, &shares], (&columns, &s.figures), None);
        row.push(outside(why));
        Some(row)
    });
    let headings = ["scenario", "said", "shares of the pods, %", "calls/s", "p99 ms", "why"];
    markdown::text_table(out, &headings, rows);
}

/// What scenarios expect and some run does not meet, in words.
fn unmet<'a>(comparison: &'a Comparison) -> impl Iterator<Item = (&'a Compared, String)> {
    let of = move |s: &'a Compared| s.unmet.iter().map(move |unmet| (s, unmet.words(comparison.runs)));
    comparison.scenarios.iter().flat_map(of)
}

impl Unmet {
    /// As a sentence reads it, of so many runs.
    fn words(&self, runs: u64) -> String {
        let got = self.value.map_or_else(|| "but it has no value".to_owned(), |value| format!("got {value}"));
        let of = if runs > 1 { format!(" (not met in {} of {runs} runs)", self.runs) } else { String::new() };
        format!("expected {}, {got}{of}", self.text)
    }
}
