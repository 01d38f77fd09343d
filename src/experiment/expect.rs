//! Expectations: statements about the summary that must hold.

use serde_json::Value;

use crate::metrics::outcome::{ExpectationResult, Outcome};
use crate::model::{Comparison, Expectation, When};

/// Evaluates each expectation. One whose figure has no value (or is not a number) is not met, whatever it says. One about several
/// parts of the run must hold in each that has a value, and is shown with the value that comes closest to breaking it.
#[must_use]
pub fn evaluate(expectations: &[Expectation], outcome: &Outcome) -> Vec<ExpectationResult> {
    // A summary is plain data, which always has a JSON form; `Null` would only leave every expectation unmet.
    let summary = serde_json::to_value(&outcome.summary).unwrap_or(Value::Null);
    let result = |(i, e): (usize, &Expectation)| {
        let value = if e.when == When::WholeRun {
            number(&summary, &e.path)
        } else {
            let parts = outcome.parts.get(i).into_iter().flatten();
            let value = |part| number(&serde_json::to_value(part).unwrap_or(Value::Null), &e.path);
            worst(parts.filter_map(value), e)
        };
        let met = value.is_some_and(|value| holds(value, e.op, e.value));
        ExpectationResult { text: e.text.clone(), value, met }
    };
    expectations.iter().enumerate().map(result).collect()
}

/// The value that comes closest to breaking the expectation, or breaks it most.
fn worst(values: impl Iterator<Item = f64>, expectation: &Expectation) -> Option<f64> {
    let distance = |value: &f64| (value - expectation.value).abs();
    match expectation.op {
        Comparison::Less | Comparison::AtMost => values.max_by(f64::total_cmp),
        Comparison::AtLeast | Comparison::Greater => values.min_by(f64::total_cmp),
        Comparison::Equal => values.max_by(|a, b| distance(a).total_cmp(&distance(b))),
        Comparison::NotEqual => values.min_by(|a, b| distance(a).total_cmp(&distance(b))),
    }
}

/// Counts of a pod that the summary leaves out where they are zero.
const LEFT_OUT: [&str; 2] = ["messages", "errors"];

/// The number at a path of the summary: names of fields, or places in lists from 0.
fn number(summary: &Value, path: &[String]) -> Option<f64> {
    let mut at = summary;
    for name in path {
        at = match at {
            Value::Array(list) => list.get(name.parse::<usize>().ok()?)?,
            Value::Object(fields) if !fields.contains_key(name) && LEFT_OUT.contains(&name.as_str()) => {
                return Some(0.0);
            }
            _ => at.get(name)?,
        };
    }
    at.as_f64()
}

fn holds(value: f64, op: Comparison, bound: f64) -> bool {
    match op {
        Comparison::Less => value < bound,
        Comparison::AtMost => value <= bound,
        Comparison::Equal => value == bound,
        Comparison::NotEqual => value != bound,
        Comparison::AtLeast => value >= bound,
        Comparison::Greater => value > bound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn paths_lead_to_numbers() {
        let summary = json!({ "a": { "b": 1.5, "none": null, "text": "x" }, "list": [{ "n": 2 }, { "n": 3 }] });
        for (at, value) in [
            ("a.b", Some(1.5)),
            ("list.1.n", Some(3.0)),
            ("a.none", None),
            ("a.text", None),
            ("a", None),
            ("a.b.c", None),
            ("list.2.n", None),
            ("list.x", None),
            ("missing", None),
            ("list.1.errors", Some(0.0)),
        ] {
            assert_eq!(number(&summary, &path(at)), value, "{at}");
        }
    }

    #[test]
    fn comparisons_mean_what_they_say() {
        use Comparison::{AtLeast, AtMost, Equal, Greater, Less, NotEqual};
        for (op, below, same, above) in [
            (Less, true, false, false),
            (AtMost, true, true, false),
            (Equal, false, true, false),
            (NotEqual, true, false, true),
            (AtLeast, false, true, true),
            (Greater, false, false, true),
        ] {
            assert_eq!((holds(1.0, op, 2.0), holds(2.0, op, 2.0), holds(3.0, op, 2.0)), (below, same, above), "{op:?}");
        }
    }

    #[test]
    fn the_worst_value_comes_closest_to_breaking_it() {
        use Comparison::{AtLeast, AtMost, Equal, Greater, Less, NotEqual};
        let of = |op, value| Expectation { text: String::new(), path: Vec::new(), when: When::EveryWindow, op, value };
        for (op, worst_of_all) in
            [(Less, 4.0), (AtMost, 4.0), (Equal, 4.0), (NotEqual, 2.0), (AtLeast, 1.0), (Greater, 1.0)]
        {
            assert_eq!(worst([2.0, 4.0, 1.0].into_iter(), &of(op, 2.2)), Some(worst_of_all), "{op:?}");
        }
        assert_eq!(worst(std::iter::empty(), &of(Less, 2.2)), None);
    }

    #[test]
    fn zero_counts_are_left_out() {
        let of = |messages: u64, errors: u64| {
            let pod: crate::metrics::outcome::PodSummary = serde_json::from_value(json!({
                "pod": "p", "server": "s", "created_s": 0.0, "ready_s": 1.0, "deleted_s": null, "requests": 1, "share": null,
                "connections_opened": 9, "connections_at_end": 3, "utilization": null, "messages": messages, "errors": errors,
                "latency_ms": crate::metrics::outcome::Latency::default(),
            }))
            .expect("a pod");
            let written = serde_json::to_value(pod).expect("JSON");
            LEFT_OUT.map(|count| written.get(count).and_then(Value::as_u64))
        };
        assert_eq!((of(0, 0), of(3, 0), of(3, 4)), ([None, None], [Some(3), None], [Some(3), Some(4)]));
    }
}
