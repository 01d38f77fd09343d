//! The scenario of a Service, put together section by section.

use super::build::{self, Map};
use super::object::{Field, Object};
use super::target::Target;
use super::{Cx, Hint, callers, gateways, load, routes, text, workload};
use crate::scenario::diagnostic::quoted;
use crate::scenario::yaml::tree::{Node, Value};

/// The workloads whose pods a Service selects.
pub(super) fn servers<'a>(cx: &Cx<'a>, service: &Object) -> Vec<&'a Object> {
    let Some(selector) = service.get(&["spec", "selector"]) else { return Vec::new() };
    let alike = |o: &Object| match (o.namespace(), service.namespace()) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    // What a Deployment leaves behind.
    let is_old =
        |o: &Object| o.kind == "ReplicaSet" && o.get(&["spec", "replicas"]).is_some_and(|n| n.int() == Some(0));
    let is_one = |o: &&Object| o.is_workload() && alike(o) && o.has_labels(selector) && !is_old(o);
    cx.objects.iter().filter(is_one).filter(|o| !callers::is_owned(cx, o)).collect()
}

/// What kube-proxy remembers of clients.
fn session_affinity(cx: &mut Cx<'_>, service: &Object) -> Option<Node> {
    let kind = service.get(&["spec", "sessionAffinity"])?;
    match &*kind.text()? {
        "ClientIP" => {}
        "None" => return None,
        other => {
            let message = format!("`sessionAffinity` is not {}", quoted(other));
            cx.problem(Some(kind.place()), message, "it is `ClientIP` or `None`");
            return None;
        }
    }
    let timeout = service.get(&["spec", "sessionAffinityConfig", "clientIP", "timeoutSeconds"]);
    let mut affinity = Map::new(kind.place());
    affinity.put_some("timeout", timeout.map(build::seconds));
    Some(affinity.node())
}

/// The scenario, the paths of what no manifest says, and what is said of the items of its lists.
pub(super) fn scenario(
    cx: &mut Cx<'_>,
    name: &str,
    target: &Target<'_>,
    tools: Vec<load::Tool>,
) -> (Node, Vec<String>, Vec<Hint>) {
    let service = target.service;
    let place = service.place();
    let servers = servers(cx, service);
    servers.iter().for_each(|server| _ = server.takes_part());
    let routes = routes::of_service(cx, target, &servers);
    let gateway = gateways::of_service(cx, target, &routes);
    if servers.is_empty() {
        let at = service.get(&["spec", "selector"]).map_or(place, Field::place);
        cx.problem(
            Some(at),
            format!("no workload of this input has the labels that Service {} selects", quoted(&service.name)),
            "add the Deployment (or StatefulSet, or Rollout) to the input",
        );
    }
    let mut root = Map::new(place);
    let of_folder = label(name);
    root.put("name", if of_folder.is_empty() { cx.name(service) } else { build::text(place, of_folder) });
    let (mut hints, mut assumed) = (Vec::new(), Vec::new());
    let made: Vec<Node> = servers.iter().map(|object| workload::server(cx, object)).collect();
    for (item, object) in servers.iter().enumerate() {
        assumed.extend((object.kind == "DaemonSet").then(|| format!("servers.{item}.replicas")));
        hints.push(Hint { section: "servers", item, lines: text::of_server(object, service) });
    }
    let clients = callers::clients(cx, target, &servers, gateway.as_ref(), tools);
    // A load that ends by itself is an experiment that is complete.
    let event = workload::rollout(&servers, &made).filter(|_| !clients.assumed.is_empty() && !clients.ends);
    assumed.extend(clients.assumed.iter().cloned());
    if !clients.ends {
        let usual = event.as_ref().map_or_else(|| "5m".to_owned(), |(_, duration)| duration.to_string());
        let duration = clients.duration.clone().filter(|_| clients.assumed.is_empty());
        if duration.is_none() {
            assumed.push("duration".to_owned());
        }
        root.put("duration", duration.unwrap_or_else(|| build::text(place, usual)));
        if !clients.assumed.is_empty() {
            assumed.push("warmup".to_owned());
            root.put("warmup", build::text(place, "30s"));
        }
    }
    if target.headless {
        let field = service.get(&["spec", "clusterIP"]).map_or(place, Field::place);
        root.put("service", build::one("type", build::text(field, "Headless")));
    } else if let Some(affinity) = session_affinity(cx, service) {
        root.put("service", build::one("session_affinity", affinity));
    }
    if let Some(gateway) = gateway.filter(|_| clients.through_gateway) {
        root.put("gateways", build::list(gateway.node.place, vec![gateway.node]));
        hints.push(Hint { section: "gateways", item: 0, lines: vec![gateway.line] });
    }
    root.put("servers", build::list(place, made));
    hints.extend(clients.hints);
    root.put("clients", build::list(place, clients.nodes));
    if let Some((action, _)) = event {
        assumed.push("timeline".to_owned());
        root.put("timeline", build::list(place, vec![action]));
    }
    let mut root = root.node();
    unique_names(&mut root);
    (root, assumed, hints)
}

/// Two workloads of one name (in two namespaces, say) get a number.
fn unique_names(root: &mut Node) {
    let mut taken = std::collections::BTreeSet::new();
    let Value::Map(sections) = &mut root.value else { return };
    for section in sections.iter_mut().filter(|e| ["gateways", "servers", "clients"].contains(&e.key.as_str())) {
        let Value::List(items) = &mut section.value.value else { continue };
        for item in items {
            let Value::Map(entries) = &mut item.value else { continue };
            let Some(Value::Text(name)) = entries.iter_mut().find(|e| e.key == "name").map(|e| &mut e.value.value)
            else {
                continue;
            };
            let (first, mut number) = (name.clone(), 2);
            while !taken.insert(name.clone()) {
                *name = format!("{first}-{number}");
                number += 1;
            }
        }
    }
}

/// What a DNS label can hold of a name.
pub(super) fn label(name: &str) -> String {
    let part = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let label: String = name.chars().map(part).take(63).collect();
    label.trim_matches('-').to_owned()
}
