//! Hostile input, kills and interrupts: nothing lost, nothing mixed, always stoppable, and told where and why.

#[path = "../experiments/desk.rs"]
mod desk;

mod printing;
mod reading;
