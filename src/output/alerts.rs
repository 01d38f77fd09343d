//! What `alerts` prints.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::markdown::outside;
use super::style::Style;
use super::tabular::{Name, Number, Paint, Rows, Section, Table, Text, Word, column, plain};
use crate::experiment::alerts::{Fires, Report, Row, RuleSummary, ScenarioAlerts, State, Stretch, Summed};
use crate::words::{counted, duration, paragraphs, trimmed};

/// More series of an alert are counted and not named.
const MOST_SERIES: usize = 3;

/// The report for the terminal.
#[must_use]
pub fn render(report: &Report, style: &Style) -> String {
    let mut out = rows(report).terminal(style) + "\n";
    for sentence in sentences(report) {
        let _ = writeln!(out, "{}", paragraphs(&sentence, style.columns(), "  "));
    }
    let _ = writeln!(out, "\n{}", style.faint(&paragraphs(&legend(report), style.columns(), "")));
    out
}

/// The same for a pull request.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut out = rows(report).markdown();
    for sentence in sentences(report) {
        let _ = writeln!(out, "- {}", outside(&sentence));
    }
    let _ = writeln!(out, "\n{}", legend(report));
    out
}

/// A row per scenario and alert. Of a scenario in which all are silent, one says so.
fn rows(report: &Report) -> Table {
    let of = |row: Option<&Row>, cell: fn(&Row) -> String| row.map_or_else(String::new, cell);
    let from = |scenario: &ScenarioAlerts| {
        let from: Vec<String> = scenario.skew.stretches.iter().map(|stretch| duration(stretch.from_s)).collect();
        if from.is_empty() { "never".to_owned() } else { from.join(", ") }
    };
    let faint = |row: Option<&Row>| row.is_none_or(|row| row.state == State::Silent);
    Rows::of(report.scenarios.iter().flat_map(alerts_of))
        .with(column("", Section).terminal_only().paint(Style::strong), |(s, _)| {
            format!("{}: {}", s.scenario, skew_of(s))
        })
        .with(column("scenario", Word).markdown_only(), |(s, _)| &s.scenario)
        .with(column("skew from", Word).markdown_only(), |(s, _)| from(s))
        .with(column("alert", Name(32)).above(""), |(_, row)| {
            row.map_or("  all are silent".to_owned(), |row| format!("  {}", row.alert))
        })
        .with(column("fires at", Number(9)), |(_, row)| of(row, fires_at))
        .with(column("after skew", Number(11)), |(_, row)| of(row, |row| or_dash(row.after_skew_s)))
        .with(column("fires for", Number(10)), |(_, row)| {
            of(row, |row| or_dash((row.state == State::Fires).then_some(row.fired_s)))
        })
        .with(column("held for", Number(9)), |(_, row)| of(row, |row| or_dash(row.held_s)))
        .with(column("series", Text), |(_, row)| of(row, series))
        .painted(|(_, row)| if faint(row) { Style::faint as Paint } else { plain })
        .table()
}

/// The alerts of a scenario; `None` stands for all of them if all are silent.
fn alerts_of(scenario: &ScenarioAlerts) -> Vec<(&ScenarioAlerts, Option<&Row>)> {
    match scenario.alerts.iter().all(|row| row.state == State::Silent) {
        true => vec![(scenario, None)],
        false => scenario.alerts.iter().map(|row| (scenario, Some(row))).collect(),
    }
}

fn sentences(report: &Report) -> impl Iterator<Item = String> {
    report.rules.iter().map(summary).chain(left_out(report))
}

/// When the load of a scenario is uneven, in words.
fn skew_of(scenario: &ScenarioAlerts) -> String {
    let most = |over: f64| format!("up to {} times the mean", trimmed(over, 2));
    let stretch = |Stretch { from_s, to_s, most: over, phase }: &Stretch| {
        let to = if *to_s >= scenario.end_s { "the end".to_owned() } else { duration(*to_s) };
        let from = match *from_s {
            0.0 => "the start".to_owned(),
            from_s if phase.is_empty() => duration(from_s),
            from_s => format!("{} ({phase})", duration(from_s)),
        };
        format!("from {from} to {to}, {}", most(*over))
    };
    let run = format!("a run of {}", duration(scenario.end_s));
    match (&scenario.skew.stretches[..], scenario.skew.most) {
        ([], None) => format!("{run}, too few requests to see skew"),
        ([], Some(over)) if scenario.skew.longest_s > 0.0 => {
            let longest = duration(scenario.skew.longest_s);
            format!("{run}, no skew: {}, but for {longest} at a time only", most(over))
        }
        ([], Some(over)) => format!("{run}, no skew: {}", most(over)),
        (all, _) => format!("{run}, skew {}", all.iter().map(stretch).collect::<Vec<_>>().join("; ")),
    }
}

fn lasts(report: &Report) -> String {
    duration(report.criterion.lasts_s)
}

fn fires_at(row: &Row) -> String {
    match row.state {
        State::Fires => or_dash(row.fires_s),
        State::Pending => "pending".to_owned(),
        State::Silent => "silent".to_owned(),
    }
}

fn or_dash(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), duration)
}

/// The label sets that fire, or else those that are pending. A label that all of them have in common is not said.
fn series(row: &Row) -> String {
    let firing = row.series.iter().filter(|fires| row.state != State::Fires || fires.fires_s.is_some());
    let all: Vec<&Fires> = firing.collect();
    let names: BTreeSet<&String> = all.iter().flat_map(|fires| fires.labels.keys()).collect();
    let is_common = |name: &String| all.iter().all(|fires| fires.labels.get(name) == all[0].labels.get(name));
    let differ: Vec<&String> = names.iter().copied().filter(|name| all.len() == 1 || !is_common(name)).collect();
    let values = |fires: &&Fires| {
        let label = |name: &&String| fires.labels.get(*name).map(|value| format!("{name}={value}"));
        differ.iter().filter_map(label).collect::<Vec<_>>().join(",")
    };
    let shown: Vec<String> = all.iter().take(MOST_SERIES).map(values).filter(|text| !text.is_empty()).collect();
    let more = all.len().saturating_sub(MOST_SERIES);
    let shown = shown.join(" ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// What an alert did in all scenarios, and which `for` tells these apart.
fn summary(rule: &RuleSummary) -> String {
    let RuleSummary { alert, with_skew: with, without_skew: without, .. } = rule;
    let mut parts = Vec::new();
    if with.scenarios > 0 {
        let mut text = format!("fires in {} of {} with skew", with.fires, counted(with.scenarios, "scenario"));
        if let Some((least, median, most)) = rule.after_skew_s {
            let [least, median, most] = [least, median, most].map(duration);
            let _ = match least == most {
                true => write!(text, ", {least} after it began"),
                false => write!(text, ", {least} to {most} after it began (median {median})"),
            };
        }
        if rule.at_another_time > 0 {
            let _ = write!(text, ", in {} more at another time", rule.at_another_time);
        }
        parts.push(text);
    }
    if without.scenarios > 0 {
        parts.push(format!("fires in {} of {} without skew", without.fires, counted(without.scenarios, "scenario")));
    }
    format!("{alert} (for: {}) {}. {}", duration(rule.for_s), parts.join("; "), advice(with, without))
}

/// For how long the expression holds, and which `for` is between.
fn advice(with: &Summed, without: &Summed) -> String {
    let holds = |summed: &Summed, what: &str| {
        let Some((least, most)) = summed.held_s else { return format!("never {what}") };
        let range = if least < most { format!("{} to {}", duration(least), duration(most)) } else { duration(least) };
        format!("for {range} in {} {what}", counted(summed.holds, "scenario"))
    };
    let of = [(with, "with skew"), (without, "without skew")].into_iter().filter(|(summed, _)| summed.scenarios > 0);
    let held = of.map(|(summed, what)| holds(summed, what)).collect::<Vec<_>>().join(", and ");
    let apart = match (with.held_s, without.held_s) {
        _ if with.scenarios == 0 || without.scenarios == 0 => String::new(),
        (None, _) => String::new(),
        (Some((least, _)), None) => format!(": a `for` up to {} tells these apart", duration(least)),
        (Some((least, _)), Some((_, most))) if most < least => {
            format!(": a `for` above {} and up to {} tells these apart", duration(most), duration(least))
        }
        (Some(_), Some(_)) => ": no `for` tells these apart".to_owned(),
    };
    format!("Its expression holds {held}{apart}.")
}

/// Scenarios of which the alerts' sentences say nothing.
fn left_out(report: &Report) -> Vec<String> {
    let (missed, short) = (report.missed.join(", "), report.too_short.join(", "));
    let missed = (!missed.is_empty()).then(|| format!("No alert catches the skew in {missed}."));
    let short = (!short.is_empty()).then(|| format!("Too short to say something, below {}: {short}.", lasts(report)));
    missed.into_iter().chain(short).collect()
}

fn legend(report: &Report) -> String {
    let criterion = &report.criterion;
    format!(
        "Skew: the busiest Ready pod gets {} times the mean of the Ready pods or more, for at least {}, breaks of a minute included, in parts of {} or more. Rules are evaluated every \
         {} unless their group says otherwise. held for: the longest time for which the expression had a series, which is the longest `for` that fires.",
        trimmed(criterion.max_over_mean, 2),
        lasts(report),
        duration(criterion.resolution_s),
        duration(report.evaluation_interval_s),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::alerts::{Criterion, Skew};

    fn row(alert: &str, fires_s: Option<f64>, held_s: Option<f64>, pods: &[&str]) -> Row {
        let fires = |pod: &&str| Fires {
            labels: [("job".to_owned(), "s".to_owned()), ("pod".to_owned(), (*pod).to_owned())].into(),
            fires_s,
        };
        Row {
            alert: alert.to_owned(),
            state: fires_s.map_or(if held_s.is_some() { State::Pending } else { State::Silent }, |_| State::Fires),
            pending_s: held_s,
            fires_s,
            after_skew_s: fires_s.map(|at| at - 120.0),
            fired_s: 60.0,
            held_s,
            series: pods.iter().map(fires).collect(),
        }
    }

    fn rule(with: (u64, Option<(f64, f64)>), without: (u64, Option<(f64, f64)>)) -> RuleSummary {
        let summed = |(scenarios, held_s): (u64, Option<(f64, f64)>)| Summed {
            scenarios,
            fires: u64::from(held_s.is_some()),
            holds: u64::from(held_s.is_some()),
            held_s,
        };
        RuleSummary {
            alert: "A".to_owned(),
            for_s: 300.0,
            with_skew: summed(with),
            without_skew: summed(without),
            at_another_time: 0,
            after_skew_s: with.1.map(|_| (315.0, 330.0, 375.0)),
        }
    }

    #[test]
    fn the_table_has_a_line_per_scenario_and_alert() {
        let stretch = Stretch { from_s: 120.0, to_s: 600.0, most: 2.125, phase: "after rollout of s".to_owned() };
        let rows = vec![
            row("A", Some(435.0), Some(465.0), &["a"]),
            row("B", None, Some(60.0), &["a", "b", "c", "d"]),
            row("C", None, None, &[]),
        ];
        let scenario = ScenarioAlerts {
            scenario: "x".to_owned(),
            seed: 1,
            end_s: 600.0,
            skew: Skew { stretches: vec![stretch], most: Some(2.125), longest_s: 480.0 },
            alerts: rows,
        };
        let quiet =
            ScenarioAlerts { scenario: "q".to_owned(), alerts: vec![row("A", None, None, &[])], ..scenario.clone() };
        let report = Report {
            criterion: Criterion { max_over_mean: 1.5, lasts_s: 300.0, resolution_s: 15.0 },
            evaluation_interval_s: 60.0,
            scenarios: vec![scenario, quiet],
            rules: vec![rule((1, Some((465.0, 465.0))), (0, None))],
            missed: vec!["y".to_owned()],
            too_short: vec!["z".to_owned()],
        };
        insta::assert_snapshot!(format!("{}\n{}", render(&report, &Style::default()), markdown(&report)));
    }

    #[test]
    fn a_sentence_says_which_for_tells_scenarios_apart() {
        let held = Some((315.0, 735.0));
        for (with, without, says) in [
            ((2, held), (1, None), "and never without skew: a `for` up to 5m15s tells these apart."),
            ((2, held), (1, Some((30.0, 30.0))), ": a `for` above 30s and up to 5m15s tells these apart."),
            (
                (2, held),
                (1, Some((30.0, 400.0))),
                "for 30s to 6m40s in 1 scenario without skew: no `for` tells these apart.",
            ),
            ((2, held), (0, None), "Its expression holds for 5m15s to 12m15s in 1 scenario with skew."),
            ((2, None), (1, None), "Its expression holds never with skew, and never without skew."),
            ((0, None), (1, None), "Its expression holds never without skew."),
        ] {
            let sentence = summary(&rule(with, without));
            assert!(sentence.ends_with(says), "{sentence}");
        }
        let sentence = summary(&rule((2, held), (1, None)));
        let begins = "A (for: 5m) fires in 1 of 2 scenarios with skew, 5m15s to 6m15s after it began (median 5m30s); fires in 0 of 1 \
                      scenario without skew.";
        assert!(sentence.starts_with(begins), "{sentence}");
    }
}
