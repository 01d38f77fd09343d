//! Which pings a server takes for abuse (gRFC A8; grpc-go `http2Server.handlePing`, C-core `ping_abuse_policy.cc` and
//! `writing.cc`, grpc-java `KeepAliveEnforcer`).
//!
//! Modelled: strikes, what resets them, and the end of a connection with GOAWAY ENHANCE_YOUR_CALM "too_many_pings", at which its
//! open calls fail with UNAVAILABLE. Pings of any kind count, a client's BDP pings too. C-core's server sends the WINDOW_UPDATE
//! for a request's DATA together with the next thing it writes; if that is the answer to a ping, the ping clock starts over, so
//! that with a call open the fifth ping ends the connection and not the fourth (measured with C-core 1.85; explained by
//! `FlushWindowUpdates`). Not modelled: the second for which grpc-go leaves the socket open afterwards.

use crate::model::{Enforcement, StrikeRule};
use crate::units::{Span, Time};

/// The least time between pings without streams, unless they are permitted: that of TCP's own keepalive (RFC 1122).
pub const WITHOUT_STREAMS: Span = Span::from_secs(2 * 60 * 60);

/// What a server remembers of the pings of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enforcer {
    opened: Time,
    /// The ping that the next one is measured against; `None`: the next one is free.
    last: Option<Time>,
    strikes: u32,
    /// DATA was read, and the WINDOW_UPDATE for it not sent yet.
    owes_update: bool,
}

/// What a server thinks of a ping. All but the last are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing wrong with it.
    Fine,
    /// Too early.
    Strike,
    /// Too early once too often: GOAWAY ENHANCE_YOUR_CALM, "too_many_pings", and the connection is closed.
    TooManyPings,
}

impl Enforcer {
    /// A connection that was opened at `now`.
    #[must_use]
    pub fn new(now: Time) -> Enforcer {
        Enforcer { opened: now, last: None, strikes: 0, owes_update: false }
    }

    /// DATA of a request was read.
    pub fn read_data(&mut self) {
        self.owes_update = true;
    }

    /// HEADERS or DATA was sent: the client has a reason to ping.
    pub fn sent(&mut self) {
        *self = Enforcer::new(self.opened);
    }

    /// A ping came in while the connection had `streams` open.
    pub fn ping(&mut self, enforcement: &Enforcement, now: Time, streams: u32) -> Verdict {
        let idle = streams == 0 && !enforcement.permit_without_stream;
        let least = if idle { WITHOUT_STREAMS } else { enforcement.min_time };
        let java = enforcement.rule == StrikeRule::Java;
        let last = self.last.or(java.then_some(self.opened));
        let valid = last.is_none_or(|last| last + least <= now);
        if valid || !java {
            self.last = Some(now);
        }
        if !valid {
            self.strikes += 1;
            if enforcement.most_strikes().is_some_and(|most| self.strikes > most) {
                return Verdict::TooManyPings;
            }
        }
        if enforcement.rule == StrikeRule::Core && self.owes_update {
            self.sent();
        }
        if valid { Verdict::Fine } else { Verdict::Strike }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// grpc-go's default: 5 min between pings with a stream, two hours without one (gRFC A8), and two strikes.
    #[test]
    fn without_streams_a_ping_in_two_hours_is_fine() {
        let rules = Enforcement {
            min_time: Span::from_secs(300),
            permit_without_stream: false,
            max_ping_strikes: 2,
            rule: StrikeRule::Go,
        };
        let second = |after_s: u64, streams: u32| {
            let mut enforcer = Enforcer::new(Time::ZERO);
            assert_eq!(enforcer.ping(&rules, Time::ZERO, streams), Verdict::Fine);
            enforcer.ping(&rules, Time::ZERO + Span::from_secs(after_s), streams)
        };
        assert_eq!([7_199, 7_200].map(|s| second(s, 0)), [Verdict::Strike, Verdict::Fine]);
        assert_eq!([299, 300].map(|s| second(s, 1)), [Verdict::Strike, Verdict::Fine]);
    }
}
