//! Bounds on products of sizes, each of which is in range: what would need some gigabytes is refused before it is tried.
//! Deployments count with the most replicas that the timeline or an autoscaler gives them; a rollout's surge is not counted.

use super::{Check, MAX_CHANNELS, MAX_PODS, MAX_ROWS, MAX_SLOTS};
use crate::scenario::diagnostic::Place;
use crate::scenario::model::{Client, Model, Protocol, What};
use crate::scenario::rules::Code;

/// What the nodes know of the endpoints: a list per node, 4 to 8 bytes per pod.
const MAX_VIEWS: u64 = 100_000_000;
/// Addresses that the channels know: some 20 bytes each.
const MAX_ADDRESSES: u64 = 50_000_000;
/// Windows of a run whose `window` is not given: at most so many at the end.
const WINDOWS: u64 = 300;
/// So many are kept meanwhile if its length is not known before: they are merged as they come.
const WINDOWS_WITHOUT_DURATION: u64 = 3_000;

pub(super) fn products(cx: &mut Check<'_>, model: &Model, root: Place) {
    let most: Vec<u64> = (0..model.servers.len()).map(|server| most_replicas(model, server)).collect();
    let pods: u64 = most.iter().sum();
    let mut limit = |n: u64, most: u64, what: &str| {
        if n > most {
            cx.problem(Code::OutOfRange, root, format!("{n} {what} in all, and the most is {most}"));
        }
    };
    limit(pods, MAX_PODS, "pods (with those that the timeline adds)");
    let slots = model.servers.iter().zip(&most).map(|(s, n)| n * u64::from(s.concurrency)).sum();
    limit(slots, MAX_SLOTS, "slots (replicas × concurrency, with those that the timeline adds)");
    limit(u64::from(model.cluster.nodes) * pods, MAX_VIEWS, "endpoints in the nodes' views (nodes × pods)");
    let known = |c: &Client| u64::from(c.replicas) * u64::from(c.channels) * pods;
    let connections = model.clients.iter().filter(|c| model.connects_to_all(c)).map(known).sum();
    limit(connections, MAX_CHANNELS, "connections to all pods (replicas × channels × pods)");
    let grpc = |c: &&Client| model.knows_pods(c) && matches!(c.protocol, Protocol::Grpc(_));
    let addresses = model.clients.iter().filter(grpc).map(known).sum();
    limit(addresses, MAX_ADDRESSES, "addresses in channels (replicas × channels × pods)");
    let windows = match (model.window, model.duration) {
        (None, None) => WINDOWS_WITHOUT_DURATION,
        (None, Some(_)) => WINDOWS,
        (Some(window), Some(duration)) => duration.0.div_ceil(window.0.max(1)),
        // Nobody knows.
        (Some(_), None) => 0,
    };
    limit(
        windows.saturating_mul(pods),
        MAX_ROWS,
        "rows (windows × pods; a longer `window`, and a `duration`, make fewer)",
    );
}

/// The most pods that a server is ever asked to have.
fn most_replicas(model: &Model, server: usize) -> u64 {
    let scaled = model.timeline.iter().filter_map(|action| match action.what {
        What::Scale { server: scaled, replicas } if scaled == server => Some(replicas),
        _ => None,
    });
    let server = &model.servers[server];
    scaled.chain(server.hpa.as_ref().map(|hpa| hpa.max_replicas)).chain([server.replicas]).max().unwrap_or(0).into()
}
