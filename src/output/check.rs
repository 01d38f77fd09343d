//! The report of `check`: what became of each property, as text, Markdown and JSON.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::files::FileSet;
use super::format::{count, percent, short, trimmed};
use super::style::{Style, paragraphs};
use super::{OutputError, json, markdown as md};
use crate::printable;

/// The report of all properties.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// Version of evenkeel.
    pub evenkeel: String,
    /// Seed of the cases and of their runs.
    pub seed: u64,
    /// The most scenarios per property.
    pub cases: u64,
    /// In order of their files.
    pub properties: Vec<Checked>,
}

/// What became of a property.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Checked {
    /// Its name.
    pub name: String,
    /// The claim in words.
    pub says: String,
    /// The claim.
    pub claim: String,
    /// How often it holds: `always`, `in 95% of runs`, `on average`.
    pub holds: String,
    /// The most that the chance of a refutation is if the claim is true; `null` where one run refutes it.
    pub level: Option<f64>,
    /// What the file says that becomes of it.
    pub expected: Fate,
    /// What became of it.
    pub outcome: Fate,
    /// How hard it was attacked.
    pub attack: Attack,
    /// The case that came nearest to refuting it, if none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Nearest>,
    /// What refutes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refutation: Option<Refutation>,
    /// What is learnt from it, or empty.
    pub learnt: String,
}

/// What can become of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// No case refutes it.
    Holds,
    /// Some case does.
    Refuted,
}

/// How hard a property was attacked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Attack {
    /// Scenarios that were judged.
    pub scenarios: u64,
    /// Drawn values that make no valid scenario.
    pub invalid: u64,
    /// Runs, both sides of a comparison counted as one.
    pub runs: u64,
    /// Those in which a figure had no value, and which say nothing.
    pub silent: u64,
    /// Calls that were simulated.
    pub calls: u64,
    /// What was tried of each key that is drawn.
    pub ranges: Vec<Range>,
}

/// What was tried of a key.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Range {
    /// Its path.
    pub path: String,
    /// The first value and the last one in order of the file, of those that were tried; or all of a list.
    pub tried: Vec<String>,
    /// How many values were tried.
    pub values: u64,
    /// How many there are.
    pub of: u64,
    /// Whether they are a range.
    pub is_range: bool,
}

/// A case that does not refute the claim.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Nearest {
    /// The case.
    pub case: Case,
    /// How far the mean run is beyond the claim, as a part of the larger side; below zero: within it.
    pub mean_excess: f64,
    /// Runs in which the claim did not hold, and all.
    pub broken: u64,
    /// All that say something.
    pub runs: u64,
}

/// A scenario and the run of it that says most.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Case {
    /// Its number; 0 is the scenario as it is written.
    pub number: u64,
    /// What differs from the scenario as it is written, as `--set` writes it.
    pub sets: Vec<String>,
    /// Seed of the run.
    pub seed: u64,
    /// The figure of each side in that run, in the unit of the summary; `null` if it has no value.
    pub values: Vec<Option<f64>>,
}

/// What refutes a claim.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Refutation {
    /// As it was found.
    pub found: Case,
    /// As it was shrunk.
    pub shrunk: Case,
    /// Cases that were tried on the way.
    pub tries: u64,
    /// Runs of the shrunk case with other seeds, and in how many of them the claim did not hold.
    pub fresh_runs: u64,
    /// See `fresh_runs`.
    pub fresh_broken: u64,
    /// How far beyond the claim these runs are on average, as a part of the larger side.
    pub fresh_excess: f64,
    /// Files that `run` replays, one per side.
    pub files: Vec<String>,
    /// What happened in the run, in sentences.
    pub happened: Vec<String>,
}

impl Checked {
    /// True if what became of it is what the file expects.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.outcome == self.expected
    }

    fn verdict(&self) -> &'static str {
        match (self.outcome, self.expected) {
            (Fate::Holds, Fate::Holds) => "holds",
            (Fate::Refuted, Fate::Refuted) => "refuted, as expected",
            (Fate::Holds, Fate::Refuted) => "NOT refuted, which was expected",
            (Fate::Refuted, Fate::Holds) => "REFUTED",
        }
    }

    fn claimed(&self) -> String {
        match self.level {
            None => format!("{}, {}", self.claim, self.holds),
            Some(level) => format!("{}, {} (level {})", self.claim, self.holds, percent(level)),
        }
    }

    /// Heading and text of each line that says how it was attacked, and what came of it.
    fn lines(&self, folder: &str) -> Vec<(&'static str, String)> {
        let mut lines =
            vec![("says", self.says.clone()), ("claim", self.claimed()), ("attacked", attacked(&self.attack))];
        if let Some(nearest) = &self.nearest {
            lines.push(("nearest", self.nearest_text(nearest)));
        }
        if let Some(refutation) = &self.refutation {
            lines.push(("refuted", self.refuted_text(refutation)));
            lines.push(("there", refutation.happened.join(" ")));
            lines.push(("replay", replay(refutation, folder)));
        }
        if !self.learnt.is_empty() {
            lines.push(("learnt", self.learnt.clone()));
        }
        lines
    }

    fn nearest_text(&self, Nearest { case, mean_excess, broken, runs }: &Nearest) -> String {
        let case_text = format!("{}{}", settings(&case.sets), values(&self.claim, case));
        match self.level {
            None => case_text,
            Some(_) => {
                let side = if *mean_excess > 0.0 { "beyond" } else { "within" };
                let far = percent(mean_excess.abs());
                format!("{case_text}; broken in {broken} of {runs} runs, on average {far} {side} the claim")
            }
        }
    }

    fn refuted_text(&self, r: &Refutation) -> String {
        let how = match (r.found.number, r.tries) {
            (0, _) => "the scenario as it is written".to_owned(),
            (n, 1) => format!("scenario {n}, shrunk in 1 try to {}", settings(&r.shrunk.sets)),
            (n, tries) => format!("scenario {n}, shrunk in {tries} tries to {}", settings(&r.shrunk.sets)),
        };
        let (broken, runs) = (r.fresh_broken, r.fresh_runs);
        let mut text =
            format!("{how}{}; with other seeds broken in {broken} of {runs} runs", values(&self.claim, &r.shrunk));
        if self.holds == "on average" {
            let side = if r.fresh_excess > 0.0 { "beyond" } else { "within" };
            let _ = write!(text, ", on average {} {side} the claim", percent(r.fresh_excess.abs()));
        }
        text
    }
}

fn attacked(attack: &Attack) -> String {
    let Attack { scenarios, invalid, runs, silent, calls, ranges } = attack;
    let plural = |n: u64, what: &str| format!("{} {what}{}", count(n), if n == 1 { "" } else { "s" });
    let mut text = format!("{}, {}, {}", plural(*scenarios, "scenario"), plural(*runs, "run"), plural(*calls, "call"));
    if *invalid > 0 {
        let _ = write!(text, "; {} more were no valid scenarios", count(*invalid));
    }
    if *silent > 0 {
        let _ = write!(text, "; {} had no value", plural(*silent, "run"));
    }
    let range = |r: &Range| match r.tried.as_slice() {
        [first, last] if r.is_range && first != last => format!("{} {first}..{last}", r.path),
        [one, _] if r.is_range => format!("{} {one}", r.path),
        tried => format!("{} {}", r.path, tried.join(", ")),
    };
    for drawn in ranges.iter().filter(|r| !r.tried.is_empty()) {
        let _ = write!(text, "; {}", range(drawn));
    }
    text
}

fn settings(sets: &[String]) -> String {
    if sets.is_empty() { "the scenario as it is written".to_owned() } else { sets.join(", ") }
}

/// What the run says, in the unit of the summary.
fn values(claim: &str, case: &Case) -> String {
    let figures = figures(claim);
    let texts = match case.values.as_slice() {
        [Some(left), Some(right)] if left != right && short(*left) == short(*right) => {
            [left, right].map(|x| trimmed(*x, 6)).to_vec()
        }
        values => values.iter().map(|v| v.map_or_else(|| "no value".to_owned(), short)).collect(),
    };
    let named: Vec<String> = figures.iter().zip(texts).map(|(figure, text)| format!("{figure} is {text}")).collect();
    format!(": {} (seed {})", named.join(", "), case.seed)
}

/// The figures of a claim, one per side, as they are written.
fn figures(claim: &str) -> Vec<&str> {
    claim.split(['<', '>', '=', '!']).filter_map(|side| side.split_whitespace().next()).collect()
}

fn replay(refutation: &Refutation, folder: &str) -> String {
    let files: Vec<String> = refutation.files.iter().map(|file| format!("{folder}/{file}")).collect();
    let verb = if files.len() > 1 { "compare" } else { "run" };
    let runs = if files.len() > 1 { " --runs 1" } else { "" };
    format!("evenkeel {verb} {}{runs}", files.join(" "))
}

/// Paragraphs as comments of a YAML file.
#[must_use]
pub fn comments(texts: &[String]) -> String {
    const WIDTH: usize = 100;
    let comment = |text: &String| paragraphs(&format!("# {text}"), WIDTH, "#   ") + "\n";
    texts.iter().map(comment).collect()
}

/// Adds all files of a report to a set: the scenarios that refute, `check.md`, and `check.json`.
///
/// # Errors
/// If a file cannot be written.
pub fn add_files(set: &mut FileSet, report: &Report, scenarios: &[(String, String)]) -> Result<(), OutputError> {
    for (name, text) in scenarios {
        set.add(name, |w| w.write_all(text.as_bytes()))?;
    }
    let folder = printable::path(set.target());
    set.add("check.md", |w| w.write_all(markdown(report, &folder).as_bytes()))?;
    set.add("check.json", |w| json::pretty(report, w))
}

/// The report for a terminal; `folder` is where the files are.
#[must_use]
pub fn render(report: &Report, folder: &str, style: &Style) -> String {
    const HEADINGS: usize = 10;
    let mut out = String::new();
    for checked in &report.properties {
        let verdict = checked.verdict();
        let verdict = if checked.is_as_expected() { style.good(verdict) } else { style.bad(verdict) };
        let _ = writeln!(out, "{}: {verdict}", style.strong(&checked.name));
        for (heading, text) in checked.lines(folder) {
            let text = paragraphs(&text, style.columns() - HEADINGS - 2, "");
            let text = text.replace('\n', &format!("\n{}", " ".repeat(HEADINGS + 2)));
            let _ = writeln!(out, "  {}{text}", style.faint(&format!("{heading:<HEADINGS$}")));
        }
        out.push('\n');
    }
    let _ = writeln!(out, "{}", sum(report));
    style.shown(out)
}

/// The report as Markdown.
#[must_use]
pub fn markdown(report: &Report, folder: &str) -> String {
    let mut out = format!("## {}\n\n", sum(report));
    let row =
        |c: &Checked| vec![md::code(&c.name), md::outside(&c.says), c.verdict().to_owned(), attacked_short(&c.attack)];
    md::table(&mut out, &["property", "says", "outcome", "attacked with"], report.properties.iter().map(row));
    for checked in &report.properties {
        let _ = writeln!(out, "\n### {}: {}\n", checked.name, checked.verdict());
        for (heading, text) in checked.lines(folder) {
            let text = if heading == "replay" { md::code(&text) } else { md::outside(&text) };
            let _ = writeln!(out, "- **{heading}**: {text}");
        }
    }
    out
}

fn attacked_short(attack: &Attack) -> String {
    format!("{} scenarios, {} runs, {} calls", count(attack.scenarios), count(attack.runs), count(attack.calls))
}

/// How many hold, in a sentence.
fn sum(report: &Report) -> String {
    let refuted = report.properties.iter().filter(|p| p.outcome == Fate::Refuted).count();
    let all = report.properties.len();
    let unexpected = report.properties.iter().filter(|p| !p.is_as_expected()).count();
    let rest = if unexpected == 0 { "all as expected".to_owned() } else { format!("{unexpected} not as expected") };
    let noun = if all == 1 { "property" } else { "properties" };
    format!("{all} {noun}: {} held, {refuted} refuted, {rest}", all - refuted)
}
