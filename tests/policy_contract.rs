//! What every pick policy promises, on random endpoints and random courses of requests: it picks one that is offered, never
//! one without weight while another has some, the same for the same draws, and it balances what it says it balances.

mod support;

use evenkeel::pick::haproxy::{self, LeastConn};
use evenkeel::pick::maglev::Table;
use evenkeel::pick::nginx::Peers;
use evenkeel::pick::ring_hash::Ring;
use evenkeel::pick::swrr::Swrr;
use evenkeel::pick::weighted_round_robin::{Cap, Stride};
use evenkeel::pick::{self, LeastRequest, Trial, least_request, p2c};
use evenkeel::policy::edf::Edf;
use evenkeel::random::{below, mix};
use evenkeel::units::{Span, Time};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use support::family::Family;
use support::stats::chi_square;

/// From one step to the next, and how long calls take.
const STEP: Span = Span::from_millis(7);

/// What a policy balances.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Promise {
    /// After k picks everyone has k times its share of the weights, up to this many picks and so many times its share of a
    /// round of all endpoints.
    Shares { off: f64, rounds: f64 },
    /// After k picks everyone has k / n of them, up to 1.
    Turns,
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

struct HaproxyRule(LeastConn);

impl Policy for HaproxyRule {
    fn pick(&mut self, _: &Seen, _: &mut dyn FnMut() -> u64) -> Option<usize> {
        self.0.pick()
    }

    fn changed(&mut self, seen: &Seen, i: usize) {
        self.0.set(i, seen.active[i]);
    }
}

/// A policy of the list on trial, with its settings: what it counts and learns is up to itself.
impl Policy for Trial {
    fn pick(&mut self, seen: &Seen, _: &mut dyn FnMut() -> u64) -> Option<usize> {
        self.wait(STEP);
        Trial::pick(self, seen.key)
    }

    fn changed(&mut self, seen: &Seen, i: usize) {
        if self.outstanding()[i] > seen.active[i] {
            self.end(i, STEP);
        }
    }
}

type Make = Box<dyn Fn(&[u32], u64) -> Box<dyn Policy>>;

/// A policy: its name, whether it looks at weights, what it promises, and how it is made from weights and a seed.
struct Row {
    name: String,
    weighted: bool,
    promise: Promise,
    make: Make,
}

impl Row {
    fn new(
        name: &str,
        weighted: bool,
        promise: Promise,
        make: impl Fn(&[u32], u64) -> Box<dyn Policy> + 'static,
    ) -> Row {
        Row { name: name.to_owned(), weighted, promise, make: Box::new(make) }
    }

    /// A policy of the list promises what its kind promises. All its endpoints have the same weight.
    fn of(policy: pick::Policy) -> Row {
        let promise = match policy {
            _ if policy.hashes() => Promise::Keyed,
            _ if policy.goes_in_turn() => Promise::Turns,
            _ => Promise::Random,
        };
        let most = if policy.one_connection() { 1 } else { usize::MAX };
        let make = move |weights: &[u32], seed| -> Box<dyn Policy> {
            Box::new(Trial::new(policy, weights.len().min(most), seed))
        };
        Row::new(&[policy.proxy().unwrap_or(""), policy.name()].join(" "), false, promise, make)
    }
}

/// The policies of the list with their default settings, then rules that have weights, or that the list has in other settings.
fn all() -> Vec<Row> {
    let mut rows: Vec<Row> = pick::Policy::KINDS.iter().map(|kind| Row::of((kind.default)())).collect();
    let ten = Row::of(LeastRequest { choice_count: 10 }.into());
    let even = Promise::Shares { off: 1.0, rounds: 1.0 };
    // One for the generation under way, one for where it began; weights are rounded to 1/65535.
    let strides = Promise::Shares { off: 2.1, rounds: 2.0 };
    let leastconn = |weights: &[u32], _| -> Box<dyn Policy> { Box::new(HaproxyRule(LeastConn::new(weights))) };
    rows.extend([
        Row { name: "least_request, 10 choices".to_owned(), ..ten },
        Row::new("Envoy FULL_SCAN", false, Promise::LeastLoaded, |_, _| full_scan()),
        Row::new("P2C, pending requests", false, Promise::NotTheWorst, |_, _| pending()),
        Row::new("HAProxy random(2)", true, Promise::Random, |weights, _| ring_draws(weights)),
        Row::new("HAProxy leastconn", true, Promise::LeastLoaded, leastconn),
        Row::new("nginx least_conn", true, Promise::LeastLoaded, |weights, _| least_conn(weights)),
        Row::new("nginx random two", true, Promise::Random, |weights, _| random_two(weights)),
        Row::new("nginx round robin", true, even, |weights, _| smooth(weights)),
        Row::new("Envoy EDF", true, even, edf),
        // A weight of zero is unknown, and counts as the mean.
        Row::new("gRPC static stride", false, strides, stride),
        Row::new("ring", true, Promise::Keyed, |weights, _| ring(weights)),
        Row::new("Maglev table", true, Promise::Keyed, |weights, _| table(weights)),
    ]);
    rows
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

fn ring(weights: &[u32]) -> Box<dyn Policy> {
    let ring = Ring::new(&named(weights), 1_024, 4_096);
    Box::new(move |seen: &Seen, _: &mut dyn FnMut() -> u64| ring.pick(seen.key, |_| true))
}

fn table(weights: &[u32]) -> Box<dyn Policy> {
    let table = Table::new(&named(weights), 251);
    Box::new(move |seen: &Seen, _: &mut dyn FnMut() -> u64| table.pick(seen.key))
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
        seen.now += STEP;
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
        match row.name.as_str() {
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
        Promise::Shares { .. } | Promise::Turns | Promise::Keyed | Promise::Random => true,
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
        for row in &all() {
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
        for row in &all() {
            prop_assert_eq!(picks(row, &weights, seed, &steps), picks(row, &weights, seed, &steps), "{}", row.name);
        }
    }

    #[test]
    fn shares_follow_weights(weights in vec(1u32..=100, 1..12), seed in any::<u64>(), k in 1usize..1_000) {
        let sum: f64 = weights.iter().map(|w| f64::from(*w)).sum();
        let steps = vec![Step::Pick(0); k];
        for row in &all() {
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
    fn turns_are_even(n in 1usize..12, seed in any::<u64>(), k in 1usize..300) {
        for row in all().iter().filter(|row| row.promise == Promise::Turns) {
            let picks = picks(row, &vec![1; n], seed, &vec![Step::Pick(0); k]);
            let used = picks.iter().flatten().max().map_or(0, |last| last + 1);
            for i in 0..used {
                let got = picks.iter().filter(|p| **p == Some(i)).count();
                prop_assert!((k / used..=k.div_ceil(used)).contains(&got), "{}: {got} of {k} for {i}", row.name);
            }
        }
    }

    #[test]
    fn a_key_stays_where_it_is(weights in vec(1u32..=6, 1..12), key in any::<u64>(), steps in steps()) {
        for row in all().iter().filter(|row| row.promise == Promise::Keyed) {
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

fn named_row(name: &str) -> Row {
    all().into_iter().find(|row| row.name.trim() == name).expect("a policy of that name")
}

#[test]
fn idle_endpoints_are_picked_alike() {
    let mut family = Family::named("policies: uniform");
    for name in ["least_request", "Envoy FULL_SCAN", "P2C, pending requests", "nginx random two"] {
        family.add(name, uniform(&named_row(name)));
    }
    family.assert_holds();
}

#[test]
fn a_ring_with_few_points_is_not_uniform() {
    // HAProxy's random, which is not: the test sees it.
    let mut family = Family::named("policies: uniform");
    (0..4).for_each(|_| family.add("HAProxy random(2)", uniform(&named_row("HAProxy random(2)"))));
    family.assert_rejected();
}

#[test]
fn broken_promises_are_seen() {
    // Of random picks some break each promise.
    let at_random = |promise| {
        Row::new("random", true, promise, |_, _| {
            Box::new(|seen: &Seen, draw: &mut dyn FnMut() -> u64| Some(below(draw(), seen.active.len())))
        })
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
