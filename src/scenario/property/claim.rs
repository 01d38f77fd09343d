//! Claims and how they hold, as texts.

use crate::model::Comparison;
use crate::scenario::diagnostic::{nearest, quoted};

/// How a claim is meant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Holds {
    /// In every run of every scenario.
    Always,
    /// In at least this part of the runs of every scenario; above 0, below 1.
    InRuns(f64),
    /// On average over the runs of every scenario.
    OnAverage,
}

/// What is claimed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Claim {
    /// What a line of `expect` says.
    Line,
    /// The figure of the first side compares so with that of the second one, times a factor and plus a margin.
    Between {
        /// How.
        op: Comparison,
        /// Above zero.
        factor: f64,
    },
}

/// A claim between two variants, taken apart: for each side its variant and a line of `expect` that gives its figure.
#[derive(Debug, PartialEq)]
pub(super) struct Sides {
    pub claim: Claim,
    /// The place of the variant, and the line; the second line's bound is the margin.
    pub lines: [(usize, String); 2],
}

/// Reads `always`, `in 95% of runs` or `on average`.
pub(super) fn holds(text: &str) -> Result<Holds, String> {
    const FORMS: &str = "write `always`, `in 95% of runs` or `on average`";
    match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["always"] => Ok(Holds::Always),
        ["on", "average"] => Ok(Holds::OnAverage),
        ["in", percent, "of", "runs"] => {
            let part = percent.strip_suffix('%').and_then(|p| p.parse::<f64>().ok()).map(|p| p / 100.0);
            match part {
                Some(part) if part > 0.0 && part < 1.0 => Ok(Holds::InRuns(part)),
                Some(1.0) => Err("in all runs is `always`".to_owned()),
                _ => Err(format!("{} is not a percentage between 0% and 100%", quoted(percent))),
            }
        }
        _ => Err(format!("{} does not say how often; {FORMS}", quoted(text))),
    }
}

/// Reads `A.figure <= B.figure * 1.05 + 5ms after 1m`.
pub(super) fn between(text: &str, variants: &[String; 2]) -> Result<Sides, String> {
    const FORM: &str = "write `A.figure <= B.figure`, perhaps with `* 1.05` or `+ 5ms`, and `after 1m`";
    let found = Comparison::find(text).filter(|(_, op, _)| !matches!(op, Comparison::Equal | Comparison::NotEqual));
    let Some((left, op, right)) = found else { return Err(format!("there is none of <, <=, >, >=; {FORM}")) };
    let left = side(left, variants)?;
    let words: Vec<&str> = right.split_whitespace().collect();
    let Some((right, mut rest)) = words.split_first() else { return Err(format!("it ends early; {FORM}")) };
    let right = side(right, variants)?;
    if left.0 == right.0 {
        return Err(format!("both sides are of {}; {FORM}", quoted(&variants[left.0])));
    }
    let mut factor = 1.0;
    if let ["*", number, others @ ..] = rest {
        factor = number
            .parse()
            .ok()
            .filter(|x: &f64| *x > 0.0 && x.is_finite())
            .ok_or_else(|| format!("{} is not a factor above 0", quoted(number)))?;
        rest = others;
    }
    let mut margin = "0";
    if let ["+", number, others @ ..] = rest {
        (margin, rest) = (*number, others);
    }
    if !matches!(rest, [] | ["after", _]) {
        let rest = quoted(&rest.join(" "));
        return Err(format!(
            "{rest} cannot stand here: of two variants, all of the run is meant, or `after 1m`; {FORM}"
        ));
    }
    let when = rest.join(" ");
    let line = |figure: &str, bound: &str| format!("{figure} {bound} {when}").trim_end().to_owned();
    let lines = [(left.0, line(left.1, ">= 0")), (right.0, line(right.1, &format!("<= {margin}")))];
    Ok(Sides { claim: Claim::Between { op, factor }, lines })
}

/// Which variant is meant, and its figure.
fn side<'a>(text: &'a str, variants: &[String; 2]) -> Result<(usize, &'a str), String> {
    let names = || variants.iter().map(|v| quoted(v)).collect::<Vec<_>>().join(" and ");
    let Some((name, figure)) = text.split_once('.').filter(|(_, figure)| !figure.is_empty()) else {
        return Err(format!("{} is not VARIANT.FIGURE; the variants are {}", quoted(text), names()));
    };
    match variants.iter().position(|v| v == name) {
        Some(i) => Ok((i, figure)),
        None => {
            let hint = nearest(name, variants.iter().map(String::as_str));
            let hint = hint.map_or_else(|| format!("the variants are {}", names()), |v| format!("did you mean `{v}`?"));
            Err(format!("there is no variant {}; {hint}", quoted(name)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_often_a_claim_holds() {
        assert_eq!(holds("always"), Ok(Holds::Always));
        assert_eq!(holds("on average"), Ok(Holds::OnAverage));
        assert_eq!(holds("in 95% of runs"), Ok(Holds::InRuns(0.95)));
        for (text, says) in [
            ("in 100% of runs", "always"),
            ("in 0% of runs", "percentage"),
            ("in x of runs", "percentage"),
            ("often", "how often"),
        ] {
            let why = holds(text).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
    }

    #[test]
    fn sides_of_a_claim() {
        let variants = ["rr".to_owned(), "pf".to_owned()];
        let of = |text: &str| between(text, &variants);
        let got = of("pf.latency.p99 >= rr.latency.p50 * 1.5 + 5ms after 1m").unwrap();
        assert_eq!(got.claim, Claim::Between { op: Comparison::AtLeast, factor: 1.5 });
        assert_eq!(got.lines[0], (1, "latency.p99 >= 0 after 1m".to_owned()));
        assert_eq!(got.lines[1], (0, "latency.p50 <= 5ms after 1m".to_owned()));
        assert_eq!(of("rr.cv < pf.cv").unwrap().lines[1], (1, "cv <= 0".to_owned()));
        for (text, says) in [
            ("rr.cv", "none of"),
            ("rr.cv <=", "ends early"),
            ("rr.cv <= 5", "VARIANT.FIGURE"),
            ("rr.cv <= rf.cv", "did you mean `rr`?"),
            ("rr.cv <= rr.cv", "both sides"),
            ("rr.cv <= pf.cv * 0", "not a factor"),
            ("rr.cv <= pf.cv in every window", "cannot stand here"),
        ] {
            let why = of(text).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
