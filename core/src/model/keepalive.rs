//! Keepalive of HTTP/2 connections: who pings when, and which pings a server punishes (gRFC A8, A9; L116 for C-core).

use super::client::MS;
use crate::settings::{ABOVE_ZERO, DURATION, FLAG, at_least, count, group, word};
use crate::units::Span;
use crate::{settings, word_enum};

settings! {
    /// Keepalive pings of a gRPC client (gRFC A8; grpc-go keepalive.ClientParameters).
    pub struct Keepalive {
        /// A ping goes out when nothing was read for this long. It is taken as it is; grpc-go and grpc-java raise less than 10s to 10s.
        time: Span [at_least(MS).required()] = Span::from_secs(10);
        /// A ping that is not followed by anything read for this long closes the connection.
        timeout: Span [at_least(MS)] = Span::from_secs(20);
        /// Ping although there is no call on the connection.
        permit_without_stream: bool [FLAG] = false;
        /// When a connection pings that was quiet for longer than `time` and now has a call.
        wake: Wake [word::<Wake>()] = Wake::AtOnce;
        /// Measure the bandwidth: a ping follows each response that was read, one at a time (grpc-go unless window sizes are set, C-core).
        bdp_ping: bool [FLAG] = true;
        /// Fewer pings while nothing is sent (C-core, gRFC L116).
        throttle: Option<PingThrottle> [group::<PingThrottle>()] = None;
        /// TCP_USER_TIMEOUT is set to `timeout`: the kernel closes a connection whose peer acknowledges no data (gRFC A18).
        tcp_user_timeout: bool [FLAG] = true;
        /// It is set before the connection is made (C-core, grpc-java), so that a dial that gets no answer ends after `timeout`, too.
        tcp_user_timeout_of_dials: bool [FLAG] = false;
        /// After too_many_pings the channel's new connections have twice the `time`.
        slow_down: bool [FLAG] = true;
    }
}

word_enum! {
    /// When a connection pings that was quiet without calls for longer than `time`, and now has one.
    pub enum Wake {
        /// At once (grpc-go, grpc-java).
        AtOnce = "at_once",
        /// At the next whole multiple of `time` after the last read: its timer never stopped (C-core).
        NextTick = "next_tick",
    }
}

settings! {
    /// Fewer pings while nothing is sent (C-core, gRFC L116).
    pub struct PingThrottle {
        /// Pings after HEADERS or DATA was sent, before the throttle holds (grpc.http2.max_pings_without_data); 0: no throttle.
        free: u32 [count(0, u32::MAX as u64).required()] = 1;
        /// Least time between pings from then on.
        interval: Span [ABOVE_ZERO] = Span::from_secs(60);
    }
}

settings! {
    /// Which pings a gRPC server punishes (gRFC A8; grpc-go keepalive.EnforcementPolicy).
    pub struct Enforcement {
        /// Pings closer than this are strikes.
        min_time: Span [DURATION] = Span::from_secs(5 * 60);
        /// If true, min_time also holds without calls; if false, 2 h holds then.
        permit_without_stream: bool [FLAG] = false;
        /// Strikes beyond this end the connection with too_many_pings (grpc.http2.max_ping_strikes); 0: never. With `stack: c_core` only:
        /// grpc-go and grpc-java always have 2.
        max_ping_strikes: u32 [count(0, u32::MAX as u64)] = 2;
    } with {
        /// Whose rule decides what a strike is.
        rule: StrikeRule = StrikeRule::Go;
    }
}

impl Enforcement {
    /// No ping is punished.
    pub const NONE: Enforcement =
        Enforcement { min_time: Span::ZERO, permit_without_stream: true, max_ping_strikes: 0, rule: StrikeRule::Go };

    /// Strikes beyond this end the connection. `None`: never.
    #[must_use]
    pub fn most_strikes(&self) -> Option<u32> {
        (self.max_ping_strikes > 0).then_some(self.max_ping_strikes)
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
