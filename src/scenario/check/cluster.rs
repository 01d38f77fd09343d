//! The cluster and the Service.

use super::{Check, is_virtual, law};
use crate::model::defaults;
use crate::model::{
    Client, Cluster, Discovery, DnsCache, Model, PickFirst, Policy, Protocol, RotationStart, ServiceType,
    SessionAffinity,
};
use crate::scenario::file::ServiceFile;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::cluster::{ClusterFile, ClusterKeysFile};

/// The kind of Service, and what kube-proxy remembers of its clients.
pub(super) fn service(cx: &mut Check<'_>, file: Key<ServiceFile>) -> (ServiceType, Option<SessionAffinity>) {
    let ServiceFile { kind, session_affinity } = file.map(|file| file.value).unwrap_or_default();
    let kind = kind.map_or(ServiceType::ClusterIp, |kind| kind.value.0);
    if !is_virtual(kind) {
        let why = "with a headless Service, whose pods clients connect to without kube-proxy";
        cx.no_effect(&session_affinity, "session_affinity", why);
    }
    (kind, cx.settings_if(session_affinity, "session_affinity"))
}

/// The cluster, and where `loadbalance` of its DNS is written, for [`ordered`].
pub(super) fn cluster(cx: &mut Check<'_>, file: Key<ClusterFile>, service: ServiceType) -> (Cluster, Key<()>) {
    let Some(At { value: file, place }) = file else { return (Cluster::default(), None) };
    let cluster = cx.settings(&file, "cluster", place, Cluster::default());
    if is_virtual(service) {
        let why = "with a ClusterIP Service, whose address never changes; set `service: { type: Headless }`";
        cx.no_effect(&file.given("dns"), "dns", why);
    }
    if cluster.dns.cache == DnsCache::None {
        cx.no_effect(&file.given_in("dns", "ttl"), "ttl", "with `cache: none`: nothing keeps an answer");
    }
    let in_order = file.given_in("dns", "loadbalance");
    let ClusterKeysFile { endpoint_lag, connect } = file.rest;
    let cluster = Cluster {
        endpoint_lag: law::law_or(cx, endpoint_lag, defaults::endpoint_lag),
        connect: law::law_or(cx, connect, defaults::connect),
        ..cluster
    };
    (cluster, in_order)
}

/// Refuses `loadbalance` where nobody goes by the order of an answer.
pub(super) fn ordered(cx: &mut Check<'_>, key: &Key<()>, model: &Model) {
    let goes_by_it = |client: &Client| match &client.protocol {
        Protocol::Http1(_) => true,
        Protocol::Grpc(grpc) if matches!(grpc.discovery, Discovery::Watch(_)) || client.has_pools() => false,
        Protocol::Grpc(grpc) => match grpc.policy {
            Policy::PickFirst(PickFirst { shuffle, .. }) => !shuffle,
            policy => policy.rotation().is_some_and(RotationStart::goes_by_answer),
        },
    };
    if !is_virtual(model.service) && !model.callers().any(goes_by_it) {
        cx.no_effect(key, "loadbalance", "where no client goes by the order of an answer");
    }
}
