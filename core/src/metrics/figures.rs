//! The figures of a summary as a flat list: the columns of `runs.csv`, what several runs are averaged over, what is compared.

use crate::metrics::outcome::Summary;
use crate::metrics::phase::Phase;

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

/// Which way a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The smaller, the better.
    Lower,
    /// The larger, the better.
    Higher,
}

/// The figures that every summary has, in their order: column, path, and which way is better.
pub const ALWAYS: [(&str, &str, Better); 22] = {
    use Better::{Higher, Lower};
    [
        ("requests_ok", "requests.ok", Higher),
        ("requests_failed", "requests.failed", Lower),
        ("throughput_rps", "throughput_rps", Higher),
        ("latency_mean_ms", "latency_ms.mean", Lower),
        ("latency_p50_ms", "latency_ms.p50", Lower),
        ("latency_p90_ms", "latency_ms.p90", Lower),
        ("latency_p95_ms", "latency_ms.p95", Lower),
        ("latency_p99_ms", "latency_ms.p99", Lower),
        ("latency_p999_ms", "latency_ms.p999", Lower),
        ("max_share", "skew.max_share", Lower),
        ("max_over_mean", "skew.max_over_mean", Lower),
        ("effective_pods", "skew.effective_pods", Higher),
        ("usable_capacity", "skew.usable_capacity", Higher),
        ("cv", "skew.cv", Lower),
        ("gini", "skew.gini", Lower),
        ("jain", "skew.jain", Higher),
        ("idle_pods", "skew.idle_pods", Lower),
        ("median_window_max_over_mean", "skew.median_window.max_over_mean", Lower),
        ("worst_window_max_over_mean", "skew.worst_window.max_over_mean", Lower),
        ("whole_run_max_over_mean", "skew.whole_run.max_over_mean", Lower),
        ("stray_share", "stray_share", Lower),
        ("reconnects_per_s", "reconnects_per_s", Lower),
    ]
};

/// Which way the figure at this path is better. Those that only some summaries have (of methods, times to balance) are
/// errors and times.
#[must_use]
pub fn better(path: &str) -> Better {
    ALWAYS.iter().find(|(_, known, _)| is_of(path, known)).map_or(Better::Lower, |(_, _, better)| *better)
}

/// True if the path is that of this figure, of the whole run or of a part of it (`phases.after rollout of s.throughput_rps`).
#[must_use]
pub fn is_of(path: &str, figure: &str) -> bool {
    path.strip_suffix(figure).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// True for quantiles of latency, whose mean over runs one collapsed run rules.
#[must_use]
pub fn is_quantile(path: &str) -> bool {
    ["p50", "p90", "p99", "p999"]
        .iter()
        .any(|quantile| path.strip_suffix(quantile).is_some_and(|p| p.ends_with("latency_ms.")))
}

/// Figures that are parts of one, by the last step of their paths.
const PARTS: [&str; 10] = [
    "share",
    "max_share",
    "stray_share",
    "error_ratio",
    "usable_capacity",
    "gini",
    "jain",
    "utilization",
    "max_utilization",
    "throttled",
];

/// The least and the most that the figure at this path can be, whatever the scenario.
#[must_use]
pub fn range(path: &str) -> (f64, f64) {
    match path.rsplit('.').next().unwrap_or(path) {
        "max_over_mean" | "effective_pods" => (1.0, f64::INFINITY),
        last if PARTS.contains(&last) => (0.0, 1.0),
        _ => (0.0, f64::INFINITY),
    }
}

/// All figures in a fixed order: the same for all runs of a scenario. There is one `time_to_balance_s` per change, numbered
/// from 1 if there are several.
#[must_use]
pub fn figures(summary: &Summary) -> Vec<Figure> {
    let figure = |name: &str, path: &str, value| Figure { name: name.to_owned(), path: path.to_owned(), value };
    let (requests, latency, skew) = (&summary.requests, &summary.latency_ms, &summary.skew);
    let headline = &skew.headline;
    let values = [
        Some(requests.ok as f64),
        Some(requests.failed as f64),
        Some(summary.throughput_rps),
        latency.mean,
        latency.p50,
        latency.p90,
        latency.p95,
        latency.p99,
        latency.p999,
        headline.max_share,
        headline.max_over_mean,
        headline.effective_pods,
        headline.usable_capacity,
        headline.cv,
        headline.gini,
        headline.jain,
        headline.idle_pods,
        skew.median_window.as_ref().and_then(|f| f.max_over_mean),
        skew.worst_window.as_ref().and_then(|w| w.figures.max_over_mean),
        skew.whole_run.max_over_mean,
        Some(summary.stray_share),
        Some(summary.reconnects_per_s),
    ];
    let mut all: Vec<Figure> =
        ALWAYS.iter().zip(values).map(|((name, path, _), value)| figure(name, path, value)).collect();
    for (i, m) in summary.methods.iter().enumerate() {
        let mut of = |what: &str, value| {
            let name = format!("{} {} {what}", m.client, m.method);
            all.push(figure(&name, &format!("methods.{i}.{what}"), value));
        };
        of("failed", Some(m.failed as f64));
        of("latency_ms.p50", m.latency_ms.p50);
        of("latency_ms.p99", m.latency_ms.p99);
    }
    let several = summary.time_to_balance.len() > 1;
    all.extend(summary.time_to_balance.iter().enumerate().map(|(i, change)| {
        let name = if several { format!("time_to_balance_s_{}", i + 1) } else { "time_to_balance_s".to_owned() };
        figure(&name, &format!("time_to_balance.{i}.seconds"), change.seconds)
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
        let values = [
            ("skew.max_over_mean", phase.skew.max_over_mean),
            ("skew.max_share", phase.skew.max_share),
            ("skew.effective_pods", phase.skew.effective_pods),
            ("skew.usable_capacity", phase.skew.usable_capacity),
            ("skew.idle_pods", phase.skew.idle_pods),
            ("throughput_rps", Some(phase.throughput_rps)),
            ("latency_ms.p50", phase.latency_ms.p50),
            ("latency_ms.p99", phase.latency_ms.p99),
            ("requests.failed", Some(phase.failed as f64)),
            ("error_ratio", phase.error_ratio),
            ("max_utilization", phase.max_utilization),
            ("reconnects_per_s", Some(phase.reconnects_per_s)),
        ];
        let figure = |(figure, value)| Figure {
            name: format!("{name} {figure}"),
            path: format!("phases.{name}.{figure}"),
            value,
        };
        (name.clone(), values.map(figure).into())
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
            figures(&summary(changes, &[])).into_iter().skip(ALWAYS.len()).map(|f| f.name).collect()
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
        assert_eq!(figures[0].path, "phases.b.skew.max_over_mean");
    }
}
