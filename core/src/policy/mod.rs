//! Decisions: pure functions over plain rows, without time, world or engine. Handlers decide *when*, policies *which*.

pub mod accrual;
pub mod backoff;
pub mod budget;
pub mod controller;
pub mod cpu;
pub mod edf;
pub mod enforcement;
pub mod hpa;
pub mod keepalive;
pub mod keys;
pub mod outlier;
pub mod panic;
pub mod retry;
pub mod route;
pub mod slow_start;
pub mod subset;
pub mod victims;
pub mod warm_up;
