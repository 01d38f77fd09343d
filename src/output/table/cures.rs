//! What would change the skew: a row per cure with what to set, and what the rows say.

use std::fmt::Write as _;

use crate::metrics::cures::{Cures, Figures, Row};
use crate::metrics::outcome::Summary;
use crate::output::columns::Columns;
use crate::output::markdown;
use crate::output::style::{Style, padded};
use crate::words::{count, middle_cut, paragraphs, set_option, short, short_or_dash};

/// Names of cures are not longer, but those of what a user might add.
const NAME: usize = 29;
/// More `--set`s than this are in summary.json.
const MOST_SETS: usize = 12;

const COLUMNS: [&str; 5] = ["max_over_mean", "worst window", "p99 ms", "failed", "reconn/s"];
const WIDTHS: [usize; 5] = [13, 13, 8, 9, 9];

/// The section at the end of the table; nothing if cures were not asked for.
pub(super) fn cures(out: &mut String, summary: &Summary, style: &Style) {
    let Some(cures) = &summary.cures else { return };
    let columns = style.columns();
    if !cures.rows.is_empty() {
        let _ = writeln!(out, "\n{}", style.strong(&paragraphs(&title(summary), columns, "  ")));
        let table = Columns { name: NAME.min(columns.saturating_sub(WIDTHS.iter().sum())), gap: "", cells: &WIDTHS };
        let _ = writeln!(out, "{}", style.strong(&table.line("", &COLUMNS)));
        for row in &cures.rows {
            self::row(out, row, table, style);
        }
        if let Some(note) = note(cures) {
            let _ = writeln!(out, "{}", style.faint(&paragraphs(note, columns, "  ")));
        }
    }
    let _ = writeln!(out, "\n{}", style.strong(&paragraphs(&cures.words, columns, "")));
}

fn row(out: &mut String, row: &Row, table: Columns<'_>, style: &Style) {
    let columns = style.columns();
    let mark = if row.figures.as_ref().is_some_and(|f| !f.same_calls) { " *" } else { "" };
    let shown = middle_cut(&row.name, table.name.saturating_sub(mark.len())) + mark;
    match &row.figures {
        Some(figures) => {
            let _ = writeln!(out, "{}", table.line(&shown, &cells(figures)));
        }
        None => {
            let text = format!("{} {}", padded(&shown, table.name), style.bad("cannot finish"));
            let _ = writeln!(out, "{text}\n  {}", paragraphs(&row.failure, columns - 2, "  "));
        }
    }
    if !row.sets.is_empty() {
        // In one line, however long, so that a shell takes it: terminals break it where they must.
        let options: Vec<String> = row.sets.iter().map(|set| set_option(set)).collect();
        let text = match options.len() {
            ..=MOST_SETS => format!("  {}", options.join(" ")),
            n => format!("  {n} settings: see `cures` in summary.json"),
        };
        let _ = writeln!(out, "{}", style.faint(&text));
    }
}

fn cells(figures: &Figures) -> [String; 5] {
    [
        short_or_dash(figures.max_over_mean),
        short_or_dash(figures.worst_window_max_over_mean),
        short_or_dash(figures.latency_p99_ms),
        count(figures.requests_failed),
        short(figures.reconnects_per_s),
    ]
}

/// Which run the rows are of.
fn title(summary: &Summary) -> String {
    let of = if summary.runs.is_some() { "run 0, " } else { "" };
    let whole = "p99, failed calls and reconnects of the whole run";
    format!("what would change that: each simulated with the same calls ({of}seed {}); {whole}", summary.seed)
}

/// What a mark in the rows means.
fn note(cures: &Cures) -> Option<&'static str> {
    let other = cures.rows.iter().filter_map(|row| row.figures.as_ref()).any(|figures| !figures.same_calls);
    other.then_some("* other calls of the same load: what its clients ask for depends on the answers")
}

/// The section in Markdown.
pub(in crate::output) fn in_markdown(out: &mut String, summary: &Summary) {
    let Some(cures) = &summary.cures else { return };
    if !cures.rows.is_empty() {
        let _ = writeln!(out, "{}.\n", markdown::outside(&title(summary)));
    }
    let rows = cures.rows.iter().map(|row| {
        let figures =
            row.figures.as_ref().map_or_else(|| ["cannot finish", "-", "-", "-", "-"].map(str::to_owned), cells);
        let sets: Vec<String> = row.sets.iter().map(|set| set_option(set)).collect();
        let sets = if sets.is_empty() { String::new() } else { markdown::code(&sets.join(" ")) };
        [vec![markdown::outside(&row.name)], figures.to_vec(), vec![sets]].concat()
    });
    let columns = [&["what would change that"][..], &COLUMNS, &["set"]].concat();
    markdown::table(out, &columns, rows);
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
