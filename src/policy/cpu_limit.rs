//! A CPU limit as Linux enforces it (`kernel/sched/fair.c`, "CFS bandwidth control"; kubelet sets `cpu.max` from
//! `resources.limits.cpu`): the container may use `quota` of CPU time per `period` of 100 ms; when it is used up, all its threads
//! stop until the next period begins.
//!
//! Modelled: requests in service are threads that each use one core all the time, so `n` of them use up the quota in `quota / n`;
//! periods follow each other from the pod's start. Assumed: the node has a core for every thread. Not modelled: the 5 ms slices in which
//! CPUs fetch quota, `cpu.max.burst`, the runtime's own threads, and service time that is waiting and not CPU.
//!
//! All in integers: the `n`-th part of a quota is rounded down, less than `n` ns of each period are lost.

use crate::scenario::model::CpuLimit;
use crate::units::{Span, Time};

/// The CPU time of one pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    /// When the period that `at` is in began.
    period_began: Time,
    /// Up to when CPU time is accounted for.
    at: Time,
    /// Quota of this period that is not used.
    left: Span,
    /// CPU time used so far.
    used: Span,
    /// Threads that run, or would.
    running: u32,
}

impl Meter {
    /// A pod that starts at `now`, with nothing running.
    #[must_use]
    pub fn new(limit: &CpuLimit, now: Time) -> Meter {
        Meter { period_began: now, at: now, left: limit.quota, used: Span::ZERO, running: 0 }
    }

    /// A request begins service.
    pub fn begin(&mut self, limit: &CpuLimit, now: Time) {
        self.advance(limit, now);
        self.running += 1;
    }

    /// A request ends service.
    pub fn end(&mut self, limit: &CpuLimit, now: Time) {
        self.advance(limit, now);
        self.running = self.running.saturating_sub(1);
    }

    /// CPU time used up to `now`: what metrics-server reports the rate of.
    #[must_use]
    pub fn used(&mut self, limit: &CpuLimit, now: Time) -> Span {
        self.advance(limit, now);
        self.used
    }

    /// When one of the running threads has used `work` of CPU time, counted from the last [`Meter::begin`], if the number of
    /// threads stays what it is.
    #[must_use]
    pub fn finish(&self, limit: &CpuLimit, work: Span) -> Time {
        let threads = u64::from(self.running.max(1));
        let rest_of_period = (self.period_began + limit.period).since(self.at);
        let now = Span(self.left.0 / threads).min(rest_of_period);
        if work <= now {
            return self.at + work;
        }
        let per_period = (limit.quota.0 / threads).clamp(1, limit.period.0);
        let later = work - now;
        // The last period is used in part; it is full if `later` is a multiple.
        let periods = (later.0 - 1) / per_period;
        self.at + rest_of_period + limit.period * periods + Span(later.0 - periods * per_period)
    }

    fn advance(&mut self, limit: &CpuLimit, now: Time) {
        let end = self.period_began + limit.period;
        if now < end {
            self.run(now.since(self.at));
        } else {
            self.run(end.since(self.at));
            let periods = now.since(end).0 / limit.period.0;
            let per_period = (limit.quota.0 / u64::from(self.running.max(1))).min(limit.period.0);
            self.used = self.used + Span(per_period) * u64::from(self.running) * periods;
            self.period_began = end + limit.period * periods;
            self.left = limit.quota;
            self.run(now.since(self.period_began));
        }
        self.at = self.at.max(now);
    }

    /// All threads run for `wall`, or until the quota is used up.
    fn run(&mut self, wall: Span) {
        let threads = u64::from(self.running);
        let used = Span(self.left.0 / threads.max(1)).min(wall) * threads;
        self.left = self.left - used;
        self.used = self.used + used;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Span = Span::from_millis;
    /// `limits.cpu: 2`.
    const TWO_CORES: CpuLimit = CpuLimit { quota: Span::from_millis(200), period: Span::from_millis(100) };

    fn at(ms: u64) -> Time {
        Time::ZERO + MS(ms)
    }

    fn meter(threads: u32, at: Time) -> Meter {
        let mut m = Meter::new(&TWO_CORES, Time::ZERO);
        (0..threads).for_each(|_| m.begin(&TWO_CORES, at));
        m
    }

    #[test]
    fn threads_up_to_the_limit_are_not_slowed() {
        assert_eq!(meter(2, at(0)).finish(&TWO_CORES, MS(950)), at(950));
        assert_eq!(meter(1, at(30)).finish(&TWO_CORES, MS(950)), at(980));
    }

    /// Eight threads use 200 ms in 25 ms, then stand for 75: 30 ms of work take 25 + 75 + 5.
    #[test]
    fn a_burst_runs_in_the_first_part_of_each_period() {
        let eight = meter(8, at(0));
        for (work, done) in [(10, 10), (25, 25), (30, 105), (50, 125), (51, 201), (100, 325)] {
            assert_eq!(eight.finish(&TWO_CORES, MS(work)), at(done), "{work}");
        }
    }

    #[test]
    fn a_burst_late_in_a_period_has_two_quotas_nearly_at_once() {
        // 80 ms into the period: 20 ms until its end (160 ms of the quota), then 25 ms of the next.
        assert_eq!(meter(8, at(80)).finish(&TWO_CORES, MS(45)), at(125));
    }

    #[test]
    fn what_others_used_is_gone() {
        // Eight threads for 20 ms leave 40 ms of quota; one goes on alone and would have it for 40 ms of its own.
        let mut m = meter(8, at(0));
        (0..7).for_each(|_| m.end(&TWO_CORES, at(20)));
        assert_eq!(m.finish(&TWO_CORES, MS(40)), at(60));
        assert_eq!(m.finish(&TWO_CORES, MS(41)), at(101));
        assert_eq!(m.used(&TWO_CORES, at(1_000)), MS(160 + 40) + MS(900));
    }

    #[test]
    fn throttled_threads_use_the_limit_and_no_more() {
        let mut m = meter(8, at(0));
        assert_eq!(m.used(&TWO_CORES, at(1_000)), MS(2_000));
        assert_eq!(m.used(&TWO_CORES, at(1_010)), MS(2_080));
        assert_eq!(m.used(&TWO_CORES, at(1_090)), MS(2_200));
    }
}
