//! Decisions: pure functions over plain rows, without time, world or engine. Handlers decide *when*, policies *which*.

pub mod backoff;
pub mod controller;
pub mod least_request;
pub mod p2c;
pub mod peak_ewma;
pub mod rotation;
pub mod route;
pub mod victims;
