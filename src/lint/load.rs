//! More calls than there is room for, and what keeps them from piling up.

use super::facts::{Caller, brief, capacity, direct, has_streams, longest_service, offered, peak, pods, utilization};
use super::figures::{FAILED, LONGEST, OK, P99, RETRIES, THROTTLED};
use super::probe::{kill, overload, quiet};
use super::{Found, Rule, Severity};
use crate::model::{Client, Load, Model, Server};
use crate::units::Span;

/// Seconds of a run in which nothing happens.
const QUIET: u64 = 20;
/// An overload of 20 s, and the same again to recover.
const OVERLOAD: u64 = 50;
/// How much above the capacity the load goes in it.
const TIMES: f64 = 1.3;
/// The part of the capacity that a load may take in the long run.
pub(super) const BUSY: f64 = 0.7;
/// gRPC's RESOURCE_EXHAUSTED.
const RESOURCE_EXHAUSTED: u8 = 8;

pub(super) static RULES: &[Rule] = &[
    Rule {
        code: "EK032",
        title: "more load than capacity",
        severity: Severity::Error,
        cause: "An open load does not slow down. Above the capacity queues grow for as long as it lasts, and latency says how long that was.",
        cure: "More pods (70 % of the capacity leaves room for chance), or fewer calls. Balance first: a skewed fleet is full earlier.",
        source: "docs/model.md, Warnings; queueing theory",
        example: "name: full\nduration: 1m\nservers: [{ name: api, replicas: 5, concurrency: 1 }]\n\
                  clients: [{ name: web, replicas: 10, policy: round_robin, discovery: watch, load: { open: { rate: 3200 } } }]\n",
        passes: &["clients.web.load.open.rate=3124"],
        figures: &[P99],
        find: too_much,
    },
    Rule {
        code: "EK033",
        title: "no room for one pod less",
        severity: Severity::Note,
        cause: "While a pod is gone (a crash, an eviction, a drained node) the others have its load, and that is more than they can do.",
        cure: "One pod more than the load needs.",
        source: "kubernetes docs, disruptions; docs/model.md, kill",
        example: "name: tight\nduration: 1m\nservers: [{ name: api, replicas: 5, concurrency: 1, startup: 10s }]\n\
                  clients: [{ name: web, replicas: 10, policy: round_robin, discovery: watch, load: { open: { rate: 2600 } } }]\n",
        passes: &["clients.web.load.open.rate=2499"],
        figures: &[P99],
        find: no_room,
    },
    Rule {
        code: "EK034",
        title: "neither a deadline nor a queue limit",
        severity: Severity::Note,
        cause: "In an overload calls wait in the pods' queues without end; when it is over, the pods work off calls that nobody waits for any more, and \
                all calls behind them are late.",
        cure: "A deadline on each call (gRPC has none by default), and a limit on what waits in a pod.",
        source: "grpc.io, deadlines; docs/model.md, Pods",
        example: "name: endless\nduration: 1m\nservers: [{ name: api, replicas: 5, concurrency: 1 }]\n\
                  clients: [{ name: web, replicas: 10, policy: round_robin, discovery: watch, load: { open: { rate: 2000 } } }]\n",
        passes: &["clients.web.deadline=1s"],
        figures: &[P99, FAILED],
        find: endless,
    },
    Rule {
        code: "EK035",
        title: "a deadline shorter than the service takes",
        severity: Severity::Warning,
        cause: "More than one call in a hundred takes longer than its deadline on an idle pod. It fails whatever the balancing, and its work in \
                the pod is done for nothing.",
        cure: "A deadline of several times the 99th percentile, or a faster service.",
        source: "grpc.io, deadlines; docs/model.md, Pods",
        example: "name: impatient\nduration: 1m\nservers: [{ name: api, replicas: 5, service_time: { exponential: { mean: 20ms } } }]\n\
                  clients: [{ name: web, replicas: 10, policy: round_robin, discovery: watch, deadline: 50ms, load: { open: { rate: 200 } } }]\n",
        passes: &["clients.web.deadline=93ms"],
        figures: &[FAILED],
        find: impatient,
    },
    Rule {
        code: "EK036",
        title: "retries without throttling",
        severity: Severity::Warning,
        cause: "When most attempts fail each call becomes as many attempts as it may have, and the load is multiplied just when there is least room.",
        cure: "`retryThrottling` in the service config, e.g. maxTokens 10, tokenRatio 0.1.",
        source: "gRFC A6 (Throttling Retry Attempts)",
        example: "name: retries\nduration: 1m\nservers: [{ name: api, replicas: 5, concurrency: 1, queue_limit: 10 }]\n\
                  clients:\n  - name: web\n    replicas: 10\n    policy: round_robin\n    discovery: watch\n    load: { open: { rate: 2000 } }\n    \
                  retry: { max_attempts: 4, initial_backoff: 10ms, max_backoff: 100ms, multiplier: 2, codes: [UNAVAILABLE, RESOURCE_EXHAUSTED] }\n",
        passes: &["clients.web.retry.throttling={ max_tokens: 10, token_ratio: 0.1 }"],
        figures: &[RETRIES, OK],
        find: unthrottled,
    },
    Rule {
        code: "EK037",
        title: "retries of what a full pod refuses",
        severity: Severity::Warning,
        cause: "RESOURCE_EXHAUSTED says that a pod has no room. Trying again within milliseconds adds load to a fleet that is full.",
        cure: "Retry UNAVAILABLE only, or with a back-off of seconds.",
        source: "gRFC A6; grpc.io, status codes",
        example: "name: again\nduration: 1m\nservers: [{ name: api, replicas: 5, concurrency: 1, queue_limit: 10 }]\n\
                  clients:\n  - name: web\n    replicas: 10\n    policy: round_robin\n    discovery: watch\n    load: { open: { rate: 2000 } }\n    \
                  retry: { max_attempts: 4, initial_backoff: 10ms, max_backoff: 100ms, multiplier: 2, codes: [UNAVAILABLE, RESOURCE_EXHAUSTED] }\n",
        passes: &["clients.web.retry.codes=[UNAVAILABLE]"],
        figures: &[RETRIES, P99],
        find: retries_refusals,
    },
    Rule {
        code: "EK038",
        title: "wait_for_ready without a deadline",
        severity: Severity::Note,
        cause: "A call that waits for a connection waits for ever if none comes, and its caller with it.",
        cure: "A deadline on each call.",
        source: "grpc doc/wait-for-ready.md",
        example: "name: patient\nduration: 1m\nservers: [{ name: api, replicas: 3, startup: 10s }]\n\
                  clients: [{ name: web, replicas: 10, wait_for_ready: true, load: { open: { rate: 100 } } }]\n",
        passes: &["clients.web.deadline=10s"],
        figures: &[LONGEST, OK],
        find: patient,
    },
    Rule {
        code: "EK039",
        title: "a CPU limit below what requests take at once",
        severity: Severity::Warning,
        cause: "A pod that may use several cores and is limited to fewer uses up its part of each 100 ms early, and then stands still until the \
                next: requests that came late wait for tens of milliseconds, at a mean CPU that looks fine.",
        cure: "No CPU limit (requests protect neighbours), a higher one, or fewer threads than the limit has cores (GOMAXPROCS).",
        source: "linux scheduler/sched-bwc (CFS bandwidth control); docs/blog.md, cpu-limit",
        example: "name: throttled\nduration: 1m\n\
                  servers: [{ name: api, replicas: 3, concurrency: 64, cpu: { cores: 4, limit: 1 }, service_time: { exponential: { mean: 10ms } } }]\n\
                  clients: [{ name: web, replicas: 10, policy: round_robin, discovery: watch, load: { open: { rate: 200 } } }]\n",
        passes: &["clients.web.load.open.rate=150"],
        figures: &[P99, THROTTLED],
        find: throttled,
    },
];

/// Calls per second that all pods of the start can serve.
pub(super) fn all_capacity(model: &Model) -> f64 {
    model.servers.iter().map(|s| capacity(model, s) * f64::from(s.replicas)).sum()
}

/// The servers' keys that make this many times as many pods of them.
fn times_as_many(model: &Model, times: f64) -> Vec<String> {
    let more = |s: &Server| format!("servers.{}.replicas={:.0}", s.name, (f64::from(s.replicas) * times).ceil());
    model.servers.iter().filter(|s| s.replicas > 0).map(more).collect()
}

fn first_server(model: &Model, key: &str) -> String {
    let server = model.servers.iter().find(|s| s.replicas > 0).or(model.servers.first());
    server.map_or(String::new(), |s| format!("servers.{}.{key}", s.name))
}

fn scales(model: &Model) -> bool {
    model.servers.iter().any(|s| s.hpa.is_some())
}

fn too_much(model: &Model) -> Vec<Found> {
    let (Some(rate), Some(full)) = (offered(model), utilization(model, 0)) else { return Vec::new() };
    if full < 1.0 || scales(model) {
        return Vec::new();
    }
    vec![Found {
        path: first_server(model, "replicas"),
        message: format!(
            "{} calls per second at the peak, and {} pods that serve {}",
            brief(rate),
            pods(model),
            brief(all_capacity(model))
        ),
        probe: Vec::new(),
        fix: times_as_many(model, full / BUSY),
    }]
}

fn no_room(model: &Model) -> Vec<Found> {
    let (Some(full), n) = (utilization(model, 0), pods(model)) else { return Vec::new() };
    let left = utilization(model, 1).unwrap_or(0.0);
    let Some(server) = model.servers.iter().find(|s| s.replicas > 0) else { return Vec::new() };
    if full >= 1.0 || left < 1.0 || scales(model) {
        return Vec::new();
    }
    // As many as make one less 90 % full.
    let enough = f64::from(n) * full / 0.9 + 1.0;
    vec![Found {
        path: first_server(model, "replicas"),
        message: format!(
            "the load is {:.0} % of the capacity of {n} pods, and {:.0} % of what {} have",
            100.0 * full,
            100.0 * left,
            n - 1
        ),
        probe: kill(model, &server.name, 1, 30),
        fix: times_as_many(model, enough / f64::from(n)),
    }]
}

/// True if nothing ends a client's calls before their answer.
fn waits_for_ever(client: &Client) -> bool {
    let methods = client.methods.iter().any(|m| m.deadline.is_none()) || client.methods.is_empty();
    client.deadline.is_none() && methods
}

fn endless(model: &Model) -> Vec<Found> {
    let open = |c: &&Client| matches!(c.load, Load::Open { .. }) && waits_for_ever(c);
    let clients: Vec<&Client> = model.clients.iter().filter(open).collect();
    let unlimited = model.servers.iter().any(|s| s.queue_limit.is_none());
    let (Some(first), true, Some(probe)) = (clients.first(), unlimited, overload(model, TIMES, OVERLOAD)) else {
        return Vec::new();
    };
    let deadline = whole(longest_service(model), 5);
    let names: Vec<&str> = clients.iter().map(|c| c.name.as_str()).collect();
    let mut fix: Vec<String> = clients.iter().map(|c| format!("clients.{}.deadline={deadline}", c.name)).collect();
    // What a pod works off in a quarter of the deadline.
    let limit = |s: &Server| (capacity(model, s) * deadline.as_secs_f64() / 4.0).ceil().clamp(1.0, 1e6);
    let unlimited = model.servers.iter().filter(|s| s.queue_limit.is_none());
    fix.extend(unlimited.map(|s| format!("servers.{}.queue_limit={:.0}", s.name, limit(s))));
    vec![Found {
        path: format!("clients.{}.deadline", first.name),
        message: format!("calls of {} wait for as long as it takes", names.join(", ")),
        probe,
        fix,
    }]
}

/// A multiple of a span, in whole 100 ms, at least one second.
fn whole(span: Span, times: u64) -> Span {
    let tenth = Span::from_millis(100);
    (tenth * (span * times).0.div_ceil(tenth.0)).max(Span::from_secs(1))
}

fn impatient(model: &Model) -> Vec<Found> {
    let p99 = model.servers.iter().map(|s| s.service_time.quantile(0.99) / s.speed).fold(0.0, f64::max);
    let rtt = model.cluster.rtt.as_secs_f64();
    let late = |deadline: Option<Span>, cost: f64| deadline.is_some_and(|d| d.as_secs_f64() < p99 * cost + rtt);
    let found = |path: String, deadline: Option<Span>, cost: f64| {
        let takes = Span::from_secs_f64(p99 * cost + rtt);
        let takes = Span(takes.0.next_multiple_of(100_000));
        late(deadline, cost).then(|| Found {
            message: format!(
                "a deadline of {}, and one call in a hundred takes {takes} or longer",
                deadline.unwrap_or(Span::ZERO)
            ),
            probe: quiet(model, QUIET),
            fix: vec![format!("{path}={}", Span(3 * takes.0.div_ceil(1_000_000) * 1_000_000))],
            path,
        })
    };
    let of = |c: &Client| {
        let at = format!("clients.{}", c.name);
        // A method has the client's deadline unless it has one of its own.
        let own = c.methods.iter().filter(|m| m.deadline != c.deadline);
        let own = own.filter_map(|m| found(format!("{at}.load.methods.{}.deadline", m.name), m.deadline, m.cost));
        let costs = c.methods.iter().filter(|m| m.deadline == c.deadline).map(|m| m.cost);
        let dearest = if c.methods.is_empty() { Some(1.0) } else { costs.reduce(f64::max) };
        let all = dearest.and_then(|cost| found(format!("{at}.deadline"), c.deadline, cost));
        own.chain(all).collect::<Vec<_>>()
    };
    model.clients.iter().flat_map(of).collect()
}

/// What makes a client's attempts fail: full pods, if it tries those again and there is a limit; else pods that are killed.
fn failing(model: &Model, caller: &Caller<'_>) -> Option<Vec<String>> {
    let refused = caller.grpc.retry.is_some_and(|r| r.codes.contains(RESOURCE_EXHAUSTED));
    if refused && model.servers.iter().any(|s| s.queue_limit.is_some()) {
        return overload(model, TIMES, OVERLOAD);
    }
    let server = model.servers.iter().find(|s| s.replicas > 0)?;
    Some(kill(model, &server.name, server.replicas, 20))
}

fn unthrottled(model: &Model) -> Vec<Found> {
    let found = |c: Caller<'_>| {
        let retry = c.grpc.retry.filter(|r| r.throttling.is_none())?;
        Some(Found {
            path: c.path("retry"),
            message: format!("{} attempts of each call, however many fail", retry.max_attempts),
            probe: failing(model, &c)?,
            fix: vec![c.path("retry.throttling={ max_tokens: 10, token_ratio: 0.1 }")],
        })
    };
    direct(model).filter_map(found).collect()
}

fn retries_refusals(model: &Model) -> Vec<Found> {
    let limited = model.servers.iter().any(|s| s.queue_limit.is_some());
    let found = |c: Caller<'_>| {
        let policy = c.grpc.retry?;
        (limited && policy.codes.contains(RESOURCE_EXHAUSTED) && policy.initial_backoff < Span::from_secs(1)).then(
            || {
                Some(Found {
                    path: c.path("retry.codes"),
                    message: format!(
                        "a refused call is tried again after {}, {} times",
                        policy.initial_backoff,
                        policy.max_attempts - 1
                    ),
                    probe: failing(model, &c)?,
                    fix: vec![c.path("retry.codes=[UNAVAILABLE]")],
                })
            },
        )?
    };
    direct(model).filter_map(found).collect()
}

fn patient(model: &Model) -> Vec<Found> {
    let Some(server) = model.servers.iter().find(|s| s.replicas > 0) else { return Vec::new() };
    let found = |c: Caller<'_>| Found {
        path: c.path("wait_for_ready"),
        message: format!("calls of {} wait for a connection for as long as it takes", c.name()),
        probe: kill(model, &server.name, server.replicas, 30),
        fix: vec![c.path(&format!("deadline={}", whole(longest_service(model), 5)))],
    };
    let waiting = |c: &Caller<'_>| c.grpc.wait_for_ready && waits_for_ever(c.client);
    if has_streams(model) { Vec::new() } else { direct(model).filter(waiting).map(found).collect() }
}

fn throttled(model: &Model) -> Vec<Found> {
    let Some(rate) = model.clients.iter().map(peak).sum::<Option<f64>>() else { return Vec::new() };
    let each = rate / f64::from(pods(model).max(1));
    let found = |s: &Server| {
        let cpu = s.cpu?;
        cpu.limit?;
        let used = each / capacity(model, s);
        let cores = f64::from(cpu.cores.0) / 1e3;
        (used > 0.5).then(|| Found {
            path: format!("servers.{}.cpu.limit", s.name),
            message: format!(
                "up to {} cores at once, a limit of {}, and {:.0} % of it in use on average",
                brief(cores),
                brief(cpu.most()),
                100.0 * used
            ),
            probe: quiet(model, 40),
            // `cpu` without cores of its own is nothing but the limit.
            fix: vec![if cores < f64::from(s.concurrency) {
                format!("servers.{}.cpu.limit=null", s.name)
            } else {
                format!("servers.{}.cpu=null", s.name)
            }],
        })
    };
    model.servers.iter().filter_map(found).collect()
}
