//! The closed forms of `theory` against simulations that share no code with them. Runs and seeds are stated per test,
//! the level is that of the family.

mod support;

use evenkeel::theory::balls::Balls;
use evenkeel::theory::renewal::Renewal;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use support::family::Family;
use support::stats::{binomial, chi_square, mean, pool, variance, x2_across_seeds, z};

/// The solved grid of the renewal equation is good to this much, some times the order of its error.
const GRID: f64 = 2e-5;

/// 10 balls in 5 bins, seeds 1 to 2,000, the first bin `bias` times as likely as each other one.
fn thrown(bias: f64) -> Vec<Vec<u64>> {
    (1..=2_000)
        .map(|seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut counts = vec![0; 5];
            for _ in 0..10 {
                let u = rng.random::<f64>() * (4.0 + bias);
                counts[if u < bias { 0 } else { 1 + ((u - bias) as usize).min(3) }] += 1;
            }
            counts
        })
        .collect()
}

fn against_the_closed_forms(rows: &[Vec<u64>]) -> Family {
    let mut family = Family::named("theory: balls in bins");
    let law = Balls::new(5, 10).unwrap();
    family.add("X² across seeds", x2_across_seeds(rows));
    let histogram = |value: fn(&[u64]) -> u64| {
        let mut cells = vec![0.0; 11];
        rows.iter().for_each(|r| cells[value(r) as usize] += 1.0);
        cells
    };
    let runs = rows.len() as f64;
    let fit = |observed: Vec<f64>, probability: &dyn Fn(u32) -> f64| {
        let expected: Vec<f64> = (0..=10).map(|m| runs * probability(m)).collect();
        let (o, e) = pool(&observed, &expected);
        chi_square(&o, &e, 0)
    };
    let at_most = |m: u32| law.max_at_most(m).unwrap();
    let fullest = |m: u32| if m == 0 { 0.0 } else { at_most(m) - at_most(m - 1) };
    family.add("fullest bin", fit(histogram(|r| *r.iter().max().unwrap()), &fullest));
    let at_least = |m: u32| law.within_probability(m, 10).unwrap();
    let emptiest = |m: u32| if m == 10 { at_least(10) } else { at_least(m) - at_least(m + 1) };
    family.add("emptiest bin", fit(histogram(|r| *r.iter().min().unwrap()), &emptiest));
    let idle = rows.iter().filter(|r| r[0] == 0).count() as u64;
    family.add("first bin is empty", binomial(idle, rows.len() as u64, law.idle_probability()));
    family
}

#[test]
fn balls_in_bins() {
    against_the_closed_forms(&thrown(1.0)).assert_holds();
    // Wrong model: one bin is half as likely again as the others.
    against_the_closed_forms(&thrown(1.5)).assert_rejected();
}

/// Squares of the parts into which re-dials cut `from..to`, over the square of its length: 20,000 connections, seed 1.
fn squares(from: f64, to: f64, spread: f64, jitter: f64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut one = || {
        let (mut t, mut last, mut sum) = (spread * rng.random::<f64>(), from, 0.0);
        while last < to {
            t += 1.0 - jitter + 2.0 * jitter * rng.random::<f64>();
            if t > from {
                sum += (t.min(to) - last) * (t.min(to) - last);
                last = t.min(to);
            }
        }
        sum / ((to - from) * (to - from))
    };
    (0..20_000).map(|_| one()).collect()
}

fn against_the_renewal_equation(jitter: f64) -> Family {
    let mut family = Family::named("theory: renewal");
    let solved = Renewal::new(0.1, 10.0).unwrap();
    for (from, to, spread) in [(0.0, 3.5, 0.0), (2.3, 5.0, 1.0), (7.1, 7.9, 0.5)] {
        let x = squares(from, to, spread, jitter);
        let off = mean(&x) - solved.variance_factor_spread(from, to, spread).unwrap();
        let error = (variance(&x) / x.len() as f64).sqrt();
        family.add(format!("{from}..{to}, spread {spread}"), z((off.abs() - GRID).max(0.0) / error));
    }
    family
}

#[test]
fn variance_of_time_averages_with_jitter() {
    against_the_renewal_equation(0.1).assert_holds();
    // Wrong model: hardly any jitter.
    against_the_renewal_equation(0.01).assert_rejected();
}
