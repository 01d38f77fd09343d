//! Expectations: statements about the summary that must hold.

use serde_json::Value;

use crate::metrics::outcome::{ExpectationResult, Summary};
use crate::scenario::model::{Comparison, Expectation};

/// Evaluates each expectation. One whose figure has no value (or is not a number) is not met, whatever it says.
#[must_use]
pub fn evaluate(expectations: &[Expectation], summary: &Summary) -> Vec<ExpectationResult> {
    // A summary is plain data, which always has a JSON form; `Null` would only leave every expectation unmet.
    let summary = serde_json::to_value(summary).unwrap_or(Value::Null);
    let result = |e: &Expectation| {
        let value = number(&summary, &e.path);
        let met = value.is_some_and(|value| holds(value, e.op, e.value));
        ExpectationResult { text: e.text.clone(), value, met }
    };
    expectations.iter().map(result).collect()
}

/// The number at a path of the summary: names of fields, or places in lists from 0.
fn number(summary: &Value, path: &[String]) -> Option<f64> {
    let mut at = summary;
    for name in path {
        at = match at {
            Value::Array(list) => list.get(name.parse::<usize>().ok()?)?,
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
