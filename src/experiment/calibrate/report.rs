//! What calibrate says.

use serde::Serialize;

use super::Part;

/// Estimates, and a prediction if one was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the histogram that the data are of.
    pub source: String,
    /// What the estimates are made from, in seconds from the first sample on.
    pub fit: Part,
    /// Calls that ended in that part.
    pub calls: f64,
    /// Pods at which they ended.
    pub pods: usize,
    /// The values that were found.
    pub estimates: Vec<Estimate>,
    /// The same as arguments of `--set`.
    pub sets: Vec<String>,
    /// What the data do not tell.
    pub untold: Vec<String>,
    /// What the scenario says of another part of the time.
    pub prediction: Option<Prediction>,
}

/// A value of the scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Its path.
    pub path: String,
    /// What it should be, as scenarios write it.
    pub value: String,
    /// What was in the scenario.
    pub was: String,
    /// What was estimated, with 99 % intervals.
    pub figures: Vec<Figure>,
}

/// A number with its interval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What it is.
    pub name: &'static str,
    /// The number.
    pub value: f64,
    /// Lower end of its 99 % interval.
    pub from: f64,
    /// Upper end.
    pub to: f64,
    /// `ms`, `/s`, or `%` of a share.
    pub unit: &'static str,
}

/// What calibrated runs say of another part of the time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// The part, in seconds from the first sample on, which is when the scenario begins.
    pub part: Part,
    /// Runs, each with numbers drawn within their errors.
    pub runs: u64,
    /// Of these, those whose shares are near the measured ones in the part that was calibrated on, or at least the nearest 20.
    pub kept: u64,
    /// How far the shares of a kept run are from the measured ones at most: the part of all calls that is at other pods.
    pub distance: f64,
    /// Measured beside predicted.
    pub figures: Vec<Predicted>,
}

/// A figure, as it was measured and as it is predicted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Predicted {
    /// What it is.
    pub name: String,
    /// `ms`, `/s`, or `%` of a share.
    pub unit: &'static str,
    /// As it was measured.
    pub measured: f64,
    /// Median of the runs that were kept.
    pub predicted: f64,
    /// Below it lie 5 % of them.
    pub from: f64,
    /// Above it lie 5 % of them.
    pub to: f64,
    /// How often a run is as far from the median as what was measured: twice the smaller tail, the measured one counted in (posterior
    /// predictive p-value).
    pub p: f64,
}
