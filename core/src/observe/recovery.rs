//! How long each change of the timeline unbalanced the load.

use std::collections::BTreeSet;

use crate::metrics::balance::{Bins, time_to_balance};
use crate::metrics::outcome::TimeToBalance;
use crate::model::Action;
use crate::sim::observation::PodId;
use crate::units::{Span, Time};

use super::phases::words;
use super::recorder::Recorder;

/// One per change of the timeline that was made after the warmup, in its order. A rate or a slow pod moves no connections.
pub(super) fn times_to_balance(recorder: &Recorder<'_>, end: Time) -> Vec<TimeToBalance> {
    let change = |action: &Action| {
        let unbalances = action.what.moves_connections() && action.at >= recorder.warmup && action.at <= end;
        unbalances.then(|| (action.at, words(recorder.model, &action.what)))
    };
    let changes: Vec<(Time, String)> = recorder.model.timeline.iter().filter_map(change).collect();
    let bins = Bins { width: recorder.bins.width, loads: &recorder.bins.loads };
    let time = |(at, change): &(Time, String)| {
        let until = changes.iter().map(|c| c.0).find(|next| next > at).unwrap_or(end);
        let before = recorder.ready_changes.partition_point(|(t, _)| *t < until || until == end);
        let before = &recorder.ready_changes[..before];
        let settled = before.last().map_or(*at, |last| last.0);
        let seconds = time_to_balance(bins, &ready(before), *at, settled, until).map(Span::as_secs_f64);
        let resolution_s = bins.width.as_secs_f64();
        TimeToBalance { at_s: at.as_secs_f64(), change: change.clone(), seconds, resolution_s }
    };
    changes.iter().map(time).collect()
}

/// The pods that are Ready after these changes, in order: each makes the pod Ready, or not Ready again.
fn ready(changes: &[(Time, PodId)]) -> Vec<PodId> {
    let mut ready = BTreeSet::new();
    for (_, pod) in changes {
        if !ready.remove(pod) {
            ready.insert(*pod);
        }
    }
    ready.into_iter().collect()
}
