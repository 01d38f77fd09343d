//! What integration tests share: statistical tests, the level that they hold at together, and the lab's measurements.

// Each test binary compiles this module for itself and uses a part of it.
#![allow(dead_code)]

pub mod closed_loop;
pub mod duel;
pub mod family;
pub mod journal;
pub mod lab;
pub mod models;
pub mod predict;
pub mod replay;
pub mod runs;
pub mod stats;
pub mod strategies;
pub mod watchdog;
