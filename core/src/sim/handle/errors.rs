//! Pods that answer errors in place of serving.

use super::super::engine::Engine;
use super::super::event::Event;
use super::super::observation::{Handled, Observation, Observer, PodPhase};
use super::super::schedule::Rank;
use crate::distribution::unit;
use crate::ids::{CallIx, PodId};
use crate::model::Errors;
use crate::random::mix;
use crate::units::{Span, Time};

/// Sets the draw of whether a call is answered with an error apart from other uses of the call's own.
const ERROR: u64 = 0x4552_524f;

/// What a pod answers, and until when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answering {
    errors: Errors,
    until: Time,
}

impl<O: Observer> Engine<'_, O> {
    /// Of the calls that enter a slot of the pod from now on, a part is answered with an error.
    pub(crate) fn answer_errors(&mut self, pod: PodId, errors: Errors) {
        let until = errors.lasts.map_or(Time::NEVER, |lasts| self.now + lasts);
        self.pods[pod].errors = Some(Box::new(Answering { errors, until }));
        self.observe(&Observation::Errors { pod, errors: Some(errors) });
        self.schedule.at(until, Rank::World, Event::ErrorsOver { pod });
    }

    pub(crate) fn on_errors_over(&mut self, pod: PodId) {
        let p = &mut self.pods[pod];
        if p.phase != PodPhase::Gone && p.errors.as_ref().is_some_and(|errors| errors.until == self.now) {
            p.errors = None;
            self.observe(&Observation::Errors { pod, errors: None });
        }
    }

    /// A call enters a slot of a pod that answers errors: how long it takes, where serving it takes `work`. Each attempt has a draw of its own.
    #[inline(never)]
    pub(crate) fn served_or_not(&mut self, pod: PodId, index: CallIx, work: Span) -> Span {
        let call = &mut self.calls[index];
        let draw = unit(mix(call.draws(), ERROR));
        let errors = self.pods[pod].errors.as_ref().map(|answering| answering.errors);
        let answered = errors.filter(|errors| draw < errors.share);
        call.failure = answered.map(|errors| errors.status.into());
        answered.and_then(|errors| errors.takes).unwrap_or(work)
    }

    /// What came of a call that leaves its slot.
    #[inline]
    pub(crate) fn how_handled(&self, index: CallIx) -> Handled {
        self.calls[index].failure.map_or(Handled::Served, Handled::Answered)
    }
}
