//! evenkeel
pub mod cli;
pub mod experiment;
pub mod metrics;
pub mod observe;
pub mod output;
pub mod policy;
pub mod random;
pub mod scenario;
pub mod shipped;
pub mod sim;
pub mod theory;
pub mod units;
