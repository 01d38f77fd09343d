//! Published figures of pick policies, and what follows from their definitions.

mod support;

use evenkeel::pick::least_request;
use evenkeel::policy::subset::subset;
use evenkeel::random::mix;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use statrs::distribution::{Binomial, Discrete, DiscreteCDF};
use support::family::Family;
use support::stats::{chi_square, ks_two_samples, pool};

/// Site Reliability Engineering, chapter 20: 300 clients of 300 backends, each with 30 % of them.
const CLIENTS: u64 = 300;
const BACKENDS: usize = 300;
const SUBSET: usize = 90;
const RUNS: u64 = 400;

fn addresses() -> Vec<String> {
    (0..BACKENDS).map(|i| format!("10.244.{}.{}:50051", i / 250, i % 250 + 1)).collect()
}

/// Clients per backend. `pick` gives the subset of a client with a seed.
fn clients_per_backend(run: u64, pick: &dyn Fn(u64) -> Vec<u32>) -> Vec<u64> {
    let mut counts = vec![0; BACKENDS];
    for client in 0..CLIENTS {
        for i in pick(mix(run, client)) {
            counts[i as usize] += 1;
        }
    }
    counts
}

/// gRFC A68, seeds 1 to 400.
fn rendezvous() -> Vec<Vec<u64>> {
    let addresses = addresses();
    let pick = |seed| subset(seed, addresses.iter().map(String::as_str), SUBSET);
    (1..=RUNS).into_par_iter().map(|run| clients_per_backend(run, &pick)).collect()
}

/// Subsets drawn without a hash (Floyd), seeds 1001 to 1400.
fn ideal() -> Vec<Vec<u64>> {
    let pick = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut chosen = [false; BACKENDS];
        for last in BACKENDS - SUBSET..BACKENDS {
            let i = (rng.next_u64() % (last as u64 + 1)) as usize;
            chosen[if chosen[i] { last } else { i }] = true;
        }
        (0..BACKENDS as u32).filter(|i| chosen[*i as usize]).collect()
    };
    (1_001..=1_000 + RUNS).into_par_iter().map(|run| clients_per_backend(run, &pick)).collect()
}

/// Tests of so many runs.
fn subsets(runs: &[Vec<u64>]) -> Family {
    let mut family = Family::named("policies: subsets");
    // One backend per run: those of a run are not independent.
    let law = Binomial::new(SUBSET as f64 / BACKENDS as f64, CLIENTS).expect("a law");
    let mut observed = vec![0.0; CLIENTS as usize + 1];
    runs.iter().enumerate().for_each(|(run, counts)| observed[counts[run % BACKENDS] as usize] += 1.0);
    let expected: Vec<f64> = (0..=CLIENTS).map(|k| law.pmf(k) * runs.len() as f64).collect();
    let (observed, expected) = pool(&observed, &expected);
    family.add("clients per backend are binomial", chi_square(&observed, &expected, 0));
    let extremes = |runs: &[Vec<u64>], most: bool| -> Vec<f64> {
        runs.iter().map(|r| *(if most { r.iter().max() } else { r.iter().min() }).expect("backends") as f64).collect()
    };
    let ideal = ideal();
    family.add("the least", ks_two_samples(&extremes(runs, false), &extremes(&ideal, false)));
    family.add("the most", ks_two_samples(&extremes(runs, true), &extremes(&ideal, true)));
    family
}

#[test]
fn subsets_by_hash_are_random_subsets() {
    subsets(&rendezvous()).assert_holds();
}

#[test]
fn subsets_with_few_seeds_are_not() {
    // Wrong model: clients draw one of 30 seeds.
    let addresses = addresses();
    let pick = |seed: u64| subset(seed % 30, addresses.iter().map(String::as_str), SUBSET);
    let runs: Vec<_> = (1..=RUNS).into_par_iter().map(|run| clients_per_backend(run, &pick)).collect();
    subsets(&runs).assert_rejected();
}

/// The book's figure shows 63 and 121 % of the mean as least and most loaded backend. The binomial law says 75 and 126 % on
/// average: 63 % is one unlucky draw.
#[test]
fn the_extremes_of_the_book_are_one_draw() {
    let law = Binomial::new(SUBSET as f64 / BACKENDS as f64, CLIENTS).expect("a law");
    let n = BACKENDS as i32;
    // E(most) = sum over k of P(most > k), taking backends for independent.
    let most: f64 = (0..CLIENTS).map(|k| 1.0 - law.cdf(k).powi(n)).sum();
    let least: f64 = (0..CLIENTS).map(|k| law.sf(k).powi(n)).sum();
    let percent = |clients: f64| (100.0 * clients / SUBSET as f64).round();
    assert_eq!((percent(least), percent(most)), (75.0, 126.0));
    let as_low = 1.0 - law.sf((0.63 * SUBSET as f64) as u64).powi(n);
    assert!(as_low < 0.02, "{as_low}");
}

/// Envoy's documentation (`least_request.proto`): with two hosts, two choices pick the busier one 25 % of the time.
#[test]
fn envoys_two_choices_of_two_pick_the_busier_a_quarter_of_the_time() {
    // Every pair of 100 draws, spread evenly over their range.
    let spread = |k: u64| (2 * k + 1) * (u64::MAX / 200);
    let pick = |a, b| {
        let mut draws = [spread(a), spread(b)].into_iter();
        least_request::of_choices(2, 2, |i| [9, 10][i], &mut || draws.next().expect("two draws"))
    };
    let busier = (0..10_000).filter(|k| pick(k / 100, k % 100) == Some(1)).count();
    assert_eq!(busier, 2_500);
}
