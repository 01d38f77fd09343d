//! Why calls fail and connections end, in words.

use super::figures::FAILURE_REASONS;
use super::outcome::Failure;

/// What the `reason` of a failure means, in a few words; an unknown one as it is.
#[must_use]
pub fn failure_words(reason: &str) -> &str {
    FAILURE_REASONS.iter().find(|(word, _)| *word == reason).map_or(reason, |(_, words)| words)
}

/// True if a connection that ended for this reason (a key of `connections.closed_by`) was none yet: only dialled.
#[must_use]
pub fn never_connected(reason: &str) -> bool {
    matches!(reason, "refused" | "dial_timeout" | "superseded")
}

/// Reasons of failures and how many calls each made fail, most first.
#[must_use]
pub fn by_reason(all: &[Failure]) -> Vec<(&str, u64)> {
    let mut reasons: Vec<(&str, u64)> = Vec::new();
    for failure in all {
        match reasons.iter_mut().find(|(reason, _)| *reason == failure.reason) {
            Some((_, calls)) => *calls += failure.calls,
            None => reasons.push((&failure.reason, failure.calls)),
        }
    }
    reasons.sort_by_key(|(_, calls)| std::cmp::Reverse(*calls));
    reasons
}
