//! A comparison for a terminal, and as Markdown for a pull request.

use std::fmt::Write as _;

use super::table::{LEGEND, cell, figure_column, with_figures};
use super::{phases, shares};
use crate::experiment::compare::{COLUMNS, Compared, Comparison, Difference, Told, Unmet};
use crate::output::findings;
use crate::output::markdown::outside;
use crate::output::methods;
use crate::output::style::Style;
use crate::output::tabular::{Below, Name, Rows, Section, Table, Text, Word, column};
use crate::words::paragraphs;

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
    out += &shares_table(comparison, &comparison.scenarios, brief).terminal(style);
    let _ = writeln!(out, "{}", style.faint(&paragraphs(&first_note(comparison, brief), style.columns(), "")));
    if !brief {
        for group in comparison.groups() {
            differences(&mut out, comparison, group, style);
            findings::render(&mut out, comparison, group, style);
            let phases = phases::table(group, comparison.runs);
            for table in std::iter::once(phases).chain(methods::compared(comparison, group)) {
                table.apart(&mut out, style);
            }
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

/// A row per scenario, by load: shares and figures, and what is said of it. Of many scenarios a terminal shows little: intervals are for those
/// who compare few.
fn shares_table(comparison: &Comparison, scenarios: &[Compared], brief: bool) -> Table {
    let load = |s: &Compared| {
        let load = usize::try_from(s.load).ok().and_then(|n| comparison.loads.get(n.checked_sub(1)?));
        load.map_or_else(String::new, |load| format!("load: {load}"))
    };
    let told = |what: &str, s: &Compared, text: fn(&Told) -> &String| {
        let text = s.story.as_ref().filter(|told| !told.says.is_empty()).map(text).filter(|text| !text.is_empty());
        text.map_or_else(String::new, |text| format!("{what}: {text}"))
    };
    let several = comparison.loads.len() > 1;
    let rows = Rows::of(scenarios)
        .with(column("load", Section).terminal_only().when(several).paint(Style::strong), load)
        .with(column("scenario", Name(8)).above(""), |s| &s.scenario)
        .with(column("shares of the pods, %", Word).above("shares"), |s| shares::quoted(&s.shares));
    let shown = if brief { &FIRST[..BRIEF] } else { &FIRST[..] };
    let rows = COLUMNS.iter().fold(rows, |rows, figure| {
        let column = figure_column(figure);
        let column = if shown.contains(figure) { column } else { column.markdown_only() };
        rows.with(column, |s| {
            let cell = cell(figure.0, comparison.runs, ("", &s.figures, None));
            if brief { cell.below(None) } else { cell }
        })
    });
    rows.with(column("said", Below).terminal_only(), |s| told("said", s, |told| &told.says))
        .with(column("why", Below).terminal_only().paint(Style::faint), |s| told("why", s, |told| &told.why))
        .table()
}

/// What the columns of the first table mean.
fn first_note(comparison: &Comparison, brief: bool) -> String {
    let several = match comparison.runs {
        0 | 1 => "",
        _ if brief => MEDIANS,
        _ => BELOW,
    };
    let balance = if brief { "" } else { BALANCE };
    let told = comparison.scenarios.iter().any(|s| s.story.as_ref().is_some_and(|told| !told.says.is_empty()));
    let said = if told { SAID } else { "" };
    format!("{said} {SHARES} {balance} {several}")
}

fn differing(group: &[Compared]) -> impl Iterator<Item = (&Compared, &Difference)> {
    group.iter().filter_map(|s| Some((s, s.difference.as_ref()?)))
}

const STAR: &str = "* marks what is better or worse: a difference that is shown, and large enough to matter.";
const RUN_BY_RUN: &str = "Run by run, with the same seeds and calls: half of the 95 % confidence interval of the mean difference, of p99 \
                          the median difference and the range.";

fn difference_table(comparison: &Comparison, group: &[Compared]) -> Table {
    let rows = Rows::of(differing(group)).with(column("scenario", Name(8)).above(""), |(s, _)| &s.scenario);
    with_figures(rows, &COLUMNS, comparison.runs, |(_, d)| ("", &d.figures, Some(&d.findings))).table()
}

fn differences(out: &mut String, comparison: &Comparison, group: &[Compared], style: &Style) {
    let [baseline, _, ..] = group else { return };
    let title = format!("difference to {}", baseline.scenario);
    let _ = write!(out, "\n{}\n{}", style.strong(&title), difference_table(comparison, group).terminal(style));
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
    out += &stories(comparison).markdown();
    let several = comparison.loads.len() > 1;
    for (group, load) in comparison.groups().zip(&comparison.loads) {
        if several {
            let _ = writeln!(out, "### Load: {}\n", outside(load));
        }
        out += &shares_table(comparison, group, false).markdown();
        if let [baseline, _, ..] = group {
            let _ = writeln!(out, "### Difference to {}\n", outside(&baseline.scenario));
            out += &difference_table(comparison, group).markdown();
            findings::markdown(&mut out, comparison, group);
        }
        let phases = phases::table(group, comparison.runs).markdown();
        if !phases.is_empty() {
            let _ = write!(out, "### By phase\n\n{phases}");
        }
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
fn stories(comparison: &Comparison) -> Table {
    const FIGURES: [(&str, &str); 2] = [("throughput_rps", "calls/s"), ("latency_ms.p99", "p99 ms")];
    let rows = Rows::of(comparison.scenarios.iter().filter_map(|s| Some((s, s.story.as_ref()?))))
        .with(column("scenario", Name(8)), |(s, _)| &s.scenario)
        .with(column("said", Text), |(_, told)| &told.says)
        .with(column("shares of the pods, %", Word), |(s, _)| shares::quoted(&s.shares));
    with_figures(rows, &FIGURES, comparison.runs, |(s, _)| ("", &s.figures, None))
        .with(column("why", Text), |(_, told)| &told.why)
        .table()
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
