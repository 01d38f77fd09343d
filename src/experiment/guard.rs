//! `--fail-on worse:FIGURE` and `--size FIGURE=VALUE`: a comparison that guards a change, and what matters in it.

use super::compare::{COLUMNS, Compared, Comparison, Finding, Verdict, path_in_comparison};
use super::figure::{self, Amount};
use crate::metrics::practical::{Size, Sizes};
use crate::scenario::diagnostic::{Diagnostics, quoted};
use crate::scenario::rules::Code;
use crate::words::short;

/// What a comparison must not find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailOn {
    /// The path of a figure in a comparison; `None`: those of the tables.
    figure: Option<String>,
}

impl FailOn {
    /// Reads `worse` or `worse:FIGURE`.
    ///
    /// # Errors
    /// Says what is wrong with the text, and where.
    pub fn parse(text: &str) -> Result<FailOn, Diagnostics> {
        let wrong = |at, code, message: &str, help: &str| {
            Err(Diagnostics::of_argument("--fail-on", text, at, code, message, help))
        };
        let (word, figure) = text.split_once(':').map_or((text, None), |(word, figure)| (word, Some(figure)));
        if word != "worse" {
            let message = format!("{} is nothing to fail on", quoted(word));
            return wrong(0..word.len(), Code::BadExpectation, &message, "write worse, or worse:FIGURE");
        }
        match figure.map(figure::path) {
            None => Ok(FailOn { figure: None }),
            Some(Ok(path)) => Ok(FailOn { figure: Some(path_in_comparison(&path).to_owned()) }),
            Some(Err((message, help))) => wrong(word.len() + 1..text.len(), Code::UnknownFigure, &message, &help),
        }
    }

    /// Whether a figure is among those that it is about.
    fn is_about(&self, path: &str) -> bool {
        self.figure.as_deref().map_or_else(|| COLUMNS.iter().any(|c| c.0 == path), |figure| figure == path)
    }

    /// What of a comparison any of these fails on, in words. What cannot be compared fails, too, where the baseline has a value in every
    /// run.
    #[must_use]
    pub fn failures(all: &[FailOn], comparison: &Comparison) -> Vec<String> {
        if all.is_empty() {
            return Vec::new();
        }
        let mut failures = Vec::new();
        for group in comparison.groups() {
            let [baseline, others @ ..] = group else { continue };
            if others.is_empty() {
                failures
                    .push(format!("{}: nothing is compared: no other scenario has the same load", baseline.scenario));
            }
            for other in others {
                let findings = other.difference.iter().flat_map(|d| &d.findings);
                let mine = findings.filter(|(path, _)| all.iter().any(|fail| fail.is_about(path)));
                failures.extend(
                    mine.filter_map(|(path, finding)| failure(comparison.runs, (baseline, other), path, finding)),
                );
            }
        }
        failures
    }
}

fn failure(runs: u64, (baseline, other): (&Compared, &Compared), path: &str, finding: &Finding) -> Option<String> {
    let (name, base) = (&other.scenario, &baseline.scenario);
    let figure = path.strip_prefix("skew.").unwrap_or(path);
    let middle =
        |scenario: &Compared| scenario.figures.get(path).map_or_else(|| "-".to_owned(), |e| short(e.shown().0));
    let (from, to) = (middle(baseline), middle(other));
    let n = |scenario: &Compared| scenario.figures.get(path).map_or(0, |e| e.n);
    match finding.verdict {
        Verdict::Worse => Some(format!(
            "{name}: {figure} is worse than in {base}: {from} there, {to} here (from {} on a difference matters)",
            short(finding.size)
        )),
        Verdict::NotCompared if n(baseline) == runs => Some(format!(
            "{name}: {figure} has a value in {} of {runs} runs, and in each of {base}: it cannot be said not to be worse",
            n(other)
        )),
        _ => None,
    }
}

/// Reads `FIGURE=VALUE`: a number in the figure's unit, a duration, or a percentage of the baseline's value.
///
/// # Errors
/// Says what is wrong with one of them, and where.
pub fn sizes(texts: &[String]) -> Result<Sizes, Diagnostics> {
    let mut sizes = Sizes::default();
    for text in texts {
        let wrong = |at, code, message: &str, help: &str| {
            Err(Diagnostics::of_argument("--size", text, at, code, message, help))
        };
        const FORM: &str = "write FIGURE=VALUE, such as max_over_mean=0.2, latency.p99=5ms or throughput_rps=2%";
        let Some((figure, value)) = text.split_once('=') else {
            return wrong(0..text.len(), Code::BadExpectation, &format!("{} has no =", quoted(text)), FORM);
        };
        let path = match figure::path(figure.trim()) {
            Ok(path) => path,
            Err((message, help)) => return wrong(0..figure.len(), Code::UnknownFigure, &message, &help),
        };
        let size = match Amount::parse(&path, value.trim()) {
            Some(Amount::Absolute(absolute)) => Size { absolute, relative: 0.0 },
            Some(Amount::Relative(relative)) => Size { absolute: 0.0, relative },
            None => {
                let message = format!("{} is not a size", quoted(value));
                return wrong(figure.len() + 1..text.len(), Code::BadExpectation, &message, FORM);
            }
        };
        sizes.set(path_in_comparison(&path), size);
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_fail_on_is_read() {
        let path = |text: &str| FailOn::parse(text).map(|f| f.figure.unwrap_or_else(|| "any".to_owned()));
        assert_eq!(path("worse"), Ok("any".to_owned()));
        assert_eq!(path("worse:max_over_mean"), Ok("skew.max_over_mean".to_owned()));
        assert_eq!(path("worse:latency.p99"), Ok("latency_ms.p99".to_owned()));
        assert_eq!(path("worse:time_to_balance_s"), Ok("time_to_balance_s".to_owned()));
        for (text, says, place) in [
            ("better", "nothing to fail on", "--fail-on:1:1"),
            ("worse:max_over_men", "did you mean `max_over_mean`?", "--fail-on:1:7"),
            ("", "nothing to fail on", "--fail-on:1:1"),
        ] {
            let why = FailOn::parse(text).unwrap_err().to_string();
            assert!(why.contains(says) && why.contains(place), "{text}: {why}");
        }
    }

    #[test]
    fn sizes_are_read() {
        let read = |text: &str| sizes(&[text.to_owned()]);
        let of = |text: &str, path: &str| read(text).map(|s| s.of(path).beside(200.0));
        assert_eq!(of("max_over_mean=0.3", "skew.max_over_mean"), Ok(0.3));
        assert_eq!(of("latency.p99=20ms", "latency_ms.p99"), Ok(20.0));
        assert_eq!(of("throughput_rps = 2%", "throughput_rps"), Ok(4.0));
        assert_eq!(of("time_to_balance_s=1m", "time_to_balance_s"), Ok(60.0));
        assert_eq!(of("requests.failed=0", "requests.failed"), Ok(0.0));
        for (text, says, place) in [
            ("max_over_mean", "has no =", "--size:1:1"),
            ("max_over_men=1", "did you mean `max_over_mean`?", "--size:1:1"),
            ("max_over_mean=much", "is not a size", "--size:1:15"),
            ("max_over_mean=-1", "is not a size", "--size:1:15"),
        ] {
            let why = read(text).unwrap_err().to_string();
            assert!(why.contains(says) && why.contains(place), "{text}: {why}");
        }
    }
}
