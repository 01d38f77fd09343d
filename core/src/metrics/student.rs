//! The 97.5 % quantile of Student's t, for 95 % intervals. Its logarithms and exponentials are those of `libm`, so that it is
//! the same on every machine.

use std::sync::OnceLock;

use crate::narrow::whole;

/// All quantiles of laws with one degree of freedom or more lie between.
const BRACKET: (f64, f64) = (1.9, 13.0);
/// Halves the bracket down to the distance of doubles.
const HALVINGS: u32 = 56;

/// The value that Student's t with `freedom` degrees of freedom (at least 1, not always whole) exceeds with a chance of 2.5 %;
/// relative error below 1e-9 up to a million of them. Not a number if `freedom` is none.
pub(super) fn quantile_975(freedom: f64) -> f64 {
    /// Whole degrees of freedom recur: one per figure and cell of a sweep.
    static WHOLE: [OnceLock<f64>; 1024] = [const { OnceLock::new() }; 1024];
    let known = (freedom.fract() == 0.0).then(|| WHOLE.get(whole::<usize>(freedom))).flatten();
    known.map_or_else(|| quantile_of(freedom), |known| *known.get_or_init(|| quantile_of(freedom)))
}

fn quantile_of(freedom: f64) -> f64 {
    if freedom.is_nan() {
        return f64::NAN;
    }
    let beta = log_beta(freedom);
    let (mut lo, mut hi) = BRACKET;
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(lo, hi);
        if beyond(middle, freedom, beta) > 0.05 { lo = middle } else { hi = middle }
    }
    f64::midpoint(lo, hi)
}

/// The logarithm of 1 / B(freedom/2, 1/2).
fn log_beta(freedom: f64) -> f64 {
    let (a, b) = (freedom / 2.0, 0.5);
    libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)
}

/// P(|T| > t) for a `t` within the bracket, given [`log_beta`], which is the incomplete beta function I_x(freedom/2, 1/2) at x = freedom / (freedom + t²) (Abramowitz and Stegun,
/// 26.7.1).
fn beyond(t: f64, freedom: f64, beta: f64) -> f64 {
    let (a, b) = (freedom / 2.0, 0.5);
    let rest = t * t / (freedom + t * t);
    let factor = beta + a * libm::log1p(-rest) + b * libm::log(rest);
    // The fraction converges fast where x is below (a+1)/(a+b+2), which is so for t² above 3.
    libm::exp(factor) * fraction(a, b, 1.0 - rest) / a
}

/// The continued fraction of the incomplete beta function (Abramowitz and Stegun, 26.5.8), by the modified method of Lentz.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    /// Some times the square root of the largest `a` or `b` of use.
    const MOST_TERMS: u32 = 100_000;
    const TINY: f64 = 1e-300;
    let away_from_zero = |x: f64| if x.abs() < TINY { TINY } else { x };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for m in (1..MOST_TERMS).map(f64::from) {
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for term in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            step = c * d;
            value *= step;
        }
        if (step - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF, StudentsT};

    use super::*;

    /// Closed forms for one, two and four degrees of freedom; the table of any textbook for others.
    #[test]
    fn quantiles_are_those_of_the_table() {
        let exact = [(1.0, 12.706_204_736_174_7), (2.0, 4.302_652_729_749_46), (4.0, 2.776_445_105_197_79)];
        for (freedom, t) in exact {
            assert!((quantile_975(freedom) / t - 1.0).abs() < 1e-12, "{freedom}: {}", quantile_975(freedom));
        }
        for (freedom, t) in [(9.0, 2.262), (19.0, 2.093), (30.0, 2.042), (120.0, 1.980), (1000.0, 1.962)] {
            assert!((quantile_975(freedom) - t).abs() <= 0.0005, "{freedom}: {}", quantile_975(freedom));
        }
        // The normal law's.
        assert!((quantile_975(1e9) - 1.959_963_985).abs() < 1e-6);
        assert!(quantile_975(f64::NAN).is_nan());
    }

    /// Another implementation's distribution function, which uses the platform's logarithm.
    #[test]
    fn another_implementation_agrees() {
        for i in 0..=120 {
            let freedom = libm::pow(10.0, f64::from(i) / 20.0);
            let law = StudentsT::new(0.0, 1.0, freedom).expect("degrees of freedom");
            let got = law.sf(quantile_975(freedom));
            assert!((got / 0.025 - 1.0).abs() < 1e-8, "{freedom}: {got}");
        }
    }
}
