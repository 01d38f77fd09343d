//! Linkerd's failure accrual: a breaker per endpoint, which shuts after failures in a row, and lets one request through after a penalty.
//!
//! Source: linkerd2-proxy `linkerd/app/outbound/src/http/breaker/consecutive_failures.rs` (states, what counts in which) and
//! `linkerd/exp-backoff/src/lib.rs` (penalties).

use crate::distribution::unit;
pub use crate::model::FailureAccrual;
use crate::units::{Span, Time};

/// What a breaker does with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    /// It lets all through, after so many failures in a row.
    Open {
        /// The failures.
        failures: u32,
    },
    /// It lets none through until then.
    Shut {
        /// The end of the penalty.
        until: Time,
        /// Penalties so far, this one included.
        penalties: u32,
    },
    /// It lets one request through, which decides.
    Probation {
        /// The request is under way.
        taken: bool,
        /// Penalties so far.
        penalties: u32,
    },
}

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker::Open { failures: 0 }
    }
}

impl Breaker {
    /// Whether it lets a request through.
    #[must_use]
    pub fn admits(self) -> bool {
        matches!(self, Breaker::Open { .. } | Breaker::Probation { taken: false, .. })
    }

    /// A request ended: what the breaker is now. `draw` is that of the penalty, if there is one.
    #[must_use]
    pub fn ended(self, settings: &FailureAccrual, success: bool, now: Time, draw: u64) -> Breaker {
        let shut =
            |penalties: u32| Breaker::Shut { until: now + settings.penalty(penalties, draw), penalties: penalties + 1 };
        match self {
            Breaker::Open { .. } | Breaker::Probation { .. } if success => Breaker::default(),
            Breaker::Open { failures } if failures + 1 < settings.max_failures => {
                Breaker::Open { failures: failures + 1 }
            }
            Breaker::Open { .. } => shut(0),
            Breaker::Probation { penalties, .. } => shut(penalties),
            // What was under way when it shut does not matter any more.
            Breaker::Shut { .. } => self,
        }
    }
}

impl FailureAccrual {
    /// The penalty after `before` others: twice the last, and up to `jitter` of it more; never above `max_penalty`.
    #[must_use]
    pub fn penalty(&self, before: u32, draw: u64) -> Span {
        let factor = 1u64.checked_shl(before).unwrap_or(u64::MAX);
        let base = Span(self.min_penalty.0.saturating_mul(factor)).min(self.max_penalty);
        let more = Span::from_secs_f64(base.as_secs_f64() * self.jitter * unit(draw));
        Span(base.0.saturating_add(more.0)).min(self.max_penalty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Time {
        Time(s * 1_000_000_000)
    }

    const PLAIN: FailureAccrual = FailureAccrual {
        max_failures: 3,
        min_penalty: Span::from_secs(1),
        max_penalty: Span::from_secs(5),
        jitter: 0.0,
    };

    #[test]
    fn it_shuts_after_failures_in_a_row() {
        let mut breaker = Breaker::default();
        for (success, failures) in [(false, 1), (false, 2), (true, 0), (false, 1), (false, 2)] {
            breaker = breaker.ended(&PLAIN, success, at(1), 0);
            assert_eq!(breaker, Breaker::Open { failures });
        }
        breaker = breaker.ended(&PLAIN, false, at(1), 0);
        assert_eq!(breaker, Breaker::Shut { until: at(2), penalties: 1 });
        assert!(!breaker.admits());
        // Stragglers.
        assert_eq!(breaker.ended(&PLAIN, true, at(1), 0), breaker);
    }

    #[test]
    fn one_request_decides_and_penalties_double_up_to_the_largest() {
        let probation = |penalties| Breaker::Probation { taken: true, penalties };
        assert!(!probation(1).admits() && Breaker::Probation { taken: false, penalties: 1 }.admits());
        for (penalties, s) in [(1, 2), (2, 4), (3, 5), (40, 5), (70, 5)] {
            let until = at(10 + s);
            assert_eq!(
                probation(penalties).ended(&PLAIN, false, at(10), 0),
                Breaker::Shut { until, penalties: penalties + 1 }
            );
        }
        assert_eq!(probation(7).ended(&PLAIN, true, at(10), 0), Breaker::default());
    }

    #[test]
    fn jitter_adds_at_most_its_part() {
        let settings = FailureAccrual { jitter: 0.5, ..PLAIN };
        assert_eq!(settings.penalty(0, 0), Span::from_secs(1));
        let most = settings.penalty(1, u64::MAX).as_secs_f64();
        assert!((2.999..=3.0).contains(&most), "{most}");
        assert_eq!(settings.penalty(2, u64::MAX), Span::from_secs(5), "not above the largest");
    }
}
