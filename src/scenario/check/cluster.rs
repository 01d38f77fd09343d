//! The cluster and the Service.

use super::{Check, is_virtual, law, least};
use crate::model::defaults;
use crate::model::{Cluster, Dns, DnsCache, ServiceType};
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::{ClusterFile, DnsCacheFile, DnsFile, ServiceFile, ServiceTypeFile};

const MAX_NODES: u32 = 100_000;

pub(super) fn service(file: Key<ServiceFile>) -> ServiceType {
    let Some(At { value: ServiceFile { kind }, .. }) = file else { return ServiceType::ClusterIp };
    match kind.map(|k| k.value) {
        None | Some(ServiceTypeFile::ClusterIP) => ServiceType::ClusterIp,
        Some(ServiceTypeFile::Headless) => ServiceType::Headless,
    }
}

pub(super) fn cluster(cx: &mut Check<'_>, file: Key<ClusterFile>, service: ServiceType) -> Cluster {
    let ClusterFile { nodes, endpoint_lag, dns, rtt, connect } = file.map(|f| f.value).unwrap_or_default();
    if is_virtual(service) {
        cx.no_effect(
            &dns,
            "dns",
            "with a ClusterIP Service, whose address never changes; set `service: { type: Headless }`",
        );
    }
    Cluster {
        nodes: cx.count_or(nodes, "nodes", 1, MAX_NODES, defaults::NODES),
        endpoint_lag: law::law_or(cx, endpoint_lag, defaults::endpoint_lag),
        dns: dns_settings(cx, dns),
        rtt: rtt.map_or(defaults::RTT, |r| r.value.0),
        connect: law::law_or(cx, connect, defaults::connect),
    }
}

fn dns_settings(cx: &mut Check<'_>, file: Key<DnsFile>) -> Dns {
    let DnsFile { ttl, cache } = file.map(|f| f.value).unwrap_or_default();
    let cache = match cache.map(|c| c.value) {
        None => defaults::DNS.cache,
        Some(DnsCacheFile::None) => DnsCache::None,
        Some(DnsCacheFile::CoreDns) => DnsCache::CoreDns,
        Some(DnsCacheFile::NodeLocal) => DnsCache::NodeLocal,
    };
    if cache == DnsCache::None {
        cx.no_effect(&ttl, "ttl", "with `cache: none`: nothing keeps an answer");
    }
    Dns { ttl: cx.repeating_or_zero(ttl, least::TTL).unwrap_or(defaults::DNS.ttl), cache }
}
