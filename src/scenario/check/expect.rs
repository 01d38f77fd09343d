//! Expectations: `figure op value`, with figures looked up in the schema of the summary.

use super::figures::{Figures, Lists};
use super::{Check, MAX_ITEMS};
use crate::metrics::figures::range;
use crate::metrics::outcome::Summary;
use crate::metrics::part::Part;
use crate::model::{Changes, Comparison, Expectation, Lies, Model, PhaseOf, When};
use crate::scenario::diagnostic::{Problem, quoted};
use crate::scenario::file::at::{At, Key};
use crate::scenario::quantity::{parse_duration, parse_number, parse_percent};
use crate::scenario::rules::Code;

pub(super) fn expectations(cx: &mut Check<'_>, list: Key<Vec<At<String>>>, model: &Model) -> Vec<Expectation> {
    let texts = cx.items(list, "expect", MAX_ITEMS);
    if texts.is_empty() {
        return Vec::new();
    }
    let known = Known::of(model);
    let mut all: Vec<Expectation> = Vec::new();
    for At { value, place } in texts {
        match expectation(&value, &known) {
            Ok(expectation) if all.contains(&expectation) => {
                let message = format!("{} has no effect: it is expected already", quoted(&expectation.text));
                cx.problem(Code::NoEffect, place, message);
            }
            Ok(expectation) => all.push(expectation),
            Err((code, message, help)) => {
                let problem = Problem::new(code, place, message);
                cx.report(match help {
                    Some(help) => problem.help(help),
                    None => problem,
                });
            }
        }
    }
    all
}

pub(super) type Trouble = (Code, String, Option<String>);

/// What an expectation can speak of.
struct Known<'a> {
    whole: Figures,
    part: Figures,
    lists: Lists<'a>,
    model: &'a Model,
}

impl Known<'_> {
    fn of(model: &Model) -> Known<'_> {
        Known {
            whole: Figures::of::<Summary>("the summary"),
            part: Figures::of::<Part>("a part of a run"),
            lists: Lists::of(model),
            model,
        }
    }

    /// The changes that a word means.
    fn change(&self, word: &str) -> Result<Option<&'static str>, String> {
        let words: Vec<_> =
            self.model.timeline.iter().filter(|a| a.what.moves_connections()).map(|a| a.what.word()).collect();
        match words.iter().find(|known| **known == word) {
            Some(word) => Ok(Some(word)),
            None if word != "change" => Err(format!("the timeline has no {}", quoted(word))),
            None if words.is_empty() => Err("the timeline changes nothing".to_owned()),
            None => Ok(None),
        }
    }
}

fn expectation(text: &str, known: &Known<'_>) -> Result<Expectation, Trouble> {
    // Blanks say nothing, and a line break would be one in tables, too.
    let text = &text.split_whitespace().collect::<Vec<_>>().join(" ");
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
    known.lists.have(&path)?;
    Ok(Expectation { text: text.to_owned(), path, when, op, value })
}

/// What stands behind the value: when it must hold.
fn when(text: &str, known: &Known<'_>) -> Result<When, Trouble> {
    let trouble = |message: String, help: &str| (Code::BadExpectation, message, Some(help.to_owned()));
    let span = |text: &str| parse_duration(text).map_err(|message| trouble(message, FORMS));
    match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        [] => Ok(When::WholeRun),
        ["in", "every", "window"] => Ok(When::EveryWindow),
        ["phase", number] => match number.parse::<u32>() {
            Ok(number) if number >= 1 => Ok(When::Phase(PhaseOf::Number(number))),
            _ => Err(trouble(format!("{} is not a phase number: phases are numbered from 1", quoted(number)), FORMS)),
        },
        [lies @ ("before" | "during" | "after"), word] if parse_duration(word).is_err() => {
            let lies = match *lies {
                "before" => Lies::Before,
                "during" => Lies::During,
                _ => Lies::After,
            };
            Ok(When::Phase(PhaseOf::Change(lies, known.change(word).map_err(|m| trouble(m, FORMS))?)))
        }
        ["after", time] => {
            let time = span(time)?;
            match known.model.duration.filter(|end| time >= *end) {
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

const FORMS: &str = "after the value: `after 6m`, `in every window`, `phase 2`, `before rollout`, `during rollout`, `after rollout`, \
                     `within 90s of rollout` (it may take that long), or `for 90s after rollout` (scale, kill, delete, black_hole, unready, or \
                     change for each of them)";

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
    match (unit(path), parse_number(text), parse_percent(text)) {
        (Some(_), Some(x), _) if x != 0.0 => {
            Err(format!("{figure} is a time, and {} has no unit: write a duration such as `20ms`", quoted(text)))
        }
        (_, Some(x), _) => Ok(x),
        (_, None, _) if text.parse::<f64>().is_ok() => {
            Err(format!("{} is not a finite number that a double can hold", quoted(text)))
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Three pods, of which a rollout makes three more; two methods and a change.
    fn model() -> Model {
        let text = "name: a\nduration: 1m\nservers: [{ name: api, replicas: 3, cpu: { limit: 1 } }]\nclients:\n\
                    \x20 - { name: web, load: { open: { rate: 1 }, methods: [{ name: A, share: 50% }, { name: B, share: 50% }] } }\n\
                    \x20 - { name: batch, load: { open: { rate: 1 } } }\n\
                    timeline: [{ at: 10s, rollout: api }]\n";
        crate::scenario::parse("a.yaml", text, None, &[]).unwrap_or_else(|e| panic!("{e}")).model
    }

    #[test]
    fn figures_become_paths_and_values_numbers() {
        let model = model();
        let known = Known::of(&model);
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
            ("pods.5.share  !=\n0", "pods.5.share", Comparison::NotEqual, 0.0),
            ("requests.failed_by_client.web == 0", "requests.failed_by_client.web", Comparison::Equal, 0.0),
            ("pods.0.throttled < 1%", "pods.0.throttled", Comparison::Less, 0.01),
            ("measured_s >= 10s", "measured_s", Comparison::AtLeast, 10.0),
            ("throughput_rps > 1e4", "throughput_rps", Comparison::Greater, 10_000.0),
        ] {
            let got = expectation(text, &known).unwrap_or_else(|e| panic!("{text}: {e:?}"));
            assert_eq!((got.path.join(".").as_str(), got.op, got.value), (path, op, value), "{text}");
        }
    }
    #[test]
    fn what_no_run_can_have_is_refused() {
        let model = model();
        let known = Known::of(&model);
        for (figure, says) in [
            ("requests.by_status.UNAVAILBLE", "did you mean `requests.by_status.UNAVAILABLE`?"),
            ("requests.by_status.OK", "there are: DEADLINE_EXCEEDED"),
            ("requests.failed_by_client.wev", "did you mean `requests.failed_by_client.web`?"),
            ("connections.closed_by.ma_age", "did you mean `connections.closed_by.max_age`?"),
            ("pods.4000000000.share", "numbered from 0 to 5"),
            ("pods.6.latency_ms.p99", "numbered from 0 to 5"),
            ("pods.api-1-0.share", "`pods` are numbered from 0"),
            ("gateways.0.share", "no gateways"),
            ("methods.2.failed", "numbered from 0 to 1"),
            ("methods.A.failed", "`methods` are numbered from 0"),
            ("time_to_balance.1.at_s", "numbered from 0 to 0"),
            ("expectations.0.value", "have been judged"),
            ("cures.rows.0.figures.max_over_mean", "have been judged"),
            ("runs.a.mean", "have been judged"),
        ] {
            let Err((code, message, help)) = expectation(&format!("{figure} == 0"), &known) else {
                panic!("{figure} is accepted");
            };
            assert!(
                code == Code::UnknownFigure && help.as_ref().is_some_and(|h| h.contains(says)),
                "{message} {help:?}"
            );
        }
        let alone =
            "name: a\nduration: 1m\nservers: [{ name: api }]\nclients: [{ name: web, load: { open: { rate: 1 } } }]";
        let model = crate::scenario::parse("a.yaml", alone, None, &[]).unwrap().model;
        let known = Known::of(&model);
        for figure in
            ["requests.failed_by_client.web", "methods.0.failed", "time_to_balance.0.at_s", "pods.0.throttled"]
        {
            assert!(expectation(&format!("{figure} == 0"), &known).is_err(), "{figure}");
        }
    }

    #[test]
    fn blanks_are_read_in_linear_time_and_not_kept() {
        let model = model();
        let text = format!("{}cv\n<=\t2", " ".repeat(1_000_000));
        let started = std::time::Instant::now();
        let read = expectation(&text, &Known::of(&model)).unwrap();
        assert_eq!(read.text, "cv <= 2");
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }
}
