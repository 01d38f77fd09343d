//! `connections`: a stack of the pods over time; `latency` and `utilization`: lines for those that matter, and the range of the
//! others.

use super::figure::{Area, Body, Curve, EndLabel, Figure, Line, Panel, TimeChart};
use super::groups::{self, Group};
use super::headline;
use super::palette::{MEAN, Rgb};
use super::scale::Scale;
use super::traces::{Bin, COLOURS_MOST, LINES_MOST, Traces};
use super::traffic::{Band, area, bands, marks};
use crate::metrics::outcome::Outcome;
use crate::words;

/// `connections`: established connections per pod, one upon the other, so that none hides another.
pub(super) fn connections(outcome: &Outcome, traces: &Traces) -> Figure {
    let groups = groups::of(traces);
    let count = |group: &Group, bin: usize| group.sum(traces, bin, |b| u64::from(b.connections));
    let bands = bands(traces.bins, |bin| groups.iter().map(|group| count(group, bin)).collect(), |_| 1.0);
    let areas = groups.iter().zip(&bands).map(|(group, band)| area(traces, &group.name, group.colour, band));
    let label = |(group, band): (&Group, &Band)| {
        let &(lo, hi) = band.iter().rev().flatten().next()?;
        let (name, colour) = (group.name.clone(), group.colour);
        Some(EndLabel { value: (lo + hi) / 2.0, colour, name, figure: words::short(hi - lo), alarm: hi == lo })
    };
    let there = groups.iter().zip(&bands).filter(|(group, _)| !group.gone(traces));
    let labels: Vec<EndLabel> = there.filter_map(label).collect();
    let most = bands.iter().flatten().flatten().map(|band| band.1).fold(0.0, f64::max);
    let chart = TimeChart {
        height: (labels.len() as f64 * 18.0).max(400.0),
        scale: Scale::Linear(if most > 0.0 { most * 1.05 } else { 1.0 }),
        percent: false,
        y_title: "connections, pod upon pod".into(),
        end_s: traces.end_s,
        warmup_s: traces.warmup_s,
        marks: marks(outcome),
        areas: areas.collect(),
        lines: Vec::new(),
        labels_title: if labels.is_empty() { String::new() } else { "At the end:".into() },
        labels,
    };
    let sum: u64 = outcome.summary.pods.iter().map(|p| p.connections_at_end).sum();
    let text = format!(
        "{} connections were opened; {} were in use at the end; {} reconnects per second",
        words::count(outcome.summary.connections.opened),
        words::count(sum),
        words::short(outcome.summary.reconnects_per_s)
    );
    let mut subtitle = vec![Line { text, alarm: false }];
    subtitle.extend(headline::last_phase(traces));
    Figure {
        title: format!("Connections per pod, {}", outcome.summary.scenario),
        subtitle,
        panels: vec![Panel { title: String::new(), body: Body::Time(chart) }],
        columns: 1,
        legend: gone(traces, &groups),
    }
}

/// `latency`: per pod, the 99th percentile above, the median below. Quantiles of several pods or windows are never averaged.
pub(super) fn latency(outcome: &Outcome, traces: &Traces) -> Figure {
    let groups = groups::few(traces, LINES_MOST);
    let window = words::duration(traces.window_s);
    let of = if traces.bin_s > traces.window_s * 1.5 {
        format!("the largest of the {window} windows in each {}", words::duration(traces.bin_s))
    } else {
        format!("of each {window} window")
    };
    let all = &outcome.summary.latency_ms;
    let ms = words::millis_or_dash;
    let text = format!(
        "All pods, whole run: p50 {}, p99 {}, p99.9 {}, max {}",
        ms(all.p50),
        ms(all.p99),
        ms(all.p999),
        ms(all.max)
    );
    let panel = |title: &str, height: f64, value: fn(&Bin) -> Option<f64>| Panel {
        title: format!("{title}, {of}"),
        body: Body::Time(chart(outcome, traces, &groups, height, (Of::Milliseconds, value))),
    };
    let few = if groups.iter().any(Group::is_rest) { " Lines: the busiest pod and slow ones." } else { "" };
    let note = format!(
        "Of the calls that a pod answered, from the call to the response; a gap means that it answered none.{few}"
    );
    let mut subtitle = vec![Line { text, alarm: false }, Line { text: note, alarm: false }];
    subtitle.extend(headline::throttled(&outcome.summary));
    Figure {
        title: format!("Latency per pod, {}", outcome.summary.scenario),
        subtitle,
        panels: vec![panel("p99 per pod", 300.0, |bin| bin.p99_ms), panel("p50 per pod", 200.0, |bin| bin.p50_ms)],
        columns: 1,
        legend: gone(traces, &groups),
    }
}

/// `utilization`: the busy part of each pod's slots, and the mean of the pods, which is what an autoscaler sees.
pub(super) fn utilization(outcome: &Outcome, traces: &Traces) -> Figure {
    let groups = groups::few(traces, COLOURS_MOST);
    let mut chart = chart(outcome, traces, &groups, 400.0, (Of::Part, Bin::utilization));
    let mean = |bin: usize| {
        let busy: Vec<f64> = traces.pods.iter().filter_map(|pod| pod.bins[bin].as_ref()?.utilization()).collect();
        (!busy.is_empty()).then(|| busy.iter().sum::<f64>() / busy.len() as f64)
    };
    let series: Vec<Option<f64>> = (0..traces.bins).map(mean).collect();
    let mean = Curve {
        name: "mean of all pods".into(),
        stroke: MEAN,
        stretches: stretches(&series, |bin, value| (traces.middle(bin), value)),
    };
    if traces.pods.len() > 1 {
        chart.labels.extend(end_labels(traces, std::slice::from_ref(&mean), &[], Of::Part));
        chart.labels.sort_by(|a, b| b.value.total_cmp(&a.value));
        chart.lines.push(mean);
    }
    let busiest = outcome.summary.pods.iter().filter_map(|pod| Some((pod.utilization?, pod.pod.as_str())));
    let text = match busiest.max_by(|a, b| a.0.total_cmp(&b.0)) {
        None => "No pod was Ready throughout any window".to_owned(),
        Some((busy, name)) => {
            format!("Busiest pod, whole run: {} with {}", words::middle_cut(name, 40), words::percent(busy))
        }
    };
    let note = "The busy part of what a pod has, slots or CPU. An autoscaler goes by the mean of the pods, and a caller waits for the busiest.";
    let mut subtitle = vec![Line { text, alarm: false }, Line { text: note.to_owned(), alarm: false }];
    subtitle.extend(headline::throttled(&outcome.summary));
    Figure {
        title: format!("Utilization per pod, {}", outcome.summary.scenario),
        subtitle,
        panels: vec![Panel { title: String::new(), body: Body::Time(chart) }],
        columns: 1,
        legend: gone(traces, &groups),
    }
}

fn gone(traces: &Traces, groups: &[Group]) -> Vec<(Rgb, String)> {
    let gone = groups.iter().filter(|g| g.gone(traces));
    gone.map(|g| (g.colour, format!("{} (gone)", words::middle_cut(&g.name, 40)))).collect()
}

/// What a chart of lines shows.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    Milliseconds,
    Part,
}

impl Of {
    fn text(self, value: f64) -> String {
        match self {
            Of::Milliseconds => words::short(value),
            Of::Part => words::percent(value),
        }
    }

    /// The y axis for these values, and its title.
    fn axis(self, values: &[f64]) -> (Scale, String) {
        match (self, Scale::of(values)) {
            (Of::Part, _) => (Scale::Linear(1.0), "busy part of the capacity".into()),
            (Of::Milliseconds, scale @ Scale::Log(..)) => (scale, "milliseconds (log scale)".into()),
            (Of::Milliseconds, scale) => (scale, "milliseconds".into()),
        }
    }
}

/// A part of the slots that leaves none for more.
const FULL: f64 = 0.95;

fn chart(
    outcome: &Outcome,
    traces: &Traces,
    groups: &[Group],
    height: f64,
    (unit, value): (Of, impl Fn(&Bin) -> Option<f64>),
) -> TimeChart {
    let of = |pod: usize, bin: usize| traces.pods[pod].bins[bin].as_ref().and_then(&value);
    let (rests, singles): (Vec<&Group>, Vec<&Group>) = groups.iter().partition(|g| g.is_rest());
    let lines = merged_lines(traces, &singles, &of);
    let areas: Vec<Area> = rests.iter().map(|g| range(traces, g, &of)).collect();
    let values: Vec<f64> = traces.pods.iter().flat_map(|p| p.bins.iter().flatten()).filter_map(&value).collect();
    let (scale, y_title) = unit.axis(&values);
    let labels = end_labels(traces, &lines, &areas, unit);
    TimeChart {
        height: (labels.len() as f64 * 18.0).max(height),
        scale,
        percent: unit == Of::Part,
        y_title,
        end_s: traces.end_s,
        warmup_s: traces.warmup_s,
        marks: marks(outcome),
        areas,
        lines,
        labels_title: if labels.is_empty() { String::new() } else { "At the end:".into() },
        labels,
    }
}

/// A line per pod; pods with the same values at all times share one, else only the last drawn would be seen.
fn merged_lines(traces: &Traces, groups: &[&Group], of: &impl Fn(usize, usize) -> Option<f64>) -> Vec<Curve> {
    let mut found: Vec<(Vec<Option<f64>>, Vec<&Group>)> = Vec::new();
    for &group in groups {
        let series: Vec<Option<f64>> = (0..traces.bins).map(|bin| of(group.members[0], bin)).collect();
        match found.iter_mut().find(|(known, _)| *known == series) {
            Some((_, names)) => names.push(group),
            None => found.push((series, vec![group])),
        }
    }
    let curve = |(series, groups): (Vec<Option<f64>>, Vec<&Group>)| Curve {
        name: shared_name(&groups),
        stroke: groups[0].colour,
        stretches: stretches(&series, |bin, value| (traces.middle(bin), value)),
    };
    found.into_iter().map(curve).filter(|c| !c.stretches.is_empty()).collect()
}

fn shared_name(groups: &[&Group]) -> String {
    match groups {
        [] => String::new(),
        [one] => one.name.clone(),
        [one, two] => format!("{} and {}", one.name, two.name),
        [first, .., last] => format!("{} … {} ({} pods)", first.name, last.name, groups.len()),
    }
}

/// The range of the values of several pods, from the least to the largest.
fn range(traces: &Traces, group: &Group, of: &impl Fn(usize, usize) -> Option<f64>) -> Area {
    let ends = |bin: usize| {
        let values = || group.members.iter().filter_map(|&pod| of(pod, bin));
        let least = values().reduce(f64::min)?;
        Some((least, values().fold(least, f64::max)))
    };
    let series: Vec<Option<(f64, f64)>> = (0..traces.bins).map(ends).collect();
    let name = format!("{} (range)", group.name);
    let stretches = stretches(&series, |bin, (lo, hi)| (traces.middle(bin), lo, hi));
    // The lines run above it: its name stands at the end.
    Area { name, fill: group.colour, stretches, labelled: false }
}

/// Unbroken stretches of what has a value.
fn stretches<V: Copy, P>(series: &[Option<V>], point: impl Fn(usize, V) -> P) -> Vec<Vec<P>> {
    let mut stretches: Vec<Vec<P>> = Vec::new();
    let mut open = false;
    for (bin, value) in series.iter().enumerate() {
        if let Some(value) = value {
            if !open {
                stretches.push(Vec::new());
            }
            if let Some(stretch) = stretches.last_mut() {
                stretch.push(point(bin, *value));
            }
        }
        open = value.is_some();
    }
    stretches
}

/// Labels for what reaches the last tenth of the time axis, from the largest value to the least.
fn end_labels(traces: &Traces, lines: &[Curve], areas: &[Area], unit: Of) -> Vec<EndLabel> {
    let late = |seconds: f64| seconds >= traces.end_s * 0.9;
    let mut labels = Vec::new();
    for line in lines {
        if let Some(&(_, value)) = line.stretches.last().and_then(|s| s.last()).filter(|p| late(p.0)) {
            let (name, colour) = (line.name.clone(), line.stroke);
            let alarm = unit == Of::Part && value >= FULL;
            labels.push(EndLabel { value, colour, name, figure: unit.text(value), alarm });
        }
    }
    for area in areas {
        if let Some(&(_, lo, hi)) = area.stretches.last().and_then(|s| s.last()).filter(|p| late(p.0)) {
            let figure = format!("{}–{}", unit.text(lo), unit.text(hi));
            let (name, colour) = (area.name.clone(), area.fill);
            labels.push(EndLabel { value: (lo + hi) / 2.0, colour, name, figure, alarm: false });
        }
    }
    labels.sort_by(|a, b| b.value.total_cmp(&a.value));
    labels
}
