//! What a comparison says of each figure, in plain words: better, worse, no difference shown.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::compare::{COLUMNS, Compared, Comparison, shown};
use super::format::count;
use super::markdown::outside;
use super::style::{Style, paragraphs};

/// What the runs say of one figure of a scenario, against the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// In a word.
    pub verdict: Verdict,
    /// The least difference that matters, in the figure's unit.
    pub size: f64,
    /// If no difference is shown, and one that mattered may be there: how many runs of each would show it with a chance of 80 %, if
    /// its mean and spread are what they seem to be; `null` if there is nothing to go by, or that were more than a million.
    pub runs_to_show: Option<u64>,
    /// Variance of the paired differences over the sum of both scenarios' variances: the part of the runs that pairing leaves
    /// necessary. `null` if nothing varies.
    pub variance_ratio: Option<f64>,
}

/// A finding in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The 95 % confidence interval of the difference lies on the better side of zero, and the difference is large enough to matter.
    Better,
    /// It lies on the worse side, and matters.
    Worse,
    /// It does not contain zero, and the difference is too small to matter.
    Small,
    /// It contains zero.
    NotShown,
    /// The same value in every run.
    Equal,
    /// Some run has no value: what the others say is no answer.
    NotCompared,
}

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

const NOTE: &str = "Each figure is judged by its own 95 % confidence interval: of forty figures without any difference, one is \
                    expected to read as worse, if its size lets it. Runs that would show it: with a chance of 80 %, if the \
                    difference is what it seems.";

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
