//! The engine against measurements of real gRPC stacks (`tests/lab/`). One program, so that the tests of all experiments share the
//! processors.

#[path = "../support/mod.rs"]
mod support;

mod data;
mod e1;
mod e10;
mod e11;
mod e2;
mod e3;
mod e4;
mod e5;
mod e6;
mod e7;
mod e8;
mod e9;
mod tonic;
