//! Skew of several scenarios side by side: a small bar chart each, all on one scale, or, of many, a bar each.

use super::figure::{Bar, BarChart, Body, Figure, Line, Panel};
use super::palette::{NEUTRAL, Rgb};
use super::skew;
use super::traces::STARVED;
use crate::experiment::PodShares;
use crate::words;

/// What `experiment::pod_shares` are shares of.
pub const LAST_PHASE: &str = "Share of requests per Ready pod in run 0, in the last settled phase";

/// How many pods of a scenario are drawn one by one; of more, how many.
const EACH: (usize, usize) = (12, 8);

/// More scenarios than this get a bar each and no panel: to compare is to see all at once.
const PANELS_MOST: usize = 9;
/// Parts of such a bar that are drawn one by one.
const PARTS_MOST: usize = 24;

/// The figure: a panel per scenario, three side by side, or a bar per scenario if they are many; `of` says which requests these
/// are.
#[must_use]
pub fn small_multiples(title: &str, of: &str, scenarios: &[PodShares]) -> Figure {
    if scenarios.len() > PANELS_MOST {
        return one_bar_each(title, of, scenarios);
    }
    let chart = |shares: &PodShares| {
        let pods: Vec<(String, Rgb, f64)> =
            shares.pods.iter().map(|(name, share)| (name.clone(), NEUTRAL, *share)).collect();
        in_times_even(skew::chart(&pods, EACH))
    };
    let charts: Vec<BarChart> = scenarios.iter().map(chart).collect();
    let most = charts.iter().map(|c| c.most).fold(0.0, f64::max);
    let panels = scenarios.iter().zip(charts).map(|(shares, chart)| Panel {
        title: words::middle_cut(&shares.scenario, 40),
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

fn one_bar_each(title: &str, of: &str, scenarios: &[PodShares]) -> Figure {
    let bars = scenarios.iter().map(|shares| {
        let mut parts = shares.pods.clone();
        // A stable sort: of equally busy pods the older one comes first.
        parts.sort_by(|a, b| b.1.total_cmp(&a.1));
        let (n, idle) = (parts.len(), parts.iter().filter(|pod| pod.1 == 0.0).count());
        let times = parts.first().map_or(0.0, |busiest| busiest.1 * n as f64);
        let few = parts.iter().any(|pod| pod.1 * (n as f64) < STARVED);
        let idle = if idle > 0 { format!(", {idle} of {n} idle") } else { String::new() };
        let rest: f64 = parts.iter().skip(PARTS_MOST).map(|pod| pod.1).sum();
        parts.truncate(PARTS_MOST);
        for (name, share) in &mut parts {
            *name = format!("{name}: {}", words::percent(*share));
        }
        if rest > 0.0 {
            parts.push((format!("other pods: {}", words::percent(rest)), rest));
        }
        Bar {
            name: words::middle_cut(&shares.scenario, 40),
            value: parts.iter().map(|part| part.1).sum(),
            parts,
            figure: format!("{} ×{idle}", words::trimmed(times, 2)),
            fill: NEUTRAL,
            alarm: few,
        }
    });
    let note = format!(
        "{of}. A part of a bar is a pod, the busiest dark and first; × is its multiple of the even share. Red: a pod gets \
         less than half of the even share."
    );
    let chart = BarChart { bars: bars.collect(), most: 1.0, even: None };
    Figure {
        title: title.into(),
        subtitle: vec![Line { text: note, alarm: false }],
        panels: vec![Panel { title: String::new(), body: Body::Bars(chart) }],
        columns: 1,
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
