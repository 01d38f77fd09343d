//! The answer as a table.

use std::fmt::Write as _;

use crate::experiment::plan::{Answer, Candidate, PlanReport, Rule, Searched, Trial, Verdict};
use crate::output::columns::Columns;
use crate::output::markdown;
use crate::output::style::{Style, padded};
use crate::words::{middle_cut, paragraphs, percent, percent_or_dash, set_option, short, short_or_dash, trimmed};

/// Widths of the columns between the name and what binds.
const STEADY: usize = 9;
const TAX: usize = 7;
const THROUGH: usize = 9;
const RECONNECTS: usize = 14;
const FAILED: usize = 8;

/// The table for a terminal.
#[must_use]
pub fn render(report: &PlanReport, style: &Style) -> String {
    let columns = style.columns();
    let mut out = String::new();
    for line in head(report) {
        let _ = writeln!(out, "{}", paragraphs(&line, columns, "  "));
    }
    let rows: Vec<Vec<String>> = rows(report).collect();
    let widths: &[usize] = match report.through {
        Some(_) => &[STEADY, TAX, THROUGH, TAX, RECONNECTS, FAILED],
        None => &[STEADY, TAX, RECONNECTS, FAILED],
    };
    let numbers = widths.iter().sum::<usize>() + 2;
    let longest = |i: usize| rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0);
    let last = headings(report).len() - 1;
    let binds = longest(last).min(columns.saturating_sub(numbers + 16)).max(5);
    let name = longest(0).clamp(9, columns.saturating_sub(numbers + binds).max(9));
    let table = Columns { name, gap: "", cells: widths };
    let line = |cells: &[String]| {
        // A name that was cut could be another one's, too.
        let wrapped = paragraphs(&cells[0], name, " ");
        let mut names = wrapped.lines().map(|part| padded(&middle_cut(part, name), name));
        let line = table.line(&names.next().unwrap_or_default(), &cells[1..]) + "  " + &middle_cut(&cells[last], binds);
        let rest = names.map(|part| format!("\n{}", part.trim_end()));
        line.trim_end().to_owned() + &rest.collect::<String>()
    };
    let _ = writeln!(out, "\n{}", style.strong(&line(&headings(report))));
    for cells in &rows {
        let _ = writeln!(out, "{}", line(cells));
    }
    out.push('\n');
    for note in cheapest(report).into_iter().chain(notes(report)) {
        let _ = writeln!(out, "{}", paragraphs(&note, columns, "  "));
    }
    let _ = writeln!(out, "{}", style.faint(&paragraphs(&legend(report), columns, "")));
    style.shown(out)
}

/// The same as Markdown.
#[must_use]
pub fn markdown(report: &PlanReport) -> String {
    let named = |mut cells: Vec<String>| {
        cells[0] = markdown::outside(&cells[0]);
        cells
    };
    let mut head = head(report).into_iter();
    let outside = markdown::outside;
    let mut out = format!("## {}\n\n", outside(&head.next().unwrap_or_default()));
    for line in head {
        let _ = writeln!(out, "{}\n", outside(&line));
    }
    let headings = headings(report);
    markdown::table(&mut out, &headings.iter().map(String::as_str).collect::<Vec<_>>(), rows(report).map(named));
    for note in cheapest(report).into_iter().chain(notes(report)) {
        let _ = writeln!(out, "- {}", outside(&note));
    }
    let changes = report.candidates.iter().chain(&report.even).filter(|c| !c.sets.is_empty());
    for candidate in changes {
        let _ = writeln!(out, "- {}: {}", outside(&candidate.name), markdown::code(&set_options(&candidate.sets)));
    }
    let _ = writeln!(out, "\n{}", legend(report));
    out
}

fn head(report: &PlanReport) -> Vec<String> {
    let PlanReport { scenario, server, .. } = report;
    let title = match report.searched {
        Searched::Pods { .. } => format!("{scenario}: fewest pods of {server}"),
        Searched::Load { pods, rate, .. } => {
            format!(
                "{scenario}: highest load that {} of {server} carry; 1 is {}/s",
                pods_of(f64::from(pods)),
                short(rate)
            )
        }
    };
    let mut lines = vec![title, format!("so that {}", report.slos.join(", and "))];
    if let (true, Some(implied)) = (report.implied, report.slos.last()) {
        let overrides = "an --slo about error_ratio or requests.failed takes its place";
        lines.push(format!("{implied} is added, since none of the others is about calls that fail; {overrides}"));
    }
    if let Some(through) = &report.through {
        lines.push(format!("steady: while nothing happens; through: {through}"));
    }
    if !report.sets.is_empty() {
        lines.push(format!("in all runs: {}", set_options(&report.sets)));
    }
    lines
}

fn headings(report: &PlanReport) -> Vec<String> {
    let (what, lost) = match report.searched {
        Searched::Pods { .. } => ("pods", "tax"),
        Searched::Load { .. } => ("load", "lost"),
    };
    let columns: &[&str] = match report.through {
        Some(_) => &["candidate", "steady", lost, "through", lost, "reconnects/s", "failed", "binds"],
        None => &["candidate", what, lost, "reconnects/s", "failed", "binds"],
    };
    columns.iter().map(|c| (*c).to_owned()).collect()
}

fn rows(report: &PlanReport) -> impl Iterator<Item = Vec<String>> + '_ {
    report.candidates.iter().chain(&report.even).map(|candidate| row(report, candidate))
}

fn row(report: &PlanReport, candidate: &Candidate) -> Vec<String> {
    let of = |answer: &Option<Answer>| match answer {
        None => ["-".to_owned(), "-".to_owned()],
        Some(a) => [best(report, a), a.tax.map_or_else(|| "-".into(), |tax| tax_text(report, tax))],
    };
    let mut cells = vec![candidate.name.clone()];
    cells.extend(of(&candidate.steady));
    if report.through.is_some() {
        cells.extend(of(&candidate.through));
    }
    let main = if report.through.is_some() { &candidate.through } else { &candidate.steady };
    cells.push(short_or_dash(main.as_ref().and_then(|a| a.reconnects_per_s)));
    cells.push(percent_or_dash(main.as_ref().and_then(|a| a.error_ratio)));
    cells.push(main.as_ref().and_then(|a| a.binds.as_ref()).map_or_else(String::new, |b| b.slo.clone()));
    cells
}

/// The best, with a mark where the notes say more.
fn best(report: &PlanReport, answer: &Answer) -> String {
    let mark = match (answer.next, answer.broken_by) {
        (_, Some(_)) => "!",
        (Some(Verdict::Undecided), _) => "?",
        _ => "",
    };
    match (answer.best, report.searched) {
        (Some(best), _) => format!("{}{mark}", at_text(report, best)),
        (None, Searched::Pods { hi, .. }) => format!("> {hi}"),
        (None, Searched::Load { range, .. }) => format!("< {}", at_text(report, range.0)),
    }
}

fn at_text(report: &PlanReport, at: f64) -> String {
    match report.searched {
        Searched::Pods { .. } => trimmed(at, 0),
        Searched::Load { .. } => format!("{} ×", short(at)),
    }
}

fn pods_of(n: f64) -> String {
    format!("{} pod{}", trimmed(n, 0), if n == 1.0 { "" } else { "s" })
}

fn tax_text(report: &PlanReport, tax: f64) -> String {
    match report.searched {
        Searched::Pods { .. } if tax > 0.0 => format!("+{}", trimmed(tax, 0)),
        Searched::Pods { .. } => trimmed(tax, 0),
        Searched::Load { .. } => format!("{} %", trimmed(100.0 * tax, 0)),
    }
}

/// The cheapest, and who is as good.
fn cheapest(report: &PlanReport) -> Vec<String> {
    let best_of = |c: &Candidate| if report.through.is_some() { c.through.as_ref() } else { c.steady.as_ref() }?.best;
    let cheapest = report.candidates.iter().find(|c| Some(&c.name) == report.cheapest.as_ref());
    let Some((candidate, best)) = cheapest.and_then(|c| Some((c, best_of(c)?))) else { return Vec::new() };
    let (what, pods, as_good) = match report.searched {
        Searched::Pods { .. } => {
            (pods_of(best), Some(format!("servers.{}.replicas={}", report.server, trimmed(best, 0))), "as few pods")
        }
        Searched::Load { rate, .. } => {
            (format!("{}, {}/s", at_text(report, best), short(best * rate)), None, "as much load")
        }
    };
    let sets: Vec<String> = candidate.sets.iter().cloned().chain(pods).collect();
    let how = if sets.is_empty() { String::new() } else { format!(": {}", set_options(&sets)) };
    let mut lines = vec![format!("cheapest: {}, {what}{how}", candidate.name)];
    let others = report.candidates.iter().filter(|c| c.name != candidate.name && best_of(c) == Some(best));
    let others: Vec<&str> = others.map(|c| c.name.as_str()).collect();
    if !others.is_empty() {
        lines.push(format!("{as_good}: {}", others.join("; ")));
    }
    lines
}

/// For a shell.
fn set_options(sets: &[String]) -> String {
    sets.iter().map(|set| set_option(set)).collect::<Vec<_>>().join(" ")
}

fn notes(report: &PlanReport) -> Vec<String> {
    let mut notes = Vec::new();
    for candidate in report.candidates.iter().chain(&report.even) {
        for (scene, answer) in [("steady", &candidate.steady), ("through", &candidate.through)] {
            let Some(answer) = answer else { continue };
            let scene =
                if report.through.is_some() { format!("{}, {scene}", candidate.name) } else { candidate.name.clone() };
            notes.extend(remarks(report, answer).into_iter().map(|remark| format!("{scene}: {remark}")));
        }
    }
    for left in &report.left_out {
        notes.push(format!("left out: {}: {}", left.name, left.why));
    }
    notes
}

fn remarks(report: &PlanReport, answer: &Answer) -> Vec<String> {
    let mut remarks = Vec::new();
    let with = |trial: &Trial| match report.searched {
        Searched::Pods { .. } => format!("with {}", pods_of(trial.at)),
        Searched::Load { .. } => format!("at {}", at_text(report, trial.at)),
    };
    for trial in answer.tried.iter().filter(|t| t.verdict == Verdict::Undecided) {
        remarks.push(format!(
            "{} {} of {} runs meet all objectives, which is inconclusive",
            with(trial),
            trial.met,
            trial.runs
        ));
    }
    if let Some(trial) = answer.tried.iter().find(|t| Some(t.at) == answer.broken_by) {
        remarks.push(format!(
            "there is no single threshold: {}, beyond the answer, it is shown not to be enough",
            with(trial)
        ));
    }
    if let (None, Some(binds)) = (answer.best, &answer.binds) {
        let fail = answer.error_ratio.filter(|part| *part > 0.0);
        let fail = fail.map_or_else(String::new, |part| format!(", where {} of the calls fail", percent(part)));
        remarks.push(format!("{} is missed in {} of {} runs at the bound{fail}", binds.slo, binds.runs, binds.of));
    }
    remarks.extend(bound(report, answer));
    remarks
}

/// Where the answer is one of what was allowed, and not of what there is.
fn bound(report: &PlanReport, answer: &Answer) -> Option<String> {
    let best = answer.best.filter(|_| answer.at_bound)?;
    Some(match report.searched {
        Searched::Pods { lo, .. } if best == f64::from(lo) => {
            format!("{} is the fewest that --pods allows: fewer may be enough", trimmed(best, 0))
        }
        Searched::Pods { .. } => format!("{} is the most that --pods allows", trimmed(best, 0)),
        Searched::Load { .. } => format!("{} is as far as the search goes", at_text(report, best)),
    })
}

fn legend(report: &PlanReport) -> String {
    let Rule { share, surely, confidence, seed, .. } = report.rule;
    let shorter = if report.exact {
        ""
    } else {
        " Runs are as long as their figures need; above 20 pods steps are of 10 %, above 40 of 20 % (--exact: neither)."
    };
    let (what, fewer, tax) = match report.searched {
        Searched::Pods { .. } => ("a number of pods", "one pod fewer", "tax: pods beyond those of even load"),
        Searched::Load { .. } => ("a load", "the next higher load", "lost: part of what is carried with even load"),
    };
    format!(
        "{what} is enough if a run with a fresh seed (from {seed}) meets all of it with a probability above {}; {fewer} is shown to have \
         one below {}; each with {} confidence (?: neither is shown). {tax}, where each call goes to a pod drawn uniformly.{shorter}",
        percent(share),
        percent(surely),
        percent(confidence)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::plan::{LeftOut, Missed};

    fn tried(at: f64, verdict: Verdict, (met, runs): (u64, u64)) -> Trial {
        let missed = Missed { slo: "latency.p99 <= 20ms".into(), runs: runs - met, of: runs };
        let missed = if met < runs { vec![missed] } else { Vec::new() };
        Trial { at, verdict, runs, met, missed, reconnects_per_s: Some(0.5), error_ratio: Some(0.0) }
    }

    fn answer(best: Option<f64>, next: Option<Verdict>, broken_by: Option<f64>, tried: Vec<Trial>) -> Answer {
        let binds = tried.iter().rev().find_map(|t| t.missed.first().cloned());
        Answer {
            best,
            tax: best.map(|b| b - 3.0),
            next,
            binds,
            reconnects_per_s: Some(0.5),
            error_ratio: Some(0.0),
            at_bound: best.is_none(),
            broken_by,
            tried,
        }
    }

    fn report() -> PlanReport {
        let clear = answer(Some(4.0), Some(Verdict::NotEnough), None, vec![tried(4.0, Verdict::Enough, (38, 38))]);
        let doubtful = vec![tried(5.0, Verdict::Undecided, (190, 200)), tried(6.0, Verdict::Enough, (38, 38))];
        let doubtful = answer(Some(6.0), Some(Verdict::Undecided), None, doubtful);
        let broken = vec![tried(3.0, Verdict::Enough, (38, 38)), tried(4.0, Verdict::NotEnough, (0, 3))];
        let broken = answer(Some(3.0), Some(Verdict::NotEnough), Some(4.0), broken);
        let none = answer(None, None, None, vec![tried(9.0, Verdict::NotEnough, (1, 4))]);
        let none = Answer { error_ratio: Some(0.55), ..none };
        let candidate = |name: &str, sets: &[&str], steady: &Answer, through: &Answer| Candidate {
            name: name.into(),
            sets: sets.iter().map(|s| (*s).to_owned()).collect(),
            steady: Some(steady.clone()),
            through: Some(through.clone()),
        };
        PlanReport {
            evenkeel: "0.1.0".into(),
            scenario: "s".into(),
            scenario_hash: String::new(),
            server: "api".into(),
            searched: Searched::Pods { lo: 1, hi: 9 },
            slos: vec!["latency.p99 <= 20ms".into(), "error_ratio <= 0.1%".into()],
            implied: true,
            exact: false,
            runs: 500,
            rule: Rule { share: 0.9, surely: 0.975, confidence: 0.95, max_runs: 200, seed: 1 },
            through: Some("the timeline of the scenario".into()),
            sets: vec!["servers.api.hpa=null".into()],
            candidates: vec![
                candidate("as it is", &[], &clear, &none),
                candidate("a|b", &["x.y={ z: 1 }"], &broken, &doubtful),
            ],
            even: None,
            cheapest: Some("a|b".into()),
            left_out: vec![LeftOut { name: "istio".into(), why: "no".into() }],
        }
    }

    #[test]
    fn marks_are_explained() {
        insta::assert_snapshot!(render(&report(), &Style::default()));
    }

    #[test]
    fn a_report_is_a_document() {
        insta::assert_snapshot!(markdown(&report()));
    }
}
