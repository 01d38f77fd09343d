//! What happens: one file per area, one handler per event.

mod black_hole;
mod calls;
mod channel;
mod connection;
mod discovery;
mod keepalive;
mod pick_first;
mod picks;
mod pods;
mod pool;
mod replicas;
pub(super) mod resets;
mod rollout;
mod sampling;
mod serving;
