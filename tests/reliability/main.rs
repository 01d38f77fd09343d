//! Nothing lost, nothing mixed, always stoppable. One program, so that the tests share the processors.

mod fuzz;
mod mutate;
mod oracle;
mod simulation;
