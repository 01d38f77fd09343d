//! How clients learn of new pods, and when.

use super::facts::{Caller, callers, direct, pods};
use super::figures::{IDLE_PODS, MAX_OVER_MEAN};
use super::probe::scale_up;
use super::{Found, Rule, Severity};
use crate::model::{Model, Server};
use crate::units::Span;
use crate::words::counted;

/// An age that shows in a run of two minutes; in production 5m to 30m are usual.
const AGE: &str = "1m";
/// Age, its jitter, the DNS cache and the resolver's 30 s.
const AFTER: u64 = 110;

pub(super) static RULES: &[Rule] = &[
    Rule {
        code: "EK008",
        title: "headless DNS without a connection age: new pods are not found",
        severity: Severity::Warning,
        cause: "gRPC's resolver asks DNS again only when a connection breaks, and none does: after a scale-up the clients go round the pods that \
                they know, for ever. An autoscaler pays for pods that nobody calls.",
        cure: "MaxConnectionAge on the server (5m to 30m, with a grace), a lifetime in the clients' pool, or a watch (xDS, kuberesolver). The \
               evidence takes 1m, to be short.",
        source: "gRFC A9; grpc/grpc#12295; docs/blog.md, scale-up-headless and scale-up-headless-age",
        example: "name: blind\nduration: 2m\nservice: { type: Headless }\nservers: [{ name: api, replicas: 5 }]\n\
                  clients: [{ name: web, replicas: 10, policy: round_robin, load: { open: { rate: 200 } } }]\n",
        passes: &["servers.api.grpc.max_connection_age=5m"],
        figures: &[IDLE_PODS, MAX_OVER_MEAN],
        find: headless_without_age,
    },
    Rule {
        code: "EK009",
        title: "connections without an age: new pods get nothing",
        severity: Severity::Warning,
        cause: "Connections never move. What kube-proxy, ztunnel or pick_first has placed stays where it is, so that pods that come later have \
                nothing until clients connect again.",
        cure: "MaxConnectionAge on the server (5m to 30m, with a grace), or a lifetime in the clients' pool: after t a part t/A of the \
               connections has been dealt again. It does not even them out; EK001 and EK002 do. The evidence takes 1m, to be short.",
        source: "gRFC A9; docs/blog.md, scale-up-clusterip and scale-up-clusterip-age",
        example: "name: pinned\nduration: 2m\nservers: [{ name: api, replicas: 5 }]\nclients: [{ name: web, replicas: 100, load: { open: { rate: 200 } } }]\n",
        passes: &["servers.api.grpc.max_connection_age=5m"],
        figures: &[IDLE_PODS, MAX_OVER_MEAN],
        find: pinned_without_age,
    },
    Rule {
        code: "EK049",
        title: "a connection age of more than an hour",
        severity: Severity::Note,
        cause: "Until t a part t/A of the connections has reached an age of A, and only those come to new pods, or ask DNS. With hours, what a \
                rollout or a scale-up has made uneven stays so until the next one.",
        cure: "Minutes (5m to 30m, with a grace): the price is reconnects, one per connection and age. The evidence takes 1m, to be short.",
        source: "gRFC A9; docs/capacity.md, which MaxConnectionAge",
        example: "name: old\nduration: 2m\nservice: { type: Headless }\nservers: [{ name: api, replicas: 3, grpc: { max_connection_age: 61m } }]\n\
                  clients: [{ name: web, replicas: 20, policy: round_robin, load: { open: { rate: 100 } } }]\n",
        passes: &["servers.api.grpc.max_connection_age=60m"],
        figures: &[IDLE_PODS, MAX_OVER_MEAN],
        find: too_old,
    },
];

/// Rollouts and autoscalers come sooner.
const TOO_OLD: Span = Span::from_secs(3600);

/// True if this server never ends a connection that is in use.
fn keeps(server: &Server) -> bool {
    server.grpc.max_connection_age.is_none() && server.grpc.max_requests_per_connection.is_none()
}

/// True if the caller ends its connections itself.
fn ends_connections(caller: &Caller<'_>) -> bool {
    caller.client.connection_lifetime.is_some()
        || caller.client.via.as_ref().and_then(|v| v.cluster).is_some_and(|c| c.max_requests_per_connection.is_some())
}

/// The servers to which a caller's connections are for ever.
pub(super) fn for_ever<'a>(model: &'a Model, caller: &Caller<'_>) -> Vec<(usize, &'a Server)> {
    if ends_connections(caller) {
        Vec::new()
    } else {
        model.servers.iter().enumerate().filter(|(_, s)| s.replicas > 0 && keeps(s)).collect()
    }
}

/// One finding for all of these callers whose connections are for ever.
fn age(model: &Model, callers: &[Caller<'_>], says: impl Fn(u32) -> String) -> Vec<Found> {
    let Some((first, servers)) = callers.iter().find_map(|c| {
        let servers = for_ever(model, c);
        Some((servers.first()?.0, servers))
    }) else {
        return Vec::new();
    };
    let fix = servers.iter().flat_map(|(_, s)| {
        let at = format!("servers.{}.grpc.max_connection_age", s.name);
        [format!("{at}={AGE}"), format!("{at}_grace=30s")]
    });
    vec![Found {
        path: format!("servers.{}.grpc", servers[0].1.name),
        message: says(pods(model)),
        probe: scale_up(model, first, AFTER),
        fix: fix.collect(),
    }]
}

fn headless_without_age(model: &Model) -> Vec<Found> {
    let callers: Vec<Caller<'_>> = direct(model).filter(|c| c.asks_dns() && model.connects_to_all(c.client)).collect();
    age(model, &callers, |pods| {
        format!("no connection ends by itself, so that the clients never look for more pods than these {pods}")
    })
}

fn pinned_without_age(model: &Model) -> Vec<Found> {
    let callers: Vec<Caller<'_>> = callers(model).filter(|c| !model.connects_to_all(c.client)).collect();
    let connections: u64 = callers.iter().map(Caller::connections).sum();
    if connections < u64::from(pods(model)) {
        // There is nothing to deal to more pods.
        return Vec::new();
    }
    age(model, &callers, |pods| {
        let connections = counted(connections, "connection");
        format!("{connections} that never move: pods added to these {pods} would get nothing")
    })
}

fn too_old(model: &Model) -> Vec<Found> {
    let waits = |c: &Caller<'_>| (c.asks_dns() || !model.connects_to_all(c.client)) && !ends_connections(c);
    if !callers(model).any(|c| waits(&c)) {
        return Vec::new();
    }
    let found = |(i, s): (usize, &Server)| {
        let age = s.grpc.max_connection_age.filter(|age| *age > TOO_OLD && s.replicas > 0)?;
        let at = format!("servers.{}.grpc.max_connection_age", s.name);
        Some(Found {
            message: format!("connections that end after {age}: a new pod waits that long for its share of them"),
            path: at.clone(),
            probe: scale_up(model, i, AFTER),
            fix: vec![format!("{at}={AGE}"), format!("{at}_grace=30s")],
        })
    };
    model.servers.iter().enumerate().filter_map(found).collect()
}
