//! What `run` prints: the header, a row per pod, the headline, the theory beside it, warnings, expectations, the verdict, and what would
//! change that.

mod cures;
mod headline;
mod pods;

use std::fmt::Write as _;

use super::methods;
use super::style::Style;
use super::tabular::{Below, Name, Number, Rows, Table, Text, column};
use crate::metrics::outcome::{Estimate, Outcome, Summary};
use crate::words::{count, duration, millis_or_dash, paragraphs, percent_or_dash, short, short_or_dash, with_unit};
pub(super) use cures::in_markdown as cures_in_markdown;
use headline::FigureRow;
pub(super) use headline::{Block, headline_blocks, interval};
use pods::whole_percent;
pub(super) use pods::{gone, pods};

/// What stands above the table and is not part of the outcome.
#[derive(Clone, Debug, Default)]
pub struct Header {
    /// Defaults in use that no real system gives: name and value.
    pub assumptions: Vec<(String, String)>,
    /// What manifests say and the scenario does not, in a sentence.
    pub caveat: Option<String>,
    /// Where the files went, if any were written.
    pub folder: Option<String>,
}

/// The whole report as text, without escape sequences unless the style asks for colours.
#[must_use]
pub fn render(outcome: &Outcome, header: &Header, style: &Style) -> String {
    let summary = &outcome.summary;
    let mut out = String::new();
    head(&mut out, outcome, header, style);
    if let Some(phase) = summary.headline() {
        let _ = writeln!(out, "\n{}", style.strong(&interval(summary, phase)));
    }
    if summary.pods.is_empty() {
        out.push_str("\nno pods\n");
    }
    pods(outcome, "pod", &summary.pods).apart(&mut out, style);
    for line in gone(&summary.pods) {
        let _ = writeln!(out, "{}", style.faint(&line));
    }
    for table in [pods(outcome, "gateway", &summary.gateways), methods::table(summary)] {
        if table.apart(&mut out, style) && summary.phases.len() > 1 {
            let _ = writeln!(out, "{}", style.faint("(of the whole run)"));
        }
    }
    // The figures of now, then those of the phases, and last those of the whole run.
    let mut blocks = headline_blocks(summary).into_iter();
    blocks.by_ref().take(1).for_each(|now| block(&mut out, now, style));
    phases(summary).apart(&mut out, style);
    blocks.for_each(|whole| block(&mut out, whole, style));
    estimates(&mut out, summary, style);
    theory(summary).apart(&mut out, style);
    remarks(&mut out, summary, style);
    cures::cures(&mut out, summary, style);
    if let Some(folder) = &header.folder {
        let _ = writeln!(out, "\n{}", style.faint(&format!("files in {folder}")));
    }
    style.shown(out)
}

fn head(out: &mut String, outcome: &Outcome, header: &Header, style: &Style) {
    let summary = &outcome.summary;
    let _ = writeln!(
        out,
        "{}  seed {} · {} simulated, {} measured · evenkeel {}",
        style.strong(&summary.scenario),
        summary.seed,
        duration(outcome.end_s),
        duration(summary.measured_s),
        summary.evenkeel
    );
    let _ =
        writeln!(out, "{}", style.faint(&format!("digest {} · arrivals {}", summary.digest, summary.arrivals_digest)));
    if !header.assumptions.is_empty() {
        let listed: Vec<String> = header.assumptions.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let text = format!("assumptions (no real system gives them): {}", listed.join(", "));
        let _ = writeln!(out, "{}", style.faint(&paragraphs(&text, style.columns(), "  ")));
    }
    if let Some(caveat) = &header.caveat {
        let _ = writeln!(out, "{}", paragraphs(caveat, style.columns(), "  "));
    }
}

/// The phases of the run, if there are several.
pub(super) fn phases(summary: &Summary) -> Table {
    const MOST: usize = 20;
    let several = summary.phases.iter().enumerate().filter(|_| summary.phases.len() > 1);
    let left = summary.phases.len().saturating_sub(MOST);
    Rows::of(several.take(MOST))
        .with(column("phase", Name(43)), |(i, phase)| format!("{:>5} {}", i + 1, phase.name))
        .with(column("from", Number(9)), |(_, phase)| duration(phase.from_s))
        .with(column("pods", Number(5)), |(_, phase)| phase.pods.to_string())
        .with(column("max_over_mean", Number(13)), |(_, phase)| short_or_dash(phase.skew.max_over_mean))
        .with(column("p99", Number(9)), |(_, phase)| millis_or_dash(phase.latency_ms.p99))
        .with(column("failed", Number(8)), |(_, phase)| count(phase.failed))
        .with(column("util", Number(7)).terminal_only(), |(_, phase)| whole_percent(phase.max_utilization))
        .with(column("utilization", Number(7)).markdown_only(), |(_, phase)| percent_or_dash(phase.max_utilization))
        .table()
        .remark(MOST, left, |n| format!("… {n} more phases (all are in summary.json)"))
}

/// Figures of one interval.
pub(super) fn figures(rows: &[FigureRow]) -> Table {
    Rows::of(rows)
        .with(column("figure", Name(16)).above("").code(), |(name, _, _)| name)
        .with(column("value", Number(11)).above("").paint(Style::strong), |(_, value, _)| value)
        .with(column("", Text).paint(Style::faint), |(_, _, note)| note)
        .table()
}

fn block(out: &mut String, block: Block, style: &Style) {
    out.push('\n');
    if let Some(title) = block.title {
        let _ = writeln!(out, "{}", style.strong(&title));
    }
    *out += &figures(&block.rows).terminal(style);
}

/// The figures over several runs.
fn estimates(out: &mut String, summary: &Summary, style: &Style) {
    let Some(runs) = &summary.runs else { return };
    let n = runs.values().map(|e| e.n).max().unwrap_or(0);
    let title = format!("over {n} runs: mean and 95 % confidence interval, of quantiles median and range");
    let interval = |e: &Estimate| {
        let (_, from, to) = e.shown();
        format!("{} to {}  (n = {})", short(from), short(to), e.n)
    };
    let table = Rows::of(runs)
        .with(column("", Name(28)), |(path, _)| methods::named(path, &summary.methods))
        .with(column("", Number(10)), |(_, e)| short(e.shown().0))
        .with(column("", Text), |(_, e)| interval(e))
        .table();
    let _ = write!(out, "\n{}\n{}", style.strong(&title), table.terminal(style));
}

pub(super) fn theory(summary: &Summary) -> Table {
    Rows::of(&summary.theory)
        .with(column("theory", Name(74)).above("theory beside simulation"), |t| &t.figure)
        .with(column("value", Number(10)).above("theory"), |t| short(t.theory))
        .with(column("simulated", Number(12)), |t| short_or_dash(t.simulated))
        .with(column("basis", Below).paint(Style::faint), |t| &t.basis)
        .table()
}

fn remarks(out: &mut String, summary: &Summary, style: &Style) {
    if !summary.warnings.is_empty() || !summary.expectations.is_empty() {
        out.push('\n');
    }
    for warning in &summary.warnings {
        let text = paragraphs(&format!("warning: {warning}"), style.columns(), "  ");
        let _ = writeln!(out, "{}", style.bad(&text));
    }
    for expected in &summary.expectations {
        let value = expected.value.map_or_else(|| "no value".into(), |value| with_unit(&expected.text, value));
        let text = format!("{}   ({value})", expected.text);
        let word = if expected.met { style.good("met  ") } else { style.bad("UNMET") };
        let _ = writeln!(out, "expect {word}  {text}");
    }
    if !summary.verdict.is_empty() {
        let _ = writeln!(out, "\n{}", style.strong(&paragraphs(&summary.verdict, style.columns(), "")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::outcome::Latency;
    use crate::metrics::phase::Phase;
    use crate::output::fixtures;

    fn rendered(outcome: &Outcome, style: &Style) -> String {
        let assumptions = vec![("service_time".into(), "1.6ms".into()), ("rtt".into(), "500us".into())];
        render(outcome, &Header { assumptions, folder: Some("outputs/x".into()), ..Header::default() }, style)
    }

    #[test]
    fn a_rollout_reads_at_a_glance() {
        insta::assert_snapshot!(rendered(&fixtures::rollout(), &Style::default()));
    }

    /// Figures of now first, those of the whole run last, and both say of what they are.
    #[test]
    fn several_phases_have_their_own_figures() {
        let mut outcome = fixtures::rollout();
        let summary = &mut outcome.summary;
        let phase = |name: &str, (from_s, to_s), p99: f64, failed: u64| Phase {
            name: name.into(),
            from_s,
            to_s,
            settled: true,
            pods: 5,
            requests: 100_000,
            skew: summary.skew.headline.clone(),
            throughput_rps: 4_999.0,
            failed,
            error_ratio: Some(failed as f64 / 1e5),
            latency_ms: Latency { p99: Some(p99), ..summary.latency_ms.clone() },
            max_utilization: Some(0.42),
            reconnects_per_s: 0.0,
        };
        let phases = vec![
            phase("before rollout of grpc-server", (30.0, 120.0), 11.0, 0),
            phase("after rollout of grpc-server", (172.0, 600.0), 1_026_497.0, 2),
        ];
        (summary.phases, summary.headline_phase) = (phases, Some(2));
        let text = rendered(&outcome, &Style::default());
        let lines: Vec<&str> = text.lines().skip_while(|l| !l.starts_with("max_over")).take(27).collect();
        insta::assert_snapshot!(lines.join("\n"));
        insta::assert_snapshot!(
            super::super::markdown::render(&outcome)
                .lines()
                .skip(4)
                .filter(|l| !l.contains("grpc-server-"))
                .collect::<Vec<_>>()
                .join("\n")
        );
    }

    #[test]
    fn failures_and_throttling_have_columns_where_there_are_some() {
        let mut outcome = fixtures::one_takes_all();
        (outcome.summary.pods[3].errors, outcome.summary.pods[3].throttled) = (1_234, Some(0.4321));
        let text = rendered(&outcome, &Style::default());
        let table: Vec<&str> = text.lines().skip_while(|l| !l.starts_with("pod")).take(5).collect();
        insta::assert_snapshot!(table.join("\n"), @"
        pod                                    share     requests  failed  conns   util throt      p99  life
        grpc-server-1-0                          0 %            0       0     10    0 %     -        -  idle
        grpc-server-1-1                          0 %            0       0     10    0 %     -        -  idle
        grpc-server-1-2                          0 %            0       0     10    0 %     -        -  idle
        grpc-server-1-3  ███████████████████   100 %        9,959   1,234     10  100 %  43 %    12 ms
        ");
    }

    #[test]
    fn lines_fit_into_the_terminal_and_plain_text_is_ascii() {
        let mut troubled = fixtures::rollout();
        troubled.summary.pods.iter_mut().for_each(|p| (p.errors, p.throttled) = (123_456, Some(0.4321)));
        for outcome in
            [fixtures::rollout(), fixtures::hundred(), fixtures::nothing(), fixtures::one_takes_all(), troubled]
        {
            for width in [80, 100, 200] {
                let text = rendered(&outcome, &Style { unicode: false, width, colour: false });
                assert!(text.is_ascii());
                for line in text.lines() {
                    assert!(line.len() <= width.min(100), "{width}: {line}");
                }
            }
        }
    }

    #[test]
    fn colours_come_only_where_they_are_wanted() {
        let plain = rendered(&fixtures::rollout(), &Style::default());
        assert!(!plain.contains('\u{1b}'));
        let coloured = rendered(&fixtures::rollout(), &Style { colour: true, ..Style::default() });
        let mut stripped = coloured.clone();
        for code in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m"] {
            assert!(coloured.contains(code));
            stripped = stripped.replace(code, "");
        }
        assert_eq!(stripped, plain);
    }
}
