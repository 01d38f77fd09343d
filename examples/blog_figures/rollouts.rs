//! What rollouts, connection ages and scale-ups do to connections, beside the closed forms.

use super::runs::{mean, summaries};
use super::{cv, load, traces};
use evenkeel::metrics::outcome::{Outcome, Summary};
use evenkeel::theory::balls::Balls;
use evenkeel::theory::recovery::Lifetimes;
use evenkeel::theory::rollout::{Readiness, Rollout, walk};
use std::fmt::Write as _;

/// Connections of each pod over the mean, in order of becoming Ready, for four update strategies.
pub fn by_strategy() -> String {
    let runs = 200;
    let mut table = String::from(
        "| strategy | | 1st pod | 2nd | 3rd | 4th | last | most, ever |\n|---|---|---|---|---|---|---|---|\n",
    );
    let strategies = [
        ("surge 0, unavailable 1 (as a StatefulSet)", "{ max_surge: 0, max_unavailable: 1 }", (0, 1), Readiness::Waves),
        ("surge 1, unavailable 0", "{ max_surge: 1, max_unavailable: 0 }", (1, 0), Readiness::Waves),
        ("default: 25 % and 25 %", "{}", (2, 1), Readiness::Waves),
        ("surge 100 %, unavailable 0", "{ max_surge: 100%, max_unavailable: 0 }", (5, 0), Readiness::Waves),
    ];
    for (name, strategy, (surge, unavailable), readiness) in strategies {
        let set = format!("servers.s.strategy={strategy}");
        let loaded = load("rolling-restart", &[&set, "duration=5m", "expect=[]"]);
        let found = traces(&loaded, runs, |o| (in_order_of_readiness(&o.summary), peak(o)));
        let theory = walk(Rollout { replicas: 5, surge, unavailable, readiness, lagging: false }).expect("a rollout");
        let cells: Vec<String> = theory.new_pods.iter().map(|x| format!("{x:.2}")).collect();
        let _ = writeln!(table, "| {name} | theory | {} | {:.2} |", cells.join(" | "), theory.peak);
        let cells: Vec<String> = (0..5).map(|i| mean(&found.iter().map(|f| f.0[i]).collect::<Vec<f64>>(), 2)).collect();
        let peaks: Vec<f64> = found.iter().map(|f| f.1).collect();
        let _ = writeln!(table, "| | {runs} runs | {} | {} |", cells.join(" | "), mean(&peaks, 2));
    }
    table
}

/// Connections at the end over the mean, of the pods that are there at the end.
fn in_order_of_readiness(summary: &Summary) -> Vec<f64> {
    let mut pods: Vec<_> = summary.pods.iter().filter(|p| p.deleted_s.is_none()).collect();
    pods.sort_by(|a, b| a.ready_s.unwrap_or(f64::MAX).total_cmp(&b.ready_s.unwrap_or(f64::MAX)));
    let all: u64 = pods.iter().map(|p| p.connections_at_end).sum();
    pods.iter().map(|p| p.connections_at_end as f64 * pods.len() as f64 / all as f64).collect()
}

/// The most connections that a pod has at the end of any window, over a fifth of all.
fn peak(outcome: &Outcome) -> f64 {
    outcome.windows.iter().map(|row| f64::from(row.connections)).fold(0.0, f64::max) / 8.0
}

/// The cv of connections after each of four restarts.
pub fn again() -> String {
    let runs = 100;
    let found = traces(&load("rolling-restart-again", &["expect=[]"]), runs, |o| {
        [1, 2, 3, 4].map(|k| cv(&connections_at(o, f64::from(k) * 240.0 - 10.0)))
    });
    let mut table = String::from("| | 1st restart | 2nd | 3rd | 4th |\n|---|---|---|---|---|\n");
    let cells: Vec<String> = (0..4).map(|i| mean(&found.iter().map(|f| f[i]).collect::<Vec<f64>>(), 3)).collect();
    let _ = writeln!(table, "| cv of the connections, {runs} runs | {} |", cells.join(" | "));
    table
}

/// Connections of each Ready pod in the window that `at_s` falls in.
fn connections_at(outcome: &Outcome, at_s: f64) -> Vec<f64> {
    let inside = |time_s: f64| time_s <= at_s && at_s < time_s + outcome.window_s;
    let rows = outcome.windows.iter().filter(|row| inside(row.time_s) && row.state == "ready");
    rows.map(|row| f64::from(row.connections)).collect()
}

/// The restart as it is, and with each cure.
pub fn cures() -> String {
    let runs = 100;
    let mut table = String::from(
        "| after the restart | connections | cv at the end | of the dice | cv of the requests, 4m to 15m | idle pods at the end | reconnects/s |\n\
         |---|---|---|---|---|---|---|\n",
    );
    let mut row = |name: &str, scenario: &str, channels: u32| {
        let channels_set = format!("clients.web.channels={channels}");
        let loaded = load(scenario, &["warmup=4m", "expect=[]", &channels_set]);
        let found = summaries(&loaded, runs, |s| {
            let pods: Vec<f64> =
                s.pods.iter().filter(|p| p.deleted_s.is_none()).map(|p| p.connections_at_end as f64).collect();
            let idle = pods.iter().filter(|&&c| c == 0.0).count() as f64;
            (cv(&pods), s.skew.whole_run.cv.unwrap_or_default(), idle, s.reconnects_per_s)
        });
        let of = |value: fn(&(f64, f64, f64, f64)) -> f64| found.iter().map(value).collect::<Vec<f64>>();
        let connections = 40 * channels;
        let dice = Balls::new(5, connections).expect("in range").cv();
        let _ = writeln!(
            table,
            "| {name} | {connections} | {} | {dice:.3} | {} | {} | {} |",
            mean(&of(|f| f.0), 3),
            mean(&of(|f| f.1), 3),
            mean(&of(|f| f.2), 2),
            mean(&of(|f| f.3), 2)
        );
    };
    row("nothing", "rolling-restart", 1);
    row("MaxConnectionAge 5m", "max-connection-age", 1);
    row("lifetime 5m, 1 connection per client", "pool-max-lifetime-single", 1);
    for channels in 2..=5 {
        row(&format!("lifetime 5m, {channels} connections"), "pool-max-lifetime", channels);
    }
    table
}

/// Part of the traffic that new pods get, by the time since they became Ready.
pub fn recovery() -> String {
    let runs = 50;
    let minutes = [0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0];
    let heads: Vec<String> = minutes.iter().map(|m| format!("{m} min")).collect();
    let mut table = format!("| share of the five new pods, % | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(8));
    let ages = Lifetimes::new(0.1).expect("in range");
    let cells: Vec<String> = minutes.iter().map(|m| format!("{:.1}", 50.0 * ages.redialled(m / 5.0))).collect();
    let _ = writeln!(table, "| theory, ClusterIP with age: half of min(t/A, …) | {} |", cells.join(" | "));
    for name in ["scale-up-clusterip", "scale-up-clusterip-age", "scale-up-headless", "scale-up-headless-age"] {
        let found = traces(&load(name, &["expect=[]"]), runs, |o| minutes.map(|m| new_share(o, 380.0 + m * 60.0)));
        let cells: Vec<String> =
            (0..minutes.len()).map(|i| mean(&found.iter().map(|f| f[i]).collect::<Vec<f64>>(), 1)).collect();
        let _ = writeln!(table, "| `{name}`, {runs} runs | {} |", cells.join(" | "));
    }
    table
}

/// Percent of the requests that the pods created by the scale-up got in the half minute around `at_s`.
fn new_share(outcome: &Outcome, at_s: f64) -> f64 {
    let near = outcome.windows.iter().filter(|row| (row.time_s + outcome.window_s / 2.0 - at_s).abs() <= 15.0);
    let (mut new, mut all) = (0, 0);
    for row in near {
        all += row.requests;
        if row.pod.is_some_and(|pod| outcome.summary.pods[pod as usize].created_s > 0.0) {
            new += row.requests;
        }
    }
    100.0 * new as f64 / all as f64
}
