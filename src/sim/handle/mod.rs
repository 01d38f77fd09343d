//! What happens: one file per area, one handler per event.

pub(super) mod autoscale;
mod black_hole;
mod calls;
mod channel;
mod connection;
mod discovery;
mod hosts;
pub(super) mod idle;
mod keepalive;
pub(super) mod methods;
mod outliers;
pub(super) mod pace;
mod pick_first;
mod picks;
pub(super) mod plans;
mod pods;
mod pool;
mod proxy;
mod replicas;
pub(super) mod resets;
mod retry;
mod rollout;
mod sampling;
mod serving;
pub(super) mod sharing;
mod streams;
mod watch;
