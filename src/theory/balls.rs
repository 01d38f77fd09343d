//! Balls in bins: `C` connections, each thrown at one of `n` pods uniformly and independently. That is what
//! kube-proxy's iptables and nftables rules do to the connections of long-lived clients.
//!
//! Moments are those of the multinomial law. The laws of the fullest and the emptiest pod are exact, by the coefficient
//! formula `P(lo <= all X_i <= hi) = C!/n^C [x^C] (sum_{lo <= k <= hi} x^k/k!)^n` (e.g. Flajolet and Sedgewick,
//! Analytic Combinatorics, II.3: allocations with restricted occupancy).

use super::occupancy::Cell;

/// Largest number of pods for which the exact laws are offered.
pub const PODS_MAX: u32 = 1_000;
/// Largest number of connections for which the exact laws are offered.
pub const CONNECTIONS_MAX: u32 = 100_000;
/// Tail probabilities below this are left out of a mean.
const TAIL: f64 = 1e-12;
/// Below this, P(some pod is beyond m) is taken to be n P(one pod is): too large by at most half its square, since the
/// counts are negatively associated (Bonferroni).
const RARE: f64 = 1e-6;

/// `connections` thrown uniformly at `pods`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balls {
    pods: u32,
    connections: u32,
}

impl Balls {
    /// `None` without pods or without connections.
    #[must_use]
    pub fn new(pods: u32, connections: u32) -> Option<Balls> {
        (pods > 0 && connections > 0).then_some(Balls { pods, connections })
    }

    /// The number of connections.
    #[must_use]
    pub fn connections(self) -> u32 {
        self.connections
    }

    fn n(self) -> f64 {
        f64::from(self.pods)
    }

    fn exact_range(self) -> Option<()> {
        (self.pods <= PODS_MAX && self.connections <= CONNECTIONS_MAX).then_some(())
    }

    fn c(self) -> f64 {
        f64::from(self.connections)
    }

    /// Connections per pod: `C/n`.
    #[must_use]
    pub fn mean(self) -> f64 {
        self.c() / self.n()
    }

    /// `E[cv²]` over the pods of one run, `(n-1)/C`, exact. (The mean of cv itself is smaller than the root of this.)
    #[must_use]
    pub fn mean_cv_squared(self) -> f64 {
        (self.n() - 1.0) / self.c()
    }

    /// Standard deviation over mean of one pod's count, `sqrt((n-1)/C)`: the root mean square of a run's cv.
    #[must_use]
    pub fn cv(self) -> f64 {
        self.mean_cv_squared().sqrt()
    }

    /// P(a given pod gets nothing) `= (1-1/n)^C`.
    #[must_use]
    pub fn idle_probability(self) -> f64 {
        libm::exp(self.c() * libm::log1p(-1.0 / self.n()))
    }

    /// `E[number of pods that get nothing]` `= n (1-1/n)^C`.
    #[must_use]
    pub fn mean_idle_pods(self) -> f64 {
        self.n() * self.idle_probability()
    }

    /// `E[X²]` `= n-1`, where `X² = sum n (X_i - C/n)² / C` is Pearson's statistic.
    #[must_use]
    pub fn x2_mean(self) -> f64 {
        self.n() - 1.0
    }

    /// `Var[X²]` `= 2 (n-1) (1-1/C)`, exact for the multinomial law.
    #[must_use]
    pub fn x2_variance(self) -> f64 {
        2.0 * (self.n() - 1.0) * (1.0 - 1.0 / self.c())
    }

    /// P(every pod has between `lo` and `hi` connections). Exact up to rounding: absolute error below 1e-9. `None`
    /// above [`PODS_MAX`] or [`CONNECTIONS_MAX`].
    #[must_use]
    pub fn within_probability(self, lo: u32, hi: u32) -> Option<f64> {
        self.exact_range()?;
        let hi = hi.min(self.connections);
        let (c, n) = (u64::from(self.connections), u64::from(self.pods));
        if lo > hi || c < n * u64::from(lo) || c > n * u64::from(hi) {
            return Some(0.0);
        }
        if lo == 0 && hi == self.connections {
            return Some(1.0);
        }
        // Both ends are one way to fill the pods: C! / (n^C (k!)^n).
        let total = libm::lgamma(self.c() + 1.0) - self.c() * libm::log(self.n());
        for k in [lo, hi] {
            if c == n * u64::from(k) {
                return Some(libm::exp(total - self.n() * libm::lgamma(f64::from(k) + 1.0)).min(1.0));
            }
        }
        let cell = Cell::with_mean(lo, hi, self.mean());
        let at_c = cell.sum_probability(self.pods, self.connections);
        let log_p = total + self.n() * cell.log_scale - self.c() * cell.log_rate + libm::log(at_c);
        Some(libm::exp(log_p).min(1.0))
    }

    /// P(the fullest pod has at most `m`). Range and error as [`Balls::within_probability`].
    #[must_use]
    pub fn max_at_most(self, m: u32) -> Option<f64> {
        self.within_probability(0, m)
    }

    /// P(some pod gets nothing). Range and error as [`Balls::within_probability`].
    #[must_use]
    pub fn some_idle_probability(self) -> Option<f64> {
        Some(1.0 - self.within_probability(1, self.connections)?)
    }

    /// The smallest `m` with P(max <= m) >= `q`, for `q` in (0, 1). Range as [`Balls::within_probability`].
    #[must_use]
    pub fn max_quantile(self, q: f64) -> Option<u32> {
        if !(q > 0.0 && q < 1.0) {
            return None;
        }
        let (mut below, mut enough) = (self.connections.div_ceil(self.pods) - 1, self.connections);
        while enough - below > 1 {
            let m = below + (enough - below) / 2;
            if self.max_at_most(m)? >= q { enough = m } else { below = m }
        }
        Some(enough)
    }

    /// `E[connections of the fullest pod]` `= sum_m P(max > m)`. Absolute error below 1e-5. Takes milliseconds for
    /// thousands of connections, seconds at the end of the range. Range as [`Balls::within_probability`].
    #[must_use]
    pub fn mean_max(self) -> Option<f64> {
        self.exact_range()?;
        let pmf = self.pod_law();
        let mut above: f64 = 0.0;
        let mut beyond = vec![0.0; pmf.len()];
        for m in (1..pmf.len()).rev() {
            above += pmf[m];
            beyond[m - 1] = above;
        }
        // The fullest pod has at least C/n.
        let mut m = self.connections.div_ceil(self.pods);
        let mut mean = f64::from(m);
        while m < self.connections && self.n() * beyond[m as usize] > TAIL {
            let union = self.n() * beyond[m as usize];
            mean += if union < RARE { union } else { 1.0 - self.max_at_most(m)? };
            m += 1;
        }
        Some(mean)
    }

    /// `E[connections of the emptiest pod]` `= sum_{m >= 1} P(min >= m)`. Error, time and range as [`Balls::mean_max`].
    #[must_use]
    pub fn mean_min(self) -> Option<f64> {
        self.exact_range()?;
        let pmf = self.pod_law();
        let mut below = 0.0;
        let mut mean = 0.0;
        for m in 1..=self.connections / self.pods {
            below += pmf[m as usize - 1];
            let union = self.n() * below;
            mean += if union < RARE { 1.0 - union } else { self.within_probability(m, self.connections)? };
        }
        Some(mean)
    }

    /// `E[max]` for any size, by `C/n + sqrt(C/n) E[Z] + (E[Z²] - 1)/6` with `Z` the largest of `n` standard normals:
    /// the Cornish-Fisher expansion of a Poisson count to its skewness. Relative error below 0.1 % for `C/n >= 100`;
    /// `None` below that.
    #[must_use]
    pub fn mean_max_normal(self) -> Option<f64> {
        let (first, second) = normal_max_moments(self.pods);
        (self.mean() >= 100.0).then(|| self.mean() + self.mean().sqrt() * first + (second - 1.0) / 6.0)
    }

    /// The law of one pod's count, `Binomial(C, 1/n)`.
    fn pod_law(self) -> Vec<f64> {
        let (c, p) = (self.c(), 1.0 / self.n());
        if self.pods == 1 {
            return (0..=self.connections).map(|k| f64::from(u8::from(k == self.connections))).collect();
        }
        let ways = |k: f64| libm::lgamma(c + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(c - k + 1.0);
        let law = |k: f64| libm::exp(ways(k) + k * libm::log(p) + (c - k) * libm::log1p(-p));
        (0..=self.connections).map(|k| law(f64::from(k))).collect()
    }
}

/// `E[Z]` and E[Z²] of the largest of `n` independent standard normals, whose distribution function is `F = Phi^n`: the
/// integrals of `1 - F` and `2x (1 - F)` over x > 0 minus those of `F` and `2x F` over x < 0, by the midpoint rule.
fn normal_max_moments(n: u32) -> (f64, f64) {
    const CELLS: i32 = 4_000;
    const REACH: f64 = 10.0;
    let step = 2.0 * REACH / f64::from(CELLS);
    let (mut first, mut second) = (0.0, 0.0);
    for i in 0..CELLS {
        let x = -REACH + (f64::from(i) + 0.5) * step;
        let f = libm::pow(super::normal(x), f64::from(n));
        let part = step * if x < 0.0 { -f } else { 1.0 - f };
        first += part;
        second += 2.0 * x * part;
    }
    (first, second)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// n, C, E[max], p95 of max, E[idle] and half of its last printed digit: made by enumeration with other code.
    const TABLE: [(u32, u32, f64, u32, f64, f64); 18] = [
        (5, 1, 1.000, 1, 4.0, 1e-9),
        (5, 5, 2.286, 3, 1.638, 5e-4),
        (5, 10, 3.756, 5, 0.537, 5e-4),
        (5, 50, 13.798, 17, 7.1e-5, 5e-7),
        (5, 100, 25.324, 30, 1e-9, 5e-10),
        (5, 1000, 216.577, 230, 0.0, 1e-10),
        (10, 1, 1.000, 1, 9.0, 1e-9),
        (10, 5, 1.788, 3, 5.905, 5e-4),
        (10, 10, 2.749, 4, 3.487, 5e-4),
        (10, 50, 8.690, 11, 0.0515, 5e-5),
        (10, 100, 15.125, 18, 2.7e-4, 5e-6),
        (10, 1000, 115.664, 125, 0.0, 1e-10),
        (50, 1, 1.000, 1, 49.0, 1e-9),
        (50, 5, 1.190, 2, 45.2, 5e-2),
        (50, 10, 1.663, 2, 40.85, 5e-3),
        (50, 50, 3.805, 5, 18.21, 5e-3),
        (50, 100, 5.775, 7, 6.631, 5e-4),
        (50, 1000, 30.724, 35, 8e-8, 5e-9),
    ];

    #[test]
    fn the_fullest_pod_matches_the_table() {
        for (n, c, mean, p95, idle, digit) in TABLE {
            let balls = Balls::new(n, c).unwrap();
            assert!((balls.mean_max().unwrap() - mean).abs() <= 0.000_5, "{n} {c}: {:?}", balls.mean_max());
            assert_eq!(balls.max_quantile(0.95), Some(p95), "{n} {c}");
            assert!((balls.mean_idle_pods() - idle).abs() <= digit, "{n} {c}: {}", balls.mean_idle_pods());
        }
    }

    #[test]
    fn moments_match_the_table() {
        for (n, c, cv, idle) in
            [(5, 10, 0.632, 0.1074), (10, 50, 0.424, 0.00515), (50, 100, 0.700, 0.1326), (5, 1, 2.0, 0.8)]
        {
            let balls = Balls::new(n, c).unwrap();
            assert!(
                (balls.cv() - cv).abs() <= 0.0005 && (balls.idle_probability() / idle - 1.0).abs() < 0.001,
                "{n} {c}"
            );
        }
        let balls = Balls::new(5, 10).unwrap();
        assert_eq!((balls.x2_mean(), balls.x2_variance()), (4.0, 7.2));
    }

    /// All `n^C` placements of a few balls, counted.
    #[test]
    fn small_cases_match_a_count_of_all_placements() {
        for (n, c) in [(2u32, 7u32), (3, 6), (4, 5), (5, 4), (3, 1)] {
            let (mut max, mut min, mut x2, mut x4) = (0.0, 0.0, 0.0, 0.0);
            let mut within = vec![vec![0.0; c as usize + 1]; c as usize + 1];
            let all = u64::from(n).pow(c);
            for code in 0..all {
                let mut counts = vec![0u32; n as usize];
                let mut rest = code;
                for _ in 0..c {
                    counts[(rest % u64::from(n)) as usize] += 1;
                    rest /= u64::from(n);
                }
                let (hi, lo) = (*counts.iter().max().unwrap(), *counts.iter().min().unwrap());
                let weight = 1.0 / all as f64;
                max += weight * f64::from(hi);
                min += weight * f64::from(lo);
                let even = f64::from(c) / f64::from(n);
                let x: f64 = counts.iter().map(|k| (f64::from(*k) - even).powi(2) / even).sum();
                x2 += weight * x;
                x4 += weight * x * x;
                within[lo as usize][hi as usize] += weight;
            }
            let balls = Balls::new(n, c).unwrap();
            assert!((balls.mean_max().unwrap() - max).abs() < 1e-10, "{n} {c}");
            assert!((balls.mean_min().unwrap() - min).abs() < 1e-10, "{n} {c}");
            assert!((balls.x2_mean() - x2).abs() < 1e-10 && (balls.x2_variance() - (x4 - x2 * x2)).abs() < 1e-9);
            for (lo, hi) in (0..=c).flat_map(|lo| (0..=c).map(move |hi| (lo, hi))) {
                let counted: f64 =
                    within.iter().skip(lo as usize).flat_map(|row| row.iter().take(hi as usize + 1)).sum();
                let p = balls.within_probability(lo, hi).unwrap();
                assert!((p - counted).abs() < 1e-12, "{n} {c} {lo}..={hi}: {p} {counted}");
            }
        }
    }

    /// With two pods the fullest has m or fewer exactly if a Binomial(C, 1/2) lies in C-m..=m.
    #[test]
    fn large_numbers_agree_with_the_binomial_law() {
        use statrs::distribution::{Binomial, DiscreteCDF};
        for (c, m) in [(1_000u32, 520u32), (10_000, 5_080), (100_000, 50_100), (100_000, 50_400)] {
            let law = Binomial::new(0.5, u64::from(c)).unwrap();
            let want = law.cdf(u64::from(m)) - law.cdf(u64::from(c - m) - 1);
            let got = Balls::new(2, c).unwrap().max_at_most(m).unwrap();
            assert!((got - want).abs() < 1e-8, "{c} {m}: {got} {want}");
        }
    }

    /// P(some pod is idle) by inclusion and exclusion, P(max) within its union bound, at the end of the range.
    #[test]
    fn the_end_of_the_range_is_sound() {
        let balls = Balls::new(10, 60).unwrap();
        let choose = [10.0, 45.0, 120.0, 210.0, 252.0, 210.0, 120.0, 45.0, 10.0];
        let term = |k: usize| choose[k - 1] * (1.0 - k as f64 / 10.0).powi(60);
        let idle = (1..=9).map(|k| if k % 2 == 1 { term(k) } else { -term(k) }).sum::<f64>();
        assert!((balls.some_idle_probability().unwrap() - idle).abs() < 1e-12);
        let balls = Balls::new(1_000, 100_000).unwrap();
        let (median, high) = (balls.max_quantile(0.5).unwrap(), balls.max_quantile(0.999).unwrap());
        assert!((130..140).contains(&median) && high > median, "{median} {high}");
        assert!(
            Balls::new(1_001, 1).unwrap().mean_max().is_none()
                && Balls::new(5, 0).is_none()
                && Balls::new(0, 5).is_none()
        );
    }

    #[test]
    fn the_normal_approximation_keeps_its_stated_error() {
        for (n, c) in [(2, 20_000), (5, 500), (10, 1_000), (10, 10_000), (50, 5_000), (100, 10_000), (1_000, 100_000)] {
            let balls = Balls::new(n, c).unwrap();
            let (exact, normal) = (balls.mean_max().unwrap(), balls.mean_max_normal().unwrap());
            assert!((normal / exact - 1.0).abs() < 1e-3, "{n} {c}: {exact} {normal}");
        }
        // Means and second moments of the largest of n standard normals (tables of order statistics); the midpoint rule
        // is good to the square of its step, 2.5e-5, over 12.
        for (n, m1, m2) in
            [(1, 0.0, 1.0), (2, 0.564_189_6, 1.0), (5, 1.162_964_5, 1.800_020_5), (10, 1.538_752_7, 2.712_103_8)]
        {
            let (first, second) = normal_max_moments(n);
            assert!((first - m1).abs() < 1e-6 && (second - m2).abs() < 1e-5, "{n}: {first} {second}");
        }
    }
}
