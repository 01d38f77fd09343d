//! The answer as a table.

use std::fmt::Write as _;

use crate::experiment::plan::{Answer, Candidate, PlanReport, Rule, Searched, Trial, Verdict};
use crate::output::markdown;
use crate::output::style::Style;
use crate::output::tabular::{Name, Number, Rows, Table, Text, column};
use crate::words::{paragraphs, percent, percent_or_dash, set_option, short, short_or_dash, trimmed};

/// The table for a terminal.
#[must_use]
pub fn render(report: &PlanReport, style: &Style) -> String {
    let columns = style.columns();
    let mut out = String::new();
    for line in head(report) {
        let _ = writeln!(out, "{}", paragraphs(&line, columns, "  "));
    }
    let _ = writeln!(out, "\n{}", table(report).terminal(style));
    for note in cheapest(report).into_iter().chain(notes(report)) {
        let _ = writeln!(out, "{}", paragraphs(&note, columns, "  "));
    }
    let _ = writeln!(out, "{}", style.faint(&paragraphs(&legend(report), columns, "")));
    style.shown(out)
}

/// The same as Markdown.
#[must_use]
pub fn markdown(report: &PlanReport) -> String {
    let mut head = head(report).into_iter();
    let outside = markdown::outside;
    let mut out = format!("## {}\n\n", outside(&head.next().unwrap_or_default()));
    for line in head {
        let _ = writeln!(out, "{}\n", outside(&line));
    }
    out += &table(report).markdown();
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

fn table(report: &PlanReport) -> Table {
    let through = report.through.is_some();
    let (what, lost) = match report.searched {
        Searched::Pods { .. } => ("pods", "tax"),
        Searched::Load { .. } => ("load", "lost"),
    };
    let dash = || "-".to_owned();
    let best = |answer: &Option<Answer>| answer.as_ref().map_or_else(dash, |a| best(report, a));
    let tax = |answer: &Option<Answer>| {
        let tax = answer.as_ref().and_then(|a| a.tax);
        tax.map_or_else(dash, |tax| tax_text(report, tax))
    };
    let binds = |c| main(report, c).and_then(|a| a.binds.as_ref()).map_or("", |binds| &binds.slo);
    Rows::of(report.candidates.iter().chain(&report.even))
        .with(column("candidate", Name(9)), |c| &c.name)
        .with(column(if through { "steady" } else { what }, Number(8)), |c| best(&c.steady))
        .with(column(lost, Number(6)), |c| tax(&c.steady))
        .with(column("through", Number(8)).when(through), |c| best(&c.through))
        .with(column(lost, Number(6)).when(through), |c| tax(&c.through))
        .with(column("reconnects/s", Number(13)), |c| short_or_dash(main(report, c).and_then(|a| a.reconnects_per_s)))
        .with(column("failed", Number(7)), |c| percent_or_dash(main(report, c).and_then(|a| a.error_ratio)))
        .with(column("binds", Text), binds)
        .table()
}

/// What counts of a candidate.
fn main<'a>(report: &PlanReport, candidate: &'a Candidate) -> Option<&'a Answer> {
    if report.through.is_some() { candidate.through.as_ref() } else { candidate.steady.as_ref() }
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
    let best_of = |c: &Candidate| main(report, c)?.best;
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
