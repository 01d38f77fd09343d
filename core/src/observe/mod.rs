//! Observers: what is made of the stream of observations.

pub mod arrivals;
mod bins;
mod connections;
pub mod digest;
mod events;
mod failures;
mod finish;
pub mod histogram;
mod latencies;
mod methods;
mod missed;
mod parts;
mod phases;
mod placing;
mod pods;
pub mod recorder;
mod recovery;
mod run;
pub mod scrape;
mod warnings;
mod windows;

pub use connections::ConnectionSink;
pub use recorder::{Options as RecorderOptions, Recorder};
pub use run::run;
#[cfg(feature = "simulate_dyn")]
pub use run::run_beside;
