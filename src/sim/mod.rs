//! The engine.

pub mod observation;
