//! What a run that ended sooner than its timeline did not come to.

use crate::scenario::model::{Model, What};
use crate::units::Time;

use super::events::count;
use super::finish::words;

/// What the timeline has after the last call of the closed loads, with which the run ends.
pub(super) fn never_happened(model: &Model, end: Time) -> Option<String> {
    let missed = model.timeline.iter().filter(|action| action.at > end);
    let missed: Vec<String> = missed.map(|action| format!("{} at {}", named(model, &action.what), action.at)).collect();
    let sooner = model.duration.filter(|duration| Time::ZERO + *duration > end);
    let before = sooner.map_or(String::new(), |duration| format!(", before its `duration` of {duration}"));
    (!missed.is_empty()).then(|| {
        format!(
            "The run ended at {} with the last call of the closed loads{before}: what the timeline has later never happened ({}). Without \
             `requests` a closed load goes on to the end.",
            end,
            missed.join(", ")
        )
    })
}

/// An action of the timeline in words.
fn named(model: &Model, what: &What) -> String {
    words(model, what).unwrap_or_else(|| match *what {
        What::Rate { client, .. } => format!("rate of {}", model.clients[client].name),
        What::Slow { server, pods, .. } => format!("{} of {} slow", count(pods, "pod"), model.deployment(server).name),
        _ => String::new(),
    })
}
