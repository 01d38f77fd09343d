//! What Prometheus makes of the answers to a rule's expression, one label set after the other
//! (`AlertingRule.Eval` of <https://github.com/prometheus/prometheus/blob/main/rules/alerting.go>).

use std::collections::{BTreeMap, BTreeSet};

use crate::experiment::calibrate::{Labels, Series};
use crate::scenario::alerts::{Alert, Rule};
use crate::units::Span;

/// The evaluations of a rule in a run: one at its first instant, and then one each interval. Times are milliseconds since the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluations {
    /// From one to the next.
    pub interval_ms: u64,
    /// When the run ends.
    pub end_ms: u64,
}

impl Evaluations {
    /// Those of a rule; `default` is the interval of the server.
    #[must_use]
    pub fn of(rule: &Rule, default: Span, end_s: f64) -> Evaluations {
        let interval_ms = (rule.interval.unwrap_or(default).0 / 1_000_000).max(1);
        Evaluations { interval_ms, end_ms: (end_s.max(0.0) * 1e3) as u64 }
    }

    fn all(self) -> impl Iterator<Item = u64> {
        (0..=self.end_ms / self.interval_ms).map(move |k| k * self.interval_ms)
    }
}

/// Evaluations at which a series of the answer is there, by its labels. `start_ms` is when the run began, in milliseconds since 1970.
/// Labels that the rule replaces by a fixed text are left out.
///
/// # Errors
/// If two series become one by that: Prometheus does not evaluate such a rule.
pub fn by_labels(rule: &Rule, series: &[Series], start_ms: u64) -> Result<BTreeMap<Labels, BTreeSet<u64>>, String> {
    let mut all: BTreeMap<Labels, BTreeSet<u64>> = BTreeMap::new();
    for found in series {
        let mut labels = found.labels.clone();
        // A template is as different as the labels that it is made of.
        labels.retain(|name, _| rule.labels.get(name).is_none_or(|text| text.contains("{{")));
        let times = all.entry(labels).or_default();
        for (at, _) in &found.samples {
            let at = ((at * 1e3).round() as u64 + rule.offset.0 / 1_000_000).saturating_sub(start_ms);
            if !times.insert(at) {
                return Err(twice());
            }
        }
    }
    Ok(all)
}

fn twice() -> String {
    "two series of the expression have the same labels once those of the rule are put on them".to_owned()
}

/// The series that a recording rule makes of an answer.
///
/// # Errors
/// If two series become one by the rule's labels: Prometheus does not evaluate such a rule.
pub fn recorded(rule: &Rule, series: Vec<Series>) -> Result<Vec<Series>, String> {
    let mut all: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for mut found in series {
        found.labels.extend(rule.labels.clone());
        // An empty label is none.
        found.labels.retain(|_, value| !value.is_empty());
        all.entry(found.labels).or_default().extend(found.samples);
    }
    let series = |(labels, mut samples): (Labels, Vec<(f64, f64)>)| {
        samples.sort_by(|a, b| a.0.total_cmp(&b.0));
        let is_twice = samples.windows(2).any(|pair| pair[0].0 == pair[1].0);
        if is_twice { Err(twice()) } else { Ok(Series { name: rule.name.clone(), labels, samples }) }
    };
    all.into_iter().map(series).collect()
}

/// A time in which an alert of one label set fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Firing {
    /// Since when it was pending.
    pub since: u64,
    /// The evaluation from which on it fires.
    pub from: u64,
    /// The one at which it is resolved, or the end of the run.
    pub to: u64,
}

/// What became of an alert of one label set. Times are those of [`Evaluations`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Course {
    /// Its first evaluation with a series.
    pub pending_ms: Option<u64>,
    /// When it fires, in order.
    pub firing: Vec<Firing>,
    /// The longest time from the first to the last of evaluations that follow each other and have a series: the longest `for` that fires.
    pub longest_ms: Option<u64>,
}

/// Follows the alert of one label set, whose series is there at `present`.
pub(super) fn follow(alert: &Alert, evaluations: Evaluations, present: &BTreeSet<u64>) -> Course {
    let ms = |span: Span| span.0.div_ceil(1_000_000);
    let (lasts, keeps) = (ms(alert.lasts), ms(alert.keeps));
    let mut course = Course { pending_ms: present.first().copied(), ..Course::default() };
    let (mut active, mut firing, mut gone): (Option<u64>, Option<Firing>, Option<u64>) = (None, None, None);
    for at in evaluations.all() {
        if present.contains(&at) {
            // An alert that keeps firing is active since it was pending, whatever gaps its series has.
            let since = *active.get_or_insert(at);
            gone = None;
            if firing.is_none() && at - since >= lasts {
                firing = Some(Firing { since, from: at, to: evaluations.end_ms });
            }
            continue;
        }
        let since = *gone.get_or_insert(at);
        if firing.is_some() && at - since < keeps {
            continue;
        }
        course.firing.extend(firing.take().map(|firing| Firing { to: at, ..firing }));
        active = None;
    }
    course.firing.extend(firing);
    course.longest_ms = longest(evaluations, present);
    course
}

fn longest(evaluations: Evaluations, present: &BTreeSet<u64>) -> Option<u64> {
    let (mut from, mut longest) = (None, None);
    for at in evaluations.all() {
        from = present.contains(&at).then(|| from.unwrap_or(at));
        longest = longest.max(from.map(|from| at - from));
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::document::Position;

    const MINUTELY: Evaluations = Evaluations { interval_ms: 60_000, end_ms: 15 * 60_000 };

    fn alert(lasts: u64, keeps: u64) -> Alert {
        let position = Position { source: "rules.yaml".to_owned(), line: 1, column: 1 };
        let (name, expr, labels) = ("A".to_owned(), "up".to_owned(), BTreeMap::new());
        let rule = Rule { name, expr, labels, interval: None, offset: Span::ZERO, position };
        Alert { rule, lasts: Span::from_secs(lasts * 60), keeps: Span::from_secs(keeps * 60) }
    }

    /// All in minutes: an alert whose series is there at these evaluations fires so.
    #[track_caller]
    fn fires(lasts: u64, keeps: u64, present: &[u64], firing: &[(u64, u64)], longest: Option<u64>) {
        let present = present.iter().map(|minute| minute * 60_000).collect();
        let course = follow(&alert(lasts, keeps), MINUTELY, &present);
        let fired: Vec<_> = course.firing.iter().map(|f| (f.from / 60_000, f.to / 60_000)).collect();
        assert_eq!((&fired[..], course.longest_ms), (firing, longest.map(|minutes| minutes * 60_000)));
        assert_eq!(course.pending_ms, present.first().copied());
    }

    #[test]
    fn an_alert_fires_once_its_series_was_there_for_long_enough() {
        fires(0, 0, &[], &[], None);
        fires(0, 0, &[3], &[(3, 4)], Some(0));
        fires(2, 0, &[3, 4], &[], Some(1));
        fires(2, 0, &[3, 4, 5], &[(5, 6)], Some(2));
        fires(2, 0, &[3, 4, 6, 7], &[], Some(1));
        fires(2, 0, &[3, 4, 5, 7, 8, 9], &[(5, 6), (9, 10)], Some(2));
        fires(5, 0, &(0..=15).collect::<Vec<_>>(), &[(5, 15)], Some(15));
    }

    /// `keep_firing_for` counts from the first evaluation without the series.
    #[test]
    fn an_alert_keeps_firing_without_its_series() {
        fires(2, 3, &[3, 4, 5], &[(5, 9)], Some(2));
        fires(2, 3, &[3, 4], &[], Some(1));
        // It comes back in time, and so never stopped.
        fires(2, 3, &[3, 4, 5, 8], &[(5, 12)], Some(2));
        // It comes back too late, and is pending again.
        fires(2, 2, &[3, 4, 5, 9, 10], &[(5, 8)], Some(2));
        fires(1, 60, &[3, 4], &[(4, 15)], Some(1));
    }

    /// Spans between evaluations: 5 m at an interval of 2 m are three intervals.
    #[test]
    fn what_lies_between_evaluations_is_seen_at_the_next_one() {
        let evaluations = Evaluations { interval_ms: 120_000, end_ms: 15 * 60_000 };
        let present = (0..8).map(|k| k * 120_000).collect();
        let firing = Firing { since: 0, from: 6 * 60_000, to: 15 * 60_000 };
        assert_eq!(follow(&alert(5, 0), evaluations, &present).firing, [firing]);
    }

    fn series(labels: &[(&str, &str)], times: &[f64]) -> Series {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Series { name: String::new(), labels, samples: times.iter().map(|at| (*at, 1.0)).collect() }
    }

    #[test]
    fn labels_of_the_rule_take_the_place_of_those_of_the_series() {
        let mut rule = alert(0, 0).rule;
        rule.labels.insert("job".to_owned(), "all".to_owned());
        rule.labels.insert("pod".to_owned(), "{{ $labels.pod }}".to_owned());
        rule.offset = Span::from_secs(1);
        let found = [series(&[("job", "a"), ("pod", "p")], &[9.0]), series(&[("job", "a"), ("pod", "q")], &[9.0])];
        let all = by_labels(&rule, &found, 5_000).unwrap();
        assert_eq!(all.values().cloned().collect::<Vec<_>>(), [BTreeSet::from([5_000]), BTreeSet::from([5_000])]);
        let same = [series(&[("job", "a")], &[9.0]), series(&[("job", "b")], &[9.0])];
        assert!(by_labels(&rule, &same, 0).is_err() && recorded(&rule, same.to_vec()).is_err());
        let turns = [series(&[("job", "a")], &[9.0]), series(&[("job", "b")], &[8.0])];
        let [one] = &recorded(&rule, turns.to_vec()).unwrap()[..] else { panic!("one series") };
        assert_eq!((one.labels["job"].as_str(), &one.samples[..]), ("all", &[(8.0, 1.0), (9.0, 1.0)][..]));
    }
}
