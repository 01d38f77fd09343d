//! Outlier detection.

use super::client::share;
use super::{Check, least};
use crate::model::{Detection, EjectionRule, Policy, Rules, Sidecar};
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::outlier::{FailurePercentageFile, OutlierFile, SuccessRateFile};
use crate::scenario::quantity::Share;
use crate::scenario::rules::Code;
use crate::units::Span;

const MOST: u32 = 1_000_000;
const FOR_ENVOY: &str = "without `via: envoy` or `istio`: gRPC has no such rule";

pub(super) fn detection(
    cx: &mut Check<'_>,
    file: Key<OutlierFile>,
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
    let At { value, place } = file?;
    let OutlierFile {
        interval,
        base_ejection_time,
        max_ejection_time,
        max_ejection_percent,
        always_eject_one_host,
        consecutive_5xx,
        success_rate,
        failure_percentage,
    } = value;
    if !envoy {
        cx.no_effect(&always_eject_one_host, "always_eject_one_host", FOR_ENVOY);
        cx.no_effect(&consecutive_5xx, "consecutive_5xx", FOR_ENVOY);
        if success_rate.is_none() && failure_percentage.is_none() {
            cx.problem(Code::Missing, place, "`outlier_detection` needs `success_rate`, `failure_percentage` or both");
        }
    }
    // Envoy's success rate is on unless it is turned off; its failure percentage is not enforced unless it is turned on.
    let success_rate = match success_rate {
        None => envoy.then(SuccessRateFile::default),
        Some(file) => Some(file.value),
    };
    let always_one = always_eject_one_host.is_some_and(|a| a.value);
    Some(Detection {
        rules: if envoy { Rules::Envoy { always_one } } else { Rules::Grpc },
        interval: cx.repeating(interval, least::OUTLIER_INTERVAL).unwrap_or(Span::from_secs(10)),
        base: cx.positive(base_ejection_time, "base_ejection_time").unwrap_or(Span::from_secs(30)),
        max: cx.positive(max_ejection_time, "max_ejection_time").unwrap_or(Span::from_secs(300)),
        max_percent: percent(cx, max_ejection_percent, "max_ejection_percent", 10),
        success_rate: success_rate.map(|file| by_success_rate(cx, file)),
        failure_percentage: failure_percentage.map(|file| by_failures(cx, file.value)),
        consecutive: envoy.then(|| cx.count_or(consecutive_5xx, "consecutive_5xx", 1, MOST, 5)),
    })
}

fn by_success_rate(cx: &mut Check<'_>, file: SuccessRateFile) -> EjectionRule {
    let SuccessRateFile { stdev_factor, enforcement, minimum_hosts, request_volume } = file;
    EjectionRule {
        threshold: cx.count_or(stdev_factor, "stdev_factor", 0, MOST, 1_900),
        enforced: percent(cx, enforcement, "enforcement", 100),
        min_hosts: cx.count_or(minimum_hosts, "minimum_hosts", 1, MOST, 5) as usize,
        volume: cx.count_or(request_volume, "request_volume", 1, MOST, 100),
    }
}

fn by_failures(cx: &mut Check<'_>, file: FailurePercentageFile) -> EjectionRule {
    let FailurePercentageFile { threshold, enforcement, minimum_hosts, request_volume } = file;
    EjectionRule {
        threshold: percent(cx, threshold, "threshold", 85),
        enforced: percent(cx, enforcement, "enforcement", 100),
        min_hosts: cx.count_or(minimum_hosts, "minimum_hosts", 1, MOST, 5) as usize,
        volume: cx.count_or(request_volume, "request_volume", 1, MOST, 50),
    }
}

/// A share in whole percents, as gRPC and Envoy have them.
pub(super) fn percent(cx: &mut Check<'_>, key: Key<Share>, name: &str, default: u32) -> u32 {
    let share = share(cx, key, name, f64::from(default) / 100.0);
    (share * 100.0).round() as u32
}
