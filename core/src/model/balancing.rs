//! What warms up and what ejects endpoints, and which key a call has.

use std::sync::Arc;

use super::client::MS;
use crate::settings;
use crate::settings::{ABOVE_ZERO, FLAG, Own, PERCENT, SHARE, at_least, count, group, number};
use crate::units::Span;

settings! {
    /// Envoy's slow start: the weight of a new host grows.
    pub struct SlowStart {
        /// How long.
        window: Span [ABOVE_ZERO.required()] = Span::ZERO;
        /// 1: the weight grows linearly; above, faster at first.
        aggression: f64 [number(0.01, 100.0)] = 1.0;
        /// The smallest weight, of a full one.
        min_weight: f64 [SHARE] = 0.1;
    }
}

/// Whose rules of outlier detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// gRPC: ejects while less than `max_ejection_percent` of the endpoints are ejected, so that one always may be; a failure
    /// percentage must exceed its threshold; ejects first and then takes back; what came back is forgiven one step each interval.
    Grpc,
    /// Envoy: one more must not make more than `max_ejection_percent`, unless `always_eject_one_host`; a failure percentage must
    /// reach its threshold; takes back first; forgives from one interval after the return on. Only Envoy counts failures in a row.
    Envoy,
}

/// Hosts, requests or thousandths of a setting.
const MOST: u64 = 1_000_000;

settings! {
    /// Endpoints that fail more than others are left out for a while (gRFC A50; Envoy's `outlier_detection.proto`, via envoy or istio).
    pub struct OutlierDetection {
        /// How often endpoints are judged.
        interval: Span [at_least(MS)] = Span::from_secs(10);
        /// An endpoint is out for this, times the number of its ejections.
        base_ejection_time: Span [ABOVE_ZERO] = Span::from_secs(30);
        /// But not longer than this.
        max_ejection_time: Span [ABOVE_ZERO] = Span::from_secs(300);
        /// Share of the endpoints that may be out.
        max_ejection_percent: u32 [PERCENT] = 10;
        /// Envoy: the first ejection is always allowed, however few hosts there are.
        always_eject_one_host: bool [FLAG] = false;
        /// Envoy: out at once after this many failures in a row.
        consecutive_5xx: u32 [count(1, MOST)] = 5;
        /// Out by the distance from the mean success rate.
        success_rate: Option<SuccessRate> [group::<SuccessRate>()] = None;
        /// Out by the share of failures.
        failure_percentage: Option<FailurePercentage> [group::<FailurePercentage>()] = None;
    } with {
        /// Whose rules.
        rules: Rules = Rules::Grpc;
    }
}

settings! {
    /// Linkerd's failure accrual, by failures in a row: an endpoint that fails gets no requests for a while, and then one, which decides.
    pub struct FailureAccrual {
        /// Failures in a row that shut an endpoint out.
        max_failures: u32 [count(1, MOST)] = 7;
        /// How long it is out at first; each failed probe doubles that.
        min_penalty: Span [at_least(MS)] = Span::from_secs(1);
        /// But it is not out longer than this.
        max_penalty: Span [at_least(MS)] = Span::from_secs(60);
        /// Each time is longer by a random part of itself, up to this.
        jitter: f64 [number(0.0, 100.0)] = 0.5;
    }
}

settings! {
    /// Ejects endpoints whose success rate is far below the mean.
    pub struct SuccessRate {
        /// Thousandths of a standard deviation below the mean.
        stdev_factor: u32 [count(0, MOST)] = 1_900;
        /// Share of the outliers that are ejected.
        enforcement: u32 [PERCENT] = 100;
        /// So many endpoints must have enough requests.
        minimum_hosts: u32 [count(1, MOST)] = 5;
        /// Requests in an interval that are enough.
        request_volume: u32 [count(1, MOST)] = 100;
    }
}

settings! {
    /// Ejects endpoints that fail too large a share of their requests.
    pub struct FailurePercentage {
        /// The share of failures.
        threshold: u32 [PERCENT] = 85;
        /// Share of the outliers that are ejected.
        enforcement: u32 [PERCENT] = 100;
        /// So many endpoints must have enough requests.
        minimum_hosts: u32 [count(1, MOST)] = 5;
        /// Requests in an interval that are enough.
        request_volume: u32 [count(1, MOST)] = 50;
    }
}

/// How often each of the keys occurs that calls are routed by (a header, a user).
#[derive(Clone, Debug, PartialEq)]
pub struct Keys {
    /// The share of calls that have one of the first this many keys; the last is 1. `None`: each call has a key of its own.
    pub cumulative: Option<Arc<[f64]>>,
}

impl Own for Keys {
    fn rows(&self) -> Vec<(String, String)> {
        let Some(shares) = &self.cumulative else { return vec![(String::new(), "one per call".to_owned())] };
        let most = 100.0 * shares.first().copied().unwrap_or(1.0);
        let rows =
            [("count", shares.len().to_string()), ("zipf", format!("the first key has {most:.1} % of the calls"))];
        rows.map(|(key, value)| (key.to_owned(), value)).to_vec()
    }
}
