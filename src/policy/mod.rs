//! Decisions: pure functions over plain rows, without time, world or engine. Handlers decide *when*, policies *which*.

pub mod backoff;
pub mod budget;
pub mod controller;
pub mod cpu;
pub mod edf;
pub mod enforcement;
pub mod haproxy;
pub mod hpa;
pub mod keepalive;
pub mod least_request;
pub mod maglev;
pub mod nginx;
pub mod outlier;
pub mod p2c;
pub mod panic;
pub mod peak_ewma;
pub mod retry;
pub mod ring_hash;
pub mod rotation;
pub mod route;
pub mod slow_start;
pub mod subset;
pub mod swrr;
pub mod victims;
pub mod warm_up;
pub mod weighted_round_robin;
