//! E2: kube-proxy places connections independently and uniformly: X², fullest and emptiest pod of 1,300 trials of the lab
//! with 5, 10, 50 and 200 connections against seeds 1 to 2,000.

use crate::support;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use support::lab;
use support::predict::Comparison;
use support::replay::{Trace, replays, scenario};
use support::stats::{chi_square_two_samples, x2_across_seeds, x2_uniform};

const RUNS: u64 = 2_000;

fn simulated(connections: u64) -> Vec<[u64; 5]> {
    let sets = [
        format!("clients.0.replicas={connections}"),
        format!("clients.0.load.closed.concurrency={connections}"),
        format!("clients.0.load.closed.requests={}", 2 * connections),
    ];
    let model = scenario("e2", &sets.each_ref().map(String::as_str));
    replays(&model, RUNS, Trace::connections_per_pod)
}

fn of_each(rows: &[[u64; 5]], value: impl Fn(&[u64; 5]) -> u64) -> Vec<f64> {
    rows.iter().map(|r| value(r) as f64).collect()
}

fn histogram(values: &[f64]) -> Vec<u64> {
    let mut cells = vec![0; 201];
    values.iter().for_each(|v| cells[*v as usize] += 1);
    cells
}

fn against_the_lab(of: impl Fn(u64) -> Vec<[u64; 5]>) -> Comparison {
    let mut comparison = Comparison::new("lab E2");
    for connections in [5, 10, 50, 200] {
        let (a, b) = (lab::e2(connections), of(connections));
        let x2 = |rows: &[[u64; 5]]| rows.iter().map(|r| x2_uniform(r)).collect::<Vec<f64>>();
        comparison.mean_inside(&format!("{connections}: mean X²"), &x2(&b), &x2(&a));
        let vectors: Vec<Vec<u64>> = b.iter().map(|r| r.to_vec()).collect();
        comparison.p(&format!("{connections}: X² simulated, against theory"), x2_across_seeds(&vectors));
        let most = |r: &[u64; 5]| *r.iter().max().expect("five pods");
        let least = |r: &[u64; 5]| *r.iter().min().expect("five pods");
        for (what, lab, ours) in
            [("fullest", of_each(&a, most), of_each(&b, most)), ("emptiest", of_each(&a, least), of_each(&b, least))]
        {
            let name = format!("{connections}: {what} pod");
            comparison.p(&name, chi_square_two_samples(&histogram(&lab), &histogram(&ours)));
            comparison.mean_inside(&name, &ours, &lab);
        }
    }
    comparison
}

#[test]
fn placement_is_multinomial() {
    against_the_lab(simulated).assert_agrees();
}

#[test]
fn rules_are_not_equal_draws() {
    // Wrong model: each rule of the chain matches one connection in five of those that reach it, the last takes the rest.
    let chain = |connections: u64| {
        let place = |seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            (0..connections).fold([0; 5], |mut counts, _| {
                counts[(0..4).find(|_| rng.random::<f64>() < 0.2).unwrap_or(4)] += 1;
                counts
            })
        };
        (1..=RUNS).map(place).collect()
    };
    against_the_lab(chain).assert_disagrees();
}
