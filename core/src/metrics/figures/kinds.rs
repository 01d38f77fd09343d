//! The figures, a row each. A row says all that the program knows of a figure: to add one is to add a row.

use super::{BALANCE, Better, Kind, Middle, Unit};
use crate::metrics::glossary::Entry;
use crate::metrics::outcome::{MethodSummary, Summary};
use crate::metrics::phase::Phase;
use crate::metrics::practical::Size;

const PART: (f64, f64) = (0.0, 1.0);
const FROM_ONE: (f64, f64) = (1.0, f64::INFINITY);
pub(in crate::metrics) const LATENCY: Size = Size { absolute: 0.1, relative: 0.05 };

/// All figures that have a mean over runs. The order is that of the columns of `runs.csv` and `sweep_runs.csv`.
pub const FIGURES: &[Kind] = &[
    figure("requests_ok", "requests.ok", Unit::Calls)
        .higher_is_better()
        .matters(Size::relative(0.01), "a hundredth of the calls")
        .whole(|s| Some(s.requests.ok as f64))
        .in_runs_csv(),
    figure("requests_failed", "requests.failed", Unit::Calls)
        .also(&["errors"])
        .matters(Size { absolute: 1.0, relative: 0.05 }, "where none fails, each one matters")
        .whole(|s| Some(s.requests.failed as f64))
        .phase(|p| Some(p.failed as f64))
        .method(|m| Some(m.failed as f64))
        .in_runs_csv()
        .entry(
            "errors",
            "Calls that ended without a response, by gRPC status in `requests.by_status`, by client in `requests.failed_by_client`, and in \
        `failures` by why and at whom; `pods[].errors` has those at a pod or on the way to it. In `expect`: `requests.failed == 0`.",
            "gRPC doc/statuscodes.md",
        ),
    figure("throughput_rps", "throughput_rps", Unit::PerSecond)
        .also(&["throughput"])
        .higher_is_better()
        .matters(Size::relative(0.01), "a hundredth of the calls")
        .whole(|s| Some(s.throughput_rps))
        .phase(|p| Some(p.throughput_rps))
        .in_runs_csv()
        .entry(
            "throughput_rps",
            "Calls that succeeded after the warmup, whenever they were made, per measured second.",
            "definition",
        ),
    latency("latency_mean_ms", "latency_ms.mean")
        .matters(LATENCY, "histograms are exact to 1 %; below 0.1 ms network noise dominates")
        .whole(|s| s.latency_ms.mean),
    latency("latency_p50_ms", "latency_ms.p50")
        .whole(|s| s.latency_ms.p50)
        .phase(|p| p.latency_ms.p50)
        .method(|m| m.latency_ms.p50)
        .by_median(),
    latency("latency_p90_ms", "latency_ms.p90")
        .whole(|s| s.latency_ms.p90)
        .by_median(),
    latency("latency_p95_ms", "latency_ms.p95")
        .whole(|s| s.latency_ms.p95)
        .by_median()
        .entry(
            "p95",
            "The 95th percentile of latency: one call in twenty takes longer. In `expect`: `latency.p95 <= 15ms`.",
            "definition",
        ),
    latency("latency_p99_ms", "latency_ms.p99")
        .also(&["latency"])
        .whole(|s| s.latency_ms.p99)
        .phase(|p| p.latency_ms.p99)
        .method(|m| m.latency_ms.p99)
        .by_median()
        .entry(
            "p99",
            "The 99th percentile of latency: one call in a hundred takes longer. In `expect`: `latency.p99 <= 20ms`.",
            "definition",
        ),
    latency("latency_p999_ms", "latency_ms.p999")
        .whole(|s| s.latency_ms.p999)
        .by_median(),
    figure("max_share", "skew.max_share", Unit::Part)
        .within(PART)
        .matters(Size::absolute(0.02), "two points of all traffic")
        .whole(|s| s.skew.headline.max_share)
        .phase(|p| p.skew.max_share)
        .in_runs_csv()
        .entry(
            "max_share",
            "The busiest pod's part of all requests: max x / sum x, over pods with loads x.",
            "definition",
        ),
    figure("max_over_mean", "skew.max_over_mean", Unit::Number)
        .within(FROM_ONE)
        .matters(Size::absolute(0.1), "a tenth of a pod's load: the least step of a CPU target that people set")
        .whole(|s| s.skew.headline.max_over_mean)
        .phase(|p| p.skew.max_over_mean)
        .in_runs_csv()
        .entry(
            "max_over_mean",
            "How many times its fair share the busiest pod carries: max x / mean x. 1 is even; n pods with all load \
        on one give n. x is what a pod received per second of being Ready (messages, for streams), over pods that were Ready; in a window, by pods \
        that were Ready throughout. The bare figure is the headline: of the last settled phase. `skew.whole_run.max_over_mean` is of the whole run, \
        where pods of all generations stand side by side.",
            "definition",
        ),
    figure("effective_pods", "skew.effective_pods", Unit::Number)
        .higher_is_better()
        .within(FROM_ONE)
        .matters(Size::relative(0.05), "a twentieth of the fleet")
        .whole(|s| s.skew.headline.effective_pods)
        .phase(|p| p.skew.effective_pods)
        .in_runs_csv()
        .entry(
            "effective_pods",
            "How many pods the traffic behaves as if it had: (sum x)^2 / sum x^2. Five pods at 100/0/0/0/0 are 1 \
        effective pod.",
            "Kish's effective sample size; the inverse Herfindahl index",
        ),
    figure("usable_capacity", "skew.usable_capacity", Unit::Part)
        .higher_is_better()
        .within(PART)
        .matters(Size::absolute(0.05), "a twentieth of the fleet")
        .whole(|s| s.skew.headline.usable_capacity)
        .phase(|p| p.skew.usable_capacity)
        .in_runs_csv()
        .entry(
            "usable_capacity",
            "The part of the fleet's capacity that can be used before the busiest pod saturates: mean x / max x.",
            "definition",
        ),
    figure("cv", "skew.cv", Unit::Number)
        .matters(Size::absolute(0.05), "a twentieth of the mean load")
        .whole(|s| s.skew.headline.cv)
        .in_runs_csv()
        .entry(
            "cv",
            "Coefficient of variation: standard deviation (of the population) over the mean.",
            "definition",
        ),
    figure("gini", "skew.gini", Unit::Part)
        .within(PART)
        .matters(Size::absolute(0.05), "a twentieth of its range")
        .whole(|s| s.skew.headline.gini)
        .in_runs_csv()
        .entry(
            "gini",
            "Gini coefficient: 0 is even, (n-1)/n is all on one of n pods.",
            "C. Gini, Variabilità e mutabilità, 1912",
        ),
    figure("jain", "skew.jain", Unit::Part)
        .higher_is_better()
        .within(PART)
        .matters(Size::absolute(0.05), "a twentieth of its range")
        .whole(|s| s.skew.headline.jain)
        .in_runs_csv()
        .entry(
            "jain",
            "Jain's fairness index: effective_pods / n; 1 is even, 1/n is all on one.",
            "R. Jain et al., DEC-TR-301, 1984",
        ),
    figure("idle_pods", "skew.idle_pods", Unit::Number)
        .matters(Size::absolute(0.5), "a pod in every other run")
        .whole(|s| s.skew.headline.idle_pods)
        .phase(|p| p.skew.idle_pods)
        .in_runs_csv()
        .entry(
            "idle_pods",
            "Pods that were Ready and got no request at all.",
            "definition",
        ),
    figure("median_window_max_over_mean", "skew.median_window.max_over_mean", Unit::Number)
        .within(FROM_ONE)
        .matters(Size::absolute(0.1), "as max_over_mean")
        .whole(|s| s.skew.median_window.as_ref()?.max_over_mean),
    figure("worst_window_max_over_mean", "skew.worst_window.max_over_mean", Unit::Number)
        .within(FROM_ONE)
        .matters(Size::absolute(0.2), "one window has more chance in it")
        .whole(|s| s.skew.worst_window.as_ref()?.figures.max_over_mean),
    figure("whole_run_max_over_mean", "skew.whole_run.max_over_mean", Unit::Number)
        .within(FROM_ONE)
        .matters(Size::absolute(0.1), "as max_over_mean")
        .whole(|s| s.skew.whole_run.max_over_mean),
    figure("stray_share", "stray_share", Unit::Part)
        .within(PART)
        .matters(Size::absolute(0.01), "a point of all traffic")
        .whole(|s| Some(s.stray_share))
        .entry(
            "stray_share",
            "Part of the requests that went to pods which were not Ready for the whole window: terminating, unready or \
        just becoming ready.",
            "definition",
        ),
    figure("reconnects_per_s", "reconnects_per_s", Unit::PerSecond)
        .also(&["reconnects"])
        .matters(Size { absolute: 0.1, relative: 0.1 }, "one handshake in 10 s costs next to nothing")
        .whole(|s| Some(s.reconnects_per_s))
        .phase(|p| Some(p.reconnects_per_s))
        .entry(
            "reconnects_per_s",
            "Connections that became READY per measured second, without those that a client opens when it starts. \
        Each costs a handshake.",
            "definition",
        ),
    figure("", "error_ratio", Unit::Part)
        .within(PART)
        .matters(Size::absolute(0.0001), "a tenth of the budget of 99.9 %")
        .phase(|p| p.error_ratio)
        .entry(
            "error_ratio",
            "Part of the calls that failed, of those that ended. In `expect`: `error_ratio <= 0.1%`.",
            "definition",
        ),
    figure("", "max_utilization", Unit::Part)
        .within(PART)
        .matters(Size::absolute(0.05), "five points of a pod")
        .phase(|p| p.max_utilization)
        .entry(
            "max_utilization",
            "Utilization of the busiest pod. Over the run it is each pod's mean over the time that it was Ready, so that a rush passes \
        unseen: ask `max_utilization <= 70%`, or `max_utilization <= 95% in every window`.",
            "definition",
        ),
    figure("time_to_balance_s", BALANCE, Unit::Seconds)
        .also(&["time_to_balance", "balance"])
        .matters(Size { absolute: 5.0, relative: 0.1 }, "a scrape of most dashboards")
        .entry(
            "time_to_balance",
            "Per change (rollout, scale, kill, delete): seconds until every Ready pod had between 80 % and 125 % of the fair share for good, \
        until the next change or the end; null if that never came. Judged in blocks that begin every 5 s (`resolution_s`) and hold 400 requests \
        (messages, for streams) per pod: a pod is out of its share if it is so by more than two standard errors. The answer depends neither on the \
        length of the run nor on its windows.",
            "definition",
        ),
];

/// A figure of which less is better, and which is not below zero.
const fn figure(column: &'static str, path: &'static str, unit: Unit) -> Kind {
    Kind {
        column,
        path,
        also: &[],
        unit,
        better: Better::Lower,
        range: (0.0, f64::INFINITY),
        size: Size::relative(0.05),
        why: "",
        whole: None,
        phase: None,
        method: None,
        middle: Middle::Mean,
        in_runs_csv: false,
        entry: None,
    }
}

/// A mean or quantile of latency.
const fn latency(column: &'static str, path: &'static str) -> Kind {
    figure(column, path, Unit::Milliseconds).matters(LATENCY, "as the mean").in_runs_csv()
}

impl Kind {
    const fn also(self, also: &'static [&'static str]) -> Kind {
        Kind { also, ..self }
    }

    const fn higher_is_better(self) -> Kind {
        Kind { better: Better::Higher, ..self }
    }

    const fn within(self, range: (f64, f64)) -> Kind {
        Kind { range, ..self }
    }

    const fn matters(self, size: Size, why: &'static str) -> Kind {
        Kind { size, why, ..self }
    }

    const fn whole(self, read: fn(&Summary) -> Option<f64>) -> Kind {
        Kind { whole: Some(read), ..self }
    }

    const fn phase(self, read: fn(&Phase) -> Option<f64>) -> Kind {
        Kind { phase: Some(read), ..self }
    }

    const fn method(self, read: fn(&MethodSummary) -> Option<f64>) -> Kind {
        Kind { method: Some(read), ..self }
    }

    const fn by_median(self) -> Kind {
        Kind { middle: Middle::Median, ..self }
    }

    const fn in_runs_csv(self) -> Kind {
        Kind { in_runs_csv: true, ..self }
    }

    const fn entry(self, word: &'static str, meaning: &'static str, source: &'static str) -> Kind {
        Kind { entry: Some(Entry { word, meaning, source }), ..self }
    }
}
