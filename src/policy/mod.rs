//! Decisions: pure functions over plain rows, without time, world or engine. Handlers decide *when*, policies *which*.

pub mod backoff;
pub mod budget;
pub mod controller;
pub mod cpu_limit;
pub mod enforcement;
pub mod hpa;
pub mod keepalive;
pub mod retry;
pub mod rotation;
pub mod route;
pub mod victims;
pub mod warm_up;
