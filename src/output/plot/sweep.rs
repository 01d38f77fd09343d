//! The picture of a sweep: each figure over the values of one varied path, or as a heat map over two.

use super::figure::{Body, Field, Figure, HeatChart, Line, Panel, ValueChart};
use super::palette::{NONE, shade};
use super::scale::Scale;
use crate::experiment::compare::COLUMNS;
use crate::experiment::sweep::Sweep;
use crate::metrics::figures::{Better, better};
use crate::metrics::outcome::Estimate;
use crate::output::compare::shown;
use crate::scenario::vary::{Axis, Grid};

/// A heat map of more values than this in one direction is no longer legible.
const MOST_FIELDS: usize = 24;

/// What the columns of the tables are called where there is room.
const TITLES: [&str; COLUMNS.len()] = [
    "busiest pod over the mean",
    "effective pods",
    "usable capacity",
    "idle pods",
    "calls per second",
    "p99 latency in ms",
    "failed calls",
    "seconds to balance after the change",
    "reconnects per second",
];

/// A panel per figure of the tables. `None` unless one or two paths have several values, or if there are too many of them.
#[must_use]
pub fn over_values(sweep: &Sweep) -> Option<Figure> {
    let grid = &sweep.plan.axes;
    let axes: Vec<&Axis> = grid.axes.iter().filter(|axis| axis.values.len() > 1).collect();
    let body = |path: &str| {
        let figures: Vec<Option<&Estimate>> = sweep.cells.iter().map(|cell| cell.figures.get(path)).collect();
        match axes[..] {
            _ if figures.iter().all(Option::is_none) => None,
            [x] => Some(Body::Values(values(path, grid, x, &figures))),
            [y, x] if x.values.len().max(y.values.len()) <= MOST_FIELDS => {
                Some(Body::Heat(heat(path, grid, (y, x), &figures)))
            }
            _ => None,
        }
    };
    let panel = |(title, (path, _)): (&&str, &(&str, &str))| {
        let which = match better(path) {
            Better::Lower => "lower is better",
            Better::Higher => "higher is better",
        };
        Some(Panel { title: format!("{title} ({which})"), body: body(path)? })
    };
    let panels: Vec<Panel> = TITLES.iter().zip(&COLUMNS).filter_map(panel).collect();
    if panels.is_empty() {
        return None;
    }
    let lines = axes.len() == 1;
    let what = match lines {
        true => {
            "Line: mean over the runs, area: its 95 % confidence interval; of p99 median and range. Values stand at equal distances."
        }
        false => "Each field: mean over the runs, of p99 the median; the darker, the worse.",
    };
    let varied: Vec<&str> = axes.iter().map(|axis| axis.path.as_str()).collect();
    let runs = format!("{} runs of each cell. {what}", sweep.plan.runs);
    let subtitle = [format!("Varied: {}", varied.join(", ")), runs];
    Some(Figure {
        title: format!("{}: {} cells", sweep.plan.scenario, sweep.cells.len()),
        subtitle: subtitle.into_iter().map(|text| Line { text, alarm: false }).collect(),
        panels,
        columns: if lines { 3 } else { 2 },
        legend: Vec::new(),
    })
}

fn values(path: &str, grid: &Grid, x: &Axis, figures: &[Option<&Estimate>]) -> ValueChart {
    let ends: Vec<f64> = figures.iter().flatten().flat_map(|e| [e.shown().0, e.shown().2]).collect();
    ValueChart {
        scale: Scale::of(&ends),
        percent: path == "skew.usable_capacity",
        x_title: grid.short(x).to_owned(),
        labels: x.values.clone(),
        points: figures.iter().map(|e| e.map(|e| e.shown())).collect(),
    }
}

fn heat(path: &str, grid: &Grid, (y, x): (&Axis, &Axis), figures: &[Option<&Estimate>]) -> HeatChart {
    let means = || figures.iter().flatten().map(|e| e.shown().0);
    let (least, most) = (means().fold(f64::INFINITY, f64::min), means().fold(f64::NEG_INFINITY, f64::max));
    let field = |estimate: &Option<&Estimate>| match estimate {
        None => Field { text: "-".into(), fill: NONE },
        Some(e) => {
            let middle = e.shown().0;
            let large = if most > least { (middle - least) / (most - least) } else { 0.0 };
            // Dark is worse in every panel.
            let part = if better(path) == Better::Higher && most > least { 1.0 - large } else { large };
            Field { text: shown(path, middle), fill: shade(part) }
        }
    };
    let rows = y.values.iter().zip(figures.chunks(x.values.len().max(1)));
    HeatChart {
        title: format!("{} ↓   {} →", grid.short(y), grid.short(x)),
        columns: x.values.clone(),
        rows: rows.map(|(value, row)| (value.clone(), row.iter().map(field).collect())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::experiment::sweep::{CellResult, Plan};

    /// Cell i has i idle pods; cell 1 has no value.
    fn sweep(varies: &[&str]) -> Sweep {
        let axes = Grid::parse("--vary", &varies.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>()).unwrap();
        let estimate =
            |cell: u64| Estimate { mean: cell as f64, lo: cell as f64, hi: cell as f64 + 0.5, n: 3, spread: None };
        let figures = |cell| match cell {
            1 => BTreeMap::new(),
            _ => BTreeMap::from([("skew.idle_pods".to_owned(), estimate(cell))]),
        };
        let cells = (0..axes.cells()).map(|cell| CellResult {
            cell,
            values: axes.values(cell).into_iter().map(str::to_owned).collect(),
            scenario_hash: String::new(),
            unmet_runs: 0,
            figures: figures(cell),
        });
        let cells = cells.collect();
        let plan = Plan {
            evenkeel: "0.1.0".into(),
            scenario: "s".into(),
            scenario_hash: String::new(),
            inputs: String::new(),
            seed: 1,
            runs: 3,
            axes,
        };
        Sweep { plan, cells }
    }

    #[test]
    fn one_path_is_a_line_and_two_are_a_heat_map() {
        let line = over_values(&sweep(&["a.b=1m,2m,3m", "seed=1"])).unwrap();
        assert_eq!(line.panels.len(), 1, "figures without any value have no panel");
        assert_eq!(line.panels[0].title, "idle pods (lower is better)");
        let Body::Values(chart) = &line.panels[0].body else { panic!("not a line") };
        assert_eq!(chart.points, [Some((0.0, 0.0, 0.5)), None, Some((2.0, 2.0, 2.5))]);
        #[cfg(feature = "svg")]
        assert!(line.svg().contains(">2m</text>"));

        let heat = over_values(&sweep(&["s.0.replicas=1,2", "c.0.replicas=1,2,3"])).unwrap();
        let Body::Heat(chart) = &heat.panels[0].body else { panic!("not a heat map") };
        assert_eq!(chart.title, "s.0.replicas ↓   c.0.replicas →");
        let rows: Vec<Vec<&str>> =
            chart.rows.iter().map(|(_, row)| row.iter().map(|f| f.text.as_str()).collect()).collect();
        assert_eq!(rows, [["0", "-", "2"], ["3", "4", "5"]]);
        assert_eq!(
            (chart.rows[0].1[0].fill, chart.rows[0].1[1].fill, chart.rows[1].1[2].fill),
            (shade(0.0), NONE, shade(1.0))
        );
        #[cfg(feature = "svg")]
        assert!(heat.svg().contains(">5</text>"));
        assert_eq!(over_values(&sweep(&["a=1,2", "b=1,2", "c=1,2"])), None);
        assert_eq!(over_values(&sweep(&["a=1..30:30", "b=1,2"])), None);
    }
}
