//! Channels, streams on a connection, subsets and keys.

use super::ages::connections_of;
use super::facts::{Caller, UNEVEN, brief, callers, direct, offered, peak, pods};
use super::figures::{IDLE_PODS, MAX_OVER_MEAN, OPENED, P99, THROUGHPUT};
use super::probe::quiet;
use super::{Found, Rule, Severity};
use crate::model::{DnsCache, Load, Model, PickFirst, Policy};

/// Seconds of a run in which nothing happens.
const QUIET: u64 = 20;

pub(super) static RULES: &[Rule] = &[
    Rule {
        code: "EK026",
        title: "several channels with a policy that connects to all pods",
        severity: Severity::Note,
        cause: "round_robin has a connection to each pod already. A second channel does the same once more: twice the connections, and nothing \
                for balance.",
        cure: "One channel; more where calls wait for streams (max_concurrent_streams).",
        source: "docs/blog.md, checklist; gRFC A105",
        example: "name: twice\nduration: 1m\nservers: [{ name: api, replicas: 5 }]\n\
                  clients: [{ name: web, replicas: 10, channels: 4, policy: round_robin, discovery: watch, load: { open: { rate: 200 } } }]\n",
        passes: &["clients.web.channels=1"],
        figures: &[OPENED, MAX_OVER_MEAN, P99],
        find: channels_for_nothing,
    },
    Rule {
        code: "EK027",
        title: "fewer streams per connection than calls under way",
        severity: Severity::Warning,
        cause: "Calls beyond max_concurrent_streams wait on the connection that was picked, while pods have room; the policy does not know.",
        cure: "A higher limit (gRPC's default is none), or more channels.",
        source: "gRFC A105; grpc/grpc-java#8252; grpc/grpc#11704",
        example: "name: narrow\nduration: 1m\nservers: [{ name: api, replicas: 2, concurrency: 64, service_time: 20ms, grpc: { max_concurrent_streams: 10 } }]\n\
                  clients: [{ name: web, load: { open: { rate: 1000 } } }]\n",
        passes: &["servers.api.grpc.max_concurrent_streams=26"],
        figures: &[P99, THROUGHPUT],
        find: few_streams,
    },
    Rule {
        code: "EK028",
        title: "random subsets of too few clients",
        severity: Severity::Warning,
        cause: "Each channel keeps a random part of the pods. How many channels a pod has is binomial: with C channels that keep k of n pods its \
                coefficient of variation is √((1-k/n)/(C·k/n)), and nothing evens it out.",
        cure: "Larger subsets, or none: subsets are for hundreds of clients and pods.",
        source: "gRFC A68; docs/model.md, subset",
        example: "name: subset\nduration: 1m\nservers: [{ name: api, replicas: 10, concurrency: 1 }]\n\
                  clients: [{ name: web, replicas: 10, policy: round_robin, discovery: watch, subset: { size: 2 }, load: { open: { rate: 1000 } } }]\n",
        passes: &["clients.web.replicas=64"],
        figures: &[MAX_OVER_MEAN, IDLE_PODS, P99],
        find: small_subset,
    },
    Rule {
        code: "EK029",
        title: "channels that share one connection",
        severity: Severity::Warning,
        cause: "C-core and grpc-js give channels with equal settings one subchannel per address. Behind a ClusterIP a pool of channels is one \
                connection, and so one pod.",
        cure: "`grpc.use_local_subchannel_pool`, or any channel argument that differs.",
        source: "grpc src/core (subchannel pool, SubchannelKey); grpc/grpc#20985, #18487",
        example: "name: shared\nduration: 1m\nservers: [{ name: api, replicas: 5, concurrency: 1 }]\n\
                  clients: [{ name: web, replicas: 5, channels: 20, shared_subchannels: true, load: { open: { rate: 1000 } } }]\n",
        passes: &["clients.web.shared_subchannels=false"],
        figures: &[MAX_OVER_MEAN, IDLE_PODS, P99],
        find: shared,
    },
    Rule {
        code: "EK030",
        title: "pick_first behind NodeLocal DNSCache",
        severity: Severity::Warning,
        cause: "NodeLocal DNSCache gives one order of the addresses to everybody on its node until the answer expires, and pick_first takes the \
                first: all clients of a node are on one pod.",
        cure: "round_robin; or pick_first with `shuffleAddressList`.",
        source: "kubernetes cluster/addons/dns/nodelocaldns (no loadbalance plugin); gRFC A62",
        example: "name: herd\nduration: 1m\nservice: { type: Headless }\ncluster: { dns: { cache: node_local } }\n\
                  servers: [{ name: api, replicas: 5, concurrency: 1 }]\nclients: [{ name: web, replicas: 100, load: { open: { rate: 1000 } } }]\n",
        passes: &["clients.web.policy={ pick_first: { shuffle: true } }"],
        figures: &[MAX_OVER_MEAN, IDLE_PODS, P99],
        find: herd,
    },
    Rule {
        code: "EK031",
        title: "a key with more than two pods' share",
        severity: Severity::Warning,
        cause: "Consistent hashing sends all calls of a key to one pod. A key with a large part of the calls makes that pod hot, and no number of \
                pods helps.",
        cure: "A key with more values of more equal popularity, or a policy that does not hash.",
        source: "gRFC A42; envoy docs, load_balancers.rst (ring hash, Maglev)",
        example: "name: hot-key\nduration: 1m\nservers: [{ name: api, replicas: 5, concurrency: 1 }]\n\
                  clients: [{ name: web, replicas: 10, policy: ring_hash, discovery: watch, keys: { count: 10, zipf: 1.5 }, load: { open: { rate: 1000 } } }]\n",
        passes: &["clients.web.keys={ count: 10, zipf: 1.1 }"],
        figures: &[MAX_OVER_MEAN, P99],
        find: hot_key,
    },
];

fn channels_for_nothing(model: &Model) -> Vec<Found> {
    if model.servers.iter().any(|s| s.grpc.max_concurrent_streams.is_some()) {
        return Vec::new();
    }
    let found = |c: Caller<'_>| Found {
        path: c.path("channels"),
        message: format!(
            "{} channels per replica make {} connections, where {} do the same",
            c.client.channels,
            connections_of(model, &c),
            connections_of(model, &c) / u64::from(c.client.channels)
        ),
        probe: quiet(model, QUIET),
        fix: vec![c.path("channels=1")],
    };
    let many = direct(model).filter(|c| c.client.channels > 1 && model.connects_to_all(c.client));
    many.filter(|c| c.grpc.subset.is_none()).map(found).collect()
}

fn few_streams(model: &Model) -> Vec<Found> {
    let Some(limit) = model.servers.iter().filter_map(|s| s.grpc.max_concurrent_streams).min() else {
        return Vec::new();
    };
    let service = model.servers.iter().map(|s| s.service_time.mean() / s.speed).fold(0.0, f64::max);
    let found = |c: Caller<'_>| {
        let connections = connections_of(model, &c).max(1) as f64;
        let under_way = match &c.client.load {
            Load::Closed(closed) => f64::from(closed.concurrency) / connections,
            // Little's law; a limit that is almost reached in the mean is exceeded half of the time.
            _ => 1.25 * peak(c.client)? / connections * (service + model.cluster.rtt.as_secs_f64()),
        };
        (under_way > f64::from(limit)).then(|| Found {
            path: model
                .servers
                .first()
                .map_or(String::new(), |s| format!("servers.{}.grpc.max_concurrent_streams", s.name)),
            message: format!(
                "a connection of {} has up to {} calls under way, and {limit} streams",
                c.name(),
                brief(under_way)
            ),
            probe: quiet(model, QUIET),
            fix: model.servers.iter().map(|s| format!("servers.{}.grpc.max_concurrent_streams=null", s.name)).collect(),
        })
    };
    direct(model).filter_map(found).collect()
}

fn small_subset(model: &Model) -> Vec<Found> {
    let n = f64::from(pods(model));
    let found = |c: Caller<'_>| {
        let part = f64::from(c.grpc.subset?.size) / n;
        let channels = c.connections() as f64;
        let cv = if part < 1.0 { ((1.0 - part) / (channels * part)).sqrt() } else { 0.0 };
        (cv > UNEVEN).then(|| Found {
            path: c.path("subset.size"),
            message: format!(
                "{channels} channels with {} of {n} pods each: on average {} per pod, with a cv of {cv:.2}",
                brief(part * n),
                brief(channels * part)
            ),
            probe: quiet(model, QUIET),
            fix: vec![c.path("subset=null")],
        })
    };
    direct(model).filter_map(found).collect()
}

fn shared(model: &Model) -> Vec<Found> {
    let found = |c: Caller<'_>| {
        let channels = Some(c.grpc.sharers).filter(|n| *n > 1)?;
        Some(Found {
            path: c.path("shared_subchannels"),
            message: format!("{channels} channels of a replica are one connection, on one of {} pods", pods(model)),
            probe: quiet(model, QUIET),
            fix: vec![c.path("shared_subchannels=false")],
        })
    };
    direct(model).filter(|c| pods(model) > 1 && !model.knows_pods(c.client)).filter_map(found).collect()
}

fn herd(model: &Model) -> Vec<Found> {
    if model.cluster.dns.cache != DnsCache::NodeLocal || pods(model) < 2 {
        return Vec::new();
    }
    let found = |c: Caller<'_>| Found {
        path: c.path("policy"),
        message: format!("all replicas on each of {} nodes take the same first address", model.cluster.nodes),
        probe: quiet(model, QUIET),
        fix: vec![c.path("policy={ pick_first: { shuffle: true } }")],
    };
    let in_order = |c: &Caller<'_>| matches!(c.grpc.policy, Policy::PickFirst(PickFirst { shuffle: false, .. }));
    direct(model).filter(|c| model.knows_pods(c.client) && c.asks_dns() && in_order(c)).map(found).collect()
}

fn hot_key(model: &Model) -> Vec<Found> {
    let n = f64::from(pods(model));
    let found = |c: Caller<'_>| {
        let first = *c.grpc.keys.cumulative.as_ref()?.first()?;
        let mine = match (peak(c.client), offered(model)) {
            (Some(mine), Some(all)) if c.gateway.is_none() && all > 0.0 => mine / all,
            _ => 1.0,
        };
        (c.grpc.policy.hashes() && first * mine * n > 2.0).then(|| Found {
            path: c.path("keys"),
            message: format!(
                "one key has {:.0} % of the calls, {:.1} times a pod's share",
                100.0 * first,
                first * mine * n
            ),
            probe: quiet(model, QUIET),
            fix: vec![c.path("keys=null")],
        })
    };
    callers(model).filter_map(found).collect()
}
