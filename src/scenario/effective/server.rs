//! What makes pods of a server slow, and what scales them.

use super::{Rows, Scope};
use crate::model::{Cpu, CpuLimit, Hpa, ScalingChange, ScalingPolicy, ScalingRules, WarmUp};
use crate::scenario::quantity::Cores;
use crate::settings::Words;

pub(super) fn warm_up(rows: &mut Rows<'_>, at: &Scope, warm_up: Option<&WarmUp>) {
    let Some(WarmUp { initial, time }) = warm_up else { return rows.put(at, "warm_up", "none".into()) };
    let at = at.key("warm_up");
    rows.put(&at, "initial", initial.to_string());
    rows.put(&at, "time", time.to_string());
}

pub(super) fn cpu(rows: &mut Rows<'_>, at: &Scope, cpu: Option<&Cpu>) {
    let Some(Cpu { cores_milli, limit }) = cpu else { return rows.put(at, "cpu", "a core for each request".into()) };
    let at = at.key("cpu");
    rows.put(&at, "cores", Cores(*cores_milli).to_string());
    let limit = limit.map(|CpuLimit { quota, period }| Cores((quota.0 * 1_000 / period.0) as u32).to_string());
    rows.put(&at, "limit", limit.unwrap_or_else(|| "none".into()));
}

pub(super) fn hpa(rows: &mut Rows<'_>, at: &Scope, hpa: Option<&Hpa>) {
    let Some(hpa) = hpa else { return rows.put(at, "hpa", "none".into()) };
    let Hpa {
        min_replicas,
        max_replicas,
        target_percent,
        tolerance,
        behavior,
        sync_period,
        cpu_initialization_period,
        initial_readiness_delay,
        downscale_stabilization,
        metrics_resolution,
        cpu_at_full_load,
    } = hpa;
    let at = at.key("hpa");
    rows.put(&at, "min_replicas", min_replicas.to_string());
    rows.put(&at, "max_replicas", max_replicas.to_string());
    rows.put(&at, "target_cpu_utilization", format!("{target_percent}%"));
    rows.put(&at, "cpu_at_full_load", percent(*cpu_at_full_load));
    rows.put(&at, "tolerance", percent(*tolerance));
    match behavior {
        None => rows.put(&at, "behavior", "none: at most double or 4 pods per sync".into()),
        Some(behavior) => {
            let at = at.key("behavior");
            rules(rows, &at.key("scale_up"), &behavior.up);
            rules(rows, &at.key("scale_down"), &behavior.down);
        }
    }
    rows.put(&at, "sync_period", sync_period.to_string());
    rows.put(&at, "metrics_resolution", metrics_resolution.to_string());
    rows.put(&at, "cpu_initialization_period", cpu_initialization_period.to_string());
    rows.put(&at, "initial_readiness_delay", initial_readiness_delay.to_string());
    if behavior.is_none() {
        rows.put(&at, "downscale_stabilization", downscale_stabilization.to_string());
    }
}

fn rules(rows: &mut Rows<'_>, at: &Scope, rules: &ScalingRules) {
    let ScalingRules { stabilization_window, policies, select } = rules;
    let policy = |ScalingPolicy { change, period }: &ScalingPolicy| match change {
        ScalingChange::Pods(n) => format!("{n} pods per {period}"),
        ScalingChange::Percent(n) => format!("{n}% per {period}"),
    };
    rows.put(at, "stabilization_window", stabilization_window.to_string());
    rows.put(at, "policies", policies.iter().map(policy).collect::<Vec<_>>().join(", "));
    rows.put(at, "select_policy", select.word().into());
}

/// Shares have no more digits than a percentage with six of them.
fn percent(share: f64) -> String {
    format!("{}%", (share * 1e8).round() / 1e6)
}
