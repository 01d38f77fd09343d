//! Pictures: an [`Outcome`] becomes [`Figure`]s (plain data), a figure becomes SVG text (feature `svg`), and PNG from that text (feature `png`). No system
//! fonts or libraries; equal outcomes give equal bytes.

#[cfg(feature = "svg")]
mod draw;
mod figure;
mod groups;
mod headline;
mod over_time;
mod palette;
mod plan;
#[cfg(feature = "png")]
mod png;
mod scale;
mod skew;
mod small_multiples;
mod sweep;
mod traces;
mod traffic;

pub use figure::{
    Area, Bar, BarChart, Body, Curve, EndLabel, Field, Figure, HeatChart, Line, Mark, Panel, TimeChart, ValueChart,
};
pub use palette::Rgb;
pub use plan::{pods_needed, trade_off};
pub use scale::Scale;
pub use small_multiples::{LAST_PHASE, small_multiples};
pub use sweep::over_values;

use crate::metrics::outcome::Outcome;

/// The figures of one run with the stems of their files: `traffic`, `skew`, `connections`, `latency`,
/// `utilization`.
#[must_use]
pub fn figures(outcome: &Outcome) -> Vec<(&'static str, Figure)> {
    let traces = traces::Traces::of(outcome);
    vec![
        ("traffic", traffic::figure(outcome, &traces)),
        ("skew", skew::figure(outcome, &traces)),
        ("connections", over_time::connections(outcome, &traces)),
        ("latency", over_time::latency(outcome, &traces)),
        ("utilization", over_time::utilization(outcome, &traces)),
    ]
}

#[cfg(test)]
mod tests;
