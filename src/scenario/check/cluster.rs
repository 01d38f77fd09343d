//! The cluster and the Service.

use super::{Check, is_virtual, law};
use crate::model::defaults;
use crate::model::{Cluster, Dns, DnsCache, ServiceType};
use crate::scenario::file::at::Key;
use crate::scenario::file::settings::Written;
use crate::scenario::file::{ClusterFile, ServiceFile};

const MAX_NODES: u32 = 100_000;

pub(super) fn service(file: Key<ServiceFile>) -> ServiceType {
    file.and_then(|file| file.value.kind).map_or(ServiceType::ClusterIp, |kind| kind.value.0)
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

fn dns_settings(cx: &mut Check<'_>, file: Key<Written<Dns>>) -> Dns {
    let ttl = file.as_ref().and_then(|file| file.value.given("ttl"));
    let dns = cx.settings_or(file, "dns", Dns::default());
    if dns.cache == DnsCache::None {
        cx.no_effect(&ttl, "ttl", "with `cache: none`: nothing keeps an answer");
    }
    dns
}
