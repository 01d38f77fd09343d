//! How often 95 % confidence intervals contain the truth, over 20,000 repetitions of a model whose truth is known: each run of
//! two scenarios has a normal part that both share, and a normal part of its own.

use evenkeel::distribution::standard_normal;
use evenkeel::experiment::Until;
use evenkeel::experiment::until::{FEWEST, next_look};
use evenkeel::metrics::estimate::{mean, median_interval, paired};
use evenkeel::metrics::outcome::Estimate;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::support::family::Family;
use crate::support::stats::{binomial, uniform};

const REPETITIONS: u64 = 20_000;
/// What the intervals promise.
const COVERAGE: f64 = 0.95;

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    standard_normal(uniform(rng))
}

fn covers(e: &Estimate, truth: f64) -> bool {
    e.lo <= truth && truth <= e.hi
}

/// In how many repetitions the interval that `estimate` makes contains the truth; repetition i has the seed i, from 1.
fn covered(truth: f64, estimate: impl Fn(&mut ChaCha8Rng) -> Estimate) -> u64 {
    let one = |seed: u64| covers(&estimate(&mut ChaCha8Rng::seed_from_u64(seed)), truth);
    (1..=REPETITIONS).filter(|seed| one(*seed)).count() as u64
}

/// Both sides of `n` runs: a shared part of standard deviation 2, own parts of 1 and of `spread`, and a difference of 0.3.
fn sides(rng: &mut ChaCha8Rng, n: usize, spread: f64) -> (Vec<f64>, Vec<f64>) {
    let one = |_| {
        let shared = 10.0 + 2.0 * normal(rng);
        (shared + normal(rng), shared + 0.3 + spread * normal(rng))
    };
    (0..n).map(one).unzip()
}

fn some(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}

/// Student's interval is exact for normal values, whatever the number of runs. That of a median is so for every law, here an exponential
/// one, but takes whole values for its ends: the 6th and 15th of 20 have 1 - 2 · 21,700 / 2^20 = 95.86 %. Each holds at 0.1 %, and all
/// together at the family's level.
#[test]
fn intervals_contain_the_truth_as_often_as_they_say() {
    let mut family = Family::named("estimates: coverage");
    let cases: [(&str, f64, u64); 4] = [
        (
            "a mean of 5",
            COVERAGE,
            covered(3.0, |rng| mean(&(0..5).map(|_| 3.0 + normal(rng)).collect::<Vec<_>>()).unwrap()),
        ),
        ("5 pairs", COVERAGE, covered(0.3, |rng| pairs(rng, 5))),
        ("30 pairs", COVERAGE, covered(0.3, |rng| pairs(rng, 30))),
        ("a median of 20", 0.958_61, covered(2f64.ln(), |rng| median(rng, 20))),
    ];
    for (what, coverage, hits) in cases {
        let p = binomial(hits, REPETITIONS, coverage);
        assert!(p >= 0.001, "{what}: {hits} of {REPETITIONS}, p = {p}");
        family.add(what, p);
    }
    family.assert_holds();
}

fn pairs(rng: &mut ChaCha8Rng, n: usize) -> Estimate {
    let (a, b) = sides(rng, n, 2.0);
    paired(&some(&a), &some(&b)).unwrap().estimate
}

/// The interval of the median of so many exponential values.
fn median(rng: &mut ChaCha8Rng, n: usize) -> Estimate {
    let values: Vec<f64> = (0..n).map(|_| -(1.0 - uniform(rng)).ln()).collect();
    let (lo, hi) = median_interval(&values).unwrap();
    Estimate { mean: 0.0, lo, hi, n: n as u64, spread: None }
}

/// Negative control: the normal law's 1.96 for five values, and the range of five values for the interval of their median (93.75 %).
#[test]
fn wrong_intervals_are_noticed() {
    let mut family = Family::named("estimates: coverage");
    let scaled =
        |e: Estimate, by: f64| Estimate { lo: e.mean - by * (e.hi - e.mean), hi: e.mean + by * (e.hi - e.mean), ..e };
    let too_narrow = covered(0.3, |rng| scaled(pairs(rng, 5), 1.96 / 2.776));
    let too_few = covered(2f64.ln(), |rng| {
        let e = (0..5).map(|_| -(1.0 - uniform(rng)).ln());
        let (lo, hi) = e.fold((f64::INFINITY, 0.0f64), |(lo, hi), x| (lo.min(x), hi.max(x)));
        Estimate { mean: 0.0, lo, hi, n: 5, spread: None }
    });
    for (what, hits) in [("narrow", too_narrow), ("few", too_few), ("", too_narrow), ("", too_few)] {
        family.add(what, binomial(hits, REPETITIONS, COVERAGE));
    }
    family.assert_rejected();
}

/// What `--until` ends with, on normal figures of this coefficient of variation: the runs, and the interval.
fn until(text: &str, variation: f64, rng: &mut ChaCha8Rng) -> (u64, Estimate) {
    let until = Until::parse(text).unwrap();
    let mut values: Vec<f64> = Vec::new();
    let mut runs = FEWEST;
    loop {
        values.extend((values.len() as u64..runs).map(|_| 1.0 + variation * normal(rng)));
        let estimate = mean(&values).unwrap();
        if until.met_by(&estimate) {
            return (runs, estimate);
        }
        runs = next_look(runs, u64::MAX);
    }
}

/// docs/compare.md has a row per coefficient of variation: the mean number of runs, and the part of intervals with the truth.
#[test]
fn the_cost_of_looking_is_as_documented() {
    let documented = include_str!("../../docs/compare.md");
    let mut rows = Vec::new();
    for percent in [2, 5, 10, 20] {
        let (mut runs, mut hits) = (0, 0);
        for seed in 1..=REPETITIONS {
            let rng = &mut ChaCha8Rng::seed_from_u64(seed);
            let (n, estimate) = until("max_over_mean ± 2%", f64::from(percent) / 100.0, rng);
            runs += n;
            hits += u64::from(covers(&estimate, 1.0));
        }
        let share = |n: u64| n as f64 / REPETITIONS as f64;
        rows.push(format!("| {percent} % | {:.0} | {:.1} % |", share(runs), 100.0 * share(hits)));
    }
    rows.retain(|row| !documented.contains(row));
    assert!(rows.is_empty(), "not in docs/compare.md:\n{}", rows.join("\n"));
}

/// The same for figures that are skewed: exponential ones, whose mean is 1, with a fixed number of runs.
#[test]
fn the_cost_of_skewed_figures_is_as_documented() {
    let documented = include_str!("../../docs/compare.md");
    let mut rows = Vec::new();
    for n in [5, 10, 20, 50] {
        let exponential = |rng: &mut ChaCha8Rng| -libm::log(uniform(rng));
        let hits = covered(1.0, |rng| mean(&(0..n).map(|_| exponential(rng)).collect::<Vec<_>>()).unwrap());
        rows.push(format!("| {n} | {:.1} % |", 100.0 * hits as f64 / REPETITIONS as f64));
    }
    rows.retain(|row| !documented.contains(row));
    assert!(rows.is_empty(), "not in docs/compare.md:\n{}", rows.join("\n"));
}
