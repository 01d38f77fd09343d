//! `check`: the level of its tests holds, false claims are found and made small, what ships has its outcome, and files replay it.

#[path = "../support/mod.rs"]
mod support;

mod commands;
mod level;
mod planted;
mod shipped;
