//! Means over several runs, with 95 % confidence intervals by Student's t; medians, with intervals that hold for every law.

use crate::metrics::student::quantile_975;
use crate::narrow::whole;

/// A figure over runs: its mean, and of quantiles of latency the median and the range, too, which one collapsed run does not rule.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Estimate {
    /// Mean over the runs that have a value.
    pub mean: f64,
    /// Lower end of the 95 % confidence interval (Student's t).
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
    /// How many runs have a value.
    pub n: u64,
    /// Of a quantile of latency: the median and the range of the runs.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub spread: Option<Spread>,
}

/// The median and the range over runs.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Spread {
    /// The median of the runs that have a value.
    pub median: f64,
    /// The least of them.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Estimate {
    /// What is shown of it: its middle and both ends. Of a quantile these are the median and the range, else the mean and its
    /// confidence interval.
    #[must_use]
    pub fn shown(&self) -> (f64, f64, f64) {
        self.spread.map_or((self.mean, self.lo, self.hi), |s| (s.median, s.least, s.most))
    }
}

/// What the difference of two scenarios over several runs says, beside its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    /// The mean of `b` less the mean of `a`.
    pub estimate: Estimate,
    /// Variance of the difference over one more run of each.
    pub variance: f64,
    /// The same if the runs were not paired: the sum of both variances.
    pub unpaired_variance: f64,
}

/// The mean of the values of independent runs. `None` with fewer than two finite values, since one says nothing of the spread.
#[must_use]
pub fn mean(values: &[f64]) -> Option<Estimate> {
    let s = Sample::of(values)?;
    Some(s.estimate(s.mean, s.variance / s.n, s.n - 1.0))
}

/// The mean of `b - a`, run by run: for two scenarios over the same seeds and the same arrivals. `None` with fewer than two
/// runs in which both have a finite value.
#[must_use]
pub fn paired(a: &[Option<f64>], b: &[Option<f64>]) -> Option<Contrast> {
    let finite = |x: &Option<f64>| x.filter(|x| x.is_finite());
    let pairs = a.iter().zip(b).filter_map(|(a, b)| Some((finite(a)?, finite(b)?)));
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.unzip();
    let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| b - a).collect();
    let s = Sample::of(&differences)?;
    let unpaired_variance = Sample::of(&a)?.variance + Sample::of(&b)?.variance;
    Some(Contrast {
        estimate: s.estimate(s.mean, s.variance / s.n, s.n - 1.0),
        variance: s.variance,
        unpaired_variance,
    })
}

/// The median and the range of these values. `None` without a finite one.
#[must_use]
pub fn spread(values: &[f64]) -> Option<Spread> {
    let sorted = sorted(values);
    let (least, most) = (*sorted.first()?, *sorted.last()?);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
    Some(Spread { median, least, most })
}

/// The fewest values whose median has an interval of 95 %: of fewer, all are on one side of it too often.
pub const FEWEST_FOR_A_MEDIAN: usize = 6;

/// An interval that contains the median of the law of these values with a probability of at least 95 %, whatever the law is (two order
/// statistics, as in the sign test). `None` with fewer than [`FEWEST_FOR_A_MEDIAN`].
#[must_use]
pub fn median_interval(values: &[f64]) -> Option<(f64, f64)> {
    let sorted = sorted(values);
    let n = sorted.len();
    let rank = rank_outside(n).checked_sub(1)?;
    Some((*sorted.get(rank)?, *sorted.get(n - 1 - rank)?))
}

/// The largest `k` for which fewer than `k` of `n` fair coins are heads with a probability of at most 2.5 %.
fn rank_outside(n: usize) -> usize {
    /// Of more coins the normal law is close enough, and the terms below are too small for a double.
    const MANY: i32 = 1_000;
    let Some(few) = i32::try_from(n).ok().filter(|n| *n <= MANY) else {
        return whole(((n as f64 - 1.96 * (n as f64).sqrt()) / 2.0).floor());
    };
    let (mut term, mut tail, mut k) = (0.5f64.powi(few), 0.0, 0);
    while tail + term <= 0.025 {
        tail += term;
        term *= (n - k) as f64 / (k + 1) as f64;
        k += 1;
    }
    k
}

/// The finite ones of these values, in order.
fn sorted(values: &[f64]) -> Vec<f64> {
    let mut finite: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
    finite.sort_by(f64::total_cmp);
    finite
}

/// The 80 % quantile of the normal law.
const POWER_80: f64 = 0.841_621_233_572_914_2;
/// More runs than this are not counted.
const MOST_RUNS: f64 = 1e6;

impl Contrast {
    /// How many runs of each would show the difference (a 95 % confidence interval without zero) with a chance of 80 %, if its
    /// mean and variance are what they seem to be: the least `n` with `t(n - 1) + z(0.8) <= |mean| sqrt(n / variance)`, which
    /// takes the noncentral t law for a shifted t law. `None` if the mean is zero, or with more than a million.
    #[must_use]
    pub fn runs_to_show(&self) -> Option<u64> {
        let size = self.estimate.mean.abs() / self.variance.sqrt();
        let enough = |n: f64| quantile_975(n - 1.0) + POWER_80 <= size * n.sqrt();
        if !enough(MOST_RUNS) {
            return None;
        }
        let (mut no, mut yes) = (1.0, MOST_RUNS);
        while yes - no > 1.0 {
            let middle = f64::midpoint(no, yes).floor();
            if enough(middle) { yes = middle } else { no = middle }
        }
        Some(whole(yes))
    }
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
        Estimate { mean, lo: mean - half, hi: mean + half, n: whole(self.n), spread: None }
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
        assert_eq!(mean(&[2.0, 2.0, 2.0]), Some(Estimate { mean: 2.0, lo: 2.0, hi: 2.0, n: 3, spread: None }));
        assert_eq!(mean(&[2.0]), None);
        assert_eq!(mean(&[2.0, f64::NAN, f64::INFINITY]), None);
    }

    /// What pairs share falls out: the interval of the differences is that of the differences alone.
    #[test]
    fn pairs_cancel_what_they_share() {
        let a = [Some(10.0), Some(200.0), Some(3000.0), None];
        let b = [Some(11.0), Some(202.0), Some(3003.0), Some(1.0)];
        let contrast = paired(&a, &b);
        assert_eq!(contrast.map(|c| c.estimate), mean(&[1.0, 2.0, 3.0]));
        // Variances 1 of the differences; of the sides, about 2.8 million each.
        assert!(contrast.is_some_and(|c| c.variance == 1.0 && c.unpaired_variance > 5e6));
    }

    /// One collapsed run of five does not move the median.
    #[test]
    fn medians_and_ranges() {
        let of = |values: &[f64]| spread(values).map(|s| (s.median, s.least, s.most));
        assert_eq!(of(&[12.0, 11.0, 9_000.0, 10.0, 13.0]), Some((12.0, 10.0, 9_000.0)));
        assert_eq!(of(&[4.0, 1.0, f64::NAN]), Some((2.5, 1.0, 4.0)));
        assert_eq!(of(&[]), None);
    }

    /// Any table of the sign test at 5 %, two-sided: the 1st and last of 6, the 2nd of 9, the 6th of 20, the 40th of 100.
    #[test]
    fn median_intervals_are_those_of_the_table() {
        for (n, rank) in [(6, 1), (8, 1), (9, 2), (12, 3), (20, 6), (100, 40)] {
            let values: Vec<f64> = (1..=n).rev().map(f64::from).collect();
            assert_eq!(median_interval(&values), Some((f64::from(rank), f64::from(n + 1 - rank))), "{n}");
        }
        // Many by the normal law: of 2500 the (2500 - 1.96 * 50) / 2 = 1201st.
        let values: Vec<f64> = (1..=2_500).map(f64::from).collect();
        assert_eq!(median_interval(&values), Some((1_201.0, 1_300.0)));
        assert_eq!(median_interval(&[1.0; FEWEST_FOR_A_MEDIAN - 1]), None);
        assert_eq!(median_interval(&[]), None);
    }

    /// Any textbook's table of the paired t test, two-sided at 5 %, power 80 %: 34 pairs for half a standard deviation, 10
    /// for one; 199 for a fifth.
    #[test]
    fn runs_to_show_are_those_of_the_table() {
        let of = |mean: f64, variance: f64| {
            let estimate = Estimate { mean, lo: 0.0, hi: 0.0, n: 5, spread: None };
            Contrast { estimate, variance, unpaired_variance: variance }.runs_to_show()
        };
        for (mean, n) in [(0.5, 34), (-0.5, 34), (1.0, 10), (0.2, 199)] {
            assert!(of(mean, 1.0).is_some_and(|got| got.abs_diff(n) <= 1), "{mean}: {:?}", of(mean, 1.0));
        }
        assert_eq!(of(1.0, 4.0), of(0.5, 1.0));
        assert_eq!((of(0.0, 1.0), of(0.0, 0.0), of(1e-9, 1.0)), (None, None, None));
        assert_eq!(of(1.0, 0.0), Some(2));
    }

    #[test]
    fn a_quantile_is_shown_by_its_median() {
        let mean = Estimate { mean: 2.0, lo: 1.5, hi: 2.5, n: 9, spread: None };
        assert_eq!(mean.shown(), (2.0, 1.5, 2.5));
        let quantile = Estimate { spread: Some(Spread { median: 3.0, least: 1.0, most: 7.0 }), ..mean };
        assert_eq!(quantile.shown(), (3.0, 1.0, 7.0));
    }
}
