//! Experiments: comparisons and sweeps. One program, so that all of them share the processors.

#[path = "../support/mod.rs"]
mod support;

mod calibrate;
mod compare;
mod coverage;
mod cures;
mod desk;
mod fit;
mod manifest;
mod pairing;
mod plan;
mod plan_safe;
mod sweep;
