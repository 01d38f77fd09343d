//! The values in force of what balances: policy, outlier detection, the proxy beside a client.

use super::{Rows, Scope};
use crate::model::text::law;
use crate::model::{EnvoyCluster, OutlierDetection, Policy, Rules, Sidecar, SidecarKind};

pub(super) fn sidecar_values(rows: &mut Rows<'_>, at: &Scope, sidecar: &Sidecar, channels: u32, judges: bool) {
    let Sidecar { kind, workers, overhead, cluster, accrual } = sidecar;
    rows.put(at, "via", kind.name().into());
    let settings = at.key("via").key(kind.name());
    let Some(cluster) = cluster else {
        rows.put(&settings, "overhead", law(overhead));
        if *kind != SidecarKind::Ambient {
            rows.put(&settings, "opaque", workers.is_none().to_string());
        }
        if let Some(accrual) = accrual {
            rows.settings(&settings.key("failure_accrual"), accrual, |_| true);
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
    rows.settings(settings, cluster, |key| judges || key != "panic_threshold");
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
