//! evenkeel
pub mod metrics;
pub mod output;
pub mod scenario;
pub mod sim;
pub mod units;
