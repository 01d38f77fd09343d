//! What a rollout costs: pods that are dialled when they are gone, clients that know none that lives.

use super::discovery::for_ever;
use super::facts::{Caller, callers, direct, lag, longest_call, pods, replaced_within, utilization, whole_seconds};
use super::figures::{FAILED, IDLE_PODS, MAX_OVER_MEAN, P99, WORST_WINDOW};
use super::probe::rollout;
use super::{Found, Rule, Severity};
use crate::model::{Client, Discovery, DnsCache, Model, Poll, Protocol, Server, Shutdown, Strategy, Watch};
use crate::policy::controller::fenceposts;
use crate::theory::rollout::{Readiness, Rollout, walk};
use crate::units::Span;

/// Seconds after a rollout.
const AFTER: u64 = 40;

pub(super) static RULES: &[Rule] = &[
    Rule {
        code: "EK010",
        title: "no preStop pause while clients are still told of the pod",
        severity: Severity::Warning,
        cause: "A pod that is deleted gets SIGTERM at once, and its endpoint is withdrawn at the same time, which takes a while to reach every node. \
                Until then clients that dial again are sent to a pod that no longer listens.",
        cure: "A preStop sleep longer than the endpoints' way to the clients (5s is usual), and a grace period longer than that and the \
               longest call.",
        source: "kubernetes docs, pod-lifecycle (termination); KEP-1669; docs/model.md, how long a preStop",
        example: "name: hasty\nduration: 2m\nservers: [{ name: api, replicas: 5, startup: 3s }]\n\
                  clients: [{ name: web, replicas: 100, load: { open: { rate: 200 } } }]\n",
        passes: &["servers.api.termination.pre_stop=500ms"],
        figures: &[FAILED],
        find: no_pause,
    },
    Rule {
        code: "EK011",
        title: "a rollout quicker than gRPC may ask DNS",
        severity: Severity::Error,
        cause: "A channel asks DNS when its first connection breaks, and then not for 30 s. If that answer does not name a new pod yet (endpoint \
                lag, and the age of a cached answer) and all old pods are gone within the 30 s, no client knows a pod that lives.",
        cure: "A preStop longer than endpoint lag and DNS TTL together; or a rollout that takes longer than 30 s (minReadySeconds, maxSurge 1, \
               maxUnavailable 0); or a watch.",
        source: "grpc/grpc-go#6990, #8398; docs/blog.md, rolling-restart-headless-outage; docs/model.md, Resolver",
        example: "name: outage\nduration: 2m\nservice: { type: Headless }\nservers: [{ name: api, replicas: 5, startup: 3s }]\n\
                  clients: [{ name: web, replicas: 10, policy: round_robin, load: { open: { rate: 200 } } }]\n",
        passes: &["servers.api.min_ready=14s"],
        figures: &[FAILED, WORST_WINDOW],
        find: quicker_than_dns,
    },
    Rule {
        code: "EK015",
        title: "a preStop shorter than the staleness of polled DNS",
        severity: Severity::Warning,
        cause: "A client that polls DNS (Envoy's STRICT_DNS, NGINX, HAProxy) calls a deleted pod until an answer omits it: endpoint lag, the age \
                of a cached answer and the interval of the poll together.",
        cure: "A preStop longer than the three, and a longer grace period; or a push of the endpoints (EDS); or retries to another host.",
        source: "envoy docs, service_discovery.rst; docs/model.md, how long a preStop",
        example: "name: polled\nduration: 2m\nservice: { type: Headless }\n\
                  servers: [{ name: api, replicas: 5, termination: { pre_stop: 5s } }]\n\
                  clients: [{ name: web, replicas: 10, via: envoy, load: { open: { rate: 200 } } }]\n",
        passes: &["servers.api.termination={ pre_stop: 36s, grace: 60s }"],
        figures: &[FAILED],
        find: polled,
    },
    Rule {
        code: "EK016",
        title: "a pod's grace period shorter than its calls",
        severity: Severity::Warning,
        cause: "terminationGracePeriodSeconds counts from the deletion, the preStop sleep included. What is not done by then is killed with the \
                container.",
        cure: "A grace period of preStop, the longest call (or its deadline) and some seconds more.",
        source: "kubernetes docs, pod-lifecycle (termination); pkg/kubelet/kuberuntime (killContainer)",
        example: "name: killed\nduration: 3m\nservers:\n  - name: api\n    replicas: 3\n    concurrency: 1000\n    termination: { pre_stop: 5s }\n    \
                  service_time: { mixture: [{ weight: 99, of: 5ms }, { weight: 1, of: 40s }] }\n\
                  clients: [{ name: web, replicas: 50, load: { open: { rate: 50 } } }]\n",
        passes: &["servers.api.termination.grace=45s"],
        figures: &[FAILED],
        find: short_period,
    },
    Rule {
        code: "EK017",
        title: "maxUnavailable that leaves too few pods for the load",
        severity: Severity::Warning,
        cause: "A rolling update deletes maxUnavailable pods before the first new one is Ready. With the rest the load is above the capacity, and \
                the queues grow until new pods are there.",
        cure: "maxUnavailable 0 with a surge, or more pods.",
        source: "kubernetes pkg/controller/deployment/rolling.go; docs/model.md, Change",
        example: "name: thin\nduration: 2m\nservers: [{ name: api, replicas: 5, concurrency: 1, termination: { pre_stop: 5s } }]\n\
                  clients: [{ name: web, replicas: 20, policy: round_robin, discovery: watch, load: { open: { rate: 2700 } } }]\n",
        passes: &["clients.web.load.open.rate=2499"],
        figures: &[P99, WORST_WINDOW],
        find: too_few_left,
    },
    Rule {
        code: "EK018",
        title: "a rollout whose last pods stay empty",
        severity: Severity::Warning,
        cause: "Connections of a dying pod go to those that are ready then. The last new pods become ready when no old one is left to die, and \
                nobody dials any more.",
        cure: "All new pods before the first old one goes (maxSurge 100 %, maxUnavailable 0), with a preStop longer than the endpoint lag; an age \
               fills the last pods later; clients that balance have no such problem.",
        source: "docs/blog.md, rolling-restart; kubernetes pkg/controller/deployment/rolling.go",
        example: "name: last\nduration: 2m\n\
                  servers: [{ name: api, replicas: 5, startup: 20s, termination: { pre_stop: 5s }, strategy: { max_surge: 0, max_unavailable: 1 } }]\n\
                  clients: [{ name: web, replicas: 100, load: { open: { rate: 200 } } }]\n",
        passes: &["servers.api.strategy={ max_surge: 1, max_unavailable: 0 }"],
        figures: &[IDLE_PODS, MAX_OVER_MEAN],
        find: last_empty,
    },
    Rule {
        code: "EK019",
        title: "strategy Recreate",
        severity: Severity::Warning,
        cause: "All old pods are gone before the first new one is created: until it is Ready no call succeeds.",
        cure: "RollingUpdate, unless two versions must never run at once.",
        source: "kubernetes pkg/controller/deployment/recreate.go",
        example: "name: recreate\nduration: 1m\nservers: [{ name: api, replicas: 3, termination: { pre_stop: 5s }, strategy: { type: Recreate } }]\n\
                  clients: [{ name: web, replicas: 10, load: { open: { rate: 200 } } }]\n",
        passes: &["servers.api.strategy={ type: RollingUpdate }"],
        figures: &[FAILED],
        find: recreated,
    },
];

/// `--set`s that give a server this preStop, and time for calls after it.
fn pause(list: &str, server: &Server, seconds: u64) -> Vec<String> {
    let at = format!("{list}.{}.termination", server.name);
    let grace = whole_seconds(server.termination.grace - server.termination.pre_stop).max(5) + seconds;
    let grace = grace.max(whole_seconds(server.termination.grace));
    vec![format!("{at}.pre_stop={seconds}s"), format!("{at}.grace={grace}s")]
}

/// How long a caller that learns of pods by kube-proxy or a push may dial a deleted pod. `None`: it does not, or
/// tries another pod at once.
fn told_late(model: &Model, caller: &Caller<'_>) -> Option<Span> {
    let pushed = match caller.grpc.discovery {
        Discovery::Dns if !model.knows_pods(caller.client) => Span::ZERO,
        // Those who pick only what is connected do not notice.
        Discovery::Watch(Watch { debounce, .. }) if caller.client.has_pools() => debounce,
        _ => return None,
    };
    caller.grpc.retry.is_none().then(|| lag(model) + pushed)
}

fn no_pause(model: &Model) -> Vec<Found> {
    let http1 = model.clients.iter().any(|c| matches!(c.protocol, Protocol::Http1(_))).then(|| lag(model));
    let needed = callers(model).filter_map(|c| told_late(model, &c)).chain(http1).max();
    let servers = model.servers.iter().map(|s| ("servers", s)).filter_map(|(list, s)| Some((list, s, needed?)));
    // Clients of a gateway come to it through a ClusterIP of its own.
    let tried_again = |c: &&Client| matches!(&c.protocol, Protocol::Grpc(grpc) if grpc.retry.is_some());
    let called = |i: usize| model.clients.iter().filter(move |c| c.gateway == Some(i));
    let gateways = model.gateways.iter().enumerate().filter(|(i, _)| called(*i).any(|c| !tried_again(&c)));
    let gateways = gateways.map(|(_, g)| ("gateways", &g.server, lag(model)));
    let found = |(list, s, needed): (&str, &Server, Span)| {
        let why = format!("nodes that learn of the deletion {needed} later");
        let message = format!("a pause of {} before SIGTERM, and {why}", s.termination.pre_stop);
        (s.replicas > 1 && s.termination.pre_stop < needed)
            .then(|| longer_pause(model, list, s, message, whole_seconds(needed).max(5)))
    };
    servers.chain(gateways).filter_map(found).collect()
}

/// A preStop that is too short, which a rollout shows, and one of this many seconds cures.
fn longer_pause(model: &Model, list: &str, server: &Server, message: String, seconds: u64) -> Found {
    Found {
        path: format!("{list}.{}.termination.pre_stop", server.name),
        message,
        probe: rollout(model, &server.name, AFTER),
        fix: pause(list, server, seconds),
    }
}

/// How old what DNS says can be.
fn stale(model: &Model) -> Span {
    let caches = match model.cluster.dns.cache {
        DnsCache::None => 0,
        DnsCache::CoreDns => 1,
        DnsCache::NodeLocal => 2,
    };
    lag(model) + model.cluster.dns.ttl * caches
}

fn quicker_than_dns(model: &Model) -> Vec<Found> {
    let asking = direct(model).filter(|c| c.asks_dns() && model.connects_to_all(c.client));
    let Some(floor) = asking.map(|c| c.grpc.resolver.min_interval).max() else { return Vec::new() };
    let stale = stale(model);
    let quick =
        |s: &&Server| s.replicas > 0 && replaced_within(s) < floor && s.termination.pre_stop + s.min_ready < stale;
    let found = |s: &Server| {
        let within = replaced_within(s);
        let why = format!("clients ask DNS once in {floor}, and its answer can be {stale} old");
        longer_pause(
            model,
            "servers",
            s,
            format!("all pods are replaced within about {within}, {why}"),
            whole_seconds(stale) + 1,
        )
    };
    model.servers.iter().filter(quick).map(found).collect()
}

fn polled(model: &Model) -> Vec<Found> {
    let intervals = callers(model).filter(|c| c.grpc.retry.is_none()).filter_map(|c| match c.grpc.discovery {
        Discovery::Poll(Poll { interval }) => Some(interval),
        _ => None,
    });
    let Some(interval) = intervals.max() else { return Vec::new() };
    let needed = stale(model) + interval;
    let found = |s: &Server| {
        let why = format!("polls that may name the pod for {needed} after its deletion");
        longer_pause(
            model,
            "servers",
            s,
            format!("a pause of {}, and {why}", s.termination.pre_stop),
            whole_seconds(needed) + 1,
        )
    };
    model.servers.iter().filter(|s| s.replicas > 0 && s.termination.pre_stop < needed).map(found).collect()
}

fn short_period(model: &Model) -> Vec<Found> {
    let longest = longest_call(model);
    // A gateway that exits at once does not wait for its calls, whatever the period.
    let waits = |i: usize| model.shutdown(model.servers.len() + i) != Shutdown::AtOnce;
    let gateways = model.gateways.iter().enumerate().filter(|(i, _)| waits(*i)).map(|(_, g)| ("gateways", &g.server));
    let all = model.servers.iter().map(|s| ("servers", s)).chain(gateways);
    let short = |(_, s): &(&str, &Server)| s.replicas > 0 && s.termination.grace < s.termination.pre_stop + longest;
    let found = |(list, s): (&str, &Server)| Found {
        path: format!("{list}.{}.termination.grace", s.name),
        message: format!(
            "{} from deletion to SIGKILL, {} of it before SIGTERM, and one call in a thousand takes {longest} or longer",
            s.termination.grace, s.termination.pre_stop
        ),
        probe: rollout(model, &s.name, AFTER),
        fix: vec![format!(
            "{list}.{}.termination.grace={}s",
            s.name,
            whole_seconds(s.termination.pre_stop + longest) + 5
        )],
    };
    all.filter(short).map(found).collect()
}

/// Surge and unavailable of a rolling update in pods.
fn steps(server: &Server) -> Option<(u32, u32)> {
    match server.strategy {
        Strategy::RollingUpdate { max_surge, max_unavailable } if server.replicas > 0 => {
            Some(fenceposts(max_surge, max_unavailable, server.replicas))
        }
        _ => None,
    }
}

fn too_few_left(model: &Model) -> Vec<Found> {
    let found = |s: &Server| {
        let (surge, unavailable) = steps(s)?;
        let (all, left) = (utilization(model, 0)?, utilization(model, unavailable).unwrap_or(f64::INFINITY));
        let at = format!("servers.{}.strategy", s.name);
        (all < 1.0 && left >= 1.0).then(|| Found {
            message: format!(
                "{unavailable} of {} pods may be away: the load is {:.0} % of the capacity, and {:.0} % of what is left",
                s.replicas,
                100.0 * all,
                100.0 * left
            ),
            path: at.clone(),
            probe: rollout(model, &s.name, AFTER),
            fix: vec![format!("{at}={{ max_surge: {}, max_unavailable: 0 }}", surge.max(1))],
        })
    };
    model.servers.iter().filter_map(found).collect()
}

/// A pod with less than this part of its share is all but empty.
const STARVED: f64 = 0.25;

fn last_empty(model: &Model) -> Vec<Found> {
    let placed = |c: &Caller<'_>| !model.connects_to_all(c.client) && !for_ever(model, c).is_empty();
    // With fewer connections than pods some are empty in any case.
    let connections: u64 = callers(model).filter(placed).map(|c| c.connections()).sum();
    if connections < u64::from(pods(model)).max(1) {
        return Vec::new();
    }
    let found = |s: &Server| {
        let (surge, unavailable) = steps(s)?;
        let readiness = if s.startup.is_constant() { Readiness::Waves } else { Readiness::OneByOne };
        let lagging = s.termination.pre_stop < lag(model);
        let last = *walk(Rollout { replicas: s.replicas, surge, unavailable, readiness, lagging })?.new_pods.last()?;
        let at = format!("servers.{}.strategy", s.name);
        let mut fix = vec![format!("{at}={{ max_surge: 100%, max_unavailable: 0 }}")];
        if lagging {
            fix.extend(pause("servers", s, whole_seconds(lag(model)).max(5)));
        }
        // A pod that is Ready before the one that it replaces closes its connections takes part in that deal.
        let late = s.startup.quantile(0.0) > s.termination.pre_stop.as_secs_f64();
        (s.replicas > 1 && late && last < STARVED).then(|| Found {
            message: format!("the pod that becomes ready last gets {last:.2} of its share of the connections"),
            path: at,
            probe: rollout(model, &s.name, AFTER),
            fix,
        })
    };
    model.servers.iter().filter_map(found).collect()
}

fn recreated(model: &Model) -> Vec<Found> {
    let found = |(list, s): (&str, &Server)| Found {
        path: format!("{list}.{}.strategy.type", s.name),
        message: format!("a rollout leaves no pod for {} and more", Span::from_secs_f64(s.startup.mean())),
        probe: rollout(model, &s.name, AFTER),
        fix: vec![format!("{list}.{}.strategy={{ type: RollingUpdate }}", s.name)],
    };
    let gateways = model.gateways.iter().map(|g| ("gateways", &g.server));
    let all = model.servers.iter().map(|s| ("servers", s)).chain(gateways);
    all.filter(|(_, s)| s.strategy == Strategy::Recreate && s.replicas > 0).map(found).collect()
}
