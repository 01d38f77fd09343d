//! Nothing lost, nothing mixed, always stoppable. One program, so that the tests share the processors.

mod oracle;
mod simulation;
