//! What becomes of each field of the input: it is modelled, or it is listed with what the answer may miss, or it has no bearing
//! on which pod gets the traffic. A field that is in no table is listed as unknown.

mod routes;
mod table;

use std::collections::BTreeMap;

use super::object::{Field, Object};
use super::{Class, Remark, workload};
use crate::scenario::yaml::tree::{Node, Value};
use routes::{GATEWAY, INGRESS, POLICIES, POLICY, ROUTE, VIRTUAL_SERVICE};
use table::Fate::{Each, Matters, NoBearing};
use table::{
    ANY, DESTINATION_RULE, ENVOY, Fate, HPA, KINDS, LOAD, LOOKED_UP, POD, Row, SERVICE, SERVICE_CONFIG, USUAL, WORKLOAD,
};

/// The fates of the fields that only objects of this kind have; `None` for a kind that is not read.
fn own_rows(kind: &str) -> Option<&'static [Row]> {
    Some(match kind {
        kind if workload::KINDS.contains(&kind) => WORKLOAD,
        "Service" => SERVICE,
        "HorizontalPodAutoscaler" => HPA,
        "DestinationRule" => DESTINATION_RULE,
        "VirtualService" => VIRTUAL_SERVICE,
        "HTTPRoute" | "GRPCRoute" | "TCPRoute" | "TLSRoute" => ROUTE,
        "Ingress" => INGRESS,
        "Gateway" | "GatewayClass" => GATEWAY,
        "PodDisruptionBudget" | "PeerAuthentication" | "AuthorizationPolicy" | "NetworkPolicy" => POLICY,
        "BackendLBPolicy" | "ServiceProfile" => POLICY,
        "ConfigMap" | "Namespace" => LOOKED_UP,
        super::service_config::KIND => SERVICE_CONFIG,
        super::envoy::KIND => ENVOY,
        super::load::GHZ_KIND | super::k6::KIND => LOAD,
        _ => return None,
    })
}

/// The fates of an object's fields; pods stand below its template.
fn rows(object: &Object) -> Vec<(String, Fate)> {
    let own = ANY.iter().chain(own_rows(&object.kind).unwrap_or_default());
    let mut all: Vec<(String, Fate)> = own.map(|(path, fate)| ((*path).to_owned(), *fate)).collect();
    all.extend(POLICIES.iter().filter(|(kind, _)| *kind == object.kind).map(|(_, fate)| ("spec".to_owned(), *fate)));
    if object.is_workload() {
        let template = object.template().join(" ");
        all.extend(POD.iter().map(|(path, fate)| (below(&template, path), *fate)));
    }
    all
}

/// What becomes of the fields of these objects, but for those of which something was `said`; one remark for all values of an object
/// that share a fate.
pub(super) fn remarks(objects: &[Object], said: &[Remark]) -> Vec<Remark> {
    let mut all = Vec::new();
    for object in objects {
        if !object.is_part.get() {
            all.push(unread(object));
            continue;
        }
        let rows = rows(object);
        let mut found: BTreeMap<(String, Class), Remark> = BTreeMap::new();
        let title = object.title();
        leaves(object.field(), "", &mut |path, node| {
            if said.iter().any(|r| r.place == node.place && r.path == path && r.object == title) {
                return;
            }
            let (path, class, note) = if object.seen.has(node) {
                (path.to_owned(), Class::Modelled, "")
            } else if is_usual(path, node) {
                (path.to_owned(), Class::NoBearing, "")
            } else {
                match rows.iter().filter(|row| leads_to(&row.0, path)).max_by_key(|row| row.0.len()) {
                    Some((row, NoBearing)) => (row.clone(), Class::NoBearing, ""),
                    Some((row, Matters(note))) => (row.clone(), Class::Matters, *note),
                    Some((_, Each(note))) => (path.to_owned(), Class::Matters, *note),
                    None => (path.to_owned(), Class::Unknown, "evenkeel does not know this field"),
                }
            };
            let remark =
                Remark { class, object: title.clone(), path: path.clone(), note: note.to_owned(), place: node.place };
            found.entry((path, class)).or_insert(remark);
        });
        all.extend(found.into_values());
    }
    all.sort_by_key(|r| (r.place.source, r.place.start));
    all
}

/// An object that is no part of the scenario: it belongs to another Service, or its kind is not read.
fn unread(object: &Object) -> Remark {
    let known = KINDS.iter().find(|(kind, _)| *kind == object.kind).map(|(_, fate)| *fate);
    let (class, note) = match known {
        _ if own_rows(&object.kind).is_some() => (Class::NoBearing, "it is no part of this scenario"),
        Some(NoBearing) => (Class::NoBearing, ""),
        Some(Matters(note) | Each(note)) => (Class::Matters, note),
        None if object.kind.is_empty() => (Class::Unknown, "it is no Kubernetes object"),
        None => (Class::Unknown, "evenkeel does not know this kind"),
    };
    let place = object.get(&["kind"]).map_or(object.root.place, Field::place);
    Remark { class, object: object.title(), path: String::new(), note: note.to_owned(), place }
}

fn is_usual(path: &str, node: &Node) -> bool {
    let is = |word: &str| match &node.value {
        Value::Text(text) => text == word,
        Value::Bool(x) => x.to_string() == word,
        Value::Int(x) => x.to_string() == word,
        _ => false,
    };
    USUAL.iter().any(|(known, word)| *known == path && is(word))
}

/// True if a path is this path, or leads to it; the empty one leads to all.
pub(super) fn leads_to(row: &str, path: &str) -> bool {
    path.strip_prefix(row).is_some_and(|rest| row.is_empty() || rest.is_empty() || rest.starts_with(' '))
}

/// The path of a key below a path.
pub(super) fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path} {key}") }
}

/// Calls back with each scalar and each empty list or map.
pub(super) fn leaves(field: Field<'_>, path: &str, visit: &mut impl FnMut(&str, &Node)) {
    match &field.node.value {
        Value::Map(entries) if !entries.is_empty() => {
            field.entries().for_each(|(key, value)| leaves(value, &below(path, key), visit));
        }
        Value::List(items) if !items.is_empty() => field.items().for_each(|item| leaves(item, path, visit)),
        Value::Null => {}
        _ => visit(path, field.node),
    }
}
