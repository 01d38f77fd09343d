//! Why calls fail and connections end, in words.

use super::outcome::Failure;
use crate::sim::observation::FailureReason;

/// What the `reason` of a failure means, in a few words; an unknown one as it is.
#[must_use]
pub fn failure_words(reason: &str) -> &str {
    FailureReason::NAMES.iter().find(|(word, _)| *word == reason).map_or(reason, |(_, words)| words)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::outcome::Maker;

    #[test]
    fn reasons_are_added_up_most_first() {
        let failure = |reason: &str, at: &str, calls| Failure {
            reason: reason.to_owned(),
            by: Maker::Pod,
            at: at.to_owned(),
            calls,
        };
        let all = [failure("reset", "s-1-0", 3), failure("deadline", "s-1-0", 4), failure("reset", "s-1-1", 2)];
        assert_eq!(by_reason(&all), [("reset", 5), ("deadline", 4)]);
        assert_eq!(by_reason(&[]), []);
    }

    #[test]
    fn reasons_have_words() {
        assert_eq!(
            (failure_words("queue_full"), failure_words("unheard_of")),
            ("refused by a full queue", "unheard_of")
        );
        assert!(["refused", "dial_timeout", "superseded"].iter().all(|reason| never_connected(reason)));
        assert!(!never_connected("max_age"));
    }
}
