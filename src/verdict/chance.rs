//! Whether a draw explains what is seen.

use crate::theory::balls::Balls;

/// A draw that is as uneven as this in fewer runs is not called chance.
pub(super) const LEVEL: f64 = 0.01;

/// The probability that, of `n` pods, some pod has a count as far off as `k` of `draws`, if each draw falls on a pod like this one with
/// probability `p`: n times the tail (Bonferroni), and so an upper bound; exact where all pods are alike and `k` is above the mean.
pub(super) fn some_pod_has(k: f64, draws: f64, p: f64, n: usize) -> f64 {
    let (k, draws) = (k.round().max(0.0) as u64, draws.round().max(0.0) as u64);
    let above = k as f64 >= p * draws as f64;
    let alike = (p * n as f64 - 1.0).abs() < 1e-9;
    if let Some(exactly) = some_pod_has_exactly(k, draws, n as u64).filter(|_| above && alike) {
        return exactly;
    }
    let tail = if above { at_least(k, draws, p) } else { 1.0 - at_least(k + 1, draws, p) };
    (n as f64 * tail).min(1.0)
}

/// The probability that some of `n` pods has at least `m` of `c` draws from all alike; `None` beyond the range of the exact law.
fn some_pod_has_exactly(m: u64, c: u64, n: u64) -> Option<f64> {
    let balls = Balls::new(u32::try_from(n).ok()?, u32::try_from(c).ok()?)?;
    Some(1.0 - balls.max_at_most(u32::try_from(m.checked_sub(1)?).ok()?)?)
}

/// P(X >= m), X binomial of `c` draws with probability `p`.
fn at_least(m: u64, c: u64, p: f64) -> f64 {
    if m == 0 {
        return 1.0;
    }
    if m > c || p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    let (cf, mf) = (c as f64, m as f64);
    let log = libm::lgamma(cf + 1.0) - libm::lgamma(mf + 1.0) - libm::lgamma(cf - mf + 1.0);
    let mut term = libm::exp(log + mf * libm::log(p) + (cf - mf) * libm::log1p(-p));
    let mut tail = 0.0;
    for k in m..=c {
        tail += term;
        term *= (c - k) as f64 / (k + 1) as f64 * p / (1.0 - p);
        if term < tail * 1e-17 {
            break;
        }
    }
    tail.min(1.0)
}

/// The same where counts are large: the probability that some of `n` pods is `part` of `total` requests off its `expected` part, if each
/// request is a draw of its own (normal approximation, two-sided, n times the tail).
pub(super) fn some_pod_is_off(part: f64, expected: f64, total: f64, n: usize) -> f64 {
    let deviation = (expected * (1.0 - expected) / total.max(1.0)).sqrt();
    if deviation <= 0.0 {
        return if part == 0.0 { 1.0 } else { 0.0 };
    }
    let z = part.abs() / deviation;
    (n as f64 * libm::erfc(z / std::f64::consts::SQRT_2)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against sums by hand.
    #[test]
    fn tails_are_binomial() {
        assert!((at_least(1, 2, 0.5) - 0.75).abs() < 1e-12);
        assert!((at_least(2, 2, 0.5) - 0.25).abs() < 1e-12);
        assert_eq!((at_least(0, 5, 0.2), at_least(6, 5, 0.2), at_least(3, 5, 1.0)), (1.0, 0.0, 1.0));
        // P(some of 5 pods has 8 or more of 20) is 0.160 by the exact multinomial law.
        assert!((some_pod_has(8.0, 20.0, 0.2, 5) - 0.160).abs() < 5e-4);
        // None of 20, where a quarter is expected: 4 * 0.75^20.
        assert!((some_pod_has(0.0, 20.0, 0.25, 4) - 4.0 * 0.75f64.powi(20)).abs() < 1e-12);
    }

    #[test]
    fn large_counts_are_normal() {
        // 1.96 standard deviations, for one pod of two.
        let part = 1.959_964 * (0.25f64 / 10_000.0).sqrt();
        assert!((some_pod_is_off(part, 0.5, 10_000.0, 1) - 0.05).abs() < 1e-6);
        assert!(some_pod_is_off(0.2, 0.2, 10_000.0, 5) < 1e-12);
    }
}
