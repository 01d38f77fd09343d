//! Skew of several scenarios side by side: a small bar chart each, all on one scale.

use super::figure::{BarChart, Body, Figure, Line, Panel};
use super::palette::{NEUTRAL, Rgb};
use super::skew;
use crate::metrics::outcome::{Outcome, PodSummary};
use crate::output::format;

/// How the requests of one scenario fell on its pods at one time: what a small chart needs.
#[derive(Clone, Debug, PartialEq)]
pub struct PodShares {
    /// The scenario.
    pub scenario: String,
    /// Each pod with its share, in order of creation; the shares sum to one.
    pub pods: Vec<(String, f64)>,
}

/// The shares of now, as in the table of `run`: of the last settled phase. Of the whole run if there is no such phase.
#[must_use]
pub fn pod_shares(outcome: &Outcome) -> PodShares {
    let summary = &outcome.summary;
    let scenario = summary.scenario.clone();
    let pods = |share: &dyn Fn(&PodSummary) -> Option<f64>| {
        summary.pods.iter().filter_map(|pod| Some((pod.pod.clone(), share(pod)?))).collect()
    };
    match summary.headline() {
        Some(_) => {
            let now = |pod: &PodSummary| pod.now.as_ref().and_then(|now| now.share);
            PodShares { scenario, pods: pods(&now) }
        }
        None => PodShares { scenario, pods: pods(&|pod| pod.share) },
    }
}

/// What [`pod_shares`] are shares of.
pub const LAST_PHASE: &str = "Share of requests per Ready pod in run 0, in the last settled phase";

/// How many pods of a scenario are drawn one by one; of more, how many.
const EACH: (usize, usize) = (12, 8);

/// The figure: a panel per scenario, three side by side; `of` says which requests these are.
#[must_use]
pub fn small_multiples(title: &str, of: &str, scenarios: &[PodShares]) -> Figure {
    let chart = |shares: &PodShares| {
        let pods: Vec<(String, Rgb, f64)> =
            shares.pods.iter().map(|(name, share)| (name.clone(), NEUTRAL, *share)).collect();
        in_times_even(skew::chart(&pods, EACH))
    };
    let charts: Vec<BarChart> = scenarios.iter().map(chart).collect();
    let most = charts.iter().map(|c| c.most).fold(0.0, f64::max);
    let panels = scenarios.iter().zip(charts).map(|(shares, chart)| Panel {
        title: format::middle_cut(&shares.scenario, 40),
        body: Body::Bars(BarChart { most, ..chart }),
    });
    let note = format!("{of}; bars in multiples (×) of the even share, the dashed line.");
    Figure {
        title: title.into(),
        subtitle: vec![Line { text: note, alarm: false }],
        panels: panels.collect(),
        columns: scenarios.len().clamp(1, 3),
        legend: Vec::new(),
    }
}

/// Scenarios with different numbers of pods compare by multiples of the even share.
fn in_times_even(mut chart: BarChart) -> BarChart {
    let Some((even, label)) = chart.even.take() else { return chart };
    for bar in &mut chart.bars {
        bar.value /= even;
    }
    BarChart { most: chart.most / even, even: Some((1.0, label)), ..chart }
}
