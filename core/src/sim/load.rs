//! What clients ask for: the calls of open loads, one process per client, and the workers of closed loads.
//!
//! An open load is one process per client whose calls fall on its replicas: for Poisson arrivals uniformly at random, which
//! is the same law as one Poisson process per replica; for constant spacing in turn, each replica at its own phase. So an
//! arrival costs no heap, a million replicas cost nothing per call, and a rate or a replica count that changes leaves the
//! other draws alone: everything that belongs to the n-th call is drawn at its emission, three draws each.

use rand::Rng;

use super::world::{Caller, Push};
use crate::distribution::{neg_ln, unit};
use crate::ids::{LoadId, NodeId, OwnerId, ReplicaId, Table, ViewId};
use crate::model::{Arrivals, Client, RateCurve, Start};
use crate::narrow::whole;
use crate::random::{Purpose, Stream, Streams, below, mix, number_below};
use crate::units::{Span, Time};

const NS_PER_S: f64 = 1e9;

/// The calls of an open load.
#[derive(Debug)]
pub(super) struct OpenLoad {
    stream: Stream,
    clock: Clock,
    spacing: Spacing,
    /// Draws for the next calls, made many at a time: the logarithms of a block are independent.
    drawn: Box<[Draws; BLOCK]>,
    /// How many of them are used.
    used: usize,
    /// The call to come.
    pub next: NextCall,
}

/// Calls drawn at a time.
const BLOCK: usize = 64;

/// What is drawn for a call.
#[derive(Clone, Copy, Debug, Default)]
struct Draws {
    /// The gap before it, in mean gaps, if it is exponential.
    gap: f64,
    mark: u64,
    demand: u64,
}

/// A call to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct NextCall {
    /// When, in ns; `u64::MAX`: never.
    pub at: u64,
    /// Its number within the client.
    pub n: u64,
    /// Decides the replica and the routing key.
    pub mark: u64,
    /// Decides the service time.
    pub demand: u64,
}

#[derive(Debug)]
enum Spacing {
    Poisson,
    /// Phases in units of one replica's spacing, in order, with the replica each belongs to.
    Constant {
        phases: Vec<(f64, u32)>,
        turn: usize,
        cycle: u64,
        last: f64,
    },
}

impl OpenLoad {
    /// The load of the client with key `owner` and this many `replicas`.
    #[must_use]
    pub(super) fn new(streams: &Streams, owner: u64, replicas: u32, arrivals: Arrivals, rate: &RateCurve) -> OpenLoad {
        let spacing = match arrivals {
            Arrivals::Poisson => Spacing::Poisson,
            Arrivals::Constant => {
                let phase = |r| unit(streams.draw(Purpose::Phase, mix(owner, u64::from(r)), 0));
                let mut phases: Vec<(f64, u32)> = (0..replicas).map(|r| (phase(r), r)).collect();
                phases.sort_unstable_by(|a, b| a.partial_cmp(b).expect("phases are numbers"));
                Spacing::Constant { phases, turn: 0, cycle: 0, last: 0.0 }
            }
        };
        let mut load = OpenLoad {
            stream: streams.stream(Purpose::Calls, owner),
            clock: Clock { rate: rate.clone(), segment: 0, at: 0.0, ns_per_call: 0.0 },
            spacing,
            drawn: Box::new([Draws::default(); BLOCK]),
            used: BLOCK,
            next: NextCall { at: 0, n: u64::MAX, mark: 0, demand: 0 },
        };
        load.advance();
        load
    }

    /// Goes on to the call after `next`. True if draws for more calls were made.
    #[inline]
    pub(super) fn advance(&mut self) -> bool {
        let draw = self.used == BLOCK;
        if draw {
            self.draw();
        }
        let Draws { gap, mark, demand } = self.drawn[self.used];
        self.used += 1;
        let area = match &mut self.spacing {
            Spacing::Poisson => gap,
            Spacing::Constant { phases, turn, cycle, last } => {
                // The first call is the first turn's. Turns go on whether somebody is there to make the call or not.
                if self.next.n != u64::MAX {
                    *turn += 1;
                    if *turn == phases.len() {
                        (*turn, *cycle) = (0, *cycle + 1);
                    }
                }
                let calls = (*cycle as f64 + phases[*turn].0) * phases.len() as f64;
                let area = calls - *last;
                *last = calls;
                area
            }
        };
        self.next = NextCall { at: self.clock.advance(area), n: self.next.n.wrapping_add(1), mark, demand };
        draw
    }

    /// The marks of the calls to come, as far as they are drawn.
    pub(super) fn marks(&self) -> impl Iterator<Item = u64> {
        self.drawn[self.used - 1..].iter().map(|draws| draws.mark)
    }

    /// Makes the next draws: three per call, in order, whatever the spacing.
    #[inline(never)]
    fn draw(&mut self) {
        self.used = 0;
        let mut gaps = [0.0; BLOCK];
        for (gap, draws) in gaps.iter_mut().zip(self.drawn.iter_mut()) {
            *gap = unit(self.stream.next_u64()) + f64::EPSILON / 2.0;
            draws.mark = self.stream.next_u64();
            draws.demand = self.stream.next_u64();
        }
        gaps.iter_mut().for_each(|gap| *gap = neg_ln(*gap));
        self.drawn.iter_mut().zip(gaps).for_each(|(draws, gap)| draws.gap = gap);
    }

    /// The index, among `active` replicas, of the replica that makes the next call; and the call's routing key.
    #[inline]
    pub(super) fn assign(&self, active: usize) -> (usize, u64) {
        let mark = self.next.mark;
        match &self.spacing {
            Spacing::Poisson => (below(mark, active), mark.wrapping_mul(active as u64)),
            Spacing::Constant { phases, turn, .. } => (phases[*turn].1 as usize % active, mark),
        }
    }
}

/// Turns expected calls into time: walks the integral of the rate.
#[derive(Debug)]
struct Clock {
    rate: RateCurve,
    segment: usize,
    /// In ns; exact up to 2^53 ns, 104 days.
    at: f64,
    /// After the last point, where the rate is constant; 0 before.
    ns_per_call: f64,
}

impl Clock {
    /// Goes on until the rate has integrated to `area` calls; the instant in ns, or `u64::MAX` if that never comes.
    #[inline]
    fn advance(&mut self, area: f64) -> u64 {
        if self.ns_per_call > 0.0 {
            self.at += area * self.ns_per_call;
            return whole(self.at);
        }
        self.advance_on_curve(area)
    }

    #[inline(never)]
    fn advance_on_curve(&mut self, mut area: f64) -> u64 {
        let points = &self.rate.points;
        while let Some(&(end, rate_at_end)) = points.get(self.segment + 1) {
            let (start, rate_at_start) = points[self.segment];
            let (end, start) = (end.0 as f64, start.0 as f64);
            let slope = if end > start { (rate_at_end - rate_at_start) / (end - start) } else { 0.0 };
            let from = self.at.max(start);
            let rate = rate_at_start + slope * (from - start);
            let left = (rate + rate_at_end) / 2.0 * (end - from).max(0.0) / NS_PER_S;
            if area < left {
                // Solves rate x + slope x^2 / 2 = area, in the form that is stable for small slopes.
                let a = area * NS_PER_S;
                self.at = from + 2.0 * a / (rate + libm::sqrt((rate * rate + 2.0 * slope * a).max(0.0)));
                return whole(self.at);
            }
            area -= left;
            self.at = end;
            self.segment += 1;
        }
        let rate = points[points.len() - 1].1;
        if rate == 0.0 {
            return u64::MAX;
        }
        self.ns_per_call = NS_PER_S / rate;
        self.at += area * self.ns_per_call;
        whole(self.at)
    }
}

/// A client Deployment.
pub(super) struct ClientState<'a> {
    pub settings: &'a Client,
    pub key: u64,
    /// The first of its queues of deadlines.
    pub first_queue: u32,
    pub open: Option<OpenLoad>,
    /// Who makes the calls: running replicas, and places for those of the start that have not started yet.
    pub active: Vec<Caller>,
    /// Replicas that are not stopped, in order of creation.
    pub members: Vec<ReplicaId>,
    /// Replicas created so far.
    pub numbered: u32,
    pub revision: u32,
    pub rolling: bool,
    pub reconciling: bool,
    /// By node: pushes of the EndpointSlices to those who watch them.
    pub pushes: Table<NodeId, Push>,
    /// What the first node knows of the Service that it connects to; the other nodes' follow.
    pub first_view: ViewId,
}

/// A worker of a closed load.
pub(super) struct Worker {
    pub replica: ReplicaId,
    pub owner: OwnerId,
    /// Its replica's.
    pub load: LoadId,
    /// When it made its last call.
    pub called: Time,
}

/// What a replica of a closed load still has to do.
#[derive(Debug)]
pub(super) struct ClosedLoad {
    /// Calls made so far.
    pub made: u64,
    /// Calls to make in all; `None`: without end.
    pub requests: Option<u64>,
    /// Its workers wait before they go on.
    pub paced: bool,
    /// Think times drawn so far.
    pub thought: u64,
    stream: Stream,
}

impl ClosedLoad {
    /// The load of the replica with key `owner`.
    #[must_use]
    pub(super) fn new(streams: &Streams, owner: u64, requests: Option<u64>, paced: bool) -> ClosedLoad {
        ClosedLoad { made: 0, requests, paced, thought: 0, stream: streams.stream(Purpose::Calls, owner) }
    }

    /// The next call's number, routing key and demand; `None` if all have been made.
    #[inline]
    pub(super) fn take(&mut self) -> Option<(u64, u64, u64)> {
        if self.requests.is_some_and(|r| self.made >= r) {
            return None;
        }
        let n = self.made;
        self.made += 1;
        let key = self.stream.next_u64();
        Some((n, key, self.stream.next_u64()))
    }
}

/// The part of `total` that falls to the `i`-th of `n`: an even split, the remainder to the lowest.
#[must_use]
pub(super) fn part(total: u64, n: u64, i: u64) -> u64 {
    total / n + u64::from(i < total % n)
}

/// When a replica starts; `owner` is its key.
#[must_use]
pub(super) fn start_of(streams: &Streams, owner: u64, Start { at, spread }: Start) -> Time {
    let offset = number_below(streams.draw(Purpose::ReplicaStart, owner, 0), spread.0 + 1);
    Time::ZERO + at + Span(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(points: &[(u64, f64)], arrivals: Arrivals, until_s: u64) -> Vec<u64> {
        let rate = RateCurve { points: points.iter().map(|&(s, r)| (Time(s * 1_000_000_000), r)).collect() };
        let mut load = OpenLoad::new(&Streams::new(1), 5, 3, arrivals, &rate);
        let mut times = Vec::new();
        while load.next.at < until_s * 1_000_000_000 {
            times.push(load.next.at);
            let (replica, _) = load.assign(3);
            assert!(replica < 3);
            load.advance();
        }
        times
    }

    #[test]
    fn constant_spacing_follows_the_integrated_rate() {
        assert_eq!(times(&[(0, 30.0)], Arrivals::Constant, 10).len(), 300);
        // 0 to 60 per second over 10 s is 300 calls; then 60/s for 5 s.
        assert_eq!(times(&[(0, 0.0), (10, 60.0)], Arrivals::Constant, 10).len(), 300);
        assert_eq!(times(&[(0, 0.0), (10, 60.0)], Arrivals::Constant, 15).len(), 600);
        // A step down to nothing ends the load.
        assert_eq!(times(&[(0, 30.0), (2, 30.0), (2, 0.0)], Arrivals::Constant, 1_000).len(), 60);
    }

    /// While all replicas of a client are stopped nobody asks who makes the call.
    #[test]
    fn time_goes_on_when_nobody_makes_the_calls() {
        let rate = RateCurve { points: [(Time::ZERO, 30.0)].into() };
        let mut load = OpenLoad::new(&Streams::new(1), 5, 3, Arrivals::Constant, &rate);
        for _ in 0..300 {
            load.advance();
        }
        assert!(load.next.at.abs_diff(10_000_000_000) < 1_000_000_000, "{}", load.next.at);
    }

    #[test]
    fn each_replica_keeps_its_phase() {
        let t = times(&[(0, 3.0)], Arrivals::Constant, 100);
        for w in t.windows(4) {
            assert!((w[3] - w[0]).abs_diff(1_000_000_000) <= 2, "{w:?}");
        }
    }

    /// The count of a Poisson process with mean 20,000 lies within 5 standard deviations (p < 1e-6), seed 1.
    #[test]
    fn poisson_counts_have_the_right_mean_on_a_ramp() {
        let n = times(&[(0, 0.0), (10, 2_000.0), (15, 2_000.0)], Arrivals::Poisson, 15).len() as f64;
        assert!((n - 20_000.0).abs() < 5.0 * 20_000f64.sqrt(), "{n}");
    }

    #[test]
    fn parts_add_up() {
        for (total, n) in [(10, 3), (2, 5), (0, 4), (7, 7)] {
            assert_eq!((0..n).map(|i| part(total, n, i)).sum::<u64>(), total);
        }
        assert_eq!((0..3).map(|i| part(10, 3, i)).collect::<Vec<_>>(), [4, 3, 3]);
    }
}
