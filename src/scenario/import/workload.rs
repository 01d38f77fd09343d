//! Deployments and their like as servers: replicas, how a rollout goes, how pods start and end.

use super::build::{Map, duration, int, one, read, seconds, text};
use super::object::{Field, Object};
use super::{Cx, flags, hpa, words};
use crate::model::Termination;
use crate::model::defaults::NODES;
use crate::scenario::diagnostic::Place;
use crate::scenario::quantity::parse_duration;
use crate::scenario::yaml::tree::{Entry, Node, Value};
use crate::units::Span;

/// Kinds that have pods.
pub(super) const KINDS: [&str; 9] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Rollout",
    "Job",
    "CronJob",
    "Pod",
];

impl Object {
    /// True for an object that has pods.
    pub(super) fn is_workload(&self) -> bool {
        KINDS.contains(&self.kind.as_str())
    }

    /// The keys that lead to its pod template.
    pub(super) fn template(&self) -> &'static [&'static str] {
        match self.kind.as_str() {
            "Pod" => &[],
            "CronJob" => &["spec", "jobTemplate", "spec", "template"],
            _ => &["spec", "template"],
        }
    }

    /// What stands below the pod template.
    pub(super) fn pod(&self, path: &[&str]) -> Option<Field<'_>> {
        self.get(&[self.template(), path].concat())
    }

    /// Where to look for what it does not say: at its container, or at its `spec`.
    pub(super) fn place(&self) -> Place {
        let container = self.own_containers().next().filter(|c| matches!(c.node.value, Value::Map(_)));
        container.or_else(|| self.get(&["spec"])).map_or(self.root.place, Field::place)
    }

    /// How many pods it has, if that is written. A DaemonSet has one on each node, and how many there are no manifest says.
    pub(super) fn replicas(&self) -> Option<Node> {
        match self.kind.as_str() {
            "DaemonSet" => Some(int(self.place(), NODES.into())),
            _ => self.get(&["spec", "replicas"]).map(read),
        }
    }

    /// True if its pods mount a ConfigMap.
    pub(super) fn mounts(&self, map: &str) -> bool {
        let volumes = self.pod(&["spec", "volumes"]).into_iter().flat_map(Field::items);
        let sources = volumes.flat_map(|volume| {
            let projected = volume.get(&["projected", "sources"]).into_iter().flat_map(Field::items);
            projected.chain([volume]).filter_map(|source| source.get(&["configMap", "name"])?.peek())
        });
        sources.into_iter().any(|name| name == map)
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
        ["Deployment", "StatefulSet", "DaemonSet", "Rollout"].contains(&self.kind.as_str())
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

/// The object that lends its pods to an Argo Rollout (`workloadRef`).
pub(super) fn lender<'a>(rollout: &Object, objects: &'a [Object]) -> Option<&'a Object> {
    if rollout.kind != "Rollout" {
        return None;
    }
    let says = |key: &str| rollout.get(&["spec", "workloadRef", key])?.peek();
    let (kind, name) = (says("kind")?, says("name")?);
    objects.iter().find(|o| o.kind == kind && o.name == name)
}

/// Gives each Rollout the pod template that its `workloadRef` stands for.
pub(super) fn lend_templates(objects: &mut [Object]) {
    for i in 0..objects.len() {
        let template = lender(&objects[i], objects).and_then(|lender| lender.root.child("spec")?.child("template"));
        let Some(template) = template.filter(|_| !objects[i].root.has(&["spec", "template"])).cloned() else {
            continue;
        };
        let Value::Map(entries) = &mut objects[i].root.value else { continue };
        let Some(Value::Map(spec)) = entries.iter_mut().find(|e| e.key == "spec").map(|e| &mut e.value.value) else {
            continue;
        };
        spec.push(Entry { key: "template".to_owned(), key_place: template.place, value: template });
    }
}

/// A server of the scenario.
pub(super) fn server(cx: &mut Cx<'_>, object: &Object) -> Node {
    let mut server = Map::new(object.place());
    server.put("name", cx.name(object));
    if let Some(lender) = lender(object, cx.objects) {
        object.get(&["spec", "workloadRef"]).into_iter().for_each(Field::read);
        cx.no_bearing(lender, "a Rollout has its pods");
    }
    let hpa = hpa::autoscaler(cx, object).map(Object::takes_part);
    server.put_some("replicas", replicas(cx, object, hpa));
    server.put_some("startup", startup(object));
    server.put_some("min_ready", object.get(&["spec", "minReadySeconds"]).map(seconds).filter(|n| !is_zero(n)));
    server.put_some("termination", termination(cx, object));
    server.put_some("strategy", strategy(cx, object));
    server.put_some("hpa", hpa.and_then(|hpa| hpa::autoscaling(cx, hpa, object)));
    server.put_some("grpc", flags::of_server(cx, object));
    server.node()
}

/// Pods at the start: within the bounds of the autoscaler, as it would have brought them there long ago.
fn replicas(cx: &mut Cx<'_>, object: &Object, hpa: Option<&Object>) -> Option<Node> {
    let bound = |key: &str| hpa.and_then(|hpa| hpa.get(&["spec", key]));
    let least = || bound("minReplicas").map(|field| field.node.clone());
    let Some(node) = object.replicas() else { return least() };
    let Some(written) = object.get(&["spec", "replicas"]) else { return Some(node) };
    let Value::Int(n) = node.value else { return Some(node) };
    let (low, high) = (bound("minReplicas").and_then(Field::int), bound("maxReplicas").and_then(Field::int));
    let within = n.max(low.unwrap_or(n)).min(high.unwrap_or(i128::MAX).max(1));
    if n > 0 && within != n {
        cx.matters(object, written, &format!("the autoscaler allows {within}, with which the run begins"));
        return Some(int(written.place(), within));
    }
    Some(node)
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
    let mut all = Map::new(object.place());
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
fn strategy(cx: &mut Cx<'_>, object: &Object) -> Option<Node> {
    const PARTS: [(&str, &str); 2] = [("maxSurge", "max_surge"), ("maxUnavailable", "max_unavailable")];
    if ["StatefulSet", "DaemonSet"].contains(&object.kind.as_str()) {
        // One at a time, the old pod before the new one.
        let place = object.place();
        let mut strategy = Map::new(place);
        strategy.put("max_surge", int(place, 0));
        strategy.put("max_unavailable", int(place, 1));
        if let (true, Some(rolling)) =
            (object.kind == "DaemonSet", object.get(&["spec", "updateStrategy", "rollingUpdate"]))
        {
            strategy.copy(rolling, &PARTS);
            for part in PARTS.iter().filter_map(|(part, _)| rolling.get(&[part])).filter(|part| is_share(*part)) {
                cx.matters(
                    object,
                    part,
                    "a DaemonSet rounds a share of its nodes up; here `max_unavailable` is rounded down",
                );
            }
        }
        return Some(strategy.node());
    }
    let written = object.get(&["spec", "strategy"])?;
    written.must_be_a_map("strategy");
    let mut strategy = Map::new(written.place());
    strategy.copy(written, &[("type", "type")]);
    for part in ["rollingUpdate", "canary"].into_iter().filter_map(|part| written.get(&[part])) {
        strategy.copy(part, &PARTS);
    }
    strategy.some()
}

fn is_share(field: Field<'_>) -> bool {
    matches!(&field.node.value, Value::Text(text) if text.ends_with('%'))
}

/// An event that shows more than a quiet fleet does: a rollout of the first workload that has pods; and how long a run with it is.
pub(super) fn rollout(servers: &[&Object], made: &[Node]) -> Option<(Node, Span)> {
    let count = |node: &Node| if let Value::Int(n) = node.value { n } else { 1 };
    let pods = |node: &Node| node.child("replicas").map_or(1, count).clamp(0, 10_000) as u64;
    let (object, node) = servers.iter().zip(made).find(|(object, node)| object.rolls_out() && pods(node) > 0)?;
    let place = object.place();
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
