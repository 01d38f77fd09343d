//! Wald's sequential probability ratio test: as many yes-or-no trials as a decision needs, and no more.

/// What the trials so far say about the probability of success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is below `p1`.
    AcceptLow,
    /// It is above `p0`.
    AcceptHigh,
    /// Not yet decided.
    Continue,
}

/// The test of "at most `p0`" against "at least `p1`". Between the two, in the indifference zone, either answer is right.
///
/// The bounds of the likelihood ratio are `beta` and `1 / alpha`, and not Wald's approximations `beta / (1 - alpha)` and
/// `(1 - beta) / alpha`: the ratio is a martingale of mean 1, so that by Ville's inequality the errors are at most `alpha` and
/// `beta`, wherever the trials are broken off.
///
/// Source: A. Wald, "Sequential Tests of Statistical Hypotheses", Ann. Math. Statist. 16 (1945).
#[derive(Clone, Debug, PartialEq)]
pub struct Sprt {
    /// What a success and a failure add to the logarithm of the likelihood ratio.
    steps: (f64, f64),
    /// Its logarithm at which the test ends, below and above.
    bounds: (f64, f64),
    successes: u64,
    failures: u64,
    decision: Decision,
}

impl Sprt {
    /// A test that says `AcceptHigh` with a probability of at most `alpha` if success has the probability `p0` or less, and
    /// `AcceptLow` with at most `beta` if it has `p1` or more. `None` unless 0 < p0 < p1 < 1, and `alpha` and `beta` are
    /// between 0 and 1.
    #[must_use]
    pub fn new(p0: f64, p1: f64, alpha: f64, beta: f64) -> Option<Sprt> {
        let open = |p: f64| p > 0.0 && p < 1.0;
        let valid = open(p0) && open(p1) && p0 < p1 && open(alpha) && open(beta);
        valid.then(|| Sprt {
            steps: (libm::log(p1 / p0), libm::log((1.0 - p1) / (1.0 - p0))),
            bounds: (libm::log(beta), -libm::log(alpha)),
            successes: 0,
            failures: 0,
            decision: Decision::Continue,
        })
    }

    /// Adds a trial. Once decided, trials are neither counted nor do they change the decision.
    pub fn add(&mut self, success: bool) -> Decision {
        if self.decision == Decision::Continue {
            if success {
                self.successes += 1;
            } else {
                self.failures += 1;
            }
            let ratio = self.successes as f64 * self.steps.0 + self.failures as f64 * self.steps.1;
            if ratio <= self.bounds.0 {
                self.decision = Decision::AcceptLow;
            } else if ratio >= self.bounds.1 {
                self.decision = Decision::AcceptHigh;
            }
        }
        self.decision
    }

    /// What the trials say so far.
    #[must_use]
    pub fn decision(&self) -> Decision {
        self.decision
    }

    /// Trials that succeeded, until the decision.
    #[must_use]
    pub fn successes(&self) -> u64 {
        self.successes
    }

    /// Trials, until the decision.
    #[must_use]
    pub fn trials(&self) -> u64 {
        self.successes + self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(outcomes: impl IntoIterator<Item = bool>) -> Sprt {
        let mut test = Sprt::new(0.5, 0.8, 0.05, 0.05).unwrap();
        for success in outcomes {
            test.add(success);
        }
        test
    }

    /// ln 20 = 2.996; a success adds ln 1.6 = 0.470, a failure ln 0.4 = -0.916.
    #[test]
    fn decides_when_the_ratio_crosses_a_bound() {
        let all = run([true; 20]);
        assert_eq!((all.decision(), all.trials(), all.successes()), (Decision::AcceptHigh, 7, 7));
        let none = run([false; 20]);
        assert_eq!((none.decision(), none.trials(), none.successes()), (Decision::AcceptLow, 4, 0));
        assert_eq!(run([true; 6]).decision(), Decision::Continue);
        // Six and three: 2.82 - 2.75.
        assert_eq!(run([true, true, false, true, true, false, true, true, false]).decision(), Decision::Continue);
    }

    #[test]
    fn a_decision_stands() {
        let mut test = run([true; 7]);
        for _ in 0..100 {
            assert_eq!(test.add(false), Decision::AcceptHigh);
        }
        assert_eq!((test.trials(), test.successes()), (7, 7));
    }

    #[test]
    fn what_is_no_test_is_refused() {
        let nan = f64::NAN;
        for (p0, p1, alpha, beta) in [
            (0.0, 0.5, 0.05, 0.05),
            (0.5, 1.0, 0.05, 0.05),
            (0.5, 0.5, 0.05, 0.05),
            (0.6, 0.5, 0.05, 0.05),
            (0.4, 0.5, 0.0, 0.05),
            (0.4, 0.5, 0.05, 1.0),
            (nan, 0.5, 0.05, 0.05),
            (0.4, 0.5, nan, 0.05),
        ] {
            assert_eq!(Sprt::new(p0, p1, alpha, beta), None, "{p0} {p1} {alpha} {beta}");
        }
    }

    /// The probability of each decision after at most `most` trials of a coin, by adding up all paths.
    fn exactly(test: (f64, f64, f64, f64), p: f64, most: usize) -> (f64, f64) {
        let (p0, p1, alpha, beta) = test;
        let mut alive = vec![1.0];
        let (mut low, mut high) = (0.0, 0.0);
        for n in 1..=most {
            let mut next = vec![0.0; n + 1];
            for (k, weight) in alive.iter().enumerate() {
                next[k] += weight * (1.0 - p);
                next[k + 1] += weight * p;
            }
            for (k, weight) in next.iter_mut().enumerate() {
                let mut sprt = Sprt::new(p0, p1, alpha, beta).unwrap();
                (sprt.successes, sprt.failures) = (k as u64 - u64::from(k > 0), (n - k) as u64 - u64::from(k == 0));
                match sprt.add(k > 0) {
                    Decision::AcceptLow => low += std::mem::take(weight),
                    Decision::AcceptHigh => high += std::mem::take(weight),
                    Decision::Continue => {}
                }
            }
            alive = next;
        }
        (low, high)
    }

    /// Not a simulation: all paths are added up, so nothing is left to chance.
    #[test]
    fn errors_are_at_most_what_was_asked_for() {
        for test in [(0.8, 0.95, 0.05, 0.05), (0.5, 0.6, 0.1, 0.01), (0.9, 0.99, 0.01, 0.01)] {
            let (p0, p1, alpha, beta) = test;
            let (low, high) = exactly(test, p0, 1000);
            assert!(high <= alpha && high > alpha / 4.0, "{test:?}: {high}");
            assert!(low > 1.0 - alpha - 0.01, "{test:?}: {low}");
            let (low, high) = exactly(test, p1, 1000);
            assert!(low <= beta && low > beta / 4.0, "{test:?}: {low}");
            assert!(high > 1.0 - beta - 0.01, "{test:?}: {high}");
        }
    }
}
