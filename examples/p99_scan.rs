//! Is there a law of the service time with which one pod has a p99 of 45 ms and five pods one of 12 ms, as the blog says?
//! One bounded scan: two families of laws, each of mean 1.6 ms and with one parameter on a fixed grid, the blog's test (10,000
//! calls, 50 at once), seeds 1 to 20. Writes its table into docs/blog.md:
//! `cargo run --release --locked --example p99_scan`

#[path = "blog_figures/document.rs"]
mod document;

use evenkeel::metrics::outcome::Summary;
use evenkeel::{experiment, scenario, shipped};
use rayon::prelude::*;
use std::fmt::Write as _;

const SEEDS: u64 = 20;
const SIGMAS: [f64; 8] = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5];
/// Parts of the calls that are slow; half of all work is theirs.
const WEIGHTS: [f64; 8] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2];

fn main() -> std::io::Result<()> {
    let mut table = String::from(
        "| service time, mean 1.6 ms | one pod: mean, ms | p99, ms | calls/s | five pods: mean, ms | p99, ms | calls/s |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for sigma in SIGMAS {
        let law =
            if sigma == 0.0 { "1600us".into() } else { format!("{{ lognormal: {{ mean: 1600us, sigma: {sigma} }} }}") };
        row(&mut table, &format!("lognormal, σ = {sigma}"), &law);
    }
    for w in WEIGHTS {
        let (slow, fast) = (800_000.0 / w, 800_000.0 / (1.0 - w));
        let law =
            format!("{{ mixture: [{{ weight: {w}, of: {slow:.0}ns }}, {{ weight: {}, of: {fast:.0}ns }}] }}", 1.0 - w);
        row(&mut table, &format!("{} % take {:.3} ms, the rest {:.3} ms", w * 100.0, slow / 1e6, fast / 1e6), &law);
    }
    print!("{table}");
    document::put("p99", &table)
}

fn row(table: &mut String, name: &str, law: &str) {
    let (one, five) = (runs("blog/grpc-clusterip", law), runs("blog/grpc-headless-round-robin", law));
    let _ = writeln!(table, "| {name} | {} | {} |", cells(&one), cells(&five));
}

fn runs(name: &str, law: &str) -> Vec<Summary> {
    let found = shipped::find(name).into_iter().find(|s| s.name == name).expect("a shipped scenario");
    let server = format!("servers.grpc-server.service_time={law}");
    let loaded = scenario::parse(name, found.text, None, &[server]).unwrap_or_else(|e| panic!("{e}"));
    let one = |seed| experiment::run(&loaded, seed, false, None).expect("the run ends").summary;
    (1..=SEEDS).into_par_iter().map(one).collect()
}

/// Mean, median p99 with its range, and calls per second, over the seeds.
fn cells(runs: &[Summary]) -> String {
    let average = |of: &dyn Fn(&Summary) -> f64| runs.iter().map(of).sum::<f64>() / runs.len() as f64;
    let mut p99: Vec<f64> = runs.iter().filter_map(|s| s.latency_ms.p99).collect();
    p99.sort_by(f64::total_cmp);
    let [least, median, most] = [0, p99.len() / 2, p99.len() - 1].map(|i| p99[i]);
    format!(
        "{:.1} | {median:.1} ({least:.1} to {most:.1}) | {:.0}",
        average(&|s| s.latency_ms.mean.unwrap_or_default()),
        average(&|s| s.throughput_rps)
    )
}
