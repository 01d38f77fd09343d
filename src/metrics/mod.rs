//! Figures: what the observations come to.

pub mod outcome;
