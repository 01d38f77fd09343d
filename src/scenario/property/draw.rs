//! What is drawn for a key: a list, or a range, as values in order from the simplest.

use crate::scenario::diagnostic::Place;
use crate::scenario::vary::{self, Unit, ends, significant};
use crate::scenario::yaml::tree::{Node, Value};
use crate::scenario::yaml::write::flow;

/// One key of a scenario, and the values that are drawn for it.
#[derive(Clone, Debug)]
pub struct Draw {
    /// The path, as in `--set`.
    pub path: String,
    /// As `--set` reads them; at least two, none twice, from the simplest.
    pub values: Vec<String>,
    /// In the scenario as it is written; empty if the key is not there.
    pub default: String,
    /// True for a range, whose first and last value say all.
    pub is_range: bool,
    pub(super) place: Place,
}

/// The steps of a range at equal ratios: ten to a power of ten.
const STEPS: [f64; 10] = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0];
/// A range at equal distances has at most this many steps.
const MOST_STEPS: f64 = 1_000.0;
/// Steps, if its values are not whole numbers.
const DECIMAL_STEPS: f64 = 100.0;

/// The values that are written, and whether they are a range.
///
/// # Errors
/// Says what is wrong.
pub(super) fn values(node: &Node) -> Result<(Vec<String>, bool), String> {
    let (values, is_range) = match &node.value {
        Value::List(items) => (items.iter().map(flow).collect::<Vec<String>>(), false),
        Value::Text(text) => match range(text)? {
            Some(values) => (values, true),
            None => (vary::values(text).map_err(|wrong| wrong.why)?, false),
        },
        _ => return Err("write a list of values, or a range such as 2..12".to_owned()),
    };
    for (i, value) in values.iter().enumerate() {
        if values[..i].contains(value) {
            return Err(format!("the value `{value}` is there twice"));
        }
    }
    match values.len() {
        0 | 1 => Err("there is nothing to draw from one value: write it into the scenario".to_owned()),
        _ => Ok((values, is_range)),
    }
}

/// The values of `LO..HI` or `LO..HI:log`; `None` if that is neither.
fn range(text: &str) -> Result<Option<Vec<String>>, String> {
    let Some((lo, hi)) = text.split_once("..") else { return Ok(None) };
    let (hi, log) = hi.strip_suffix(":log").map_or((hi, false), |hi| (hi, true));
    if text.contains([',', '[', '{', '"', '\'']) || hi.contains(':') {
        return Ok(None);
    }
    let (unit, from, to) = ends(lo.trim(), hi.trim())?;
    let log = log || matches!(unit, Unit::Duration);
    if log && from.min(to) <= 0.0 {
        return Err("equal ratios (durations, and `:log`) need both ends above zero".to_owned());
    }
    let numbers = if log { ratios(from, to) } else { distances(unit, from, to) };
    let mut values: Vec<String> = vec![lo.trim().to_owned()];
    for x in numbers {
        let text = unit.write(x);
        if !values.contains(&text) && text != hi.trim() {
            values.push(text);
        }
    }
    values.push(hi.trim().to_owned());
    Ok(Some(values))
}

/// Round numbers strictly between, from the first end on.
fn ratios(from: f64, to: f64) -> Vec<f64> {
    let (low, high) = (from.min(to), from.max(to));
    let mut power = libm::pow(10.0, libm::floor(libm::log10(low)));
    let mut between = Vec::new();
    while power < high {
        let steps = STEPS.iter().map(|step| significant(step * power, 2));
        between.extend(steps.filter(|x| *x > low && *x < high));
        power *= 10.0;
    }
    if from > to {
        between.reverse();
    }
    between
}

fn distances(unit: Unit, from: f64, to: f64) -> Vec<f64> {
    let whole =
        matches!(unit, Unit::Whole) || (matches!(unit, Unit::Percent) && from.fract() == 0.0 && to.fract() == 0.0);
    let width = (to - from).abs();
    let steps = if whole { width.min(MOST_STEPS) } else { DECIMAL_STEPS };
    let at = |i: u32| from + (to - from) * f64::from(i) / steps;
    let inner = (1..steps as u32).map(at);
    if whole { inner.map(f64::round).collect() } else { inner.map(|x| significant(x, 3)).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::yaml::tree::parse;

    fn of(text: &str) -> Result<(Vec<String>, bool), String> {
        values(&parse(text, 0, 0).unwrap())
    }

    #[test]
    fn lists_and_ranges() {
        for (text, wanted) in [
            ("[1, 2, 5]", &["1", "2", "5"][..]),
            ("1,2,5", &["1", "2", "5"]),
            (
                "[round_robin, { least_request: { choice_count: 3 } }]",
                &["round_robin", "{ least_request: { choice_count: 3 } }"],
            ),
            ("2..5", &["2", "3", "4", "5"]),
            ("5..2", &["5", "4", "3", "2"]),
            (
                "100ms..1s",
                &["100ms", "120ms", "150ms", "200ms", "250ms", "300ms", "400ms", "500ms", "600ms", "800ms", "1s"],
            ),
            ("4..20:log", &["4", "5", "6", "8", "10", "12", "15", "20"]),
            ("0%..3%", &["0%", "1%", "2%", "3%"]),
            ("1..9:3", &["1", "5", "9"]),
            ("30s..2m", &["30s", "40s", "50s", "1m", "1m20s", "1m40s", "2m"]),
        ] {
            assert_eq!(of(text).unwrap().0, wanted, "{text}");
        }
        let decimals = of("0.1..0.2").unwrap().0;
        assert_eq!((decimals.len(), &decimals[50][..], &decimals[100][..]), (101, "0.15", "0.2"));
        assert_eq!(of("1..1000000").unwrap().0.len(), 1001);
    }

    #[test]
    fn what_cannot_be_drawn_says_why() {
        for (text, says) in [
            ("5", "a list of values"),
            ("[5]", "nothing to draw"),
            ("[5, 5]", "twice"),
            ("0s..5s", "above zero"),
            ("5..5", "the same"),
            ("1m..5", "not two numbers"),
        ] {
            let why = of(text).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
