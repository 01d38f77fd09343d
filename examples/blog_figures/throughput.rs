//! All scenarios side by side; throughput by formula; where the clients of grpc-clusterip-mixed fall.

use super::runs::{mean, summaries};
use super::{load, traces};
use evenkeel::experiment;
use evenkeel::experiment::pod_shares;
use evenkeel::metrics::outcome::{Outcome, Summary};
use evenkeel::shipped;
use evenkeel::theory::queueing::closed_loop_throughput;
use evenkeel::words::{percent, short};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

const RUNS: u64 = 20;

pub fn scenarios() -> String {
    let mut table = String::from(
        "| scenario | shares of the Ready pods in run 1, % | max/mean | idle pods | calls/s | p99, ms |\n|---|---|---|---|---|---|\n",
    );
    for found in shipped::find("blog") {
        let name = found.name.trim_start_matches("blog/");
        let loaded = load(name, &[]);
        let first = experiment::run(&loaded, 1, true, None).expect("the run ends");
        let shares: Vec<String> =
            pod_shares(&first).pods.iter().map(|(_, share)| short((share * 1000.0).round() / 10.0)).collect();
        let all: Vec<Summary> = summaries(&loaded, RUNS, Clone::clone);
        let of = |value: fn(&Summary) -> Option<f64>| all.iter().filter_map(value).collect::<Vec<f64>>();
        let mut p99 = of(|s| s.latency_ms.p99);
        p99.sort_by(f64::total_cmp);
        let _ = writeln!(
            table,
            "| `{name}` | {} | {} | {} | {:.0} | {} |",
            shares.join(" / "),
            mean(&of(|s| s.skew.headline.max_over_mean), 2),
            mean(&of(|s| s.skew.headline.idle_pods), 1),
            all.iter().map(|s| s.throughput_rps).sum::<f64>() / RUNS as f64,
            median_and_range(&p99)
        );
    }
    table
}

/// Of sorted values; a dash if no call ended.
fn median_and_range(sorted: &[f64]) -> String {
    match sorted {
        [] => "-".to_owned(),
        [first, ..] => {
            format!("{} ({} to {})", short(sorted[sorted.len() / 2]), short(*first), short(sorted[sorted.len() - 1]))
        }
    }
}

pub fn throughput() -> String {
    let mut table = String::from(
        "| workers | calls | one pod, calls/s | five pods, calls/s | ratio | formula |\n|---|---|---|---|---|---|\n",
    );
    let (service, rtt) = (1.6e-3, 1e-5);
    let formula = |workers, pods| closed_loop_throughput(workers, pods, 8, service, rtt).expect("in range");
    for (workers, calls, warmup) in
        [(50, 10_000, "0s"), (50, 100_000, "200ms"), (30, 100_000, "200ms"), (10, 100_000, "200ms")]
    {
        let sets = [
            format!("clients.ghz.load.closed.concurrency={workers}"),
            format!("clients.ghz.load.closed.requests={calls}"),
            format!("warmup={warmup}"),
            "expect=[]".to_owned(),
        ];
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        let rate = |name| summaries(&load(name, &sets), RUNS, |s| s.throughput_rps);
        let (one, five) = (rate("grpc-clusterip"), rate("grpc-headless-round-robin"));
        let ratios: Vec<f64> = five.iter().zip(&one).map(|(five, one)| five / one).collect();
        let start = if warmup == "0s" { "cold" } else { "warm" };
        let ratio = formula(workers, 5) / formula(workers, 1);
        let _ = writeln!(
            table,
            "| {workers} | {calls}, {start} | {} | {} | {} | {ratio:.3} |",
            mean(&one, 0),
            mean(&five, 0),
            mean(&ratios, 3),
        );
    }
    table
}

/// Percent of the traffic of each client of grpc-clusterip-mixed.
const RATES: [(&str, u32); 5] = [("gateway", 85), ("orders", 5), ("search", 5), ("billing", 3), ("reports", 2)];

pub fn mixed() -> String {
    const THROWS: u32 = 5u32.pow(5);
    let mut law: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
    for throw in 0..THROWS {
        let pods = (0..5).map(|i| throw / 5u32.pow(i) % 5);
        *law.entry(shares(RATES.iter().map(|r| r.1).zip(pods))).or_default() += 1;
    }
    let runs = 2_000;
    let loaded = load("grpc-clusterip-mixed", &["duration=50ms", "expect=[]"]);
    let mut seen: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
    for placement in traces(&loaded, runs, placement) {
        *seen.entry(placement).or_default() += 1;
    }
    let mut table = String::from("| shares, % | of all throws | of 2,000 runs |\n|---|---|---|\n");
    let mut row = |name: &str, is: &dyn Fn(&Vec<u32>) -> bool| {
        let part = |of: &BTreeMap<Vec<u32>, u32>| of.iter().filter(|(k, _)| is(k)).map(|(_, n)| *n).sum::<u32>();
        let (exact, got) = (f64::from(part(&law)) / f64::from(THROWS), f64::from(part(&seen)) / runs as f64);
        let _ = writeln!(table, "| {name} | {} | {} |", percent(exact), percent(got));
    };
    row("85/5/5/3/2", &|k| k[..] == [85, 5, 5, 3, 2]);
    row("90/5/5/0/0", &|k| k[..] == [90, 5, 5, 0, 0]);
    row("90 or more on one pod", &|k| k[0] >= 90);
    row("some pod without any traffic", &|k| k[4] == 0);
    table
}

/// The shares of the pods, from the largest, when each client falls on the pod beside it.
fn shares(clients: impl Iterator<Item = (u32, u32)>) -> Vec<u32> {
    let mut shares = vec![0; 5];
    for (rate, pod) in clients {
        shares[pod as usize] += rate;
    }
    shares.sort_unstable_by(|a, b| b.cmp(a));
    shares
}

/// The same as a run had it: by where its connections are.
fn placement(outcome: &Outcome) -> Vec<u32> {
    let pods: Vec<&String> = outcome.connections.iter().map(|c| &c.pod).collect::<BTreeSet<_>>().into_iter().collect();
    let rate = |client: &str| RATES.iter().find(|(name, _)| client.starts_with(name)).map_or(0, |r| r.1);
    let pod = |name: &String| pods.iter().position(|p| *p == name).unwrap_or(0) as u32;
    shares(outcome.connections.iter().map(|c| (rate(&c.client), pod(&c.pod))))
}
