//! Bounds on products of sizes, each of which is in range: what would need some gigabytes is refused before it is tried.
//! Deployments count with the most replicas that the timeline or an autoscaler gives them; a rollout's surge is not counted.

use super::{Check, MAX_CHANNELS, MAX_PODS, MAX_ROWS, MAX_SLOTS};
use crate::model::{Client, Expectation, Load, Maglev, Model, Policy, Protocol, RingHash, What};
use crate::model::{Scale, defaults};
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::Key;
use crate::scenario::quantity::Count;
use crate::scenario::rules::Code;

/// What the nodes know of the endpoints: a list per node, 4 to 8 bytes per pod.
const MAX_VIEWS: u64 = 100_000_000;
/// Addresses that the channels know: some 20 bytes each.
const MAX_ADDRESSES: u64 = 50_000_000;
/// Windows of a run whose `window` is not given: at most this many at the end.
const WINDOWS: u64 = 300;
/// Windows that are kept while the length of a run is not known: they are merged as they come.
const WINDOWS_WITHOUT_DURATION: u64 = 3_000;

/// What a run may need before its first call, in bytes: with the calls in flight it stays below 2 GB or so.
const MAX_BYTES: u64 = 1_500_000_000;

/// What things need at most, in bytes; measured.
mod bytes {
    /// A pod that answers calls: itself, and histograms of its latencies.
    pub(super) const POD: u64 = 8_000;
    /// A slot: what is in it, and its place in the tree of completions.
    pub(super) const SLOT: u64 = 28;
    /// An endpoint in a node's view, and in what is kept of its changes.
    pub(super) const ENDPOINT: u64 = 8;
    /// A channel with its first connection.
    pub(super) const CHANNEL: u64 = 360;
    /// Another connection of a channel.
    pub(super) const CONNECTION: u64 = 300;
    /// An address that a channel knows.
    pub(super) const ADDRESS: u64 = 24;
    /// A point of a ring, and an entry of a table.
    pub(super) const POINT: u64 = 16;
    pub(super) const ENTRY: u64 = 4;
    /// A worker of a closed load.
    pub(super) const WORKER: u64 = 12;
    /// A row of `pods.csv`, and the latencies behind it where an expectation asks for those of a part of the run.
    pub(super) const ROW: u64 = 300;
    pub(super) const ROW_WITH_LATENCIES: u64 = 1_500;
    /// A histogram of latencies of a client's method.
    pub(super) const METHOD: u64 = 8_000;
}

/// This many of something, of this many bytes each: what it is, its factors, and what makes it less.
struct Product(u64, u64, &'static str);

/// The most calls in flight that a scenario may ask for: some 20 GB.
const MAX_CALLS: u32 = 100_000_000;

pub(super) fn calls_in_flight(cx: &mut Check<'_>, key: Key<Count>) -> u32 {
    cx.count_or(key, "max_calls_in_flight", 1, MAX_CALLS, defaults::MAX_CALLS_IN_FLIGHT)
}

pub(super) fn products(cx: &mut Check<'_>, model: &Model, root: Place) {
    let most: Vec<u64> = (0..model.servers.len()).map(|server| most_replicas(model, server)).collect();
    let pods: u64 = most.iter().sum();
    let mut refused = false;
    let mut limit = |n: u64, most: u64, what: &str| {
        if n > most {
            refused = true;
            cx.problem(Code::OutOfRange, root, format!("{n} {what} in all, and the most is {most}"));
        }
    };
    limit(pods, MAX_PODS, "pods (with those that the timeline adds)");
    let slots: u64 = model.servers.iter().zip(&most).map(|(s, n)| n * u64::from(s.concurrency)).sum();
    limit(slots, MAX_SLOTS, "slots (replicas × concurrency, with those that the timeline adds)");
    limit(u64::from(model.cluster.nodes) * pods, MAX_VIEWS, "endpoints in the nodes' views (nodes × pods)");
    let known = |c: &Client| u64::from(c.replicas) * u64::from(c.channels) * pods;
    let connections = model.clients.iter().filter(|c| model.connects_to_all(c)).map(known).sum();
    limit(connections, MAX_CHANNELS, "connections to all pods (replicas × channels × pods)");
    let grpc = |c: &&Client| model.knows_pods(c) && matches!(c.protocol, Protocol::Grpc(_));
    let addresses: u64 = model.clients.iter().filter(grpc).map(known).sum();
    limit(addresses, MAX_ADDRESSES, "addresses in channels (replicas × channels × pods)");
    let windows = match (model.window, model.duration) {
        (None, None) => WINDOWS_WITHOUT_DURATION,
        (None, Some(_)) => WINDOWS,
        (Some(window), Some(duration)) => duration.0.div_ceil(window.0.max(1)),
        // Nobody knows.
        (Some(_), None) => 0,
    };
    let rows = windows.saturating_mul(pods);
    limit(rows, MAX_ROWS, "rows (windows × pods; a longer `window`, and a `duration`, make fewer)");
    let row =
        if model.expect.iter().any(Expectation::asks_for_latencies) { bytes::ROW_WITH_LATENCIES } else { bytes::ROW };
    let products = [
        Product(pods, bytes::POD, "pods (lower `replicas`, and those of the timeline)"),
        Product(slots, bytes::SLOT, "slots (replicas × concurrency; lower `concurrency`)"),
        Product(
            u64::from(model.cluster.nodes) * pods,
            bytes::ENDPOINT,
            "endpoints (nodes × pods; lower `cluster.nodes`)",
        ),
        Product(channels(model, |_| 1), bytes::CHANNEL, "channels (replicas × channels or workers; lower either)"),
        Product(
            channels(model, |c| hosts(model, c, pods)),
            bytes::CONNECTION,
            "connections (replicas × channels or workers × pods; lower one, or set `subset`)",
        ),
        Product(addresses, bytes::ADDRESS, "addresses (replicas × channels × pods; lower one)"),
        Product(
            channels(model, |c| points(c, pods)),
            bytes::POINT,
            "points of rings (replicas × channels × ring size; lower `max_ring_size`)",
        ),
        Product(
            channels(model, entries),
            bytes::ENTRY,
            "entries of tables (replicas × channels × table size; lower `table_size`)",
        ),
        Product(workers(model), bytes::WORKER, "workers (lower `concurrency` of the closed loads)"),
        Product(rows, row, "rows (windows × pods; set a longer `window`, or a `duration`)"),
        Product(
            model.clients.iter().map(|c| c.methods.len() as u64).sum(),
            bytes::METHOD,
            "methods (lower their number)",
        ),
    ];
    if !refused {
        within_memory(cx, root, &products);
    }
}

/// Refuses what needs more than a run may, and says what needs most of it.
fn within_memory(cx: &mut Check<'_>, root: Place, products: &[Product]) {
    let size = |p: &Product| p.0.saturating_mul(p.1);
    let total = products.iter().map(size).fold(0, u64::saturating_add);
    if let Some(largest) = products.iter().max_by_key(|p| size(p)).filter(|_| total > MAX_BYTES) {
        let gb = |bytes: u64| bytes as f64 / 1e9;
        let Product(n, each, what) = largest;
        let message = format!(
            "the run would need about {:.1} GB, and the most is {:.1} GB: {n} {what} of {each} bytes each are {:.1} GB of it",
            gb(total),
            gb(MAX_BYTES),
            gb(size(largest))
        );
        cx.problem(Code::OutOfRange, root, message);
    }
}

/// Something that each channel has, over all clients and gateways.
fn channels(model: &Model, of: impl Fn(&Client) -> u64) -> u64 {
    let of_clients = model.clients.iter().map(|c| (c, c.replicas));
    let of_gateways = model.gateways.iter().map(|g| (&g.client, g.server.replicas));
    let all = of_clients.chain(of_gateways);
    all.map(|(c, replicas)| (u64::from(replicas) * u64::from(c.channels)).saturating_mul(of(c)))
        .fold(0, u64::saturating_add)
}

/// Pods that a channel connects to beside the first one.
fn hosts(model: &Model, client: &Client, pods: u64) -> u64 {
    match &client.protocol {
        Protocol::Grpc(grpc) if model.connects_to_all(client) => {
            grpc.subset.map_or(pods, |subset| pods.min(subset.size.into())).saturating_sub(1)
        }
        _ => 0,
    }
}

fn policy(client: &Client) -> Option<&Policy> {
    match &client.protocol {
        Protocol::Grpc(grpc) => Some(&grpc.policy),
        Protocol::Http1(_) => None,
    }
}

/// Points of the ring of a channel, if its policy has one: as many as give each of equal pods the same whole number of them.
fn points(client: &Client, pods: u64) -> u64 {
    match policy(client) {
        Some(&Policy::RingHash(RingHash { min_ring_size, max_ring_size })) => {
            u64::from(min_ring_size).next_multiple_of(pods.max(1)).min(max_ring_size.into())
        }
        _ => 0,
    }
}

fn entries(client: &Client) -> u64 {
    match policy(client) {
        Some(&Policy::Maglev(Maglev { table_size })) => table_size.into(),
        _ => 0,
    }
}

fn workers(model: &Model) -> u64 {
    let of = |c: &Client| match &c.load {
        Load::Closed(closed) => u64::from(closed.concurrency),
        _ => 0,
    };
    model.clients.iter().map(of).sum()
}

/// The most pods that a server is ever asked to have.
fn most_replicas(model: &Model, server: usize) -> u64 {
    let scaled = model.timeline.iter().filter_map(|action| match action.what {
        What::Scale(Scale { server: scaled, replicas }) if scaled == server => Some(replicas),
        _ => None,
    });
    let server = &model.servers[server];
    scaled.chain(server.hpa.as_ref().map(|hpa| hpa.max_replicas)).chain([server.replicas]).max().unwrap_or(0).into()
}
