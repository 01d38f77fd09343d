//! What is written (`file`) and what it means (`model`).

pub mod distribution;
pub mod model;
