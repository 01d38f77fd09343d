//! The rules of `policy` against published figures and documented examples, and what holds for them on random inputs.

#[path = "../support/mod.rs"]
mod support;

mod hpa;
mod keepalive;
mod limits;

use proptest::test_runner::{Config, RngSeed};

/// The same inputs every time; `EVENKEEL_CASES` for more of them.
fn config() -> Config {
    let cases = std::env::var("EVENKEEL_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(500);
    Config { cases, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Config::default() }
}
