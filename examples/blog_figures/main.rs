//! Computes the figures of docs/blog.md and writes them there, between their marks:
//! `cargo run --release --locked --example blog_figures`. Takes a minute or two.

mod document;
mod rollouts;
#[path = "../support/runs.rs"]
mod runs;
mod throughput;

use evenkeel::experiment;
use evenkeel::metrics::outcome::Outcome;
use evenkeel::scenario::Loaded;
use rayon::prelude::*;

fn main() -> std::io::Result<()> {
    let blocks = [
        ("scenarios", throughput::scenarios()),
        ("throughput", throughput::throughput()),
        ("mixed", throughput::mixed()),
        ("rollout", rollouts::by_strategy()),
        ("again", rollouts::again()),
        ("cures", rollouts::cures()),
        ("recovery", rollouts::recovery()),
    ];
    for (mark, table) in &blocks {
        println!("{mark}\n\n{table}");
        document::put(mark, table)?;
    }
    Ok(())
}

/// A shipped scenario of the blog with changes.
fn load(name: &str, sets: &[&str]) -> Loaded {
    runs::load(&format!("blog/{name}"), sets)
}

/// What `of` says of each of the runs with seeds 1 to `runs`, with their traces.
fn traces<T: Send>(loaded: &Loaded, runs: u64, of: impl Fn(&Outcome) -> T + Sync) -> Vec<T> {
    let one = |seed| of(&experiment::run(loaded, seed, true, None).expect("the run ends"));
    (1..=runs).into_par_iter().map(one).collect()
}

/// Coefficient of variation of counts.
fn cv(counts: &[f64]) -> f64 {
    let n = counts.len() as f64;
    let mean = counts.iter().sum::<f64>() / n;
    (counts.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt() / mean
}
