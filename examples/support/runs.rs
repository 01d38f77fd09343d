//! What the programs that write figures into the documents share.

use evenkeel::experiment;
use evenkeel::metrics::estimate;
use evenkeel::metrics::outcome::Summary;
use evenkeel::scenario::{self, Loaded};
use evenkeel::shipped;
use rayon::prelude::*;

/// A shipped scenario, by its path below `scenarios/`, with changes.
pub fn load(name: &str, sets: &[&str]) -> Loaded {
    let found = shipped::find(name).into_iter().find(|s| s.name == name).expect("a shipped scenario");
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    scenario::parse(found.name, found.text, None, &sets).unwrap_or_else(|e| panic!("{e}"))
}

/// What `of` says of the summary of each of the runs with seeds 1 to `runs`.
pub fn summaries<T: Send>(loaded: &Loaded, runs: u64, of: impl Fn(&Summary) -> T + Sync) -> Vec<T> {
    let one = |seed| of(&experiment::run(loaded, seed, false, None).expect("the run ends").summary);
    (1..=runs).into_par_iter().map(one).collect()
}

/// The mean of a figure that cannot be below zero, with half of its 95 % confidence interval, or with both ends if zero cuts it.
pub fn mean(values: &[f64], decimals: usize) -> String {
    match estimate::mean(values) {
        Some(e) if e.lo < 0.0 => format!("{:.decimals$} (0 to {:.decimals$})", e.mean, e.hi),
        Some(e) if e.hi - e.lo > 0.0 => format!("{:.decimals$} ± {:.decimals$}", e.mean, (e.hi - e.lo) / 2.0),
        Some(e) => format!("{:.decimals$}", e.mean),
        None => "-".into(),
    }
}
