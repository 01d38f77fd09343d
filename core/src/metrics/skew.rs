//! How uneven loads are: pure functions of the loads of a set of pods.

use crate::metrics::outcome::SkewFigures;

/// All figures for the loads x of n pods; each is `None` where it is undefined (no pod; no load, but for `idle_pods`).
///
/// | figure | formula | range |
/// |---|---|---|
/// | `max_share` | max x / sum x | 1/n to 1 |
/// | `max_over_mean` | max x / mean x | 1 to n |
/// | `effective_pods` | (sum x)^2 / sum x^2 | 1 to n |
/// | `usable_capacity` | mean x / max x | 1/n to 1 |
/// | `cv` | population standard deviation / mean | 0 to sqrt(n - 1) |
/// | `gini` | sum of all \|x_i - x_j\| / (2 n sum x) | 0 to 1 - 1/n |
/// | `jain` | effective_pods / n | 1/n to 1 |
/// | `idle_pods` | how many x are 0 | 0 to n - 1 (n without load) |
///
/// Loads are finite and not negative. The result does not depend on their order, to the last bit: sums run in order of size.
#[must_use]
pub fn figures(loads: &[f64]) -> SkewFigures {
    let mut x = loads.to_vec();
    x.sort_by(f64::total_cmp);
    let Some(&max) = x.last() else { return SkewFigures::default() };
    let n = x.len() as f64;
    let idle_pods = Some(x.iter().filter(|&&x| x == 0.0).count() as f64);
    let sum: f64 = x.iter().sum();
    if sum <= 0.0 {
        return SkewFigures { idle_pods, ..SkewFigures::default() };
    }
    let mean = sum / n;
    let squares: f64 = x.iter().map(|x| (x / mean) * (x / mean)).sum();
    let variance = x.iter().map(|x| (x / mean - 1.0) * (x / mean - 1.0)).sum::<f64>() / n;
    // With x in ascending order, the sum of |x_i - x_j| over all pairs is 2 sum of (2 i - n + 1) x_i.
    let differences: f64 = x.iter().enumerate().map(|(i, x)| (2.0 * i as f64 - n + 1.0) * x).sum();
    // The clamps keep the last bit's rounding within the ranges above.
    let effective_pods = (n * n / squares).clamp(1.0, n);
    let max_over_mean = (max / mean).clamp(1.0, n);
    SkewFigures {
        max_share: Some((max / sum).clamp(1.0 / n, 1.0)),
        max_over_mean: Some(max_over_mean),
        effective_pods: Some(effective_pods),
        usable_capacity: Some(1.0 / max_over_mean),
        cv: Some(variance.sqrt()),
        gini: Some((differences / (n * sum)).clamp(0.0, 1.0)),
        jain: Some(effective_pods / n),
        idle_pods,
    }
}

/// Each figure's median over several sets (the mean of the middle two for an even number); `None` without any set. A set in
/// which a figure is undefined is left out for that figure.
#[must_use]
pub fn median(sets: &[SkewFigures]) -> Option<SkewFigures> {
    if sets.is_empty() {
        return None;
    }
    let of = |figure: fn(&SkewFigures) -> Option<f64>| {
        let mut values: Vec<f64> = sets.iter().filter_map(figure).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        match values.len() {
            0 => None,
            n if n % 2 == 1 => Some(values[middle]),
            _ => Some((values[middle - 1] + values[middle]) / 2.0),
        }
    };
    Some(SkewFigures {
        max_share: of(|f| f.max_share),
        max_over_mean: of(|f| f.max_over_mean),
        effective_pods: of(|f| f.effective_pods),
        usable_capacity: of(|f| f.usable_capacity),
        cv: of(|f| f.cv),
        gini: of(|f| f.gini),
        jain: of(|f| f.jain),
        idle_pods: of(|f| f.idle_pods),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sums of at most 40 terms are off by at most 40 * 2^-53 relatively, and each figure takes a handful of such sums and
    /// operations: far below this.
    const ROUNDING: f64 = 1e-13;

    fn close(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() <= ROUNDING * b.abs().max(1.0))
    }

    #[test]
    fn one_pod_of_five_takes_all() {
        let f = figures(&[0.0, 0.0, 10_000.0, 0.0, 0.0]);
        assert_eq!((f.max_share, f.max_over_mean, f.effective_pods), (Some(1.0), Some(5.0), Some(1.0)));
        assert_eq!((f.usable_capacity, f.cv, f.gini), (Some(0.2), Some(2.0), Some(0.8)));
        assert_eq!((f.jain, f.idle_pods), (Some(0.2), Some(4.0)));
    }

    #[test]
    fn even_loads_are_even() {
        for x in [1.0, 0.1, 1.0 / 3.0, 1e9] {
            let f = figures(&[x; 5]);
            assert!(close(f.max_share, 0.2) && close(f.max_over_mean, 1.0) && close(f.effective_pods, 5.0));
            assert!(close(f.usable_capacity, 1.0) && close(f.cv, 0.0) && close(f.gini, 0.0) && close(f.jain, 1.0));
            assert_eq!(f.idle_pods, Some(0.0));
        }
    }

    /// Worked by hand: sum 20, mean 5, squares 1 + 9 + 36 + 100 = 146, so variance 146/4 - 25 = 11.5; pairs differ by
    /// 2 + 5 + 9 + 3 + 7 + 4 = 30, each counted twice: gini = 60 / (2 * 4 * 20).
    #[test]
    fn a_case_worked_by_hand() {
        let f = figures(&[6.0, 1.0, 10.0, 3.0]);
        assert!(close(f.max_share, 0.5) && close(f.max_over_mean, 2.0) && close(f.usable_capacity, 0.5));
        assert!(close(f.effective_pods, 400.0 / 146.0) && close(f.jain, 100.0 / 146.0));
        assert!(close(f.cv, 11.5f64.sqrt() / 5.0) && close(f.gini, 0.375));
        assert_eq!(f.idle_pods, Some(0.0));
    }

    #[test]
    fn without_load_or_pods_nothing_is_claimed() {
        assert_eq!(figures(&[]), SkewFigures::default());
        assert_eq!(figures(&[0.0; 3]), SkewFigures { idle_pods: Some(3.0), ..SkewFigures::default() });
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn medians_are_per_figure() {
        let sets = [figures(&[1.0, 3.0]), figures(&[0.0, 4.0]), figures(&[2.0, 2.0])];
        let m = median(&sets).unwrap_or_default();
        assert_eq!((m.max_share, m.idle_pods), (Some(0.75), Some(0.0)));
        let m = median(&sets[..2]).unwrap_or_default();
        assert_eq!((m.max_share, m.idle_pods), (Some(0.875), Some(0.5)));
        let m = median(&[figures(&[0.0]), figures(&[5.0])]).unwrap_or_default();
        assert_eq!((m.max_share, m.idle_pods), (Some(1.0), Some(0.5)), "undefined figures are left out");
    }

    fn loads() -> impl Strategy<Value = Vec<f64>> {
        proptest::collection::vec(prop_oneof![Just(0.0), 0.0..1e6, 1e-3..1.0], 1..40)
    }

    proptest! {
        #[test]
        fn figures_keep_their_ranges_and_fit_each_other(x in loads()) {
            let n = x.len() as f64;
            let f = figures(&x);
            let sum: f64 = x.iter().sum();
            prop_assume!(sum > 0.0);
            let get = |v: Option<f64>| v.unwrap_or(f64::NAN);
            let (share, over, pods) = (get(f.max_share), get(f.max_over_mean), get(f.effective_pods));
            prop_assert!((1.0 / n..=1.0).contains(&share) && (1.0..=n).contains(&over) && (1.0..=n).contains(&pods));
            prop_assert!((0.0..=1.0 - 1.0 / n + ROUNDING).contains(&get(f.gini)) && get(f.idle_pods) < n);
            prop_assert!((0.0..=(n - 1.0).sqrt() + ROUNDING).contains(&get(f.cv)));
            prop_assert!(close(Some(share * n), over) && close(f.usable_capacity, 1.0 / over));
            prop_assert!(close(Some(pods * (1.0 + get(f.cv) * get(f.cv)) / n), 1.0));
            // At least as many effective pods as it takes of the hottest one's size, at most those that have load.
            prop_assert!(share * pods >= 1.0 / n - ROUNDING && pods <= n - get(f.idle_pods) + n * ROUNDING);
            prop_assert!(pods * share * share <= 1.0 + ROUNDING && 1.0 <= pods * share * (1.0 + ROUNDING));
        }

        #[test]
        fn order_and_unit_do_not_matter(x in loads(), rotate in 0usize..40, power in -20i32..20) {
            let mut turned = x.clone();
            turned.rotate_left(rotate % x.len());
            turned.reverse();
            prop_assert_eq!(figures(&turned), figures(&x));
            // Powers of two scale without rounding.
            let scaled: Vec<f64> = x.iter().map(|x| x * 2f64.powi(power)).collect();
            prop_assert_eq!(figures(&scaled), figures(&x));
        }

        #[test]
        fn moving_load_to_the_hottest_pod_makes_every_figure_worse(x in loads(), part in 0.01f64..1.0) {
            let hottest = (0..x.len()).fold(0, |best, i| if x[i] > x[best] { i } else { best });
            let donor = (hottest + 1) % x.len();
            prop_assume!(donor != hottest && x[donor] > 0.0);
            let mut worse = x.clone();
            worse[hottest] += part * x[donor];
            worse[donor] -= part * x[donor];
            let (a, b) = (figures(&x), figures(&worse));
            let falls = |a: Option<f64>, b: Option<f64>| b.zip(a).is_some_and(|(b, a)| b <= a + ROUNDING * a.max(1.0));
            prop_assert!(falls(b.max_over_mean, a.max_over_mean) && falls(b.cv, a.cv) && falls(b.gini, a.gini));
            prop_assert!(falls(a.effective_pods, b.effective_pods) && falls(a.usable_capacity, b.usable_capacity));
        }
    }
}
