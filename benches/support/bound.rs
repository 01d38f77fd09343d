//! The least that reference workload W can cost: a program that does only this. Calls are drawn a thousand at a time (gap,
//! connection, service time), logarithms are taken in bulk, and a pod with eight slots and one queue is Kiefer and Wolfowitz's
//! recursion, which knows a call's departure at its arrival: no events, no engine, nothing that could change mid-way.

use evenkeel::distribution::{neg_ln, unit};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Calls drawn at a time.
const BLOCK: usize = 1024;
/// Slots of a pod.
const SLOTS: usize = 8;
/// Mean service time in ns.
const MEAN_NS: f64 = 1e6;

/// When each slot of a pod is free, with the slot in the low bits.
#[derive(Clone)]
struct Pod([u64; SLOTS]);

impl Pod {
    fn idle() -> Pod {
        Pod([0, 1, 2, 3, 4, 5, 6, 7])
    }

    /// A call that comes at `at` and needs a slot for `takes`: when it is done.
    #[inline]
    fn departure(&mut self, at: u64, takes: u64) -> u64 {
        let k = &self.0;
        let least = (k[0].min(k[1]).min(k[2].min(k[3]))).min(k[4].min(k[5]).min(k[6].min(k[7])));
        let done = (least >> 3).max(at) + takes;
        self.0[(least & 7) as usize] = done << 3 | (least & 7);
        done
    }
}

/// Exponential times with this mean, in whole ns, out of 64-bit draws.
fn exponentials(draws: &[u64], mean: f64, out: &mut [u64; BLOCK]) {
    // 2^52: adding it leaves the rounded number in the low bits.
    const SHIFTER: f64 = 4_503_599_627_370_496.0;
    for (out, &draw) in out.iter_mut().zip(draws) {
        let ns = neg_ln(unit(draw) + f64::EPSILON / 2.0) * mean;
        *out = (ns + SHIFTER).to_bits() - SHIFTER.to_bits();
    }
}

/// Bucket of a log-linear histogram with 64 buckets per power of two.
#[inline]
fn bucket(ns: u64) -> usize {
    let shift = 57 - (ns | 64).leading_zeros();
    ((shift as usize) << 6) + (ns >> shift) as usize
}

/// What came out.
pub struct Done {
    /// Calls in all.
    pub calls: u64,
    /// Calls per pod.
    pub per_pod: Vec<u64>,
    /// Mean latency in ms.
    pub mean_ms: f64,
}

/// Runs W for about `calls` calls; `pins` says which pod each connection goes to.
pub fn run(pins: &[u32], pods: usize, calls: u64, seed: u64) -> Done {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut world = vec![Pod::idle(); pods];
    let mut per_pod = vec![0u64; pods];
    let mut histogram = vec![0u64; 58 << 6];
    let mut bytes = vec![0u8; BLOCK * 20];
    let mut draws = vec![0u64; BLOCK * 5 / 2];
    let (mut gaps, mut takes, mut latency) = ([0; BLOCK], [0; BLOCK], [0; BLOCK]);
    let mut picked = [0u32; BLOCK];
    let gap_ns = 1e9 / (5_000.0 * pods as f64);
    let (mut now, mut sum, mut done) = (0, 0, 0);
    while done < calls {
        rng.fill_bytes(&mut bytes);
        for (draw, bytes) in draws.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *draw = u64::from_le_bytes(*bytes);
        }
        exponentials(&draws[..BLOCK], gap_ns, &mut gaps);
        exponentials(&draws[BLOCK..2 * BLOCK], MEAN_NS, &mut takes);
        // 32 bits are enough to pick a connection.
        for (pair, &draw) in picked.as_chunks_mut::<2>().0.iter_mut().zip(&draws[2 * BLOCK..]) {
            *pair = [draw as u32, (draw >> 32) as u32]
                .map(|half| pins[((u64::from(half) * pins.len() as u64) >> 32) as usize]);
        }
        for i in 0..BLOCK {
            now += gaps[i];
            latency[i] = world[picked[i] as usize].departure(now, takes[i]) - now;
        }
        for (&latency, &pod) in latency.iter().zip(&picked) {
            histogram[bucket(latency)] += 1;
            sum += latency;
            per_pod[pod as usize] += 1;
        }
        done += BLOCK as u64;
    }
    std::hint::black_box(histogram);
    Done { calls: done, per_pod, mean_ms: sum as f64 / done as f64 / 1e6 }
}
