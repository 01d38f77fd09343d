//! The report of `check`: what became of each property, as text, Markdown and JSON.

use std::fmt::Write as _;

use super::files::FileSet;
use super::style::Style;
use super::tabular::{Name, Rows, Text, column};
use super::{OutputError, json, markdown as md};
use crate::experiment::check::report::{Attack, Case, Checked, Fate, Nearest, Range, Refutation, Report};
use crate::printable;
use crate::words::{count, percent, short, trimmed};

impl Checked {
    fn verdict(&self) -> &'static str {
        match (self.outcome, self.expected) {
            (Fate::Holds, Fate::Holds) => "holds",
            (Fate::Refuted, Fate::Refuted) => "refuted, as expected",
            (Fate::Holds, Fate::Refuted) => "NOT refuted, although a refutation was expected",
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
    let mut out = String::new();
    for checked in &report.properties {
        let verdict = checked.verdict();
        let verdict = if checked.is_as_expected() { style.good(verdict) } else { style.bad(verdict) };
        let _ = writeln!(out, "{}: {verdict}", style.strong(&checked.name));
        let lines = checked.lines(folder);
        let lines = Rows::of(&lines)
            .with(column("", Name(10)).paint(Style::faint), |(heading, _)| format!("  {heading}"))
            .with(column("", Text), |(_, text)| text);
        out += &lines.table().terminal(style);
        out.push('\n');
    }
    let _ = writeln!(out, "{}", sum(report));
    style.shown(out)
}

/// The report as Markdown.
#[must_use]
pub fn markdown(report: &Report, folder: &str) -> String {
    let table = Rows::of(&report.properties)
        .with(column("property", Name(0)).code(), |c| &c.name)
        .with(column("says", Text), |c| &c.says)
        .with(column("outcome", Text), Checked::verdict)
        .with(column("attacked with", Text), |c| attacked_short(&c.attack))
        .table();
    let mut out = format!("## {}\n\n{}", sum(report), table.markdown());
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
