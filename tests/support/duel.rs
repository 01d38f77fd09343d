//! A client's keepalive against a server's enforcement, over one connection at a time: the rules of `policy::keepalive` and
//! `policy::enforcement` and nothing else, with messages that take half a round trip.

use std::collections::BTreeMap;

use evenkeel::model::{Enforcement, Keepalive};
use evenkeel::policy::enforcement::{Enforcer, Verdict};
use evenkeel::policy::keepalive::{Act, Due, Pinger, slowed_down};
use evenkeel::units::{Span, Time};

/// The calls of the client. All but those that greet get HEADERS and DATA at their end and not before.
#[derive(Clone, Copy, Debug)]
pub struct Calls {
    /// When the first begins. `None`: there are none.
    pub first: Option<Span>,
    /// From the beginning of one to the beginning of the next; `None`: the next begins when one has ended or failed.
    pub every: Option<Span>,
    /// No call begins later.
    pub until: Span,
    /// How long the server takes.
    pub duration: Span,
    /// The server sends HEADERS and DATA at the beginning, too.
    pub greets: bool,
}

impl Calls {
    pub const NONE: Calls = Calls { first: None, every: None, until: Span::ZERO, duration: Span::ZERO, greets: false };

    /// One short call.
    pub fn once(at: Span) -> Calls {
        Calls { first: Some(at), until: at, ..Calls::NONE }
    }

    /// A short call every so often.
    pub fn every(gap: Span) -> Calls {
        Calls { first: Some(Span::ZERO), every: Some(gap), until: Span(u64::MAX / 4), ..Calls::NONE }
    }

    /// A stream that the server greets, and then nothing happens on it.
    pub fn quiet_stream() -> Calls {
        let duration = Span(u64::MAX / 4);
        Calls { first: Some(Span::ZERO), until: Span(u64::MAX / 4), duration, greets: true, ..Calls::NONE }
    }

    /// One call after the other.
    pub fn long(duration: Span, until: Span) -> Calls {
        Calls { first: Some(Span::ZERO), until, duration, ..Calls::NONE }
    }
}

/// The two sides, and what the client does.
#[derive(Clone, Copy, Debug)]
pub struct Duel {
    pub client: Keepalive,
    pub server: Enforcement,
    pub rtt: Span,
    pub calls: Calls,
    /// The client connects anew at once after a GOAWAY, instead of with the next call.
    pub eager: bool,
    /// Whether a GOAWAY doubles the keepalive time of the connections that follow.
    pub slows_down: bool,
    /// When to stop.
    pub end: Span,
}

/// One connection.
#[derive(Clone, Debug)]
pub struct Life {
    pub opened: Time,
    /// When the client sent pings, and whether they were BDP pings.
    pub pings: Vec<(Time, bool)>,
    /// Strikes that the server gave.
    pub strikes: u32,
    /// When the server sent too_many_pings.
    pub goaway: Option<Time>,
}

impl Life {
    /// From the opening to the GOAWAY, in seconds.
    pub fn killed_after(&self) -> Option<f64> {
        self.goaway.map(|at| at.since(self.opened).as_secs_f64())
    }

    pub fn keepalive_pings(&self) -> Vec<Time> {
        self.pings.iter().filter(|p| !p.1).map(|p| p.0).collect()
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Call,
    Timer,
    AtServer(Message),
    AtClient(Message),
    Answer,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Message {
    Request,
    Data { last: bool },
    Ping { bdp: bool },
    Goaway,
}

struct Run {
    duel: Duel,
    now: Time,
    /// By time and order of scheduling, with the connection that it is for (0: any).
    events: BTreeMap<(Time, u64), (usize, Event)>,
    scheduled: u64,
    keepalive: Keepalive,
    pinger: Pinger,
    enforcer: Enforcer,
    server_streams: u32,
    /// Calls under way.
    calls: u32,
    connected: bool,
    lives: Vec<Life>,
}

/// The lives of the connections, in order.
pub fn fight(duel: Duel) -> Vec<Life> {
    let (pinger, enforcer) = (Pinger::new(Time::ZERO, duel.rtt), Enforcer::new(Time::ZERO));
    let (keepalive, events) = (duel.client, BTreeMap::new());
    let (now, scheduled, server_streams, calls, connected, lives) = (Time::ZERO, 0, 0, 0, false, vec![]);
    let mut run =
        Run { duel, now, events, scheduled, keepalive, pinger, enforcer, server_streams, calls, connected, lives };
    run.connect();
    if let Some(first) = duel.calls.first {
        run.schedule(0, first, Event::Call);
    }
    while let Some(((at, _), (connection, event))) = run.events.pop_first() {
        if at > Time::ZERO + duel.end {
            break;
        }
        run.now = at;
        if connection == 0 || (run.connected && connection == run.lives.len()) {
            run.handle(event);
        }
    }
    run.lives
}

impl Run {
    fn schedule(&mut self, connection: usize, after: Span, event: Event) {
        self.scheduled += 1;
        self.events.insert((self.now + after, self.scheduled), (connection, event));
    }

    fn send(&mut self, event: Event) {
        self.schedule(self.lives.len(), Span(self.duel.rtt.0 / 2), event);
    }

    fn life(&mut self) -> &mut Life {
        self.lives.last_mut().expect("there is a connection")
    }

    fn connect(&mut self) {
        (self.pinger, self.enforcer) = (Pinger::new(self.now, self.duel.rtt), Enforcer::new(self.now));
        (self.server_streams, self.connected) = (0, true);
        self.lives.push(Life { opened: self.now, pings: vec![], strikes: 0, goaway: None });
        self.set_timer();
    }

    fn set_timer(&mut self) {
        if let Due::Ping(at) | Due::Close(at) = self.pinger.due(&self.keepalive, self.now) {
            self.schedule(self.lives.len(), at.since(self.now), Event::Timer);
        }
    }

    fn ping(&mut self, bdp: bool) {
        let now = self.now;
        self.life().pings.push((now, bdp));
        self.send(Event::AtServer(Message::Ping { bdp }));
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Call => self.call(),
            Event::Timer => {
                match self.pinger.timer(&self.keepalive, self.now) {
                    Act::SendPing => self.ping(false),
                    Act::Close => self.connected = false,
                    Act::Wait => {}
                }
                self.set_timer();
            }
            Event::AtServer(message) => self.at_server(message),
            Event::AtClient(message) => self.at_client(message),
            Event::Answer => {
                self.server_streams -= 1;
                self.enforcer.sent();
                self.send(Event::AtClient(Message::Data { last: true }));
            }
        }
    }

    fn call(&mut self) {
        if !self.connected {
            self.connect();
        }
        self.calls += 1;
        self.pinger.stream_began();
        self.pinger.sent();
        self.set_timer();
        self.send(Event::AtServer(Message::Request));
        if let Some(gap) = self.duel.calls.every {
            self.schedule(0, gap, Event::Call);
        }
    }

    fn at_server(&mut self, message: Message) {
        match message {
            Message::Request => {
                self.enforcer.read_data();
                self.server_streams += 1;
                if self.duel.calls.greets {
                    self.enforcer.sent();
                    self.send(Event::AtClient(Message::Data { last: false }));
                }
                self.schedule(self.lives.len(), self.duel.calls.duration, Event::Answer);
            }
            Message::Ping { .. } => match self.enforcer.ping(&self.duel.server, self.now, self.server_streams) {
                Verdict::TooManyPings => {
                    let now = self.now;
                    self.life().goaway = Some(now);
                    self.send(Event::AtClient(Message::Goaway));
                }
                verdict => {
                    self.life().strikes += u32::from(verdict == Verdict::Strike);
                    self.send(Event::AtClient(message));
                }
            },
            Message::Data { .. } | Message::Goaway => unreachable!("the client sends neither"),
        }
    }

    fn at_client(&mut self, message: Message) {
        match message {
            Message::Data { last } => {
                if self.pinger.read_data(&self.keepalive, self.now) {
                    self.ping(true);
                }
                if last {
                    self.pinger.stream_ended();
                    self.ended();
                }
            }
            Message::Ping { bdp: true } => self.pinger.measured(self.now),
            Message::Ping { bdp: false } => self.pinger.read(self.now),
            Message::Request => unreachable!("the server sends none"),
            Message::Goaway => {
                self.connected = false;
                if self.duel.slows_down {
                    self.keepalive.time = slowed_down(self.keepalive.time, self.keepalive.time);
                }
                if self.duel.eager {
                    self.connect();
                }
                (0..self.calls).for_each(|_| self.ended());
                return;
            }
        }
        self.set_timer();
    }

    fn ended(&mut self) {
        self.calls -= 1;
        let calls = self.duel.calls;
        if calls.every.is_none() && self.now <= Time::ZERO + calls.until {
            self.schedule(0, Span::ZERO, Event::Call);
        }
    }
}
