//! Proxies beside clients, and gateways.

use super::facts::{Caller, brief, callers, direct, peak};
use super::figures::{FAILED, IDLE_GATEWAYS, MAX_OVER_MEAN, OK, P99};
use super::load::{BUSY, all_capacity};
use super::probe::{opened, overload, quiet, scale_up};
use super::{Found, Rule, Severity};
use crate::model::{Client, EnvoyCluster, HaproxyRandom, Load, Model, Policy, Protocol, Rules, Sidecar, SidecarKind};
use crate::words::counted;

/// Seconds of a run in which nothing happens.
const QUIET: u64 = 20;

pub(super) static RULES: &[Rule] = &[
    Rule {
        code: "EK044",
        title: "pods that warm up, and a proxy without slow start",
        severity: Severity::Note,
        cause: "A cold pod (JIT, caches) is slow at first. Envoy gives it a full share from its first second on, and its queue is everybody's \
                p99.",
        cure: "`slow_start` of the cluster (Istio: `warmup`) as long as the pods take.",
        source: "envoy docs, slow_start.rst; istio DestinationRule (warmup)",
        example: "name: cold\nduration: 2m\n\
                  servers: [{ name: api, replicas: 3, concurrency: 1, warm_up: { initial: 10%, time: 30s } }]\n\
                  clients: [{ name: web, replicas: 2, via: istio, policy: round_robin, load: { open: { rate: 1200 } } }]\n",
        passes: &["clients.web.via={ istio: { slow_start: { window: 30s } } }"],
        figures: &[P99],
        find: cold,
    },
    Rule {
        code: "EK045",
        title: "HAProxy's random with weight 1",
        severity: Severity::Warning,
        cause: "`balance random` looks its draws up on a ring that has 16 points per unit of weight. With weight 1, the default, the parts of \
                the ring differ for good, and so do the shares.",
        cure: "A weight of 16 or more on each server, or `balance leastconn`.",
        source: "haproxy src/chash (SRV_EWGHT_RANGE), doc/configuration.txt (balance random); docs/model.md, Gateways",
        example: "name: ring\nduration: 1m\nservice: { type: Headless }\nservers: [{ name: api, replicas: 5, concurrency: 1, termination: { pre_stop: 5s } }]\n\
                  gateways: [{ name: edge, replicas: 2, proxy: haproxy }]\n\
                  clients: [{ name: web, replicas: 20, via: { gateway: edge }, load: { open: { rate: 1000 } } }]\n",
        passes: &["gateways.edge.proxy={ haproxy: { weight: 2 } }"],
        figures: &[MAX_OVER_MEAN, P99],
        find: coarse_ring,
    },
    Rule {
        code: "EK046",
        title: "fewer connections than gateway pods",
        severity: Severity::Warning,
        cause: "A gateway's own Service is a ClusterIP: kube-proxy puts each client connection on one of its pods, for as long as it lasts. With \
                fewer connections than pods some gateways have nothing to do.",
        cure: "More channels per client, or fewer gateway pods; a headless Service for the gateway.",
        source: "docs/model.md, Gateways; kubernetes pkg/proxy/iptables/proxier.go",
        example: "name: edge\nduration: 1m\nservers: [{ name: api, replicas: 5 }]\ngateways: [{ name: edge, replicas: 6, proxy: waypoint }]\n\
                  clients: [{ name: web, replicas: 5, via: { gateway: edge }, load: { open: { rate: 1000 } } }]\n",
        passes: &["clients.web.replicas=6"],
        figures: &[IDLE_GATEWAYS],
        find: idle_gateways,
    },
    Rule {
        code: "EK047",
        title: "circuit breakers below the load",
        severity: Severity::Warning,
        cause: "Envoy fails what is beyond `max_requests` under way with UNAVAILABLE, although the pods have room. The default of 1,024 is per \
                cluster and proxy.",
        cure: "A limit well above the calls that are under way: rate times latency, and room for chance.",
        source: "envoy circuit_breaker.proto; Little's law",
        example: "name: breaker\nduration: 1m\nservers: [{ name: api, replicas: 5, concurrency: 64, service_time: 20ms }]\n\
                  clients: [{ name: web, via: { istio: { circuit_breakers: { max_requests: 20 } } }, load: { open: { rate: 1000 } } }]\n",
        passes: &["clients.web.via.istio.circuit_breakers.max_requests=35"],
        figures: &[FAILED],
        find: breakers,
    },
    Rule {
        code: "EK048",
        title: "outlier detection that may eject most pods",
        severity: Severity::Warning,
        cause: "In an overload all pods refuse calls. gRPC's outlier detection then ejects one after the other, up to max_ejection_percent, and \
                the rest has all the load.",
        cure: "max_ejection_percent of 50 % at most; 10 % is the default.",
        source: "gRFC A50 (max_ejection_percent)",
        example: "name: ejected\nduration: 1m\nservers: [{ name: api, replicas: 5, concurrency: 1, queue_limit: 10 }]\n\
                  clients:\n  - name: web\n    replicas: 4\n    policy: round_robin\n    discovery: watch\n    load: { open: { rate: 2000 } }\n    \
                  outlier_detection: { max_ejection_percent: 100%, failure_percentage: { threshold: 10% } }\n",
        passes: &["clients.web.outlier_detection.max_ejection_percent=50%"],
        figures: &[OK, FAILED],
        find: ejects_most,
    },
];

/// An Envoy: beside a client, or a gateway.
struct Envoy<'a> {
    caller: Caller<'a>,
    via: &'a Sidecar,
    cluster: EnvoyCluster,
}

impl Envoy<'_> {
    /// Path of one of its settings.
    fn path(&self, key: &str) -> String {
        match self.caller.gateway {
            Some(gateway) => self.caller.path(&format!("proxy.{}.{key}", gateway.proxy)),
            None => self.caller.path(&format!("via.{}.{key}", self.via.kind.name())),
        }
    }

    /// Who calls through it.
    fn clients<'m>(&self, model: &'m Model) -> Vec<&'m Client> {
        let name = &self.caller.client.name;
        let of = |c: &&Client| match (self.caller.gateway, c.gateway.and_then(|i| model.gateways.get(i))) {
            (Some(_), Some(gateway)) => gateway.server.name == *name,
            (None, None) => c.name == *name,
            _ => false,
        };
        model.clients.iter().filter(of).collect()
    }
}

fn envoys(model: &Model) -> impl Iterator<Item = Envoy<'_>> {
    callers(model).filter_map(|caller| {
        let via = caller.client.via.as_ref()?;
        let knows = matches!(via.kind, SidecarKind::Envoy | SidecarKind::Istio);
        Some(Envoy { caller, via, cluster: via.cluster.filter(|_| knows)? })
    })
}

fn cold(model: &Model) -> Vec<Found> {
    let warm = model.servers.iter().enumerate().filter_map(|(i, s)| Some((i, s.warm_up?)));
    let Some((server, warm_up)) = warm.max_by_key(|(_, w)| w.time) else { return Vec::new() };
    let found = |envoy: Envoy<'_>| {
        let weighs = matches!(envoy.caller.grpc.policy, Policy::RoundRobin(_) | Policy::LeastRequest(_));
        let at = envoy.path("slow_start");
        (weighs && envoy.cluster.slow_start.is_none() && model.knows_pods(envoy.caller.client)).then(|| Found {
            message: format!(
                "a new pod has {:.0} % of its speed, and a full share of the calls",
                100.0 * warm_up.initial
            ),
            path: at.clone(),
            probe: scale_up(model, server, 40),
            fix: vec![format!("{at}={{ window: {} }}", warm_up.time)],
        })
    };
    envoys(model).filter_map(found).collect()
}

fn coarse_ring(model: &Model) -> Vec<Found> {
    let coarse = |c: &Caller<'_>| c.grpc.policy == Policy::HaproxyRandom(HaproxyRandom { weight: 1 });
    let found = |c: Caller<'_>| Found {
        path: c.path("proxy"),
        message: "16 points per server on the ring that draws are looked up on".to_owned(),
        probe: quiet(model, QUIET),
        fix: vec![c.path("proxy.haproxy.weight=16")],
    };
    callers(model).filter(coarse).map(found).collect()
}

fn idle_gateways(model: &Model) -> Vec<Found> {
    let found = |(i, gateway): (usize, &crate::model::Gateway)| {
        let clients = || model.clients.iter().filter(move |c| c.gateway == Some(i));
        let connections: u64 = clients().map(|c| u64::from(c.replicas) * u64::from(c.channels)).sum();
        let pods = u64::from(gateway.server.replicas);
        let busiest: &Client = clients().max_by_key(|c| c.replicas)?;
        // Four per pod: one in e^4 is without. Workers that wait for answers need one each, and shared channels are one.
        let channels = (4 * pods).div_ceil(u64::from(busiest.replicas));
        let shared = matches!(&busiest.protocol, Protocol::Grpc(grpc) if grpc.shared_subchannels);
        let fix = if shared || matches!(busiest.load, Load::Closed(_)) {
            format!("gateways.{}.replicas={}", gateway.server.name, connections.div_ceil(4))
        } else {
            format!("clients.{}.channels={channels}", busiest.name)
        };
        (connections < pods).then(|| Found {
            path: format!("gateways.{}.replicas", gateway.server.name),
            message: format!(
                "{} for {pods} pods: at least {} without any",
                counted(connections, "connection"),
                counted(pods - connections, "pod")
            ),
            probe: quiet(model, QUIET),
            fix: vec![fix],
        })
    };
    model.gateways.iter().enumerate().filter_map(found).collect()
}

fn breakers(model: &Model) -> Vec<Found> {
    let service = model.servers.iter().map(|s| s.service_time.mean() / s.speed).fold(0.0, f64::max);
    let found = |envoy: Envoy<'_>| {
        let limit = envoy.cluster.circuit_breakers?.max_requests;
        let takes = service + model.cluster.rtt.as_secs_f64() + envoy.via.overhead.mean();
        // In all pods of the proxy together.
        let calls = |client: &Client| match &client.load {
            Load::Closed(closed) => Some((f64::from(closed.concurrency), 0.0)),
            // Little's law, and the variance of a Poisson count.
            _ => peak(client).map(|rate| (rate * takes, rate * takes)),
        };
        let clients = envoy.clients(model).into_iter().map(calls).collect::<Option<Vec<_>>>()?;
        let (mean, variance) = clients.iter().fold((0.0, 0.0), |(mean, variance), c| (mean + c.0, variance + c.1));
        let replicas = f64::from(envoy.caller.client.replicas.max(1));
        let under_way = mean / replicas + 3.0 * (variance / replicas).sqrt();
        let at = envoy.path("circuit_breakers.max_requests");
        let mut probe = quiet(model, QUIET);
        probe.retain(|set| !set.ends_with("load.closed.requests=null"));
        probe.extend(opened(model, BUSY * all_capacity(model)));
        (under_way > f64::from(limit)).then(|| Found {
            message: format!("up to {} calls are under way in each proxy, and {limit} may be", brief(under_way.ceil())),
            path: at.clone(),
            probe,
            fix: vec![format!("{at}={:.0}", (2.0 * under_way).ceil())],
        })
    };
    envoys(model).filter_map(found).collect()
}

fn ejects_most(model: &Model) -> Vec<Found> {
    let found = |c: Caller<'_>| {
        let detection = c.grpc.outlier_detection.filter(|d| d.rules == Rules::Grpc && d.max_ejection_percent > 50)?;
        let at = c.path("outlier_detection.max_ejection_percent");
        Some(Found {
            message: format!(
                "up to {} % of the pods may be left out at once, each for {}",
                detection.max_ejection_percent, detection.base_ejection_time
            ),
            path: at.clone(),
            probe: overload(model, 1.3, 60).unwrap_or_default(),
            fix: vec![format!("{at}=50%")],
        })
    };
    direct(model).filter_map(found).collect()
}
