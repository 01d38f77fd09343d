//! What would change the skew: a row per cure with what to set, and what the rows say.

use std::fmt::Write as _;

use crate::metrics::cures::{Cures, Figures, Row};
use crate::metrics::outcome::Summary;
use crate::output::markdown;
use crate::output::style::Style;
use crate::output::tabular::{Below, Cell, Name, Number, Rows, Table, column};
use crate::words::{count, paragraphs, set_option, short, short_or_dash};

/// More `--set`s than this are in summary.json.
const MOST_SETS: usize = 12;

fn table(cures: &Cures) -> Table {
    let other_calls = |row: &Row| row.figures.as_ref().is_some_and(|f| !f.same_calls);
    let figure = |of: fn(&Figures) -> String| move |row: &Row| row.figures.as_ref().map_or_else(|| "-".to_owned(), of);
    let failed = |row: &Row| match row.figures {
        Some(_) => String::new(),
        None => format!("cannot finish: {}", row.failure),
    };
    const MARK: &str = "* other calls of the same load: what its clients ask for depends on the answers";
    Rows::of(&cures.rows)
        .with(column("what would change that", Name(29)).above(""), |row| {
            Cell::from(&row.name).marked(if other_calls(row) { " *" } else { "" })
        })
        .with(column("max_over_mean", Number(12)), figure(|f| short_or_dash(f.max_over_mean)))
        .with(column("worst window", Number(12)), figure(|f| short_or_dash(f.worst_window_max_over_mean)))
        .with(column("p99 ms", Number(7)), figure(|f| short_or_dash(f.latency_p99_ms)))
        .with(column("failed", Number(8)), figure(|f| count(f.requests_failed)))
        .with(column("reconn/s", Number(8)), figure(|f| short(f.reconnects_per_s)))
        .with(column("", Below).paint(Style::bad).when(cures.rows.iter().any(|row| row.figures.is_none())), failed)
        .with(column("set", Below).code().paint(Style::faint), settings)
        .table()
        .remark(usize::MAX, cures.rows.iter().filter(|row| other_calls(row)).count(), |_| MARK.to_owned())
}

fn settings(row: &Row) -> String {
    match row.sets.len() {
        ..=MOST_SETS => row.sets.iter().map(|set| set_option(set)).collect::<Vec<_>>().join(" "),
        n => format!("{n} settings: see `cures` in summary.json"),
    }
}

/// The section at the end of the table; nothing if cures were not asked for.
pub(super) fn cures(out: &mut String, summary: &Summary, style: &Style) {
    let Some(cures) = &summary.cures else { return };
    let columns = style.columns();
    if !cures.rows.is_empty() {
        let _ = writeln!(out, "\n{}", style.strong(&paragraphs(&title(summary), columns, "  ")));
        *out += &table(cures).terminal(style);
    }
    let _ = writeln!(out, "\n{}", style.strong(&paragraphs(&cures.words, columns, "")));
}

/// Which run the rows are of.
fn title(summary: &Summary) -> String {
    let of = if summary.runs.is_some() { "run 0, " } else { "" };
    let whole = "p99, failed calls and reconnects of the whole run";
    format!("what would change that: each simulated with the same calls ({of}seed {}); {whole}", summary.seed)
}

/// The section in Markdown.
pub(in crate::output) fn in_markdown(out: &mut String, summary: &Summary) {
    let Some(cures) = &summary.cures else { return };
    if !cures.rows.is_empty() {
        let _ = write!(out, "{}.\n\n{}", markdown::outside(&title(summary)), table(cures).markdown());
    }
    let _ = writeln!(out, "{}\n", markdown::outside(&cures.words));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::cures::{About, Effect};
    use crate::output::fixtures;

    fn row(name: &str, sets: &[&str], max_over_mean: f64, same_calls: bool) -> Row {
        let figures = Figures {
            max_over_mean: Some(max_over_mean),
            worst_window_max_over_mean: None,
            latency_p99_ms: Some(123.4),
            requests_failed: 1_234,
            error_ratio: Some(0.01),
            reconnects_per_s: 0.0877,
            same_calls,
        };
        let sets = sets.iter().map(|set| (*set).to_owned()).collect();
        Row { name: name.to_owned(), sets, figures: Some(figures), effect: Some(Effect::Helps), failure: String::new() }
    }

    fn summary() -> Summary {
        let aged = ["servers.s.grpc.max_connection_age=1m", "servers.s.grpc.max_connection_age_grace=10s"];
        let xds = ["clients.web.discovery={ watch: { debounce: 100ms } }", "clients.web.policy=round_robin"];
        let endless = Row {
            figures: None,
            effect: None,
            failure: "calls that take no time at all go round for ever".to_owned(),
            ..row("istio", &["clients.web.via=istio"], 1.0, true)
        };
        let rows = vec![
            row("as it is", &[], 2.126, true),
            row("age 1m", &aged, 1.5, true),
            row("xDS, round_robin", &xds, 1.01, false),
            endless,
        ];
        let mut summary = fixtures::rollout().summary;
        summary.cures = Some(Cures {
            about: About::Skew,
            rows,
            words: "max_over_mean is 2.13 as it is. Would help: age 1m (1.5).".to_owned(),
        });
        summary
    }

    #[test]
    fn each_cure_is_a_row_with_what_to_set() {
        let mut out = String::new();
        cures(&mut out, &summary(), &Style::default());
        insta::assert_snapshot!(out);
    }

    #[test]
    fn in_markdown_it_is_a_table() {
        let mut out = String::new();
        in_markdown(&mut out, &summary());
        insta::assert_snapshot!(out);
    }

    #[test]
    fn without_cures_there_is_nothing_and_without_rows_the_reason() {
        let (mut out, mut summary) = (String::new(), summary());
        summary.cures = None;
        cures(&mut out, &summary, &Style::default());
        in_markdown(&mut out, &summary);
        assert_eq!(out, "");
        summary.cures = Some(Cures { words: "The load is even.".to_owned(), ..Cures::default() });
        cures(&mut out, &summary, &Style::default());
        assert_eq!(out, "\nThe load is even.\n");
    }

    #[test]
    fn lines_of_figures_fit() {
        let summary = summary();
        for width in [80, 100] {
            let mut out = String::new();
            cures(&mut out, &summary, &Style { unicode: false, width, colour: false });
            let figures = out.lines().filter(|line| !line.starts_with("  --set "));
            assert!(figures.clone().count() > 4 && figures.clone().all(|line| line.len() <= width), "{width}:\n{out}");
        }
        let mut long = summary;
        long.cures.as_mut().unwrap().rows[1].sets = vec!["a=1".to_owned(); 30];
        let mut out = String::new();
        cures(&mut out, &long, &Style::default());
        assert!(out.contains("  30 settings: see `cures` in summary.json\n"), "{out}");
    }
}
