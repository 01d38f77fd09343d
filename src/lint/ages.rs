//! How long connections live, on both sides.

use super::facts::{Caller, brief, callers, direct, has_streams, longest_call, peak, pods, whole_seconds};
use super::figures::{FAILED, IDLE_PODS, MESSAGES, OPENED, RECONNECTS};
use super::probe::{quiet, scale_up};
use super::{Found, Rule, Severity};
use crate::model::{Load, Model, Server};
use crate::units::Span;
use crate::words::counted;

pub(super) static RULES: &[Rule] = &[
    Rule {
        code: "EK020",
        title: "a connection age without a grace, and long streams",
        severity: Severity::Warning,
        cause: "A GOAWAY lets the streams that are open finish, and the default grace is for ever: streams that live longer than the age stay \
                on their pod, and so does their load.",
        cure: "MaxConnectionAgeGrace, and an application that opens a stream again which was cut.",
        source: "gRFC A9; grpc/grpc-java#9903; docs/blog.md, streams-age",
        example: "name: streams\nduration: 5m\nservers: [{ name: api, replicas: 3, startup: 3s, grpc: { max_connection_age: 5m } }]\n\
                  clients: [{ name: web, replicas: 30, load: { streams: { rate: 5, duration: 1h, messages: { interval: 1s } } } }]\n",
        passes: &["servers.api.grpc.max_connection_age_grace=30s"],
        figures: &[MESSAGES, IDLE_PODS],
        find: age_without_grace,
    },
    Rule {
        code: "EK021",
        title: "a grace shorter than the longest call",
        severity: Severity::Warning,
        cause: "When the grace after a connection's age is over, the connection is closed, and the calls on it fail with UNAVAILABLE.",
        cure: "A grace as long as the longest call, or its deadline; or retries, if calls may be made twice.",
        source: "gRFC A9; docs/blog.md, the production checklist (grace)",
        example: "name: cut\nduration: 2m\nservers:\n  - name: api\n    replicas: 3\n    concurrency: 1000\n    service_time: { mixture: [{ weight: 99, of: 5ms }, { weight: 1, of: 20s }] }\n    \
                  grpc: { max_connection_age: 5m, max_connection_age_grace: 10s }\n\
                  clients: [{ name: web, replicas: 30, load: { open: { rate: 100 } } }]\n",
        passes: &["servers.api.grpc.max_connection_age_grace=20s"],
        figures: &[FAILED],
        find: short_grace,
    },
    Rule {
        code: "EK022",
        title: "a connection age below gRPC's DNS interval",
        severity: Severity::Note,
        cause: "gRPC's resolver asks DNS at most once in 30 s. Connections that end more often than that are dialled again to the same pods, at \
                the price of a handshake each, and find new pods no sooner.",
        cure: "An age well above 30 s; minutes are usual.",
        source: "grpc-go internal/resolver/dns (MinResolutionInterval); gRFC A9",
        example: "name: young\nduration: 2m\nservice: { type: Headless }\n\
                  servers: [{ name: api, replicas: 3, grpc: { max_connection_age: 20s } }]\n\
                  clients: [{ name: web, replicas: 20, policy: round_robin, load: { open: { rate: 100 } } }]\n",
        passes: &["servers.api.grpc.max_connection_age=34s"],
        figures: &[RECONNECTS],
        find: younger_than_dns,
    },
    Rule {
        code: "EK023",
        title: "a connection age on both sides",
        severity: Severity::Note,
        cause: "The server's MaxConnectionAge and the lifetime in the clients' pool do the same: the one that is due first ends the connection, \
                and the other adds reconnects.",
        cure: "Keep one of them: the server's, which holds for all clients.",
        source: "docs/blog.md, the production checklist; max-connection-age and pool-max-lifetime-single",
        example: "name: both\nduration: 2m\nservers: [{ name: api, replicas: 3, grpc: { max_connection_age: 5m } }]\n\
                  clients: [{ name: web, replicas: 100, connection_lifetime: { max: 5m }, load: { open: { rate: 100 } } }]\n",
        passes: &["clients.web.connection_lifetime=null"],
        figures: &[OPENED, RECONNECTS],
        find: both_sides,
    },
    Rule {
        code: "EK024",
        title: "connections used up by requests within seconds",
        severity: Severity::Note,
        cause: "A connection that carries r calls per second lives for N/r with a limit of N requests. HTTP/1.1's limits of 100 to 1,000 make a \
                busy gRPC connection reconnect all the time.",
        cure: "A limit in minutes of traffic (NGINX `keepalive_requests`, Envoy `max_requests_per_connection`), or an age instead.",
        source: "nginx docs, ngx_http_core_module (keepalive_requests); envoy protocol.proto (HttpProtocolOptions); grpc/grpc-java#10948",
        example: "name: storm\nduration: 1m\nservers: [{ name: api, replicas: 3, grpc: { max_requests_per_connection: 100 } }]\n\
                  clients: [{ name: web, replicas: 4, load: { open: { rate: 200 } } }]\n",
        passes: &["servers.api.grpc.max_requests_per_connection=500"],
        figures: &[RECONNECTS],
        find: used_up,
    },
    Rule {
        code: "EK025",
        title: "idle connections that are closed and dialled again",
        severity: Severity::Note,
        cause: "round_robin keeps a connection to each pod, and dials a lost one again at once. With fewer calls per connection than one in \
                MaxConnectionIdle, each is closed and opened for ever.",
        cure: "Leave MaxConnectionIdle out, make it longer than calls are apart, or have fewer connections (a subset).",
        source: "gRFC A9; grpc-go balancer/endpointsharding (a child that is IDLE is told to connect)",
        example: "name: churn\nduration: 2m\nservers: [{ name: api, replicas: 5, grpc: { max_connection_idle: 10s } }]\n\
                  clients: [{ name: web, replicas: 50, policy: round_robin, discovery: watch, load: { open: { rate: 10 } } }]\n",
        passes: &["servers.api.grpc.max_connection_idle=50s"],
        figures: &[RECONNECTS],
        find: churn,
    },
];

/// Connections that a server gets from all direct callers.
fn connections(model: &Model) -> u64 {
    let of = |c: Caller<'_>| connections_of(model, &c);
    callers(model).map(of).sum()
}

/// Connections that a caller has to all pods together.
pub(super) fn connections_of(model: &Model, caller: &Caller<'_>) -> u64 {
    let each = if model.connects_to_all(caller.client) {
        u64::from(caller.grpc.subset.map_or(pods(model), |subset| subset.size.min(pods(model))))
    } else {
        1
    };
    caller.connections() * each
}

fn age_without_grace(model: &Model) -> Vec<Found> {
    let longest = model.clients.iter().filter_map(|c| match &c.load {
        Load::Streams(streams) => Some(Span::from_secs_f64(streams.duration.quantile(0.9))),
        _ => None,
    });
    let Some(longest) = longest.max() else { return Vec::new() };
    let found = |(i, s): (usize, &Server)| {
        let age = s.grpc.max_connection_age.filter(|age| *age < longest)?;
        let at = format!("servers.{}.grpc.max_connection_age", s.name);
        let mut probe = scale_up(model, i, 110);
        probe.push(format!("{at}=1m"));
        let found = Found {
            message: format!("connections end at {age}, streams of up to {longest} stay on them"),
            path: at.clone(),
            probe,
            fix: vec![format!("{at}_grace=30s")],
        };
        s.grpc.max_connection_age_grace.is_none().then_some(found)
    };
    model.servers.iter().enumerate().filter_map(found).collect()
}

fn short_grace(model: &Model) -> Vec<Found> {
    if has_streams(model) {
        return Vec::new();
    }
    let longest = longest_call(model);
    let found = |s: &Server| {
        s.grpc.max_connection_age?;
        let grace = s.grpc.max_connection_age_grace.filter(|grace| *grace < longest)?;
        let at = format!("servers.{}.grpc.max_connection_age", s.name);
        let mut probe = quiet(model, 40 + 2 * whole_seconds(longest));
        probe.push(format!("{at}=30s"));
        Some(Found {
            path: format!("{at}_grace"),
            message: format!("a grace of {grace}, and one call in a thousand takes {longest} or longer"),
            probe,
            fix: vec![format!("{at}_grace={}s", whole_seconds(longest) + 1)],
        })
    };
    model.servers.iter().filter_map(found).collect()
}

fn younger_than_dns(model: &Model) -> Vec<Found> {
    let asking = direct(model).filter(|c| c.asks_dns() && model.connects_to_all(c.client));
    let Some(floor) = asking.map(|c| c.grpc.resolver.min_interval).max() else { return Vec::new() };
    let found = |s: &Server| {
        let age = s.grpc.max_connection_age.filter(|age| age.0 / 10 * 9 < floor.0)?;
        let at = format!("servers.{}.grpc.max_connection_age", s.name);
        Some(Found {
            message: format!("connections end after {age}, ±10 %, and clients ask DNS once in {floor}"),
            path: at.clone(),
            probe: quiet(model, 100),
            fix: vec![format!("{at}={}s", 2 * whole_seconds(floor))],
        })
    };
    model.servers.iter().filter_map(found).collect()
}

fn both_sides(model: &Model) -> Vec<Found> {
    let Some(age) = model.servers.iter().filter_map(|s| s.grpc.max_connection_age).min() else { return Vec::new() };
    let found = |c: Caller<'_>| {
        let lifetime = c.client.connection_lifetime?.max;
        let mut probe = quiet(model, 200);
        probe.push(c.path("connection_lifetime={ max: 30s }"));
        let aged = model.servers.iter().filter(|s| s.grpc.max_connection_age.is_some());
        probe.extend(aged.map(|s| format!("servers.{}.grpc.max_connection_age=30s", s.name)));
        Some(Found {
            path: c.path("connection_lifetime"),
            message: format!("a lifetime of {lifetime} here, and an age of {age} on the server"),
            probe,
            fix: vec![c.path("connection_lifetime=null")],
        })
    };
    direct(model).filter_map(found).collect()
}

/// A connection should carry calls for at least this many seconds.
const SHORT_LIFE: f64 = 10.0;

fn used_up(model: &Model) -> Vec<Found> {
    let of_servers = model.servers.iter().map(|s| {
        let rate: Option<f64> = model.clients.iter().map(peak).sum();
        (s, "servers", rate, connections(model))
    });
    let of_gateways = model.gateways.iter().enumerate().map(|(i, g)| {
        let clients = || model.clients.iter().filter(move |c| c.gateway == Some(i));
        let rate: Option<f64> = clients().map(peak).sum();
        (&g.server, "gateways", rate, clients().map(|c| u64::from(c.replicas) * u64::from(c.channels)).sum())
    });
    let found = |(s, list, rate, connections): (&Server, &str, Option<f64>, u64)| {
        let limit = s.grpc.max_requests_per_connection?;
        let each = rate? / connections.max(1) as f64;
        let life = f64::from(limit) / each;
        let at = format!("{list}.{}.grpc.max_requests_per_connection", s.name);
        (life < SHORT_LIFE).then(|| Found {
            message: format!(
                "{limit} requests are {} s of a connection's {} calls per second, on {}",
                brief(life),
                brief(each),
                counted(connections, "connection")
            ),
            path: at.clone(),
            probe: quiet(model, 30),
            // Five minutes.
            fix: vec![format!("{at}={:.0}", (300.0 * each).ceil())],
        })
    };
    of_servers.chain(of_gateways).filter_map(found).collect()
}

fn churn(model: &Model) -> Vec<Found> {
    let apart = direct(model).filter(|c| model.connects_to_all(c.client)).filter_map(|c| {
        let each = peak(c.client)? / connections_of(model, &c).max(1) as f64;
        (each > 0.0).then(|| Span::from_secs_f64(1.0 / each))
    });
    let Some(apart) = apart.max() else { return Vec::new() };
    let found = |s: &Server| {
        let idle = s.grpc.max_connection_idle.filter(|idle| idle.0 < 2 * apart.0)?;
        let at = format!("servers.{}.grpc.max_connection_idle", s.name);
        Some(Found {
            message: format!("closed after {idle} without a call, and calls of a connection are {apart} apart"),
            path: at.clone(),
            probe: quiet(model, 60),
            fix: vec![format!("{at}=null")],
        })
    };
    model.servers.iter().filter_map(found).collect()
}
