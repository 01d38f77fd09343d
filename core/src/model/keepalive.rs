//! Keepalive of HTTP/2 connections: who pings when, and which pings a server punishes (gRFC A8, A9; L116 for C-core).

use crate::model::defaults;
use crate::units::Span;

/// The pings of one end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// A ping goes out when nothing was read for this long, above zero. grpc-go and grpc-java raise less than 10 s to 10 s.
    pub time: Span,
    /// A ping that is not followed by anything read for this long closes the connection.
    pub timeout: Span,
    /// Ping although there is no stream. A server's own pings always do.
    pub permit_without_stream: bool,
    /// When a connection that was quiet without streams pings, once a stream begins.
    pub wake: Wake,
    /// Measure the bandwidth: a ping follows DATA that was read, one at a time (grpc-go unless window sizes are set, C-core).
    pub bdp_ping: bool,
    /// C-core's `grpc.http2.max_pings_without_data`. `None`: no limit.
    pub throttle: Option<PingThrottle>,
    /// TCP_USER_TIMEOUT is set to `timeout`, and so closes a connection whose data nobody acknowledges.
    pub tcp_user_timeout: bool,
    /// It is set before the connection is made (C-core, grpc-java), so that it ends dials, too; grpc-go sets it afterwards.
    pub tcp_user_timeout_of_dials: bool,
    /// After too_many_pings the channel's new connections have twice the time.
    pub slows_down: bool,
}

/// When a connection pings that was quiet without streams for longer than `time`, and now has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// At once (grpc-go, grpc-java).
    AtOnce,
    /// At the next whole multiple of `time` after the last read: its timer never stopped (C-core).
    NextTick,
}

/// Fewer pings from an end that sends no data (gRFC L116).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingThrottle {
    /// Pings, of any kind, after HEADERS or DATA was sent, before the throttle holds; above zero.
    pub free: u32,
    /// Least time between pings from then on.
    pub interval: Span,
}

/// Which pings of a client a server punishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enforcement {
    /// Pings closer than this are strikes.
    pub min_time: Span,
    /// Without streams the least time is `min_time`, too; otherwise it is 2 h.
    pub permit_without_stream: bool,
    /// Strikes beyond this end the connection. grpc-go and grpc-java: always 2. `None`: never (C-core: 0).
    pub max_strikes: Option<u32>,
    /// Whose rule decides what a strike is.
    pub rule: StrikeRule,
}

impl Default for Enforcement {
    /// grpc-go's without an `EnforcementPolicy` of its own.
    fn default() -> Self {
        defaults::ENFORCEMENT
    }
}

/// What the stacks do differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrikeRule {
    /// Against the previous ping; after HEADERS or DATA was sent, and on a new connection, the next one is free (grpc-go).
    Go,
    /// The same, and the WINDOW_UPDATE that the server owes for a request counts as data: it leaves with the answer to the
    /// first ping after the request (C-core).
    Core,
    /// Against the last valid ping; HEADERS or DATA sent set that back to the beginning of the connection (grpc-java).
    Java,
}
