//! What `run` prints: the header, a row per pod, the headline, the theory beside it, warnings, expectations, the verdict, and what would
//! change that.

mod cures;
mod pods;

use std::fmt::Write as _;

use super::format::{count, duration, middle_cut, percent, percent_or_dash, short, short_or_dash};
use super::methods;
use super::style::{Style, padded, paragraphs};
use crate::metrics::outcome::{Outcome, Summary};
use crate::metrics::phase::Phase;
pub(super) use cures::in_markdown as cures_in_markdown;
pub(super) use pods::Row;
use pods::{pods, whole_percent};

/// What stands above the table and is not part of the outcome.
#[derive(Clone, Debug, Default)]
pub struct Header {
    /// Defaults in use that no real system gives: name and value.
    pub assumptions: Vec<(String, String)>,
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
    pods(&mut out, outcome, ("pod", &summary.pods), style);
    if !summary.gateways.is_empty() {
        pods(&mut out, outcome, ("gateway", &summary.gateways), style);
    }
    methods::table(&mut out, summary, style);
    headline(&mut out, summary, style);
    phases(&mut out, summary, style);
    theory(&mut out, summary, style);
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
}

/// The headline's rows: name, value, and what it means.
pub(super) fn headline_rows(summary: &Summary) -> Vec<(String, String, String)> {
    let skew = &summary.skew.headline;
    let dash = || "-".to_owned();
    let mut rows: Vec<(String, String, String)> = Vec::new();
    let mut row = |name: &str, value: String, note: String| rows.push((name.into(), value, note));
    let worst = summary.skew.worst_window.as_ref();
    let worst = worst
        .and_then(|w| Some(format!("; worst window {} × at {}", short(w.figures.max_over_mean?), duration(w.time_s))));
    let note = format!("times the mean load, on the busiest pod{}", worst.unwrap_or_default());
    row("max_over_mean", short_or_dash(skew.max_over_mean), note);
    let pods = skew.effective_pods.zip(skew.jain).filter(|(_, jain)| *jain > 0.0);
    let of = pods.map(|(pods, jain)| format!(" of {}", short((pods / jain).round()))).unwrap_or_default();
    row(
        "effective_pods",
        short_or_dash(skew.effective_pods),
        format!("pods that the traffic behaves as if it had{of}"),
    );
    let note = "of the fleet can be used before the busiest pod is full";
    row("usable_capacity", percent_or_dash(skew.usable_capacity), note.into());
    row("idle_pods", skew.idle_pods.map_or_else(dash, short), "without any request".into());
    // Of one phase, what follows is of the same interval.
    let whole = if summary.phases.len() > 1 { "; whole run" } else { "" };
    if summary.stray_share > 0.0 {
        let note = format!("of the requests went to pods that were not Ready throughout{whole}");
        row("stray_share", percent(summary.stray_share), note);
    }
    let p50 = summary
        .latency_ms
        .p50
        .map(|p| format!("p50 {} ms, mean {} ms{whole}", short(p), short_or_dash(summary.latency_ms.mean)));
    row("p99", summary.latency_ms.p99.map_or_else(dash, |p| format!("{} ms", short(p))), p50.unwrap_or_default());
    row("throughput", format!("{}/s", short(summary.throughput_rps)), format!("successful calls{whole}"));
    row("errors", count(summary.requests.failed), format!("{}{whole}", errors(summary)));
    for change in &summary.time_to_balance {
        let value = change.seconds.map_or_else(|| "never".into(), duration);
        row("time_to_balance", value, format!("after {} at {}", change.change, duration(change.at_s)));
    }
    row("reconnects", format!("{}/s", short(summary.reconnects_per_s)), whole.trim_start_matches("; ").into());
    rows
}

fn errors(summary: &Summary) -> String {
    let by = &summary.requests.by_status;
    let listed: Vec<String> = by.iter().filter(|(_, n)| **n > 0).map(|(s, n)| format!("{s} {}", count(*n))).collect();
    let of = format!("of {} calls", count(summary.requests.started));
    if listed.is_empty() { of } else { format!("{of}: {}", listed.join(", ")) }
}

/// What the table and the headline are of.
pub(super) fn interval(summary: &Summary, phase: &Phase) -> String {
    let span = format!("{} to {}", duration(phase.from_s), duration(phase.to_s));
    match summary.phases.len() {
        1 => format!("{}, {span}", phase.name),
        n => format!("now: {}, {span} (phase {} of {n})", phase.name, summary.headline_phase.unwrap_or_default()),
    }
}

/// The phases of the run, if there are several.
fn phases(out: &mut String, summary: &Summary, style: &Style) {
    const MOST: usize = 20;
    if summary.phases.len() < 2 {
        return;
    }
    let name = style.columns() - 63;
    let head = format!(
        "{:<5} {:name$} {:>9} {:>5} {:>13} {:>9} {:>8} {:>7}",
        "phase", "", "from", "pods", "max_over_mean", "p99 ms", "failed", "util"
    );
    let _ = writeln!(out, "\n{}", style.strong(&head));
    for (i, phase) in summary.phases.iter().enumerate().take(MOST) {
        let _ = writeln!(
            out,
            "{:>5} {} {:>9} {:>5} {:>13} {:>9} {:>8} {:>7}",
            i + 1,
            padded(&middle_cut(&phase.name, name), name),
            duration(phase.from_s),
            phase.pods,
            short_or_dash(phase.skew.max_over_mean),
            short_or_dash(phase.latency_ms.p99),
            count(phase.failed),
            whole_percent(phase.max_utilization),
        );
    }
    if summary.phases.len() > MOST {
        let left = summary.phases.len() - MOST;
        let _ = writeln!(out, "{}", style.faint(&format!("… {left} more phases (all are in summary.json)")));
    }
}

fn headline(out: &mut String, summary: &Summary, style: &Style) {
    out.push('\n');
    for (name, value, note) in headline_rows(summary) {
        let value = format!("{value:>10}");
        let note = middle_cut(&note, style.columns().saturating_sub(30));
        let note = if note.is_empty() { note } else { format!("  {}", style.faint(&note)) };
        let _ = writeln!(out, "{name:<16}  {}{note}", style.strong(&value));
    }
    if let Some(runs) = &summary.runs {
        let n = runs.values().map(|e| e.n).max().unwrap_or(0);
        let _ = writeln!(out, "\n{}", style.strong(&format!("over {n} runs: mean and 95 % confidence interval")));
        for (path, e) in runs {
            let figure = methods::named(path, &summary.methods);
            let figure = padded(&middle_cut(&figure, 40), 28);
            let _ = writeln!(out, "{figure} {:>10}  {} to {}  (n = {})", short(e.mean), short(e.lo), short(e.hi), e.n);
        }
    }
}

fn theory(out: &mut String, summary: &Summary, style: &Style) {
    if summary.theory.is_empty() {
        return;
    }
    let wide = style.columns() - 26;
    let title = format!("{:wide$} {:>10} {:>12}", "theory beside simulation", "theory", "simulated");
    let _ = writeln!(out, "\n{}", style.strong(&title));
    for row in &summary.theory {
        let _ = writeln!(
            out,
            "{:wide$} {:>10} {:>12}",
            middle_cut(&row.figure, wide),
            short(row.theory),
            short_or_dash(row.simulated)
        );
        let _ = writeln!(out, "  {}", style.faint(&paragraphs(&row.basis, style.columns() - 2, "  ")));
    }
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
        let value = expected.value.map_or_else(|| "no value".into(), short);
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
    use crate::output::fixtures;

    fn rendered(outcome: &Outcome, style: &Style) -> String {
        let assumptions = vec![("service_time".into(), "1.6ms".into()), ("rtt".into(), "500us".into())];
        render(outcome, &Header { assumptions, folder: Some("outputs/x".into()) }, style)
    }

    #[test]
    fn a_rollout_reads_at_a_glance() {
        insta::assert_snapshot!(rendered(&fixtures::rollout(), &Style::default()));
    }

    #[test]
    fn failures_and_throttling_have_columns_where_there_are_some() {
        let mut outcome = fixtures::one_takes_all();
        (outcome.summary.pods[3].errors, outcome.summary.pods[3].throttled) = (1_234, Some(0.4321));
        let text = rendered(&outcome, &Style::default());
        let table: Vec<&str> = text.lines().skip_while(|l| !l.starts_with("pod")).take(5).collect();
        insta::assert_snapshot!(table.join("\n"), @"
        pod                                    share     requests  failed  conns   util throt   p99 ms  life
        grpc-server-1-0                          0 %            0       0     10    0 %     -        -  idle
        grpc-server-1-1                          0 %            0       0     10    0 %     -        -  idle
        grpc-server-1-2                          0 %            0       0     10    0 %     -        -  idle
        grpc-server-1-3  ███████████████████   100 %        9,959   1,234     10  100 %  43 %       12
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
