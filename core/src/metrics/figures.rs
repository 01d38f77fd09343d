//! The figures of a run that have a mean over runs: what each is ([`FIGURES`], a row per figure), and their values in a summary as a flat
//! list. The columns of `runs.csv`, the figures of a comparison, the sizes that matter and their ranges come from the rows.

mod kinds;

use std::borrow::Cow;

pub use kinds::FIGURES;
pub(super) use kinds::LATENCY;

use crate::metrics::glossary::Entry;
use crate::metrics::outcome::{MethodSummary, Summary};
use crate::metrics::phase::Phase;
use crate::metrics::practical::Size;

/// All that is known of a figure: a row of [`FIGURES`].
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its column in `sweep_runs.csv`, and in `runs.csv` if it is there; empty if it is a figure of phases only.
    pub column: &'static str,
    /// Its path in `summary.json`, as in `expect`. The path in a phase has `phases.NAME.` before it.
    pub path: &'static str,
    /// What else people call it. A message names the path.
    pub also: &'static [&'static str],
    /// What it is counted in.
    pub unit: Unit,
    /// Which way it is better.
    pub better: Better,
    /// The least and the most that it can be, whatever the scenario.
    pub range: (f64, f64),
    /// The smallest difference that matters, if no `--size` is given. docs/compare.md has the same table.
    pub size: Size,
    /// The reason for `size`.
    pub why: &'static str,
    /// Its value in a whole run. `None`: a comparison has no such figure of whole runs, or one per change.
    pub whole: Option<fn(&Summary) -> Option<f64>>,
    /// Its value in a phase. `None`: a comparison has no such figure of phases.
    pub phase: Option<fn(&Phase) -> Option<f64>>,
    /// Its value for a method. `None`: a comparison has no such figure of methods.
    pub method: Option<fn(&MethodSummary) -> Option<f64>>,
    /// How several runs are told.
    pub middle: Middle,
    /// True if it is a column of `runs.csv`.
    pub in_runs_csv: bool,
    /// What `evenkeel explain` says of it, if it has an entry of its own.
    pub entry: Option<Entry>,
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Calls.
    Calls,
    /// So many each second.
    PerSecond,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// A part of one.
    Part,
    /// Pods, or a ratio.
    Number,
}

/// Which way a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The smaller, the better.
    Lower,
    /// The larger, the better.
    Higher,
}

/// How the values of several runs are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Middle {
    /// By their mean.
    Mean,
    /// By their median, since one run that collapsed rules the mean.
    Median,
}

impl Kind {
    /// The end of its path in a method's summary.
    #[must_use]
    pub fn of_method(&self) -> &'static str {
        self.path.strip_prefix("requests.").unwrap_or(self.path)
    }

    fn last_step(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }
}

/// The path of the time to balance in a comparison, which has that of the first change only.
pub const BALANCE: &str = "time_to_balance_s";
/// Its path in the summary.
pub const FIRST_BALANCE: &str = "time_to_balance.0.seconds";

/// The figures that every summary has, in their order.
pub fn always() -> impl Iterator<Item = &'static Kind> + Clone {
    FIGURES.iter().filter(|kind| kind.whole.is_some())
}

/// The figure at this path: of the whole run, of a phase, or of a method.
#[must_use]
pub fn kind(path: &str) -> Option<&'static Kind> {
    let path = of_run(path);
    FIGURES.iter().find(|kind| is_of(&path, kind.path))
}

/// A path with the steps that the figure has in a whole run: a method's `failed` is `requests.failed`.
pub(super) fn of_run(path: &str) -> Cow<'_, str> {
    match path {
        FIRST_BALANCE => BALANCE.into(),
        path if path.starts_with("methods.") => path.replace(".failed", ".requests.failed").into(),
        path => path.into(),
    }
}

/// Which way the figure at this path is better. What is no row is an error or a time.
#[must_use]
pub fn better(path: &str) -> Better {
    kind(path).map_or(Better::Lower, |kind| kind.better)
}

/// True if the path is that of this figure, of the whole run or of a part of it (`phases.after rollout of s.throughput_rps`).
#[must_use]
pub fn is_of(path: &str, figure: &str) -> bool {
    path.strip_suffix(figure).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// True for figures whose mean over runs one collapsed run rules.
#[must_use]
pub fn is_quantile(path: &str) -> bool {
    kind(path).is_some_and(|kind| kind.middle == Middle::Median)
}

/// Parts of one that only pods have.
const PARTS: [&str; 3] = ["share", "utilization", "throttled"];

/// The least and the most that the figure at this path can be, whatever the scenario. A figure of a pod or a window has the range of the
/// run's.
#[must_use]
pub fn range(path: &str) -> (f64, f64) {
    let last = path.rsplit('.').next().unwrap_or(path);
    match FIGURES.iter().find(|kind| kind.last_step() == last) {
        Some(kind) => kind.range,
        None if PARTS.contains(&last) => (0.0, 1.0),
        None => (0.0, f64::INFINITY),
    }
}

/// One figure of a summary.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Its column in `runs.csv`; of a method, client, method and figure.
    pub name: String,
    /// Its path in `summary.json`, as in `expect`.
    pub path: String,
    /// Its value; `None` if it has none.
    pub value: Option<f64>,
}

/// All figures in a fixed order: the same for all runs of a scenario. There is one `time_to_balance_s` per change, numbered
/// from 1 if there are several.
#[must_use]
pub fn figures(summary: &Summary) -> Vec<Figure> {
    let of_run = |kind: &Kind| {
        let value = kind.whole?(summary);
        Some(Figure { name: kind.column.to_owned(), path: kind.path.to_owned(), value })
    };
    let mut all: Vec<Figure> = FIGURES.iter().filter_map(of_run).collect();
    for (i, m) in summary.methods.iter().enumerate() {
        let of_method = |kind: &Kind| {
            let (value, what) = (kind.method?(m), kind.of_method());
            Some(Figure {
                name: format!("{} {} {what}", m.client, m.method),
                path: format!("methods.{i}.{what}"),
                value,
            })
        };
        all.extend(FIGURES.iter().filter_map(of_method));
    }
    let several = summary.time_to_balance.len() > 1;
    all.extend(summary.time_to_balance.iter().enumerate().map(|(i, change)| {
        let name = if several { format!("{BALANCE}_{}", i + 1) } else { BALANCE.to_owned() };
        Figure { name, path: format!("time_to_balance.{i}.seconds"), value: change.seconds }
    }));
    all
}

/// The figures of each phase, by the path `phases.NAME.FIGURE`, for runs of several phases: what `compare` shows beside those of the
/// whole run. The second phase of a name is `NAME (2)`.
#[must_use]
pub fn of_phases(summary: &Summary) -> Vec<(String, Vec<Figure>)> {
    let names: Vec<&str> = summary.phases.iter().map(|phase| phase.name.as_str()).collect();
    let name = |i: usize| match names[..i].iter().filter(|earlier| **earlier == names[i]).count() {
        0 => names[i].to_owned(),
        earlier => format!("{} ({})", names[i], earlier + 1),
    };
    let figures = |(i, phase): (usize, &Phase)| {
        let name = name(i);
        let of_phase = |kind: &Kind| {
            let (value, path) = (kind.phase?(phase), kind.path);
            Some(Figure { name: format!("{name} {path}"), path: format!("phases.{name}.{path}"), value })
        };
        let figures = FIGURES.iter().filter_map(of_phase).collect();
        (name, figures)
    };
    if names.len() < 2 { Vec::new() } else { summary.phases.iter().enumerate().map(figures).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::outcome::TimeToBalance;

    #[test]
    fn figures_keep_to_their_ranges() {
        for (path, least, most) in [
            ("skew.max_over_mean", 1.0, f64::INFINITY),
            ("phases.whole run.skew.effective_pods", 1.0, f64::INFINITY),
            ("skew.gini", 0.0, 1.0),
            ("error_ratio", 0.0, 1.0),
            ("latency_ms.p99", 0.0, f64::INFINITY),
        ] {
            assert_eq!(range(path), (least, most), "{path}");
        }
    }

    /// A column or a path that two rows have would hide one of them.
    #[test]
    fn no_two_rows_are_of_one_figure() {
        let twice = |what: fn(&Kind) -> &str| {
            let mut all: Vec<&str> = FIGURES.iter().map(what).filter(|text| !text.is_empty()).collect();
            let rows = all.len();
            all.sort_unstable();
            all.dedup();
            rows - all.len()
        };
        assert_eq!((twice(|kind| kind.column), twice(|kind| kind.path)), (0, 0));
    }

    #[test]
    fn which_way_is_better() {
        assert_eq!((better("requests.ok"), better("skew.effective_pods")), (Better::Higher, Better::Higher));
        assert_eq!(better("phases.after rollout of s.throughput_rps"), Better::Higher);
        assert_eq!((better("skew.cv"), better("methods.0.failed")), (Better::Lower, Better::Lower));
        assert!(is_of("a.cv", "cv") && is_of("cv", "cv") && !is_of("median_cv", "cv"));
        assert!(is_quantile("methods.0.latency_ms.p99") && !is_quantile("latency_ms.mean") && !is_quantile("a.p99"));
    }

    /// A run with so many changes, and with phases of these names.
    fn summary(changes: usize, phases: &[&str]) -> Summary {
        let phases: Vec<Phase> =
            phases.iter().map(|name| Phase { name: (*name).to_owned(), ..Phase::default() }).collect();
        let change = TimeToBalance { seconds: Some(2.5), ..TimeToBalance::default() };
        Summary { time_to_balance: vec![change; changes], phases, ..Summary::default() }
    }

    #[test]
    fn times_to_balance_are_numbered_where_there_are_several() {
        let names = |changes| -> Vec<String> {
            figures(&summary(changes, &[])).into_iter().skip(always().count()).map(|f| f.name).collect()
        };
        assert_eq!(names(0), [""; 0]);
        assert_eq!(names(1), ["time_to_balance_s"]);
        assert_eq!(names(2), ["time_to_balance_s_1", "time_to_balance_s_2"]);
    }

    #[test]
    fn phases_are_told_apart_where_there_are_several() {
        let names = |phases: &[&str]| -> Vec<String> {
            of_phases(&summary(0, phases)).into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(&["whole run"]), [""; 0]);
        assert_eq!(
            names(&["after kill of s", "x", "after kill of s"]),
            ["after kill of s", "x", "after kill of s (2)"]
        );
        let figures = &of_phases(&summary(0, &["a", "b"]))[1].1;
        assert!(figures.iter().any(|figure| figure.path == "phases.b.skew.max_over_mean"));
    }
}
