//! What every pick policy promises, on random endpoints and random courses of requests: it picks one that is offered, never
//! one without weight while another has some, the same for the same draws, and it balances what it says it balances.

mod support;

use evenkeel::policy::edf::Edf;
use evenkeel::policy::haproxy::{self, LeastConn};
use evenkeel::policy::maglev::Maglev;
use evenkeel::policy::nginx::Peers;
use evenkeel::policy::peak_ewma::PeakEwma;
use evenkeel::policy::ring_hash::Ring;
use evenkeel::policy::swrr::Swrr;
use evenkeel::policy::weighted_round_robin::{Cap, Stride};
use evenkeel::policy::{least_request, p2c};
use evenkeel::random::{below, mix};
use evenkeel::units::{Span, Time};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use support::family::Family;
use support::stats::chi_square;

/// What a policy balances.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Promise {
    /// After k picks everyone has k times its share of the weights, up to this many picks and so many times its share of a
    /// round of all endpoints.
    Shares { off: f64, rounds: f64 },
    /// Nobody has fewer requests by weight than the one picked.
    LeastLoaded,
    /// Of two endpoints or more, it is not the only one with the most requests.
    NotTheWorst,
    /// The same key goes to the same endpoint.
    Keyed,
    /// All draws alike: each with the same chance when all are alike.
    Random,
}

/// Endpoints as a policy may see them.
struct Seen {
    weights: Vec<u32>,
    active: Vec<u32>,
    now: Time,
    key: u64,
}

/// A policy under test, in one state.
trait Policy {
    fn pick(&mut self, seen: &Seen, draw: &mut dyn FnMut() -> u64) -> Option<usize>;
    /// A request to `i` began or ended.
    fn changed(&mut self, _seen: &Seen, _i: usize) {}
}

impl<F: FnMut(&Seen, &mut dyn FnMut() -> u64) -> Option<usize>> Policy for F {
    fn pick(&mut self, seen: &Seen, draw: &mut dyn FnMut() -> u64) -> Option<usize> {
        self(seen, draw)
    }
}

struct HaproxyLeastConn(LeastConn);

impl Policy for HaproxyLeastConn {
    fn pick(&mut self, _: &Seen, _: &mut dyn FnMut() -> u64) -> Option<usize> {
        self.0.pick()
    }

    fn changed(&mut self, seen: &Seen, i: usize) {
        self.0.set(i, seen.active[i]);
    }
}

/// A policy: its name, whether it looks at weights, what it promises, and how it is made from weights and a seed.
struct Row {
    name: &'static str,
    weighted: bool,
    promise: Promise,
    make: fn(&[u32], u64) -> Box<dyn Policy>,
}

const EVEN: Promise = Promise::Shares { off: 1.0, rounds: 1.0 };

const ALL: &[Row] = &[
    Row { name: "gRPC least_request", weighted: false, promise: Promise::Random, make: |_, _| choices(2) },
    Row { name: "gRPC least_request, 10 choices", weighted: false, promise: Promise::Random, make: |_, _| choices(10) },
    Row { name: "Envoy FULL_SCAN", weighted: false, promise: Promise::LeastLoaded, make: |_, _| full_scan() },
    Row { name: "P2C, pending requests", weighted: false, promise: Promise::NotTheWorst, make: |_, _| pending() },
    Row { name: "P2C, peak EWMA", weighted: false, promise: Promise::Random, make: |weights, _| ewma(weights.len()) },
    Row { name: "HAProxy random(2)", weighted: true, promise: Promise::Random, make: |weights, _| ring_draws(weights) },
    Row {
        name: "HAProxy leastconn",
        weighted: true,
        promise: Promise::LeastLoaded,
        make: |weights, _| Box::new(HaproxyLeastConn(LeastConn::new(weights))),
    },
    Row {
        name: "nginx least_conn",
        weighted: true,
        promise: Promise::LeastLoaded,
        make: |weights, _| least_conn(weights),
    },
    Row { name: "nginx random two", weighted: true, promise: Promise::Random, make: |weights, _| random_two(weights) },
    Row { name: "nginx round robin", weighted: true, promise: EVEN, make: |weights, _| smooth(weights) },
    Row { name: "Envoy EDF", weighted: true, promise: EVEN, make: edf },
    Row {
        name: "gRPC weighted_round_robin",
        // A weight of zero is unknown, and counts as the mean.
        weighted: false,
        // One for the generation under way, one for where it began; weights are rounded to 1/65535.
        promise: Promise::Shares { off: 2.1, rounds: 2.0 },
        make: stride,
    },
    Row { name: "ring_hash", weighted: true, promise: Promise::Keyed, make: |weights, _| ring_hash(weights) },
    Row { name: "Maglev", weighted: true, promise: Promise::Keyed, make: |weights, _| maglev(weights) },
];

fn choices(count: u32) -> Box<dyn Policy> {
    Box::new(move |seen: &Seen, mut draw: &mut dyn FnMut() -> u64| {
        least_request::of_choices(seen.active.len(), count, |i| seen.active[i], &mut draw)
    })
}

fn full_scan() -> Box<dyn Policy> {
    Box::new(|seen: &Seen, mut draw: &mut dyn FnMut() -> u64| {
        least_request::full_scan(seen.active.len(), |i| seen.active[i], &mut draw)
    })
}

fn pending() -> Box<dyn Policy> {
    Box::new(|seen: &Seen, mut draw: &mut dyn FnMut() -> u64| {
        p2c::pick(seen.active.len(), |i| f64::from(seen.active[i]), &mut draw)
    })
}

fn ewma(n: usize) -> Box<dyn Policy> {
    let mut loads = vec![PeakEwma::new(Span::from_millis(30), Time(0)); n];
    Box::new(move |seen: &Seen, mut draw: &mut dyn FnMut() -> u64| {
        p2c::pick(n, |i| loads[i].load(seen.now, seen.active[i], Span::from_secs(10)), &mut draw)
    })
}

fn ring_draws(weights: &[u32]) -> Box<dyn Policy> {
    let servers: Vec<(u32, u32)> = weights.iter().enumerate().map(|(i, w)| (i as u32 + 1, *w)).collect();
    let ring = haproxy::Ring::new(&servers);
    Box::new(move |seen: &Seen, draw: &mut dyn FnMut() -> u64| {
        ring.random(2, |i| seen.active[i], &mut || (draw() >> 32) as u32)
    })
}

fn least_conn(weights: &[u32]) -> Box<dyn Policy> {
    let mut peers = Peers::new(weights);
    Box::new(move |seen: &Seen, _: &mut dyn FnMut() -> u64| peers.least_conn(|i| seen.active[i]))
}

fn random_two(weights: &[u32]) -> Box<dyn Policy> {
    let mut peers = Peers::new(weights);
    Box::new(move |seen: &Seen, mut draw: &mut dyn FnMut() -> u64| peers.random_two(|i| seen.active[i], &mut draw))
}

fn smooth(weights: &[u32]) -> Box<dyn Policy> {
    let mut swrr = Swrr::new(weights);
    Box::new(move |_: &Seen, _: &mut dyn FnMut() -> u64| swrr.pick())
}

fn edf(weights: &[u32], seed: u64) -> Box<dyn Policy> {
    let weight = |seen: &[u32], i: usize| f64::from(seen[i]);
    let mut edf = Edf::new(weights.len(), |i| weight(weights, i), seed % 10_000);
    Box::new(move |seen: &Seen, _: &mut dyn FnMut() -> u64| edf.pick(|i| weight(&seen.weights, i)))
}

fn stride(weights: &[u32], seed: u64) -> Box<dyn Policy> {
    let mut stride = Stride::new(weights.len(), seed as u32);
    stride.set(&weights.iter().map(|w| f64::from(*w)).collect::<Vec<f64>>(), Cap::None);
    Box::new(move |_: &Seen, _: &mut dyn FnMut() -> u64| stride.pick())
}

fn named(weights: &[u32]) -> Vec<(String, u32)> {
    weights.iter().enumerate().map(|(i, w)| (format!("10.244.0.{i}:50051"), *w)).collect()
}

fn ring_hash(weights: &[u32]) -> Box<dyn Policy> {
    let ring = Ring::new(&named(weights), 1_024, 4_096);
    Box::new(move |seen: &Seen, _: &mut dyn FnMut() -> u64| ring.pick(seen.key, |_| true))
}

fn maglev(weights: &[u32]) -> Box<dyn Policy> {
    let maglev = Maglev::new(&named(weights), 251);
    Box::new(move |seen: &Seen, _: &mut dyn FnMut() -> u64| maglev.pick(seen.key))
}

/// What happens next: a request, or the end of one under way (by its place among them).
#[derive(Clone, Copy, Debug)]
enum Step {
    Pick(u64),
    End(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(prop_oneof![3 => any::<u64>().prop_map(Step::Pick), 2 => any::<usize>().prop_map(Step::End)], 1..400)
}

/// Goes through the steps; `each` sees every pick, before it counts.
fn walk(row: &Row, weights: &[u32], seed: u64, steps: &[Step], mut each: impl FnMut(&Seen, Option<usize>)) {
    let mut policy = (row.make)(weights, seed);
    let n = weights.len();
    let mut seen = Seen { weights: weights.to_vec(), active: vec![0; n], now: Time(0), key: 0 };
    let mut open = Vec::new();
    for step in steps {
        seen.now += Span::from_millis(7);
        match *step {
            Step::Pick(key) => {
                seen.key = key;
                let mut k = 0;
                let mut draw = || {
                    k += 1;
                    mix(key, k)
                };
                let picked = policy.pick(&seen, &mut draw);
                each(&seen, picked);
                if let Some(i) = picked {
                    seen.active[i] += 1;
                    open.push(i);
                    policy.changed(&seen, i);
                }
            }
            Step::End(place) if !open.is_empty() => {
                let i = open.swap_remove(place % open.len());
                seen.active[i] -= 1;
                policy.changed(&seen, i);
            }
            Step::End(_) => {}
        }
    }
}

fn picks(row: &Row, weights: &[u32], seed: u64, steps: &[Step]) -> Vec<Option<usize>> {
    let mut picks = Vec::new();
    walk(row, weights, seed, steps, |_, picked| picks.push(picked));
    picks
}

/// `requests / weight` of the picked one is the least, by the policy's own reckoning.
fn is_least(row: &Row, seen: &Seen, picked: usize) -> bool {
    let key = |i: usize| {
        let (requests, weight) = (u64::from(seen.active[i]), u64::from(seen.weights[i]));
        match row.name {
            // In whole numbers, and a busy server counts the next request, too.
            "HAProxy leastconn" if requests > 0 => (requests + 1) * 256 / weight,
            "HAProxy leastconn" => 0,
            // With a common denominator for weights up to 6.
            "nginx least_conn" => requests * 60 / weight,
            _ => requests,
        }
    };
    let offered = |i: &usize| !row.weighted || seen.weights[*i] > 0;
    (0..seen.active.len()).filter(offered).all(|i| key(picked) <= key(i))
}

fn keeps(row: &Row, seen: &Seen, picked: usize) -> bool {
    match row.promise {
        Promise::LeastLoaded => is_least(row, seen, picked),
        Promise::NotTheWorst => {
            let worse = |i: usize| i != picked && seen.active[i] >= seen.active[picked];
            seen.active.len() < 2 || (0..seen.active.len()).any(worse)
        }
        Promise::Shares { .. } | Promise::Keyed | Promise::Random => true,
    }
}

fn config() -> Config {
    let cases = std::env::var("EVENKEEL_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    Config { cases, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Config::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn picks_what_is_offered_and_keeps_its_promise(
        weights in vec(0u32..=6, 0..12), seed in any::<u64>(), steps in steps(),
    ) {
        for row in ALL {
            let some = if row.weighted { weights.iter().any(|w| *w > 0) } else { !weights.is_empty() };
            walk(row, &weights, seed, &steps, |seen, picked| {
                assert_eq!(picked.is_some(), some, "{}", row.name);
                if let Some(i) = picked {
                    assert!(i < weights.len(), "{}: not offered", row.name);
                    assert!(!row.weighted || weights[i] > 0, "{}: no weight", row.name);
                    assert!(keeps(row, seen, i), "{}: {i} of {:?}, weights {weights:?}", row.name, seen.active);
                }
            });
        }
    }

    #[test]
    fn the_same_draws_give_the_same_picks(weights in vec(0u32..=6, 1..12), seed in any::<u64>(), steps in steps()) {
        for row in ALL {
            prop_assert_eq!(picks(row, &weights, seed, &steps), picks(row, &weights, seed, &steps), "{}", row.name);
        }
    }

    #[test]
    fn shares_follow_weights(weights in vec(1u32..=100, 1..12), seed in any::<u64>(), k in 1usize..1_000) {
        let sum: f64 = weights.iter().map(|w| f64::from(*w)).sum();
        let steps = vec![Step::Pick(0); k];
        for row in ALL {
            let Promise::Shares { off, rounds } = row.promise else { continue };
            let picks = picks(row, &weights, seed, &steps);
            for (i, w) in weights.iter().enumerate() {
                let share = f64::from(*w) / sum;
                let got = picks.iter().filter(|p| **p == Some(i)).count() as f64;
                let most = off + rounds * weights.len() as f64 * share;
                prop_assert!((got - k as f64 * share).abs() <= most, "{}: {got} of {k} for {w} of {weights:?}", row.name);
            }
        }
    }

    #[test]
    fn a_key_stays_where_it_is(weights in vec(1u32..=6, 1..12), key in any::<u64>(), steps in steps()) {
        for row in ALL.iter().filter(|row| row.promise == Promise::Keyed) {
            let same_key = steps.iter().map(|s| if let Step::Pick(_) = s { Step::Pick(key) } else { *s });
            let picks = picks(row, &weights, 0, &same_key.collect::<Vec<Step>>());
            prop_assert!(picks.windows(2).all(|w| w[0] == w[1]), "{}", row.name);
        }
    }
}

/// p-value that all of ten idle endpoints alike are picked alike. Seeds 1 to 50,000.
fn uniform(row: &Row) -> f64 {
    const N: usize = 10;
    const PICKS: u64 = 50_000;
    let mut counts = [0.0; N];
    for seed in 1..=PICKS {
        // A new state each time: turns would be even by themselves.
        let picked = picks(row, &[1; N], 0, &[Step::Pick(mix(seed, 77))]);
        counts[picked[0].expect("there are endpoints")] += 1.0;
    }
    chi_square(&counts, &[PICKS as f64 / N as f64; N], 0)
}

fn named_row(name: &str) -> &'static Row {
    ALL.iter().find(|row| row.name == name).expect("a policy of that name")
}

#[test]
fn idle_endpoints_are_picked_alike() {
    let mut family = Family::named("policies: uniform");
    for name in ["gRPC least_request", "Envoy FULL_SCAN", "P2C, pending requests", "nginx random two"] {
        family.add(name, uniform(named_row(name)));
    }
    family.assert_holds();
}

#[test]
fn a_ring_with_few_points_is_not_uniform() {
    // HAProxy's random, which is not: the test sees it.
    let mut family = Family::named("policies: uniform");
    (0..4).for_each(|_| family.add("HAProxy random(2)", uniform(named_row("HAProxy random(2)"))));
    family.assert_rejected();
}

#[test]
fn broken_promises_are_seen() {
    // Of random picks some break each promise.
    let at_random = |promise| Row {
        name: "random",
        weighted: true,
        promise,
        make: |_, _| Box::new(|seen: &Seen, draw: &mut dyn FnMut() -> u64| Some(below(draw(), seen.active.len()))),
    };
    let steps: Vec<Step> = (0..300).map(Step::Pick).collect();
    for promise in [Promise::LeastLoaded, Promise::NotTheWorst] {
        let (row, mut broken) = (at_random(promise), 0);
        walk(&row, &[1, 1, 1, 0], 1, &steps, |seen, picked| {
            broken += usize::from(!keeps(&row, seen, picked.expect("offered")));
        });
        assert!(broken > 0, "{promise:?}");
    }
}
