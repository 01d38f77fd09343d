//! In which scenario which alert fires, and how long after the skew began.
//!
//! Prometheus evaluates the expressions over what a run has exported. Here is the rest: how `for` and `keep_firing_for` make alerts of the
//! answers (`firing`), which recording rules come before which (`order`), when the load is uneven (`skew`), and the report.

mod firing;
mod order;
mod report;
mod skew;

pub use firing::{Evaluations, by_labels, recorded};
pub use order::rounds;
pub use report::{Fires, Measured, Report, Row, RuleSummary, ScenarioAlerts, State, Summed, report};
pub use skew::{Criterion, Skew, Stretch};
