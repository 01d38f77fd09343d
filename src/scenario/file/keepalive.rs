//! Keepalive of gRPC connections, and which pings a server punishes, as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::Key;
use crate::scenario::quantity::Duration;

/// Keepalive pings of a gRPC client (gRFC A8; grpc-go keepalive.ClientParameters).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepaliveFile {
    /// A ping goes out when nothing was read for this long, at least 1ms. It is taken as it is; grpc-go and grpc-java raise less
    /// than 10s to 10s.
    #[schemars(required)]
    pub time: Key<Duration>,
    /// A ping that is not followed by anything read for this long closes the connection. Default 20s.
    pub timeout: Key<Duration>,
    /// Ping although there is no call on the connection. Default false.
    pub permit_without_stream: Key<bool>,
}

/// Which pings a gRPC server punishes (gRFC A8; grpc-go keepalive.EnforcementPolicy).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnforcementFile {
    /// Pings closer than this are strikes; the third ends the connection with too_many_pings. Default 5m.
    pub min_time: Key<Duration>,
    /// Without calls the least time is min_time, too; otherwise it is 2 h. Default false.
    pub permit_without_stream: Key<bool>,
}
