//! `--until 'max_over_mean ± 2%'`: as many runs as a figure needs.
//!
//! After the first runs, and after each batch, the 95 % confidence interval of the figure's mean is looked at; the runs end when
//! half of it is small enough. A batch adds half of the runs that there are, so that looks are few. To look and stop when the
//! interval happens to be narrow makes intervals a little too narrow; docs/compare.md says by how much.

use super::figure::{self, Amount};
use super::replicate::Replicates;
use crate::metrics::estimate::mean;
use crate::metrics::figures::figures;
use crate::metrics::outcome::{Estimate, Summary};
use crate::model::Model;
use crate::scenario::diagnostic::{Diagnostics, quoted};
use crate::scenario::rules::Code;

/// In messages.
const OPTION: &str = "--until";

/// The fewest runs before the first look.
pub const FEWEST: u64 = 10;

/// How well a figure is to be known.
#[derive(Clone, Debug, PartialEq)]
pub struct Until {
    /// As written.
    pub text: String,
    /// The figure's path in the summary.
    path: String,
    width: Amount,
}

impl Until {
    /// Reads `FIGURE ± WIDTH` (or `+-`): a percentage of the mean, a number in the figure's unit, or a duration.
    ///
    /// # Errors
    /// Says what is wrong with the text, and where.
    pub fn parse(text: &str) -> Result<Until, Diagnostics> {
        const FORM: &str = "write FIGURE ± WIDTH, such as 'max_over_mean ± 2%' (or +-)";
        let wrong =
            |at, code, message: &str, help: &str| Diagnostics::of_argument(OPTION, text, at, code, message, help);
        let split = text.split_once('±').or_else(|| text.split_once("+-"));
        let Some((figure, width)) = split else {
            return Err(wrong(0..text.len(), Code::BadExpectation, &format!("{} has no ±", quoted(text)), FORM));
        };
        let (start, end) = (figure.len() - figure.trim_start().len(), text.len() - width.trim_start().len());
        let (figure, width) = (figure.trim(), width.trim());
        let path = figure::path(figure)
            .map_err(|(message, help)| wrong(start..start + figure.len(), Code::UnknownFigure, &message, &help))?;
        let width = Amount::parse(&path, width).filter(|width| !width.is_zero()).ok_or_else(|| {
            let help = "write a percentage of the mean, or a number above zero";
            wrong(end..text.len(), Code::BadExpectation, &format!("{} is not a width", quoted(width)), help)
        })?;
        Ok(Until { text: text.split_whitespace().collect::<Vec<_>>().join(" "), path, width })
    }

    /// Refuses a scenario that has no value of the figure in any run.
    ///
    /// # Errors
    /// Says why.
    pub fn fits(&self, model: &Model) -> Result<(), Diagnostics> {
        let counts = |a: &crate::model::Action| a.what.moves_connections() && a.at.0 >= model.warmup.0;
        if self.path.starts_with("time_to_balance") && !model.timeline.iter().any(counts) {
            let message = format!("{} has no change after the warmup that moves pods or clients", quoted(&model.name));
            let (at, help) = (0..self.text.len(), "name another figure, or scenarios with a timeline");
            return Err(Diagnostics::of_argument(OPTION, &self.text, at, Code::UnknownFigure, &message, help));
        }
        Ok(())
    }

    /// The estimate of the figure over these runs, if all of them have a value of it.
    #[must_use]
    pub fn estimate(&self, summaries: &[Summary]) -> Option<Estimate> {
        let value = |s: &Summary| figures(s).into_iter().find(|f| f.path == self.path)?.value;
        let values: Option<Vec<f64>> = summaries.iter().map(value).collect();
        mean(&values?)
    }

    /// True if the interval is narrow enough.
    #[must_use]
    pub fn met_by(&self, estimate: &Estimate) -> bool {
        let half = estimate.hi - estimate.mean;
        half <= match self.width {
            Amount::Relative(part) => part * estimate.mean.abs(),
            Amount::Absolute(width) => width,
        }
    }

    /// True if the figure is known well enough in each of these; one without a value of it never is.
    #[must_use]
    pub fn met_by_all(&self, all: &[Replicates]) -> bool {
        all.iter().all(|r| self.estimate(&r.summaries).is_some_and(|e| self.met_by(&e)))
    }
}

/// How many runs there are after the next batch: half as many again, up to `most`.
#[must_use]
pub fn next_look(runs: u64, most: u64) -> u64 {
    runs.saturating_add(runs.div_ceil(2)).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_and_widths() {
        for (text, path, width) in [
            ("max_over_mean ± 2%", "skew.max_over_mean", Amount::Relative(0.02)),
            ("skew.max_over_mean +- 0.5 %", "skew.max_over_mean", Amount::Relative(0.005)),
            ("latency.p99±500us", "latency_ms.p99", Amount::Absolute(0.5)),
            ("latency_p99_ms ± 2", "latency_ms.p99", Amount::Absolute(2.0)),
            ("worst_window.max_over_mean ± 1%", "skew.worst_window.max_over_mean", Amount::Relative(0.01)),
            ("time_to_balance_s ± 1m", "time_to_balance.0.seconds", Amount::Absolute(60.0)),
            ("requests.failed ± 3", "requests.failed", Amount::Absolute(3.0)),
        ] {
            assert_eq!(Until::parse(text), Ok(Until { text: text.into(), path: path.into(), width }), "{text}");
        }
        for (text, says, place) in [
            ("max_over_mean", "no ±", "--until:1:1"),
            (" max_over_maen ± 2%", "did you mean `max_over_mean`?", "--until:1:2"),
            ("pods ± 2%", "not a figure", "--until:1:1"),
            ("idle_pods ± 0", "not a width", "--until:1:13"),
            ("idle_pods +- -1%", "not a width", "--until:1:14"),
            ("idle_pods ± 1s", "not a width", "--until:1:13"),
            ("idle_pods ± 1e-400", "not a width", "--until:1:13"),
        ] {
            let why = Until::parse(text).unwrap_err().to_string();
            assert!(why.contains(says) && why.contains(place), "{text}: {why}");
        }
    }

    #[test]
    fn batches_grow_up_to_the_most() {
        let looks: Vec<u64> = std::iter::successors(Some(10), |n| Some(next_look(*n, 100))).take(8).collect();
        assert_eq!(looks, [10, 15, 23, 35, 53, 80, 100, 100]);
        assert_eq!(next_look(1, 5), 2);
    }
}
