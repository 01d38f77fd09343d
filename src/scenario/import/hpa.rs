//! The HorizontalPodAutoscaler of a workload.

use super::Cx;
use super::build::{Map, list, percent, read, seconds, text};
use super::object::{Field, Object};
use crate::scenario::yaml::tree::{Node, Value};

/// The HorizontalPodAutoscaler of a workload.
pub(super) fn autoscaler<'a>(cx: &Cx<'a>, object: &Object) -> Option<&'a Object> {
    cx.objects.iter().find(|hpa| {
        let target = |key| hpa.get(&["spec", "scaleTargetRef", key]).and_then(Field::text);
        hpa.kind == "HorizontalPodAutoscaler"
            && target("name").as_deref() == Some(&object.name)
            && target("kind").is_none_or(|kind| kind == object.kind)
    })
}

/// `autoscaling/v2`, or v1 with its one target. `workload` is what it scales.
pub(super) fn autoscaling(cx: &mut Cx<'_>, object: &Object, workload: &Object) -> Option<Node> {
    let spec = object.get(&["spec"])?;
    let mut hpa = Map::new(spec.place());
    hpa.copy(spec, &[("minReplicas", "min_replicas"), ("maxReplicas", "max_replicas")]);
    let mut target = spec.get(&["targetCPUUtilizationPercentage"]).map(|field| (field.int(), percent(field)));
    let metrics = spec.list("metrics");
    for metric in metrics.iter().copied() {
        match (cpu_target(cx, object, workload, metric), &target) {
            (None, _) => {}
            // Of several metrics the one counts that asks for the most pods.
            (Some(found), Some(before)) if found.0 >= before.0 => {
                cx.matters(object, metric, "another target is at most as high, and the lowest one counts");
            }
            (found, _) => {
                metric.read();
                target = found;
            }
        }
    }
    if target.is_none() && !metrics.is_empty() {
        let note = "none of its metrics is modelled, so that the number of pods stays as it is";
        cx.matters(object, object.field(), note);
        return None;
    }
    hpa.put_some("target_cpu_utilization", target.map(|(_, node)| node));
    hpa.put_some("behavior", spec.get(&["behavior"]).and_then(behavior));
    Some(hpa.node())
}

/// The utilization of the CPU that a metric aims at, as a number and as the scenario has it.
fn cpu_target(cx: &mut Cx<'_>, object: &Object, workload: &Object, metric: Field<'_>) -> Option<(Option<i128>, Node)> {
    let source = metric.get(&["resource"]).or_else(|| metric.get(&["containerResource"]));
    let Some(source) = source.filter(|s| s.get(&["name"]).and_then(Field::text).is_some_and(|name| name == "cpu"))
    else {
        cx.matters(object, metric, "only targets of the CPU are modelled");
        return None;
    };
    let container = source.get(&["container"]).and_then(Field::text);
    let named = |c: &Field<'_>| container.is_none() || c.get(&["name"]).and_then(Field::text) == container;
    let measured: Vec<Field<'_>> = workload.own_containers().filter(named).collect();
    if measured.is_empty() {
        cx.matters(object, metric, "it looks at another container than the server's, which is not modelled");
        return None;
    }
    // The shapes of v2 and of v2beta1.
    let value = |v2: &str, beta: &str| source.get(&["target", v2]).or_else(|| source.get(&[beta]));
    if let Some(utilization) = value("averageUtilization", "targetAverageUtilization") {
        return Some((utilization.int(), percent(utilization)));
    }
    let Some(average) = value("averageValue", "targetAverageValue") else {
        cx.matters(
            object,
            metric,
            "it has no target that is modelled: a utilization of the CPU, or a mean of it per pod",
        );
        return None;
    };
    let requests = measured.iter().map(|c| c.get(&["resources", "requests", "cpu"]));
    let Some(requests) = requests.collect::<Option<Vec<Field<'_>>>>() else {
        let note = "a mean CPU per pod becomes a utilization by `resources.requests.cpu` of the container, which is not written";
        cx.matters(object, average, note);
        return None;
    };
    let request: Option<i128> = requests.iter().map(|request| millicores(*request)).sum();
    match (millicores(average), request) {
        (Some(aim), Some(request)) if request > 0 => {
            requests.into_iter().for_each(Field::read);
            let share = aim.saturating_mul(100).saturating_add(request / 2) / request;
            Some((Some(share), text(average.place(), format!("{share}%"))))
        }
        (aim, _) => {
            let wrong = if aim.is_none() { average } else { requests[0] };
            wrong.wrong("a quantity of CPU above zero must stand here, such as 500m or 2");
            None
        }
    }
}

/// `500m` or `2` or `0.5` in thousandths of a core.
fn millicores(field: Field<'_>) -> Option<i128> {
    let text = match &field.node.value {
        Value::Text(text) => text.clone(),
        Value::Int(n) => n.to_string(),
        Value::Float(x) => x.to_string(),
        _ => return None,
    };
    let (number, factor) = match text.strip_suffix('m') {
        Some(number) => (number, 1.0),
        None => (text.as_str(), 1_000.0),
    };
    let cores = number.parse::<f64>().ok().filter(|x| (0.0..1e9).contains(x))?;
    Some((cores * factor).round() as i128)
}

fn behavior(field: Field<'_>) -> Option<Node> {
    let mut all = Map::new(field.place());
    for (from, to) in [("scaleUp", "scale_up"), ("scaleDown", "scale_down")] {
        let Some(rules) = field.get(&[from]) else { continue };
        let mut one_way = Map::new(rules.place());
        one_way.put_some("stabilization_window", rules.get(&["stabilizationWindowSeconds"]).map(seconds));
        let policies: Vec<Node> = rules.list("policies").into_iter().map(limit).collect();
        let place = rules.get(&["policies"]).map_or(rules.place(), Field::place);
        one_way.put_some("policies", (!policies.is_empty()).then(|| list(place, policies)));
        let word = rules.get(&["selectPolicy"]).and_then(|f| Some(text(f.place(), f.text()?.to_lowercase())));
        one_way.put_some("select_policy", word);
        all.put_some(to, one_way.some());
    }
    all.some()
}

/// One limit on change.
fn limit(field: Field<'_>) -> Node {
    let mut policy = Map::new(field.place());
    let kind = match field.get(&["type"]).map(|kind| (kind, kind.text())) {
        Some((_, Some(kind))) if kind == "Pods" => "pods",
        Some((_, Some(kind))) if kind == "Percent" => "percent",
        other => {
            other.map_or(field, |(kind, _)| kind).wrong("`type` of a scaling policy is Pods or Percent");
            return policy.node();
        }
    };
    policy.put_some(kind, field.get(&["value"]).map(read));
    policy.put_some("period", field.get(&["periodSeconds"]).map(seconds));
    policy.node()
}
