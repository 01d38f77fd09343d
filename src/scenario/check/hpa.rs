//! Autoscalers.

use super::Check;
use super::client::no_share;
use super::server::MAX_REPLICAS;
use crate::model::defaults::hpa as defaults;
use crate::model::{Behavior, Hpa, ScalingChange, ScalingPolicy, ScalingRules, SelectPolicy};
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::hpa::{BehaviorFile, HpaFile, ScalingPolicyFile, ScalingRulesFile};
use crate::scenario::quantity::{Duration, Share};
use crate::scenario::rules::Code;
use crate::units::Span;

const LEAST_PERIOD: Span = Span::from_secs(1);
const MOST_PERIOD: Span = Span::from_secs(30 * 60);
const MOST_WINDOW: Span = Span::from_secs(3_600);
const MOST_PERCENT: u32 = 1_000;
const MOST_POLICIES: usize = 10;

/// The autoscaler of a server with this many pods at the start.
pub(super) fn hpa(cx: &mut Check<'_>, file: Key<HpaFile>, replicas: u32) -> Option<Hpa> {
    let At { value, place } = file?;
    let HpaFile {
        min_replicas,
        max_replicas,
        target_cpu_utilization,
        cpu_at_full_load,
        tolerance,
        behavior,
        sync_period,
        metrics_resolution,
        cpu_initialization_period,
        initial_readiness_delay,
        downscale_stabilization,
    } = value;
    if replicas == 0 {
        cx.problem(Code::NoEffect, place, "`hpa` has no effect with `replicas: 0`, which switches it off");
    }
    let min_replicas = cx.count_or(min_replicas, "min_replicas", 1, MAX_REPLICAS, defaults::MIN_REPLICAS);
    let max_replicas = cx.required(max_replicas, "max_replicas", place, "`hpa`")?;
    let max_place = max_replicas.place;
    let max_replicas = cx.count_or(Some(max_replicas), "max_replicas", 1, MAX_REPLICAS, 1);
    if max_replicas < min_replicas {
        cx.problem(Code::Contradiction, max_place, "`max_replicas` is below `min_replicas`");
    }
    let says_window = |b: &At<BehaviorFile>| {
        b.value.scale_down.as_ref().is_some_and(|down| down.value.stabilization_window.is_some())
    };
    if behavior.as_ref().is_some_and(says_window) {
        let why = "where `behavior.scale_down` has a `stabilization_window`";
        cx.no_effect(&downscale_stabilization, "downscale_stabilization", why);
    }
    let span = |key: Key<Duration>, default| key.map_or(default, |d| d.value.0);
    let downscale_stabilization = span(downscale_stabilization, defaults::DOWNSCALE_STABILIZATION);
    Some(Hpa {
        min_replicas,
        max_replicas,
        target_percent: target(cx, target_cpu_utilization),
        tolerance: share(cx, tolerance, "tolerance", 0.0, 1.0, defaults::TOLERANCE),
        behavior: behavior.map(|b| self::behavior(cx, b.value, downscale_stabilization)),
        sync_period: period(cx, sync_period, "sync_period", MOST_WINDOW).unwrap_or(defaults::SYNC_PERIOD),
        metrics_resolution: period(cx, metrics_resolution, "metrics_resolution", MOST_WINDOW)
            .unwrap_or(defaults::METRICS_RESOLUTION),
        cpu_initialization_period: span(cpu_initialization_period, defaults::CPU_INITIALIZATION_PERIOD),
        initial_readiness_delay: span(initial_readiness_delay, defaults::INITIAL_READINESS_DELAY),
        downscale_stabilization,
        cpu_at_full_load: share(cx, cpu_at_full_load, "cpu_at_full_load", 0.01, 100.0, defaults::CPU_AT_FULL_LOAD),
    })
}

fn target(cx: &mut Check<'_>, key: Key<Share>) -> u32 {
    let Some(At { value: Share(share), place }) = key else { return defaults::TARGET_PERCENT };
    let percent = (share * 100.0).round();
    let whole = (share * 100.0 - percent).abs() < 1e-6;
    if !whole || percent < 1.0 || percent > f64::from(MOST_PERCENT) {
        let message =
            format!("`target_cpu_utilization` must be a whole percentage from 1% to {MOST_PERCENT}%, such as 80%");
        no_share(cx, place, share, message);
        return defaults::TARGET_PERCENT;
    }
    percent as u32
}

fn share(cx: &mut Check<'_>, key: Key<Share>, name: &str, min: f64, max: f64, default: f64) -> f64 {
    let Some(At { value: Share(x), place }) = key else { return default };
    if !(min..=max).contains(&x) {
        let (min, max) = (min * 100.0, max * 100.0);
        cx.problem(Code::OutOfRange, place, format!("`{name}` must be from {min}% to {max}%"));
        return default;
    }
    x
}

fn behavior(cx: &mut Check<'_>, file: BehaviorFile, stabilization: Span) -> Behavior {
    let BehaviorFile { scale_up, scale_down } = file;
    Behavior {
        up: rules(cx, scale_up, Span::ZERO, &defaults::UP),
        down: rules(cx, scale_down, stabilization, &defaults::DOWN),
    }
}

fn rules(
    cx: &mut Check<'_>,
    file: Key<ScalingRulesFile>,
    window: Span,
    default_policies: &[ScalingPolicy],
) -> ScalingRules {
    let ScalingRulesFile { stabilization_window, policies, select_policy } = file.map(|f| f.value).unwrap_or_default();
    let stabilization_window = stabilization_window.map_or(window, |At { value: Duration(window), place }| {
        if window > MOST_WINDOW {
            cx.problem(Code::OutOfRange, place, format!("`stabilization_window` is at most {MOST_WINDOW}"));
        }
        window
    });
    let policies = match policies {
        None => default_policies.to_vec(),
        Some(list) => {
            if list.value.is_empty() {
                let message = "`policies` is empty; to forbid change, write `select_policy: disabled`";
                cx.problem(Code::EmptyList, list.place, message);
            }
            let list = cx.items(Some(list), "policies", MOST_POLICIES);
            let mut policies: Vec<ScalingPolicy> = Vec::new();
            for item in list {
                let place = item.place;
                match self::policy(cx, item) {
                    Some(policy) if policies.contains(&policy) => {
                        cx.problem(Code::NoEffect, place, "this policy has no effect: it is in the list already");
                    }
                    policy => policies.extend(policy),
                }
            }
            policies
        }
    };
    let select = select_policy.map_or(SelectPolicy::Max, |select| select.value.0);
    ScalingRules { stabilization_window, policies, select }
}

fn policy(cx: &mut Check<'_>, At { value, place }: At<ScalingPolicyFile>) -> Option<ScalingPolicy> {
    let ScalingPolicyFile { pods, percent, period } = value;
    let period = cx.required(period, "period", place, "a scaling policy");
    let period = self::period(cx, period, "period", MOST_PERIOD);
    let change = match (pods, percent) {
        (Some(pods), None) => ScalingChange::Pods(cx.count_or(Some(pods), "pods", 1, MAX_REPLICAS, 1)),
        (None, Some(percent)) => ScalingChange::Percent(cx.count_or(Some(percent), "percent", 1, 100_000, 1)),
        (pods, _) => {
            let place: Place = pods.map_or(place, |p| p.place);
            cx.problem(Code::NotOne, place, "a scaling policy takes one of `pods` and `percent`");
            return None;
        }
    };
    Some(ScalingPolicy { change, period: period? })
}

fn period(cx: &mut Check<'_>, key: Key<Duration>, name: &str, most: Span) -> Option<Span> {
    let At { value: Duration(period), place } = key?;
    if period < LEAST_PERIOD || period > most {
        cx.problem(Code::OutOfRange, place, format!("`{name}` must be from {LEAST_PERIOD} to {most}"));
    }
    Some(period.max(LEAST_PERIOD))
}
