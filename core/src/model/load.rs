//! What clients ask for.

use std::sync::Arc;

use crate::distribution::{Distribution, unit};
use crate::narrow::whole;
use crate::settings::{OWN, at_least, count, group, number};
use crate::units::{Span, Time};
use crate::{settings, word_enum};

/// A method: calls that are alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// Its name, unique within its client.
    pub name: String,
    /// Upper end of its share of the unit interval; the last one's is 1.
    pub until: f64,
    /// A call's time in a slot is multiplied by this; above zero.
    pub cost: f64,
    /// From the emission of a call to DEADLINE_EXCEEDED. `None`: none.
    pub deadline: Option<Span>,
}

impl Method {
    /// The method of a call, by the uniform draw that decides what it asks for, and the uniform draw that is left of that for its
    /// service time. There must be a method.
    #[must_use]
    pub fn choose(methods: &[Method], draw: u64) -> (usize, u64) {
        let u = unit(draw);
        let i = methods.partition_point(|m| m.until <= u).min(methods.len() - 1);
        let from = if i == 0 { 0.0 } else { methods[i - 1].until };
        // The bits below a double's precision do not matter to any law; all ones is the largest draw.
        let rest = ((u - from) / (methods[i].until - from)).clamp(0.0, 1.0);
        (i, whole(rest * 2f64.powi(64)))
    }
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    /// Workers that each wait for the response before the next call (ghz).
    Closed(Closed),
    /// Calls that come whatever the responses do.
    Open {
        /// How they are spaced.
        arrivals: Arrivals,
        /// Calls per second over all replicas, as a function of time.
        rate: RateCurve,
    },
    /// Streams that stay open.
    Streams(Streams),
    /// What others ask of it: it is a gateway.
    Forwarded,
}

impl Load {
    /// Workers that each make the next call when the last one has ended. `requests`: calls over all replicas; `None`: until the run's end.
    #[must_use]
    pub fn closed(concurrency: u32, requests: Option<u64>) -> Load {
        Load::Closed(Closed { concurrency, requests, ..Closed::default() })
    }

    /// Calls, or streams, per second over all replicas. `None`: it is what the servers make it.
    #[must_use]
    pub fn rate(&self) -> Option<&RateCurve> {
        match self {
            Load::Closed(_) | Load::Forwarded => None,
            Load::Open { rate, .. } | Load::Streams(Streams { rate, .. }) => Some(rate),
        }
    }

    /// The same, to be changed.
    pub fn rate_mut(&mut self) -> Option<&mut RateCurve> {
        match self {
            Load::Closed(_) | Load::Forwarded => None,
            Load::Open { rate, .. } | Load::Streams(Streams { rate, .. }) => Some(rate),
        }
    }

    /// The calls that a closed load makes in all over its replicas, if it ends.
    #[must_use]
    pub fn requests(&self) -> Option<u64> {
        match self {
            Load::Closed(closed) => closed.requests,
            Load::Open { .. } | Load::Streams(_) | Load::Forwarded => None,
        }
    }
}

/// Calls or streams per second that a load may have.
pub const MAX_RATE: f64 = 1e9;
/// Calls per second that a closed load may be kept to: one in 1,000 s.
const LEAST_RATE: f64 = 0.001;
/// Workers of a closed load.
const MAX_WORKERS: u64 = 10_000_000;
/// Calls of a closed load.
const MAX_REQUESTS: u64 = 1_000_000_000_000;

settings! {
    /// A closed load.
    #[derive(Clone)]
    pub struct Closed {
        /// Workers over all replicas, at least 1 per replica.
        concurrency: u32 [count(1, MAX_WORKERS).required()] = 1;
        /// Calls over all replicas. Without it the load goes on until the run's duration.
        requests: Option<u64> [count(1, MAX_REQUESTS).or("until the end")] = None;
        /// From a response to the worker's next call, drawn each time (siege's -d, a user who reads).
        think_time: Distribution [OWN] = Distribution::Constant(0.0);
        /// Calls per second over all workers at most: none begins a call sooner than workers / max_rate after its last (fortio's -qps with
        /// -nocatchup).
        max_rate: Option<f64> [number(LEAST_RATE, MAX_RATE).or("no limit")] = None;
    }
}

impl Closed {
    /// True if a worker pauses before its next call, and does not go on at once as ghz's do.
    #[must_use]
    pub fn is_paced(&self) -> bool {
        self.thinks() || self.max_rate.is_some()
    }

    /// True if a worker thinks before its next call.
    #[must_use]
    pub fn thinks(&self) -> bool {
        self.think_time != Distribution::Constant(0.0)
    }

    /// From one call of a worker to its next, at least.
    #[must_use]
    pub fn interval(&self) -> Option<Span> {
        self.max_rate.map(|rate| Span::from_secs_f64(f64::from(self.concurrency) / rate))
    }
}

settings! {
    /// Streams that stay open for long. One that is cut is opened again at once.
    #[derive(Clone)]
    pub struct Streams {
        /// Streams that begin per second over all replicas, as a Poisson process.
        rate: RateCurve [number(0.0, MAX_RATE).required()] = RateCurve::constant(1.0);
        /// From the application's opening of a stream to its end; a cut in between does not prolong it.
        duration: Distribution [OWN.required()] = Distribution::Constant(0.0);
        /// What clients send on their streams.
        messages: Option<Messages> [group::<Messages>()] = None;
    }
}

settings! {
    /// Messages from the client to the pod.
    pub struct Messages {
        /// From one message of a stream to the next. Each costs the pod one service time. 10,000 per second are the most.
        interval: Span [at_least(Span::from_micros(100)).required()] = Span::from_micros(100);
    }
}

word_enum! {
    /// How the calls of an open load are spaced.
    pub enum Arrivals {
        /// A Poisson process.
        Poisson = "poisson",
        /// Constant spacing per replica, each replica with its own random phase.
        Constant = "constant",
    }
}

/// A rate as a function of time: linear between its points, constant after the last. The first point is at time zero; two
/// points at one instant are a step.
#[derive(Clone, Debug, PartialEq)]
pub struct RateCurve {
    /// `(time, calls per second)`, in order of time; never empty; every rate finite and at least 0.
    pub points: Arc<[(Time, f64)]>,
}

impl RateCurve {
    /// Always the same.
    #[must_use]
    pub fn constant(rate: f64) -> RateCurve {
        RateCurve { points: [(Time::ZERO, rate)].into() }
    }
}
