//! Keepalive pings of one end of a connection (gRFC A8; grpc-go `http2Client.keepalive` and `http2Server.keepalive`, C-core
//! `chttp2_transport.cc` and `ping_rate_policy.cc`, grpc-java `KeepAliveManager`).
//!
//! Modelled: a ping when nothing was read for `time` and there is a stream or permission; the close when nothing is read for
//! `timeout` after it; dormancy without streams, and how each stack wakes; the BDP ping that follows DATA; C-core's throttle of
//! an end that sends nothing; TCP_USER_TIMEOUT on Linux, which runs from the first retransmission, and TCP's own end without it. Not
//! modelled: C-core's growing pause between BDP pings (each of them follows data, so none makes a difference to a server) and its
//! second between pings; the variance of round trips in TCP's clock (`tests/labs/e10.rs`); grpc-js, whose clock reads do not reset.
//!
//! One [`Pinger`] serves both ends: a server's own keepalive (2 h, 20 s) is one with `permit_without_stream`.

use crate::model::{Keepalive, Wake};
use crate::units::{Span, Time};

/// The least that Linux waits for an acknowledgement, beyond the round trip (`TCP_RTO_MIN`).
const LEAST_WAIT: Span = Span::from_millis(200);
/// The most (`TCP_RTO_MAX`).
const MOST_WAIT: Span = Span::from_secs(120);

/// From the first byte that is not acknowledged to when Linux begins to count TCP_USER_TIMEOUT: the first timer is a tail loss probe's,
/// and the second the first retransmission's, from which on it counts (`tcp_output.c`, `tcp_schedule_loss_probe`; `tcp_timer.c`,
/// `retransmits_timed_out`, from `retrans_stamp`). Measured for timeouts of 1, 2 and 5 s: 0.46 to 0.47 s at a round trip of 30 ms.
#[must_use]
pub fn first_retransmission(rtt: Span) -> Span {
    (LEAST_WAIT + rtt) * 2
}

/// From the first byte that is not acknowledged to the end of a connection without TCP_USER_TIMEOUT: 15 retransmissions
/// (`tcp_retries2`), each wait twice the last up to the most. Measured: 942 to 945 s where the first wait was 220 ms.
#[must_use]
pub fn tcp_gives_up(rtt: Span) -> Span {
    let mut wait = LEAST_WAIT + rtt;
    let mut all = Span::ZERO;
    for _ in 0..16 {
        all = all + wait;
        wait = (wait * 2).min(MOST_WAIT);
    }
    all
}

/// The state of one end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pinger {
    /// When a frame, any frame, was last read.
    last_read: Time,
    /// When a ping of any kind was last sent, unless DATA was read since.
    last_ping: Option<Time>,
    /// A keepalive ping that nothing was read after.
    unanswered: Option<Time>,
    /// A BDP ping without its answer.
    measuring: bool,
    /// The round trip, as TCP has smoothed it.
    rtt: Span,
    /// The first byte that the peer's kernel did not acknowledge.
    unacknowledged: Option<Time>,
    /// Pings sent since HEADERS or DATA was sent.
    pings_without_data: u32,
    /// Open streams.
    streams: u32,
}

/// What comes next, if nothing else happens first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Never,
    /// A keepalive ping.
    Ping(Time),
    /// The connection is dead, and closed at this time.
    Close(Time),
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Nothing: something happened since the timer was set. Ask [`Pinger::due`] again.
    Wait,
    /// Send a keepalive ping.
    SendPing,
    /// Close the connection; its streams fail with UNAVAILABLE.
    Close,
}

impl Pinger {
    /// A connection that became ready at `now`, with this round trip.
    #[must_use]
    pub fn new(now: Time, rtt: Span) -> Pinger {
        Pinger {
            rtt,
            last_read: now,
            last_ping: None,
            unanswered: None,
            measuring: false,
            unacknowledged: None,
            pings_without_data: 0,
            streams: 0,
        }
    }

    /// A frame was read: an answer to a ping, a ping of the peer's, HEADERS, SETTINGS. Anything read answers a keepalive ping.
    pub fn read(&mut self, now: Time) {
        self.last_read = now;
        self.unanswered = None;
        self.unacknowledged = None;
    }

    /// DATA was read. Returns whether a BDP ping is sent now; its answer goes to [`Pinger::measured`].
    #[must_use]
    pub fn read_data(&mut self, keepalive: &Keepalive, now: Time) -> bool {
        self.read(now);
        self.last_ping = None;
        if !keepalive.bdp_ping || self.measuring {
            return false;
        }
        self.measuring = true;
        self.sent_ping(now);
        true
    }

    /// The answer to a BDP ping was read.
    pub fn measured(&mut self, now: Time) {
        self.read(now);
        self.measuring = false;
    }

    /// HEADERS or DATA was sent.
    pub fn sent(&mut self) {
        self.pings_without_data = 0;
    }

    /// What was sent at `now` will never be acknowledged: the peer, or the way to it, is dead. What is read later proves the
    /// contrary.
    pub fn lost(&mut self, now: Time) {
        self.unacknowledged.get_or_insert(now);
    }

    /// A stream began.
    pub fn stream_began(&mut self) {
        self.streams += 1;
    }

    /// A stream ended.
    pub fn stream_ended(&mut self) {
        self.streams = self.streams.saturating_sub(1);
    }

    /// What comes next as of `now`. The caller sets a timer for it, and asks again after every stream that began: reads only
    /// move it later, and [`Pinger::timer`] copes with being early.
    #[must_use]
    pub fn due(&self, keepalive: &Keepalive, now: Time) -> Due {
        let lost = self.unacknowledged.filter(|_| keepalive.tcp_user_timeout);
        let tcp = lost.map(|byte| byte + first_retransmission(self.rtt));
        let dead = [self.unanswered, tcp].into_iter().flatten().min().map(|since| since + keepalive.timeout);
        let ping = (self.unanswered.is_none() && self.may_ping(keepalive)).then(|| self.next_ping(keepalive, now));
        match (dead, ping) {
            (Some(close), Some(ping)) if ping < close => Due::Ping(ping),
            (Some(close), _) => Due::Close(close),
            (None, Some(ping)) => Due::Ping(ping),
            (None, None) => Due::Never,
        }
    }

    /// The timer that was set for [`Pinger::due`] fires.
    pub fn timer(&mut self, keepalive: &Keepalive, now: Time) -> Act {
        match self.due(keepalive, now) {
            Due::Close(at) if at <= now => Act::Close,
            Due::Ping(at) if at <= now => {
                self.unanswered = Some(now);
                self.sent_ping(now);
                Act::SendPing
            }
            _ => Act::Wait,
        }
    }

    fn may_ping(&self, keepalive: &Keepalive) -> bool {
        self.streams > 0 || keepalive.permit_without_stream
    }

    fn sent_ping(&mut self, now: Time) {
        self.last_ping = Some(now);
        self.pings_without_data += 1;
    }

    fn next_ping(&self, keepalive: &Keepalive, now: Time) -> Time {
        let quiet = now.since(self.last_read);
        let wait = match keepalive.wake {
            Wake::AtOnce => keepalive.time.max(quiet),
            Wake::NextTick => keepalive.time * quiet.0.div_ceil(keepalive.time.0.max(1)).max(1),
        };
        let at = self.last_read + wait;
        match (keepalive.throttle, self.last_ping) {
            (Some(t), Some(last)) if self.pings_without_data >= t.free => at.max(last + t.interval),
            _ => at,
        }
    }
}

/// The keepalive time of a channel's new connections, after one with `of_connection` was sent away with too_many_pings: twice
/// that, but never less than what the `channel` has by now, so that many at once double it once (grpc-go `adjustParams`, C-core
/// `keepalive_throttling`, grpc-java `AtomicBackoff`).
#[must_use]
pub fn slowed_down(channel: Span, of_connection: Span) -> Span {
    channel.max(of_connection * 2)
}
