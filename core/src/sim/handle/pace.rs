//! Pods whose service takes another time than the server's laws say: another machine, a cold process, trouble.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{Observation, Observer, PodPhase};
use super::super::schedule::Rank;
use crate::ids::PodId;
use crate::model::Server;
use crate::policy::warm_up;
use crate::units::{Span, Time};

/// No stay in a slot is longer: as long as the longest sample of a law.
const LONGEST: Span = Span::from_secs(365 * 86_400);

/// So many times as long, as far as that makes sense.
pub(crate) fn longer(work: Span, factor: f64) -> Span {
    Span::from_secs_f64(work.as_secs_f64() * factor).min(LONGEST)
}

/// How a pod's time in a slot differs from what the server's laws say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// It does not, as for most, and it does not depend on what else is in service.
    pub even: bool,
    /// It became Ready during the run, and warms up if its server says so.
    pub cold: bool,
    /// It takes this many times longer, until then; 1 if it is not slow.
    pub slow: f64,
    pub slow_until: Time,
    /// When its container was up: what warms up is its age.
    pub up_since: Time,
}

impl Pace {
    /// A new pod's, before its container starts.
    pub(crate) fn new(server: &Server) -> Pace {
        let mut pace = Pace { even: false, cold: false, slow: 1.0, slow_until: Time::ZERO, up_since: Time::NEVER };
        pace.settle(server);
        pace
    }

    /// Finds out whether there is anything to do per request.
    pub(crate) fn settle(&mut self, server: &Server) {
        self.even =
            server.cpu.is_none() && server.speed == 1.0 && self.slow == 1.0 && !(self.cold && server.warm_up.is_some());
    }

    /// How long something stays in a slot from `now` that would take `work` by the server's laws.
    #[inline(never)]
    pub(crate) fn of(&self, server: &Server, work: Span, now: Time) -> Span {
        let work = Span::from_secs_f64(work.as_secs_f64() * self.slow / server.speed).min(LONGEST);
        match &server.warm_up {
            Some(curve) if self.cold => warm_up::duration(curve, now.since(self.up_since), work),
            _ => work,
        }
    }
}

impl<O: Observer> Engine<'_, O> {
    /// What enters a slot of the pod from now on takes `factor` times as long; what is in one keeps its time.
    pub(crate) fn slow_pod(&mut self, pod: PodId, factor: f64, lasts: Option<Span>) {
        let until = lasts.map_or(Time::NEVER, |lasts| self.now + lasts);
        self.set_slow(pod, factor, until);
        self.observe(&Observation::Slowed { pod, factor, lasts });
        self.schedule.at(until, Rank::World, Event::SlowOver { pod });
    }

    pub(crate) fn on_slow_over(&mut self, pod: PodId) {
        let p = &self.pods[pod];
        if p.phase != PodPhase::Gone && p.pace.slow_until == self.now {
            self.set_slow(pod, 1.0, Time::NEVER);
            self.observe(&Observation::Slowed { pod, factor: 1.0, lasts: None });
        }
    }

    fn set_slow(&mut self, pod: PodId, factor: f64, until: Time) {
        let p = &mut self.pods[pod];
        (p.pace.slow, p.pace.slow_until) = (factor, until);
        p.pace.settle(p.settings);
    }
}
