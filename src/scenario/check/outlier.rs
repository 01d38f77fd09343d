//! Outlier detection.

use super::Check;
use crate::model::{OutlierDetection, Policy, Rules, Sidecar, SuccessRate};
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::Key;
use crate::scenario::file::settings::{Written, WrittenKeys};
use crate::scenario::rules::Code;

const FOR_ENVOY: &str = "without `via: envoy` or `istio`: gRPC has no such rule";

/// What holds where a client or gateway says nothing more of it than that there is some; `None`: there is none.
pub(super) fn usual(
    cx: &mut Check<'_>,
    written: Option<(&WrittenKeys, Place)>,
    via: Option<&Sidecar>,
    policy: &Policy,
    knows_pods: bool,
) -> Option<OutlierDetection> {
    let (keys, place) = written?;
    let envoy = via.is_some_and(|via| via.cluster.is_some());
    let refused = if via.is_some() && !envoy {
        Some("with this proxy: only Envoy (`via: envoy` or `istio`) has it")
    } else if !knows_pods || policy.one_connection() {
        Some("with one address or pick_first: there is nothing to choose")
    } else {
        None
    };
    if let Some(why) = refused {
        cx.problem(Code::NoEffect, place, format!("`outlier_detection` has no effect {why}"));
        return None;
    }
    if !envoy {
        cx.no_effect(&keys.given("always_eject_one_host"), "always_eject_one_host", FOR_ENVOY);
        cx.no_effect(&keys.given("consecutive_5xx"), "consecutive_5xx", FOR_ENVOY);
        if keys.place("success_rate").is_none() && keys.place("failure_percentage").is_none() {
            cx.problem(Code::Missing, place, "`outlier_detection` needs `success_rate`, `failure_percentage` or both");
        }
    }
    // Envoy's success rate is on unless it is turned off; its failure percentage is not enforced unless it is turned on.
    let success_rate = envoy.then(SuccessRate::default);
    let rules = if envoy { Rules::Envoy } else { Rules::Grpc };
    Some(OutlierDetection { rules, success_rate, ..OutlierDetection::default() })
}

/// That of a gateway.
pub(super) fn of_gateway(
    cx: &mut Check<'_>,
    file: Key<Written<OutlierDetection>>,
    sidecar: &Sidecar,
    policy: &Policy,
    knows_pods: bool,
) -> Option<OutlierDetection> {
    let written = file.as_ref().map(|file| (&*file.value, file.place));
    let usual = usual(cx, written, Some(sidecar), policy, knows_pods)?;
    Some(cx.settings_or(file, "outlier_detection", usual))
}
