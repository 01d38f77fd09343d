//! Which Service a scenario is about.

use super::Cx;
use super::assemble::servers;
use super::object::{Field, Object};
use crate::scenario::diagnostic::{Place, quoted};

/// The Service that the scenario is about.
pub(super) struct Target<'a> {
    pub service: &'a Object,
    pub headless: bool,
    /// The port of gRPC, or the first one.
    pub port: Option<Field<'a>>,
}

/// The Service that is named, or the only one, or the only one that gRPC's marks suggest.
pub(super) fn target<'a>(cx: &mut Cx<'a>, named: Option<&str>) -> Option<Target<'a>> {
    let selects =
        |o: &&Object| o.kind == "Service" && o.get(&["spec", "selector"]).is_some_and(|f| f.entries().next().is_some());
    let services: Vec<&'a Object> = cx.objects.iter().filter(selects).collect();
    // With its namespace where the name alone says too little.
    let full = |o: &Object| match o.namespace() {
        Some(space) if services.iter().filter(|s| s.name == o.name).count() > 1 => format!("{space}/{}", o.name),
        _ => o.name.clone(),
    };
    let names = |of: &[&Object]| of.iter().map(|o| quoted(&full(o))).collect::<Vec<_>>().join(", ");
    let chosen = match named {
        Some(name) => services.iter().copied().find(|service| is_called(service, name)),
        None if services.len() == 1 => services.first().copied(),
        None => None,
    };
    let suggested = suggested(cx, &services);
    let chosen = chosen.or(match (named, suggested.as_slice()) {
        (None, [one]) => Some(*one),
        _ => None,
    });
    if let Some(service) = chosen {
        let ports = || service.get(&["spec", "ports"]).into_iter().flat_map(Field::items);
        let port = ports().find(|port| is_grpc(*port)).or_else(|| ports().next());
        let headless = service.get(&["spec", "clusterIP"]).and_then(Field::text).is_some_and(|ip| ip == "None");
        return Some(Target { service: service.takes_part(), headless, port });
    }
    let (message, help) = match (services.as_slice(), named) {
        ([], _) => (
            "there is no Service with a selector in this input".to_owned(),
            "give it the Deployment and its Service: kubectl get deploy,svc,hpa -o yaml | evenkeel run -".to_owned(),
        ),
        (all, Some(name)) => {
            (format!("there is no Service {} in this input", quoted(name)), format!("there are {}", names(all)))
        }
        (all, None) => {
            let of = if suggested.is_empty() { all } else { &suggested };
            let which = if suggested.is_empty() { "Services" } else { "Services that look like gRPC" };
            (
                format!("there are {} {which} in this input: {}", of.len(), names(of)),
                "choose one with --service".to_owned(),
            )
        }
    };
    let of = services.get(1).or(services.first()).copied().or_else(|| cx.objects.first());
    let place =
        of.map_or(Place::default(), |object| object.get(&["metadata", "name"]).map_or(object.root.place, Field::place));
    cx.problem(Some(place), message, &help);
    None
}

/// True if an object has this name, perhaps with its namespace before it: `shop/orders`.
fn is_called(object: &Object, name: &str) -> bool {
    match name.split_once('/') {
        Some((space, name)) => object.name == name && object.namespace().as_deref() == Some(space),
        None => object.name == name,
    }
}

/// The Services that look like gRPC: by their own ports, or else by the probes and ports of their pods. The one that only gives names
/// to the pods of a StatefulSet comes last.
fn suggested<'a>(cx: &Cx<'_>, services: &[&'a Object]) -> Vec<&'a Object> {
    let governs = |service: &Object| {
        let of =
            |o: &Object| o.get(&["spec", "serviceName"]).and_then(Field::text).is_some_and(|name| name == service.name);
        cx.objects.iter().any(|o| o.kind == "StatefulSet" && of(o))
    };
    let own = |service: &Object| {
        service.field().get(&["spec"]).is_some_and(|spec| spec.list("ports").into_iter().any(is_grpc))
    };
    let by_pods = |service: &Object| suggests_grpc(cx, service);
    let ranks: [&dyn Fn(&Object) -> bool; 4] =
        [&|s| own(s) && !governs(s), &own, &|s| by_pods(s) && !governs(s), &by_pods];
    let of_rank = |rank: &&dyn Fn(&Object) -> bool| services.iter().copied().filter(|s| rank(s)).collect::<Vec<_>>();
    ranks.iter().map(of_rank).find(|found| !found.is_empty()).unwrap_or_default()
}

/// True for a port of gRPC by its name or protocol.
fn is_grpc(port: Field<'_>) -> bool {
    let says = |key: &str| {
        port.get(&[key])
            .and_then(Field::text)
            .is_some_and(|text| text.starts_with("grpc") || text == "kubernetes.io/h2c")
    };
    says("name") || says("appProtocol")
}

/// True for a Service of gRPC by the probes and ports of its pods.
fn suggests_grpc(cx: &Cx<'_>, service: &Object) -> bool {
    let of_container = |container: Field<'_>| {
        let probe = |key: &str| container.get(&[key, "grpc"]).is_some();
        let mut ports = container.get(&["ports"]).into_iter().flat_map(Field::items);
        probe("readinessProbe") || probe("livenessProbe") || ports.any(is_grpc)
    };
    servers(cx, service).into_iter().any(|workload| workload.containers().any(of_container))
}
