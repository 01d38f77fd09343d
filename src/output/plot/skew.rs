//! `skew`: a bar per pod with the even share marked, for the first and the last phase of the run.

use super::figure::{Bar, BarChart, Body, Figure, Panel};
use super::headline;
use super::palette::{OTHERS, Rgb};
use super::traces::{PODS_MOST, PODS_TOP, Phase, STARVED, Traces};
use crate::metrics::outcome::Outcome;
use crate::words;

/// How many pods are drawn one by one.
const EACH: (usize, usize) = (PODS_MOST, PODS_TOP);

/// The figure.
pub(super) fn figure(outcome: &Outcome, traces: &Traces) -> Figure {
    let mut subtitle = vec![headline::figures(&outcome.summary)];
    subtitle.extend(headline::last_phase(traces));
    subtitle.extend(headline::failures(&outcome.summary));
    let mut charts: Vec<(String, BarChart)> = Vec::new();
    let phases: Vec<&Phase> = match &traces.phases[..] {
        [] => Vec::new(),
        [only] => vec![only],
        [first, .., last] => vec![first, last],
    };
    for phase in phases {
        if let Some(shares) = phase.shares() {
            let title = format!("{}: {} Ready pods", headline::since(traces, phase), shares.len());
            charts.push((title, chart(&named(traces, &shares), EACH)));
        }
    }
    if charts.is_empty() {
        let all = outcome.summary.pods.iter().zip(&traces.pods);
        let shares: Vec<(String, Rgb, f64)> =
            all.filter_map(|(pod, trace)| Some((pod.pod.clone(), trace.colour, pod.share?))).collect();
        charts.push(("Over the whole run, all pods".into(), chart(&shares, EACH)));
    }
    // One scale for all panels: equal lengths are equal shares.
    let most = charts.iter().map(|(_, c)| c.most).fold(0.0, f64::max);
    let panel = |(title, chart): (String, BarChart)| Panel { title, body: Body::Bars(BarChart { most, ..chart }) };
    Figure {
        title: format!("Skew: share of requests per pod, {}", outcome.summary.scenario),
        subtitle,
        columns: charts.len(),
        panels: charts.into_iter().map(panel).collect(),
        legend: Vec::new(),
    }
}

fn named(traces: &Traces, shares: &[(usize, f64)]) -> Vec<(String, Rgb, f64)> {
    let name = |&(pod, share): &(usize, f64)| (traces.pods[pod].name.clone(), traces.pods[pod].fill, share);
    shares.iter().map(name).collect()
}

/// Bars for pods with their shares, which sum to one. Of many pods the busiest get a bar each, the others one bar of their
/// mean and one that counts the idle ones. `all` pods or fewer are drawn one by one; of more, the `top`.
pub(super) fn chart(pods: &[(String, Rgb, f64)], (all, top): (usize, usize)) -> BarChart {
    let even = 1.0 / pods.len().max(1) as f64;
    let bar = |(name, fill, share): &(String, Rgb, f64)| Bar {
        name: name.clone(),
        value: *share,
        parts: Vec::new(),
        figure: figure_of(*share, even),
        fill: *fill,
        alarm: *share < STARVED * even,
    };
    let mut bars: Vec<Bar>;
    if pods.len() <= all {
        bars = pods.iter().map(bar).collect();
    } else {
        let mut sorted = pods.to_vec();
        sorted.sort_by(|a, b| b.2.total_cmp(&a.2));
        let (top, rest) = sorted.split_at(top.min(sorted.len()));
        bars = top.iter().map(bar).collect();
        let busy: Vec<f64> = rest.iter().map(|p| p.2).filter(|s| *s > 0.0).collect();
        let idle = rest.len() - busy.len();
        if !busy.is_empty() {
            let mean = busy.iter().sum::<f64>() / busy.len() as f64;
            let name = format!("mean of {} other pods", busy.len());
            bars.push(Bar {
                name,
                value: mean,
                parts: Vec::new(),
                figure: figure_of(mean, even),
                fill: OTHERS,
                alarm: false,
            });
        }
        if idle > 0 {
            let name = format!("{idle} other pods");
            bars.push(Bar {
                name,
                value: 0.0,
                parts: Vec::new(),
                figure: "0 — idle".into(),
                fill: OTHERS,
                alarm: true,
            });
        }
    }
    let most = pods.iter().map(|p| p.2).fold(even, f64::max);
    let line = (!pods.is_empty()).then(|| (even, format!("even: {}", words::percent(even))));
    BarChart { bars, most, even: line }
}

fn figure_of(share: f64, even: f64) -> String {
    match share {
        0.0 => "0 — idle".into(),
        s => format!("{} ({} ×)", words::percent(s), words::trimmed(s / even, 2)),
    }
}
