//! Writes docs/solutions.md: every shipped solution under the same load, rollout, scale-up and lost pod.
//! `cargo run --release --locked --example solutions`. Takes half a minute.

mod rows;
#[path = "../support/runs.rs"]
mod runs;

use std::fmt::Write as _;

use evenkeel::metrics::outcome::Summary;
use rows::{ROWS, Row};

/// Seeds 1 to this.
const RUNS: u64 = 20;

/// Without the changes, and as fast as the pods can: throughput at saturation.
const SATURATED: [&str; 4] =
    ["clients.0.load={ closed: { concurrency: 100 } }", "timeline=[]", "duration=40s", "warmup=10s"];

fn main() -> std::io::Result<()> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/solutions.md");
    std::fs::write(path, page())
}

fn page() -> String {
    let mut page = String::from(HEAD);
    page += "| solution | hottest pod, times the mean: whole run | median window | worst window | idle pods | p50 ms | p99 ms |\n";
    page += "|---|---|---|---|---|---|---|\n";
    let all: Vec<(&Row, Vec<Summary>)> = ROWS.iter().map(|row| (row, summaries(row.scenario, &[]))).collect();
    for (row, runs) in &all {
        let skew = |of: fn(&Summary) -> Option<f64>| mean(runs, of, 2);
        let cells = [
            skew(|s| s.skew.whole_run.max_over_mean),
            skew(|s| s.skew.median_window.as_ref()?.max_over_mean),
            skew(|s| s.skew.worst_window.as_ref()?.figures.max_over_mean),
            mean(runs, |s| s.skew.whole_run.idle_pods, 1),
            mean(runs, |s| s.latency_ms.p50, 1),
            mean(runs, |s| s.latency_ms.p99, 0),
        ];
        let _ = writeln!(page, "| {} | {} |", row.name, cells.join(" | "));
    }
    page += "\n| solution | seconds to balance: rollout | scale-up | lost pod | calls lost | reconnects/s | calls/s at saturation |\n";
    page += "|---|---|---|---|---|---|---|\n";
    for (row, runs) in &all {
        let saturated = summaries(row.scenario, &SATURATED);
        let cells = [
            balance(runs, 0),
            balance(runs, 1),
            balance(runs, 2),
            mean(runs, |s| Some(s.requests.failed as f64), 1),
            mean(runs, |s| Some(s.reconnects_per_s), 2),
            mean(&saturated, |s| Some(s.throughput_rps), 0),
        ];
        let _ = writeln!(page, "| {} | {} |", row.name, cells.join(" | "));
    }
    page += "\n## Why\n\n";
    for row in ROWS {
        let _ = writeln!(page, "- **{}** (`solutions/{}`): {}", row.name, row.scenario, row.why);
    }
    page + FOOT
}

/// What the scenario of a row comes to, for each seed. What it expects is for the tests to see.
fn summaries(scenario: &str, sets: &[&str]) -> Vec<Summary> {
    let loaded = runs::load(&format!("solutions/{scenario}"), &[sets, &["expect=[]"]].concat());
    runs::summaries(&loaded, RUNS, Summary::clone)
}

/// The mean over the runs that have a value.
fn mean(runs: &[Summary], of: impl Fn(&Summary) -> Option<f64>, decimals: usize) -> String {
    runs::mean(&runs.iter().filter_map(of).collect::<Vec<f64>>(), decimals)
}

/// Seconds until the load was even after the `i`-th change, and in how many runs it was before the next one.
fn balance(runs: &[Summary], i: usize) -> String {
    let values: Vec<f64> = runs.iter().filter_map(|s| s.time_to_balance.get(i)?.seconds).collect();
    match values.len() {
        0 => "never".into(),
        n if n == runs.len() => runs::mean(&values, 0),
        n => format!("{:.0} in {n} of {}", values.iter().sum::<f64>() / n as f64, runs.len()),
    }
}

const HEAD: &str = "\
# Solutions

This page is written by `cargo run --release --locked --example solutions`. `evenkeel compare scenarios/solutions/*.yaml` shows the same
scenarios side by side. Twenty clients send 300 calls per second to five pods with 4 slots of 20 ms each (30 % of capacity). There is a
rolling update at 2m, a scale-up by three pods at 6m, and a kill of a container at 9m. The figures are means over the seeds 1 to 20. They
are shown with half of their 95 % confidence intervals, or with both ends where zero cuts the interval.

A pod that lived for a part of the run counts in the whole-run figure by its rate while it was Ready. *Balanced* means that every Ready
pod has 80 % to 125 % of the fair share, for good, judged over 400 requests per pod (docs/model.md). The whole-run figure cannot be lower than 1.27, even with perfect
balancing. The pods that lived before the scale-up shared the load among five, those after it among eight. The last column, calls per
second at saturation, is measured without changes and with 100 workers, which is five per client and five per slot. Five pods can do 1,000
calls per second. A closed load waits for its answers, so it keeps every pod busy that has a connection.

";

const FOOT: &str = "
Proxies add 0.23 ms to each call here. This is the 90th percentile that Istio publishes for a pair of sidecars (`via.*.overhead` changes
it). Istio tries a failed request up to twice more, on another pod. The CPU of gateways and waypoints is not limited: a proxy that is
itself out of CPU is not modelled (docs/model.md).
";
