//! Closed forms: what a run must come to where arithmetic can say it. Pure functions that know nothing of the engine.
//!
//! Every function states its formula, its source and the range where it holds; outside of it the answer is `None`,
//! never a number that looks like one. Loads of pods are relative to the even share unless the name says otherwise.

mod applicable;
pub mod balls;
pub mod buckets;
mod occupancy;

pub use applicable::{Applicable, Compare, for_scenario, rows};
pub mod queueing;
pub mod recovery;
pub mod renewal;
pub mod rollout;
pub mod shares;

/// Standard normal distribution function.
fn normal(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}
