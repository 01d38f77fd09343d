//! The options of a k6 script, as `k6 inspect` prints them and `k6 run --config` takes them, as loads.

use super::build::{Map, duration, int, list, number_node, one, text};
use super::load::{Missed, Tool};
use super::object::{Field, Object};
use crate::scenario::diagnostic::Place;
use crate::scenario::yaml::tree::{Node, Value};
use crate::units::Span;

/// What the options of a script are called in place of a kind.
pub(super) const KIND: &str = "k6 options";

/// What a script does is not in its options.
pub(super) const ITERATION: &str =
    "an iteration is taken to be one call without a pause, and a VU to have one connection that it keeps";

/// True for the root of a script's options.
pub(super) fn is_options(object: &Object) -> bool {
    let scenarios = object.get(&["scenarios"]).into_iter().flat_map(Field::entries);
    let says = |key: &str| object.get(&[key]).is_some();
    scenarios.into_iter().any(|(_, of)| of.get(&["executor"]).is_some())
        || (says("vus") && (says("duration") || says("iterations")))
        || (says("stages") && !says("servers"))
}

/// A load for each scenario of a script, or the one of its shortcuts.
pub(super) fn tools(options: &Object) -> Vec<Tool> {
    let root = options.takes_part().field();
    let mut scenarios = options.get(&["scenarios"]).into_iter().flat_map(Field::entries).peekable();
    if scenarios.peek().is_some() {
        return scenarios.filter_map(|(_, of)| tool(&of.get(&["executor"])?.text()?, of)).collect();
    }
    let says = |key: &str| root.get(&[key]).is_some();
    let executor = match (says("stages"), says("iterations"), says("duration")) {
        (true, _, _) => "ramping-vus",
        (_, false, true) => "constant-vus",
        _ => "shared-iterations",
    };
    tool(executor, root).into_iter().collect()
}

/// One scenario. Defaults are those of k6's executors.
fn tool(executor: &str, of: Field<'_>) -> Option<Tool> {
    let place = of.place();
    let number = |key: &str| of.get(&[key]).and_then(Field::int);
    let time = |key: &str| of.get(&[key]).and_then(time);
    let vus = number("vus").unwrap_or(1);
    let mut missed = vec![Missed(executor.to_owned(), ITERATION, Some(place))];
    if let Some(start) =
        of.get(&["startTime"]).filter(|start| start.peek().is_none_or(|start| !["0", "0s"].contains(&start.as_str())))
    {
        let note = "it begins with the run: say `start: { at: … }` of the client, or put the times of its curve off";
        missed.push(Missed("startTime".to_owned(), note, Some(start.place())));
    }
    let closed = |vus: i128, iterations: Option<i128>| {
        let mut closed = Map::new(place);
        closed.put("concurrency", int(place, vus));
        closed.put_some("requests", iterations.map(|n| int(place, n)));
        one("closed", closed.node())
    };
    let (load, duration, connections) = match executor {
        "constant-vus" => (closed(vus, None), time("duration"), vus),
        "shared-iterations" => (closed(vus, Some(number("iterations").unwrap_or(1))), None, vus),
        "per-vu-iterations" => {
            let each = number("iterations").unwrap_or(1);
            (closed(vus, Some(each.saturating_mul(vus))), None, vus)
        }
        "ramping-vus" => {
            let stages = stages(of, number("startVUs").unwrap_or(1) as f64, 1.0);
            let most = stages.iter().map(|(_, vus)| *vus as i128).max().unwrap_or(1).max(1);
            let note = "the number of VUs stays as it is: the largest one of all stages is taken";
            missed.push(Missed("stages".to_owned(), note, of.get(&["stages"]).map(Field::place)));
            (closed(most, None), end(&stages, place), most)
        }
        "constant-arrival-rate" => {
            let rate = number("rate")? as f64 / unit(of);
            (open(place, "rate", number_node(place, rate)), time("duration"), allocated(of))
        }
        "ramping-arrival-rate" => {
            let stages = stages(of, number("startRate").unwrap_or(0) as f64, unit(of));
            let points = stages.iter().map(|(at, rate)| {
                let mut point = Map::new(place);
                point.put("at", text(place, at.to_string()));
                point.put("rate", number_node(place, *rate));
                point.node()
            });
            (open(place, "curve", list(place, points.collect())), end(&stages, place), allocated(of))
        }
        "externally-controlled" => {
            let note = "the number of VUs is changed from outside during the run, and stays the same here";
            missed.push(Missed(executor.to_owned(), note, Some(place)));
            (closed(vus, None), time("duration"), vus)
        }
        _ => {
            of.get(&["executor"]).unwrap_or(of).wrong("k6 has no such executor");
            return None;
        }
    };
    let channels = (connections > 1).then(|| int(place, connections));
    let (name, target) = ("k6", String::new());
    Some(Tool { name, load, channels, policy: None, deadline: None, duration, missed, place, target })
}

fn open(place: Place, key: &str, rate: Node) -> Node {
    let mut open = Map::new(place);
    open.put(key, rate);
    open.put("arrivals", text(place, "constant"));
    one("open", open.node())
}

/// The VUs that wait for the iterations of a rate.
fn allocated(of: Field<'_>) -> i128 {
    of.get(&["preAllocatedVUs"]).and_then(Field::int).unwrap_or(1)
}

/// Seconds in which a rate is meant.
fn unit(of: Field<'_>) -> f64 {
    let unit = of.get(&["timeUnit"]).and_then(time_of).filter(|unit| *unit > Span::ZERO);
    unit.map_or(1.0, |unit| unit.0 as f64 / 1e9)
}

/// The points of all stages, each of which goes on from where the one before it ended, and their values over this divisor.
fn stages(of: Field<'_>, start: f64, divisor: f64) -> Vec<(Span, f64)> {
    let mut points = vec![(Span::ZERO, start / divisor)];
    let mut at = Span::ZERO;
    for stage in of.list("stages") {
        at = Span(at.0.saturating_add(stage.get(&["duration"]).and_then(time_of).unwrap_or(Span::ZERO).0));
        points.push((at, stage.get(&["target"]).and_then(Field::int).unwrap_or(0) as f64 / divisor));
    }
    points
}

fn end(stages: &[(Span, f64)], place: Place) -> Option<Node> {
    stages.last().map(|(at, _)| text(place, at.to_string()))
}

/// A duration of k6: a text with its unit, or a number of milliseconds.
fn time(field: Field<'_>) -> Option<Node> {
    let time = field.text()?;
    let unit = if matches!(field.node.value, Value::Int(_)) { "ms" } else { "" };
    Some(text(field.place(), format!("{time}{unit}")))
}

fn time_of(field: Field<'_>) -> Option<Span> {
    duration(&time(field)?)
}
