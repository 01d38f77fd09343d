//! Routes and policies in front of a Service: which of them are about it. What they say is in the scenario as far as it maps; the
//! tables of fields have a line for the rest.

use super::build::{Map, int, read};
use super::fields::leaves;
use super::object::{Field, Object, Seen};
use super::{Cx, Target};
use crate::scenario::yaml::tree::Value;

/// Where objects of a kind name Services.
const PATHS: &[(&str, &[&str])] = &[
    (
        "VirtualService",
        &[
            "spec hosts",
            "spec http route destination host",
            "spec tcp route destination host",
            "spec tls route destination host",
        ],
    ),
    ("HTTPRoute", &["spec rules backendRefs name"]),
    ("GRPCRoute", &["spec rules backendRefs name"]),
    ("TCPRoute", &["spec rules backendRefs name"]),
    ("TLSRoute", &["spec rules backendRefs name"]),
    ("Ingress", &["spec rules http paths backend service name", "spec defaultBackend service name"]),
    ("BackendLBPolicy", &["spec targetRefs name"]),
    ("ServiceProfile", &["metadata name"]),
];

/// Where objects of a kind select pods.
const SELECTORS: &[(&str, &[&str])] = &[
    ("PodDisruptionBudget", &["spec", "selector", "matchLabels"]),
    ("PeerAuthentication", &["spec", "selector", "matchLabels"]),
    ("AuthorizationPolicy", &["spec", "selector", "matchLabels"]),
    ("NetworkPolicy", &["spec", "podSelector", "matchLabels"]),
];

/// Takes the routes and policies of a Service into the scenario, and returns its routes.
pub(super) fn of_service<'a>(cx: &Cx<'a>, target: &Target<'_>, servers: &[&Object]) -> Vec<&'a Object> {
    let service = target.service;
    // What stands in Istio's own namespace holds for all.
    let alike = |o: &Object| o.namespace().zip(service.namespace()).is_none_or(|(a, b)| a == b || a == "istio-system");
    for (kind, selector) in SELECTORS {
        let of_kind = cx.objects.iter().filter(|o| o.kind == *kind && alike(o));
        let selects = |o: &&Object| match o.get(selector) {
            // Whom a policy is about is not what it says.
            Some(labels) => servers.iter().any(|server| server.has_labels(labels.seen_by(&Seen::default()))),
            None => true,
        };
        of_kind.filter(selects).for_each(|o| _ = o.takes_part());
    }
    let names = |o: &&Object| {
        let paths = PATHS.iter().find(|(kind, _)| *kind == o.kind).map_or(&[][..], |(_, paths)| *paths);
        let mut found = false;
        leaves(o.field(), "", &mut |path, node| {
            found |= paths.contains(&path) && matches!(&node.value, Value::Text(text) if is_host(text, service));
        });
        found
    };
    let routes: Vec<&Object> = cx.objects.iter().filter(names).collect();
    routes.iter().for_each(|route| _ = route.takes_part());
    routes
}

/// True for a Service's name, with more or less of its domain.
fn is_host(host: &str, service: &Object) -> bool {
    let (name, domain) = host.split_once('.').unwrap_or((host, ""));
    let space = domain.split('.').next().unwrap_or_default();
    name == service.name && (space.is_empty() || service.namespace().is_none_or(|own| own == space))
}

/// What the VirtualServices of a Service say of calls by sidecars: how long they may take, and how often they are tried again.
pub(super) fn of_sidecars(cx: &mut Cx<'_>, target: &Target<'_>, settings: &mut Map, client: &mut Map) {
    // `retries` of a proxy goes that far.
    const MOST: i128 = 4;
    let in_mesh = |o: &&Object| {
        let gateways = o.get(&["spec"]).map_or_else(Vec::new, |spec| spec.list("gateways"));
        let hosts = o.get(&["spec"]).map_or_else(Vec::new, |spec| spec.list("hosts"));
        let is = |field: &Field<'_>, what: &dyn Fn(&str) -> bool| field.peek().is_some_and(|text| what(&text));
        o.kind == "VirtualService"
            && hosts.iter().any(|host| is(host, &|text| is_host(text, target.service)))
            && (gateways.is_empty() || gateways.iter().any(|gateway| is(gateway, &|text| text == "mesh")))
    };
    for object in cx.objects.iter().filter(in_mesh) {
        let routes = object.get(&["spec"]).map_or_else(Vec::new, |spec| spec.list("http"));
        // What is for some calls only is listed.
        let Some(route) = routes.into_iter().find(|route| route.get(&["match"]).is_none()) else { continue };
        match route.get(&["timeout"]) {
            Some(timeout) if client.has("deadline") => {
                cx.matters(object, timeout, "the deadline of the load generator is taken, and not this one");
            }
            timeout => client.put_some("deadline", timeout.filter(|t| t.peek().is_some_and(|t| t != "0s")).map(read)),
        }
        let Some(attempts) = route.get(&["retries", "attempts"]) else { continue };
        match attempts.number() {
            Some(n) if n > MOST => {
                settings.put("retries", int(attempts.place(), MOST));
                cx.matters(object, attempts, "a call is tried again 4 times at most");
            }
            _ => settings.put("retries", read(attempts)),
        }
    }
}
