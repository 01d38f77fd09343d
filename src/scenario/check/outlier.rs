//! Outlier detection.

use super::Check;
use super::client::share;
use crate::model::{Detection, OutlierDetection, Policy, Rules, Sidecar, SuccessRate};
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::settings::Written;
use crate::scenario::quantity::Share;
use crate::scenario::rules::Code;

const FOR_ENVOY: &str = "without `via: envoy` or `istio`: gRPC has no such rule";

pub(super) fn detection(
    cx: &mut Check<'_>,
    file: Key<Written<OutlierDetection>>,
    via: Option<&Sidecar>,
    policy: &Policy,
    knows_pods: bool,
) -> Option<Detection> {
    let envoy = via.is_some_and(|via| via.cluster.is_some());
    if via.is_some() && !envoy {
        cx.no_effect(&file, "outlier_detection", "with this proxy: only Envoy (`via: envoy` or `istio`) has it");
        return None;
    }
    if !knows_pods || policy.one_connection() {
        cx.no_effect(&file, "outlier_detection", "with one address or pick_first: there is nothing to choose");
        return None;
    }
    let At { value: file, place } = file?;
    if !envoy {
        cx.no_effect(&file.given("always_eject_one_host"), "always_eject_one_host", FOR_ENVOY);
        cx.no_effect(&file.given("consecutive_5xx"), "consecutive_5xx", FOR_ENVOY);
        if file.place("success_rate").is_none() && file.place("failure_percentage").is_none() {
            cx.problem(Code::Missing, place, "`outlier_detection` needs `success_rate`, `failure_percentage` or both");
        }
    }
    // Envoy's success rate is on unless it is turned off; its failure percentage is not enforced unless it is turned on.
    let usual = OutlierDetection { success_rate: envoy.then(SuccessRate::default), ..OutlierDetection::default() };
    let rules = if envoy { Rules::Envoy } else { Rules::Grpc };
    Some(Detection { rules, settings: cx.settings(&file, "outlier_detection", place, usual) })
}

/// A share in whole percents, as gRPC and Envoy have them.
pub(super) fn percent(cx: &mut Check<'_>, key: Key<Share>, name: &str, default: u32) -> u32 {
    let share = share(cx, key, name, f64::from(default) / 100.0);
    (share * 100.0).round() as u32
}
