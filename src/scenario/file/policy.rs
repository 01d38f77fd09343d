//! Load-balancing policies as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::{At, Key};
use crate::scenario::quantity::{Count, Duration};

/// Load-balancing policy.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyFile {
    /// One connection per channel.
    PickFirst(At<PickFirstFile>),
    /// One connection per address, calls in rotation.
    RoundRobin(At<RoundRobinFile>),
    /// One connection per address, each call on a random one.
    Random,
    /// One connection per address, each call on the least busy of a few drawn with replacement (gRFC A48, Envoy).
    LeastRequest(At<LeastRequestFile>),
    /// One connection per address, each call on the better of two by a moving average of response times (tower, Linkerd).
    PeakEwma(At<PeakEwmaFile>),
}

/// Settings of pick_first.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PickFirstFile {
    /// After losing its connection it reconnects at the next call (lazy, the default) or at once (eager, grpc-go before 1.41).
    pub reconnect: Key<ReconnectFile>,
    /// Shuffle the addresses of each answer (gRFC A62). Default false.
    pub shuffle: Key<bool>,
}

/// When pick_first reconnects.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReconnectFile {
    /// At the next call.
    Lazy,
    /// At once.
    Eager,
}

/// Settings of round_robin.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoundRobinFile {
    /// Where a rebuilt picker starts; acts with a headless Service only. Default random_order (grpc-go).
    pub start: Key<RotationFile>,
}

/// Settings of least_request.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeastRequestFile {
    /// How many are drawn, 2 to 10. Default 2.
    pub choice_count: Key<Count>,
}

/// Settings of peak_ewma.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeakEwmaFile {
    /// What is assumed of an endpoint that has not answered yet. Default 30ms (Linkerd).
    pub default_rtt: Key<Duration>,
    /// How fast a peak is forgotten: the time constant. Default 10s (Linkerd).
    pub decay: Key<Duration>,
}

/// Where a rebuilt round_robin picker starts.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RotationFile {
    /// Random start, random order (grpc-go).
    RandomOrder,
    /// Random start, order of the address list (C-core).
    Random,
    /// Always the first address (grpc-java before 1.23).
    First,
    /// Continue where the last picker was (grpc-java).
    Continue,
}
