//! A scenario's numbers from what was measured, and what it then predicts of another part of the time.
//!
//! The rate of calls, the law of service times and the part of them that is CPU time are estimated, each with an interval of 99 %. All else is the
//! scenario's.
//!
//! A prediction runs the scenario with numbers drawn within these errors. Which connection is at which pod was not measured: each run draws it. So
//! only the runs count whose shares are nearest to the measured ones in the part that was calibrated on (approximate Bayesian computation). They are laid
//! beside what was measured in the part that is predicted.

mod estimate;
mod predict;
mod readings;
mod report;
mod series;

pub use readings::{Readings, SOURCES, Source, queries};
pub use report::{Calibration, Estimate, Figure, Predicted, Prediction};
pub use series::{Labels, Series, answers, read};

use super::run::Watch;
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::document::Document;
use crate::sim::SimError;

/// A part of the time, in seconds from the first sample on.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Part {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
}

impl Part {
    /// True for what lies within it, to the millisecond.
    fn holds(self, other: Part) -> bool {
        other.from >= self.from - 1e-3 && other.to <= self.to + 1e-3
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The scenario whose numbers are wanted.
    pub document: &'a Document,
    /// What was measured.
    pub readings: &'a Readings,
    /// The part of the time that estimates are made from.
    pub fit: Part,
    /// The part that is predicted.
    pub predict: Option<Part>,
    /// Runs of the prediction.
    pub runs: u64,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// The scenario is wrong.
    #[error("{0}")]
    Scenario(Box<Diagnostics>),
    /// The question does not fit the scenario or the data.
    #[error("{0}")]
    Question(String),
    /// A run cannot finish.
    #[error("{0}")]
    Run(SimError),
}

impl From<Diagnostics> for CalibrateError {
    fn from(diagnostics: Diagnostics) -> CalibrateError {
        CalibrateError::Scenario(Box::new(diagnostics))
    }
}

/// Estimates the scenario's numbers, and predicts.
///
/// # Errors
/// If the scenario is wrong, does not fit the data, or a run cannot finish.
pub fn calibrate(question: Question<'_>, watch: Option<Watch<'_>>) -> Result<Calibration, CalibrateError> {
    let loaded = question.document.load(&[])?;
    let [server] = &loaded.model.servers[..] else {
        let servers = loaded.model.servers.len();
        return Err(CalibrateError::Question(format!(
            "{} has {servers} servers; calibrate takes a scenario with one, whose pods the data are of",
            question.document.name()
        )));
    };
    let sums = question.readings.sums(question.fit);
    let by_pod = sums.calls();
    let calls: f64 = by_pod.iter().sum();
    if calls < estimate::FEWEST_CALLS {
        let (from, to) = (question.fit.from, question.fit.to);
        return Err(CalibrateError::Question(format!(
            "{calls} calls ended from {from} s to {to} s of the data; at least {} are needed",
            estimate::FEWEST_CALLS
        )));
    }
    let found = estimate::estimate(&loaded.model, server, question.readings, &sums, question.fit);
    let prediction = question.predict.map(|part| predict::predict(question, part, &loaded.model, &found, watch));
    let estimate::Found { estimates, untold, .. } = found;
    Ok(Calibration {
        scenario: loaded.model.name.clone(),
        source: question.readings.source.histogram.to_owned(),
        fit: question.fit,
        calls,
        pods: by_pod.iter().filter(|calls| **calls > 0.0).count(),
        sets: estimates.iter().map(|e| format!("{}={}", e.path, e.value)).collect(),
        estimates,
        untold,
        prediction: prediction.transpose()?,
    })
}
