//! Statistical tests: each returns a p-value, the chance of data at least as odd under the hypothesis. Asymptotic ones
//! say from where on they can be used, and panic below, since a test that uses them there is wrong itself.

use rand::Rng;
use statrs::distribution::{Binomial, ChiSquared, ContinuousCDF, Discrete, Normal, StudentsT};
use statrs::function::beta::ln_beta;
use statrs::function::factorial::ln_binomial;

/// The middle of one of 2^53 equal parts of the unit interval, drawn.
pub fn uniform(rng: &mut impl Rng) -> f64 {
    ((rng.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

/// Arithmetic mean.
pub fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

/// Sample variance (divided by n - 1).
pub fn variance(x: &[f64]) -> f64 {
    let m = mean(x);
    x.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / (x.len() - 1) as f64
}

/// Pearson's X² against equal expectations: `sum (x - mean)² / mean`.
pub fn x2_uniform(counts: &[u64]) -> f64 {
    let even = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    counts.iter().map(|c| (*c as f64 - even).powi(2) / even).sum()
}

/// Chi-square goodness of fit, asymptotic: every expectation must be at least 5 (see [`pool`]). `fitted` parameters
/// were estimated from the data.
pub fn chi_square(observed: &[f64], expected: &[f64], fitted: usize) -> f64 {
    assert_eq!(observed.len(), expected.len());
    assert!(expected.iter().all(|e| *e >= 5.0), "expectations below 5: {expected:?}");
    let (o, e) = (observed.iter().sum::<f64>(), expected.iter().sum::<f64>());
    assert!((o / e - 1.0).abs() < 1e-6, "{o} observed, {e} expected");
    let x2: f64 = observed.iter().zip(expected).map(|(o, e)| (o - e) * (o - e) / e).sum();
    chi_square_tail(x2, observed.len() - 1 - fitted)
}

/// Joins neighbouring cells until each expects at least 5; the last one is joined to the one before it.
pub fn pool(observed: &[f64], expected: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut o, mut e) = (Vec::new(), Vec::new());
    let (mut sum_o, mut sum_e) = (0.0, 0.0);
    for (x, y) in observed.iter().zip(expected) {
        sum_o += x;
        sum_e += y;
        if sum_e >= 5.0 {
            o.push(sum_o);
            e.push(sum_e);
            (sum_o, sum_e) = (0.0, 0.0);
        }
    }
    *o.last_mut().expect("expectations add up to 5") += sum_o;
    *e.last_mut().expect("expectations add up to 5") += sum_e;
    (o, e)
}

/// Chi-square test that two rows of counts come from one law, asymptotic: cells are pooled until both expect at least
/// 5.
pub fn chi_square_two_samples(a: &[u64], b: &[u64]) -> f64 {
    let (na, nb) = (a.iter().sum::<u64>() as f64, b.iter().sum::<u64>() as f64);
    let smaller = na.min(nb) / (na + nb);
    let (mut cells, mut open) = (Vec::new(), (0.0, 0.0));
    for (x, y) in a.iter().zip(b) {
        open = (open.0 + *x as f64, open.1 + *y as f64);
        if (open.0 + open.1) * smaller >= 5.0 {
            cells.push(open);
            open = (0.0, 0.0);
        }
    }
    let last = cells.last_mut().expect("counts for one cell");
    *last = (last.0 + open.0, last.1 + open.1);
    assert!(cells.len() > 1, "one cell says nothing");
    let part = |x: f64, e: f64| (x - e) * (x - e) / e;
    let x2: f64 =
        cells.iter().map(|(x, y)| part(*x, (x + y) * na / (na + nb)) + part(*y, (x + y) * nb / (na + nb))).sum();
    chi_square_tail(x2, cells.len() - 1)
}

/// That the counts of each row are `total` balls thrown uniformly: the mean of X² over the rows against its exact mean
/// n - 1 with its exact variance 2 (n-1) (1-1/C), two-sided, by the central limit theorem: at least 100 rows.
pub fn x2_across_seeds(rows: &[Vec<u64>]) -> f64 {
    assert!(rows.len() >= 100, "{} rows", rows.len());
    let (n, c) = (rows[0].len() as f64, rows[0].iter().sum::<u64>() as f64);
    assert!(rows.iter().all(|r| r.len() as f64 == n && r.iter().sum::<u64>() as f64 == c), "rows of different size");
    let x2: Vec<f64> = rows.iter().map(|r| x2_uniform(r)).collect();
    z_mean(&x2, n - 1.0, (2.0 * (n - 1.0) * (1.0 - 1.0 / c)).sqrt())
}

/// P(chi-square with so many degrees of freedom > x2).
pub fn chi_square_tail(x2: f64, degrees: usize) -> f64 {
    ChiSquared::new(degrees as f64).expect("degrees of freedom").sf(x2)
}

/// Kolmogorov-Smirnov, one sample against a continuous law; asymptotic with Stephens's correction (J. Royal Stat. Soc.
/// B 32, 1970), good from 5 values on.
pub fn ks_one_sample(sample: &[f64], cdf: impl Fn(f64) -> f64) -> f64 {
    assert!(sample.len() >= 5);
    let mut x = sample.to_vec();
    x.sort_by(f64::total_cmp);
    let n = x.len() as f64;
    let distance = x
        .iter()
        .enumerate()
        .map(|(i, v)| (cdf(*v) - i as f64 / n).max((i + 1) as f64 / n - cdf(*v)))
        .fold(0.0, f64::max);
    kolmogorov(distance, n)
}

/// Kolmogorov-Smirnov, two samples; asymptotic as above with `n m / (n + m)` for the size. With ties the p-value is too
/// large: the test is on the safe side, and weaker.
pub fn ks_two_samples(a: &[f64], b: &[f64]) -> f64 {
    assert!(a.len() >= 5 && b.len() >= 5);
    let sorted = |x: &[f64]| {
        let mut x = x.to_vec();
        x.sort_by(f64::total_cmp);
        x
    };
    let (a, b) = (sorted(a), sorted(b));
    let share = |x: &[f64], v: f64| x.partition_point(|y| *y <= v) as f64 / x.len() as f64;
    let distance = a.iter().chain(&b).map(|v| (share(&a, *v) - share(&b, *v)).abs()).fold(0.0, f64::max);
    let (n, m) = (a.len() as f64, b.len() as f64);
    kolmogorov(distance, n * m / (n + m))
}

/// P(K > (√n + 0.12 + 0.11/√n) D) of Kolmogorov's law: `2 sum (-1)^(k-1) exp(-2 k² x²)`.
fn kolmogorov(distance: f64, n: f64) -> f64 {
    let x = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * distance;
    if x < 0.2 {
        // The series converges slowly there; the value is 1 to twelve digits.
        return 1.0;
    }
    let term = |k: i32| if k % 2 == 1 { 2.0 } else { -2.0 } * (-2.0 * f64::from(k * k) * x * x).exp();
    (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

/// Exact binomial test of `successes` in `trials` against probability `p`, two-sided: all outcomes that are no more
/// likely.
pub fn binomial(successes: u64, trials: u64, p: f64) -> f64 {
    let law = Binomial::new(p, trials).expect("a probability");
    // As likely up to rounding counts as no more likely.
    let limit = law.pmf(successes) * (1.0 + 1e-7);
    (0..=trials).map(|k| law.pmf(k)).filter(|q| *q <= limit).sum::<f64>().min(1.0)
}

/// z test of a mean with a known standard deviation of one value, two-sided.
pub fn z_mean(sample: &[f64], expected: f64, deviation: f64) -> f64 {
    z((mean(sample) - expected) * (sample.len() as f64).sqrt() / deviation)
}

/// Two-sided p-value of a standard normal value.
pub fn z(value: f64) -> f64 {
    2.0 * Normal::standard().sf(value.abs())
}

/// Student's t test of a mean, two-sided; exact for normal values, for others asymptotic: at least 30 then.
pub fn t_mean(sample: &[f64], expected: f64) -> f64 {
    let n = sample.len() as f64;
    student((mean(sample) - expected) / (variance(sample) / n).sqrt(), n - 1.0)
}

/// Welch's t test that two means are equal, two-sided; as above.
pub fn t_two_means(a: &[f64], b: &[f64]) -> f64 {
    let (va, vb) = (variance(a) / a.len() as f64, variance(b) / b.len() as f64);
    let freedom = (va + vb).powi(2) / (va * va / (a.len() - 1) as f64 + vb * vb / (b.len() - 1) as f64);
    student((mean(a) - mean(b)) / (va + vb).sqrt(), freedom)
}

fn student(t: f64, freedom: f64) -> f64 {
    2.0 * StudentsT::new(0.0, 1.0, freedom).expect("degrees of freedom").sf(t.abs())
}

/// An interval that holds one more value of the same law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
    /// Values that it was made from.
    pub runs: usize,
    /// Its coverage: exact for a continuous law, at least that with ties.
    pub coverage: f64,
}

impl Prediction {
    /// Between the r-th smallest and the r-th largest value, with the largest r whose coverage `1 - 2r/(runs + 1)` is
    /// at least `level`. Panics with fewer than `2/(1 - level) - 1` values: 199 for 99 %.
    pub fn new(values: &[f64], level: f64) -> Prediction {
        let runs = values.len();
        // 1e-9: so that 1 - 0.99 does not lose the last rank to rounding.
        let rank = ((1.0 - level) * (runs + 1) as f64 / 2.0 + 1e-9) as usize;
        assert!(rank >= 1, "{runs} runs are too few for {level}");
        let mut x = values.to_vec();
        x.sort_by(f64::total_cmp);
        let coverage = 1.0 - 2.0 * rank as f64 / (runs + 1) as f64;
        Prediction { lo: x[rank - 1], hi: x[runs - rank], runs, coverage }
    }

    /// True if `value` is inside, ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.lo <= value && value <= self.hi
    }
}

/// P(at least `beyond` of `new` values lie outside the range of `old` others), when all are exchangeable: what the range
/// leaves out is Beta(2, old - 1), so that the count is beta-binomial. Exact for a continuous law; with ties, or values on
/// the edge counted as inside, the chance is smaller still.
pub fn beyond_range(beyond: usize, new: usize, old: usize) -> f64 {
    assert!(old >= 2 && beyond <= new);
    if beyond == 0 {
        return 1.0;
    }
    let (a, b) = (2.0, (old - 1) as f64);
    let exactly = |k: usize| {
        let (inside, outside) = ((new - k) as f64, k as f64);
        (ln_binomial(new as u64, k as u64) + ln_beta(outside + a, inside + b) - ln_beta(a, b)).exp()
    };
    (beyond..=new).map(exactly).sum::<f64>().min(1.0)
}

/// Holm's adjusted p-values, in the order given: reject those below the level of the family.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut largest: f64 = 0.0;
    for (rank, i) in order.into_iter().enumerate() {
        largest = largest.max((p.len() - rank) as f64 * p[i]).min(1.0);
        adjusted[i] = largest;
    }
    adjusted
}
