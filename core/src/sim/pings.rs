//! What both ends of a connection remember of pings, if its client has keepalive.
//!
//! Keepalive pings are events of their own. BDP pings, which follow DATA, are not: their answers are never late and hardly
//! ever punished, so that it is enough to count them in when somebody asks.

use crate::model::{Enforcement, Keepalive};
use crate::policy::enforcement::{Enforcer, Verdict};
use crate::policy::keepalive::{Act, Due, Pinger};
use crate::units::{Span, Time};

/// Both ends of one connection.
#[derive(Debug)]
pub(super) struct Ends {
    pub settings: Keepalive,
    /// The instant that the timer is set for; `Time::NEVER`: it is not set.
    pub timer: Time,
    client: Pinger,
    server: Enforcer,
    to_pod: Span,
    to_client: Span,
    /// When a BDP ping was sent whose answer the client has not counted in.
    measuring: Option<Time>,
    /// When a BDP ping was sent that the pod has not counted in.
    measured: Option<Time>,
    /// When the pod last sent something that the client has read.
    answered: Option<Time>,
    /// Up to when the pod has counted in what it sent.
    counted: Time,
    /// When a request was sent whose DATA the pod has not counted in.
    asked: Option<Time>,
}

impl Ends {
    /// A connection that became READY at `now`.
    pub(super) fn new(settings: Keepalive, now: Time, to_pod: Span, to_client: Span) -> Ends {
        Ends {
            settings,
            timer: Time::NEVER,
            client: Pinger::new(now, to_pod + to_client),
            server: Enforcer::new(now),
            to_pod,
            to_client,
            measuring: None,
            measured: None,
            answered: None,
            counted: Time::ZERO,
            asked: None,
        }
    }

    /// The client sends a request.
    pub(super) fn call_begins(&mut self, now: Time) {
        self.asked = Some(now);
        self.client.sent();
        self.client.stream_began();
    }

    /// A call has ended, however it did.
    pub(super) fn call_ends(&mut self) {
        self.client.stream_ended();
    }

    /// The client reads a response.
    pub(super) fn response(&mut self, now: Time) {
        self.settle(now);
        self.answered = Some(Time(now.0.saturating_sub(self.to_client.0)));
        if self.client.read_data(&self.settings, now) {
            (self.measuring, self.measured) = (Some(now), Some(now));
        }
    }

    /// What the client sent at `sent` will not be acknowledged, nor its BDP ping answered.
    pub(super) fn lost(&mut self, sent: Time) {
        self.client.lost(sent);
        self.measuring = None;
    }

    /// The client reads the answer to a ping.
    pub(super) fn pong(&mut self, now: Time) {
        self.settle(now);
        self.client.read(now);
    }

    /// What comes next at the client.
    pub(super) fn due(&mut self, now: Time) -> Due {
        self.settle(now);
        self.client.due(&self.settings, now)
    }

    /// The timer fires.
    pub(super) fn fire(&mut self, now: Time) -> Act {
        self.settle(now);
        self.client.timer(&self.settings, now)
    }

    /// What the pod makes of a ping, sent while there were `streams` calls. `on_the_way` is when it sent the last response that
    /// the client has not read yet.
    pub(super) fn judge(&mut self, rule: &Enforcement, now: Time, streams: u32, on_the_way: Option<Time>) -> Verdict {
        let sent = on_the_way.or(self.answered.take()).filter(|sent| *sent >= self.counted);
        let came = self.measured.map(|ping| ping + self.to_pod).filter(|came| *came <= now);
        if sent.is_some() {
            self.server.sent();
        }
        let asked = self.asked.map(|request| request + self.to_pod).filter(|request| *request <= now);
        if let Some(request) = asked {
            self.asked = None;
            // What is sent takes the WINDOW_UPDATE for it along.
            if sent.is_none_or(|sent| sent < request) {
                self.server.read_data();
            }
        }
        if let Some(came) = came {
            self.measured = None;
            let forgotten = sent.is_some_and(|sent| sent > came);
            if !forgotten && self.server.ping(rule, came, streams) == Verdict::TooManyPings {
                return Verdict::TooManyPings;
            }
        }
        self.counted = now;
        self.server.ping(rule, now, streams)
    }

    fn settle(&mut self, now: Time) {
        let answer = self.measuring.map(|ping| ping + self.to_pod + self.to_client).filter(|answer| *answer <= now);
        if let Some(answer) = answer {
            self.measuring = None;
            self.client.measured(answer);
        }
    }
}
