//! `fit`: beliefs are as often right as they say, and the engine shows what the theory promises.

use evenkeel::experiment::fit::{Seen, explain, fit, scenario_of, try_out};
use evenkeel::scenario;
use evenkeel::scenario::document::Document;
use evenkeel::theory::shares::{Explanation, Kind, Known, all};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
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
    let kind = Kind::ALL[pick(rng, &[0, 1, 2, 3, 4])];
    let mut left = uniform(rng);
    let of_kind = all(kind, PODS as u32, MOST, &Known::default());
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
        None if of.favoured_pods > 0 => {
            let (n, k) = (PODS as f64, f64::from(of.favoured_pods));
            let part = k / n + (1.0 - k / n) * uniform(rng);
            let mut others: Vec<usize> = (0..PODS).collect();
            for _ in 0..of.favoured_pods {
                let at = pick(rng, &(0..others.len()).collect::<Vec<_>>());
                shares[others.remove(at)] = part / k;
            }
            others.iter().for_each(|pod| shares[*pod] = (1.0 - part) / (n - k));
        }
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
        let seen = Seen { shares: dealt(&mut rng, truth), within: WITHIN, most: MOST, ..Seen::default() };
        (kind, truth, fit(&seen, None).unwrap())
    };
    let all: Vec<_> = (1..=CASES).into_par_iter().map(one).collect();
    let mut family = Family::named("fit: beliefs");
    // Calls are not counted here.
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::RandomCalls) {
        let (mut difference, mut variance) = (0.0, 0.0);
        for (truth, _, fitted) in &all {
            let belief = fitted.iter().find(|f| f.kind == kind).map_or(0.0, |f| f.belief);
            difference += f64::from(u8::from(*truth == kind)) - belief;
            variance += belief * (1.0 - belief);
        }
        family.add(format!("{kind:?}"), z(difference / variance.sqrt()));
    }
    let counted = all.iter().filter(|(kind, ..)| !matches!(kind, Kind::PerCall | Kind::FavouredPods));
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
    let plain = |n| Explanation { connections: Some(n), ..Explanation::default() };
    let mut family = Family::named("fit: scenarios");
    for (shares, ways, explanation) in [
        (vec![0.5, 0.5, 0.0, 0.0], 6.0, plain(2)),
        (vec![0.5, 0.5, 0.0, 0.0], 6.0, Explanation { late_pods: 2, ..plain(8) }),
        (vec![0.9, 0.05, 0.05, 0.0, 0.0], 30.0, Explanation { heavy_connections: 1, heavy_share: 0.9, ..plain(2) }),
        (vec![0.6, 0.4, 0.0], 6.0, Explanation { late_pods: 1, ..plain(20) }),
    ] {
        let seen = Seen { shares, within: 0.02, most: 100, ..Seen::default() };
        let chance = ways * explanation.chance(&seen.shares, seen.within, &seen.known);
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
        let seen = Seen { shares, within: 0.02, most: 10, ..Seen::default() };
        let explanation = Explanation { late_pods, ..Explanation::default() };
        let loaded = scenario::parse("fit", &scenario_of(explanation, &seen, 1), None, &[]).unwrap();
        for seed in 1..=20 {
            let outcome = evenkeel::experiment::run(&loaded, seed, false, None).unwrap();
            let mut ours: Vec<f64> = outcome.summary.pods.iter().map(|p| p.share.unwrap()).collect();
            ours.sort_by(|a, b| b.total_cmp(a));
            assert!(ours.iter().zip(&seen.shares).all(|(a, b)| (a - b).abs() <= seen.within), "{late_pods}: {ours:?}");
        }
    }
}

/// A slow pod, or one with a lower weight: its scenario needs no luck either.
#[test]
fn favoured_pods_show_it_in_every_run() {
    for (shares, favoured_pods) in [(vec![0.3, 0.3, 0.3, 0.1], 3), (vec![0.7, 0.15, 0.15], 1)] {
        let seen = Seen { shares, within: 0.03, most: 10, ..Seen::default() };
        let (found, _) = explain(&seen, 20, None).unwrap();
        let likely = &found.kinds.iter().find(|k| k.kind == Kind::FavouredPods).unwrap().likely[0];
        assert_eq!((likely.explanation.favoured_pods, likely.matching), (favoured_pods, 20), "{likely:?}");
    }
}

/// Counted connections tell heavy ones from many: a pod with 80 % on one of 41 connections has a heavy one, and with 16 of 20 it has not.
#[test]
fn counted_connections_decide() {
    let best = |connections: Vec<u32>| {
        let known = Known { connections: Some(connections), calls: None };
        let seen = Seen { shares: vec![0.8, 0.15, 0.05], within: 0.02, most: 10, known, ..Seen::default() };
        let kinds = fit(&seen, None).unwrap();
        (kinds[0].kind, kinds[0].connections.from, kinds[0].connections.to)
    };
    assert_eq!(best(vec![1, 30, 10]), (Kind::HeavyConnections, 41, 41));
    assert_eq!(best(vec![16, 3, 1]), (Kind::Connections, 20, 20));
}

/// Shares of few calls are uneven for no other reason; those of many are not.
#[test]
fn few_calls_may_be_chance_alone() {
    let seen = |calls| Seen {
        shares: vec![0.4, 0.25, 0.2, 0.15],
        within: 0.02,
        most: 100,
        known: Known { connections: None, calls: Some(calls) },
        ..Seen::default()
    };
    let kind = |calls| fit(&seen(calls), None).unwrap().into_iter().find(|k| k.kind == Kind::RandomCalls);
    let few = kind(40).unwrap();
    assert!(few.chance > 1e-5, "{few:?}");
    assert_eq!(kind(2_000), None);
    let loaded = scenario::parse("fit", &scenario_of(few.likely[0].explanation, &seen(40), 1), None, &[]).unwrap();
    let started = evenkeel::experiment::run(&loaded, 1, false, None).unwrap().summary.requests.started;
    assert!((36..=44).contains(&started), "{started}");
}

/// The user's own scenario: least_request with a slow pod shows that this pod gets less, and without does not.
#[test]
fn an_own_scenario_says_how_often_it_shows_the_shares() {
    let text = "name: own\nduration: 20s\nservers: [{ name: s, replicas: 4, concurrency: 4, service_time: { exponential: { mean: 20ms } } }]\n\
                clients: [{ name: c, policy: peak_ewma, discovery: watch, replicas: 2, load: { open: { rate: 200 } } }]\n";
    let document = Document::embedded("own", text, &[]);
    let loaded = document.load(&["timeline=[{ at: 0s, slow: { server: s, pods: 1, factor: 5 } }]".to_owned()]).unwrap();
    let pods = evenkeel::experiment::run(&loaded, 99, false, None).unwrap().summary.pods;
    let shares = pods.iter().map(|p| p.now.as_ref().unwrap().share.unwrap()).collect();
    let seen = Seen { shares, within: 0.03, most: 10, ..Seen::default() };
    let tried = try_out(&document, &seen, 40, None).unwrap().unwrap();
    let of = |says: &str| tried.iter().find(|t| t.says.contains(says)).unwrap();
    assert_eq!(of("as it is").matching, 0, "{tried:?}");
    assert!(of("5 times").matching > 20 && of("5 times").from > 0.4, "{tried:?}");
    assert_eq!(tried.len(), 3);
}
