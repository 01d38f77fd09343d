//! `fit`: beliefs are as often right as they say, and the engine shows what the theory promises.

use evenkeel::experiment::fit::{Seen, fit, scenario_of};
use evenkeel::scenario;
use evenkeel::theory::shares::{Explanation, Kind, all};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

use crate::support::family::Family;
use crate::support::stats::{binomial, uniform, z};

const PODS: usize = 4;
const MOST: u32 = 60;
const WITHIN: f64 = 0.03;

fn pick(rng: &mut ChaCha8Rng, pods: &[usize]) -> usize {
    pods[((uniform(rng) * pods.len() as f64) as usize).min(pods.len() - 1)]
}

/// An explanation as credible as it is said to be, before anything is seen.
fn drawn(rng: &mut ChaCha8Rng) -> (Kind, Explanation) {
    let kind = Kind::ALL[pick(rng, &[0, 1, 2, 3])];
    let mut left = uniform(rng);
    let of_kind = all(kind, PODS as u32, MOST);
    let at = of_kind.iter().position(|(_, credible)| {
        left -= credible;
        left <= 0.0
    });
    (kind, of_kind[at.unwrap_or(0)].0)
}

/// Shares as the explanation deals them out, each seen with an error of its own.
fn dealt(rng: &mut ChaCha8Rng, of: Explanation) -> Vec<f64> {
    let mut ready: Vec<usize> = (0..PODS).collect();
    for _ in 0..of.late_pods {
        let late = pick(rng, &(0..ready.len()).collect::<Vec<_>>());
        ready.remove(late);
    }
    let mut shares = [0.0; PODS];
    match of.connections {
        None => ready.iter().for_each(|pod| shares[*pod] = 1.0 / ready.len() as f64),
        Some(light) => {
            for _ in 0..light {
                shares[pick(rng, &ready)] += (1.0 - of.heavy_share) / f64::from(light);
            }
            for _ in 0..of.heavy_connections {
                shares[pick(rng, &ready)] += of.heavy_share / f64::from(of.heavy_connections);
            }
        }
    }
    shares.iter().map(|share| share + WITHIN * (2.0 * uniform(rng) - 1.0)).collect()
}

/// Explanations are drawn as credible as `fit` thinks them before anything is seen (2,000 of them, seeds 1 to 2,000). Then the true
/// kind has, over all, as much belief as it is often true, and the range of connections contains the truth in 95 % of the cases or
/// more (more, since numbers come in steps).
#[test]
fn beliefs_are_right_as_often_as_they_say() {
    const CASES: u64 = 2_000;
    let one = |seed: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (kind, truth) = drawn(&mut rng);
        let seen = Seen { shares: dealt(&mut rng, truth), within: WITHIN, most: MOST };
        (kind, truth, fit(&seen, None).unwrap())
    };
    let all: Vec<_> = (1..=CASES).into_par_iter().map(one).collect();
    let mut family = Family::named("fit: beliefs");
    for kind in Kind::ALL {
        let (mut difference, mut variance) = (0.0, 0.0);
        for (truth, _, fitted) in &all {
            let belief = fitted.iter().find(|f| f.kind == kind).map_or(0.0, |f| f.belief);
            difference += f64::from(u8::from(*truth == kind)) - belief;
            variance += belief * (1.0 - belief);
        }
        family.add(format!("{kind:?}"), z(difference / variance.sqrt()));
    }
    let counted = all.iter().filter(|(kind, ..)| *kind != Kind::PerCall);
    let contained: Vec<bool> = counted
        .filter_map(|(kind, truth, fitted)| {
            let range = fitted.iter().find(|f| f.kind == *kind)?.connections;
            Some((range.from..=range.to).contains(&truth.connections()))
        })
        .collect();
    let (hits, n) = (contained.iter().filter(|c| **c).count() as u64, contained.len() as u64);
    let short = hits as f64 / (n as f64) < 0.95;
    family.add(format!("{hits} of {n} ranges contain the truth"), if short { binomial(hits, n, 0.95) } else { 1.0 });
    family.assert_holds();
}

/// The scenario of an explanation shows the shares, on whichever pods, as often as the theory says: 400 runs, seeds 1 to 400.
#[test]
fn scenarios_show_what_they_are_for() {
    const RUNS: u64 = 400;
    let plain = |n| Explanation { late_pods: 0, connections: Some(n), heavy_connections: 0, heavy_share: 0.0 };
    let mut family = Family::named("fit: scenarios");
    for (shares, ways, explanation) in [
        (vec![0.5, 0.5, 0.0, 0.0], 6.0, plain(2)),
        (vec![0.5, 0.5, 0.0, 0.0], 6.0, Explanation { late_pods: 2, ..plain(8) }),
        (vec![0.9, 0.05, 0.05, 0.0, 0.0], 30.0, Explanation { heavy_connections: 1, heavy_share: 0.9, ..plain(2) }),
        (vec![0.6, 0.4, 0.0], 6.0, Explanation { late_pods: 1, ..plain(20) }),
    ] {
        let seen = Seen { shares, within: 0.02, most: 100 };
        let chance = ways * explanation.chance(&seen.shares, seen.within);
        assert!((0.05..0.95).contains(&chance), "{explanation}: {chance} shows little");
        let loaded = scenario::parse("fit", &scenario_of(explanation, &seen, 1), None, &[]).unwrap();
        let shows = |seed| {
            let outcome = evenkeel::experiment::run(&loaded, seed, false, None).unwrap();
            let sorted = |shares: Vec<f64>| {
                let mut shares = shares;
                shares.sort_by(f64::total_cmp);
                shares
            };
            let ours = sorted(outcome.summary.pods.iter().map(|p| p.share.unwrap()).collect());
            assert_eq!(ours.len(), seen.shares.len());
            ours.iter().zip(sorted(seen.shares.clone())).all(|(a, b)| (a - b).abs() <= seen.within)
        };
        let matching = (1..=RUNS).into_par_iter().filter(|seed| shows(*seed)).count() as u64;
        family.add(explanation.to_string(), binomial(matching, RUNS, chance));
    }
    family.assert_holds();
}

/// What balances each call needs no luck, with and without pods that clients do not know.
#[test]
fn balanced_calls_show_it_in_every_run() {
    for (shares, late_pods) in [(vec![0.25; 4], 0), (vec![0.5, 0.5, 0.0, 0.0], 2)] {
        let seen = Seen { shares, within: 0.02, most: 10 };
        let explanation = Explanation { late_pods, connections: None, heavy_connections: 0, heavy_share: 0.0 };
        let loaded = scenario::parse("fit", &scenario_of(explanation, &seen, 1), None, &[]).unwrap();
        for seed in 1..=20 {
            let outcome = evenkeel::experiment::run(&loaded, seed, false, None).unwrap();
            let mut ours: Vec<f64> = outcome.summary.pods.iter().map(|p| p.share.unwrap()).collect();
            ours.sort_by(|a, b| b.total_cmp(a));
            assert!(ours.iter().zip(&seen.shares).all(|(a, b)| (a - b).abs() <= seen.within), "{late_pods}: {ours:?}");
        }
    }
}
