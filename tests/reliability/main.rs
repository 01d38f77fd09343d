//! Reliability: nothing is lost, nothing is mixed, and every command can be stopped.

#[path = "../experiments/desk.rs"]
mod desk;

mod accounts;
mod endings;
mod interrupts;
mod memory;
