//! Connections that are placed once, by a fair draw, and carry everything from then on.

use super::facts::{Caller, UNEVEN, callers, direct, enough, peak, pods, unevenness};
use super::figures::{IDLE_PODS, MAX_OVER_MEAN, P99};
use super::probe::quiet;
use super::{Found, Rule, Severity};
use crate::model::{Discovery, GrpcClient, Load, Model, Protocol, ServiceType, SessionAffinity, SidecarKind};
use crate::words::counted;

/// Seconds of a run in which nothing happens.
const QUIET: u64 = 20;

pub(super) static RULES: &[Rule] = &[
    Rule {
        code: "EK001",
        title: "gRPC through a ClusterIP with fewer connections than pods",
        severity: Severity::Warning,
        cause: "A gRPC channel keeps one connection and sends all its calls over it; kube-proxy chooses a pod once per connection. With \
                fewer connections than pods some pods have nothing to do, whatever the load and however long one waits.",
        cure: "Let the clients balance: a headless Service with dns:/// and round_robin, or a watch of the EndpointSlices (kuberesolver, xDS), \
               or a mesh. More channels per client make it uneven instead of empty.",
        source: "kubernetes pkg/proxy/iptables/proxier.go (writeServiceToEndpointRules); gRFC A62; docs/blog.md, grpc-clusterip",
        example: "name: few\nduration: 1m\nservers: [{ name: api, replicas: 5, concurrency: 1 }]\nclients: [{ name: web, replicas: 4, load: { open: { rate: 1000 } } }]\n",
        passes: &["clients.web.replicas=5"],
        figures: &[IDLE_PODS, MAX_OVER_MEAN, P99],
        find: fewer_than_pods,
    },
    Rule {
        code: "EK002",
        title: "gRPC through a ClusterIP with few connections",
        severity: Severity::Warning,
        cause: "Each connection goes to a pod drawn uniformly, so the shares of the pods are random: the coefficient of variation is \
                √((n-1)·Σw²) for n pods and connections that carry the parts w of the load; √((n-1)/C) for C equal ones.",
        cure: "The cure of EK001; or enough connections that the draws even out: 16 (n-1) make the coefficient 0.25.",
        source: "docs/blog.md, pool-max-lifetime and grpc-clusterip-mixed; the law of a multinomial",
        example: "name: dice\nduration: 1m\nservers: [{ name: api, replicas: 5, concurrency: 1 }]\nclients: [{ name: web, replicas: 40, load: { open: { rate: 1000 } } }]\n",
        passes: &["clients.web.replicas=64"],
        figures: &[MAX_OVER_MEAN, IDLE_PODS, P99],
        find: few,
    },
    Rule {
        code: "EK003",
        title: "pick_first over a headless Service",
        severity: Severity::Warning,
        cause: "pick_first, gRPC's default, connects to one of the addresses that DNS gives: the first that answers. A headless Service alone \
                does not balance calls.",
        cure: "policy: round_robin (in a service config: `loadBalancingConfig: [{round_robin: {}}]`).",
        source: "gRFC A62, A61; docs/blog.md, the production checklist",
        example: "name: headless\nduration: 1m\nservice: { type: Headless }\nservers: [{ name: api, replicas: 5, concurrency: 1 }]\n\
                  clients: [{ name: web, replicas: 10, load: { open: { rate: 1000 } } }]\n",
        passes: &["clients.web.policy=round_robin"],
        figures: &[MAX_OVER_MEAN, IDLE_PODS, P99],
        find: pick_first_of_many,
    },
    Rule {
        code: "EK004",
        title: "a client-side policy over a ClusterIP",
        severity: Severity::Warning,
        cause: "The Service's name has one address, and a policy that chooses among one does what pick_first does.",
        cure: "A headless Service (`clusterIP: None`) and dns:///, or a watch of the EndpointSlices.",
        source: "docs/blog.md, the production checklist; docs/model.md, gRPC channels",
        example: "name: one-address\nduration: 1m\nservers: [{ name: api, replicas: 5, concurrency: 1 }]\n\
                  clients: [{ name: web, replicas: 10, policy: round_robin, load: { open: { rate: 1000 } } }]\n",
        passes: &["service.type=Headless"],
        figures: &[MAX_OVER_MEAN, IDLE_PODS, P99],
        find: one_address,
    },
    Rule {
        code: "EK005",
        title: "a proxy over a ClusterIP",
        severity: Severity::Warning,
        cause: "A proxy balances over what it is told of. A ClusterIP's name has one address, so that each worker has one connection, which \
                kube-proxy puts on one pod.",
        cure: "Point the proxy at a headless Service (Envoy: STRICT_DNS), or give it the endpoints (EDS).",
        source: "envoy docs, service_discovery.rst; envoyproxy/envoy#35083; docs/blog.md, envoy-sidecar-clusterip",
        example: "name: proxy\nduration: 1m\nservers: [{ name: api, replicas: 5, concurrency: 1 }]\n\
                  clients: [{ name: web, replicas: 10, via: envoy, load: { open: { rate: 1000 } } }]\n",
        passes: &["service.type=Headless"],
        figures: &[MAX_OVER_MEAN, IDLE_PODS, P99],
        find: proxy_of_one,
    },
    Rule {
        code: "EK006",
        title: "an opaque port in a mesh",
        severity: Severity::Warning,
        cause: "What a mesh does not look into it places by connection: with Istio a Service's port that is named tcp-…, with Linkerd an opaque \
                port, with both TLS of the application's own. All calls of a channel go to one pod.",
        cure: "Name the port grpc-… (or set `appProtocol`), and leave TLS to the mesh.",
        source: "istio pkg/config/kube/conversion.go (ConvertProtocol); linkerd docs, protocol-detection; docs/solutions.md, istio-opaque",
        example: "name: opaque\nduration: 1m\nservers: [{ name: api, replicas: 5, concurrency: 1 }]\n\
                  clients: [{ name: web, replicas: 10, via: { istio: { opaque: true } }, load: { open: { rate: 1000 } } }]\n",
        passes: &["clients.web.via.istio.opaque=false"],
        figures: &[MAX_OVER_MEAN, IDLE_PODS, P99],
        find: opaque,
    },
    Rule {
        code: "EK007",
        title: "Istio's ambient mode without a waypoint",
        severity: Severity::Warning,
        cause: "ztunnel draws a pod for each TCP connection and passes bytes on: for gRPC that is kube-proxy with encryption.",
        cure: "A waypoint for the Service (`istioctl waypoint apply`, label istio.io/use-waypoint), or sidecars.",
        source: "istio/ztunnel src/state.rs (find_upstream_from_service, load_balance); docs/blog.md, istio-ambient",
        example: "name: ambient\nduration: 1m\nservers: [{ name: api, replicas: 5, concurrency: 1 }]\n\
                  clients: [{ name: web, replicas: 10, via: ambient, load: { open: { rate: 1000 } } }]\n",
        passes: &[
            "gateways=[{ name: waypoint, replicas: 2, proxy: waypoint }]",
            "clients.web.via={ gateway: waypoint }",
        ],
        figures: &[MAX_OVER_MEAN, IDLE_PODS, P99],
        find: ambient,
    },
    Rule {
        code: "EK050",
        title: "session affinity in front of clients that should spread",
        severity: Severity::Warning,
        cause: "`sessionAffinity: ClientIP` sends each new connection of a client to the pod of its last one. More channels, a pool or HTTP/1.1 \
                without keep-alive put everything of a client on one pod, and MaxConnectionAge below the timeout brings each connection back.",
        cure: "`sessionAffinity: None`. Where calls of one user must meet one pod, route them by a key (ring_hash) instead of by address.",
        source: "kubernetes pkg/proxy/iptables/proxier.go (recent --rcheck, --set); API, SessionAffinityConfig; docs/model.md, Service",
        example: "name: kept\nduration: 1m\nservice: { session_affinity: {} }\nservers: [{ name: api, replicas: 5, concurrency: 1 }]\n\
                  clients: [{ name: web, replicas: 3, channels: 20, load: { open: { rate: 1000 } } }]\n",
        passes: &["service.session_affinity=null"],
        figures: &[MAX_OVER_MEAN, IDLE_PODS, P99],
        find: affinity,
    },
];

/// Channels without a proxy whose one connection goes through the ClusterIP.
fn pinned(model: &Model) -> Vec<Caller<'_>> {
    direct(model).filter(|c| !model.knows_pods(c.client) && c.grpc.policy.one_connection()).collect()
}

/// Calls in turn; a stack whose attempts to connect are its calls' has another policy for it.
fn in_turn(caller: &Caller<'_>) -> String {
    caller.path(if caller.grpc.backoff.per_call { "policy=peak_ewma" } else { "policy=round_robin" })
}

/// A watch; a resolver has no effect beside it.
fn watch(caller: &Caller<'_>) -> impl Iterator<Item = String> {
    let own = caller.grpc.resolver != GrpcClient::default().resolver;
    [caller.path("discovery=watch")].into_iter().chain(own.then(|| caller.path("resolver=null")))
}

/// All of these balance by themselves, over the endpoints.
pub(super) fn watching(callers: &[Caller<'_>]) -> Vec<String> {
    callers.iter().flat_map(|c| [in_turn(c)].into_iter().chain(watch(c))).collect()
}

fn fewer_than_pods(model: &Model) -> Vec<Found> {
    let (pinned, pods) = (pinned(model), pods(model));
    let connections: u64 = pinned.iter().map(|c| draws(model, c)).sum();
    let (Some(first), true) = (pinned.first(), connections < u64::from(pods)) else { return Vec::new() };
    let idle = u64::from(pods) - connections;
    vec![Found {
        path: first.path("channels"),
        message: format!(
            "{} for {pods} pods: at least {} without any",
            counted(connections, placed(model)),
            counted(idle, "pod")
        ),
        probe: quiet(model, QUIET),
        fix: watching(&pinned),
    }]
}

fn few(model: &Model) -> Vec<Found> {
    let (pinned, pods) = (pinned(model), pods(model));
    let connections: u64 = pinned.iter().map(|c| draws(model, c)).sum();
    let Some(first) = pinned.first().filter(|_| connections >= u64::from(pods)) else { return Vec::new() };
    // Connections that would be as uneven if all carried the same.
    let equal = equal_draws(model, &pinned).min(connections as f64);
    let cv = unevenness(pods, connections) * (connections as f64 / equal).sqrt();
    if cv <= UNEVEN {
        return Vec::new();
    }
    let as_many =
        if equal < 0.9 * connections as f64 { format!(", as uneven as {equal:.1} equal ones") } else { String::new() };
    vec![Found {
        path: first.path("channels"),
        message: format!(
            "{connections} {}s are placed on {pods} pods at random{as_many}: a cv of {cv:.2}; {} would make it {UNEVEN}",
            placed(model),
            enough(pods)
        ),
        probe: quiet(model, QUIET),
        fix: watching(&pinned),
    }]
}

/// Pods that are drawn for a caller without a proxy: one for each connection, or for each replica that kube-proxy sends back to its pod.
fn draws(model: &Model, caller: &Caller<'_>) -> u64 {
    model.session_affinity.map_or_else(|| caller.connections(), |_| caller.client.replicas.into())
}

/// What they are drawn for.
fn placed(model: &Model) -> &'static str {
    if model.session_affinity.is_some() { "client replica" } else { "connection" }
}

/// `1 / Σw²` over the parts `w` of the load that are placed by one draw each.
fn equal_draws(model: &Model, pinned: &[Caller<'_>]) -> f64 {
    let load = |c: &Caller<'_>| match &c.client.load {
        Load::Closed(closed) => Some(f64::from(closed.concurrency)),
        _ => peak(c.client),
    };
    let loads: Option<Vec<f64>> = pinned.iter().map(load).collect();
    let mixed = pinned.iter().any(|c| matches!(c.client.load, Load::Closed(_)))
        && pinned.iter().any(|c| !matches!(c.client.load, Load::Closed(_)));
    let (Some(loads), false) = (loads, mixed) else { return f64::INFINITY };
    let all: f64 = loads.iter().sum();
    let squares: f64 =
        pinned.iter().zip(&loads).map(|(c, load)| (load / all) * (load / all) / draws(model, c) as f64).sum();
    if all > 0.0 { 1.0 / squares } else { f64::INFINITY }
}

fn pick_first_of_many(model: &Model) -> Vec<Found> {
    let pods = pods(model);
    let found = |c: Caller<'_>| {
        let cv = unevenness(pods, c.connections());
        let message = format!(
            "pick_first: {} on {pods} pods, each the first address of an answer; a cv of {cv:.2}",
            counted(c.connections(), "connection")
        );
        let at = c.path("policy");
        Found { path: at, message, probe: quiet(model, QUIET), fix: vec![in_turn(&c)] }
    };
    let many = direct(model).filter(|c| model.knows_pods(c.client) && c.grpc.policy.one_connection());
    many.filter(|c| unevenness(pods, c.connections()) > UNEVEN).map(found).collect()
}

fn one_address(model: &Model) -> Vec<Found> {
    let pods = pods(model);
    let found = |c: Caller<'_>| Found {
        path: c.path("policy"),
        message: format!(
            "the policy has one address to choose from: {} on {pods} pods, as with pick_first",
            counted(c.connections(), "connection")
        ),
        probe: quiet(model, QUIET),
        fix: watch(&c).collect(),
    };
    let one = direct(model).filter(|c| pods > 1 && !model.knows_pods(c.client) && !c.grpc.policy.one_connection());
    one.map(found).collect()
}

fn proxy_of_one(model: &Model) -> Vec<Found> {
    if pods(model) < 2 || model.service != ServiceType::ClusterIp {
        return Vec::new();
    }
    let balances = |c: &Caller<'_>| c.gateway.is_some() || c.client.via.as_ref().is_some_and(|v| v.workers.is_some());
    let found = |c: Caller<'_>| Found {
        path: c.path("discovery"),
        message: format!(
            "the proxy knows one address: {} on {} pods",
            counted(c.connections(), "connection"),
            pods(model)
        ),
        probe: quiet(model, QUIET),
        fix: forgets(model).chain(["service.type=Headless".to_owned()]).collect(),
    };
    callers(model).filter(|c| balances(c) && c.grpc.discovery == Discovery::Dns).map(found).collect()
}

/// Takes away what a headless Service cannot have.
fn forgets(model: &Model) -> impl Iterator<Item = String> {
    model.session_affinity.map(|_| "service.session_affinity=null".to_owned()).into_iter()
}

/// Clients that session affinity leaves less even than without: those with several connections per replica, which all go to one pod,
/// and those whose connections are replaced before it forgets them.
fn affinity(model: &Model) -> Vec<Found> {
    let Some(SessionAffinity { timeout }) = model.session_affinity.filter(|_| pods(model) > 1) else {
        return Vec::new();
    };
    let through = || model.clients.iter().filter(|c| model.goes_through_kube_proxy(c));
    let several = through().find(|c| c.channels > 1 || matches!(c.protocol, Protocol::Http1(_)));
    let aged = model.servers.iter().filter_map(|s| s.grpc.max_connection_age).min().filter(|age| *age < timeout);
    let why = match (several, aged) {
        (Some(client), _) => format!("all connections of a replica of {} go to one pod", client.name),
        (None, Some(age)) if through().next().is_some() => {
            format!(
                "connections that end at max_connection_age ({age}) come back to the same pod: each starts its {timeout} again"
            )
        }
        _ => return Vec::new(),
    };
    vec![Found {
        path: "service.session_affinity".to_owned(),
        message: why,
        probe: quiet(model, QUIET),
        fix: forgets(model).collect(),
    }]
}

/// A client whose mesh places its connections.
fn passed_on(model: &Model, is: impl Fn(SidecarKind) -> bool) -> impl Iterator<Item = (Caller<'_>, SidecarKind)> {
    callers(model).filter(|c| c.gateway.is_none()).filter_map(move |c| {
        let via = c.client.via.as_ref().filter(|v| v.workers.is_none() && is(v.kind) && pods(model) > 1)?;
        Some((c, via.kind))
    })
}

fn opaque(model: &Model) -> Vec<Found> {
    let found = |(c, kind): (Caller<'_>, SidecarKind)| Found {
        path: c.path(&format!("via.{}.opaque", kind.name())),
        message: format!(
            "{} places {} on {} pods, and does not see calls",
            kind.name(),
            counted(c.connections(), "connection"),
            pods(model)
        ),
        probe: quiet(model, QUIET),
        fix: vec![c.path(&format!("via.{}.opaque=false", kind.name()))],
    };
    passed_on(model, |kind| kind != SidecarKind::Ambient).map(found).collect()
}

fn ambient(model: &Model) -> Vec<Found> {
    let fix = |c: &Caller<'_>| match model.gateways.is_empty() {
        true => vec![
            "gateways=[{ name: waypoint, replicas: 2, proxy: waypoint }]".to_owned(),
            c.path("via={ gateway: waypoint }"),
        ],
        false => vec![c.path("via=istio")],
    };
    let found = |(c, _): (Caller<'_>, SidecarKind)| Found {
        path: c.path("via"),
        message: format!(
            "ztunnel places {} on {} pods, and does not see calls",
            counted(c.connections(), "connection"),
            pods(model)
        ),
        probe: quiet(model, QUIET),
        fix: fix(&c),
    };
    passed_on(model, |kind| kind == SidecarKind::Ambient).map(found).collect()
}
