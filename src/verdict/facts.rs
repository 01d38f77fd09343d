//! What a verdict rests on.

use crate::metrics::balance::is_balanced;
use crate::metrics::outcome::{Outcome, PodSummary, WindowRow};
use crate::scenario::model::{Action, Client, GrpcServer, Load, Model, Policy, Protocol, ServiceType};
use crate::units::Time;

/// Requests per pod below which shares say little.
const REQUESTS_PER_POD: u64 = 20;

/// What decides which pod takes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spread {
    /// A new connection per request: the Service's draw, each time.
    PerRequest,
    /// One connection per address, in rotation.
    Rotation,
    /// One connection per address, by a policy that asks for more than whose turn it is.
    PerCall,
    /// The few connections that a channel or pool keeps, each placed once.
    PerConnection,
}

/// A pod in the stretch of time that is judged.
pub(super) struct Pod<'a> {
    pub summary: &'a PodSummary,
    /// Requests received in that stretch, messages of streams among them.
    pub load: u64,
}

impl Pod<'_> {
    pub fn name(&self) -> &str {
        &self.summary.pod
    }

    pub fn ready_s(&self) -> f64 {
        self.summary.ready_s.unwrap_or(f64::INFINITY)
    }
}

/// The facts of a run. What is judged is the last stretch of it in which the same pods were Ready, so that it is about how the
/// load lies now; the whole measured run, if that stretch has too few requests or the windows were not kept.
pub(super) struct Facts<'a> {
    pub model: &'a Model,
    pub outcome: &'a Outcome,
    /// The pods that were Ready in the judged stretch, in order of creation.
    pub pods: Vec<Pod<'a>>,
    /// Whether the load was even in the second half of that stretch.
    pub even_later: bool,
    /// When the second half began, in seconds.
    pub later_s: f64,
    pub spread: Spread,
    /// When the judged stretch began, in seconds, if that is later than the measured run.
    pub from_s: Option<f64>,
    /// Requests that went to other pods meanwhile.
    pub elsewhere: u64,
    /// The last change that moves pods or clients, if it was made in the measured part of the run.
    pub change: Option<&'a Action>,
}

impl<'a> Facts<'a> {
    pub fn new(model: &'a Model, outcome: &'a Outcome) -> Facts<'a> {
        let stretch = stretch(model, outcome);
        let whole_run = || {
            let pods = outcome.summary.pods.iter().filter(|p| p.ready_s.is_some() && p.deleted_s.is_none());
            pods.map(|summary| Pod { summary, load: summary.requests + summary.messages }).collect()
        };
        let (pods, later): (Vec<Pod<'a>>, Vec<Pod<'a>>) = match &stretch {
            Some(stretch) => (loads(outcome, stretch, 0.0), loads(outcome, stretch, 0.5)),
            None => (whole_run(), Vec::new()),
        };
        let judged: u64 = pods.iter().map(|p| p.load).sum();
        let received: u64 = match &stretch {
            Some(Stretch { from, .. }) => {
                let rows = outcome.windows.iter().filter(|row| row.time_s >= *from);
                rows.map(|row| row.requests + row.messages).sum()
            }
            None => outcome.summary.pods.iter().map(|p| p.requests + p.messages).sum(),
        };
        let elsewhere = received.saturating_sub(judged);
        let from_s = stretch.as_ref().map(|s| s.from).filter(|from| *from > model.warmup.as_secs_f64());
        let later_s = stretch.map_or(0.0, |s| s.from + (s.to - s.from) * 0.5);
        let even_later = is_balanced(later.iter().map(|p| p.load));
        let is_change = |a: &&Action| {
            let at = a.at.as_secs_f64();
            a.what.moves_connections() && at <= outcome.end_s && a.at >= Time::ZERO + model.warmup
        };
        let change = model.timeline.iter().rev().find(is_change);
        Facts { model, outcome, pods, even_later, later_s, spread: spread(model), from_s, elsewhere, change }
    }

    pub fn total(&self) -> u64 {
        self.pods.iter().map(|p| p.load).sum()
    }

    pub fn fair(&self) -> f64 {
        self.total() as f64 / self.pods.len() as f64
    }

    /// Times its fair share.
    pub fn times(&self, pod: &Pod<'_>) -> f64 {
        pod.load as f64 / self.fair()
    }

    pub fn is_balanced(&self) -> bool {
        is_balanced(self.pods.iter().map(|p| p.load))
    }

    /// The first of those with the largest load.
    pub fn hottest(&self) -> Option<&Pod<'a>> {
        self.pods.iter().rev().max_by_key(|p| p.load)
    }

    /// The last of those with the smallest load.
    pub fn coldest(&self) -> Option<&Pod<'a>> {
        self.pods.iter().rev().min_by_key(|p| p.load)
    }

    pub fn connections(&self) -> u64 {
        self.pods.iter().map(|p| p.summary.connections_at_end).sum()
    }

    /// Connections that were opened to the judged pods in the measured run.
    pub fn opened(&self) -> u64 {
        self.pods.iter().map(|p| p.summary.connections_opened).sum()
    }

    pub fn few_requests(&self) -> bool {
        self.total() < REQUESTS_PER_POD * self.pods.len() as u64
    }

    /// The shortest time after which every connection has been replaced, in seconds, if connections are replaced for their
    /// age at all: 1.1 times the server's age, for its jitter (gRFC A9; it is gRPC's), or the client's lifetime with its jitter.
    pub fn replaced_within_s(&self) -> Option<f64> {
        let age = self.model.servers.iter().map(|s| s.grpc.max_connection_age.map(|age| 1.1 * age.as_secs_f64()));
        let age = age.collect::<Option<Vec<f64>>>().map(|ages| ages.into_iter().fold(0.0, f64::max));
        let age = age.filter(|_| self.all_grpc());
        let lifetime = |c: &Client| c.max_connection_lifetime.map(|l| l.max.as_secs_f64() * (1.0 + l.jitter));
        let lifetimes = self.model.balancers().map(lifetime).collect::<Option<Vec<f64>>>();
        let lifetime = lifetimes.map(|all| all.into_iter().fold(0.0, f64::max));
        match (age, lifetime) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// True if every connection was replaced since the change, so that it explains nothing any more.
    pub fn redrawn(&self, change: &Action) -> bool {
        let settled = self.pods.iter().map(Pod::ready_s).fold(change.at.as_secs_f64(), f64::max);
        self.replaced_within_s().is_some_and(|age| self.outcome.end_s - settled > age)
    }

    pub fn cluster_ip(&self) -> bool {
        self.model.service == ServiceType::ClusterIp
    }

    pub fn all_grpc(&self) -> bool {
        self.model.balancers().all(|c| matches!(c.protocol, Protocol::Grpc(_)))
    }

    /// True if every connection carries the same load by construction: one client, with an open load.
    pub fn equal_connections(&self) -> bool {
        matches!(self.model.clients.as_slice(), [c] if matches!(c.load, Load::Open { .. }) && c.gateway.is_none())
    }

    /// True if there are streams that nothing cuts: a connection that drains for its age waits for them.
    pub fn streams_stay(&self) -> bool {
        let cuts = |grpc: &GrpcServer| grpc.max_connection_age.is_some() && grpc.max_connection_age_grace.is_some();
        self.model.clients.iter().any(|c| matches!(c.load, Load::Streams(_)))
            && !self.model.servers.iter().all(|s| cuts(&s.grpc))
    }

    /// True if all balance as Envoy does, which picks among all pods that it knows of, and has a connection where a call needed one.
    pub fn pools(&self) -> bool {
        self.model.balancers().all(|c| c.via.as_ref().is_some_and(|via| via.cluster.is_some()))
    }

    pub fn open_load(&self) -> bool {
        self.model.clients.iter().any(|c| c.load.rate().is_some())
    }
}

/// The style that leaves most to chance, of all clients'.
fn spread(model: &Model) -> Spread {
    let of = |client: &Client| match &client.protocol {
        Protocol::Http1(http) if http.keep_alive.is_none() => Spread::PerRequest,
        Protocol::Http1(_) => Spread::PerConnection,
        // With a subset each, chance decides who has how many connections.
        Protocol::Grpc(grpc) if grpc.subset.is_none() && model.connects_to_all(client) => match grpc.policy {
            Policy::RoundRobin { .. } => Spread::Rotation,
            _ => Spread::PerCall,
        },
        Protocol::Grpc(_) => Spread::PerConnection,
    };
    let all: Vec<Spread> = model.balancers().map(of).collect();
    match all.first() {
        Some(&first) if all.iter().all(|s| *s == first) => first,
        _ => Spread::PerConnection,
    }
}

/// The last stretch of windows in which the same pods were Ready.
struct Stretch {
    from: f64,
    to: f64,
    pods: Vec<u32>,
}

fn stretch(model: &Model, outcome: &Outcome) -> Option<Stretch> {
    let windows: Vec<&[WindowRow]> = outcome.windows.chunk_by(|a, b| a.time_s == b.time_s).collect();
    let ready = |window: &[WindowRow]| -> Vec<u32> {
        window.iter().filter(|row| row.state == "ready").filter_map(|row| row.pod).collect()
    };
    let pods = ready(windows.last()?);
    let warmup = model.warmup.as_secs_f64();
    let same = windows.iter().rev().take_while(|w| ready(w) == pods && w.iter().all(|row| row.time_s >= warmup));
    let first = windows.len() - same.count();
    let from = windows.get(first)?.first()?.time_s;
    // In the first of them a pod may have become Ready: it counts only if all were Ready before it began.
    let all_before = pods.iter().all(|i| outcome.summary.pods[*i as usize].ready_s.is_some_and(|s| s <= from));
    let from = if all_before { from } else { windows.get(first + 1)?.first()?.time_s };
    let stretch = Stretch { from, to: outcome.end_s, pods };
    let total: u64 = loads(outcome, &stretch, 0.0).iter().map(|p| p.load).sum();
    (total >= REQUESTS_PER_POD * stretch.pods.len() as u64).then_some(stretch)
}

/// What the stretch's pods received in it, from a part of it on.
fn loads<'a>(outcome: &'a Outcome, stretch: &Stretch, part: f64) -> Vec<Pod<'a>> {
    let from = stretch.from + (stretch.to - stretch.from) * part;
    let mut pods: Vec<Pod<'a>> =
        stretch.pods.iter().map(|i| Pod { summary: &outcome.summary.pods[*i as usize], load: 0 }).collect();
    for row in outcome.windows.iter().filter(|row| row.time_s >= from) {
        if let Some(Ok(i)) = row.pod.map(|pod| stretch.pods.binary_search(&pod)) {
            pods[i].load += row.requests + row.messages;
        }
    }
    pods
}
