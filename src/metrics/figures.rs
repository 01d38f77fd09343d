//! The figures of a summary as a flat list: the columns of `runs.csv`, what several runs are averaged over, what is compared.

use crate::metrics::outcome::Summary;

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
    let figure = |name: &str, path: &str, value| Figure { name: name.to_owned(), path: path.to_owned(), value };
    let (requests, latency, skew) = (&summary.requests, &summary.latency_ms, &summary.skew);
    let whole = &skew.whole;
    let median = skew.median_window.as_ref().and_then(|f| f.max_over_mean);
    let worst = skew.worst_window.as_ref().and_then(|w| w.figures.max_over_mean);
    let mut all = vec![
        figure("requests_ok", "requests.ok", Some(requests.ok as f64)),
        figure("requests_failed", "requests.failed", Some(requests.failed as f64)),
        figure("throughput_rps", "throughput_rps", Some(summary.throughput_rps)),
        figure("latency_mean_ms", "latency_ms.mean", latency.mean),
        figure("latency_p50_ms", "latency_ms.p50", latency.p50),
        figure("latency_p90_ms", "latency_ms.p90", latency.p90),
        figure("latency_p99_ms", "latency_ms.p99", latency.p99),
        figure("latency_p999_ms", "latency_ms.p999", latency.p999),
        figure("max_share", "skew.max_share", whole.max_share),
        figure("max_over_mean", "skew.max_over_mean", whole.max_over_mean),
        figure("effective_pods", "skew.effective_pods", whole.effective_pods),
        figure("usable_capacity", "skew.usable_capacity", whole.usable_capacity),
        figure("cv", "skew.cv", whole.cv),
        figure("gini", "skew.gini", whole.gini),
        figure("jain", "skew.jain", whole.jain),
        figure("idle_pods", "skew.idle_pods", whole.idle_pods),
        figure("median_window_max_over_mean", "skew.median_window.max_over_mean", median),
        figure("worst_window_max_over_mean", "skew.worst_window.max_over_mean", worst),
        figure("stray_share", "stray_share", Some(summary.stray_share)),
        figure("reconnects_per_s", "reconnects_per_s", Some(summary.reconnects_per_s)),
    ];
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
