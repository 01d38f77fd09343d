//! Outlier detection as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::Key;
use crate::scenario::quantity::{Count, Duration, Share};

/// Endpoints that fail more than others are left out for a while (gRFC A50; Envoy's `outlier_detection.proto`, via envoy or istio).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutlierFile {
    /// How often endpoints are judged, at least each 1ms. Default 10s.
    pub interval: Key<Duration>,
    /// An endpoint is out for this, times the number of its ejections. Default 30s.
    pub base_ejection_time: Key<Duration>,
    /// But not longer than this. Default 300s.
    pub max_ejection_time: Key<Duration>,
    /// Share of the endpoints that may be out. Default 10%.
    pub max_ejection_percent: Key<Share>,
    /// Envoy: the first ejection is always allowed, however few hosts there are. Default false.
    pub always_eject_one_host: Key<bool>,
    /// Envoy: out at once after this many failures in a row. Default 5.
    pub consecutive_5xx: Key<Count>,
    /// Out by the distance from the mean success rate.
    pub success_rate: Key<SuccessRateFile>,
    /// Out by the share of failures.
    pub failure_percentage: Key<FailurePercentageFile>,
}

/// Ejects endpoints whose success rate is far below the mean.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuccessRateFile {
    /// Thousandths of a standard deviation below the mean. Default 1900.
    pub stdev_factor: Key<Count>,
    /// Share of the outliers that are ejected. Default 100%.
    pub enforcement: Key<Share>,
    /// So many endpoints must have enough requests. Default 5.
    pub minimum_hosts: Key<Count>,
    /// Requests in an interval that are enough. Default 100.
    pub request_volume: Key<Count>,
}

/// Ejects endpoints that fail too large a share of their requests.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailurePercentageFile {
    /// The share of failures. Default 85%.
    pub threshold: Key<Share>,
    /// Share of the outliers that are ejected. Default 100%.
    pub enforcement: Key<Share>,
    /// So many endpoints must have enough requests. Default 5.
    pub minimum_hosts: Key<Count>,
    /// Requests in an interval that are enough. Default 50.
    pub request_volume: Key<Count>,
}
