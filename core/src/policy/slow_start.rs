//! Envoy's slow start: a new endpoint's weight grows over a window.
//!
//! Source: Envoy `source/extensions/load_balancing_policies/common/load_balancer_impl.cc` (`applySlowStartFactor`,
//! `noHostsAreInSlowStart`). The age counts from when the host joined; with active health checks from when it became
//! healthy. While [`SlowStart::lasts`], hosts are scheduled by [`super::edf`] even if all weights are equal, so that
//! LEAST_REQUEST is no power of two choices; which of the two is decided when the host set changes, so that the scheduler
//! stays beyond the window until the next change.

pub use crate::model::SlowStart;
use crate::units::Span;

impl SlowStart {
    /// What to multiply the weight of an endpoint of that age with: `max((max(1 ms, age) / window)^(1 / aggression),
    /// min_weight)`, and 1 from the end of the window on. Envoy reckons in whole milliseconds.
    #[must_use]
    pub fn factor(&self, age: Span) -> f64 {
        let (age, window) = (millis(age), millis(self.window));
        if age >= window {
            return 1.0;
        }
        let time = age.max(1) as f64 / window as f64;
        let grown = if self.aggression == 1.0 { time } else { libm::pow(time, 1.0 / self.aggression) };
        grown.max(self.min_weight)
    }

    /// Whether slow start is on and the newest endpoint is within it.
    #[must_use]
    pub fn lasts(&self, newest: Span) -> bool {
        millis(self.window) > 0 && millis(newest) <= millis(self.window)
    }
}

fn millis(span: Span) -> u64 {
    span.0 / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINEAR: SlowStart = SlowStart { window: Span::from_secs(60), aggression: 1.0, min_weight: 0.1 };

    #[test]
    fn weight_grows_from_the_least_to_the_whole() {
        let got = [0, 3, 6, 30, 60, 600].map(|s| LINEAR.factor(Span::from_secs(s)));
        assert_eq!(got, [0.1, 0.1, 0.1, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn aggression_is_a_root() {
        let fast = SlowStart { aggression: 2.0, ..LINEAR };
        assert_eq!(fast.factor(Span::from_secs(15)), 0.5);
        // The first millisecond counts as a whole one.
        let from_zero = SlowStart { min_weight: 0.0, ..LINEAR };
        assert_eq!(from_zero.factor(Span(0)), 1.0 / 60_000.0);
    }

    #[test]
    fn the_end_of_the_window_belongs_to_it() {
        assert!(LINEAR.lasts(Span::from_secs(60)) && !LINEAR.lasts(Span::from_millis(60_001)));
        assert!(!SlowStart { window: Span(0), ..LINEAR }.lasts(Span(0)));
    }
}
