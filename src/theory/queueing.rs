//! Queues with one stream of calls and first-in-first-out service: waits, losses, closed loops.
//!
//! Rates are per second, times in seconds. A queue is stable only below full use of its slots; at or above there is no
//! answer. Sources: Kleinrock, Queueing Systems I (1975); Cooper, Introduction to Queueing Theory (1981); what else is
//! named at the function.

/// Most slots that a queue may have here.
pub const SLOTS_MAX: u32 = 65_536;
/// Highest utilization for which [`Queue::wait_constant`] sums its series.
pub const CONSTANT_UTILIZATION_MAX: f64 = 0.98;

/// Poisson arrivals at some slots with one line, below full use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Queue {
    rate: f64,
    service: f64,
    slots: u32,
}

impl Queue {
    /// `rate` calls per second, each taking `service` seconds on average in one of `slots`. `None` unless all are
    /// positive and finite, `slots <= SLOTS_MAX` and `rate * service < slots`.
    #[must_use]
    pub fn new(rate: f64, service: f64, slots: u32) -> Option<Queue> {
        let valid = rate > 0.0 && service > 0.0 && (1..=SLOTS_MAX).contains(&slots);
        let queue = Queue { rate, service, slots };
        // Both, since they round differently.
        (valid && rate * service < f64::from(slots) && queue.slack() > 0.0).then_some(queue)
    }

    /// Offered load in slots (erlangs): `a = rate * service`.
    #[must_use]
    pub fn offered(self) -> f64 {
        self.rate * self.service
    }

    /// Part of its slot-time that is used: `a / slots`.
    #[must_use]
    pub fn utilization(self) -> f64 {
        self.offered() / f64::from(self.slots)
    }

    /// Calls that finish per second beyond what arrives, if all slots are busy: `slots/service - rate`.
    fn slack(self) -> f64 {
        f64::from(self.slots) / self.service - self.rate
    }

    /// M/M/c: P(a call waits), Erlang's C formula `B / (1 - ρ (1 - B))` from Erlang's B.
    #[must_use]
    pub fn wait_probability(self) -> f64 {
        // The load is positive and finite, and there are slots: Erlang's B has an answer.
        let blocked = erlang_b(self.slots, self.offered()).unwrap_or(0.0);
        blocked / (1.0 - self.utilization() * (1.0 - blocked))
    }

    /// M/M/c: mean wait `C / (slots/service - rate)`; for one slot `ρ service / (1 - ρ)`.
    #[must_use]
    pub fn wait_exponential(self) -> f64 {
        self.wait_probability() / self.slack()
    }

    /// M/M/c: the wait that a part `q` of the calls does not exceed: `P(W > t) = C exp(-(slots/service - rate) t)`, so
    /// 0 for `q <= 1 - C`. `None` unless `q` is in `[0, 1)`.
    #[must_use]
    pub fn wait_quantile(self, q: f64) -> Option<f64> {
        (0.0..1.0).contains(&q).then(|| (libm::log(self.wait_probability() / (1.0 - q)) / self.slack()).max(0.0))
    }

    /// M/M/c: P(wait + service > t): the convolution of the wait above with the exponential service, for one slot
    /// `exp(-(1/service - rate) t)`. 1 for `t <= 0`.
    #[must_use]
    pub fn time_in_system_exceeds(self, t: f64) -> f64 {
        if t <= 0.0 {
            return 1.0;
        }
        let (mu, delta, c) = (1.0 / self.service, self.slack(), self.wait_probability());
        // P(S > t) + C ∫_0^t mu e^{-mu s} e^{-delta (t-s)} ds; expm1 keeps the case delta = mu, and takes the exponent below zero,
        // since near saturation t is so large that the other one is infinite.
        let x = ((mu - delta) * t).abs();
        let ratio = if x < 1e-12 { 1.0 } else { -libm::expm1(-x) / x };
        (libm::exp(-mu * t) + c * mu * t * libm::exp(-mu.min(delta) * t) * ratio).min(1.0)
    }

    /// M/M/c: the time from arrival to completion that a part `q` of the calls does not exceed. `None` unless `q` is in
    /// `[0, 1)`.
    #[must_use]
    pub fn time_in_system_quantile(self, q: f64) -> Option<f64> {
        if !(0.0..1.0).contains(&q) {
            return None;
        }
        let (mut low, mut high) = (0.0, self.service);
        while self.time_in_system_exceeds(high) > 1.0 - q {
            low = high;
            high *= 2.0;
        }
        // 60 halvings leave nothing of the interval in double precision.
        for _ in 0..60 {
            let t = 0.5 * (low + high);
            if self.time_in_system_exceeds(t) > 1.0 - q { low = t } else { high = t }
        }
        Some(high)
    }

    /// M/G/1: mean wait `rate E[S²] / (2 (1 - ρ))` (Pollaczek and Khinchine), with `scv` = variance of the service time
    /// over its mean squared: 0 constant (M/D/1), 1 exponential. `None` unless there is one slot and `scv` is finite.
    #[must_use]
    pub fn wait_general(self, scv: f64) -> Option<f64> {
        let valid = self.slots == 1 && scv >= 0.0 && scv.is_finite();
        valid.then(|| self.offered() * self.service * (1.0 + scv) / (2.0 * (1.0 - self.utilization())))
    }

    /// M/D/c: mean wait for constant service, exactly: `service * sum_{i>=1} [P(N_i >= ic) - c/a P(N_i >= ic+1)]` with
    /// `N_i` Poisson of mean `ia` (Crommelin 1932; every c-th call sees a queue with one slot and Erlang-c gaps, whose
    /// mean wait is Spitzer's sum). `None` above [`CONSTANT_UTILIZATION_MAX`], where the series gets long.
    #[must_use]
    pub fn wait_constant(self) -> Option<f64> {
        let (a, c) = (self.offered(), f64::from(self.slots));
        if self.utilization() > CONSTANT_UTILIZATION_MAX {
            return None;
        }
        let mut sum = 0.0;
        let mut i = 1.0;
        loop {
            let (x, k) = (i * a, i * c);
            let at = libm::exp(k * libm::log(x) - x - libm::lgamma(k + 1.0));
            // P(N >= k) / P(N = k): terms fall by at least the utilization.
            let (mut tail, mut term, mut j) = (1.0, 1.0, k);
            while term > 1e-17 * tail {
                j += 1.0;
                term *= x / j;
                tail += term;
            }
            let part = at * (c / a - (c / a - 1.0) * tail);
            sum += part;
            // The parts fall geometrically by exp(-c (ρ - 1 - ln ρ)) and more.
            if part <= 1e-16 * sum || at == 0.0 {
                return Some(self.service * sum);
            }
            i += 1.0;
        }
    }
}

/// Erlang's B: P(all of `slots` are busy) when calls that find them so are lost, for a load of `offered` erlangs:
/// `B_0 = 1, B_k = a B_{k-1} / (k + a B_{k-1})`. `None` for a negative or infinite load or more than [`SLOTS_MAX`].
#[must_use]
pub fn erlang_b(slots: u32, offered: f64) -> Option<f64> {
    let valid = offered >= 0.0 && offered.is_finite() && slots <= SLOTS_MAX;
    valid.then(|| (1..=slots).fold(1.0, |b, k| offered * b / (f64::from(k) + offered * b)))
}

/// Calls per second of `workers` that each wait for their response before the next call, against `pods` with `slots`
/// each and a constant `service` time: at most `min(workers / (service + rtt), pods * slots / service)` (the asymptotic
/// bounds of operational analysis; Denning and Buzen 1978), and that where the workers are spread evenly. `None` unless
/// all are positive (`rtt` may be 0).
#[must_use]
pub fn closed_loop_throughput(workers: u32, pods: u32, slots: u32, service: f64, rtt: f64) -> Option<f64> {
    let valid = workers > 0 && pods > 0 && slots > 0 && service > 0.0 && service.is_finite() && rtt >= 0.0;
    let capacity = f64::from(pods) * f64::from(slots) / service;
    valid.then(|| (f64::from(workers) / (service + rtt)).min(capacity))
}

/// Little's law: the mean number in a system is the rate of arrivals times the mean time in it.
#[must_use]
pub fn little(rate: f64, time: f64) -> f64 {
    rate * time
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, want: f64, digits: f64) {
        assert!((got - want).abs() <= digits, "{got} is not {want}");
    }

    /// One slot: the time in the system is exponential, however long it is.
    #[test]
    fn quantiles_near_saturation() {
        for slack in [1.0, 1e-3, 1e-6, 1e-9, 1e-12] {
            let q = Queue::new(100.0 - slack, 0.01, 1).unwrap();
            let exactly = 100f64.ln() / q.slack();
            near(q.time_in_system_quantile(0.99).unwrap() / exactly, 1.0, 1e-3);
            assert!(Queue::new(100.0 - slack, 0.01, 4).unwrap().time_in_system_quantile(0.999).unwrap() < 0.1);
        }
    }

    #[test]
    fn one_slot_matches_the_textbook() {
        // rate 80, service 10 ms: ρ = 0.8, wait 40 ms, in system 50 ms, exponential with that mean.
        let q = Queue::new(80.0, 0.01, 1).unwrap();
        near(q.wait_probability(), 0.8, 1e-12);
        near(q.wait_exponential(), 0.04, 1e-12);
        near(q.time_in_system_quantile(0.99).unwrap(), 0.05 * 100f64.ln(), 1e-12);
        near(q.wait_quantile(0.9).unwrap(), 0.05 * 8f64.ln(), 1e-12);
        assert_eq!(q.wait_quantile(0.1), Some(0.0));
        near(q.wait_general(1.0).unwrap(), 0.04, 1e-12);
        near(q.wait_general(0.0).unwrap(), 0.02, 1e-12);
        near(q.wait_constant().unwrap(), 0.02, 1e-12);
        near(little(80.0, 0.05), 4.0, 1e-12);
        assert_eq!(Queue::new(80.0, 0.01, 2).unwrap().wait_general(1.0), None);
    }

    /// Erlang's tables: B(10 erlangs, 10 slots) = 0.2146, B(5, 10) = 0.0184; C(8 erlangs, 10 slots) = 0.4092.
    #[test]
    fn erlang_matches_the_tables() {
        near(erlang_b(10, 10.0).unwrap(), 0.2146, 5e-5);
        near(erlang_b(10, 5.0).unwrap(), 0.0184, 5e-5);
        near(erlang_b(1, 1.0).unwrap(), 0.5, 0.0);
        assert_eq!((erlang_b(0, 3.0), erlang_b(3, 0.0), erlang_b(3, f64::NAN)), (Some(1.0), Some(0.0), None));
        near(Queue::new(8.0, 1.0, 10).unwrap().wait_probability(), 0.4092, 5e-5);
        // M/M/2 in closed form: C = 2ρ²/(1+ρ), wait = service ρ²/(1-ρ²).
        let q = Queue::new(1.5, 1.0, 2).unwrap();
        near(q.wait_probability(), 2.0 * 0.5625 / 1.75, 1e-12);
        near(q.wait_exponential(), 0.5625 / 0.4375, 1e-12);
    }

    /// The tail of the time in system integrates to its mean, also where the formula's two rates are equal (c - a = 1).
    #[test]
    fn the_time_in_system_is_wait_plus_service() {
        for (rate, slots) in [(0.7, 1), (1.0, 2), (2.0, 3), (7.2, 8)] {
            let q = Queue::new(rate, 1.0, slots).unwrap();
            let step = 1e-3;
            let mean: f64 = (0..200_000).map(|i| step * q.time_in_system_exceeds((f64::from(i) + 0.5) * step)).sum();
            near(mean, 1.0 + q.wait_exponential(), 1e-5);
        }
    }

    /// M/D/c by another way: what is in service or waiting changes over one service time as `N' = max(N - c, 0) +
    /// Poisson(a)`; iterated to its stationary law, whose mean gives the wait by Little's law.
    fn wait_by_iteration(slots: usize, offered: f64) -> f64 {
        const STATES: usize = 400;
        let mut arrivals = vec![(-offered).exp(); STATES];
        (1..STATES).for_each(|k| arrivals[k] = arrivals[k - 1] * offered / k as f64);
        let mut law = vec![0.0; STATES];
        law[0] = 1.0;
        for _ in 0..3_000 {
            let mut next = vec![0.0; STATES];
            for (n, p) in law.iter().enumerate().filter(|(_, p)| **p > 1e-18) {
                let left = n.saturating_sub(slots);
                next[left..].iter_mut().zip(&arrivals).for_each(|(slot, q)| *slot += p * q);
            }
            law = next;
        }
        let in_system: f64 = law.iter().enumerate().map(|(n, p)| n as f64 * p).sum();
        (in_system - offered) / offered
    }

    #[test]
    fn constant_service_is_exact() {
        for rho in [0.05, 0.3, 0.7, 0.9, 0.98] {
            near(Queue::new(rho, 1.0, 1).unwrap().wait_constant().unwrap(), rho / (2.0 * (1.0 - rho)), 1e-9);
        }
        for (slots, rho) in [(2u32, 0.5), (2, 0.9), (5, 0.8), (8, 0.7), (8, 0.9), (50, 0.9)] {
            let offered = rho * f64::from(slots);
            let exact = Queue::new(offered, 1.0, slots).unwrap().wait_constant().unwrap();
            near(exact, wait_by_iteration(slots as usize, offered), 1e-9);
        }
        assert_eq!(Queue::new(0.99, 1.0, 1).unwrap().wait_constant(), None);
    }

    #[test]
    fn what_cannot_be_has_no_answer() {
        for (rate, service, slots) in [(1.0, 1.0, 1), (2.0, 1.0, 1), (0.0, 1.0, 1), (1.0, f64::NAN, 9), (1.0, 0.5, 0)] {
            assert_eq!(Queue::new(rate, service, slots), None);
        }
        assert_eq!(Queue::new(0.5, 1.0, 1).unwrap().wait_quantile(1.0), None);
    }

    #[test]
    fn closed_loops_reach_the_smaller_bound() {
        let ratio = |w| {
            closed_loop_throughput(w, 5, 8, 0.08, 0.0).unwrap() / closed_loop_throughput(w, 1, 8, 0.08, 0.0).unwrap()
        };
        near(ratio(50), 5.0, 1e-12);
        near(ratio(30), 3.75, 1e-12);
        near(ratio(10), 1.25, 1e-12);
        near(closed_loop_throughput(10, 5, 8, 0.08, 0.02).unwrap(), 100.0, 1e-9);
        let none = [
            closed_loop_throughput(0, 5, 8, 0.08, 0.0),
            closed_loop_throughput(10, 0, 8, 0.08, 0.0),
            closed_loop_throughput(10, 5, 0, 0.08, 0.0),
            closed_loop_throughput(10, 5, 8, 0.0, 0.0),
            closed_loop_throughput(10, 5, 8, f64::INFINITY, 0.0),
            closed_loop_throughput(10, 5, 8, 0.08, -0.01),
        ];
        assert_eq!(none, [None; 6]);
    }
}
