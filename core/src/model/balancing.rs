//! What warms up and what ejects endpoints, and which key a call has.

use std::sync::Arc;

use crate::units::Span;

/// How an endpoint warms up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlowStart {
    /// How long; zero turns it off.
    pub window: Span,
    /// Above zero. 1 (Envoy's default): weight grows linearly; above, faster at first.
    pub aggression: f64,
    /// The smallest factor, 0 to 1; 0.1 by default.
    pub min_weight: f64,
}

/// Whose rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// gRPC: ejects while less than `max_percent` of the endpoints are ejected, so that one always may be; a failure percentage
    /// must exceed its threshold; ejects first and then takes back; what came back is forgiven one step each interval.
    Grpc,
    /// Envoy: one more must not make more than `max_percent`, unless `always_one`; a failure percentage must reach its
    /// threshold; takes back first; forgives from one interval after the return on.
    Envoy {
        /// `always_eject_one_host`: the first ejection is always allowed.
        always_one: bool,
    },
}

/// A way to find outliers once per interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EjectionRule {
    /// Success rate: thousandths of a standard deviation below the mean (1900). Failure percentage: percent (85).
    pub threshold: u32,
    /// Percent of the outliers that are ejected.
    pub enforced: u32,
    /// So many endpoints must have `volume` requests in the interval (5).
    pub min_hosts: usize,
    /// Requests in the interval (100; gRPC's failure percentage: 50).
    pub volume: u32,
}

/// What is in force. Defaults differ by system: see the sources.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Whose rules.
    pub rules: Rules,
    /// How often to sweep (10 s).
    pub interval: Span,
    /// An endpoint is out for this (30 s), times its ejections.
    pub base: Span,
    /// But not longer than this (300 s) or `base`.
    pub max: Span,
    /// Percent of the endpoints that may be out (10).
    pub max_percent: u32,
    /// Out by the distance from the mean success rate.
    pub success_rate: Option<EjectionRule>,
    /// Out by the share of failures.
    pub failure_percentage: Option<EjectionRule>,
    /// Envoy: out at once after this many failures in a row (5).
    pub consecutive: Option<u32>,
}

/// How often each of the keys occurs that calls are routed by (a header, a user).
#[derive(Clone, Debug, PartialEq)]
pub struct Keys {
    /// The share of calls that have one of the first this many keys; the last is 1. `None`: each call has a key of its own.
    pub cumulative: Option<Arc<[f64]>>,
}
