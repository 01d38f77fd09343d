//! What a verdict rests on.

use crate::metrics::attribution::{Attribution, PodParts};
use crate::metrics::balance::is_balanced;
use crate::metrics::outcome::{EventKind, EventRow, Outcome, PodSummary};
use crate::metrics::phase::Phase;
use crate::model::{Client, GrpcClient, GrpcServer, Load, Model, Policy, Protocol, ServiceType};

/// A pod that is judged.
#[derive(Clone, Copy)]
pub(super) struct Pod<'a> {
    pub summary: &'a PodSummary,
    pub parts: &'a PodParts,
}

impl Pod<'_> {
    pub(super) fn name(&self) -> &str {
        &self.summary.pod
    }

    /// What it is called where `spoken_of` is the subject.
    pub(super) fn beside(&self, spoken_of: &Pod<'_>) -> &str {
        if self.name() == spoken_of.name() { "it" } else { self.name() }
    }

    /// Times its even share.
    pub(super) fn times(&self) -> f64 {
        self.parts.times()
    }

    /// Part of all that its share is away from the even one.
    pub(super) fn off(&self) -> f64 {
        self.parts.share - self.parts.even
    }
}

/// The facts of a run. What is judged is what the headline is of: the last settled phase.
pub(super) struct Facts<'a> {
    pub model: &'a Model,
    pub outcome: &'a Outcome,
    pub phase: &'a Phase,
    pub attribution: &'a Attribution,
    /// The pods that were Ready in the phase, in order of creation.
    pub pods: Vec<Pod<'a>>,
}

impl<'a> Facts<'a> {
    /// `None` if there is no phase in which pods received something.
    pub(super) fn new(model: &'a Model, outcome: &'a Outcome) -> Option<Facts<'a>> {
        let summary = &outcome.summary;
        let (phase, attribution) = (summary.headline()?, summary.attribution.as_ref()?);
        // Both are in order of creation.
        let mut rows = summary.pods.iter();
        let pod = |parts: &'a PodParts| {
            let summary = rows.find(|p| p.pod == parts.pod)?;
            Some(Pod { summary, parts })
        };
        let pods = attribution.pods.iter().filter_map(pod).collect();
        Some(Facts { model, outcome, phase, attribution, pods })
    }

    pub(super) fn is_balanced(&self) -> bool {
        is_balanced(self.pods.iter().map(|p| self.requests(p)))
    }

    /// Requests that a pod received in the phase.
    pub(super) fn requests(&self, pod: &Pod<'_>) -> u64 {
        (pod.parts.share * self.phase.requests as f64).round() as u64
    }

    /// The first of those with the largest load.
    pub(super) fn hottest(&self) -> Option<Pod<'a>> {
        self.pods.iter().rev().copied().max_by(|a, b| a.parts.share.total_cmp(&b.parts.share))
    }

    /// The first of those with the smallest load.
    pub(super) fn coldest(&self) -> Option<Pod<'a>> {
        self.pods.iter().copied().min_by(|a, b| a.parts.share.total_cmp(&b.parts.share))
    }

    /// When a pod last became Ready, up to the end of the phase, in seconds.
    pub(super) fn ready_s(&self, pod: &Pod<'_>) -> f64 {
        let until = self.phase.to_s;
        let ready = |e: &&EventRow| e.kind == EventKind::Pod && e.what.starts_with("Ready") && e.time_s <= until;
        let last = self.events_of(pod).filter(ready).last().map(|e| e.time_s);
        last.or(pod.summary.ready_s).unwrap_or(0.0)
    }

    /// What happened to a pod.
    pub(super) fn events_of<'b>(&'b self, pod: &'b Pod<'_>) -> impl Iterator<Item = &'a EventRow> + 'b {
        self.outcome.events.iter().filter(|e| e.subject == pod.name())
    }

    /// The shortest time after which every connection has been replaced, in seconds, if connections are replaced for their
    /// age at all: 1.1 times the server's age, for its jitter (gRFC A9; it is gRPC's), or the client's lifetime with its jitter.
    pub(super) fn replaced_within_s(&self) -> Option<f64> {
        let age = self.model.servers.iter().map(|s| s.grpc.max_connection_age.map(|age| 1.1 * age.as_secs_f64()));
        let age = age.collect::<Option<Vec<f64>>>().map(|ages| ages.into_iter().fold(0.0, f64::max));
        let age = age.filter(|_| self.all_grpc());
        let lifetime = |c: &Client| c.connection_lifetime.map(|l| l.max.as_secs_f64() * (1.0 + l.jitter));
        let lifetimes = self.model.balancers().map(lifetime).collect::<Option<Vec<f64>>>();
        let lifetime = lifetimes.map(|all| all.into_iter().fold(0.0, f64::max));
        match (age, lifetime) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    pub(super) fn cluster_ip(&self) -> bool {
        self.model.service == ServiceType::ClusterIp
    }

    pub(super) fn all_grpc(&self) -> bool {
        self.model.balancers().all(|c| matches!(c.protocol, Protocol::Grpc(_)))
    }

    /// True if each request has a connection of its own.
    pub(super) fn per_request(&self) -> bool {
        self.model.balancers().all(Client::connects_per_request)
    }

    /// True if there are streams that nothing cuts: a connection that drains for its age waits for them.
    pub(super) fn streams_stay(&self) -> bool {
        let cuts = |grpc: &GrpcServer| grpc.max_connection_age.is_some() && grpc.max_connection_age_grace.is_some();
        self.streams() && !self.model.servers.iter().all(|s| cuts(&s.grpc))
    }

    pub(super) fn streams(&self) -> bool {
        self.model.clients.iter().any(|c| matches!(c.load, Load::Streams(_)))
    }

    /// True if all balance as Envoy does, which picks among all pods that it knows of, and has a connection where a call needed one.
    pub(super) fn pools(&self) -> bool {
        self.model.balancers().all(|c| c.has_pools() && self.model.connects_on_demand(c))
    }

    /// The caller of this name.
    pub(super) fn caller(&self, name: &str) -> Option<&'a Client> {
        self.model.callers().find(|c| c.name == name)
    }
}

/// Its gRPC settings.
pub(super) fn grpc(client: &Client) -> Option<&GrpcClient> {
    match &client.protocol {
        Protocol::Grpc(grpc) => Some(grpc),
        Protocol::Http1(_) => None,
    }
}

/// Its policy.
pub(super) fn policy(client: &Client) -> Option<Policy> {
    grpc(client).map(|grpc| grpc.policy)
}
