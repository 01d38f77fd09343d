//! Means over several runs, with 95 % confidence intervals by Student's t.

use crate::metrics::outcome::Estimate;
use crate::metrics::student::quantile_975;

/// The mean of the values of independent runs. `None` with fewer than two finite values, since one says nothing of the spread.
#[must_use]
pub fn mean(values: &[f64]) -> Option<Estimate> {
    let s = Sample::of(values)?;
    Some(s.estimate(s.mean, s.variance / s.n, s.n - 1.0))
}

/// The mean of `b - a`, run by run: for two scenarios over the same seeds and the same arrivals. `None` with fewer than two
/// runs in which both have a finite value.
#[must_use]
pub fn paired_difference(a: &[Option<f64>], b: &[Option<f64>]) -> Option<Estimate> {
    let differences: Vec<f64> = a.iter().zip(b).filter_map(|(a, b)| Some((*b)? - (*a)?)).collect();
    mean(&differences)
}

/// The mean of `b` less the mean of `a`, for independent runs whose spreads may differ (Welch's interval, with the degrees of
/// freedom of Welch and Satterthwaite). Its `n` is the smaller of the two. `None` if either has fewer than two finite values.
#[must_use]
pub fn unpaired_difference(a: &[f64], b: &[f64]) -> Option<Estimate> {
    let (a, b) = (Sample::of(a)?, Sample::of(b)?);
    let (va, vb) = (a.variance / a.n, b.variance / b.n);
    let squared = va + vb;
    let freedom = squared * squared / (va * va / (a.n - 1.0) + vb * vb / (b.n - 1.0));
    let smaller = if a.n < b.n { a } else { b };
    Some(smaller.estimate(b.mean - a.mean, squared, freedom))
}

#[derive(Clone, Copy)]
struct Sample {
    n: f64,
    mean: f64,
    /// Unbiased.
    variance: f64,
}

impl Sample {
    fn of(values: &[f64]) -> Option<Sample> {
        let finite: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
        let n = finite.len() as f64;
        if finite.len() < 2 {
            return None;
        }
        let mean = finite.iter().sum::<f64>() / n;
        let variance = finite.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
        Some(Sample { n, mean, variance })
    }

    /// `mean ± t * sqrt(squared_error)`.
    fn estimate(&self, mean: f64, squared_error: f64, freedom: f64) -> Estimate {
        let half = if squared_error > 0.0 { quantile_975(freedom) * squared_error.sqrt() } else { 0.0 };
        Estimate { mean, lo: mean - half, hi: mean + half, n: self.n as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean 3, variance 2.5, standard error sqrt(0.5), t(4) = 2.776445.
    #[test]
    fn a_mean_worked_by_hand() {
        let e = mean(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        let half = 2.776_445 * 0.5f64.sqrt();
        assert!(e.is_some_and(|e| e.mean == 3.0 && e.n == 5 && (e.hi - 3.0 - half).abs() < 1e-6));
        assert!(e.is_some_and(|e| (3.0 - e.lo - half).abs() < 1e-6));
    }

    #[test]
    fn equal_values_have_no_spread_and_few_have_no_estimate() {
        assert_eq!(mean(&[2.0, 2.0, 2.0]), Some(Estimate { mean: 2.0, lo: 2.0, hi: 2.0, n: 3 }));
        assert_eq!(mean(&[2.0]), None);
        assert_eq!(mean(&[2.0, f64::NAN, f64::INFINITY]), None);
        assert_eq!(unpaired_difference(&[1.0], &[1.0, 2.0]), None);
        let even = unpaired_difference(&[1.0, 1.0], &[3.0, 3.0, 3.0]);
        assert_eq!(even, Some(Estimate { mean: 2.0, lo: 2.0, hi: 2.0, n: 2 }));
    }

    /// What pairs share falls out: the interval of the differences is that of the differences alone.
    #[test]
    fn pairs_cancel_what_they_share() {
        let a = [Some(10.0), Some(200.0), Some(3000.0), None];
        let b = [Some(11.0), Some(202.0), Some(3003.0), Some(1.0)];
        assert_eq!(paired_difference(&a, &b), mean(&[1.0, 2.0, 3.0]));
    }

    /// Worked by hand: means 2 and 6, variances 1 and 4 over 3 and 3; squared error 5/3; freedom
    /// (5/3)^2 / ((1/3)^2/2 + (4/3)^2/2) = 2.941.
    #[test]
    fn welch_worked_by_hand() {
        let e = unpaired_difference(&[1.0, 2.0, 3.0], &[4.0, 6.0, 8.0]);
        let half = quantile_975(25.0 / 8.5) * (5.0f64 / 3.0).sqrt();
        assert!(e.is_some_and(|e| (e.mean - 4.0).abs() < 1e-12 && (e.hi - 4.0 - half).abs() < 1e-9 && e.n == 3));
    }
}
