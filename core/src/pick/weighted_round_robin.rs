//! gRPC's weighted_round_robin: weights from what the servers report, and a schedule that follows them.
//!
//! Sources: gRFC A58; grpc-go `balancer/weightedroundrobin` (`balancer.go`: `OnLoadReport`, `weight`; `scheduler.go`); C-core
//! `static_stride_scheduler.cc`. Modelled are the weight of one endpoint over time and the static stride scheduler with the
//! fall-back to round robin. Weights are computed again every `update` (1 s by default, 100 ms at least): when is up to the caller.

use super::{Ended, Endpoints, PickPolicy, View, Wrong};
use crate::narrow::{lower_half, u32_of, whole};
use crate::settings;
use crate::settings::{ABOVE_ZERO, DURATION, number};
use crate::units::{Span, Time};

settings! {
    /// Settings of weighted_round_robin (gRFC A58).
    pub struct WeightedRoundRobin {
        /// A weight is used once reports have come for this long.
        blackout_period: Span [DURATION] = Span::from_secs(10);
        /// A weight expires this long after the last report.
        weight_expiration_period: Span [ABOVE_ZERO] = Span::from_secs(180);
        /// How often the weights are read; less than 100ms counts as 100ms.
        weight_update_period: Span [DURATION] = Span::from_secs(1);
        /// Utilization added for each error per request.
        error_utilization_penalty: f64 [number(0.0, 1e6)] = 1.0;
    }
}

impl WeightedRoundRobin {
    fn weights(&self, of: &mut Endpoints<'_, Weight>) -> Vec<f64> {
        let now = of.now;
        of.remembered(|weight| weight.get(now, self))
    }
}

impl PickPolicy for WeightedRoundRobin {
    const NAME: &'static str = "weighted_round_robin";
    const SUMMARY: &'static str = "One connection per address, calls in proportion to requests per utilization as the pods report \
        them; plain rotation until reports have come for the blackout period.";
    const SOURCE: &'static str = "gRFC A58";

    type Memory = Weight;
    type Plan = Stride;

    fn pick(&self, view: &mut impl View<Self>, _draw: &mut impl FnMut() -> u64) -> Option<usize> {
        view.plan()?.pick()
    }

    fn prefers_by_load(&self) -> bool {
        true
    }

    fn picks_hosts(&self) -> bool {
        false
    }

    /// gRFC A58: less counts as 100 ms.
    fn settle(&mut self, _: &dyn Fn(&str) -> bool) -> Result<(), Wrong> {
        self.weight_update_period = self.weight_update_period.max(Span::from_millis(100));
        Ok(())
    }

    fn learns(&self) -> bool {
        true
    }

    fn asks_for_reports(&self) -> bool {
        true
    }

    /// Nothing has been reported on the connection.
    fn connected(&self, memory: &mut Weight, _now: Time) {
        memory.reconnected();
    }

    fn learn(&self, memory: &mut Weight, ended: &Ended) {
        if let Some(report) = &ended.report {
            memory.report(ended.now, report, self);
        }
    }

    fn plan(&self, of: &mut Endpoints<'_, Weight>, _before: Option<Stride>) -> Option<Stride> {
        let mut stride = Stride::new(0, lower_half(of.drawn));
        stride.set(&self.weights(of), Cap::None);
        Some(stride)
    }

    fn renewal(&self) -> Option<Span> {
        Some(self.weight_update_period)
    }

    fn renew(&self, plan: &mut Stride, of: &mut Endpoints<'_, Weight>) {
        plan.set(&self.weights(of), Cap::None);
    }
}

/// A load report (ORCA) of a server; zero is what it does not report.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// Requests per second.
    pub qps: f64,
    /// Utilisation by the application's own measure; it goes before `cpu`.
    pub application: f64,
    /// CPU utilisation: 1 is what the server may use.
    pub cpu: f64,
    /// Errors per second.
    pub eps: f64,
}

/// What one channel knows of one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weight {
    value: f64,
    updated: Option<Time>,
    /// The first report since there was none for too long.
    since: Option<Time>,
}

impl Weight {
    /// A report came. One without requests or utilisation is ignored.
    pub fn report(&mut self, now: Time, report: &Report, settings: &WeightedRoundRobin) {
        let utilization = if report.application > 0.0 { report.application } else { report.cpu };
        if utilization > 0.0 && report.qps > 0.0 {
            self.value = report.qps / (utilization + report.eps / report.qps * settings.error_utilization_penalty);
            self.updated = Some(now);
            self.since.get_or_insert(now);
        }
    }

    /// The weight to schedule with; 0 if there is none to go by: no report, too new, or expired. After that reports have to
    /// come for `blackout` again.
    pub fn get(&mut self, now: Time, settings: &WeightedRoundRobin) -> f64 {
        let (Some(updated), since) = (self.updated, self.since) else {
            return 0.0;
        };
        if now.since(updated) >= settings.weight_expiration_period {
            self.since = None;
            return 0.0;
        }
        let seen = since.is_some_and(|since| now.since(since) >= settings.blackout_period);
        if seen || settings.blackout_period == Span(0) { self.value } else { 0.0 }
    }

    /// The endpoint became READY: it is as if nothing had been reported yet.
    pub fn reconnected(&mut self) {
        (self.since, self.updated) = (None, None);
    }
}

/// Which weights a schedule may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// grpc-go: whatever is reported. An endpoint with less than 1/131,070 of the greatest weight is never picked.
    None,
    /// C-core: between 1/100 and 10 times the mean, so that a pick skips 9 others on average at most.
    CCore,
}

/// The static stride scheduler. A sequence number walks through the endpoints, generation after generation; an endpoint is
/// picked in `weight / 65535` of the generations, spread evenly, and skipped in the others.
#[derive(Clone, Debug)]
pub struct Stride {
    /// Empty: plain round robin.
    weights: Vec<u16>,
    endpoints: u32,
    sequence: u32,
}

impl Stride {
    /// Round robin over `endpoints`, from a sequence number that gRPC draws.
    #[must_use]
    pub fn new(endpoints: usize, sequence: u32) -> Stride {
        Stride { weights: Vec::new(), endpoints: u32_of(endpoints), sequence }
    }

    /// New weights for the same endpoints; the sequence goes on. Weights of 0 count as the mean of the others. With fewer than
    /// two above 0, or all alike, it is round robin.
    pub fn set(&mut self, weights: &[f64], cap: Cap) {
        self.weights.clear();
        self.endpoints = u32_of(weights.len());
        let known = weights.iter().filter(|w| **w > 0.0);
        let (count, sum, mut most) = known.fold((0u32, 0.0, 0.0f64), |(n, s, m), w| (n + 1, s + w, m.max(*w)));
        if count < 2 {
            return;
        }
        let mean = sum / f64::from(count);
        if cap == Cap::CCore {
            most = most.min(10.0 * mean);
        }
        let scale = f64::from(u16::MAX) / most;
        let scaled_mean: u16 = whole((scale * mean).round());
        let least = if cap == Cap::CCore { whole::<u16>((f64::from(scaled_mean) * 0.01).round()).max(1) } else { 0 };
        let scaled =
            |w: &f64| if *w > 0.0 { whole::<u16>((scale * w.min(most)).round()).max(least) } else { scaled_mean };
        self.weights.extend(weights.iter().map(scaled));
        if self.weights.iter().all(|w| *w == scaled_mean) {
            self.weights.clear();
        }
    }

    /// The next endpoint. `None` without endpoints. Steps over `greatest / mean weight - 1` others on average, however many
    /// endpoints there are.
    pub fn pick(&mut self) -> Option<usize> {
        if self.endpoints == 0 {
            return None;
        }
        loop {
            let (i, generation) = (self.sequence % self.endpoints, self.sequence / self.endpoints);
            self.sequence = self.sequence.wrapping_add(1);
            let Some(weight) = self.weights.get(i as usize) else {
                return Some(i as usize);
            };
            // Half the range further for every second endpoint: neighbours of equal weight do not skip together.
            let (max, weight) = (u64::from(u16::MAX), u64::from(*weight));
            if (weight * u64::from(generation) + u64::from(i) * (max / 2)) % max >= max - weight {
                return Some(i as usize);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Time {
        Time(s * 1_000_000_000)
    }

    fn counts(stride: &mut Stride, n: usize, picks: usize) -> Vec<usize> {
        let mut counts = vec![0; n];
        (0..picks).for_each(|_| counts[stride.pick().unwrap()] += 1);
        counts
    }

    #[test]
    fn a_weight_is_requests_by_utilisation_and_errors() {
        let mut w = Weight::default();
        let of = |w: &mut Weight, report: Report| {
            w.report(at(0), &report, &WeightedRoundRobin::default());
            w.get(at(10), &WeightedRoundRobin::default())
        };
        assert_eq!(of(&mut w, Report { qps: 100.0, cpu: 0.5, ..Report::default() }), 200.0);
        assert_eq!(of(&mut w, Report { qps: 100.0, application: 0.25, cpu: 0.5, eps: 0.0 }), 400.0);
        assert_eq!(of(&mut w, Report { qps: 100.0, application: 0.25, cpu: 0.5, eps: 25.0 }), 200.0);
        // Ignored.
        assert_eq!(of(&mut w, Report { qps: 100.0, ..Report::default() }), 200.0);
        assert_eq!(of(&mut w, Report { cpu: 0.5, ..Report::default() }), 200.0);
    }

    #[test]
    fn blackout_then_weight_then_expiration_then_blackout() {
        let report = Report { qps: 100.0, cpu: 0.5, ..Report::default() };
        let mut w = Weight::default();
        assert_eq!(w.get(at(0), &WeightedRoundRobin::default()), 0.0);
        w.report(at(5), &report, &WeightedRoundRobin::default());
        assert_eq!([14, 15, 184].map(|s| w.get(at(s), &WeightedRoundRobin::default())), [0.0, 200.0, 200.0]);
        assert_eq!(w.get(at(185), &WeightedRoundRobin::default()), 0.0);
        w.report(at(190), &report, &WeightedRoundRobin::default());
        assert_eq!([190, 199, 200].map(|s| w.get(at(s), &WeightedRoundRobin::default())), [0.0, 0.0, 200.0]);
        w.reconnected();
        assert_eq!(w.get(at(200), &WeightedRoundRobin::default()), 0.0);
        let eager = WeightedRoundRobin { blackout_period: Span(0), ..WeightedRoundRobin::default() };
        w.report(at(201), &report, &eager);
        assert_eq!(w.get(at(201), &eager), 200.0);
    }

    #[test]
    fn shares_are_weights_exactly_over_a_whole_period() {
        let mut stride = Stride::new(4, 0);
        stride.set(&[1.0, 2.0, 3.0, 4.0], Cap::None);
        // Scaled to 65535 for the greatest: 16384, 32768, 49151, 65535; each is picked so often in 65535 generations.
        assert_eq!(stride.weights, [16_384, 32_768, 49_151, 65_535]);
        assert_eq!(counts(&mut stride, 4, 163_838), [16_384, 32_768, 49_151, 65_535]);
    }

    #[test]
    fn few_or_equal_weights_go_round() {
        for weights in [vec![0.0; 3], vec![0.0, 7.0, 0.0], vec![2.5; 3]] {
            let mut stride = Stride::new(3, 1);
            stride.set(&weights, Cap::None);
            let picks: Vec<_> = (0..4).map(|_| stride.pick().unwrap()).collect();
            assert_eq!(picks, [1, 2, 0, 1], "{weights:?}");
        }
        assert_eq!(Stride::new(0, 9).pick(), None);
    }

    #[test]
    fn unknown_weights_are_the_mean_of_the_others() {
        let mut stride = Stride::new(4, 0);
        stride.set(&[1.0, 0.0, 3.0, 0.0], Cap::None);
        assert_eq!(stride.weights, [21_845, 43_690, 65_535, 43_690]);
    }

    #[test]
    fn c_core_caps_what_grpc_go_does_not() {
        let mut weights = vec![1.0; 100];
        (weights[0], weights[1]) = (100_000.0, 0.001);
        let mut stride = Stride::new(100, 0);
        stride.set(&weights, Cap::None);
        assert_eq!((stride.weights[0], stride.weights[1], stride.weights[2]), (65_535, 0, 1));
        stride.set(&weights, Cap::CCore);
        // Mean 1001: capped at 10 times that, and at 1/100 of it (6553 scaled) from below.
        assert_eq!((stride.weights[0], stride.weights[1], stride.weights[2]), (65_535, 66, 66));
    }

    #[test]
    fn the_sequence_wraps() {
        let mut stride = Stride::new(3, u32::MAX - 1);
        stride.set(&[1.0, 2.0, 4.0], Cap::None);
        assert!((0..100).all(|_| stride.pick().is_some()));
    }

    /// Scaled to 32768, 32768 and 65535. Endpoint 0 has its turns where 32768 g is 32767 or more modulo 65535: in the generations g = 1, 3, ...
    /// Endpoint 1 is half the range further, and has the others. Endpoint 2 has all.
    #[test]
    fn neighbours_of_equal_weight_take_turns() {
        let mut stride = Stride::new(3, 0);
        stride.set(&[1.0, 1.0, 2.0], Cap::None);
        let picks: Vec<_> = (0..8).map(|_| stride.pick().unwrap()).collect();
        assert_eq!(picks, [1, 2, 0, 2, 1, 2, 0, 2]);
    }
}
