//! evenkeel
pub mod metrics;
pub mod observe;
pub mod output;
pub mod policy;
pub mod random;
pub mod scenario;
pub mod sim;
pub mod theory;
pub mod units;
