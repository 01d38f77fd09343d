//! Which pings a server punishes, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::Key;
use crate::scenario::quantity::{Count, Duration};

/// Which pings a gRPC server punishes (gRFC A8; grpc-go keepalive.EnforcementPolicy).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnforcementFile {
    /// Pings closer than this are strikes; the third ends the connection with too_many_pings. Default 5m.
    pub min_time: Key<Duration>,
    /// If true, min_time also holds without calls; if false, 2 h holds then. Default false.
    pub permit_without_stream: Key<bool>,
    /// Strikes beyond this end the connection (grpc.http2.max_ping_strikes); 0: never. With `stack: c_core` only: grpc-go and grpc-java
    /// always have 2. Default 2.
    pub max_ping_strikes: Key<Count>,
}
