//! What `run` prints: the header, a row per pod, the headline, the theory beside it, warnings, expectations, the verdict.

use std::fmt::Write as _;

use super::format::{count, duration, middle_cut, percent, percent_or_dash, short, short_or_dash};
use super::methods;
use super::style::{Style, padded, paragraphs};
use crate::metrics::outcome::{Outcome, PodSummary, Summary};

/// More pods than this are not all listed.
const PODS_MOST: usize = 40;
/// How many of the busiest and of the least busy are, then.
const PODS_ENDS: usize = 15;

/// Columns of a pod's row that hold numbers, with the spaces between all columns.
const NUMBERS: usize = 48;

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
    pods(&mut out, outcome, ("pod", &summary.pods), style);
    if !summary.gateways.is_empty() {
        pods(&mut out, outcome, ("gateway", &summary.gateways), style);
    }
    methods::table(&mut out, summary, style);
    headline(&mut out, summary, style);
    theory(&mut out, summary, style);
    remarks(&mut out, summary, style);
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

/// The pods of the servers, or of the gateways.
fn pods(out: &mut String, outcome: &Outcome, (heading, pods): (&str, &[PodSummary]), style: &Style) {
    if pods.is_empty() {
        out.push_str("\nno pods\n");
        return;
    }
    let (order, listed) = order(outcome, pods);
    // A column only where there are some.
    let streams = pods.iter().any(|pod| pod.messages > 0);
    let (losses, limits) = (pods.iter().any(|pod| pod.errors > 0), pods.iter().any(|pod| pod.throttled.is_some()));
    let messages = |cell: String| if streams { format!(" {cell:>12}") } else { String::new() };
    let failed = |cell: String| if losses { format!(" {cell:>7}") } else { String::new() };
    let throttled = |cell: String| if limits { format!(" {cell:>5}") } else { String::new() };
    let optional = messages(String::new()).len() + failed(String::new()).len() + throttled(String::new()).len();
    let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let lives = widest(&mut order.iter().map(|&i| life(&pods[i]).chars().count()));
    let lives = lives.clamp(4, style.columns().saturating_sub(NUMBERS + optional + 8).max(4));
    // What the numbers leave of the line is shared by the names and the bars.
    let room = style.columns().saturating_sub(NUMBERS + lives + optional);
    let longest = widest(&mut order.iter().map(|&i| pods[i].pod.chars().count()));
    let name = longest.clamp(8, 28.min(room.saturating_sub(6)).max(8));
    let bar = room.saturating_sub(name).min(30);
    let most = pods.iter().filter_map(|p| p.share).fold(0.0, f64::max);
    let _ = writeln!(
        out,
        "\n{}",
        style.strong(&format!(
            "{:name$}  {:bar$} {:>7} {:>12}{}{} {:>6} {:>6}{} {:>8}  {}",
            heading,
            "",
            "share",
            "requests",
            messages("messages".into()),
            failed("failed".into()),
            "conns",
            "util",
            throttled("throt".into()),
            "p99 ms",
            "life"
        ))
    );
    for (i, &at) in order.iter().enumerate() {
        let pod = &pods[at];
        let part = pod.share.filter(|_| most > 0.0).map_or(0.0, |share| share / most);
        let cells = format!(
            "{} {:>7} {:>12}{}{} {:>6} {:>6}{} {:>8}  {}",
            style.bar(part, bar),
            percent_or_dash(pod.share),
            count(pod.requests),
            messages(count(pod.messages)),
            failed(count(pod.errors)),
            pod.connections_at_end,
            whole_percent(pod.utilization),
            throttled(whole_percent(pod.throttled)),
            short_or_dash(pod.latency_ms.p99),
            middle_cut(&life(pod), lives)
        );
        let line = format!("{}  {cells}", padded(&middle_cut(&pod.pod, name), name));
        let idle = pod.requests == 0 && pod.deleted_s.is_none() && most > 0.0;
        let _ = writeln!(out, "{}", if idle { style.bad(line.trim_end()) } else { line.trim_end().into() });
        if listed > PODS_MOST && i + 1 == PODS_ENDS {
            let left = listed - 2 * PODS_ENDS;
            let _ = writeln!(out, "{}", style.faint(&format!("… {left} pods between these (all are in summary.json)")));
        }
    }
}

/// The pods to list, and how many there are if not all are: then those at both ends, in order of load.
fn order(outcome: &Outcome, pods: &[PodSummary]) -> (Vec<usize>, usize) {
    // Pods that were gone before the measured time have nothing to show.
    let warmup_s = outcome.end_s - outcome.summary.measured_s;
    let seen = |pod: &PodSummary| pod.requests > 0 || pod.deleted_s.is_none_or(|gone| gone > warmup_s);
    let mut order: Vec<usize> = (0..pods.len()).filter(|&i| seen(&pods[i])).collect();
    let listed = order.len();
    if listed > PODS_MOST {
        order.sort_by(|&a, &b| pods[b].requests.cmp(&pods[a].requests).then(a.cmp(&b)));
        order.drain(PODS_ENDS..listed - PODS_ENDS);
    }
    (order, listed)
}

fn whole_percent(part: Option<f64>) -> String {
    part.map_or_else(|| "-".into(), |u| format!("{:.0} %", u * 100.0))
}

/// When the pod was Ready, if that was not the whole run, and whether it idles.
fn life(pod: &PodSummary) -> String {
    let idle = if pod.requests == 0 && pod.ready_s.is_some() && pod.deleted_s.is_none() { "idle" } else { "" };
    match (pod.ready_s, pod.deleted_s) {
        (None, _) => "not Ready".into(),
        (Some(ready), Some(gone)) if ready > 0.0 => format!("from {} to {}", duration(ready), duration(gone)),
        (Some(_), Some(gone)) => format!("to {}", duration(gone)),
        (Some(ready), None) if ready > 0.0 => format!("from {} {idle}", duration(ready)).trim_end().into(),
        (Some(_), None) => idle.into(),
    }
}

/// The headline's rows: name, value, and what it means.
pub(super) fn headline_rows(summary: &Summary) -> Vec<(String, String, String)> {
    let skew = &summary.skew.whole;
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
    if summary.stray_share > 0.0 {
        let note = "of the requests went to pods that were not Ready throughout";
        row("stray_share", percent(summary.stray_share), note.into());
    }
    let p50 = summary
        .latency_ms
        .p50
        .map(|p| format!("p50 {} ms, mean {} ms", short(p), short_or_dash(summary.latency_ms.mean)));
    row("p99", summary.latency_ms.p99.map_or_else(dash, |p| format!("{} ms", short(p))), p50.unwrap_or_default());
    row("throughput", format!("{}/s", short(summary.throughput_rps)), "successful calls".into());
    row("errors", count(summary.requests.failed), errors(summary));
    for change in &summary.time_to_balance {
        let value = change.seconds.map_or_else(|| "never".into(), duration);
        row("time_to_balance", value, format!("after {} at {}", change.change, duration(change.at_s)));
    }
    row("reconnects", format!("{}/s", short(summary.reconnects_per_s)), String::new());
    rows
}

fn errors(summary: &Summary) -> String {
    let by = &summary.requests.by_status;
    let listed: Vec<String> = by.iter().filter(|(_, n)| **n > 0).map(|(s, n)| format!("{s} {}", count(*n))).collect();
    let of = format!("of {} calls", count(summary.requests.started));
    if listed.is_empty() { of } else { format!("{of}: {}", listed.join(", ")) }
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
        for code in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m"] {
            assert!(coloured.contains(code));
            stripped = stripped.replace(code, "");
        }
        assert_eq!(stripped, plain);
    }
}
