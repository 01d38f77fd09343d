//! The cluster and the Service.

use super::{Check, is_virtual, law};
use crate::model::defaults;
use crate::model::{Cluster, DnsCache, ServiceType};
use crate::scenario::file::ServiceFile;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::cluster::{ClusterFile, ClusterKeysFile};

pub(super) fn service(file: Key<ServiceFile>) -> ServiceType {
    file.and_then(|file| file.value.kind).map_or(ServiceType::ClusterIp, |kind| kind.value.0)
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
