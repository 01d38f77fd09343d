//! Decisions: pure functions over plain rows, without time, world or engine. Handlers decide *when*, policies *which*.

pub mod backoff;
pub mod controller;
pub mod rotation;
pub mod route;
pub mod victims;
