//! Expectations: `figure op value`, with figures looked up in the schema of the summary.

use schemars::{JsonSchema, schema_for};
use serde_json::Value;

use super::{Check, MAX_ITEMS};
use crate::metrics::figures::range;
use crate::metrics::outcome::Summary;
use crate::metrics::part::Part;
use crate::scenario::diagnostic::{Problem, nearest, quoted};
use crate::scenario::file::at::{At, Key};
use crate::scenario::model::{Action, Changes, Comparison, Expectation, When};
use crate::scenario::quantity::{parse_duration, parse_percent};
use crate::scenario::rules::Code;
use crate::units::Span;

/// Words for figures whose paths are others.
const WORDS: &[(&str, &str)] = &[
    ("errors", "requests.failed"),
    ("throughput", "throughput_rps"),
    ("latency", "latency.p99"),
    ("reconnects", "reconnects_per_s"),
    ("time_to_balance", "time_to_balance.0.seconds"),
    ("balance", "time_to_balance.0.seconds"),
];

pub(super) fn expectations(
    cx: &mut Check<'_>,
    list: Key<Vec<At<String>>>,
    timeline: &[Action],
    duration: Option<Span>,
) -> Vec<Expectation> {
    let texts = cx.items(list, "expect", MAX_ITEMS);
    if texts.is_empty() {
        return Vec::new();
    }
    let known = Known {
        whole: Figures::of::<Summary>("the summary"),
        part: Figures::of::<Part>("a part of a run"),
        timeline,
        duration,
    };
    texts
        .into_iter()
        .filter_map(|At { value, place }| match expectation(&value, &known) {
            Ok(expectation) => Some(expectation),
            Err((code, message, help)) => {
                let problem = Problem::new(code, place, message);
                cx.report(match help {
                    Some(help) => problem.help(help),
                    None => problem,
                });
                None
            }
        })
        .collect()
}

type Trouble = (Code, String, Option<String>);

/// What an expectation can speak of.
struct Known<'a> {
    whole: Figures,
    part: Figures,
    timeline: &'a [Action],
    duration: Option<Span>,
}

impl Known<'_> {
    /// The changes that a word means.
    fn change(&self, word: &str) -> Result<Option<&'static str>, String> {
        let words: Vec<_> =
            self.timeline.iter().filter(|a| a.what.moves_connections()).map(|a| a.what.word()).collect();
        match words.iter().find(|known| **known == word) {
            Some(word) => Ok(Some(word)),
            None if word != "change" => Err(format!("the timeline has no {}", quoted(word))),
            None if words.is_empty() => Err("the timeline changes nothing".to_owned()),
            None => Ok(None),
        }
    }
}

fn expectation(text: &str, known: &Known<'_>) -> Result<Expectation, Trouble> {
    let form = || "write `figure op value`, for example `max_over_mean <= 1.2`".to_owned();
    let Some((figure, op, rest)) = Comparison::find(text) else {
        let message = format!("{} has none of the operators <, <=, ==, !=, >=, >", quoted(text));
        return Err((Code::BadExpectation, message, Some(form())));
    };
    let (value, qualifier) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if figure.is_empty() || value.is_empty() {
        return Err((Code::BadExpectation, format!("{} is not complete", quoted(text)), Some(form())));
    }
    let when = when(qualifier.trim(), known)?;
    let figures = if when == When::WholeRun { &known.whole } else { &known.part };
    let path = figures.path(figure)?;
    if let (When::Within(Changes { span, word }), "requests" | "error_ratio") = (when, path[0].as_str()) {
        let (figure, word) = (quoted(figure), word.unwrap_or("change"));
        let message = format!("{figure} `within {span} of {word}` could be read two ways");
        let help = format!("`for {span} after {word}`: in this time; `after 6m`: from then on");
        return Err((Code::BadExpectation, message, Some(help)));
    }
    let value = number(value, &path).and_then(|x| reachable(x, &path));
    let value = value.map_err(|message| (Code::BadExpectation, message, None))?;
    Ok(Expectation { text: text.to_owned(), path, when, op, value })
}

/// What stands behind the value: when it must hold.
fn when(text: &str, known: &Known<'_>) -> Result<When, Trouble> {
    let trouble = |message: String, help: &str| (Code::BadExpectation, message, Some(help.to_owned()));
    let span = |text: &str| parse_duration(text).map_err(|message| trouble(message, FORMS));
    match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        [] => Ok(When::WholeRun),
        ["in", "every", "window"] => Ok(When::EveryWindow),
        ["after", time] => {
            let time = span(time)?;
            match known.duration.filter(|end| time >= *end) {
                Some(end) => Err(trouble(format!("`after {time}`: the run ends at {end}"), FORMS)),
                None => Ok(When::After(time)),
            }
        }
        ["within", time, "of", word] => {
            Ok(When::Within(Changes { span: span(time)?, word: known.change(word).map_err(|m| trouble(m, FORMS))? }))
        }
        ["for", time, "after", word] => {
            Ok(When::For(Changes { span: span(time)?, word: known.change(word).map_err(|m| trouble(m, FORMS))? }))
        }
        _ => Err(trouble(format!("{} does not say when", quoted(text)), FORMS)),
    }
}

const FORMS: &str = "after the value: `after 6m`, `in every window`, `within 90s of rollout` (it may take so long), or \
                     `for 90s after rollout` (scale, kill, delete, black_hole, unready, or change for each of them)";

/// What one unit of a time figure is in seconds; `None` if the figure is not a time.
fn unit(path: &[String]) -> Option<f64> {
    let last = path.last().map_or("", String::as_str);
    if path.iter().any(|step| step == "latency_ms") {
        Some(1e-3)
    } else if last == "seconds" || (last.ends_with("_s") && !last.ends_with("_per_s")) {
        Some(1.0)
    } else {
        None
    }
}

fn number(text: &str, path: &[String]) -> Result<f64, String> {
    let figure = quoted(&path.join("."));
    match (unit(path), text.parse::<f64>(), parse_percent(text)) {
        (Some(_), Ok(x), _) if x.is_finite() && x != 0.0 => {
            Err(format!("{figure} is a time, and {} has no unit: write a duration such as `20ms`", quoted(text)))
        }
        (_, Ok(x), _) if x.is_finite() => Ok(x),
        (_, Ok(_), _) => Err(format!("{} is not a finite number", quoted(text))),
        (None, _, Some(percent)) => Ok(percent / 100.0),
        (Some(unit), _, None) => {
            let span = parse_duration(text)?;
            // Whole units where it has some, so that 20ms is 20 and not 20.000000000000004.
            Ok(if unit == 1e-3 { span.as_millis_f64() } else { span.as_secs_f64() })
        }
        (Some(_), _, Some(_)) => Err(format!("{figure} is a time, and {} is a percentage", quoted(text))),
        (None, _, None) if parse_duration(text).is_ok() => Err(format!("{figure} is not a time: write a plain number")),
        (None, _, None) => Err(format!("{} is neither a number nor a percentage", quoted(text))),
    }
}

/// A bound beyond all that a figure can be says nothing: whoever writes it means something else.
fn reachable(bound: f64, path: &[String]) -> Result<f64, String> {
    let path = path.join(".");
    if range(&path).1 == 1.0 && bound > 1.0 {
        return Err(format!("{} is at most 1: write a percentage, such as 40%, or a part, such as 0.4", quoted(&path)));
    }
    Ok(bound)
}

/// The figures of the summary, from its schema.
struct Figures {
    root: Value,
    /// In messages: whose figures these are.
    of: &'static str,
}

impl Figures {
    fn of<T: JsonSchema>(of: &'static str) -> Figures {
        Figures { root: schema_for!(T).to_value(), of }
    }

    /// Turns a figure as written into a path of the summary.
    fn path(&self, figure: &str) -> Result<Vec<String>, Trouble> {
        let mut path: Vec<String> = figure.split('.').map(str::to_owned).collect();
        if path[0] == "latency" {
            "latency_ms".clone_into(&mut path[0]);
        }
        if self.is_number(&path) {
            return Ok(path);
        }
        let in_skew: Vec<String> = std::iter::once("skew".to_owned()).chain(path).collect();
        if self.is_number(&in_skew) {
            return Ok(in_skew);
        }
        let all = self.all();
        if let Some(meant) = self.meant(figure, &all) {
            let help = Some(format!("did you mean `{meant}`?"));
            return Err((Code::UnknownFigure, format!("{} has no figure {}", self.of, quoted(figure)), help));
        }
        let bare = all.iter().map(|f| f.strip_prefix("skew.").unwrap_or(f));
        let help = match nearest(figure, bare.chain(all.iter().map(String::as_str))) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "figures are the numbers of summary.json, such as `max_over_mean`, `latency.p99` or `requests.failed`"
                    .to_owned()
            }
        };
        Err((Code::UnknownFigure, format!("{} has no figure {}", self.of, quoted(figure)), Some(help)))
    }

    /// The path of a figure that is called by the word of the table that `run` prints, or by the last step of its path.
    fn meant(&self, word: &str, all: &[String]) -> Option<String> {
        if let Some((_, path)) = WORDS.iter().find(|(known, _)| *known == word) {
            return Some((*path).to_owned());
        }
        if self.is_number(&["latency_ms".to_owned(), word.to_owned()]) {
            return Some(format!("latency.{word}"));
        }
        all.iter().find(|path| path.rsplit('.').next() == Some(word)).cloned()
    }

    fn is_number(&self, path: &[String]) -> bool {
        let end = path.iter().try_fold(&self.root, |node, step| self.step(node, step));
        end.is_some_and(|node| self.types(node).iter().any(|t| *t == "number" || *t == "integer"))
    }

    /// Follows `$ref` and takes what is not null of a choice.
    fn resolved<'a>(&'a self, mut node: &'a Value) -> &'a Value {
        loop {
            node = if let Some(reference) = node.get("$ref").and_then(Value::as_str) {
                match reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) {
                    Some(target) => target,
                    None => return node,
                }
            } else if let Some(Value::Array(choices)) = node.get("anyOf") {
                match choices.iter().find(|c| c.get("type").and_then(Value::as_str) != Some("null")) {
                    Some(choice) => choice,
                    None => return node,
                }
            } else {
                return node;
            };
        }
    }

    fn step<'a>(&'a self, node: &'a Value, step: &str) -> Option<&'a Value> {
        let node = self.resolved(node);
        if let Some(child) = node.get("properties").and_then(|p| p.get(step)) {
            return Some(child);
        }
        if self.types(node).contains(&"array") {
            return step.parse::<u32>().ok().and_then(|_| node.get("items"));
        }
        node.get("additionalProperties").filter(|child| child.is_object() && !step.is_empty())
    }

    fn types<'a>(&'a self, node: &'a Value) -> Vec<&'a str> {
        match self.resolved(node).get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// All figures whose paths are fixed: no lists, no maps.
    fn all(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.collect(&self.root, "", 0, &mut found);
        found
    }

    fn collect(&self, node: &Value, path: &str, depth: usize, found: &mut Vec<String>) {
        const DEEPEST: usize = 5;
        let Some(Value::Object(properties)) = self.resolved(node).get("properties") else { return };
        for (name, child) in properties {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if self.types(child).iter().any(|t| *t == "number" || *t == "integer") {
                found.push(path);
            } else if depth < DEEPEST {
                self.collect(child, &path, depth + 1, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a run without a timeline.
    fn known() -> Known<'static> {
        Known {
            whole: Figures::of::<Summary>("the summary"),
            part: Figures::of::<Part>("a part of a run"),
            timeline: &[],
            duration: None,
        }
    }

    #[test]
    fn figures_become_paths_and_values_numbers() {
        let known = known();
        for (text, path, op, value) in [
            ("max_over_mean <= 1.2", "skew.max_over_mean", Comparison::AtMost, 1.2),
            ("skew.idle_pods==0", "skew.idle_pods", Comparison::Equal, 0.0),
            ("latency.p99 <= 20ms", "latency_ms.p99", Comparison::AtMost, 20.0),
            ("latency_ms.p99 < 1.5s", "latency_ms.p99", Comparison::Less, 1500.0),
            ("max_share > 25%", "skew.max_share", Comparison::Greater, 0.25),
            ("worst_window.cv >= 0.5", "skew.worst_window.cv", Comparison::AtLeast, 0.5),
            ("requests.by_status.UNAVAILABLE == 0", "requests.by_status.UNAVAILABLE", Comparison::Equal, 0.0),
            ("connections.closed_by.max_age > 3", "connections.closed_by.max_age", Comparison::Greater, 3.0),
            ("time_to_balance.0.seconds < 1m", "time_to_balance.0.seconds", Comparison::Less, 60.0),
            ("pods.1.share != 0", "pods.1.share", Comparison::NotEqual, 0.0),
            ("measured_s >= 10s", "measured_s", Comparison::AtLeast, 10.0),
            ("throughput_rps > 1e4", "throughput_rps", Comparison::Greater, 10_000.0),
        ] {
            let got = expectation(text, &known).unwrap_or_else(|e| panic!("{text}: {e:?}"));
            assert_eq!((got.path.join(".").as_str(), got.op, got.value), (path, op, value), "{text}");
        }
    }
}
