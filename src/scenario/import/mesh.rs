//! Meshes: which proxy stands beside a client, and what Istio's DestinationRule and Linkerd's annotations say of it.

use std::borrow::Cow;

use super::build::{Map, choice, number_node, percent, read, text, yes};
use super::gateways::Gateway;
use super::object::{Field, Object};
use super::{Cx, Target, routes};
use crate::scenario::diagnostic::Place;
use crate::scenario::yaml::tree::{Node, Value};

/// The proxy beside a pod, and where that is said.
#[derive(Clone, Copy)]
pub(super) struct Proxy {
    pub kind: &'static str,
    pub place: Place,
}

/// The field, if it is this word.
fn is<'a>(field: Option<Field<'a>>, word: &str) -> Option<Field<'a>> {
    field.filter(|f| f.text().is_some_and(|text| text == word))
}

/// The proxy that a workload's pods get: by their own labels and annotations, else by those of their namespace.
pub(super) fn proxy(cx: &Cx<'_>, workload: &Object) -> Option<Proxy> {
    let says = |kind, field: Field<'_>| Some(Proxy { kind, place: field.place() });
    for container in workload.containers() {
        // As it is in a live pod, or after `istioctl kube-inject`.
        match container.get(&["name"]).and_then(Field::text).as_deref() {
            Some("istio-proxy") => return says("istio", container),
            Some("linkerd-proxy") => return says("linkerd", container),
            _ => {}
        }
    }
    let own = |part: &str, key: &str| workload.pod(&["metadata", part, key]);
    let inject = own("labels", "sidecar.istio.io/inject").or_else(|| own("annotations", "sidecar.istio.io/inject"));
    if let Some(field) = inject {
        return if field.is_true() { says("istio", field) } else { None };
    }
    if let Some(field) = own("annotations", "linkerd.io/inject") {
        return if is(Some(field), "disabled").is_some() { None } else { says("linkerd", field) };
    }
    let space = namespace(cx, workload);
    let of_space = |part: &str, key: &str| space?.get(&["metadata", part, key]);
    for (part, key, word, kind) in [
        ("labels", "istio.io/dataplane-mode", "ambient", "ambient"),
        ("labels", "istio-injection", "enabled", "istio"),
        ("annotations", "linkerd.io/inject", "enabled", "linkerd"),
    ] {
        if let Some(field) = is(own(part, key), word).or_else(|| is(of_space(part, key), word)) {
            return says(kind, field);
        }
    }
    if is(of_space("labels", "istio-injection"), "disabled").is_some() {
        return None;
    }
    let revision = own("labels", "istio.io/rev").or_else(|| of_space("labels", "istio.io/rev"))?;
    revision.text()?;
    says("istio", revision)
}

/// The Namespace of an object. Whoever says nothing of namespaces means the only one.
fn namespace<'a>(cx: &Cx<'a>, object: &Object) -> Option<&'a Object> {
    let mut spaces = cx.objects.iter().filter(|o| o.kind == "Namespace");
    let space = match object.namespace() {
        Some(name) => spaces.find(|o| o.name == *name),
        None => spaces.next().filter(|_| spaces.next().is_none()),
    };
    space.map(Object::takes_part)
}

/// `via` of a client, and the keys of the client that a mesh's configuration sets.
pub(super) fn apply(cx: &mut Cx<'_>, proxy: Proxy, target: &Target<'_>, client: &mut Map) {
    let service = target.service;
    if target.headless {
        let field = service.get(&["spec", "clusterIP"]).unwrap_or(service.field());
        let note = "the proxy passes a connection to a headless Service on to the pod that was dialled: the client is taken to have none";
        cx.matters(service, field, note);
        return;
    }
    let mut settings = Map::new(proxy.place);
    let opaque = opaque(proxy.kind, target);
    settings.put_some("opaque", opaque.map(|field| yes(field.place())));
    let rules = if proxy.kind == "istio" { rules(cx, target) } else { Vec::new() };
    for rule in rules {
        match opaque {
            None => destination_rule(cx, rule.takes_part(), &mut settings, client),
            Some(_) => {
                let note = "the port is no HTTP to Istio: connections are placed, whatever the rule says";
                cx.matters(rule.takes_part(), rule.field(), note);
            }
        }
    }
    if proxy.kind == "linkerd" && opaque.is_none() {
        settings.put_some("failure_accrual", accrual(target.service));
    }
    if proxy.kind == "istio" && opaque.is_none() {
        routes::of_sidecars(cx, target, &mut settings, client);
    }
    client.put("via", choice(proxy.kind, settings));
}

/// The DestinationRules of a Service: by its name, or by the end of it.
pub(super) fn rules<'a>(cx: &Cx<'a>, target: &Target<'_>) -> Vec<&'a Object> {
    let name = target.service.name.as_str();
    let namespace = target.service.namespace();
    let matches = |rule: &Object, host: &str| match (host.strip_prefix('*'), &namespace) {
        (Some(end), Some(space)) => format!("{name}.{space}.svc.cluster.local").ends_with(end),
        (Some(end), None) => end.is_empty() || end.ends_with(".local"),
        (None, _) => {
            let (first, rest) = host.split_once('.').unwrap_or((host, ""));
            // A short name is one of the rule's own namespace.
            let space = rest.split('.').next().filter(|space| !space.is_empty()).map(Cow::Borrowed);
            let other = |space: Cow<'_, str>| namespace.as_ref().is_some_and(|own| *own != space);
            first == name && !space.or_else(|| rule.namespace()).is_some_and(other)
        }
    };
    let of = |rule: &&Object| {
        let host = rule.get(&["spec", "host"]).and_then(Field::text);
        rule.kind == "DestinationRule" && host.is_some_and(|host| matches(rule, &host))
    };
    cx.objects.iter().filter(of).collect()
}

/// Linkerd's failure accrual, by the annotations of the Service.
fn accrual(service: &Object) -> Option<Node> {
    const KEYS: [(&str, &str); 4] = [
        ("max-failures", "max_failures"),
        ("min-penalty", "min_penalty"),
        ("max-penalty", "max_penalty"),
        ("jitter-ratio", "jitter"),
    ];
    let annotated = |name: &str| service.get(&["metadata", "annotations", name]);
    let consecutive = is(annotated("balancer.linkerd.io/failure-accrual"), "consecutive")?;
    let mut map = Map::new(consecutive.place());
    for (name, key) in KEYS {
        let Some(field) = annotated(&format!("balancer.linkerd.io/failure-accrual-consecutive-{name}")) else {
            continue;
        };
        let value = read(field);
        // Values of annotations are texts.
        let number = field.text().and_then(|text| text.trim().parse().ok()).filter(|x: &f64| x.is_finite());
        map.put(key, number.map_or(value, |x| number_node(field.place(), x)));
    }
    Some(map.node())
}

/// Ports that Linkerd takes to be of protocols in which the server speaks first.
const OPAQUE_PORTS: [&str; 8] = ["25", "587", "3306", "4444", "5432", "6379", "9300", "11211"];

/// What makes a proxy place connections, and not calls.
fn opaque<'a>(kind: &str, target: &Target<'a>) -> Option<Field<'a>> {
    let port = target.port?;
    let protocol = port.get(&["appProtocol"]);
    if kind == "linkerd" {
        // What the port says of itself counts more than the annotation.
        if let Some(protocol) = protocol {
            return ["linkerd.io/opaque", "linkerd.io/tcp"].contains(&&*protocol.text()?).then_some(protocol);
        }
        let number = port.get(&["port"])?.text()?;
        let Some(annotated) = target.service.get(&["metadata", "annotations", "config.linkerd.io/opaque-ports"]) else {
            return OPAQUE_PORTS.contains(&&*number).then_some(port);
        };
        return annotated.text()?.split(',').any(|port| port.trim() == number).then_some(annotated);
    }
    if kind != "istio" {
        return None;
    }
    let protocol = protocol.or_else(|| port.get(&["name"]))?;
    let text = protocol.text()?;
    let protocol_of = text.split('-').next().unwrap_or_default();
    ["tcp", "tls", "https", "mongo", "mysql", "redis"].contains(&protocol_of).then_some(protocol)
}

fn destination_rule(cx: &mut Cx<'_>, rule: &Object, settings: &mut Map, client: &mut Map) {
    let Some(policy) = rule.get(&["spec", "trafficPolicy"]) else { return };
    if let Some(field) = is(policy.get(&["loadBalancer", "simple"]), "PASSTHROUGH") {
        settings.put("opaque", yes(field.place()));
        return;
    }
    if let Some(balancer) = policy.get(&["loadBalancer"]) {
        load_balancer(cx, rule, balancer, settings, client);
    }
    if let Some(http) = policy.get(&["connectionPool", "http"]) {
        let mut breakers = Map::new(http.place());
        breakers.put_some("max_requests", http.get(&["http2MaxRequests"]).and_then(above_zero));
        breakers.put_some("max_pending_requests", http.get(&["http1MaxPendingRequests"]).and_then(above_zero));
        settings.put_some("circuit_breakers", breakers.some());
        let most = http.get(&["maxRequestsPerConnection"]).and_then(above_zero);
        settings.put_some("max_requests_per_connection", most);
    }
    client.put_some("connect_timeout", policy.get(&["connectionPool", "tcp", "connectTimeout"]).map(read));
    let Some(outliers) = policy.get(&["outlierDetection"]) else { return };
    let mut map = Map::new(outliers.place());
    map.put_some("consecutive_5xx", outliers.get(&["consecutive5xxErrors"]).and_then(above_zero));
    map.copy(outliers, &[("interval", "interval"), ("baseEjectionTime", "base_ejection_time")]);
    map.put_some("max_ejection_percent", outliers.get(&["maxEjectionPercent"]).map(percent));
    client.put("outlier_detection", map.node());
    settings.put_some("panic_threshold", outliers.get(&["minHealthPercent"]).map(percent));
}

/// Zero stands for Istio's default.
fn above_zero(field: Field<'_>) -> Option<Node> {
    (field.number() != Some(0)).then(|| field.node.clone())
}

fn load_balancer(cx: &mut Cx<'_>, rule: &Object, balancer: Field<'_>, settings: &mut Map, client: &mut Map) {
    let mut weighs = true;
    if let Some(field) = balancer.get(&["simple"]) {
        let policy = match field.text().as_deref() {
            Some("ROUND_ROBIN") => Some("round_robin"),
            Some("LEAST_REQUEST" | "LEAST_CONN") => Some("least_request"),
            Some("RANDOM") => Some("random"),
            Some("UNSPECIFIED") => None,
            _ => {
                cx.matters(rule, field, "this policy is not known: LEAST_REQUEST, Istio's own, is taken");
                None
            }
        };
        weighs = policy != Some("random");
        client.put_some("policy", policy.map(|policy| text(field.place(), policy)));
    }
    if let Some(hash) = balancer.get(&["consistentHash"]) {
        weighs = false;
        consistent_hash(cx, rule, hash, client);
    }
    let warmup = balancer.get(&["warmup", "duration"]).or_else(|| balancer.get(&["warmupDurationSecs"]));
    let Some(window) = warmup else { return };
    if !weighs {
        cx.matters(rule, window, "a warmup acts with ROUND_ROBIN and LEAST_REQUEST only");
        return;
    }
    let mut start = Map::new(window.place());
    start.put("window", read(window));
    start.put_some("aggression", balancer.get(&["warmup", "aggression"]).map(read));
    start.put_some("min_weight", balancer.get(&["warmup", "minimumPercent"]).map(percent));
    settings.put("slow_start", start.node());
}

fn consistent_hash(cx: &mut Cx<'_>, rule: &Object, hash: Field<'_>, client: &mut Map) {
    let mut by = |policy: &str, from: Option<Field<'_>>, key: &str| {
        let mut settings = Map::new(hash.place());
        settings.put_some(key, from.map(read));
        client.put("policy", choice(policy, settings));
    };
    match (hash.get(&["maglev"]), hash.get(&["ringHash"])) {
        (Some(maglev), _) => by("maglev", maglev.get(&["tableSize"]), "table_size"),
        (_, ring) => {
            let least = ring.and_then(|ring| ring.get(&["minimumRingSize"])).or_else(|| hash.get(&["minimumRingSize"]));
            by("ring_hash", least, "min_ring_size");
        }
    }
    const BY: [&str; 4] = ["httpHeaderName", "httpCookie", "httpQueryParameterName", "useSourceIp"];
    for (_, field) in hash.entries().filter(|(key, _)| BY.contains(key)) {
        if !matches!(field.node.value, Value::Bool(false)) {
            let note = "how many values this has decides how even it is: say `keys: { count: …, zipf: … }`; without it each call has one of its own";
            cx.matters(rule, field, note);
        }
    }
}

/// A remark for each rule that no client obeys.
pub(super) fn without_effect(
    cx: &mut Cx<'_>,
    target: &Target<'_>,
    proxies: &[Option<Proxy>],
    gateway: Option<&Gateway>,
) {
    if proxies.iter().flatten().any(|proxy| proxy.kind == "istio") {
        return;
    }
    for rule in rules(cx, target) {
        let note = match gateway {
            Some(gateway) if ["waypoint", "istio-gateway"].contains(&gateway.name) => {
                "the rule acts at the gateway: say its `policy`, `outlier_detection` and `proxy` settings"
            }
            _ => "no client has Istio's sidecar, so that the rule has no effect",
        };
        cx.matters(rule, rule.field(), note);
    }
}
