//! Autoscalers.

use super::Check;
use super::server::MAX_REPLICAS;
use crate::model::{Behavior, Hpa, ScalingChange, ScalingPolicy, ScalingRules, SelectPolicy};
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::hpa::{BehaviorFile, HpaBehaviorFile, HpaFile, ScalingPolicyFile, ScalingRulesFile};
use crate::scenario::quantity::Duration;
use crate::scenario::rules::Code;
use crate::units::Span;

const LEAST_PERIOD: Span = Span::from_secs(1);
const MOST_PERIOD: Span = Span::from_secs(30 * 60);
const MOST_WINDOW: Span = Span::from_secs(3_600);
const MOST_POLICIES: usize = 10;

/// The autoscaler of a server with this many pods at the start. `asks`: its CPU time at full load over its request, if that is known.
pub(super) fn hpa(cx: &mut Check<'_>, file: Key<HpaFile>, replicas: u32, asks: Option<f64>) -> Option<Hpa> {
    let At { value: file, place } = file?;
    if replicas == 0 {
        cx.problem(Code::NoEffect, place, "`hpa` has no effect with `replicas: 0`, which switches it off");
    }
    let mut hpa = cx.settings(&file, "hpa", place, Hpa::default());
    if let Some(full) = asks {
        let why = "with `cpu.request`, which says what the CPU time is divided by";
        cx.no_effect(&file.given("cpu_at_full_load"), "cpu_at_full_load", why);
        hpa.cpu_at_full_load = full;
    }
    if let Some(place) = file.place("max_replicas").filter(|_| hpa.max_replicas < hpa.min_replicas) {
        cx.problem(Code::Contradiction, place, "`max_replicas` is below `min_replicas`");
    }
    let stabilization = file.given("downscale_stabilization");
    let HpaBehaviorFile { behavior } = file.rest;
    let says_window = |b: &At<BehaviorFile>| {
        b.value.scale_down.as_ref().is_some_and(|down| down.value.stabilization_window.is_some())
    };
    if behavior.as_ref().is_some_and(says_window) {
        let why = "where `behavior.scale_down` has a `stabilization_window`";
        cx.no_effect(&stabilization, "downscale_stabilization", why);
    }
    let behavior = behavior.map(|b| self::behavior(cx, b.value, hpa.downscale_stabilization));
    Some(Hpa { behavior, ..hpa })
}

fn behavior(cx: &mut Check<'_>, file: BehaviorFile, stabilization: Span) -> Behavior {
    let BehaviorFile { scale_up, scale_down } = file;
    Behavior {
        up: rules(cx, scale_up, Span::ZERO, &Behavior::UP),
        down: rules(cx, scale_down, stabilization, &Behavior::DOWN),
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
