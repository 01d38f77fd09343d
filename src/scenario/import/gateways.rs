//! Gateways in front of a Service: Ingresses of ingress-nginx, gateways of Istio and of Envoy Gateway, and waypoints.

use super::build::{Map, choice, int, text};
use super::object::{Field, Object};
use super::{Cx, Target};
use crate::scenario::yaml::tree::Node;

/// Idle connections to pods that each worker keeps: ingress-nginx, `upstream-keepalive-connections`
/// (docs/user-guide/nginx-configuration/configmap.md).
const INGRESS_NGINX_KEEPALIVE: i128 = 320;

/// Who configures the gateways of a GatewayClass.
const ENVOY_GATEWAY: &str = "gateway.envoyproxy.io/gatewayclass-controller";

/// The gateway of a Service.
pub(super) struct Gateway {
    pub name: &'static str,
    pub node: Node,
    /// What is assumed of it.
    pub line: String,
    /// True for a waypoint, which callers of the mesh go through; the others are for callers from outside.
    pub of_mesh: bool,
    /// Names by which it is called.
    hosts: Vec<String>,
}

impl Gateway {
    /// True if an address is one of its names.
    pub(super) fn is_called(&self, address: &str) -> bool {
        let address = address.rsplit('/').next().unwrap_or_default();
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        self.hosts.iter().any(|name| name == host)
    }
}

/// The gateway that leads to the Service by one of these routes, as far as it is known which proxy it is. The others are listed.
pub(super) fn of_service(cx: &mut Cx<'_>, target: &Target<'_>, routes: &[&Object]) -> Option<Gateway> {
    let mut found = waypoint(cx, target);
    for route in routes {
        let gateway = match route.kind.as_str() {
            "Ingress" => ingress(cx, route),
            "VirtualService" => istio(cx, route),
            "HTTPRoute" | "GRPCRoute" => gateway_api(cx, route),
            _ => None,
        };
        match (&found, gateway) {
            (Some(_), Some(_)) => cx.matters(route, route.field(), "the Service has another gateway, which is taken"),
            (None, gateway) => found = gateway,
            (_, None) => {}
        }
    }
    found
}

/// A gateway of this proxy with these keys, and the names that a route is called by.
fn gateway(object: &Object, name: &'static str, proxy: Node, keys: &[(&str, &str)], hosts: &[&str]) -> Gateway {
    let place = proxy.place;
    let mut all = Map::new(place);
    all.put("name", text(place, name));
    all.put("proxy", proxy);
    keys.iter().for_each(|(key, value)| all.put(key, text(place, *value)));
    let hosts = object.field().texts(hosts);
    let line = format!(
        "{}. The manifests do not say how many pods and workers it has: the defaults are assumed.",
        object.title()
    );
    Gateway { name, node: all.node(), line, of_mesh: false, hosts }
}

/// ingress-nginx, which goes to the pods and not to the ClusterIP, unless `service-upstream` says so.
fn ingress(cx: &mut Cx<'_>, object: &Object) -> Option<Gateway> {
    let says = |key: &str| object.get(&["metadata", "annotations", &format!("nginx.ingress.kubernetes.io/{key}")]);
    let class = object.get(&["spec", "ingressClassName"]);
    let class = class.or_else(|| object.get(&["metadata", "annotations", "kubernetes.io/ingress.class"]));
    let protocol = says("backend-protocol").or_else(|| says("grpc-backend"));
    let speaks_grpc = protocol.filter(|p| p.peek().is_some_and(|p| ["GRPC", "GRPCS", "true"].contains(&p.as_str())));
    let Some(protocol) = speaks_grpc else {
        let note = match class.and_then(Field::peek) {
            Some(class) if class.contains("haproxy") => {
                "HAProxy as an Ingress is not read: say `gateways` with the proxy haproxy, and `via: { gateway: … }`"
            }
            Some(class) if class.contains("nginx") => {
                "without `backend-protocol: GRPC` NGINX speaks HTTP/1.1 to the pods, and gRPC does not get through"
            }
            _ => "which proxy this is is not known: say `gateways` and `via: { gateway: … }`",
        };
        cx.matters(object, class.unwrap_or(object.field()), note);
        return None;
    };
    protocol.read();
    let place = protocol.place();
    let by_ip = says("service-upstream").is_some_and(Field::is_true);
    let keys: &[(&str, &str)] = if by_ip { &[] } else { &[("discovery", "watch")] };
    let mut nginx = Map::new(place);
    nginx.put("keepalive", int(place, INGRESS_NGINX_KEEPALIVE));
    Some(gateway(object, "ingress-nginx", choice("nginx", nginx), keys, &["spec", "rules", "host"]))
}

/// Istio's ingress gateway, which a VirtualService names.
fn istio(cx: &mut Cx<'_>, object: &Object) -> Option<Gateway> {
    let named = object.get(&["spec"])?.list("gateways").into_iter().find(|g| g.peek().is_some_and(|g| g != "mesh"))?;
    let name = named.text()?;
    let name = name.rsplit('/').next().unwrap_or_default();
    let known = cx.objects.iter().find(|o| o.kind == "Gateway" && o.name == name);
    known.into_iter().for_each(|gateway| _ = gateway.takes_part());
    let proxy = text(named.place(), "istio");
    Some(gateway(object, "istio-gateway", proxy, &[], &["spec", "hosts"]))
}

/// The proxy of a Gateway that a route is attached to: Istio's, or Envoy Gateway's, which is told of the pods and chooses by fewest
/// requests unless a BackendTrafficPolicy says more (gateway.envoyproxy.io, tasks/traffic/load-balancing).
fn gateway_api(cx: &mut Cx<'_>, object: &Object) -> Option<Gateway> {
    let parents = object.get(&["spec"])?.list("parentRefs");
    let is_gateway = |p: &Field<'_>| p.get(&["kind"]).and_then(Field::peek).is_none_or(|kind| kind == "Gateway");
    let parent = parents.into_iter().find(is_gateway)?.get(&["name"])?;
    let parent = parent.peek().and_then(|name| cx.objects.iter().find(|o| o.kind == "Gateway" && o.name == name));
    let class = parent.and_then(|parent| parent.takes_part().get(&["spec", "gatewayClassName"]));
    let Some((class, name)) = class.and_then(|class| Some((class, class.peek()?))) else {
        cx.matters(object, object.field(), "its Gateway is not in the input: say `gateways` and `via: { gateway: … }`");
        return None;
    };
    let mut classes = cx.objects.iter().filter(|o| o.kind == "GatewayClass" && o.name == name);
    let controller = classes.next().and_then(|o| o.takes_part().get(&["spec", "controllerName"]));
    let hosts = &["spec", "hostnames"];
    if name == "istio" {
        class.read();
        return Some(gateway(object, "istio-gateway", text(class.place(), "istio"), &[], hosts));
    }
    if let Some(controller) = controller.filter(|c| c.peek().is_some_and(|c| c == ENVOY_GATEWAY)) {
        [class, controller].into_iter().for_each(Field::read);
        let keys = &[("discovery", "watch"), ("policy", "least_request")];
        return Some(gateway(object, "envoy-gateway", text(class.place(), "envoy"), keys, hosts));
    }
    if let Some(parent) = parent {
        let note = "which proxy this class has is not known: say `gateways` and `via: { gateway: … }`";
        cx.matters(parent, class, note);
    }
    None
}

/// The waypoint that the Service or its namespace says is used, if it is in the input.
fn waypoint(cx: &mut Cx<'_>, target: &Target<'_>) -> Option<Gateway> {
    const USES: [&str; 3] = ["metadata", "labels", "istio.io/use-waypoint"];
    let service = target.service;
    let space = cx.objects.iter().find(|o| o.kind == "Namespace" && service.namespace().is_none_or(|n| n == *o.name));
    // The Service's own word counts more than its namespace's.
    let said: Vec<Field<'_>> = [Some(service), space].into_iter().flatten().filter_map(|o| o.get(&USES)).collect();
    let used = *said.first()?;
    let name = used.peek().filter(|name| name != "none")?;
    let is_it = |o: &&Object| {
        let class = o.get(&["spec", "gatewayClassName"]).and_then(Field::peek);
        o.kind == "Gateway" && o.name == name && class.is_some_and(|class| class == "istio-waypoint")
    };
    let object = cx.objects.iter().find(is_it)?.takes_part();
    space.into_iter().for_each(|space| _ = space.takes_part());
    object.get(&["spec", "gatewayClassName"]).into_iter().chain(said).for_each(Field::read);
    let proxy = text(used.place(), "waypoint");
    Some(Gateway { of_mesh: true, ..gateway(object, "waypoint", proxy, &[], &[]) })
}
