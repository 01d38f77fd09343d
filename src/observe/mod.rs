//! Observers: what is made of the stream of observations.

pub mod digest;
pub mod histogram;
