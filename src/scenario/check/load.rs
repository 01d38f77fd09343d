//! Loads and rate curves.

use super::csv;
use super::{Check, Names, instant, law, methods, streams};
use crate::model::{Arrivals, Client, Closed, Load, Method, RateCurve};
use crate::scenario::diagnostic::{Place, Problem, quoted};
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::load::{ClosedFile, LoadFile, OpenFile, PointFile, ThinkTimeFile};
use crate::scenario::file::settings::WrittenKeys;
use crate::scenario::rules::Code;
use crate::units::{Span, Time};

/// Who has to share a load, with the places of the figures (`None`: not given).
pub(super) struct Workers {
    pub replicas: u32,
    pub replicas_place: Place,
    pub channels: u32,
    pub channels_place: Option<Place>,
}

impl Workers {
    /// Of a client whose replicas have this many channels of their own. Its keys stand in `own`.
    pub(super) fn of(client: &Client, channels: u32, own: &WrittenKeys, place: Place) -> Workers {
        Workers {
            replicas: client.replicas,
            replicas_place: own.place("replicas").unwrap_or(place),
            channels,
            channels_place: own.place("channels"),
        }
    }
}

pub(super) fn load(
    cx: &mut Check<'_>,
    file: Key<LoadFile>,
    owner: Place,
    workers: Workers,
    deadline: &Key<Span>,
    duration: Option<Span>,
) -> (Load, Vec<Method>) {
    let nothing = Load::closed(workers.replicas, Some(0));
    let Some(At { value: LoadFile { closed, open, streams, methods }, place }) =
        cx.required(file, "load", owner, "a client")
    else {
        return (nothing, Vec::new());
    };
    if streams.is_some() {
        cx.no_effect(&methods, "methods", "on streams, which are all alike");
    }
    let given = [
        closed.as_ref().map(|c| ("closed", c.place)),
        open.as_ref().map(|o| ("open", o.place)),
        streams.as_ref().map(|s| ("streams", s.place)),
    ];
    let mut given = given.into_iter().flatten();
    if let (Some((first, _)), Some((second, at))) = (given.next(), given.next()) {
        let message = format!("`load` takes one of `closed`, `open` and `streams`, and has `{first}` and `{second}`");
        cx.problem(Code::NotOne, at, message);
        return (nothing, Vec::new());
    }
    let load = match (closed, open, streams) {
        (Some(file), ..) => self::closed(cx, file, &workers),
        (_, Some(file), _) => self::open(cx, file, duration),
        (.., Some(file)) => Load::Streams(streams::streams(cx, file)),
        (None, None, None) => {
            let problem = Problem::new(Code::NotOne, place, "`load` needs one of `closed`, `open` and `streams`");
            cx.report(problem.help("for example `{ open: { rate: 5000 } }`: 5000 calls per second over all replicas"));
            nothing
        }
    };
    (load, methods::methods(cx, methods, deadline))
}

fn closed(cx: &mut Check<'_>, At { value: file, place }: At<ClosedFile>, workers: &Workers) -> Load {
    let replicas = workers.replicas;
    let closed = cx.settings(&file, "closed", place, Closed { concurrency: replicas, ..Closed::default() });
    let per_replica = closed.concurrency / replicas.max(1);
    if let Some(place) = file.place("concurrency") {
        if per_replica == 0 {
            let message =
                format!("{} workers cannot be split over {replicas} replicas: each needs one", closed.concurrency);
            cx.problem(Code::TooFewWorkers, place, message);
        } else if workers.channels > per_replica {
            let message = format!(
                "{} channels per replica need as many workers, and a replica has {per_replica} (ghz refuses it too)",
                workers.channels
            );
            cx.problem(Code::TooFewWorkers, workers.channels_place.unwrap_or(workers.replicas_place), message);
        }
    }
    if let (Some(requests), Some(place)) = (closed.requests, file.place("requests"))
        && requests < u64::from(replicas)
    {
        let message = format!("{requests} calls cannot be split over {replicas} replicas: each needs one");
        cx.problem(Code::TooFewWorkers, place, message);
    }
    let ThinkTimeFile { think_time } = file.rest;
    let think_time = law::law_or(cx, think_time, || closed.think_time.clone());
    Load::Closed(Closed { think_time, ..closed })
}

fn open(cx: &mut Check<'_>, file: At<OpenFile>, duration: Option<Span>) -> Load {
    let At { value: OpenFile { rate, curve, trace, arrivals }, place } = file;
    let given: Vec<_> = [
        rate.as_ref().map(|r| ("rate", r.place)),
        curve.as_ref().map(|c| ("curve", c.place)),
        trace.as_ref().map(|t| ("trace", t.place)),
    ]
    .into_iter()
    .flatten()
    .collect();
    match given.as_slice() {
        [_] => {}
        [] => {
            let problem = Problem::new(Code::NotOne, place, "`open` needs one of `rate`, `curve` and `trace`");
            cx.report(problem.help("for example `{ open: { rate: 5000 } }`: 5000 calls per second over all replicas"));
        }
        [(first, _), (second, at), ..] => {
            let message = format!("`open` takes one of `rate`, `curve` and `trace`, and has `{first}` and `{second}`");
            cx.problem(Code::NotOne, *at, message);
        }
    }
    let points = if let Some(rate) = rate {
        vec![(Time::ZERO, cx.number(&rate, "rate", 0.0, crate::model::MAX_RATE))]
    } else if let Some(list) = curve {
        curve_points(cx, list, duration)
    } else if let Some(path) = trace {
        csv::trace(cx, &path)
    } else {
        Vec::new()
    };
    let arrivals = arrivals.map_or(Arrivals::Poisson, |arrivals| arrivals.value.0);
    Load::Open { arrivals, rate: RateCurve { points: points.into() } }
}

fn curve_points(cx: &mut Check<'_>, list: At<Vec<At<PointFile>>>, duration: Option<Span>) -> Vec<(Time, f64)> {
    let At { value, place } = list;
    if value.is_empty() {
        cx.problem(Code::EmptyList, place, "`curve` is empty, and must have at least one point");
    }
    let mut points: Vec<(Time, f64)> = Vec::with_capacity(value.len());
    for At { value: PointFile { at, rate }, place } in value {
        let at = cx.required(at, "at", place, "a point of a curve");
        let rate = cx.required(rate, "rate", place, "a point of a curve");
        let (Some(at), Some(rate)) = (at, rate) else { continue };
        let rate = cx.number(&rate, "rate", 0.0, crate::model::MAX_RATE);
        let time = instant(at.value.0);
        match points.as_slice() {
            [] if time > Time::ZERO => {
                cx.problem(Code::Contradiction, at.place, "the first point of a curve must be at 0s");
            }
            [.., (last, _)] if time < *last => {
                cx.problem(Code::Contradiction, at.place, "the points of a curve must be in order of time");
            }
            [.., (before, _), (last, _)] if time == *last && time == *before => {
                cx.problem(Code::NoEffect, at.place, "a third point at one instant has no effect: two make a step");
            }
            [.., (last, _)] if duration.is_some_and(|end| *last >= instant(end)) => {
                cx.problem(
                    Code::OutsideRun,
                    at.place,
                    "this point has no effect: the run ends before the one before it",
                );
            }
            _ => {}
        }
        points.push((time, rate));
    }
    points
}

/// The rate at an instant (after a step at it).
pub(super) fn rate_at(points: &[(Time, f64)], at: Time) -> f64 {
    let after = points.partition_point(|(t, _)| *t <= at);
    match (after.checked_sub(1).and_then(|i| points.get(i)), points.get(after)) {
        (Some((t0, r0)), Some((t1, r1))) => {
            r0 + (r1 - r0) * (at.since(*t0).as_secs_f64() / t1.since(*t0).as_secs_f64())
        }
        (Some((_, rate)), None) | (None, Some((_, rate))) => *rate,
        (None, None) => 0.0,
    }
}

/// Refuses open loads that never send anything.
pub(super) fn silent(cx: &mut Check<'_>, clients: &[Client], names: &Names) {
    for client in clients {
        let Some(rate) = client.load.rate() else { continue };
        let silent = !rate.points.is_empty() && rate.points.iter().all(|(_, r)| *r == 0.0);
        if let (true, Some(place)) = (silent, names.place(&client.name)) {
            let message = format!("the rate of {} is 0 for the whole run: it asks for nothing", quoted(&client.name));
            cx.problem(Code::OutOfRange, place, message);
        }
    }
}
