//! Computes the figures of docs/blog.md and writes them there, between their marks:
//! `cargo run --release --locked --example blog_figures`. Takes a minute or two.

mod document;
mod rollouts;
mod throughput;

use evenkeel::experiment;
use evenkeel::metrics::estimate;
use evenkeel::metrics::outcome::{Outcome, Summary};
use evenkeel::scenario::{self, Loaded};
use evenkeel::shipped;
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
    let name = format!("blog/{name}");
    let found = shipped::find(&name).into_iter().find(|s| s.name == name).expect("a shipped scenario");
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    scenario::parse(found.name, found.text, None, &sets).unwrap_or_else(|e| panic!("{e}"))
}

/// What `of` says of each of the runs with seeds 1 to `runs`, with their traces.
fn traces<T: Send>(loaded: &Loaded, runs: u64, of: impl Fn(&Outcome) -> T + Sync) -> Vec<T> {
    let one = |seed| of(&experiment::run(loaded, seed, true, None).expect("the run ends"));
    (1..=runs).into_par_iter().map(one).collect()
}

/// The same of their summaries.
fn summaries<T: Send>(loaded: &Loaded, runs: u64, of: impl Fn(&Summary) -> T + Sync) -> Vec<T> {
    let one = |seed| of(&experiment::run(loaded, seed, false, None).expect("the run ends").summary);
    (1..=runs).into_par_iter().map(one).collect()
}

/// A mean with half of its 95 % confidence interval.
fn mean(values: &[f64], decimals: usize) -> String {
    match estimate::mean(values) {
        Some(e) if e.hi - e.lo > 0.0 => format!("{:.decimals$} ± {:.decimals$}", e.mean, (e.hi - e.lo) / 2.0),
        Some(e) => format!("{:.decimals$}", e.mean),
        None => "-".into(),
    }
}

/// Coefficient of variation of counts.
fn cv(counts: &[f64]) -> f64 {
    let n = counts.len() as f64;
    let mean = counts.iter().sum::<f64>() / n;
    (counts.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt() / mean
}
