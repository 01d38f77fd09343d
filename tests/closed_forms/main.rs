//! The engine against closed forms. One program, so that all of them share the processors.

#[path = "../support/mod.rs"]
mod support;

mod age;
mod cpu;
mod dispatch;
mod little;
mod placement;
mod queues;
mod rollout;
mod throughput;
