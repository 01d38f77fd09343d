//! What happens: one file per area, one handler per event.

pub(super) mod autoscale;
mod black_hole;
mod calls;
mod channel;
mod connection;
mod discovery;
mod hosts;
mod keepalive;
pub(super) mod pace;
mod pick_first;
mod picks;
mod pods;
mod pool;
mod proxy;
mod replicas;
pub(super) mod resets;
mod rollout;
mod sampling;
mod serving;
mod watch;
