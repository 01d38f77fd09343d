//! What the rules ask of a model: who connects to the servers, how many independent choices that is, and how much load there is.

use crate::model::{Client, Discovery, Gateway, GrpcClient, Load, Model, Protocol, Server, Strategy};
use crate::policy::controller::fenceposts;
use crate::units::Span;

/// Someone who connects to the servers: a client, or the other side of a gateway.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub client: &'a Client,
    pub grpc: &'a GrpcClient,
    /// It is a gateway.
    pub gateway: Option<&'a Gateway>,
}

impl Caller<'_> {
    /// Path of one of its keys.
    pub(super) fn path(&self, key: &str) -> String {
        let list = if self.gateway.is_some() { "gateways" } else { "clients" };
        format!("{list}.{}.{key}", self.client.name)
    }

    pub(super) fn name(&self) -> &str {
        &self.client.name
    }

    /// A gRPC channel of the application's own, without a proxy.
    pub(super) fn is_direct(&self) -> bool {
        self.gateway.is_none() && self.client.via.is_none()
    }

    /// gRPC's own resolver, of a headless Service if there is one.
    pub(super) fn asks_dns(&self) -> bool {
        self.grpc.discovery == Discovery::Dns
    }

    /// Connections to the servers, each of which is on a pod of its own choice for as long as it lasts.
    pub(super) fn connections(&self) -> u64 {
        let per_replica = match (&self.client.via, self.gateway) {
            // Each worker of a proxy has a connection to the one address that it knows.
            (Some(via), None) => via.workers.map_or(self.client.channels, |w| w.min(self.client.channels)),
            _ => self.client.channels,
        };
        u64::from(self.client.replicas) * u64::from(per_replica)
    }
}

/// All gRPC callers of the servers.
pub(super) fn callers(model: &Model) -> impl Iterator<Item = Caller<'_>> {
    let clients = model.clients.iter().filter(|c| c.gateway.is_none()).map(|c| (c, None));
    let gateways = model.gateways.iter().map(|g| (&g.client, Some(g)));
    clients.chain(gateways).filter_map(|(client, gateway)| match &client.protocol {
        Protocol::Grpc(grpc) => Some(Caller { client, grpc, gateway }),
        Protocol::Http1(_) => None,
    })
}

/// Clients of the application that speak gRPC to the servers themselves.
pub(super) fn direct(model: &Model) -> impl Iterator<Item = Caller<'_>> {
    callers(model).filter(Caller::is_direct)
}

/// Pods behind the Service at the start.
pub(super) fn pods(model: &Model) -> u32 {
    model.servers.iter().map(|s| s.replicas).fold(0, u32::saturating_add)
}

/// `√((n-1)/C)`: the coefficient of variation of the pods' connections, of which there are `connections`, each on a pod that
/// is a fair draw.
pub(super) fn unevenness(pods: u32, connections: u64) -> f64 {
    if pods < 2 || connections == 0 { 0.0 } else { (f64::from(pods - 1) / connections as f64).sqrt() }
}

/// More uneven than this is worth a word: the fullest of a few pods has half as much again as its share, or more.
pub(super) const UNEVEN: f64 = 0.25;

/// Connections per pod that make shares even enough: a cv of [`UNEVEN`] or less.
pub(super) fn enough(pods: u32) -> u64 {
    (f64::from(pods.saturating_sub(1)) / (UNEVEN * UNEVEN)).ceil() as u64
}

/// Calls per second that a client makes at its peak, if its load says.
pub(super) fn peak(client: &Client) -> Option<f64> {
    match &client.load {
        Load::Open { rate, .. } => Some(rate.points.iter().map(|p| p.1).fold(0.0, f64::max)),
        _ => None,
    }
}

/// Calls per second at the busiest time of all clients; `None` if the servers make it what it is. What is over sooner than
/// the mean call, or in less than [`BURST`], is no load that lasts.
pub(super) fn offered(model: &Model) -> Option<f64> {
    let service = model.servers.iter().map(|s| s.service_time.mean() / s.speed).fold(0.0, f64::max);
    let window = service.max(BURST.as_secs_f64());
    model.clients.iter().map(|c| lasting(c, window)).sum()
}

/// Shorter bursts go into queues.
const BURST: Span = Span::from_secs(10);

/// The highest mean rate over this many seconds, begun or ended where the curve changes.
fn lasting(client: &Client, window: f64) -> Option<f64> {
    let Load::Open { rate, .. } = &client.load else { return None };
    let points: Vec<(f64, f64)> = rate.points.iter().map(|(at, rate)| (at.as_secs_f64(), *rate)).collect();
    let starts = points.iter().flat_map(|(at, _)| [*at, (at - window).max(0.0)]);
    let means = starts.map(|from| calls_between(&points, from, from + window) / window);
    means.reduce(f64::max)
}

/// The integral of a rate that is linear between its points, and constant after the last.
fn calls_between(points: &[(f64, f64)], from: f64, to: f64) -> f64 {
    let pieces: f64 = points
        .windows(2)
        .map(|pair| {
            let ((t0, r0), (t1, r1)) = (pair[0], pair[1]);
            let (a, b) = (from.max(t0), to.min(t1));
            let at = |t: f64| r0 + (r1 - r0) * (t - t0) / (t1 - t0);
            if a < b { (b - a) * (at(a) + at(b)) / 2.0 } else { 0.0 }
        })
        .sum();
    let last = points.last().map_or(0.0, |(t, r)| (to - from.max(*t)).max(0.0) * r);
    pieces + last
}

/// Mean of what a call of the clients costs, next to the service time.
pub(super) fn cost(model: &Model) -> f64 {
    let of = |client: &Client| {
        let mut from = 0.0;
        let parts = client.methods.iter().map(|m| {
            let share = m.until - from;
            from = m.until;
            share * m.cost
        });
        if client.methods.is_empty() { 1.0 } else { parts.sum() }
    };
    let rates: Vec<f64> = model.clients.iter().map(|c| peak(c).unwrap_or(0.0)).collect();
    let all: f64 = rates.iter().sum();
    let weighed: f64 = model.clients.iter().zip(&rates).map(|(c, rate)| of(c) * rate).sum();
    if all > 0.0 { weighed / all } else { 1.0 }
}

/// Calls per second that a pod of this server can serve.
pub(super) fn capacity(model: &Model, server: &Server) -> f64 {
    let work = server.service_time.mean() * cost(model) / server.speed;
    f64::from(server.concurrency) * server.usable() / work
}

/// The busiest server's part of its capacity if all pods have equal shares of the peak load, and `fewer` pods are away.
pub(super) fn utilization(model: &Model, fewer: u32) -> Option<f64> {
    let left = pods(model).checked_sub(fewer).filter(|n| *n > 0)?;
    let each = offered(model)? / f64::from(left);
    model.servers.iter().filter(|s| s.replicas > 0).map(|s| each / capacity(model, s)).reduce(f64::max)
}

/// The time in a slot that one call in a thousand exceeds, the dearest method's.
pub(super) fn longest_service(model: &Model) -> Span {
    let costs = model.clients.iter().flat_map(|c| &c.methods).map(|m| m.cost);
    let dearest = costs.fold(1.0, f64::max);
    let longest = model.servers.iter().map(|s| s.service_time.quantile(0.999) / s.speed).fold(0.0, f64::max);
    Span::from_secs_f64(longest * dearest)
}

/// The longest time that a call takes: its service, or the longest deadline if that ends it before.
pub(super) fn longest_call(model: &Model) -> Span {
    let deadlines: Option<Vec<Span>> = model.clients.iter().map(|c| c.deadline).collect();
    let by_deadline = deadlines.and_then(|d| d.into_iter().max());
    by_deadline.map_or(longest_service(model), |d| d.min(longest_service(model)))
}

/// True if some client's calls are streams.
pub(super) fn has_streams(model: &Model) -> bool {
    model.clients.iter().any(|c| matches!(c.load, Load::Streams(_)))
}

/// The endpoint lag that hardly a change exceeds.
pub(super) fn lag(model: &Model) -> Span {
    Span::from_secs_f64(model.cluster.endpoint_lag.quantile(0.99))
}

/// From the beginning of a rollout to the deletion of the last old pod, about; zero if all go at once.
pub(super) fn replaced_within(server: &Server) -> Span {
    let Strategy::RollingUpdate { max_surge, max_unavailable } = server.strategy else { return Span::ZERO };
    let (surge, unavailable) = fenceposts(max_surge, max_unavailable, server.replicas);
    let rounds = u64::from(server.replicas.div_ceil(surge.saturating_add(unavailable).max(1)));
    (Span::from_secs_f64(server.startup.mean()) + server.min_ready) * rounds
}

/// At least this, in whole seconds.
pub(super) fn whole_seconds(span: Span) -> u64 {
    span.0.div_ceil(1_000_000_000)
}

/// A number without more digits than a person reads.
pub(super) fn brief(x: f64) -> String {
    if x >= 100.0 || x == x.floor() { format!("{x:.0}") } else { format!("{x:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_integrated_piece_by_piece() {
        // 10 per second, a ramp to 30 from 10 s to 20 s, a step to 0.
        let points = [(0.0, 10.0), (10.0, 10.0), (20.0, 30.0), (20.0, 0.0)];
        assert_eq!(calls_between(&points, 0.0, 10.0), 100.0);
        assert_eq!(calls_between(&points, 10.0, 20.0), 200.0);
        assert_eq!(calls_between(&points, 15.0, 25.0), 125.0);
        assert_eq!(calls_between(&points, 30.0, 40.0), 0.0);
        assert_eq!(calls_between(&[(0.0, 7.0)], 5.0, 15.0), 70.0);
    }

    #[test]
    fn sixteen_connections_per_pod_are_even_enough() {
        assert_eq!(enough(5), 64);
        assert!(unevenness(5, 64) <= UNEVEN && unevenness(5, 63) > UNEVEN);
        assert_eq!(unevenness(1, 1), 0.0);
    }
}
