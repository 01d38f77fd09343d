//! What makes pods of a server slow: being cold, and the timeline's `slow`.

use super::Check;
use crate::model::WarmUp;
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::settings::Written;
use crate::scenario::quantity::Number;
use crate::scenario::rules::Code;

const MOST_FACTOR: f64 = 10_000.0;

pub(super) fn warm_up(cx: &mut Check<'_>, file: Key<Written<WarmUp>>) -> Option<WarmUp> {
    let At { value: file, place } = file?;
    let (initial, time) = (file.place("initial"), file.place("time"));
    let warm_up = cx.settings(&file, "warm_up", place, WarmUp { initial: 0.5, ..WarmUp::default() });
    // What is out of bounds has a stand-in.
    let found = |place: &Place| cx.problems.iter().any(|problem| problem.place == Some(*place));
    if let Some(place) = initial.filter(|place| warm_up.initial >= 1.0 && !found(place)) {
        cx.problem(Code::OutOfRange, place, "`initial` must be below 1");
    }
    time.and(initial).map(|_| warm_up)
}

/// How many times longer service takes on a slow pod.
pub(super) fn factor(cx: &mut Check<'_>, key: Key<Number>, owner: Place) -> Option<f64> {
    let factor = cx.required(key, "factor", owner, "`slow`")?;
    if (0.0..=1.0).contains(&factor.value.0) {
        cx.problem(Code::OutOfRange, factor.place, "`factor` must be above 1: service takes this many times longer");
        return None;
    }
    Some(cx.number(&factor, "factor", 1.0, MOST_FACTOR))
}
