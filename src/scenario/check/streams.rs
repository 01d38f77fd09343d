//! Long-lived streams, and what does not go with them.

use super::{Check, law};
use crate::model::defaults;
use crate::model::{Policy, Protocol, Streams};
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::load::LoadFile;
use crate::scenario::file::streams::{StreamsFile, StreamsLawFile};
use crate::scenario::rules::Code;
use crate::units::Span;

pub(super) fn streams(cx: &mut Check<'_>, At { value: file, place }: At<StreamsFile>) -> Streams {
    let streams = cx.settings(&file, "streams", place, Streams::default());
    let StreamsLawFile { duration } = file.rest;
    let duration = cx.required(duration, "duration", place, "`streams`");
    Streams { duration: law::law_or(cx, duration, defaults::startup), ..streams }
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
    deadline: &Key<Span>,
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
