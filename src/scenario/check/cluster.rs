//! The cluster and the Service.

use super::{Check, is_virtual, law};
use crate::model::defaults;
use crate::model::{Cluster, DnsCache, ServiceType, SessionAffinity};
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

pub(super) fn cluster(cx: &mut Check<'_>, file: Key<ClusterFile>, service: ServiceType) -> Cluster {
    let Some(At { value: file, place }) = file else { return Cluster::default() };
    let cluster = cx.settings(&file, "cluster", place, Cluster::default());
    if is_virtual(service) {
        let why = "with a ClusterIP Service, whose address never changes; set `service: { type: Headless }`";
        cx.no_effect(&file.given("dns"), "dns", why);
    }
    if cluster.dns.cache == DnsCache::None {
        cx.no_effect(&file.given_in("dns", "ttl"), "ttl", "with `cache: none`: nothing keeps an answer");
    }
    let ClusterKeysFile { endpoint_lag, connect } = file.rest;
    Cluster {
        endpoint_lag: law::law_or(cx, endpoint_lag, defaults::endpoint_lag),
        connect: law::law_or(cx, connect, defaults::connect),
        ..cluster
    }
}
