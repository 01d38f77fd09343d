//! evenkeel
pub mod metrics;
pub mod scenario;
pub mod sim;
pub mod theory;
pub mod units;
