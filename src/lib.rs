//! evenkeel
pub mod metrics;
pub mod policy;
pub mod random;
pub mod scenario;
pub mod sim;
pub mod units;
