//! Peak EWMA: a moving average of response times that jumps up to a peak at once and comes down slowly.
//!
//! Source: tower `load/peak_ewma.rs` (`RttEstimate::update`, `Load::load`), after Finagle's `PeakEwma.scala`; Linkerd uses
//! it with a default of 30 ms and a decay of 10 s. What follows from the code, and surprises:
//!
//! - *Reading* the load decays the estimate towards zero, the first value as well: an endpoint that gets nothing becomes
//!   cheap.
//! - A request that ends is a sample however it ended: a fast failure never raises the estimate.
//! - Where reads are frequent, low samples hardly count, and a peak comes down by time alone.

use super::{Ended, PickPolicy, View, p2c};
use crate::settings;
use crate::settings::ABOVE_ZERO;
use crate::units::{Span, Time};

settings! {
    /// Settings of peak_ewma. Defaults are Linkerd's (`policy-controller/grpc/src/outbound.rs`).
    pub struct PeakEwma {
        /// What is assumed of an endpoint that has not answered yet.
        default_rtt: Span [ABOVE_ZERO] = Span::from_millis(30);
        /// How fast a peak is forgotten: the time constant.
        decay: Span [ABOVE_ZERO] = Span::from_secs(10);
    }
}

impl PickPolicy for PeakEwma {
    const NAME: &'static str = "peak_ewma";
    const SUMMARY: &'static str = "One connection per address, each call on the better of two by a moving average of response times that jumps to \
        peaks, times what is outstanding.";
    const SOURCE: &'static str = "tower load/peak_ewma.rs; Linkerd";

    type Memory = Estimate;
    type Plan = ();

    fn pick(&self, view: &mut impl View<Self>, draw: &mut impl FnMut() -> u64) -> Option<usize> {
        let (n, now) = (view.len(), view.now());
        let load = |i: usize| {
            let pending = view.streams(i);
            view.memory(i).load(now, pending, self.decay)
        };
        p2c::pick(n, load, draw)
    }

    fn prefers_by_load(&self) -> bool {
        true
    }

    fn picks_hosts(&self) -> bool {
        false
    }

    fn learns(&self) -> bool {
        true
    }

    fn connected(&self, memory: &mut Estimate, now: Time) {
        *memory = Estimate::new(self.default_rtt, now);
    }

    fn learn(&self, memory: &mut Estimate, ended: &Ended) {
        memory.complete(ended.now, ended.took, self.decay);
    }
}

/// What one client knows of the response times of one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    estimate_ns: f64,
    updated: Time,
}

impl Estimate {
    /// A new endpoint, with what to assume (above zero) until there is a measurement.
    #[must_use]
    pub fn new(default_rtt: Span, now: Time) -> Estimate {
        Estimate { estimate_ns: default_rtt.0 as f64, updated: now }
    }

    /// The load: the estimate in ns, decayed to `now`, times `pending + 1`. `decay` is above zero; `pending` are the
    /// requests outstanding.
    pub fn load(&mut self, now: Time, pending: u32, decay: Span) -> f64 {
        self.update(now, 0.0, decay);
        self.estimate_ns * (f64::from(pending) + 1.0)
    }

    /// A request is over, by its response, its failure or because it was dropped, `rtt` after it was sent.
    pub fn complete(&mut self, now: Time, rtt: Span, decay: Span) {
        self.update(now, rtt.0 as f64, decay);
    }

    fn update(&mut self, now: Time, rtt_ns: f64, decay: Span) {
        if self.estimate_ns < rtt_ns {
            self.estimate_ns = rtt_ns;
        } else {
            let elapsed = now.0.saturating_sub(self.updated.0);
            // Often nothing has happened in between; e^0 is 1.
            let keep = if elapsed == 0 { 1.0 } else { libm::exp(-(elapsed as f64) / decay.0 as f64) };
            self.estimate_ns = self.estimate_ns * keep + rtt_ns * (1.0 - keep);
        }
        self.updated = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECAY: Span = Span::from_secs(10);

    fn at(ms: u64) -> Time {
        Time(ms * 1_000_000)
    }

    fn ms(ns: f64) -> f64 {
        ns / 1e6
    }

    #[test]
    fn reading_decays_towards_zero() {
        let mut e = Estimate::new(Span::from_millis(30), at(0));
        assert_eq!(ms(e.load(at(0), 0, DECAY)), 30.0);
        let once = e.load(at(10_000), 0, DECAY);
        assert!((ms(once) - 30.0 / std::f64::consts::E).abs() < 1e-12);
        // Decay compounds: read twice on the way or not, the same.
        let mut twice = Estimate::new(Span::from_millis(30), at(0));
        twice.load(at(4_000), 0, DECAY);
        assert!((twice.load(at(10_000), 0, DECAY) / once - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_peak_counts_at_once_and_a_low_sample_by_the_time_since_the_last() {
        let mut e = Estimate::new(Span::from_millis(30), at(0));
        e.complete(at(0), Span::from_millis(2_000), DECAY);
        assert_eq!(ms(e.load(at(0), 0, DECAY)), 2_000.0);
        // No time has passed: a low sample changes nothing.
        e.complete(at(0), Span::from_millis(10), DECAY);
        assert_eq!(ms(e.load(at(0), 0, DECAY)), 2_000.0);
        e.complete(at(10_000), Span::from_millis(10), DECAY);
        let keep = libm::exp(-1.0);
        assert!((ms(e.load(at(10_000), 0, DECAY)) - (2_000.0 * keep + 10.0 * (1.0 - keep))).abs() < 1e-9);
    }

    #[test]
    fn load_grows_with_what_is_pending() {
        let mut e = Estimate::new(Span::from_millis(10), at(0));
        assert_eq!([0, 1, 9].map(|pending| ms(e.load(at(0), pending, DECAY))), [10.0, 20.0, 100.0]);
    }
}
