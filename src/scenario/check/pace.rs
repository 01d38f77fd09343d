//! What makes pods of a server slow: being cold, and the timeline's `slow`.

use super::Check;
use super::client::no_share;
use crate::model::WarmUp;
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::server::WarmUpFile;
use crate::scenario::quantity::{Number, Share};
use crate::scenario::rules::Code;

const LEAST_INITIAL: f64 = 0.001;
const MOST_FACTOR: f64 = 10_000.0;

pub(super) fn warm_up(cx: &mut Check<'_>, file: Key<WarmUpFile>) -> Option<WarmUp> {
    let At { value: WarmUpFile { initial, time }, place } = file?;
    let initial = cx.required(initial, "initial", place, "`warm_up`").map(|At { value: Share(initial), place }| {
        if !(LEAST_INITIAL..1.0).contains(&initial) {
            let message = format!("`initial` is {initial}, and must be at least {LEAST_INITIAL} and below 1");
            no_share(cx, place, initial, message);
        }
        initial.clamp(LEAST_INITIAL, 1.0)
    });
    let time = cx.required(time, "time", place, "`warm_up`");
    let time = cx.positive(time, "time");
    Some(WarmUp { initial: initial?, time: time? })
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
