//! `traffic`: each pod's share of the requests over time, as a stacked area that always fills 100 %. Calls that failed, wherever,
//! are a part of their own, at the bottom: what is lost is red.

use super::figure::{Area, Body, EndLabel, Figure, Mark, Panel, TimeChart};
use super::groups::{self, Group};
use super::headline;
use super::palette::{self, Rgb};
use super::scale::Scale;
use super::traces::{PodTrace, Traces};
use crate::metrics::outcome::{EventKind, Outcome};
use crate::output::csv;
use crate::words::{self, rounded};

/// Longest label of an event, in characters.
const MARK_MOST: usize = 76;

/// The figure.
pub(super) fn figure(outcome: &Outcome, traces: &Traces) -> Figure {
    let groups = groups::of(traces);
    let calls = |bin: usize| {
        let served = groups.iter().map(|group| group.sum(traces, bin, |b| b.requests.saturating_sub(b.errors)));
        // What failed was received before it failed, or never.
        served.chain([traces.failed(bin)]).collect()
    };
    let bands = bands(traces.bins, calls, |sum| sum as f64);
    let mut areas: Vec<Area> =
        groups.iter().zip(&bands).map(|(group, band)| area(traces, &group.name, group.colour, band)).collect();
    let failed: u64 = (0..traces.bins).map(|bin| traces.failed(bin)).sum();
    if failed > 0 {
        areas.extend(bands.last().map(|band| area(traces, "failed", palette::ALARM, band)));
    }
    let (labels_title, mut labels) = labels(traces, &groups, &bands);
    labels.extend(failing(traces, &bands));
    let what = match outcome.summary.pods.iter().any(|p| p.messages > 0) {
        true => "messages and openings of streams",
        false if failed > 0 => "calls",
        false => "requests",
    };
    let height = (labels.len() as f64 * 18.0).max(400.0);
    let chart = TimeChart {
        height,
        scale: Scale::Linear(1.0),
        percent: true,
        y_title: format!("share of the {what} in each {}", words::duration(traces.bin_s)),
        end_s: traces.end_s,
        warmup_s: traces.warmup_s,
        marks: marks(outcome),
        areas,
        lines: Vec::new(),
        labels_title,
        labels,
    };
    let gone = groups.iter().filter(|g| g.gone(traces));
    let mut subtitle = vec![headline::figures(&outcome.summary)];
    subtitle.extend(headline::last_phase(traces));
    subtitle.extend(headline::failures(&outcome.summary));
    let mut legend: Vec<(Rgb, String)> =
        gone.map(|g| (g.colour, format!("{} (gone)", words::middle_cut(&g.name, 40)))).collect();
    if failed > 0 {
        legend.push((palette::ALARM, failed_where(traces, failed)));
    }
    Figure {
        title: format!("Share of requests per pod, {}", outcome.summary.scenario),
        subtitle,
        panels: vec![Panel { title: String::new(), body: Body::Time(chart) }],
        columns: 1,
        legend,
    }
}

/// The events that are worth a line in every chart over time.
pub(super) fn marks(outcome: &Outcome) -> Vec<Mark> {
    let worth = |kind| !matches!(kind, EventKind::Pod | EventKind::Client);
    let mut marks: Vec<Mark> = Vec::new();
    for event in outcome.events.iter().filter(|e| worth(e.kind)) {
        let at_s = rounded(event.time_s, csv::TIME);
        let label = format!("{} {}", words::duration(at_s), words::middle_cut(&event.what, MARK_MOST));
        marks.push(Mark { at_s, label });
    }
    marks
}

/// How many calls failed, and where.
fn failed_where(traces: &Traces, failed: u64) -> String {
    let errors = |p: &PodTrace| p.bins.iter().flatten().map(|b| b.errors).sum::<u64>();
    let mut at: Vec<(u64, &str)> = traces.pods.iter().map(|p| (errors(p), p.name.as_str())).collect();
    at.push((traces.unplaced.iter().sum(), ""));
    at.retain(|(n, _)| *n > 0);
    // A stable sort: equal pods stay in order of creation.
    at.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
    let (named, others) = at.split_at(at.len().min(3));
    let place = |(n, name): &(u64, &str)| match *name {
        "" => format!("{} with no pod to go to, or one that was gone", words::count(*n)),
        name => format!("{} at {}", words::count(*n), words::middle_cut(name, 32)),
    };
    let mut places: Vec<String> = named.iter().map(place).collect();
    if !others.is_empty() {
        places.push(format!("{} elsewhere", words::count(others.iter().map(|o| o.0).sum())));
    }
    let warmup = if traces.warmup_s > 0.0 { " (in the warmup, too)" } else { "" };
    let calls = if failed == 1 { "call" } else { "calls" };
    format!("{} {calls} failed{warmup}: {}", words::count(failed), places.join(", "))
}

/// A label for what still fails at the end, with its share of the last phase.
fn failing(traces: &Traces, bands: &[Band]) -> Option<EndLabel> {
    let &(lo, hi) = bands.last()?.iter().rev().flatten().next().filter(|band| band.1 > band.0)?;
    let from = traces.last_phase().map_or(traces.end_s, |p| p.from_s);
    let bins: Vec<usize> = (0..traces.bins).filter(|&bin| traces.from(bin) >= from).collect();
    let failed: u64 = bins.iter().map(|&bin| traces.failed(bin)).sum();
    let served = |p: &PodTrace| -> u64 {
        bins.iter().filter_map(|&bin| p.bins[bin]).map(|b| b.requests.saturating_sub(b.errors)).sum()
    };
    let all = failed + traces.pods.iter().map(served).sum::<u64>();
    let share = if all > 0 { failed as f64 / all as f64 } else { hi - lo };
    let figure = format!("{} of the calls", words::percent(share));
    Some(EndLabel { value: (lo + hi) / 2.0, colour: palette::ALARM, name: "failed".into(), figure, alarm: true })
}

/// A band's lower and upper end per bin.
pub(super) type Band = Vec<Option<(f64, f64)>>;

/// The band of each part of a stack; `None` where there is nothing. The first part is on top, so that the bands stand in the order
/// in which the labels are read. `whole` is what a bin's sum is divided by.
pub(super) fn bands(bins: usize, parts: impl Fn(usize) -> Vec<u64>, whole: impl Fn(u64) -> f64) -> Vec<Band> {
    let mut bands = Vec::new();
    for bin in 0..bins {
        let parts = parts(bin);
        bands.resize(parts.len(), Band::new());
        let sum: u64 = parts.iter().sum();
        let mut above = 0;
        for (band, n) in bands.iter_mut().zip(parts) {
            // From whole numbers, so that the last band ends at exactly zero.
            let level = |above: u64| (sum - above) as f64 / whole(sum);
            band.push((sum > 0).then(|| (level(above + n), level(above))));
            above += n;
        }
    }
    bands
}

pub(super) fn area(traces: &Traces, name: &str, fill: Rgb, band: &[Option<(f64, f64)>]) -> Area {
    let thick = |bin: usize| band.get(bin).copied().flatten().is_some_and(|(lo, hi)| hi > lo);
    // One flat bin on each side of a visible stretch, so that the band narrows together with its neighbours.
    let shown = |bin: usize| thick(bin) || thick(bin + 1) || (bin > 0 && thick(bin - 1));
    let mut stretches: Vec<Vec<(f64, f64, f64)>> = Vec::new();
    let mut open = false;
    for (bin, ends) in band.iter().enumerate() {
        let Some((lo, hi)) = ends.filter(|_| shown(bin)) else {
            open = false;
            continue;
        };
        if !open {
            stretches.push(vec![(traces.from(bin), lo, hi)]);
        }
        open = true;
        if let Some(stretch) = stretches.last_mut() {
            stretch.push((traces.middle(bin), lo, hi));
            if bin + 1 == band.len() || band[bin + 1].is_none() || !shown(bin + 1) {
                stretch.push((traces.to(bin), lo, hi));
            }
        }
    }
    Area { name: name.to_owned(), fill, stretches, labelled: true }
}

/// A label for every group that is there at the end, with its share of the last phase.
fn labels(traces: &Traces, groups: &[Group], bands: &[Band]) -> (String, Vec<EndLabel>) {
    let phase = traces.last_phase();
    let shares = phase.and_then(|p| p.shares());
    let starved = phase.map(|p| p.starved()).unwrap_or_default();
    let mut labels = Vec::new();
    for (group, band) in groups.iter().zip(bands).filter(|(g, _)| !g.gone(traces)) {
        let Some(&(lo, hi)) = band.iter().rev().flatten().next() else { continue };
        let of = |pod: usize| shares.as_ref().and_then(|s| s.iter().find(|s| s.0 == pod)).map(|s| s.1);
        let known: Vec<f64> = group.members.iter().filter_map(|&m| of(m)).collect();
        let share = if known.is_empty() { hi - lo } else { known.iter().sum() };
        let hungry = group.members.iter().filter(|m| starved.contains(m)).count();
        let figure = match (hungry, group.is_rest()) {
            (0, _) => words::percent(share),
            (_, false) if share == 0.0 => "0 % — idle".into(),
            (_, false) => format!("{} — starved", words::percent(share)),
            (n, true) => format!("{}, {n} starved", words::percent(share)),
        };
        let (name, colour) = (group.name.clone(), group.colour);
        labels.push(EndLabel { value: (lo + hi) / 2.0, colour, name, figure, alarm: hungry > 0 });
    }
    let title = match (phase, &shares) {
        (Some(phase), Some(shares)) => {
            let even = words::percent(1.0 / shares.len() as f64);
            format!("{} (even: {even}):", headline::since(traces, phase))
        }
        _ => "At the end:".into(),
    };
    (title, labels)
}
