//! What a run that ended sooner than its timeline did not come to.

use crate::model::Model;
use crate::units::Time;

use super::phases::words;

/// What the timeline has after the last call of the closed loads, with which the run ends.
pub(super) fn never_happened(model: &Model, end: Time) -> Option<String> {
    let missed = model.timeline.iter().filter(|action| action.at > end);
    let missed: Vec<String> = missed.map(|action| format!("{} at {}", words(model, &action.what), action.at)).collect();
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
