//! Queues: latency of open loads and throughput of closed ones, where calls are spread evenly.

use super::{Applicable, Compare, ageless, pinned_connections};
use crate::distribution::Distribution;
use crate::model::{Arrivals, Client, Closed, Load, Model, Policy, Protocol, Server};
use crate::theory::queueing::{Queue, closed_loop_throughput};

/// What the queueing forms need: one server, no change, no limit that turns waiting into errors, and calls spread
/// evenly over its pods (round_robin over a headless Service) or one pod. Returns the server and the pods that share
/// the calls.
fn even_pods(model: &Model) -> Option<(&Server, u32)> {
    let [server] = model.servers.as_slice() else { return None };
    if server.speed != 1.0 || server.cpu.is_some() {
        return None;
    }
    let unlimited = server.queue_limit.is_none() && server.grpc.max_concurrent_streams.is_none();
    // HTTP/1.1 is left out since its calls may wait for a connection.
    let lasting = |c: &Client| matches!(c.protocol, Protocol::Grpc(_)) && c.connection_lifetime.is_none();
    let alike = |c: &Client| c.methods.is_empty() && c.deadline.is_none();
    let no_deadline = model.clients.iter().all(|c| alike(c) && lasting(c) && c.via.is_none());
    if !unlimited || !no_deadline || !model.timeline.is_empty() || !ageless(model) || server.replicas == 0 {
        return None;
    }
    let rotates = |c: &Client| matches!(&c.protocol, Protocol::Grpc(g) if matches!(g.policy, Policy::RoundRobin(_)));
    let even = model.clients.iter().all(|c| rotates(c) && model.knows_pods(c));
    if even || server.replicas == 1 {
        return Some((server, server.replicas));
    }
    (pinned_connections(model) == Some(1)).then_some((server, 1))
}

/// Open Poisson load: the latency of a pod as a queue of its own.
pub(super) fn open(model: &Model) -> Vec<Applicable> {
    let Some((server, pods)) = even_pods(model) else { return Vec::new() };
    let rate = |client: &Client| match &client.load {
        Load::Open { arrivals: Arrivals::Poisson, rate } if rate.points.len() == 1 => Some(rate.points[0].1),
        _ => None,
    };
    let total = model.clients.iter().map(rate).sum::<Option<f64>>();
    let service = server.service_time.mean();
    let queue = total.and_then(|t| Queue::new(t / f64::from(pods), service, server.concurrency));
    let Some(queue) = queue else { return Vec::new() };
    let exponential = matches!(server.service_time, Distribution::Exponential { min, .. } if min == 0.0);
    let (wait, name) = if exponential {
        (Some(queue.wait_exponential()), "M/M/c (Erlang C)")
    } else if server.service_time.is_constant() {
        (queue.wait_constant(), "M/D/c (Crommelin)")
    } else {
        (queue.wait_general(server.service_time.scv()), "M/G/1 (Pollaczek-Khinchine)")
    };
    let rtt = model.cluster.rtt.as_secs_f64();
    let split =
        if pods > 1 { "; an upper bound: rotation makes each pod's arrivals more regular than Poisson" } else { "" };
    let basis = format!("{name} per pod, utilization {:.2}, plus one rtt{split}", queue.utilization());
    let row = |figure: &str, path, seconds: f64| Applicable {
        figure: figure.to_string(),
        compare: Compare::Path(path),
        theory: 1e3 * (seconds + rtt),
        basis: basis.clone(),
    };
    let mut rows: Vec<Applicable> =
        wait.iter().map(|w| row("mean latency in ms", "latency_ms.mean", w + service)).collect();
    if exponential {
        rows.extend(queue.time_in_system_quantile(0.99).map(|t| row("99th percentile in ms", "latency_ms.p99", t)));
    }
    rows
}

/// Closed load with constant service: the bound of the throughput.
pub(super) fn closed(model: &Model) -> Vec<Applicable> {
    let (Some((server, pods)), [client]) = (even_pods(model), model.clients.as_slice()) else { return Vec::new() };
    let Load::Closed(Closed { concurrency, think_time, max_rate, .. }) = &client.load else { return Vec::new() };
    if !server.service_time.is_constant() {
        return Vec::new();
    }
    let (service, rtt) = (server.service_time.mean(), model.cluster.rtt.as_secs_f64());
    let thinks = think_time.mean();
    let bound = closed_loop_throughput(*concurrency, pods, server.concurrency, service, rtt + thinks);
    let bound = bound.map(|bound| max_rate.map_or(bound, |most| bound.min(most)));
    let (z, of_z) = if thinks > 0.0 { ("+Z", format!(", Z = {thinks} s of think time")) } else { ("", String::new()) };
    let (r, of_r) = max_rate.map_or(("", String::new()), |rate| (", R", format!(", R = {rate} calls per second")));
    let basis = format!(
        "upper bound min(W/(S+rtt{z}), m k/S{r}), W = {concurrency} workers, m = {pods} pods that get calls, k = {} slots{of_z}{of_r}",
        server.concurrency
    );
    let figure = "calls per second".to_string();
    bound
        .map(|theory| Applicable { figure, compare: Compare::Path("throughput_rps"), theory, basis })
        .into_iter()
        .collect()
}
