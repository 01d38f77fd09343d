//! False refutations of 500 true claims, most of them exactly on the boundary, are within the 99 % binomial bound of the level.

use evenkeel::experiment::check::{Effort, Fate, Judge, Reading, check};
use evenkeel::scenario::property::{Holds, parse};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::support::family::Family;
use crate::support::stats::{binomial, uniform};

/// The default level of a property.
const LEVEL: f64 = 0.01;
/// Where refutations of true claims are not rare.
const WIDE: f64 = 0.2;
const CLAIMS: u64 = 500;
/// Claims about engines; the others are about laws that are known.
const SIMULATED: u64 = 20;
const SCENARIOS: u64 = 25;
const RUNS: u64 = 200;

/// A law of excess whose mean is exactly zero, and for coins the part of the runs in which the claim holds.
type Law = (Holds, fn(f64) -> f64);

const fn step(u: f64, p: f64, low: f64, high: f64) -> f64 {
    if u < p { low } else { high }
}

/// On the boundary, but for the last two. A tail to the left is the harder: before its first rare value shows, the mean seems to
/// be above zero, and without any spread.
const LAWS: [Law; 9] = [
    (Holds::InRuns(0.95), |u| step(u, 0.95, -0.5, 0.5)),
    (Holds::InRuns(0.5), |u| step(u, 0.5, -0.1, 0.9)),
    (Holds::InRuns(0.99), |u| step(u, 0.99, -0.5, 0.5)),
    (Holds::OnAverage, |u| step(u, 0.05, -0.95, 0.05)),
    (Holds::OnAverage, |u| step(u, 0.95, -0.05, 0.95)),
    (Holds::OnAverage, |u| 2.0 * u - 1.0),
    (Holds::OnAverage, |u| 1.0 / 3.0 - u * u),
    (Holds::OnAverage, |u| 0.4 * u - 0.25),
    (Holds::InRuns(0.9), |u| step(u, 0.93, -0.5, 0.5)),
];

/// True if some scenario of a property refutes the claim; `judge` says how one is judged, from its runs.
fn refuted(seed: u64, law: Law, judge: &dyn Fn(Holds, &mut dyn FnMut() -> f64) -> bool) -> bool {
    (0..SCENARIOS).any(|scenario| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(scenario);
        judge(law.0, &mut || law.1(uniform(&mut rng)))
    })
}

fn reading(excess: f64) -> Reading {
    Reading { met: excess <= 0.0, excess }
}

fn as_check_does(holds: Holds, draw: &mut dyn FnMut() -> f64) -> bool {
    let judge = Judge { holds, level: LEVEL / SCENARIOS as f64, most: RUNS };
    judge.judge(|_| Ok::<_, ()>(Some(reading(draw())))).unwrap().refuted
}

/// A wrong way: a z test after every run, each at the level.
fn as_one_should_not(holds: Holds, draw: &mut dyn FnMut() -> f64) -> bool {
    const Z: f64 = 2.326;
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    (0..RUNS).any(|_| {
        let excess = draw();
        let x = match holds {
            Holds::InRuns(part) => f64::from(u8::from(excess > 0.0)) - (1.0 - part),
            _ => excess,
        };
        (n, sum, squares) = (n + 1.0, sum + x, squares + x * x);
        let deviation = (squares / n - (sum / n) * (sum / n)).max(0.0).sqrt();
        n >= 10.0 && sum / n > Z * deviation / n.sqrt()
    })
}

/// The same scenario twice, its client under two names, so that all that is drawn for it differs and no side is better.
fn symmetric(seed: u64) -> bool {
    const TEXT: &str = "
properties:
  - name: same
    says: a scenario is not worse than itself
    scenario:
      duration: 4s
      servers: [{ name: s, replicas: 3 }]
      clients: [{ name: web, replicas: 4, load: { open: { rate: 20 } } }]
    draw: { servers.s.replicas: 2..6, clients.web.replicas: 1..8 }
    variants: { one: { clients.web.name: one }, other: { clients.web.name: other } }
    claim: one.max_over_mean <= other.max_over_mean
    holds: HOLDS
";
    let holds = if seed.is_multiple_of(2) { "on average" } else { "in 50% of runs" };
    let property = parse("same", &TEXT.replace("HOLDS", holds), None).unwrap_or_else(|e| panic!("{e}")).remove(0);
    let effort = Effort { cases: 8, runs: Some(40), seed };
    check(&property, &effort, None, &|| ()).unwrap().checked.outcome == Fate::Refuted
}

/// P(at least `k` of `n`), each with a chance of `p`.
fn upper_tail(k: u64, n: u64, p: f64) -> f64 {
    let term = |i: u64| {
        let choose: f64 = (0..i).map(|j| ((n - j) as f64 / (i - j) as f64).ln()).sum();
        (choose + i as f64 * p.ln() + (n - i) as f64 * (-p).ln_1p()).exp()
    };
    (1.0 - (0..k).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

fn law(claim: u64) -> Law {
    LAWS[(claim % LAWS.len() as u64) as usize]
}

#[test]
fn the_level_of_refutations_holds() {
    let known = (1..=CLAIMS - SIMULATED).filter(|seed| refuted(*seed, law(*seed), &as_check_does)).count() as u64;
    let simulated = (1..=SIMULATED).filter(|seed| symmetric(*seed)).count() as u64;
    let all = known + simulated;
    let bound = (0..CLAIMS).find(|k| upper_tail(k + 1, CLAIMS, LEVEL) <= 0.01).unwrap();
    assert_eq!(bound, 11, "the 99 % quantile of a binomial law of 500 and 1 %");
    assert!(all <= bound, "{known} and {simulated} of {CLAIMS} true claims are refuted");
    let mut family = Family::named("check: false refutations");
    family.add(format!("{all} of {CLAIMS}"), upper_tail(all, CLAIMS, LEVEL));
    // At a level that is not far away in a tail, one scenario each: held, and not by refuting nothing.
    let at_once = |seed: &u64| {
        let (holds, draw) = law(*seed);
        let mut rng = ChaCha8Rng::seed_from_u64(*seed);
        let judge = Judge { holds, level: WIDE, most: RUNS };
        judge.judge(|_| Ok::<_, ()>(Some(reading(draw(uniform(&mut rng)))))).unwrap().refuted
    };
    let wide = (1..=CLAIMS).filter(at_once).count() as u64;
    assert!(wide >= 10, "{wide} of {CLAIMS}");
    family.add(format!("{wide} of {CLAIMS} at 20 %"), upper_tail(wide, CLAIMS, WIDE));
    family.assert_holds();
}

/// The bound is one that a test can miss: looks that cost nothing do.
#[test]
fn tests_that_look_for_free_break_the_level() {
    let wrong = (1..=100).filter(|seed| refuted(*seed, law(*seed), &as_one_should_not)).count() as u64;
    assert!(binomial(wrong, 100, LEVEL) < 1e-6 && wrong > 50, "{wrong} of 100");
}

/// What is false by as much as a person would care for is found nearly always: 50 claims each, one scenario of which 25.
#[test]
fn false_claims_are_refuted() {
    let laws: [Law; 4] = [
        (Holds::InRuns(0.95), |u| step(u, 0.75, -0.5, 0.5)),
        (Holds::InRuns(0.5), |u| step(u, 0.2, -0.1, 0.9)),
        (Holds::OnAverage, |u| step(u, 0.1, -0.5, 0.3)),
        (Holds::OnAverage, |u| u - 0.2),
    ];
    for (i, law) in laws.into_iter().enumerate() {
        let mut rng = ChaCha8Rng::seed_from_u64(i as u64);
        let found = (0..50).filter(|_| as_check_does(law.0, &mut || law.1(uniform(&mut rng)))).count();
        assert!(found >= 48, "law {i}: {found} of 50");
    }
}
