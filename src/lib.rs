//! evenkeel
pub mod metrics;
pub mod observe;
pub mod scenario;
pub mod sim;
pub mod units;
