//! Load-balancing policies as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::{At, Key};
use crate::scenario::quantity::{Count, Duration, Number};

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
    /// One connection per address, calls in proportion to weights from the servers' load reports (gRFC A58).
    WeightedRoundRobin(At<WeightedRoundRobinFile>),
    /// Each call to the endpoint that follows the hash of its key on a ring (gRFC A42, Envoy); see `keys`.
    RingHash(At<RingHashFile>),
    /// Each call to the endpoint that the hash of its key has in a table (Envoy); see `keys`.
    Maglev(At<MaglevFile>),
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
    /// A counter that begins anywhere and goes on, modulo the length of the list (grpc-java).
    Continue,
    /// The connection that would have been next, if it is still listed, else the first of the answer (grpc-js).
    NextSubchannel,
}

/// Settings of weighted_round_robin.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightedRoundRobinFile {
    /// A weight is used once reports have come for this long. Default 10s.
    pub blackout_period: Key<Duration>,
    /// A weight expires this long after the last report. Default 3m.
    pub weight_expiration_period: Key<Duration>,
    /// How often the weights are read. Default 1s, at least 100ms.
    pub weight_update_period: Key<Duration>,
    /// Utilization added for each error per request. Default 1.
    pub error_utilization_penalty: Key<Number>,
}

/// Settings of ring_hash.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RingHashFile {
    /// Points on the ring, at least. Default 1024.
    pub min_ring_size: Key<Count>,
    /// Points on the ring, at most. Default 4096 (Envoy: 8388608).
    pub max_ring_size: Key<Count>,
}

/// Settings of Maglev.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaglevFile {
    /// Entries of the table, a prime number up to 5000011. Default 65537.
    pub table_size: Key<Count>,
}

/// What calls are routed by: a header, a user, a tenant.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeysFile {
    /// How many different ones there are, 1 to 1000000.
    pub count: Key<Count>,
    /// How unequal they are: the k-th is asked for in proportion to 1/k^zipf. Default 0, all alike.
    pub zipf: Key<Number>,
}
