//! Keepalive of gRPC connections, and which pings a server punishes, as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::Key;
use crate::scenario::quantity::{Count, Duration};

/// Keepalive pings of a gRPC client (gRFC A8; grpc-go keepalive.ClientParameters).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepaliveFile {
    /// A ping goes out when nothing was read for this long, at least 1ms. It is taken as it is; grpc-go and grpc-java raise less
    /// than 10s to 10s.
    #[schemars(required)]
    pub time: Key<Duration>,
    /// A ping that is not followed by anything read for this long, at least 1ms, closes the connection. Default 20s.
    pub timeout: Key<Duration>,
    /// Ping although there is no call on the connection. Default false.
    pub permit_without_stream: Key<bool>,
    /// When a connection pings that was quiet for longer than `time` and now has a call: at_once (the default; grpc-go, grpc-java) or
    /// at the next_tick of a clock that never stopped (C-core).
    pub wake: Key<WakeFile>,
    /// Measure the bandwidth: a ping follows each response that was read, one at a time. Default true (grpc-go, C-core).
    pub bdp_ping: Key<bool>,
    /// Fewer pings while nothing is sent (C-core, gRFC L116). Default: none.
    pub throttle: Key<PingThrottleFile>,
    /// TCP_USER_TIMEOUT is set to `timeout`: a connection whose data nobody acknowledges is closed. Default true (gRFC A18).
    pub tcp_user_timeout: Key<bool>,
    /// It is set before the connection is made, so that a dial that gets no answer ends after `timeout`, too. Default false (grpc-go);
    /// true in C-core and grpc-java.
    pub tcp_user_timeout_of_dials: Key<bool>,
    /// After too_many_pings the channel's new connections have twice the `time`. Default true.
    pub slow_down: Key<bool>,
}

/// When a connection pings that was quiet and now has a call.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WakeFile {
    /// At once.
    AtOnce,
    /// At the next whole multiple of `time` after the last read.
    NextTick,
}

/// Fewer pings while nothing is sent.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PingThrottleFile {
    /// Pings after HEADERS or DATA was sent, before the throttle holds (grpc.http2.max_pings_without_data); 0: no throttle.
    #[schemars(required)]
    pub free: Key<Count>,
    /// Least time between pings from then on. Default 1m.
    pub interval: Key<Duration>,
}

/// Which pings a gRPC server punishes (gRFC A8; grpc-go keepalive.EnforcementPolicy).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnforcementFile {
    /// Pings closer than this are strikes; the third ends the connection with too_many_pings. Default 5m.
    pub min_time: Key<Duration>,
    /// Without calls the least time is min_time, too; otherwise it is 2 h. Default false.
    pub permit_without_stream: Key<bool>,
    /// Strikes beyond this end the connection (grpc.http2.max_ping_strikes); 0: never. With `stack: c_core` only: grpc-go and grpc-java
    /// always have 2. Default 2.
    pub max_ping_strikes: Key<Count>,
}
