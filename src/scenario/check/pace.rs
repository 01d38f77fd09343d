//! What makes pods of a server slow: being cold, and the timeline's `slow`.

use super::Check;
use crate::model::{Slow, WarmUp};
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::settings::{Written, WrittenKeys};
use crate::scenario::rules::Code;

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

/// Refuses a factor that makes nothing slower.
pub(super) fn factor(cx: &mut Check<'_>, slow: &mut WrittenKeys) {
    if let Some((factor, place)) = slow.number_mut("factor")
        && (0.0..=1.0).contains(factor)
    {
        cx.problem(Code::OutOfRange, place, "`factor` must be above 1: service takes this many times longer");
        *factor = Slow::default().factor;
    }
}
