//! Pings: those that servers punish, and those that are missing.

use super::facts::{Caller, brief, direct, whole_seconds};
use super::figures::{FAILED, OK, RETRIES, TOO_MANY_PINGS, UNFINISHED};
use super::probe::{AT, probe, quiet};
use super::{Found, Rule, Severity};
use crate::model::{Model, Server};
use crate::units::Span;

/// Connections begin within this many seconds.
const BEGIN: u64 = 30;

/// Seconds in which pings that are so far apart end a connection: one that is in order, one more than there may be strikes (two more where
/// the server's stack counts so), and one for what data sets back.
fn long_enough(time: Span, servers: &[&Server]) -> u64 {
    let strikes = servers.iter().filter_map(|s| s.grpc.keepalive_enforcement.most_strikes()).max().unwrap_or(0);
    BEGIN + whole_seconds(time * (u64::from(strikes) + 4))
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        code: "EK012",
        title: "keepalive faster than the server permits",
        severity: Severity::Warning,
        cause: "A gRPC server counts pings that come closer than its min_time (5 minutes by default) as strikes, and ends the connection at the \
                third, with the calls on it: too_many_pings. Data that the server sends sets the count back, so that a test with load does not \
                show it; long calls and streams on which nothing comes are cut.",
        cure: "Set the server's enforcement to what the clients do (EnforcementPolicy.MinTime at most their keepalive time), or ping less often.",
        source: "gRFC A8; grpc-go internal/transport/http2_server.go (handlePing); docs/blog.md, keepalive-checklist",
        example: "name: pings\nduration: 4m\nservers: [{ name: api, replicas: 3 }]\n\
                  clients: [{ name: web, replicas: 10, keepalive: { time: 30s, timeout: 10s }, load: { streams: { rate: 0.1, duration: 1h } } }]\n",
        passes: &["servers.api.grpc.keepalive_enforcement.min_time=30s"],
        figures: &[TOO_MANY_PINGS, FAILED, RETRIES],
        find: too_fast,
    },
    Rule {
        code: "EK013",
        title: "keepalive without calls, which the server does not permit",
        severity: Severity::Warning,
        cause: "With permit_without_stream a client pings although it has no call. A server that does not permit it allows one such ping in two \
                hours, and ends the connection at the third strike: idle connections are closed and opened for ever.",
        cure: "Set permit_without_stream on both sides, with a min_time that fits, or on neither.",
        source: "gRFC A8; grpc-go keepalive.EnforcementPolicy; docs/blog.md, keepalive-checklist",
        example: "name: idle-pings\nduration: 4m\nservers: [{ name: api, replicas: 3, grpc: { keepalive_enforcement: { min_time: 30s } } }]\n\
                  clients: [{ name: web, replicas: 10, keepalive: { time: 30s, timeout: 10s, permit_without_stream: true }, load: { open: { rate: 10 } } }]\n",
        passes: &["servers.api.grpc.keepalive_enforcement.permit_without_stream=true"],
        figures: &[TOO_MANY_PINGS],
        find: not_permitted,
    },
    Rule {
        code: "EK014",
        title: "no keepalive: a pod that vanishes keeps its connections",
        severity: Severity::Warning,
        cause: "A node that hangs or is cut off sends no FIN and no RST. Without keepalive (and the TCP_USER_TIMEOUT that gRPC sets with it) TCP \
                tries for 15 minutes, and all calls on the connection wait that long, or fail with their deadline.",
        cure: "Client keepalive, say 30s with a timeout of 10s, and a server's enforcement that permits it.",
        source: "gRFC A8, A18; linux ip-sysctl (tcp_retries2); docs/model.md, black_hole",
        example: "name: silence\nduration: 1m\nservers: [{ name: api, replicas: 5 }]\n\
                  clients: [{ name: web, replicas: 100, deadline: 1s, load: { open: { rate: 200 } } }]\n",
        passes: &["clients.web.keepalive={ time: 5m }"],
        figures: &[OK, FAILED, UNFINISHED],
        find: missing,
    },
];

/// The servers that punish something about a client's pings.
fn punishing<'a>(model: &'a Model, is: impl Fn(&Caller<'_>, &Server) -> bool) -> Vec<(Caller<'a>, Vec<&'a Server>)> {
    let strict = |c: Caller<'a>| {
        c.grpc.keepalive?;
        let servers =
            model.servers.iter().filter(|s| s.grpc.keepalive_enforcement.most_strikes().is_some() && is(&c, s));
        Some((c, servers.collect::<Vec<_>>()))
    };
    direct(model).filter_map(strict).filter(|(_, servers)| !servers.is_empty()).collect()
}

fn too_fast(model: &Model) -> Vec<Found> {
    let is =
        |c: &Caller<'_>, s: &Server| c.grpc.keepalive.is_some_and(|k| k.time < s.grpc.keepalive_enforcement.min_time);
    let found = |(c, servers): (Caller<'_>, Vec<&Server>)| {
        let time = c.grpc.keepalive?.time;
        let min_time = servers.first()?.grpc.keepalive_enforcement.min_time;
        let at = |s: &Server| format!("servers.{}.grpc.keepalive_enforcement.min_time={time}", s.name);
        Some(Found {
            path: c.path("keepalive.time"),
            message: format!("a ping after {time} of silence, and a server that permits one each {min_time}"),
            probe: silent_streams(model, &c, long_enough(time, &servers)),
            fix: servers.into_iter().map(at).collect(),
        })
    };
    punishing(model, is).into_iter().filter_map(found).collect()
}

/// A client's calls are streams on which nothing is said: the load that pings are made for.
fn silent_streams(model: &Model, caller: &Caller<'_>, seconds: u64) -> Vec<String> {
    let mut sets = quiet(model, seconds);
    // One per connection in a third of the time in which they are to begin.
    let rate = brief(3.0 * caller.connections() as f64 / BEGIN as f64);
    sets.push(caller.path(&format!("load={{ streams: {{ rate: {rate}, duration: 1h }} }}")));
    sets.extend([caller.path("deadline=null"), caller.path("retry=null")]);
    sets
}

fn not_permitted(model: &Model) -> Vec<Found> {
    let is = |c: &Caller<'_>, s: &Server| {
        c.grpc.keepalive.is_some_and(|k| k.permit_without_stream) && !s.grpc.keepalive_enforcement.permit_without_stream
    };
    let found = |(c, servers): (Caller<'_>, Vec<&Server>)| {
        let time = c.grpc.keepalive?.time;
        let mut probe = quiet(model, long_enough(time, &servers));
        let fix = servers.into_iter().flat_map(|s| {
            let at = format!("servers.{}.grpc.keepalive_enforcement", s.name);
            let min_time = s.grpc.keepalive_enforcement.min_time.min(time);
            [format!("{at}.permit_without_stream=true"), format!("{at}.min_time={min_time}")]
        });
        // Calls for a moment, and then none.
        let rate = c.connections();
        let curve = format!("[{{ at: 0s, rate: {rate} }}, {{ at: 5s, rate: {rate} }}, {{ at: 5s, rate: 0 }}]");
        probe.push(c.path(&format!("load={{ open: {{ curve: {curve} }} }}")));
        Some(Found {
            path: c.path("keepalive.permit_without_stream"),
            message: format!("a ping each {time} without a call, and a server that permits one in 2h"),
            probe,
            fix: fix.collect(),
        })
    };
    punishing(model, is).into_iter().filter_map(found).collect()
}

/// What the cure sets.
const KEEPALIVE: Span = Span::from_secs(30);

fn missing(model: &Model) -> Vec<Found> {
    let without: Vec<Caller<'_>> = direct(model).filter(|c| c.grpc.keepalive.is_none()).collect();
    let (Some(first), Some(server)) = (without.first(), model.servers.iter().find(|s| s.replicas > 0)) else {
        return Vec::new();
    };
    let names: Vec<&str> = without.iter().map(Caller::name).collect();
    let mut fix: Vec<String> = without.iter().map(|c| c.path("keepalive={ time: 30s, timeout: 10s }")).collect();
    let strict = model.servers.iter().filter(|s| s.grpc.keepalive_enforcement.min_time > KEEPALIVE);
    fix.extend(strict.map(|s| format!("servers.{}.grpc.keepalive_enforcement.min_time={KEEPALIVE}", s.name)));
    let dark = format!("{{ at: {AT}s, black_hole: {{ server: {} }} }}", server.name);
    vec![Found {
        path: first.path("keepalive"),
        message: format!("{} would not notice a pod that is cut off", names.join(", ")),
        probe: probe(model, AT + 50, &dark),
        fix,
    }]
}
