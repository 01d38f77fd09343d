//! Long-lived streams, and what does not go with them.

use super::csv::MAX_RATE;
use super::{Check, law, least};
use crate::model::defaults;
use crate::model::{Policy, Protocol, RateCurve, Streams};
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::load::LoadFile;
use crate::scenario::file::streams::{MessagesFile, StreamsFile};
use crate::scenario::quantity::Duration;
use crate::scenario::rules::Code;
use crate::units::Time;

pub(super) fn streams(cx: &mut Check<'_>, At { value, place }: At<StreamsFile>) -> Streams {
    let StreamsFile { rate, duration, messages } = value;
    let rate = cx.required(rate, "rate", place, "`streams`");
    let rate = rate.map(|rate| (Time::ZERO, cx.number(&rate, "rate", 0.0, MAX_RATE)));
    let duration = cx.required(duration, "duration", place, "`streams`");
    let interval = messages.and_then(|At { value: MessagesFile { interval }, place }| {
        let interval = cx.required(interval, "interval", place, "`messages`");
        cx.repeating(interval, least::MESSAGES)
    });
    Streams {
        rate: RateCurve { points: rate.into_iter().collect() },
        duration: law::law_or(cx, duration, defaults::startup),
        interval,
    }
}

/// Where a load asks for streams.
pub(super) fn place(load: &Key<LoadFile>) -> Option<Place> {
    load.as_ref()?.value.streams.as_ref().map(|s| s.place)
}

/// Refuses what streams cannot have, where there are some.
pub(super) fn alone(
    cx: &mut Check<'_>,
    streams: Option<Place>,
    protocol: &Protocol,
    via: Option<Place>,
    deadline: &Key<Duration>,
) {
    let Some(place) = streams else { return };
    cx.no_effect(deadline, "deadline", "on streams, which end when their `duration` is over");
    match (protocol, via) {
        (Protocol::Http1(_), _) => {
            cx.problem(Code::Contradiction, place, "`streams` are gRPC's, and `protocol: http1` has none");
        }
        (Protocol::Grpc(_), Some(via)) => {
            cx.problem(Code::Contradiction, via, "what proxies do with `streams` is not modelled");
        }
        (Protocol::Grpc(grpc), None) if matches!(grpc.policy, Policy::PeakEwma(_)) => {
            let message = "`peak_ewma` does not go with `streams`: it would treat the life of a stream as a latency";
            cx.problem(Code::Contradiction, place, message);
        }
        (Protocol::Grpc(_), None) => {}
    }
}
