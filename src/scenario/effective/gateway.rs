//! The values in force of a gateway.

use super::balancing::{cluster_values, outlier_acts, policy_values};
use super::client::{discovery_values, part};
use super::{Rows, Scope, of_connections};
use crate::model::text::law;
use crate::model::{
    Client, Discovery, EnvoyCluster, Gateway, GrpcClient, HaproxyLeastConn, HaproxyRandom, Policy, Protocol, Server,
    ServiceType, Sidecar, SidecarKind,
};

pub(super) fn gateway_values(rows: &mut Rows<'_>, at: &Scope, gateway: &Gateway, service: ServiceType) {
    let Gateway { proxy: name, server, client } = gateway;
    let Server { replicas, startup, min_ready, termination, strategy, grpc, .. } = server;
    rows.put(at, "replicas", replicas.to_string());
    let Client { channels: workers, protocol: Protocol::Grpc(client), via: Some(sidecar), .. } = client else { return };
    let Sidecar { kind, workers: _, overhead, cluster, accrual: _ } = sidecar;
    let GrpcClient { policy, discovery, outlier_detection, .. } = client;
    let proxy = at.key("proxy").key(name);
    if *kind != SidecarKind::Haproxy {
        rows.put(&proxy, "workers", workers.to_string());
    }
    rows.put(&proxy, "overhead", law(overhead));
    if let Some(cluster) = cluster {
        match kind {
            SidecarKind::Nginx | SidecarKind::Haproxy => balance_values(rows, &proxy, *kind, policy, cluster),
            SidecarKind::Envoy | SidecarKind::Istio | SidecarKind::Linkerd | SidecarKind::Ambient => {
                cluster_values(rows, &proxy, cluster, outlier_detection.is_some());
                policy_values(rows, at, policy, service == ServiceType::ClusterIp && *discovery == Discovery::Dns);
                rows.settings(at, client, |path| match part(path) {
                    "keys" => policy.hashes(),
                    "outlier_detection" => outlier_acts(*outlier_detection, path),
                    _ => false,
                });
            }
        }
    }
    discovery_values(rows, at, discovery);
    rows.put(at, "startup", law(startup));
    rows.put(at, "min_ready", min_ready.to_string());
    rows.settings(&at.key("termination"), termination, |key| key != "sigterm");
    rows.own(&at.key("strategy"), strategy);
    rows.settings(&at.key("grpc"), grpc, |key| of_connections(grpc, key));
}

fn balance_values(rows: &mut Rows<'_>, at: &Scope, kind: SidecarKind, policy: &Policy, cluster: &EnvoyCluster) {
    let balance = match (kind, policy) {
        (_, Policy::NginxLeastConn(_)) => "least_conn",
        (_, Policy::NginxRandomTwo(_)) => "random_two",
        (_, Policy::HaproxyLeastConn(_)) => "leastconn",
        (_, Policy::HaproxyRandom(_)) => "random",
        (SidecarKind::Haproxy, _) => "roundrobin",
        _ => "round_robin",
    };
    rows.put(at, "balance", balance.into());
    if let Policy::HaproxyRandom(HaproxyRandom { weight }) | Policy::HaproxyLeastConn(HaproxyLeastConn { weight }) =
        policy
    {
        rows.put(at, "weight", weight.to_string());
    }
    if let Some(idle) = cluster.reuse.idle {
        rows.put(at, "keepalive", idle.to_string());
    }
}
