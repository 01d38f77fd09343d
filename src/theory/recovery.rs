//! Connection age as a cure: how fast new pods get their share, and what a time average gains.
//!
//! A server closes each connection at an age drawn uniformly from `A (1 ± jitter)`, once per connection (gRFC A9;
//! grpc-go and C-core: 10 %); the client re-dials a uniformly drawn pod. All times here are in units of the age `A`.
//! "Uniform phases" means that the process has gone on for long: a connection's remaining life has the equilibrium law
//! of renewal theory. For connections born together see [`super::renewal`].

/// The jitter of gRPC servers (gRFC A9).
pub const JITTER: f64 = 0.1;

/// Lifetimes uniform in `1 ± jitter`, in units of the age.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lifetimes {
    jitter: f64,
}

impl Lifetimes {
    /// `None` unless `jitter` is in `[0, 1]`.
    #[must_use]
    pub fn new(jitter: f64) -> Option<Lifetimes> {
        (0.0..=1.0).contains(&jitter).then_some(Lifetimes { jitter })
    }

    /// The jitter.
    #[must_use]
    pub fn jitter(self) -> f64 {
        self.jitter
    }

    /// P(L <= x).
    #[must_use]
    pub fn cdf(self, x: f64) -> f64 {
        if self.jitter == 0.0 {
            return f64::from(u8::from(x >= 1.0));
        }
        ((x - 1.0 + self.jitter) / (2.0 * self.jitter)).clamp(0.0, 1.0)
    }

    /// The integrals from 0 to `x` of `P(L > s) ds` and of `s P(L > s) ds`: half the derivative and half the value of
    /// `E[min(L, x)²]`. Both are 0 for negative `x`.
    #[must_use]
    pub fn survival_integrals(self, x: f64) -> (f64, f64) {
        let (low, high) = (1.0 - self.jitter, 1.0 + self.jitter);
        let flat = x.clamp(0.0, low);
        let (mut i0, mut i1) = (flat, flat * flat / 2.0);
        if x > low && self.jitter > 0.0 {
            // P(L > s) = (high - s) / (2 jitter) on low..high.
            let primitive0 = |s: f64| high * s - s * s / 2.0;
            let primitive1 = |s: f64| high * s * s / 2.0 - s * s * s / 3.0;
            let end = x.min(high);
            i0 += (primitive0(end) - primitive0(low)) / (2.0 * self.jitter);
            i1 += (primitive1(end) - primitive1(low)) / (2.0 * self.jitter);
        }
        (i0, i1)
    }

    /// Fraction of connections that re-dialled at least once within `t`, uniform phases: `t` up to `1 - jitter`, then
    /// `1 - (1 + jitter - t)² / (4 jitter)`, 1 from `1 + jitter` on. 0 for `t <= 0`.
    #[must_use]
    pub fn redialled(self, t: f64) -> f64 {
        self.survival_integrals(t).0.min(1.0)
    }

    /// Factor by which averaging a pod's connections over a time `w` shrinks their variance `(C/n)(1-1/n)`, uniform
    /// phases: `v = 2/w² ∫_0^w (w - s) P(no re-dial within s) ds`. Without jitter that is `1 - w/3` for `w <= 1` and
    /// `1/w - 1/(3w²)` beyond; with jitter `(1 + j²/3)/w - (1 + j²)/(3w²)` for `w >= 1 + j`. `None` unless `w > 0`.
    #[must_use]
    pub fn variance_factor(self, w: f64) -> Option<f64> {
        if !(w > 0.0 && w.is_finite()) {
            return None;
        }
        // P(no re-dial within s) = 1 - redialled(s), whose integral needs one more primitive than survival_integrals
        // has: integrate by parts, ∫ (w - s) (1 - R(s)) ds = w²/2 - ∫ (w - s)²/2 R'(s) ds with R'(s) = P(L > s).
        let (low, high) = (1.0 - self.jitter, 1.0 + self.jitter);
        let cube = |x: f64| x * x * x;
        let square_between = |from: f64, to: f64| (cube(w - from) - cube(w - to)) / 3.0;
        let mut weighted = square_between(0.0, low.min(w));
        if w > low && self.jitter > 0.0 {
            // ∫ (w - s)² (high - s) ds with high - s = (high - w) + (w - s).
            let end = high.min(w);
            let fourth = (cube(w - low) * (w - low) - cube(w - end) * (w - end)) / 4.0;
            weighted += ((high - w) * square_between(low, end) + fourth) / (2.0 * self.jitter);
        }
        Some(2.0 / (w * w) * (w * w / 2.0 - weighted / 2.0))
    }

    /// After a rollout that took `rollout` from its first to its last re-dial: how long, from its end, no connection
    /// ages out, and how long until every one has: `(max(0, 1 - jitter - rollout), 1 + jitter)`. All of them were born
    /// within the rollout, so that its skew stays as it is and then dissolves at once. `None` for a negative `rollout`.
    #[must_use]
    pub fn silence_after_rollout(self, rollout: f64) -> Option<(f64, f64)> {
        (rollout >= 0.0).then(|| ((1.0 - self.jitter - rollout).max(0.0), 1.0 + self.jitter))
    }
}

/// Mean connections of one new pod after a scale-up to `pods`, when a fraction `redialled` of all `connections` has
/// drawn again: `(C/n') f`.
#[must_use]
pub fn mean_on_new_pod(connections: u32, pods: u32, redialled: f64) -> Option<f64> {
    (pods > 0 && (0.0..=1.0).contains(&redialled)).then(|| f64::from(connections) / f64::from(pods) * redialled)
}

/// P(a given new pod still has no connection) `= (1 - f/n')^C`, each connection having re-dialled independently with
/// probability `redialled`.
#[must_use]
pub fn still_idle_probability(connections: u32, pods: u32, redialled: f64) -> Option<f64> {
    (pods > 0 && (0.0..=1.0).contains(&redialled))
        .then(|| libm::pow(1.0 - redialled / f64::from(pods), f64::from(connections)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grpc() -> Lifetimes {
        Lifetimes::new(JITTER).unwrap()
    }

    #[test]
    fn recovery_matches_the_closed_form() {
        for (t, f) in [(-1.0, 0.0), (0.5, 0.5), (0.9, 0.9), (1.0, 0.975), (1.1, 1.0), (7.0, 1.0)] {
            assert!((grpc().redialled(t) - f).abs() < 1e-12, "{t}");
        }
        let sharp = Lifetimes::new(0.0).unwrap();
        assert_eq!((sharp.redialled(0.25), sharp.redialled(2.0)), (0.25, 1.0));
        assert_eq!([0.5, 0.99, 1.0, 2.0].map(|x| sharp.cdf(x)), [0.0, 0.0, 1.0, 1.0]);
        assert!(
            [(0.9, 0.0), (0.95, 0.25), (1.0, 0.5), (1.2, 1.0)].iter().all(|(x, f)| (grpc().cdf(*x) - f).abs() < 1e-12)
        );
        assert_eq!(mean_on_new_pod(50, 10, 0.5), Some(2.5));
        assert!((still_idle_probability(50, 10, 0.5).unwrap() - 0.95f64.powi(50)).abs() < 1e-15);
        assert_eq!(still_idle_probability(50, 0, 0.5), None);
        assert_eq!(mean_on_new_pod(50, 10, 1.5), None);
    }

    #[test]
    fn time_averages_match_the_closed_forms() {
        let sharp = Lifetimes::new(0.0).unwrap();
        for w in [0.1, 0.5, 1.0] {
            assert!((sharp.variance_factor(w).unwrap() - (1.0 - w / 3.0)).abs() < 1e-12);
        }
        for w in [1.0, 3.0, 10.0] {
            assert!((sharp.variance_factor(w).unwrap() - (1.0 / w - 1.0 / (3.0 * w * w))).abs() < 1e-12);
        }
        // n = 10, C = 20: variance 1.8 v; 1.200 and .174 at one and ten ages.
        assert!((1.8 * sharp.variance_factor(1.0).unwrap() - 1.2).abs() < 1e-12);
        assert!((1.8 * sharp.variance_factor(10.0).unwrap() - 0.174).abs() < 5e-4);
        for j in [0.1, 0.5, 1.0] {
            for w in [2.0, 5.0, 40.0] {
                let want = (1.0 + j * j / 3.0) / w - (1.0 + j * j) / (3.0 * w * w);
                assert!((Lifetimes::new(j).unwrap().variance_factor(w).unwrap() - want).abs() < 1e-12, "{j} {w}");
            }
        }
        assert_eq!(grpc().variance_factor(0.0), None);
    }

    /// The definition, by the midpoint rule with 10^5 cells.
    #[test]
    fn the_variance_factor_is_its_integral() {
        for (j, w) in [(0.1, 0.3), (0.1, 0.95), (0.1, 1.05), (0.1, 1.3), (1.0, 0.7), (1.0, 1.7)] {
            let law = Lifetimes::new(j).unwrap();
            let cells = 100_000;
            let sum: f64 = (0..cells)
                .map(|i| w * (f64::from(i) + 0.5) / f64::from(cells))
                .map(|s| (w - s) * (1.0 - law.redialled(s)) * w / f64::from(cells))
                .sum();
            assert!((law.variance_factor(w).unwrap() - 2.0 / (w * w) * sum).abs() < 1e-9, "{j} {w}");
        }
    }

    #[test]
    fn a_rollout_is_followed_by_silence() {
        let (quiet, over) = grpc().silence_after_rollout(300.0 / 1800.0).unwrap();
        assert!((quiet * 1800.0 - 1320.0).abs() < 1e-9 && (over * 1800.0 - 1980.0).abs() < 1e-9);
        assert_eq!(grpc().silence_after_rollout(2.0).unwrap().0, 0.0);
        assert_eq!(grpc().silence_after_rollout(-0.1), None);
        assert_eq!(Lifetimes::new(1.1), None);
    }
}
