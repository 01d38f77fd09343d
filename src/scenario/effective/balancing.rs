//! The values in force of what balances: policy, outlier detection, the proxy beside a client.

use super::{Rows, Scope};
use crate::model::text::{law, optional_count};
use crate::model::{Breakers, EnvoyCluster, OutlierDetection, Policy, Rules, Sidecar, SidecarKind};

pub(super) fn sidecar_values(rows: &mut Rows<'_>, at: &Scope, sidecar: &Sidecar, channels: u32, judges: bool) {
    let Sidecar { kind, workers, overhead, cluster } = sidecar;
    rows.put(at, "via", kind.name().into());
    let settings = at.key("via").key(kind.name());
    let Some(cluster) = cluster else {
        rows.put(&settings, "overhead", law(overhead));
        if *kind != SidecarKind::Ambient {
            rows.put(&settings, "opaque", workers.is_none().to_string());
        }
        return;
    };
    rows.put(&settings, "opaque", "false".into());
    if let (Some(workers), true) = (workers, channels > 1) {
        rows.put(&settings, "workers", workers.to_string());
    }
    rows.put(&settings, "overhead", law(overhead));
    cluster_values(rows, &settings, cluster, judges);
}

/// `judges`: there is outlier detection, and with it somebody who may not be healthy.
pub(super) fn cluster_values(rows: &mut Rows<'_>, settings: &Scope, cluster: &EnvoyCluster, judges: bool) {
    let EnvoyCluster { breakers, panic_threshold, retries, max_requests_per_connection, slow_start, reuse: _ } =
        cluster;
    rows.put(settings, "retries", retries.to_string());
    if judges {
        rows.put(settings, "panic_threshold", format!("{panic_threshold}%"));
    }
    rows.put(settings, "max_requests_per_connection", optional_count(*max_requests_per_connection, "no limit"));
    match breakers {
        None => rows.put(settings, "circuit_breakers", "none".into()),
        Some(Breakers { pending, requests, retries: _ }) => {
            let breakers = settings.key("circuit_breakers");
            rows.put(&breakers, "max_requests", requests.to_string());
            rows.put(&breakers, "max_pending_requests", pending.to_string());
        }
    }
    match slow_start {
        None => rows.put(settings, "slow_start", "none".into()),
        Some(slow_start) => rows.settings(&settings.key("slow_start"), slow_start, |_| true),
    }
}

/// The policy of a proxy's own is shown with the proxy.
pub(super) fn policy_values(rows: &mut Rows<'_>, at: &Scope, policy: &Policy, virtual_ip: bool) {
    if policy.proxy().is_some() {
        return;
    }
    rows.put(at, "policy", policy.name().into());
    let settings = at.key("policy").key(policy.name());
    let kind = policy.kind();
    let hidden = |key: &str| virtual_ip && (kind.needs_addresses || kind.keys_of_addresses.contains(&key));
    rows.several(&settings, policy.rows(), kind.keys, |key| !hidden(key));
}

/// Whether a setting of outlier detection acts: the path begins with `outlier_detection`.
pub(super) fn outlier_acts(detection: Option<OutlierDetection>, path: &str) -> bool {
    let Some(OutlierDetection { rules, success_rate, failure_percentage, .. }) = detection else { return true };
    match path.split('.').nth(1) {
        Some("success_rate") => success_rate.is_some(),
        Some("failure_percentage") => failure_percentage.is_some(),
        Some("always_eject_one_host" | "consecutive_5xx") => rules == Rules::Envoy,
        _ => true,
    }
}
