//! The text of an imported scenario: what comes of the manifests, what is assumed in comments, and what is not modelled.

use super::load::Tool;
use super::object::Object;
use super::{Class, Imported, Remark};
use crate::scenario::diagnostic::Source;
use crate::scenario::document::Position;
use crate::scenario::yaml::tree::{Entry, Node, Value};
use crate::scenario::yaml::write;

const ON_EACH_NODE: &str = "A DaemonSet has a pod on each node; the number of nodes is assumed: kubectl get nodes.";

/// What is assumed of a server, and what to measure.
pub(super) fn of_server(object: &Object, service: &Object) -> Vec<String> {
    let mut lines = vec![
        format!("{}. The manifests do not say what follows: measure it.", object.title()),
        "concurrency: 8              # requests that a pod serves at once: threads or workers of the server".to_owned(),
        "service_time: { exponential: { mean: 1600us } } # time of one request in a pod that is not busy".to_owned(),
        format!(
            "  from: sum(rate(grpc_server_handling_seconds_sum{{service=\"{0}\"}}[5m])) / \
             sum(rate(grpc_server_handling_seconds_count{{service=\"{0}\"}}[5m]))",
            service.name
        ),
        "startup: 5s                 # from the pod's creation to Ready".to_owned(),
        "grpc: { max_connection_age: 5m, max_connection_age_grace: 10s } # if the server sets them; default: never"
            .to_owned(),
    ];
    match object.kind.as_str() {
        "StatefulSet" => lines.push("A StatefulSet replaces one pod at a time, the old one first.".to_owned()),
        "DaemonSet" => lines.push(ON_EACH_NODE.to_owned()),
        _ => {}
    }
    lines
}

/// What is assumed of a client, and what to measure.
pub(super) fn of_client(object: Option<&Object>, tool: Option<&Tool>, outside: bool, service: &Object) -> Vec<String> {
    let from = match (object, tool) {
        (Some(object), Some(tool)) => format!("{}, which runs {}.", object.title(), tool.name),
        (Some(object), None) => format!("{}, whose settings name the Service.", object.title()),
        (None, Some(tool)) => format!("A load of {}.", tool.name),
        (None, None) if outside => {
            "A gateway leads to the Service: ten replicas of one client outside are assumed.".to_owned()
        }
        (None, None) => "No manifest says who calls the Service: ten replicas of one client are assumed.".to_owned(),
    };
    let mut lines = vec![from];
    lines.extend(object.filter(|object| object.kind == "DaemonSet").map(|_| ON_EACH_NODE.to_owned()));
    if tool.is_none() {
        lines.extend([
            "The rate is assumed; it is of all replicas together. Measure it:".to_owned(),
            format!("  from: sum(rate(grpc_server_started_total{{service=\"{}\"}}[5m]))", service.name),
        ]);
    }
    lines
}

/// The scenario as YAML with comments. `sources` are what it was made of, and `remarks` what becomes of their fields.
pub(in crate::scenario) fn written(
    imported: &Imported,
    root: &Node,
    sources: &[Source],
    remarks: &[(&Remark, Position)],
) -> String {
    let from: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let mut out = format!("# A scenario of evenkeel, made of {}.\n", from.join(", "));
    for class in [Class::Unknown, Class::Matters] {
        let of_class: Vec<_> = remarks.iter().filter(|(remark, _)| remark.class == class).collect();
        if !of_class.is_empty() {
            out.push_str(&format!("#\n# {}:\n", class.title()));
        }
        for (remark, position) in of_class {
            out.push_str(&format!("# - {position} {remark}\n"));
        }
    }
    out.push('\n');
    let Value::Map(entries) = &root.value else { return out };
    for entry in entries {
        out.push_str(&section(imported, entry));
    }
    out
}

/// A key of the scenario; what is assumed of an item stands below it.
fn section(imported: &Imported, entry: &Entry) -> String {
    let Value::List(items) = &entry.value.value else { return write::block(&alone(entry), 0) };
    let mut out = format!("{}:\n", entry.key);
    for (i, item) in items.iter().enumerate() {
        let lines = write::block(item, 4);
        out.push_str(&format!("  - {}", lines.trim_start()));
        let hints = imported.hints.iter().filter(|hint| hint.section == entry.key && hint.item == i);
        // What the item says needs no assumption.
        let says = |line: &str| line.split_once(':').is_some_and(|(key, _)| item.child(key).is_some());
        for line in hints.flat_map(|hint| &hint.lines).filter(|line| !says(line)) {
            out.push_str(&format!("    # {line}\n"));
        }
    }
    out
}

fn alone(entry: &Entry) -> Node {
    Node { place: entry.value.place, value: Value::Map(vec![entry.clone()]), damaged: false }
}
