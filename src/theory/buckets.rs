//! The law of times of which only a histogram is known: maximum likelihood for counts in buckets (interval-censored data).
//!
//! Of a time only its bucket is known, so that each bucket of `n` times adds `n ln(F(end) - F(begin))` to the log-likelihood. Fisher
//! scoring finds the maximum: with bucket probabilities `p` and their derivatives `p'`, the score is `Σ n p'/p` and the information
//! `N Σ p'p'ᵀ/p` (Rao, Linear Statistical Inference, 1973, section 5e). Its inverse is the covariance of the estimates, by which quantiles have
//! intervals (delta method).

use std::f64::consts::PI;

use super::normal;

/// Counts by bucket. The first one begins at 0, the last one has no end.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    /// Where the buckets end, in seconds, ascending and above 0. The last bucket, from the last end on, is not in it.
    pub ends: Vec<f64>,
    /// One more than `ends`.
    pub counts: Vec<f64>,
}

/// A law with two parameters or one, as the buckets have it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// `ln` of a time is normal.
    Lognormal {
        /// Mean of the logarithm of seconds.
        mu: f64,
        /// Standard deviation of the logarithm, above 0.
        sigma: f64,
    },
    /// Exponential.
    Exponential {
        /// Logarithm of the mean in seconds.
        ln_mean: f64,
    },
}

/// A law that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The law.
    pub law: Law,
    /// Covariance of its parameters; of one parameter only the first is not 0.
    pub covariance: [[f64; 2]; 2],
    /// Log-likelihood of the counts.
    pub likelihood: f64,
}

/// A distribution function at a point.
#[derive(Clone, Copy)]
struct At {
    below: f64,
    above: f64,
    slopes: [f64; 2],
}

/// Standard normal density.
fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

impl Law {
    /// P(time <= t) and P(time > t), each exact where it is small, and the derivatives of the first by the parameters.
    fn at(&self, t: f64) -> At {
        match *self {
            Law::Lognormal { mu, sigma } => {
                let z = (t.ln() - mu) / sigma;
                let slopes = [-density(z) / sigma, -z * density(z) / sigma];
                At { below: normal(z), above: normal(-z), slopes }
            }
            Law::Exponential { ln_mean } => {
                let x = t / ln_mean.exp();
                At { below: -(-x).exp_m1(), above: (-x).exp(), slopes: [-x * (-x).exp(), 0.0] }
            }
        }
    }

    /// The time below which this part lies, in seconds; `z` is the standard normal quantile of the part, and `part` the part.
    #[must_use]
    pub fn quantile(&self, part: f64, z: f64) -> f64 {
        match *self {
            Law::Lognormal { mu, sigma } => (mu + z * sigma).exp(),
            Law::Exponential { ln_mean } => -(-part).ln_1p() * ln_mean.exp(),
        }
    }

    /// The mean in seconds.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match *self {
            Law::Lognormal { mu, sigma } => (mu + 0.5 * sigma * sigma).exp(),
            Law::Exponential { ln_mean } => ln_mean.exp(),
        }
    }

    /// With its parameters moved; the deviation stays above 0.
    #[must_use]
    pub fn moved(&self, by: [f64; 2]) -> Law {
        match *self {
            Law::Lognormal { mu, sigma } => Law::Lognormal { mu: mu + by[0], sigma: (sigma + by[1]).max(sigma / 4.0) },
            Law::Exponential { ln_mean } => Law::Exponential { ln_mean: ln_mean + by[0] },
        }
    }

    fn parameters(&self) -> usize {
        match self {
            Law::Lognormal { .. } => 2,
            Law::Exponential { .. } => 1,
        }
    }
}

impl Found {
    /// Standard error of the logarithm of a quantile; `z` is the standard normal one.
    #[must_use]
    pub fn error_of_ln_quantile(&self, z: f64) -> f64 {
        let [[a, b], [_, c]] = self.covariance;
        match self.law {
            Law::Lognormal { .. } => (a + 2.0 * z * b + z * z * c).max(0.0).sqrt(),
            Law::Exponential { .. } => a.sqrt(),
        }
    }

    /// Another law that the counts allow as well as this one, for two independent standard normal values: its parameters are moved within
    /// their errors.
    #[must_use]
    pub fn drawn(&self, z: [f64; 2]) -> Law {
        let [[a, b], [_, c]] = self.covariance;
        let root = a.sqrt();
        let lower = if root > 0.0 { b / root } else { 0.0 };
        self.law.moved([root * z[0], lower * z[0] + (c - lower * lower).max(0.0).sqrt() * z[1]])
    }
}

/// Stands for the probability 0, of which there is no logarithm.
const IMPOSSIBLE: f64 = 1e-300;
/// A search is over when a step would gain less than this.
const ENOUGH: f64 = 1e-9;
/// So much of a log-likelihood is rounding: a few units of the last of 53 bits for each term of the sum.
const ROUNDING: f64 = 1e-13;
/// Steps of the search; it converges within ten where it does.
const STEPS: usize = 200;

impl Buckets {
    /// All that was counted.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// The likelier of the likeliest lognormal and the likeliest exponential law, by Schwarz's criterion. `None` if the buckets do not tell: fewer than
    /// three have counts, so that any shape between their ends would do.
    #[must_use]
    pub fn law(&self) -> Option<Found> {
        if self.counts.iter().filter(|n| **n > 0.0).count() < 3 {
            return None;
        }
        let (mut weight, mut mean, mut square) = (0.0, 0.0, 0.0);
        for (i, n) in self.counts.iter().enumerate() {
            let middle = self.middle(i).ln();
            weight += n;
            mean += n * middle;
            square += n * middle * middle;
        }
        let mu = mean / weight;
        let sigma = (square / weight - mu * mu).max(0.01).sqrt();
        let lognormal = self.climb(Law::Lognormal { mu, sigma });
        let exponential = self.climb(Law::Exponential { ln_mean: mu + 0.577 });
        let score = |found: &Found| found.likelihood - 0.5 * found.law.parameters() as f64 * weight.ln();
        [lognormal, exponential].into_iter().flatten().max_by(|a, b| score(a).total_cmp(&score(b)))
    }

    /// The most that the law's distribution function is off at an end of a bucket.
    #[must_use]
    pub fn misfit(&self, law: &Law) -> f64 {
        let total = self.total();
        let mut counted = 0.0;
        let off = self.ends.iter().zip(&self.counts).map(|(end, n)| {
            counted += n;
            (law.at(*end).below - counted / total).abs()
        });
        off.fold(0.0, f64::max)
    }

    /// The time below which this part of the counts lies, in seconds, as if they lay evenly within each bucket (Prometheus'
    /// `histogram_quantile`): the last end if it is beyond that, and `None` without counts.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let rank = part * self.total();
        let mut below = 0.0;
        for (i, n) in self.counts.iter().enumerate().filter(|(_, n)| **n > 0.0) {
            let Some(to) = self.ends.get(i) else { break };
            if below + n >= rank {
                let from = if i == 0 { 0.0 } else { self.ends[i - 1] };
                return Some(from + (to - from) * (rank - below) / n);
            }
            below += n;
        }
        (self.total() > 0.0).then(|| self.ends.last().copied()).flatten()
    }

    /// A time within a bucket.
    fn middle(&self, i: usize) -> f64 {
        let last = self.ends.last().copied().unwrap_or(1.0);
        match (i.checked_sub(1).map(|i| self.ends[i]), self.ends.get(i)) {
            (Some(from), Some(to)) => (from * to).sqrt(),
            (None, Some(to)) => to / 2.0,
            (_, None) => last * 1.5,
        }
    }

    /// The probability of each bucket, and its derivatives. None is 0.
    fn chances(&self, law: &Law) -> Vec<(f64, [f64; 2])> {
        let end = At { below: 1.0, above: 0.0, slopes: [0.0; 2] };
        let mut before = At { below: 0.0, above: 1.0, slopes: [0.0; 2] };
        let ends = self.ends.iter().map(|end| law.at(*end)).chain([end]);
        ends.map(|at| {
            let from = std::mem::replace(&mut before, at);
            // Differences of numbers near 1 would be nothing but rounding.
            let p = if from.below > 0.5 { from.above - at.above } else { at.below - from.below };
            (p.max(IMPOSSIBLE), [0, 1].map(|i| at.slopes[i] - from.slopes[i]))
        })
        .collect()
    }

    fn likelihood(&self, law: &Law) -> f64 {
        self.chances(law).iter().zip(&self.counts).filter(|(_, n)| **n > 0.0).map(|((p, _), n)| n * p.ln()).sum()
    }

    /// Fisher scoring from a start, each step halved until it does not lose.
    fn climb(&self, start: Law) -> Option<Found> {
        let total = self.total();
        let (mut law, mut likelihood) = (start, self.likelihood(&start));
        for _ in 0..STEPS {
            let (score, information) = self.score(&law, total);
            let covariance = inverse(information, law.parameters())?;
            let mut step = [0, 1].map(|i| covariance[i][0] * score[0] + covariance[i][1] * score[1]);
            let gain = score[0] * step[0] + score[1] * step[1];
            // In squared standard errors; less cannot be seen in a sum of so many counts.
            if gain < ENOUGH.max(ROUNDING * likelihood.abs()) {
                return likelihood.is_finite().then_some(Found { law, covariance, likelihood });
            }
            for _ in 0..60 {
                let next = law.moved(step);
                let better = self.likelihood(&next);
                if better > likelihood {
                    (law, likelihood) = (next, better);
                    break;
                }
                step = step.map(|s| s / 2.0);
            }
        }
        None
    }

    fn score(&self, law: &Law, total: f64) -> ([f64; 2], [[f64; 2]; 2]) {
        let (mut score, mut information) = ([0.0; 2], [[0.0; 2]; 2]);
        let possible = |((p, _), _): &((f64, _), _)| *p > IMPOSSIBLE;
        for ((p, d), n) in self.chances(law).into_iter().zip(&self.counts).filter(possible) {
            for i in 0..2 {
                score[i] += n * d[i] / p;
                for j in 0..2 {
                    information[i][j] += total * d[i] * d[j] / p;
                }
            }
        }
        (score, information)
    }
}

/// The inverse of a symmetric matrix, or of its first entry. `None` if it has none.
fn inverse(m: [[f64; 2]; 2], size: usize) -> Option<[[f64; 2]; 2]> {
    let [[a, b], [_, c]] = m;
    if size == 1 {
        return (a > 0.0 && a.is_finite()).then(|| [[1.0 / a, 0.0], [0.0; 2]]);
    }
    let determinant = a * c - b * b;
    (determinant > 0.0 && determinant.is_finite())
        .then(|| [[c / determinant, -b / determinant], [-b / determinant, a / determinant]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::standard_normal;

    const ENDS: [f64; 9] = [0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01, 0.013];

    /// Counts that a law makes on average, of a million.
    fn expected(law: Law) -> Buckets {
        let mut buckets = Buckets { ends: ENDS.to_vec(), counts: vec![0.0; ENDS.len() + 1] };
        let chances = buckets.chances(&law);
        buckets.counts.iter_mut().zip(chances).for_each(|(n, (p, _))| *n = 1e6 * p);
        buckets
    }

    #[test]
    fn the_law_that_made_the_counts_is_found() {
        let lognormal = Law::Lognormal { mu: 0.003f64.ln(), sigma: 0.6 };
        let Some(Found { law: Law::Lognormal { mu, sigma }, .. }) = expected(lognormal).law() else { panic!() };
        assert!((mu - 0.003f64.ln()).abs() < 1e-6 && (sigma - 0.6).abs() < 1e-6, "{mu} {sigma}");
        let exponential = Law::Exponential { ln_mean: 0.002f64.ln() };
        let Some(Found { law: Law::Exponential { ln_mean }, .. }) = expected(exponential).law() else { panic!() };
        assert!((ln_mean - 0.002f64.ln()).abs() < 1e-6);
        assert!(expected(lognormal).misfit(&exponential) > 0.1 && expected(lognormal).misfit(&lognormal) < 1e-9);
    }

    /// With many counts the likelihood is so large that its rounding hides the last steps: the law is found all the same. These are a million calls
    /// of a lognormal law with median 4 ms and sigma 0.8 in the buckets of gRFC A66, for which no end of the search was found.
    #[test]
    fn many_counts_are_no_obstacle() {
        let ends = [
            1e-5, 5e-5, 1e-4, 3e-4, 6e-4, 8e-4, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01, 0.013, 0.016,
            0.02, 0.025, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16,
        ];
        let counts = [
            0.0, 0.0, 4.0, 651.0, 8_996.0, 14_252.0, 21_067.0, 164_168.0, 180_073.0, 151_371.0, 118_363.0, 90_561.0,
            121_520.0, 72_947.0, 60_057.0, 31_150.0, 20_949.0, 11_980.0, 5_539.0, 4_165.0, 1_348.0, 585.0, 175.0, 71.0,
            31.0, 3.0, 3.0,
        ];
        let buckets = Buckets { ends: ends.to_vec(), counts: counts.to_vec() };
        let Some(Found { law: Law::Lognormal { mu, sigma }, .. }) = buckets.law() else { panic!("another law") };
        assert!((mu.exp() - 0.004).abs() < 2e-5 && (sigma - 0.8).abs() < 0.002, "{} {sigma}", mu.exp());
        for total in [1e4, 1e6, 1e8, 1e10] {
            for i in 0..20 {
                let law = Law::Lognormal { mu: 0.003f64.ln() + 0.01 * f64::from(i), sigma: 0.5 + 0.02 * f64::from(i) };
                let mut buckets = expected(law);
                buckets.counts.iter_mut().for_each(|n| *n = (*n * total / 1e6).round());
                let found = buckets.law().map(|found| found.law);
                assert!(matches!(found, Some(Law::Lognormal { .. })), "{total} {i}: {found:?}");
            }
        }
    }

    /// Derivatives against differences.
    #[test]
    fn derivatives_are_right() {
        for law in [Law::Lognormal { mu: -6.0, sigma: 0.7 }, Law::Exponential { ln_mean: -6.0 }] {
            for i in 0..law.parameters() {
                let step = |by: f64| law.moved(if i == 0 { [by, 0.0] } else { [0.0, by] });
                let difference = (step(1e-5).at(0.003).below - step(-1e-5).at(0.003).below) / 2e-5;
                assert!((law.at(0.003).slopes[i] - difference).abs() < 1e-8, "{law:?} {i}");
            }
        }
    }

    #[test]
    fn quantiles_and_means_are_those_of_the_laws() {
        let z = standard_normal(0.99);
        let lognormal = Law::Lognormal { mu: 0.0, sigma: 1.0 };
        assert!(
            (lognormal.quantile(0.99, z) - 10.240_473_656_3).abs() < 1e-6
                && (lognormal.mean() - 0.5f64.exp()).abs() < 1e-12
        );
        let exponential = Law::Exponential { ln_mean: 0.0 };
        assert!(
            (exponential.quantile(0.99, z) - 100f64.ln()).abs() < 1e-12 && (exponential.mean() - 1.0).abs() < 1e-12
        );
    }

    /// 99 % intervals of both quantiles, over 1,000 samples of 2,000 times. The share of intervals that hold the truth is binomial: below 976
    /// has a chance of 1e-4 for exact intervals.
    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        let truth = Law::Lognormal { mu: 0.003f64.ln(), sigma: 0.6 };
        for part in [0.5, 0.99] {
            let z = standard_normal(part);
            let holds = |seed: u64| {
                let mut buckets = Buckets { ends: ENDS.to_vec(), counts: vec![0.0; ENDS.len() + 1] };
                for i in 0..2_000 {
                    let u = crate::distribution::unit(crate::random::mix(seed, i));
                    let t = truth.quantile(u, standard_normal(u));
                    buckets.counts[ENDS.partition_point(|end| *end < t)] += 1.0;
                }
                let found = buckets.law().unwrap();
                let off = (found.law.quantile(part, z) / truth.quantile(part, z)).ln();
                off.abs() <= 2.576 * found.error_of_ln_quantile(z)
            };
            let held = (1..=1_000).filter(|seed| holds(*seed)).count();
            assert!(held >= 976, "{part}: {held}");
        }
    }

    /// By hand: ten below 5 ms, three up to 10 ms; the seventh of thirteen lies at 6.5/10 of the first bucket.
    #[test]
    fn quantiles_of_counts_are_those_of_prometheus() {
        let buckets = Buckets { ends: vec![0.005, 0.01], counts: vec![10.0, 3.0, 0.0] };
        assert!((buckets.quantile(0.5).unwrap() - 0.00325).abs() < 1e-12);
        assert!((buckets.quantile(12.0 / 13.0).unwrap() - (0.005 + 0.005 * 2.0 / 3.0)).abs() < 1e-12);
        let beyond = Buckets { counts: vec![1.0, 0.0, 9.0], ..buckets.clone() };
        assert_eq!(beyond.quantile(0.5), Some(0.01));
        assert_eq!(Buckets { counts: vec![0.0; 3], ..buckets }.quantile(0.5), None);
    }

    #[test]
    fn too_few_buckets_tell_nothing() {
        let buckets = Buckets { ends: vec![0.005, 0.01], counts: vec![10.0, 3.0, 0.0] };
        assert_eq!(buckets.law(), None);
    }
}
