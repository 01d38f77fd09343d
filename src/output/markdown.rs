//! The report as Markdown, to paste into a pull request.

use std::fmt::Write as _;

use super::table::{self, Block, cures_in_markdown, headline_blocks, interval};
use super::tabular::{Cell, Name, Number, Rows, Table, Text, column};
use crate::metrics::outcome::{ExpectationResult, Outcome};
use crate::printable;
use crate::words::{duration, with_unit};

/// The whole report.
#[must_use]
pub fn render(outcome: &Outcome) -> String {
    let summary = &outcome.summary;
    let mut out = format!("## {}\n\n", outside(&summary.scenario));
    if !summary.verdict.is_empty() {
        let _ = writeln!(out, "{}\n", cell(&summary.verdict));
    }
    let _ = writeln!(
        out,
        "Seed {}, {} simulated, {} measured, evenkeel {}, digest `{}`.\n",
        summary.seed,
        duration(outcome.end_s),
        duration(summary.measured_s),
        summary.evenkeel,
        summary.digest
    );
    if let Some(phase) = summary.headline() {
        let _ = writeln!(out, "{}.\n", outside(&interval(summary, phase)));
    }
    let mut blocks = headline_blocks(summary).into_iter();
    blocks.by_ref().take(1).for_each(|now| figures(&mut out, now));
    out += &table::pods(outcome, "pod", &summary.pods).markdown();
    for line in table::gone(&summary.pods) {
        let _ = writeln!(out, "{}.\n", outside(&line));
    }
    out += &table::phases(summary).markdown();
    blocks.for_each(|whole| figures(&mut out, whole));
    out += &table::theory(summary).markdown();
    out += &expectations(&summary.expectations).markdown();
    for warning in &summary.warnings {
        let _ = writeln!(out, "> **Warning:** {}\n", cell(warning));
    }
    cures_in_markdown(&mut out, summary);
    out
}

/// A terminal has a sentence for each.
fn expectations(all: &[ExpectationResult]) -> Table {
    let value = |e: &ExpectationResult| e.value.map_or_else(|| "-".into(), |x| with_unit(&e.text, x));
    Rows::of(all)
        .with(column("expectation", Name(0)).code(), |e| &e.text)
        .with(column("value", Number(0)), value)
        .with(column("", Text), |e| Cell::from(if e.met { "met" } else { "unmet" }).strong(!e.met))
        .table()
}

/// Figures of one interval.
fn figures(out: &mut String, block: Block) {
    if let Some(title) = block.title {
        let _ = writeln!(out, "{}.\n", outside(&title));
    }
    *out += &table::figures(&block.rows).markdown();
}

/// Text from outside, which Markdown shall show as it is: no emphasis, links, code or HTML of its own; in one line.
pub(super) fn outside(text: &str) -> String {
    let text: Vec<char> = printable::line(&text.replace('\n', " ")).chars().collect();
    let mut out = String::with_capacity(text.len());
    for (i, &c) in text.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| text.get(i)).copied().unwrap_or(' ');
        let after = text.get(i + 1).copied().unwrap_or(' ');
        let alone = before == ' ' && after == ' ';
        let has_meaning = match c {
            '\\' | '`' | '[' | ']' => true,
            '*' | '~' => !alone,
            '_' => !(alone || before.is_alphanumeric() && after.is_alphanumeric()),
            '<' => after.is_ascii_alphabetic() || "/!?".contains(after),
            '&' => after.is_ascii_alphanumeric() || after == '#',
            _ => false,
        };
        if has_meaning {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Text from outside as code: the fence is longer than what is in it.
pub(super) fn code(text: &str) -> String {
    let text = printable::line(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let blank = if longest > 0 { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

/// Text that cannot end a cell or a line.
pub(super) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::fixtures;

    #[test]
    fn text_from_outside_is_only_text() {
        for (text, shown) in [
            ("a max_over_mean <= 1.5 * b & c", "a max_over_mean <= 1.5 * b & c"),
            ("*b* _i_ ~~s~~", "\\*b\\* \\_i\\_ \\~\\~s\\~\\~"),
            ("[x](http://y) `c`", "\\[x\\](http://y) \\`c\\`"),
            ("<script>&lt;</b>", "\\<script>\\&lt;\\</b>"),
            ("a\n# b\u{1b}[1m", "a # b\\\\u{1b}\\[1m"),
        ] {
            assert_eq!(outside(text), shown);
        }
        assert_eq!((code("a b"), code("a``b`")), ("`a b`".to_owned(), "``` a``b` ```".to_owned()));
    }

    #[test]
    fn a_report_is_a_document() {
        let mut outcome = fixtures::rollout();
        outcome.summary.pods.truncate(1);
        outcome.summary.pods[0].pod = "a|b".into();
        insta::assert_snapshot!(render(&outcome));
    }
}
