//! Deployments and their like as servers: replicas, how a rollout goes, how pods start and end, and their autoscaler.

use super::build::{Map, duration, int, list, one, read, text};
use super::object::{Field, Object};
use super::{Cx, words};
use crate::model::Termination;
use crate::scenario::diagnostic::Place;
use crate::scenario::quantity::parse_duration;
use crate::scenario::yaml::tree::{Node, Value};
use crate::units::Span;

/// Kinds that have pods.
const KINDS: [&str; 5] = ["Deployment", "StatefulSet", "Rollout", "Job", "Pod"];

impl Object {
    /// True for an object that has pods.
    pub(super) fn is_workload(&self) -> bool {
        KINDS.contains(&self.kind.as_str())
    }

    /// What stands below the pod template.
    pub(super) fn pod(&self, path: &[&str]) -> Option<Field<'_>> {
        let template: &[&str] = if self.kind == "Pod" { &[] } else { &["spec", "template"] };
        self.get(&[template, path].concat())
    }

    /// Its containers, without those that init.
    pub(super) fn containers(&self) -> impl Iterator<Item = Field<'_>> {
        self.pod(&["spec"]).map_or_else(Vec::new, |spec| spec.list("containers")).into_iter()
    }

    /// Its containers but for those of a mesh.
    pub(super) fn own_containers(&self) -> impl Iterator<Item = Field<'_>> {
        let is_own = |c: &Field<'_>| {
            let name = c.get(&["name"]).and_then(Field::text);
            name.is_none_or(|name| !["istio-proxy", "linkerd-proxy"].contains(&&*name))
        };
        self.containers().filter(is_own)
    }

    /// True for what a rollout replaces step by step.
    fn rolls_out(&self) -> bool {
        ["Deployment", "StatefulSet", "Rollout"].contains(&self.kind.as_str())
    }

    /// True if the pods have all these labels.
    pub(super) fn has_labels(&self, selector: Field<'_>) -> bool {
        let labels = self.pod(&["metadata", "labels"]);
        let has = |(key, value): (&str, Field<'_>)| {
            labels.and_then(|labels| labels.get(&[key])?.text()) == value.text() && value.text().is_some()
        };
        selector.entries().next().is_some() && selector.entries().all(has)
    }
}

/// A server of the scenario.
pub(super) fn server(cx: &mut Cx<'_>, object: &Object) -> Node {
    let mut server = Map::new(object.root.place);
    server.put("name", cx.name(object));
    let hpa = autoscaler(cx, object).map(Object::takes_part);
    server.put_some("replicas", replicas(cx, object, hpa));
    server.put_some("startup", startup(object));
    server.put_some("min_ready", object.get(&["spec", "minReadySeconds"]).map(seconds).filter(|n| !is_zero(n)));
    server.put_some("termination", termination(cx, object));
    server.put_some("strategy", strategy(object));
    server.put_some("hpa", hpa.and_then(|hpa| autoscaling(cx, hpa)));
    server.node()
}

/// Pods at the start: within the bounds of the autoscaler, as it would have brought them there long ago.
fn replicas(cx: &mut Cx<'_>, object: &Object, hpa: Option<&Object>) -> Option<Node> {
    let bound = |key: &str| hpa.and_then(|hpa| hpa.get(&["spec", key]));
    let least = || bound("minReplicas").map(|field| field.node.clone());
    let Some(written) = object.get(&["spec", "replicas"]) else { return least() };
    let node = read(written);
    let Value::Int(n) = node.value else { return Some(node) };
    let (low, high) = (bound("minReplicas").and_then(Field::int), bound("maxReplicas").and_then(Field::int));
    let within = n.max(low.unwrap_or(n)).min(high.unwrap_or(i128::MAX).max(1));
    if n > 0 && within != n {
        cx.matters(object, written, &format!("the autoscaler allows {within}, with which the run begins"));
        return Some(int(written.place(), within));
    }
    Some(node)
}

/// A number of seconds as a duration.
pub(super) fn seconds(field: Field<'_>) -> Node {
    field.number().map_or_else(|| field.node.clone(), |seconds| text(field.place(), format!("{seconds}s")))
}

fn is_zero(node: &Node) -> bool {
    matches!(&node.value, Value::Text(text) if text == "0s")
}

/// A pod is not Ready before its first readiness probe.
fn startup(object: &Object) -> Option<Node> {
    let delay =
        |probe: &'static str| object.own_containers().filter_map(move |c| c.get(&[probe, "initialDelaySeconds"]));
    let longest = delay("readinessProbe").chain(delay("startupProbe")).max_by_key(|delay| delay.number())?;
    // Less than the assumption of a pod's start says nothing.
    (longest.int()? > 5).then(|| seconds(longest))
}

/// How pods end.
fn termination(cx: &mut Cx<'_>, object: &Object) -> Option<Node> {
    let mut all = Map::new(object.root.place);
    let grace = object.pod(&["spec", "terminationGracePeriodSeconds"]);
    let day = |seconds: i128| Span::from_secs(seconds.clamp(0, 86_400) as u64);
    let most = grace.and_then(Field::int).map_or(Termination::default().grace, day);
    let hooks: Vec<Field<'_>> = object.own_containers().filter_map(|c| c.get(&["lifecycle", "preStop"])).collect();
    for hook in hooks {
        match sleep(hook) {
            Some(_) if !all.is_empty() => cx.matters(object, hook, "the hook of the first container counts"),
            Some((_, time)) if time > most => {
                cx.matters(object, hook, "it is longer than the grace period, which ends it");
                all.put("pre_stop", text(hook.place(), most.to_string()));
            }
            Some((whole, time)) => {
                all.put("pre_stop", text(hook.place(), time.to_string()));
                if !whole {
                    cx.matters(object, hook, "what else than sleep the hook does takes no time here");
                }
            }
            None => cx.matters(
                object,
                hook,
                "what the hook does is not known: say how long it takes as `termination: { pre_stop: … }`",
            ),
        }
    }
    all.put_some("grace", grace.map(seconds));
    all.some()
}

/// How long a preStop hook sleeps, and whether that is all it does.
fn sleep(hook: Field<'_>) -> Option<(bool, Span)> {
    if let Some(field) = hook.get(&["sleep", "seconds"]) {
        let seconds = u64::try_from(field.number()?).ok()?;
        return Some((true, Span::from_secs(seconds.min(86_400))));
    }
    let command = hook.get(&["exec"])?;
    let parts = command.list("command");
    let parts: Vec<String> = parts.into_iter().filter_map(|part| Some(part.text()?.into_owned())).collect();
    let commands = match parts.as_slice() {
        [shell, flags, line] if shell.ends_with("sh") && flags.starts_with('-') => words::commands(line),
        _ => vec![parts],
    };
    let (mut whole, mut sum) = (true, None);
    for command in &commands {
        let words: Vec<&str> = command.iter().map(String::as_str).filter(|word| *word != "exec").collect();
        match words[..] {
            [.., program, time] if program.rsplit('/').next() == Some("sleep") => {
                let time = parse_duration(&words::duration(time)).ok()?;
                sum = Some(Span(sum.unwrap_or(Span::ZERO).0.saturating_add(time.0)));
            }
            [] | ["exit" | "true" | ":" | "echo", ..] => {}
            _ => whole = false,
        }
    }
    command.read();
    Some((whole, sum?))
}

/// How a rollout replaces pods.
fn strategy(object: &Object) -> Option<Node> {
    if object.kind == "StatefulSet" {
        // One at a time, the old pod before the new one.
        let place = object.root.place;
        let mut strategy = Map::new(place);
        strategy.put("max_surge", int(place, 0));
        strategy.put("max_unavailable", int(place, 1));
        return Some(strategy.node());
    }
    let written = object.get(&["spec", "strategy"])?;
    written.must_be_a_map("strategy");
    let mut strategy = Map::new(written.place());
    strategy.copy(written, &[("type", "type")]);
    for part in ["rollingUpdate", "canary"].into_iter().filter_map(|part| written.get(&[part])) {
        strategy.copy(part, &[("maxSurge", "max_surge"), ("maxUnavailable", "max_unavailable")]);
    }
    strategy.some()
}

/// The HorizontalPodAutoscaler of a workload.
fn autoscaler<'a>(cx: &Cx<'a>, object: &Object) -> Option<&'a Object> {
    cx.objects.iter().find(|hpa| {
        let target = |key| hpa.get(&["spec", "scaleTargetRef", key]).and_then(Field::text);
        hpa.kind == "HorizontalPodAutoscaler"
            && target("name").as_deref() == Some(&object.name)
            && target("kind").is_none_or(|kind| kind == object.kind)
    })
}

/// `autoscaling/v2`, or v1 with its one target.
fn autoscaling(cx: &mut Cx<'_>, object: &Object) -> Option<Node> {
    let mut hpa = Map::new(object.root.place);
    let spec = object.get(&["spec"])?;
    hpa.copy(spec, &[("minReplicas", "min_replicas"), ("maxReplicas", "max_replicas")]);
    let mut target = spec.get(&["targetCPUUtilizationPercentage"]);
    let metrics = spec.list("metrics");
    for metric in metrics.iter().copied() {
        let is = |key: &[&str], word: &str| metric.get(key).and_then(Field::text).is_some_and(|text| text == word);
        let cpu = is(&["type"], "Resource") && is(&["resource", "name"], "cpu");
        match metric.get(&["resource", "target", "averageUtilization"]) {
            Some(utilization) if cpu => {
                metric.read();
                target = Some(utilization);
            }
            _ => cx.matters(object, metric, "only the utilization of the CPU is modelled"),
        }
    }
    if target.is_none() && !metrics.is_empty() {
        let note = "none of its metrics is modelled, so that the number of pods stays as it is";
        cx.matters(object, object.field(), note);
        return None;
    }
    hpa.put_some("target_cpu_utilization", target.map(percent));
    hpa.put_some("behavior", spec.get(&["behavior"]).and_then(behavior));
    Some(hpa.node())
}

/// A whole number of percent.
pub(super) fn percent(field: Field<'_>) -> Node {
    field.number().map_or_else(|| field.node.clone(), |percent| text(field.place(), format!("{percent}%")))
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
    let kind = field.get(&["type"]).and_then(Field::text).map(|kind| kind.to_lowercase());
    let value = field.get(&["value"]).map(read);
    policy.put_some(kind.as_deref().unwrap_or("type"), value);
    policy.put_some("period", field.get(&["periodSeconds"]).map(seconds));
    policy.node()
}

/// An event that shows more than a quiet fleet does: a rollout of the first workload that has pods; and how long a run with it is.
pub(super) fn rollout(servers: &[&Object], made: &[Node]) -> Option<(Node, Span)> {
    let count = |node: &Node| if let Value::Int(n) = node.value { n } else { 1 };
    let pods = |node: &Node| node.child("replicas").map_or(1, count).clamp(0, 10_000) as u64;
    let (object, node) = servers.iter().zip(made).find(|(object, node)| object.rolls_out() && pods(node) > 0)?;
    let place = object.root.place;
    let mut action = Map::new(place);
    action.put("at", text(place, "2m"));
    action.put("rollout", node.child("name")?.clone());
    let time = |key: &str, usual: u64| node.child(key).and_then(duration).unwrap_or(Span::from_secs(usual));
    // With the default strategy a quarter of the pods goes at once; any other may go one by one.
    let at_once = if node.has(&["strategy"]) { 1 } else { pods(node).div_ceil(4) };
    let step = time("startup", 5).0.saturating_add(time("min_ready", 0).0);
    let rolling = pods(node).div_ceil(at_once).saturating_mul(step);
    let minutes = (rolling / 60_000_000_000).saturating_add(5).min(24 * 60);
    Some((action.node(), Span::from_secs(60 * minutes)))
}

/// `load: { open: { rate } }`.
pub(super) fn open(place: Place, rate: i128) -> Node {
    one("open", one("rate", int(place, rate)))
}
