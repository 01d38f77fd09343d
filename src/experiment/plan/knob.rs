//! What a setting trades: time to balance after a change, against reconnects and failed calls.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::Event;
use super::{PlanError, plain, server_of};
use crate::experiment::run::{Watch, go_on};
use crate::experiment::sweep::{self, Cell, Plan};
use crate::model::Model;
use crate::scenario::diagnostic::{Diagnostics, quoted};
use crate::scenario::document::Document;
use crate::scenario::vary::{Axis, Grid};

/// In messages.
const OPTION: &str = "--knob";

/// `plan.json` with `--knob`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TradeOff {
    /// Version of evenkeel.
    pub evenkeel: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of what it means with the first value.
    pub scenario_hash: String,
    /// Seed of run 0 at every value.
    pub seed: u64,
    /// Runs at every value.
    pub runs: u64,
    /// The setting and its values.
    pub knob: Axis,
    /// The change after which the load has to balance again.
    pub change: String,
    /// By value.
    pub points: Vec<KnobPoint>,
    /// Place of the knee among the points; `null` if there is none.
    pub knee: Option<usize>,
    /// How far below the chord the knee is, or why there is none.
    pub basis: String,
}

/// What comes of one value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnobPoint {
    /// As written.
    pub value: String,
    /// Median over the runs of the time to balance after the change, those that never balance counted as longer than any; `null` if half of them
    /// never do.
    pub time_to_balance_s: Option<f64>,
    /// Runs that balance.
    pub balanced: u64,
    /// Mean over the runs.
    pub reconnects_per_s: f64,
    /// Failed calls of all runs, of those that ended.
    pub error_ratio: f64,
}

/// A setting and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Knob {
    /// `PATH=VALUES` as `--vary` has it, or one of `Knob::SHORT`, whose values may be left out.
    pub text: String,
    /// Whose pods the event is about; may be left out if there is one.
    pub server: Option<String>,
    /// In place of the scenario's timeline.
    pub event: Option<Event>,
    /// Seed of run 0.
    pub seed: u64,
    /// Runs at each value.
    pub runs: u64,
}

impl Knob {
    /// Short names: the list that the setting is in, its path there, and its values.
    const SHORT: [(&'static str, &'static str, &'static str, &'static str); 3] = [
        ("max_connection_age", "servers", "grpc.max_connection_age", "1m..1h:log8"),
        ("connection_lifetime", "clients", "connection_lifetime.max", "1m..1h:log8"),
        ("channels", "clients", "channels", "1,2,4,8,16"),
    ];

    /// The grid of its values.
    fn grid(&self, argument: &str) -> Result<Grid, Diagnostics> {
        let told = |text: &str, at| (text == argument).then(|| (OPTION, self.text.as_str(), self.typed(argument, at)));
        Grid::parse(OPTION, &[argument.to_owned()]).map_err(|wrong| wrong.retold(told))
    }

    /// What the knob is as an argument of `--vary`.
    fn argument(&self, model: &Model) -> Result<String, String> {
        let (name, values) = self.text.split_once('=').map_or((self.text.as_str(), None), |(n, v)| (n, Some(v)));
        let Some((_, list, path, usual)) = Knob::SHORT.iter().find(|short| short.0 == name) else {
            let short: Vec<&str> = Knob::SHORT.iter().map(|s| s.0).collect();
            return match values {
                Some(_) => Ok(self.text.clone()),
                None => Err(format!(
                    "{} is not a short name ({}): write --knob PATH=VALUES",
                    quoted(name),
                    short.join(", ")
                )),
            };
        };
        let owner = match (*list, &model.clients[..]) {
            ("servers", _) => &model.servers[server_of(model, self.server.as_deref())?].name,
            (_, [client]) => &client.name,
            _ => return Err(format!("there are several clients: write --knob clients.NAME.{path}=VALUES")),
        };
        Ok(format!("{list}.{owner}.{path}={}", values.unwrap_or(usual)))
    }

    /// Where in what was typed a place of the argument is: values stand at the end of both.
    fn typed(&self, argument: &str, at: Range<usize>) -> Range<usize> {
        let (path, values) = argument.split_once('=').unwrap_or((argument, ""));
        let added = argument.len().saturating_sub(self.text.len());
        match self.text.ends_with(values) && (added == 0 || at.start > path.len()) {
            true => at.start.saturating_sub(added)..at.end.saturating_sub(added),
            false => 0..self.text.find('=').unwrap_or(self.text.len()),
        }
    }

    /// What is wrong with a cell, told of what was typed.
    fn retold(&self, wrong: Diagnostics, grid: &Grid, cell: u64, argument: &str) -> Diagnostics {
        wrong.retold(|set, at| {
            let (_, at) = grid.typed(cell, set, at, &[argument.to_owned()])?;
            Some((OPTION, self.text.as_str(), self.typed(argument, at)))
        })
    }
}

/// Runs the scenario at each value, on all threads of the current pool; `done` is told how
/// many values are finished, and of how many.
///
/// # Errors
/// If the scenario refuses a value, the question does not fit it, a run cannot finish, or `watch` stopped it.
pub fn trade_off(
    document: &Document,
    knob: &Knob,
    watch: Option<Watch<'_>>,
    done: &dyn Fn(u64, u64),
) -> Result<TradeOff, PlanError> {
    let plain = plain(document, knob.event)?;
    let argument = knob.argument(&plain).map_err(PlanError::Question)?;
    let axes = knob.grid(&argument)?;
    let mut sets = Vec::new();
    if let Some(event) = knob.event {
        let server = &plain.servers[server_of(&plain, knob.server.as_deref()).map_err(PlanError::Question)?];
        sets.push(event.timeline(&plain, &server.name, server.replicas).map_err(PlanError::Question)?);
    }
    let load = |axes: &Grid, cell: u64| {
        let loaded = document.load(&[sets.clone(), axes.sets(cell)].concat());
        loaded.map_err(|wrong| knob.retold(wrong, axes, cell, &argument))
    };
    let first = load(&axes, 0)?;
    if !first.model.timeline.iter().any(|a| a.what.moves_connections()) {
        let message = "the scenario has no change after which the load would have to rebalance: add --through rollout, or a timeline";
        return Err(PlanError::Question(message.into()));
    }
    let plan = Plan {
        evenkeel: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: first.model.name.clone(),
        scenario_hash: first.scenario_hash,
        inputs: document.hash(),
        seed: knob.seed,
        runs: knob.runs,
        axes,
    };
    // All values are read before the first one runs.
    let failed = |cell, error| PlanError::Run(format!("{} ({})", plan.scenario, plan.axes.label(cell)), error);
    let cells = (0..plan.axes.cells()).map(|cell| {
        go_on(watch).map_err(|error| failed(cell, error))?;
        Ok(load(&plan.axes, cell)?)
    });
    let cells = cells.collect::<Result<Vec<_>, PlanError>>()?;
    let mut points = Vec::new();
    for (cell, loaded) in (0..).zip(&cells) {
        let result = sweep::run_cell(&plan, cell, loaded, watch).map_err(|error| failed(cell, error))?;
        points.push(point(plan.axes.values(cell).concat(), &result));
        done(cell + 1, plan.axes.cells());
    }
    let (knee, basis) = knee(&points);
    let action = first.model.timeline.iter().find(|a| a.what.moves_connections() && a.at.0 >= first.model.warmup.0);
    let change = action.map_or("first change", |a| a.what.word());
    Ok(TradeOff {
        evenkeel: plan.evenkeel.clone(),
        scenario: plan.scenario.clone(),
        scenario_hash: plan.scenario_hash.clone(),
        seed: plan.seed,
        runs: plan.runs,
        knob: plan.axes.axes[0].clone(),
        change: change.to_owned(),
        points,
        knee,
        basis,
    })
}

fn point(value: String, cell: &Cell) -> KnobPoint {
    let column = |path: &str| {
        let at = cell.figures.iter().position(|(_, known)| known == path);
        cell.runs.iter().map(move |run| at.and_then(|at| *run.values.get(at)?)).collect::<Vec<Option<f64>>>()
    };
    let sum = |path: &str| column(path).into_iter().flatten().sum::<f64>();
    let (ok, failed, runs) = (sum("requests.ok"), sum("requests.failed"), cell.runs.len());
    let mut times: Vec<f64> = column("time_to_balance.0.seconds").into_iter().flatten().collect();
    times.sort_by(f64::total_cmp);
    KnobPoint {
        value,
        time_to_balance_s: median(&times, runs),
        balanced: times.len() as u64,
        reconnects_per_s: sum("reconnects_per_s") / runs.max(1) as f64,
        error_ratio: if ok + failed > 0.0 { failed / (ok + failed) } else { 0.0 },
    }
}

/// The median of `of` values, of which those that are not here are larger than all.
fn median(sorted: &[f64], of: usize) -> Option<f64> {
    let (low, high) = ((of.max(1) - 1) / 2, of / 2);
    Some(f64::midpoint(*sorted.get(low)?, *sorted.get(high)?))
}

/// A knee is at least so far below the chord.
const LEAST_BEND: f64 = 0.1;

/// The knee of the curve, and the rule in words: among the points that balance and have reconnects, the one farthest below the chord
/// from the first to the last, where both axes are logarithms, stretched to the unit interval. Both axes are logarithms since age `A`
/// costs `1/A` and gives `A`: that is a straight line, on which no value is better than another, and is no knee.
#[must_use]
pub fn knee(points: &[KnobPoint]) -> (Option<usize>, String) {
    let place = |(i, p): (usize, &KnobPoint)| {
        let time = p.time_to_balance_s.filter(|t| *t > 0.0)?;
        (p.reconnects_per_s > 0.0).then(|| (i, libm::log(p.reconnects_per_s), libm::log(time)))
    };
    let places: Vec<(usize, f64, f64)> = points.iter().enumerate().filter_map(place).collect();
    let (Some(first), Some(last), true) = (places.first(), places.last(), places.len() >= 3) else {
        return (None, "No knee: fewer than three values have reconnects and a time to balance.".into());
    };
    let unit = |of: fn(&(usize, f64, f64)) -> f64| {
        let least = places.iter().map(of).fold(f64::INFINITY, f64::min);
        let most = places.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        move |p: &(usize, f64, f64)| if most > least { (of(p) - least) / (most - least) } else { 0.0 }
    };
    let (x, y) = (unit(|p| p.1), unit(|p| p.2));
    let (dx, dy) = (x(last) - x(first), y(last) - y(first));
    let length = (dx * dx + dy * dy).sqrt();
    // Towards the corner where both are least.
    let towards = if dy - dx >= 0.0 { 1.0 } else { -1.0 };
    let bend = |p: &&(usize, f64, f64)| {
        let cross = dx * (y(p) - y(first)) - dy * (x(p) - x(first));
        if length > 0.0 { towards * cross / length } else { 0.0 }
    };
    let farthest = places.iter().map(|p| (p.0, bend(&p))).reduce(|a, b| if b.1 > a.1 { b } else { a });
    match farthest {
        Some((i, bend)) if bend >= LEAST_BEND => {
            let rule = "both axes logarithmic and of length 1: smaller values cost reconnects and gain little time, larger ones cost time and \
                        save few.";
            (Some(i), format!("The knee is the point farthest below the curve's chord (by {bend:.2}), {rule}"))
        }
        _ => {
            let text = "No knee: with logarithmic axes the curve is nearly a straight line; half the time costs twice the reconnects, or so, \
                        all along.";
            (None, text.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(of: &[(f64, Option<f64>)]) -> Vec<KnobPoint> {
        let point = |(i, &(reconnects_per_s, time_to_balance_s)): (usize, &(f64, Option<f64>))| KnobPoint {
            value: i.to_string(),
            time_to_balance_s,
            balanced: 0,
            reconnects_per_s,
            error_ratio: 0.0,
        };
        of.iter().enumerate().map(point).collect()
    }

    /// Time falls with the age down to 30 s, and no further; the price goes on doubling.
    #[test]
    fn the_knee_is_where_time_stops_to_fall() {
        let ages = [15.0f64, 30.0, 60.0, 120.0, 240.0, 480.0];
        let curve: Vec<(f64, Option<f64>)> = ages.iter().map(|a| (100.0 / a, Some(a.max(60.0)))).collect();
        assert_eq!(knee(&points(&curve)).0, Some(2));
        let reversed: Vec<_> = curve.into_iter().rev().collect();
        assert_eq!(knee(&points(&reversed)).0, Some(3));
    }

    #[test]
    fn a_straight_line_has_no_knee() {
        let line: Vec<(f64, Option<f64>)> = (0..6).map(|i| 2f64.powi(i)).map(|a| (8.0 / a, Some(a))).collect();
        assert_eq!(knee(&points(&line)).0, None);
        // A curve that bends the other way has its worst value there.
        let hump = [(4.0, Some(1.0)), (3.9, Some(60.0)), (1.0, Some(64.0))];
        assert_eq!(knee(&points(&hump)).0, None);
        assert_eq!(knee(&points(&[(1.0, Some(1.0)), (2.0, None), (0.0, Some(1.0)), (3.0, Some(2.0))])).0, None);
    }

    #[test]
    fn medians_count_what_never_balances() {
        assert_eq!(median(&[1.0, 2.0, 3.0], 3), Some(2.0));
        assert_eq!(median(&[1.0, 2.0, 3.0], 4), Some(2.5));
        assert_eq!(median(&[1.0, 2.0], 4), None);
        assert_eq!(median(&[1.0, 2.0], 3), Some(2.0));
        assert_eq!(median(&[], 0), None);
    }
}
