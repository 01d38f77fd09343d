//! Figures and amounts of them as options of the command line name them.

use crate::metrics::figures::{BALANCE, FIRST_BALANCE, Unit, always, kind};
use crate::scenario::diagnostic::{nearest, quoted};
use crate::scenario::quantity::{parse_duration, parse_number};

/// An amount of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// A part of its mean.
    Relative(f64),
    /// In the figure's unit.
    Absolute(f64),
}

impl Amount {
    /// Reads a percentage, a number in the unit of the figure at this path, or a duration, not below zero.
    #[must_use]
    pub fn parse(path: &str, text: &str) -> Option<Amount> {
        let number = |text: &str| parse_number(text).filter(|x| *x >= 0.0);
        if let Some(percent) = text.strip_suffix('%').and_then(|p| number(p.trim_end())) {
            return Some(Amount::Relative(percent / 100.0));
        }
        let unit = match kind(path).map(|kind| kind.unit) {
            Some(Unit::Milliseconds) => Some(1e6),
            Some(Unit::Seconds) => Some(1e9),
            _ => None,
        };
        let duration = || Some(parse_duration(text).ok()?.0 as f64 / unit?);
        number(text).or_else(duration).map(Amount::Absolute)
    }

    /// True for nothing at all.
    #[must_use]
    pub fn is_zero(self) -> bool {
        let (Amount::Relative(x) | Amount::Absolute(x)) = self;
        x == 0.0
    }
}

/// The path of a figure by its path, its column in `runs.csv`, or the words that `expect` knows; or a message and what would be right.
///
/// # Errors
/// If there is no such figure.
pub fn path(figure: &str) -> Result<String, (String, String)> {
    let known: Vec<(&str, &str)> = always().map(|k| (k.column, k.path)).chain([(BALANCE, FIRST_BALANCE)]).collect();
    let written = figure.strip_prefix("latency.").map(|quantile| format!("latency_ms.{quantile}"));
    let written = written.as_deref().unwrap_or(figure);
    let bare = |path: &'static str| path.strip_prefix("skew.").unwrap_or(path);
    let found = always().map(|k| k.path).find(|path| bare(path) == written);
    let found = found.or_else(|| known.iter().find(|(name, path)| *name == written || *path == written).map(|k| k.1));
    found.map(str::to_owned).ok_or_else(|| {
        let hint = nearest(written, known.iter().flat_map(|(name, path)| [*name, *path]));
        let hint = hint.map_or_else(
            || "figures are the columns of runs.csv, such as `max_over_mean` or `latency_p99_ms`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        (format!("{} is not a figure of a run that has a mean over runs", quoted(figure)), hint)
    })
}
