//! What alerts did in scenarios: a row per scenario and alert, and what follows for each alert.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::firing::{Course, Evaluations, Firing, follow};
use super::skew::{Criterion, Skew, Stretch};
use crate::experiment::calibrate::Labels;
use crate::scenario::alerts::{Alert, RuleFile};
use crate::units::Span;

/// A run, and what Prometheus answered about it.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Name of the scenario.
    pub scenario: String,
    /// Seed of the run.
    pub seed: u64,
    /// When it ended, in seconds.
    pub end_s: f64,
    /// When its load was uneven.
    pub skew: Skew,
    /// By alert, in order of the file: the evaluations at which each of its series was there.
    pub answers: Vec<BTreeMap<Labels, BTreeSet<u64>>>,
}

/// In which scenario which alert fires. Times are seconds since the start of the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// What counts as skew.
    pub criterion: Criterion,
    /// From one evaluation to the next, in seconds, of groups that do not say it.
    pub evaluation_interval_s: f64,
    /// In the order in which they were given, without those that are too short.
    pub scenarios: Vec<ScenarioAlerts>,
    /// In order of the file.
    pub rules: Vec<RuleSummary>,
    /// Scenarios with skew that no alert catches.
    pub missed: Vec<String>,
    /// Scenarios that are shorter than the shortest skew, and say nothing.
    pub too_short: Vec<String>,
}

/// What alerts did in a scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScenarioAlerts {
    /// Its name.
    pub scenario: String,
    /// Seed of the run.
    pub seed: u64,
    /// When the run ended.
    pub end_s: f64,
    /// When its load was uneven.
    pub skew: Skew,
    /// A row per alert.
    pub alerts: Vec<Row>,
}

/// How far an alert came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It fires.
    Fires,
    /// Its expression had series, but not for long enough.
    Pending,
    /// Its expression had no series.
    Silent,
}

/// An alert in a scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its name; with the line if the file has several of that name.
    pub alert: String,
    /// How far it came.
    pub state: State,
    /// The first evaluation with a series.
    pub pending_s: Option<f64>,
    /// When it fires for the first time.
    pub fires_s: Option<f64>,
    /// How long after the beginning of a part with skew it fires, of the first such part in which it was pending or fired. `None` if there is none.
    pub after_skew_s: Option<f64>,
    /// How long it fires, of whatever series.
    pub fired_s: f64,
    /// The longest time for which a series of the expression was there at all evaluations: the longest `for` that fires.
    pub held_s: Option<f64>,
    /// The label sets of the series, those first that fire first.
    pub series: Vec<Fires>,
}

/// A label set of an alert.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fires {
    /// Labels that the expression's series has, but for those that the rule replaces.
    pub labels: Labels,
    /// When it fires for the first time.
    pub fires_s: Option<f64>,
}

/// An alert over all scenarios.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleSummary {
    /// Its name, as in the rows.
    pub alert: String,
    /// Its `for`, in seconds.
    pub for_s: f64,
    /// In scenarios with skew. It fires in one if it has [`Row::after_skew_s`].
    pub with_skew: Summed,
    /// In the others.
    pub without_skew: Summed,
    /// Scenarios with skew in which it fires only while there is none.
    pub at_another_time: u64,
    /// How long after the beginning of the skew it fires: the least, the median and the most. `None` if it does in no scenario.
    pub after_skew_s: Option<(f64, f64, f64)>,
}

/// An alert over some scenarios.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summed {
    /// How many scenarios.
    pub scenarios: u64,
    /// In how many it fires.
    pub fires: u64,
    /// In how many its expression had a series at some evaluation.
    pub holds: u64,
    /// Of these the least and the most of [`Row::held_s`].
    pub held_s: Option<(f64, f64)>,
}

/// Puts the report together. `interval` is that of groups without one.
#[must_use]
pub fn report(file: &RuleFile, criterion: Criterion, interval: Span, runs: Vec<Measured>) -> Report {
    let names = names(file);
    let (short, runs): (Vec<Measured>, Vec<Measured>) = runs.into_iter().partition(|run| run.end_s < criterion.lasts_s);
    let one = |run: Measured| {
        let alerts = file.alerts.iter().zip(&names).zip(&run.answers);
        let alerts = alerts.map(|((alert, name), answer)| row(alert, name, interval, (&run, answer))).collect();
        let Measured { scenario, seed, end_s, skew, .. } = run;
        ScenarioAlerts { scenario, seed, end_s, skew, alerts }
    };
    let scenarios: Vec<ScenarioAlerts> = runs.into_iter().map(one).collect();
    let is_missed = |s: &&ScenarioAlerts| has_skew(s) && s.alerts.iter().all(|row| row.after_skew_s.is_none());
    let missed = scenarios.iter().filter(is_missed).map(|s| s.scenario.clone()).collect();
    let rules = file.alerts.iter().zip(names).enumerate();
    let rules = rules.map(|(i, (alert, name))| summary(alert, name, i, &scenarios)).collect();
    let too_short = short.into_iter().map(|run| run.scenario).collect();
    Report { criterion, evaluation_interval_s: interval.as_secs_f64(), scenarios, rules, missed, too_short }
}

/// Names of the alerts. One that is not alone has its line: several thresholds of one alert are compared so.
fn names(file: &RuleFile) -> Vec<String> {
    let of = |alert: &Alert| {
        let name = &alert.rule.name;
        let is_alone = file.alerts.iter().filter(|other| other.rule.name == *name).count() == 1;
        if is_alone { name.clone() } else { format!("{name} (line {})", alert.rule.position.line) }
    };
    file.alerts.iter().map(of).collect()
}

fn has_skew(scenario: &ScenarioAlerts) -> bool {
    !scenario.skew.stretches.is_empty()
}

fn row(alert: &Alert, name: &str, interval: Span, (run, answer): (&Measured, &BTreeMap<Labels, BTreeSet<u64>>)) -> Row {
    let evaluations = Evaluations::of(&alert.rule, interval, run.end_s);
    let courses: Vec<(&Labels, Course)> =
        answer.iter().map(|(labels, present)| (labels, follow(alert, evaluations, present))).collect();
    let seconds = |ms: u64| ms as f64 / 1e3;
    let all = || courses.iter().flat_map(|(_, course)| &course.firing);
    let firing = union(all().map(|firing| (firing.from, firing.to)).collect());
    // One that was pending while there was skew, and fires after it, was caught by it.
    let caught = |stretch: &Stretch| {
        let overlaps = |f: &&Firing| seconds(f.since) < stretch.to_s && seconds(f.to) > stretch.from_s;
        all().filter(overlaps).map(|firing| (seconds(firing.from) - stretch.from_s).max(0.0)).reduce(f64::min)
    };
    let mut series: Vec<Fires> = courses
        .iter()
        .filter(|(_, course)| course.pending_ms.is_some())
        .map(|(labels, course)| Fires {
            labels: (*labels).clone(),
            fires_s: course.firing.first().map(|firing| seconds(firing.from)),
        })
        .collect();
    // Those that never fire come last. The sort keeps the order of labels among equals.
    series.sort_by(|a, b| a.fires_s.unwrap_or(f64::INFINITY).total_cmp(&b.fires_s.unwrap_or(f64::INFINITY)));
    Row {
        alert: name.to_owned(),
        state: match (firing.first(), series.is_empty()) {
            (Some(_), _) => State::Fires,
            (None, false) => State::Pending,
            (None, true) => State::Silent,
        },
        pending_s: courses.iter().filter_map(|(_, course)| course.pending_ms).min().map(seconds),
        fires_s: firing.first().map(|(from, _)| seconds(*from)),
        after_skew_s: run.skew.stretches.iter().find_map(caught),
        fired_s: seconds(firing.iter().map(|(from, to)| to - from).sum()),
        held_s: courses.iter().filter_map(|(_, course)| course.longest_ms).max().map(seconds),
        series,
    }
}

/// Stretches that do not overlap, of some that may.
fn union(mut stretches: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    stretches.sort_unstable();
    let mut all: Vec<(u64, u64)> = Vec::new();
    for (from, to) in stretches {
        match all.last_mut().filter(|last| from <= last.1) {
            Some(last) => last.1 = last.1.max(to),
            None => all.push((from, to)),
        }
    }
    all
}

fn summary(alert: &Alert, name: String, index: usize, scenarios: &[ScenarioAlerts]) -> RuleSummary {
    let of =
        |with: bool| scenarios.iter().filter(move |s| has_skew(s) == with).filter_map(move |s| s.alerts.get(index));
    let summed = |with: bool, fires: &dyn Fn(&Row) -> bool| {
        let held = of(with).filter_map(|row| row.held_s);
        Summed {
            scenarios: of(with).count() as u64,
            fires: of(with).filter(|row| fires(row)).count() as u64,
            holds: held.clone().count() as u64,
            held_s: held.clone().reduce(f64::min).zip(held.reduce(f64::max)),
        }
    };
    let mut delays: Vec<f64> = of(true).filter_map(|row| row.after_skew_s).collect();
    delays.sort_by(f64::total_cmp);
    let middle = delays.get(delays.len().saturating_sub(1) / 2).zip(delays.get(delays.len() / 2));
    let after_skew_s = delays.first().zip(middle).zip(delays.last());
    RuleSummary {
        alert: name,
        for_s: alert.lasts.as_secs_f64(),
        with_skew: summed(true, &|row| row.after_skew_s.is_some()),
        without_skew: summed(false, &|row| row.fires_s.is_some()),
        at_another_time: of(true).filter(|row| row.after_skew_s.is_none() && row.fires_s.is_some()).count() as u64,
        after_skew_s: after_skew_s.map(|((least, (a, b)), most)| (*least, (a + b) / 2.0, *most)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::alerts::Rule;
    use crate::scenario::document::Position;

    fn alert(name: &str, line: usize) -> Alert {
        let position = Position { source: "rules.yaml".to_owned(), line, column: 1 };
        let (expr, labels) = ("up".to_owned(), BTreeMap::new());
        let rule = Rule { name: name.to_owned(), expr, labels, interval: None, offset: Span::ZERO, position };
        Alert { rule, lasts: Span::from_secs(120), keeps: Span::ZERO }
    }

    /// A run of 20 m with skew from 5 m to 15 m, or without; by pod the minutes at which the expression has its series.
    fn run(scenario: &str, skew: bool, pods: &[(&str, std::ops::RangeInclusive<u64>)]) -> Measured {
        let stretch = Stretch { from_s: 300.0, to_s: 900.0, most: 2.0, phase: String::new() };
        let answer = pods.iter().map(|(pod, minutes)| {
            let labels = Labels::from([("pod".to_owned(), (*pod).to_owned())]);
            (labels, minutes.clone().map(|minute| minute * 60_000).collect())
        });
        Measured {
            scenario: scenario.to_owned(),
            seed: 1,
            end_s: 1200.0,
            skew: Skew { stretches: if skew { vec![stretch] } else { Vec::new() }, ..Skew::default() },
            answers: vec![answer.collect(), BTreeMap::new()],
        }
    }

    #[test]
    fn rows_and_summaries_say_what_fires_when() {
        let file = RuleFile { records: Vec::new(), alerts: vec![alert("A", 3), alert("A", 9)] };
        let criterion = Criterion { max_over_mean: 1.5, lasts_s: 300.0, resolution_s: 15.0 };
        let runs = vec![
            run("late", true, &[("a", 8..=14), ("b", 6..=10)]),
            run("before", true, &[("a", 1..=3)]),
            run("ongoing", true, &[("a", 0..=20)]),
            run("even", false, &[("a", 4..=5)]),
            Measured { end_s: 299.0, ..run("short", false, &[]) },
            run("at the end", true, &[("a", 14..=16)]),
        ];
        let report = report(&file, criterion, Span::from_secs(60), runs);
        let row = |i: usize| report.scenarios[i].alerts[0].clone();
        let late = row(0);
        assert_eq!((late.state, late.fires_s, late.after_skew_s), (State::Fires, Some(480.0), Some(180.0)));
        assert_eq!((late.pending_s, late.fired_s, late.held_s), (Some(360.0), 420.0, Some(360.0)));
        assert_eq!(late.series.iter().map(|s| s.labels["pod"].as_str()).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!((row(1).fires_s, row(1).after_skew_s), (Some(180.0), None));
        assert_eq!((row(2).fires_s, row(2).after_skew_s), (Some(120.0), Some(0.0)));
        assert_eq!((row(3).state, row(3).fires_s, row(3).held_s), (State::Pending, None, Some(60.0)));
        assert_eq!(report.scenarios[0].alerts[1].state, State::Silent);
        assert_eq!((row(4).fires_s, row(4).after_skew_s), (Some(960.0), Some(660.0)), "it was pending in time");
        assert_eq!((report.missed, report.too_short), (vec!["before".to_owned()], vec!["short".to_owned()]));
        let [first, second] = &report.rules[..] else { panic!("two rules") };
        assert_eq!((first.alert.as_str(), second.alert.as_str()), ("A (line 3)", "A (line 9)"));
        let with = Summed { scenarios: 4, fires: 3, holds: 4, held_s: Some((120.0, 1200.0)) };
        assert_eq!((first.with_skew, first.at_another_time), (with, 1));
        assert_eq!(first.without_skew, Summed { scenarios: 1, fires: 0, holds: 1, held_s: Some((60.0, 60.0)) });
        assert_eq!(first.after_skew_s, Some((0.0, 180.0, 660.0)));
        assert_eq!((second.with_skew.holds, second.with_skew.held_s), (0, None));
    }

    #[test]
    fn what_overlaps_is_counted_once() {
        assert_eq!(union(vec![(5, 7), (0, 2), (1, 3), (3, 4)]), [(0, 4), (5, 7)]);
    }
}
