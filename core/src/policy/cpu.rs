//! How the requests in service share a pod's processor.
//!
//! **Sharing**: `n` of them on `c` cores each progress at `min(1, c / n)`: processor sharing, what the Linux scheduler comes to for
//! threads of one weight over some milliseconds.
//!
//! **A limit**, as Linux enforces it (`kernel/sched/fair.c`, "CFS bandwidth control"; kubelet sets `cpu.max` from
//! `resources.limits.cpu`): the container may use `quota` of CPU time per `period` of 100 ms; when it is used up, all its threads
//! stop until the next period begins.
//!
//! Since all of them progress alike, one number says how far they are: the CPU time that each has had, `attained`. A request that
//! begins at `a` and needs `w` is done when that reaches `a + w`, whatever came and went meanwhile.
//!
//! Modelled: requests in service are threads that want a core all the time. Assumed: the node has the cores. Not modelled: the 5 ms slices
//! in which CPUs fetch quota, `cpu.max.burst`, the runtime's own threads. Waiting that follows the CPU time (`share`) is no matter of
//! the processor; that it comes last and not in between does not change how long requests take on average (processor sharing with a
//! delay is insensitive to the order: Baskett, Chandy, Muntz and Palacios 1975).
//!
//! All in integers: what a request attains is rounded down to whole ns whenever their number changes.

use crate::model::Cpu;
use crate::narrow::saturating_u64;
use crate::units::{Span, Time};

/// Periods of a limit, as `cpu.stat` counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Periods {
    /// In which something was in service (`nr_periods`).
    pub used: u64,
    /// In which the limit stopped it (`nr_throttled`).
    pub throttled: u64,
}

/// The CPU time of one pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    /// When the period that `at` is in ends; never, without a limit.
    period_ends: Time,
    /// Up to when CPU time is accounted for.
    at: Time,
    /// Quota of this period that is not used.
    left: Span,
    /// CPU time used so far.
    used: Span,
    /// CPU time that each request has had that was in service all the time.
    attained: Span,
    /// Requests in service.
    running: u32,
    /// Periods so far, the one that `at` is in among them once it counts.
    periods: Periods,
    /// What of this period is counted.
    counted: Periods,
}

impl Meter {
    /// A pod that starts at `now`, with nothing in service, `phase` before the end of a period: at most a period.
    #[must_use]
    pub fn new(cpu: &Cpu, now: Time, phase: Span) -> Meter {
        let (period_ends, left) = cpu.bandwidth().map_or((Time::NEVER, Span::ZERO), |limit| (now + phase, limit.quota));
        let (periods, counted) = (Periods::default(), Periods::default());
        Meter { period_ends, at: now, left, used: Span::ZERO, attained: Span::ZERO, running: 0, periods, counted }
    }

    /// A request begins service. Returns what has been attained: it is done when this and what it needs has been.
    pub fn begin(&mut self, cpu: &Cpu, now: Time) -> Span {
        self.advance(cpu, now);
        self.running += 1;
        self.attained
    }

    /// A request ends service.
    pub fn end(&mut self, cpu: &Cpu, now: Time) {
        self.advance(cpu, now);
        self.running = self.running.saturating_sub(1);
    }

    /// All requests are lost.
    pub fn clear(&mut self, cpu: &Cpu, now: Time) {
        self.advance(cpu, now);
        self.running = 0;
    }

    /// CPU time used up to `now`, which is not before the last change.
    #[must_use]
    pub fn used(mut self, cpu: &Cpu, now: Time) -> Span {
        self.advance(cpu, now);
        self.used
    }

    /// Periods of the limit up to `now`, which is not before the last change.
    #[must_use]
    pub fn periods(mut self, cpu: &Cpu, now: Time) -> Periods {
        self.advance(cpu, now);
        self.periods
    }

    /// When `goal` will have been attained, if the number in service stays what it is; counted from the last change.
    #[must_use]
    pub fn reaches(&self, cpu: &Cpu, goal: Span) -> Time {
        let work = goal.0.saturating_sub(self.attained.0);
        let Some(limit) = cpu.bandwidth() else { return self.at + self.time_for(cpu, work) };
        let threads = u64::from(self.running.max(1));
        let rest = self.period_ends.since(self.at);
        let now = self.progress(cpu, rest).min(self.left.0 / threads);
        if work <= now {
            return self.at + self.time_for(cpu, work);
        }
        let per_period = self.progress(cpu, limit.period).min(limit.quota.0 / threads).max(1);
        let later = work - now;
        // The last period is used in part; it is full if `later` is a multiple.
        let periods = (later - 1) / per_period;
        self.period_ends + limit.period * periods + self.time_for(cpu, later - periods * per_period)
    }

    /// What each request attains in `wall` while nothing stops it.
    fn progress(&self, cpu: &Cpu, wall: Span) -> u64 {
        match self.slowdown(cpu) {
            None => wall.0,
            Some((cores, threads)) => saturating_u64(u128::from(wall.0) * cores / threads),
        }
    }

    /// How long each request takes to attain `work` while nothing stops it.
    fn time_for(&self, cpu: &Cpu, work: u64) -> Span {
        match self.slowdown(cpu) {
            None => Span(work),
            Some((cores, threads)) => Span(saturating_u64((u128::from(work) * threads).div_ceil(cores))),
        }
    }

    /// Cores and requests, both in thousandths, if there are more requests than cores.
    fn slowdown(&self, cpu: &Cpu) -> Option<(u128, u128)> {
        let (cores, threads) = (u128::from(cpu.cores.0), u128::from(self.running) * 1_000);
        (threads > cores).then_some((cores, threads))
    }

    fn advance(&mut self, cpu: &Cpu, now: Time) {
        if let Some(limit) = cpu.bandwidth()
            && now >= self.period_ends
        {
            self.run(cpu, self.period_ends.since(self.at));
            let periods = now.since(self.period_ends).0 / limit.period.0;
            let threads = u64::from(self.running);
            let per_period = self.progress(cpu, limit.period).min(limit.quota.0 / threads.max(1));
            if threads > 0 {
                self.attained = self.attained + Span(per_period * periods);
                self.used = self.used + Span(per_period * periods * threads);
                self.periods.used += periods;
                if self.progress(cpu, limit.period) > limit.quota.0 / threads {
                    self.periods.throttled += periods;
                }
            }
            self.at = self.period_ends + limit.period * periods;
            self.period_ends = self.at + limit.period;
            self.left = limit.quota;
            self.counted = Periods::default();
        }
        self.run(cpu, now.since(self.at));
        self.at = self.at.max(now);
    }

    /// Those in service go on for `wall`, or until the quota is used up.
    fn run(&mut self, cpu: &Cpu, wall: Span) {
        let threads = u64::from(self.running);
        if threads == 0 {
            return;
        }
        let quota = cpu.bandwidth().map_or(u64::MAX, |_| self.left.0 / threads);
        let wanted = self.progress(cpu, wall);
        let each = Span(wanted.min(quota));
        self.attained = self.attained + each;
        self.used = self.used + each * threads;
        if cpu.limit.is_some() {
            self.left = self.left - each * threads;
            self.count(Periods { used: u64::from(wall > Span::ZERO), throttled: u64::from(wanted > quota) });
        }
    }

    /// Each period counts once.
    fn count(&mut self, seen: Periods) {
        self.periods.used += seen.used.saturating_sub(self.counted.used);
        self.periods.throttled += seen.throttled.saturating_sub(self.counted.throttled);
        self.counted.used |= seen.used;
        self.counted.throttled |= seen.throttled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Cores;

    const MS: fn(u64) -> Span = Span::from_millis;
    /// `limits.cpu: 2`, on a node with cores for all.
    const TWO_CORES: Cpu = Cpu { cores: Cores(64_000), limit: Some(Cores(2_000)), share: 1.0, request: None };

    fn at(ms: u64) -> Time {
        Time::ZERO + MS(ms)
    }

    fn meter(cpu: &Cpu, threads: u32, at: Time) -> Meter {
        let mut m = Meter::new(cpu, Time::ZERO, MS(100));
        (0..threads).for_each(|_| assert_eq!(m.begin(cpu, at), Span::ZERO));
        m
    }

    #[test]
    fn threads_up_to_the_limit_are_not_slowed() {
        assert_eq!(meter(&TWO_CORES, 2, at(0)).reaches(&TWO_CORES, MS(950)), at(950));
        assert_eq!(meter(&TWO_CORES, 1, at(30)).reaches(&TWO_CORES, MS(950)), at(980));
    }

    /// Eight threads use 200 ms in 25 ms, then stand for 75: 30 ms of work take 25 + 75 + 5.
    #[test]
    fn a_burst_runs_in_the_first_part_of_each_period() {
        let eight = meter(&TWO_CORES, 8, at(0));
        for (work, done) in [(10, 10), (25, 25), (30, 105), (50, 125), (51, 201), (100, 325)] {
            assert_eq!(eight.reaches(&TWO_CORES, MS(work)), at(done), "{work}");
        }
    }

    #[test]
    fn a_burst_late_in_a_period_has_two_quotas_nearly_at_once() {
        // 80 ms into the period: 20 ms until its end (160 ms of the quota), then 25 ms of the next.
        assert_eq!(meter(&TWO_CORES, 8, at(80)).reaches(&TWO_CORES, MS(45)), at(125));
    }

    #[test]
    fn what_others_used_is_gone() {
        // Eight threads for 20 ms leave 40 ms of quota; one goes on alone and would have it for 40 ms of its own.
        let mut m = meter(&TWO_CORES, 8, at(0));
        (0..7).for_each(|_| m.end(&TWO_CORES, at(20)));
        assert_eq!(m.reaches(&TWO_CORES, MS(20 + 40)), at(60));
        assert_eq!(m.reaches(&TWO_CORES, MS(20 + 41)), at(101));
        assert_eq!(m.used(&TWO_CORES, at(1_000)), MS(160 + 40) + MS(900));
    }

    #[test]
    fn throttled_threads_use_the_limit_and_no_more() {
        let m = meter(&TWO_CORES, 8, at(0));
        assert_eq!(m.used(&TWO_CORES, at(1_000)), MS(2_000));
        assert_eq!(m.used(&TWO_CORES, at(1_010)), MS(2_080));
        assert_eq!(m.used(&TWO_CORES, at(1_090)), MS(2_200));
    }

    /// Eight threads from 30 ms on use up the first period's quota at 55 ms; two never do.
    #[test]
    fn periods_are_throttled_once_each() {
        let mut m = meter(&TWO_CORES, 8, at(30));
        let periods = |m: &Meter, ms| {
            let Periods { used, throttled } = m.periods(&TWO_CORES, at(ms));
            (used, throttled)
        };
        let seen: Vec<_> = [30, 31, 55, 56, 99, 100, 110, 130, 1_000, 1_099].map(|ms| periods(&m, ms)).into();
        assert_eq!(seen, [(0, 0), (1, 0), (1, 0), (1, 1), (1, 1), (1, 1), (2, 1), (2, 2), (10, 10), (11, 11)]);
        (0..6).for_each(|_| m.end(&TWO_CORES, at(1_010)));
        assert_eq!(
            periods(&m, 1_990),
            (20, 11),
            "of 1000 to 1100 ms, 120 ms of quota were left for two that want 180; then they have all they want"
        );
        (0..2).for_each(|_| m.end(&TWO_CORES, at(2_000)));
        assert_eq!(periods(&m, 9_000), (20, 11), "a period in which nothing is in service does not count");
    }

    /// Two cores for two, three and four; who comes later needs what it needs from then on.
    #[test]
    fn requests_share_the_cores() {
        let cpu = Cpu { cores: Cores(2_000), ..Cpu::default() };
        let mut m = meter(&cpu, 2, at(0));
        assert_eq!(m.reaches(&cpu, MS(10)), at(10));
        assert_eq!(m.begin(&cpu, at(4)), MS(4));
        assert_eq!(m.reaches(&cpu, MS(10)), at(4 + 9));
        assert_eq!(m.begin(&cpu, at(7)), MS(6));
        assert_eq!(m.reaches(&cpu, MS(10)), at(7 + 8));
        (0..3).for_each(|_| m.end(&cpu, at(15)));
        assert_eq!(m.reaches(&cpu, MS(16)), at(21));
        assert_eq!(m.used(&cpu, at(21)), MS(30 + 6));
    }

    /// Three on a hundredth of a core take 300 times as long: what is more than 64 bits hold is never done, and not soon.
    #[test]
    fn what_takes_too_long_is_never_done() {
        let cpu = Cpu { cores: Cores(10), ..Cpu::default() };
        assert_eq!(meter(&cpu, 3, at(0)).reaches(&cpu, Span(u64::MAX / 100)), Time::NEVER);
    }

    /// A limit of half a core on one core: 50 ms on, 50 off.
    #[test]
    fn cores_and_limit_together() {
        let cpu = Cpu { cores: Cores(1_000), limit: Some(Cores(500)), ..Cpu::default() };
        let two = meter(&cpu, 2, at(0));
        for (work, done) in [(10, 20), (25, 50), (26, 102), (50, 150), (60, 220)] {
            assert_eq!(two.reaches(&cpu, MS(work)), at(done), "{work}");
        }
    }

    /// Four threads use the quota up at 50 ms; whoever begins later in that period finds it used up, and does not make it two.
    #[test]
    fn a_period_that_stops_several_requests_is_one() {
        let mut m = meter(&TWO_CORES, 4, Time::ZERO);
        (6..9).for_each(|tens| {
            m.begin(&TWO_CORES, at(10 * tens));
        });
        let Periods { used, throttled } = m.periods(&TWO_CORES, at(90));
        assert_eq!((used, throttled), (1, 1));
    }
}
