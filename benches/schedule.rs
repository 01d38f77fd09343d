//! What it costs to ask what comes next: the tree of slots, the ring and the heap, in nanoseconds per event taken and replaced.
//! The engine's queues are private; this compiles their files.

#[path = "support/meter.rs"]
mod meter;
#[path = "../core/src/narrow.rs"]
#[allow(dead_code, unused_imports, reason = "the bench uses a part, and not their tests")]
mod narrow;
#[path = "../core/src/sim"]
#[allow(dead_code, unused_imports, reason = "the bench uses a part, and not their tests")]
mod sim {
    pub mod fifo;
    pub mod schedule;
    pub mod tree;
}

use evenkeel::{ids, units};
use ids::CallIx;
use meter::{Meter, median};
use sim::fifo::Fifo;
use sim::schedule::{Rank, Schedule, time_of};
use sim::tree::Tree;
use units::Time;

const EVENTS: u64 = 2_000_000;

/// A time to come, up to a millisecond away.
fn next(now: u64, i: u64) -> u64 {
    now + (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44)
}

fn tree(pending: usize) -> f64 {
    let mut tree = Tree::new(pending, Rank::Completion);
    (0..pending).for_each(|i| tree.set(i, next(0, i as u64)));
    let meter = Meter::start();
    for i in 0..EVENTS {
        let now = time_of(tree.next_key()).0;
        tree.set(tree.argmin(), next(now, i));
    }
    meter.seconds() * 1e9 / EVENTS as f64
}

fn ring(pending: usize) -> f64 {
    let mut ring = Fifo::new(Rank::Delivery);
    (0..pending as u64).for_each(|i| ring.push(Time(i), CallIx(i as u32)));
    let meter = Meter::start();
    for i in 0..EVENTS {
        let now = time_of(ring.next_key()).0;
        std::hint::black_box(ring.pop());
        ring.push(Time(now + pending as u64), CallIx(i as u32));
    }
    meter.seconds() * 1e9 / EVENTS as f64
}

fn heap(pending: usize) -> f64 {
    let mut heap = Schedule::default();
    (0..pending).for_each(|i| heap.at(Time(next(0, i as u64)), Rank::World, [i as u32; 4]));
    let meter = Meter::start();
    for i in 0..EVENTS {
        let now = time_of(heap.next_key()).0;
        let event = heap.pop().expect("as many as before");
        heap.at(Time(next(now, i)), Rank::World, event);
    }
    meter.seconds() * 1e9 / EVENTS as f64
}

fn main() {
    println!("ns per event      pending:      10   1,000 100,000");
    row("tree of slots", tree);
    row("ring", ring);
    row("heap", heap);
}

fn row(name: &str, measure: fn(usize) -> f64) {
    let figures = [10, 1_000, 100_000].map(|pending| median((0..5).map(|_| measure(pending)).collect()));
    println!("{name:<26} {:>7.1} {:>7.1} {:>7.1}", figures[0], figures[1], figures[2]);
}
