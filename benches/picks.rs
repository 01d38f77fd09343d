//! What a pick costs, in nanoseconds, by the number of endpoints; what building costs, in microseconds. Power of two choices,
//! Peak EWMA, round robin and weighted round robin should cost the same for all; a schedule its logarithm; a full scan is
//! linear, and so is nginx's least_conn, as in the original. Loads change with every pick, as they would.

#[path = "support/meter.rs"]
mod meter;

use std::hint::black_box;

use evenkeel::pick::haproxy::{self, LeastConn, Prng};
use evenkeel::pick::maglev::Table;
use evenkeel::pick::nginx::Peers;
use evenkeel::pick::peak_ewma::Estimate;
use evenkeel::pick::ring_hash::Ring;
use evenkeel::pick::swrr::Swrr;
use evenkeel::pick::weighted_round_robin::{Cap, Stride};
use evenkeel::pick::{least_request, p2c};
use evenkeel::policy::edf::Edf;
use evenkeel::policy::subset::subset;
use evenkeel::random::{below, mix};
use evenkeel::units::{Span, Time};
use meter::{Meter, median};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SIZES: [usize; 3] = [10, 1_000, 10_000];
/// Enough: Linux counts processor time in steps of some milliseconds.
const PICKS: u64 = 5_000_000;
const DECAY: Span = Span::from_secs(10);

/// Nanoseconds per pick; the picked one has a request more, and another, at random, one less.
fn picks(n: usize, picks: u64, mut pick: impl FnMut(&[u32], u64, &mut ChaCha8Rng) -> usize) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut active: Vec<u32> = (0..n as u32).map(|i| 5 + i % 7).collect();
    let meter = Meter::start();
    for k in 0..picks {
        let i = pick(&active, k, &mut rng);
        active[i] += 1;
        let other = below(mix(k, 3), n);
        active[other] = active[other].saturating_sub(1);
    }
    black_box(active);
    meter.seconds() * 1e9 / picks as f64
}

fn weights(n: usize) -> Vec<u32> {
    (0..n as u32).map(|i| 1 + i % 5).collect()
}

fn draws(rng: &mut ChaCha8Rng) -> impl FnMut() -> u64 {
    || rng.next_u64()
}

/// The harness without a policy, to be taken off.
fn nothing(n: usize) -> f64 {
    picks(n, PICKS, |active, k, _| (k as usize) % active.len())
}

fn two_choices(n: usize) -> f64 {
    picks(n, PICKS, |active, _, rng| least_request::of_choices(n, 2, |i| active[i], &mut draws(rng)).unwrap_or(0))
}

fn full_scan(n: usize) -> f64 {
    let some = 100_000_000 / n as u64;
    picks(n, some.min(PICKS), |active, _, rng| least_request::full_scan(n, |i| active[i], &mut draws(rng)).unwrap_or(0))
}

fn p2c_pending(n: usize) -> f64 {
    picks(n, PICKS, |active, _, rng| p2c::pick(n, |i| f64::from(active[i]), &mut draws(rng)).unwrap_or(0))
}

fn p2c_ewma(n: usize) -> f64 {
    let mut loads = vec![Estimate::new(Span::from_millis(30), Time(0)); n];
    picks(n, PICKS, |active, k, rng| {
        let now = Time(k * 10_000);
        let i = p2c::pick(n, |i| loads[i].load(now, active[i], DECAY), &mut draws(rng)).unwrap_or(0);
        loads[i].complete(now, Span(mix(k, 1) % 20_000_000), DECAY);
        i
    })
}

fn haproxy_random(n: usize) -> f64 {
    let servers: Vec<(u32, u32)> = (1..=n as u32).map(|id| (id, 1)).collect();
    let (ring, mut prng) = (haproxy::Ring::new(&servers), Prng::default());
    picks(n, PICKS, |active, _, _| ring.random(2, |i| active[i], &mut || prng.draw()).unwrap_or(0))
}

fn haproxy_leastconn(n: usize) -> f64 {
    let mut order = LeastConn::new(&vec![1; n]);
    picks(n, PICKS, |active, k, _| {
        // The one whose request ended in the step before.
        let other = below(mix(k.wrapping_sub(1), 3), n);
        order.set(other, active[other]);
        let i = order.pick().unwrap_or(0);
        order.set(i, active[i] + 1);
        i
    })
}

fn nginx_leastconn(n: usize) -> f64 {
    let mut peers = Peers::new(&weights(n));
    let some = 100_000_000 / n as u64;
    picks(n, some.min(PICKS), |active, _, _| peers.least_conn(|i| active[i]).unwrap_or(0))
}

fn nginx_random_two(n: usize) -> f64 {
    let mut peers = Peers::new(&weights(n));
    picks(n, PICKS, |active, _, rng| peers.random_two(|i| active[i], &mut draws(rng)).unwrap_or(0))
}

fn round_robin(n: usize) -> f64 {
    let mut swrr = Swrr::new(&vec![1; n]);
    picks(n, PICKS, |_, _, _| swrr.pick().unwrap_or(0))
}

fn smooth(n: usize) -> f64 {
    let mut swrr = Swrr::new(&weights(n));
    let some = 100_000_000 / n as u64;
    picks(n, some.min(PICKS), |_, _, _| swrr.pick().unwrap_or(0))
}

fn stride(n: usize) -> f64 {
    let mut stride = Stride::new(n, 77);
    stride.set(&weights(n).iter().map(|w| f64::from(*w)).collect::<Vec<f64>>(), Cap::None);
    picks(n, PICKS, |_, _, _| stride.pick().unwrap_or(0))
}

fn edf(n: usize) -> f64 {
    let weights = weights(n);
    let mut edf = Edf::new(n, |i| f64::from(weights[i]), 12_345);
    picks(n, PICKS, |_, _, _| edf.pick(|i| f64::from(weights[i])).unwrap_or(0))
}

fn named(n: usize) -> Vec<(String, u32)> {
    (0..n).map(|i| (format!("10.{}.{}.{}:50051", i >> 16, i >> 8 & 255, i & 255), 1)).collect()
}

fn ring_hash(n: usize) -> f64 {
    let ring = Ring::new(&named(n), 1_024, 8_388_608);
    picks(n, PICKS, |_, _, rng| ring.pick(rng.next_u64(), |_| true).unwrap_or(0))
}

fn maglev_table(n: usize) -> f64 {
    let maglev = Table::new(&named(n), 65_537);
    picks(n, PICKS, |_, _, rng| maglev.pick(rng.next_u64()).unwrap_or(0))
}

/// Microseconds per call.
fn builds(build: impl Fn(u64)) -> f64 {
    let mut times = 8;
    loop {
        let meter = Meter::start();
        (0..times).for_each(&build);
        let seconds = meter.seconds();
        if seconds > 0.2 {
            return seconds * 1e6 / times as f64;
        }
        times *= 2;
    }
}

fn build_edf(n: usize) -> f64 {
    let weights = weights(n);
    builds(|k| drop(black_box(Edf::new(n, |i| f64::from(weights[i]), mix(k, 9)))))
}

fn build_stride(n: usize) -> f64 {
    let weights: Vec<f64> = weights(n).iter().map(|w| f64::from(*w)).collect();
    builds(|_| {
        let mut stride = Stride::new(n, 0);
        stride.set(black_box(&weights), Cap::None);
        black_box(stride);
    })
}

fn build_ring(n: usize) -> f64 {
    let named = named(n);
    builds(|_| drop(black_box(Ring::new(&named, 1_024, 8_388_608))))
}

fn build_maglev(n: usize) -> f64 {
    let named = named(n);
    builds(|_| drop(black_box(Table::new(&named, 65_537))))
}

fn build_subset(n: usize) -> f64 {
    let named = named(n);
    builds(|k| drop(black_box(subset(mix(k, 5), named.iter().map(|e| e.0.as_str()), 20))))
}

fn row(name: &str, measure: fn(usize) -> f64) {
    let [few, some, many] = SIZES.map(|n| median((0..3).map(|_| measure(n)).collect()));
    println!("{name:<30} {few:>9.1} {some:>9.1} {many:>9.1}");
}

fn main() {
    println!("ns per pick         endpoints:        10     1,000    10,000");
    row("(nothing)", nothing);
    row("least_request, 2 choices", two_choices);
    row("P2C, pending", p2c_pending);
    row("P2C, Peak EWMA", p2c_ewma);
    row("round robin", round_robin);
    row("gRPC weighted_round_robin", stride);
    row("HAProxy random(2)", haproxy_random);
    row("HAProxy leastconn", haproxy_leastconn);
    row("nginx random two", nginx_random_two);
    row("Envoy EDF", edf);
    row("ring_hash", ring_hash);
    row("Maglev", maglev_table);
    row("Envoy FULL_SCAN", full_scan);
    row("nginx least_conn", nginx_leastconn);
    row("nginx weighted round robin", smooth);
    println!("us per build");
    row("Envoy EDF", build_edf);
    row("gRPC weighted_round_robin", build_stride);
    row("ring_hash", build_ring);
    row("Maglev", build_maglev);
    row("subset of 20", build_subset);
}
