//! Figures: what the observations come to. Pure functions of loads, summaries and outcomes.

pub mod attribution;
#[cfg(test)]
mod attribution_tests;
pub mod balance;
pub mod cures;
pub mod estimate;
pub mod figures;
pub mod glossary;
pub mod outcome;
pub mod part;
pub mod phase;
pub mod practical;
pub mod reasons;
mod rows;
pub mod skew;
mod student;

pub use figures::{Figure, figures};
