//! The pictures of `plan`: pods (or load) per candidate, and what a setting trades.

use super::figure::{Bar, BarChart, Body, Figure, Line, Panel, ValueChart};
use super::palette::{NEUTRAL, OTHERS, Rgb};
use super::scale::Scale;
use crate::experiment::plan::{Answer, Candidate, KnobPoint, PlanReport, Searched, TradeOff};
use crate::words::{short, trimmed};

/// The cheapest candidate.
const CHEAPEST: Rgb = Rgb(0, 158, 115);

/// A panel per scene with a bar per candidate; even load is a line.
#[must_use]
pub fn pods_needed(report: &PlanReport) -> Figure {
    let scenes: [(&str, Scene); 2] =
        [("While nothing happens", |c| c.steady.as_ref()), ("Through", |c| c.through.as_ref())];
    let mut charts: Vec<(String, BarChart)> = Vec::new();
    for (i, (title, of)) in scenes.into_iter().enumerate() {
        if report.candidates.iter().any(|c| of(c).is_some()) {
            let through = report.through.as_ref().filter(|_| i == 1);
            let title = through.map_or_else(|| title.to_owned(), |words| format!("{title} {words}"));
            charts.push((title, chart(report, of)));
        }
    }
    // One scale for both panels.
    let most = charts.iter().map(|(_, c)| c.most).fold(0.0, f64::max);
    let panels = charts.into_iter().map(|(title, chart)| Panel { title, body: Body::Bars(BarChart { most, ..chart }) });
    let title = match report.searched {
        Searched::Pods { .. } => format!("Fewest pods of {}, {}", report.server, report.scenario),
        Searched::Load { pods, .. } => format!("Highest load on {pods} pods of {}, {}", report.server, report.scenario),
    };
    let mut subtitle = vec![Line { text: format!("so that {}", report.slos.join(", and ")), alarm: false }];
    let even =
        "Dashed: what even load needs, each call on a pod drawn uniformly; bars beyond it are the price of skew.";
    if report.even.is_some() && matches!(report.searched, Searched::Pods { .. }) {
        subtitle.push(Line { text: even.into(), alarm: false });
    }
    let panels: Vec<Panel> = panels.collect();
    let legend = report.cheapest.iter().map(|name| (CHEAPEST, format!("cheapest: {name}"))).collect();
    Figure { title, subtitle, columns: panels.len().max(1), panels, legend }
}

/// Reads the answer of one scene.
type Scene = fn(&Candidate) -> Option<&Answer>;

fn chart(report: &PlanReport, of: Scene) -> BarChart {
    let bound = match report.searched {
        Searched::Pods { hi, .. } => (f64::from(hi), format!("more than {hi}")),
        Searched::Load { range, .. } => (0.0, format!("less than {}", short(range.0))),
    };
    let text = |best: f64| match report.searched {
        Searched::Pods { .. } => trimmed(best, 0),
        Searched::Load { .. } => format!("{} ×", short(best)),
    };
    let bar = |c: &Candidate| {
        let answer = of(c)?;
        let fill = if Some(&c.name) == report.cheapest.as_ref() { CHEAPEST } else { NEUTRAL };
        Some(match answer.best {
            Some(best) => {
                let broken = answer.broken_by.map(|beyond| format!(", but not {}", text(beyond)));
                let figure = text(best) + &broken.unwrap_or_default();
                Bar { name: c.name.clone(), value: best, parts: Vec::new(), figure, fill, alarm: false }
            }
            None => Bar {
                name: c.name.clone(),
                value: bound.0,
                parts: Vec::new(),
                figure: bound.1.clone(),
                fill: OTHERS,
                alarm: true,
            },
        })
    };
    let bars: Vec<Bar> = report.candidates.iter().filter_map(bar).collect();
    let even = report.even.as_ref().and_then(|even| of(even)?.best);
    // A bar at the bound shall not squeeze those that have an answer.
    let known = bars.iter().filter(|b| !b.alarm).map(|b| b.value).chain(even).fold(0.0, f64::max);
    let most = if known > 0.0 { known * 1.05 } else { bound.0.max(1.0) };
    BarChart { bars, most, even: even.map(|even| (even, format!("even load: {}", text(even)))) }
}

/// Three panels over the values of the setting.
#[must_use]
pub fn trade_off(curve: &TradeOff) -> Figure {
    let name = crate::output::knob::short_name(curve);
    let label = |(i, point): (usize, &KnobPoint)| {
        if curve.knee == Some(i) { format!("{} (knee)", point.value) } else { point.value.clone() }
    };
    let panel = |title: &str, percent: bool, of: &dyn Fn(&KnobPoint) -> Option<f64>| {
        let values: Vec<Option<f64>> = curve.points.iter().map(of).collect();
        let known: Vec<f64> = values.iter().copied().flatten().collect();
        let chart = ValueChart {
            scale: Scale::of(&known),
            percent,
            x_title: name.to_owned(),
            labels: curve.points.iter().enumerate().map(label).collect(),
            points: values.into_iter().map(|v| v.map(|v| (v, v, v))).collect(),
        };
        Panel { title: title.to_owned(), body: Body::Values(chart) }
    };
    let mut panels = vec![
        panel("seconds to balance (median)", false, &|p| p.time_to_balance_s),
        panel("reconnects per second", false, &|p| Some(p.reconnects_per_s)),
    ];
    let fails = curve.points.iter().any(|p| p.error_ratio > 0.0);
    if fails {
        panels.push(panel("failed calls", true, &|p| Some(p.error_ratio)));
    }
    let knee = curve.knee.and_then(|at| curve.points.get(at)).map(|p| format!("Knee: {name} = {}. ", p.value));
    let none = if fails { "" } else { " No call failed." };
    let lines = [
        format!("{}{}", knee.unwrap_or_default(), curve.basis),
        format!("After the {}; {} runs of each value. Lower is better.{none}", curve.change, curve.runs),
    ];
    Figure {
        title: format!("{}: what {name} trades", curve.scenario),
        subtitle: lines.into_iter().map(|text| Line { text, alarm: false }).collect(),
        columns: panels.len(),
        panels,
        legend: Vec::new(),
    }
}
