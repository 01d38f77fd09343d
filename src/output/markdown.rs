//! The report as Markdown, to paste into a pull request.

use std::fmt::Write as _;

use super::table::{Block, Row, cures_in_markdown, gone, headline_blocks, interval, of_requests};
use crate::metrics::outcome::{Outcome, Summary};
use crate::printable;
use crate::words::{count, duration, millis_or_dash, percent_or_dash, short, short_or_dash, with_unit};

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
    let pods = &summary.pods;
    let now = pods.iter().any(|p| p.now.is_some());
    let losses = pods.iter().any(|pod| Row::of(pod, now).failed > 0);
    let limits = pods.iter().any(|p| p.throttled.is_some());
    let rows = pods.iter().filter(|p| !now || p.now.is_some()).map(|pod| {
        let of = Row::of(pod, now);
        let mut row = vec![
            outside(&pod.pod),
            percent_or_dash(of.share),
            of.requests,
            pod.connections_at_end.to_string(),
            percent_or_dash(of.utilization),
            millis_or_dash(of.p99),
        ];
        row.extend(losses.then(|| count(of.failed)));
        row.extend(limits.then(|| percent_or_dash(pod.throttled)));
        row
    });
    let mut columns = vec!["pod", "share", of_requests(pods, now), "connections", "utilization", "p99"];
    columns.extend(losses.then_some("failed"));
    columns.extend(limits.then_some("throttled"));
    table(&mut out, &columns, rows);
    for line in gone(pods).iter().filter(|_| now) {
        let _ = writeln!(out, "{}.\n", outside(line));
    }
    phases(&mut out, summary);
    blocks.for_each(|whole| figures(&mut out, whole));
    let theory = summary
        .theory
        .iter()
        .map(|t| vec![t.figure.clone(), short(t.theory), short_or_dash(t.simulated), t.basis.clone()]);
    table(&mut out, &["theory", "value", "simulated", "basis"], theory);
    let expected = summary.expectations.iter().map(|e| {
        vec![
            format!("`{}`", e.text),
            e.value.map_or_else(|| "-".into(), |x| with_unit(&e.text, x)),
            if e.met { "met".into() } else { "**unmet**".into() },
        ]
    });
    table(&mut out, &["expectation", "value", ""], expected);
    for warning in &summary.warnings {
        let _ = writeln!(out, "> **Warning:** {}\n", cell(warning));
    }
    cures_in_markdown(&mut out, summary);
    out
}

/// Figures of one interval.
fn figures(out: &mut String, block: Block) {
    if let Some(title) = block.title {
        let _ = writeln!(out, "{}.\n", outside(&title));
    }
    let name = |name: String| if name.is_empty() { name } else { format!("`{name}`") };
    let rows = block.rows.into_iter().map(|(figure, value, note)| vec![name(figure), value, outside(&note)]);
    table(out, &["figure", "value", ""], rows);
}

/// A row per phase, if there are several.
fn phases(out: &mut String, summary: &Summary) {
    if summary.phases.len() > 1 {
        let phases = summary.phases.iter().enumerate().map(|(i, phase)| {
            vec![
                format!("{} {}", i + 1, outside(&phase.name)),
                duration(phase.from_s),
                phase.pods.to_string(),
                short_or_dash(phase.skew.max_over_mean),
                millis_or_dash(phase.latency_ms.p99),
                count(phase.failed),
                percent_or_dash(phase.max_utilization),
            ]
        });
        let columns = ["phase", "from", "pods", "`max_over_mean`", "p99", "failed", "utilization"];
        table(out, &columns, phases);
    }
}

/// A table, or nothing if it has no rows. The first column is text, the others are numbers.
pub(super) fn table(out: &mut String, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "| {} |", columns.join(" | "));
    let _ = writeln!(out, "|---|{}", "---:|".repeat(columns.len() - 1));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out.push('\n');
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
