//! What a comparison says of each figure, in plain words: better, worse, no difference shown.

use std::fmt::Write as _;

use super::compare::shown;
use super::markdown::outside;
use super::style::Style;
use crate::experiment::compare::{COLUMNS, Compared, Comparison, Finding, Verdict};
use crate::words::{count, paragraphs};

impl Verdict {
    const ALL: [Verdict; 6] =
        [Verdict::Better, Verdict::Worse, Verdict::Small, Verdict::NotShown, Verdict::Equal, Verdict::NotCompared];

    fn words(self) -> &'static str {
        match self {
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            Verdict::Small => "too small to matter",
            Verdict::NotShown => "no difference shown",
            Verdict::Equal => "equal in every run",
            Verdict::NotCompared => "not compared",
        }
    }

    /// As `compare.csv` has it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            Verdict::Small => "small",
            Verdict::NotShown => "not_shown",
            Verdict::Equal => "equal",
            Verdict::NotCompared => "not_compared",
        }
    }
}

/// The findings of one load for a terminal, a block per scenario.
pub(super) fn render(out: &mut String, comparison: &Comparison, group: &[Compared], style: &Style) {
    let Some(title) = title(comparison, group) else { return };
    let _ = writeln!(out, "\n{}", style.strong(&title));
    for (scenario, lines) in blocks(comparison, group) {
        let _ = writeln!(out, "  {scenario}");
        for line in lines {
            let _ = writeln!(out, "    {}", paragraphs(&line, style.columns() - 4, "      "));
        }
    }
    let _ = writeln!(out, "{}", style.faint(&paragraphs(NOTE, style.columns(), "")));
}

/// The same as Markdown.
pub(super) fn markdown(out: &mut String, comparison: &Comparison, group: &[Compared]) {
    let Some(title) = title(comparison, group) else { return };
    let _ = writeln!(out, "### {}\n", outside(&capital(&title)));
    for (scenario, lines) in blocks(comparison, group) {
        let _ = writeln!(out, "- **{}**: {}", outside(scenario), lines.join("; "));
    }
    let _ = writeln!(out, "\n{NOTE}\n");
}

const NOTE: &str = "Each figure is judged by its own 95 % confidence interval: of forty figures without a real difference, about one is \
                    expected to read as worse, if it reaches --size. Runs that would show it: with 80 % power, if the \
                    true difference is the observed one.";

fn title(comparison: &Comparison, group: &[Compared]) -> Option<String> {
    let any = group.iter().any(|s| s.difference.as_ref().is_some_and(|d| !d.findings.is_empty()));
    any.then(|| format!("what {} runs show against {}", comparison.runs, group[0].scenario))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Each scenario with a line per verdict that some figure of the tables has.
fn blocks<'a>(comparison: &'a Comparison, group: &'a [Compared]) -> impl Iterator<Item = (&'a str, Vec<String>)> {
    let line = move |scenario: &Compared, verdict: Verdict| {
        let findings = &scenario.difference.as_ref()?.findings;
        let of = |(path, heading): &(&str, &str)| {
            let finding = findings.get(*path).filter(|f| f.verdict == verdict)?;
            Some(format!("{heading}{}", remark(comparison, (group, scenario), path, finding)))
        };
        let figures: Vec<String> = COLUMNS.iter().filter_map(of).collect();
        (!figures.is_empty()).then(|| format!("{}: {}", verdict.words(), figures.join(", ")))
    };
    let differing = group.iter().filter(|s| s.difference.is_some());
    differing.map(move |s| (s.scenario.as_str(), Verdict::ALL.into_iter().filter_map(|v| line(s, v)).collect()))
}

/// What stands in brackets after a figure.
fn remark(
    comparison: &Comparison,
    (group, scenario): (&[Compared], &Compared),
    path: &str,
    finding: &Finding,
) -> String {
    match finding {
        Finding { verdict: Verdict::NotShown, runs_to_show: Some(n), .. } => {
            format!(" (about {} runs of each would show it)", count(*n))
        }
        Finding { verdict: Verdict::Small, size, .. } => format!(" (less than {})", shown(path, *size)),
        Finding { verdict: Verdict::NotCompared, .. } => {
            let with_value = |s: &Compared| s.figures.get(path).map_or(0, |e| e.n);
            let baseline = group.first().map_or(0, with_value);
            format!(" (a value in {} of {} runs; baseline: in {baseline})", with_value(scenario), comparison.runs)
        }
        _ => String::new(),
    }
}
