//! Why calls fail and connections end, in words.

use super::figures::FAILURE_REASONS;

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
