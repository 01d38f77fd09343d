//! Who calls the Service: load generators, workloads whose settings name it, or a client that is assumed.

use super::build::{Map, duration, int, one, text};
use super::gateways::Gateway;
use super::load::{self, Missed, Tool};
use super::mesh::{self, Proxy};
use super::object::{Field, Object};
use super::{Class, Cx, Hint, Remark, Target, envoy, flags, service_config, settings, text as words, workload};
use crate::scenario::diagnostic::Place;
use crate::scenario::yaml::tree::Node;

/// Calls per second of all clients together, where nothing says more.
const RATE: i128 = 1_000;

/// The clients of the scenario.
pub(super) struct Clients {
    pub nodes: Vec<Node>,
    pub hints: Vec<Hint>,
    /// The longest load that says how long it goes on.
    pub duration: Option<Node>,
    /// All loads end by themselves.
    pub ends: bool,
    /// Some client goes through the gateway.
    pub through_gateway: bool,
    /// Paths of what is assumed of them.
    pub assumed: Vec<String>,
}

/// A client before it is written.
struct Caller<'a> {
    name: Node,
    replicas: Option<Node>,
    place: Place,
    /// The workload that it is.
    object: Option<&'a Object>,
    tool: Option<Tool>,
    /// It calls the gateway.
    outside: bool,
}

/// The clients of a Service.
pub(super) fn clients(
    cx: &mut Cx<'_>,
    target: &Target<'_>,
    servers: &[&Object],
    gateway: Option<&Gateway>,
    tools: Vec<Tool>,
) -> Clients {
    let callers = callers(cx, target, servers, gateway, tools);
    let proxies: Vec<Option<Proxy>> = callers.iter().map(|caller| proxy(cx, caller, servers)).collect();
    mesh::without_effect(cx, target, &proxies, gateway);
    let unknown = callers.iter().filter(|caller| caller.tool.is_none()).count() as i128;
    let mut all = Clients {
        nodes: Vec::new(),
        hints: Vec::new(),
        duration: callers.iter().filter_map(|caller| caller.tool.as_ref()?.duration.clone()).max_by_key(duration),
        ends: callers.iter().all(|caller| caller.tool.as_ref().is_some_and(Tool::ends)),
        through_gateway: false,
        assumed: Vec::new(),
    };
    for (item, (caller, proxy)) in callers.into_iter().zip(proxies).enumerate() {
        if caller.tool.is_none() {
            let unsaid = caller.object.is_none_or(|object| object.kind == "DaemonSet");
            all.assumed.push(format!("clients.{item}.load"));
            all.assumed.extend(unsaid.then(|| format!("clients.{item}.replicas")));
        }
        let lines = words::of_client(caller.object, caller.tool.as_ref(), caller.outside, target.service);
        all.hints.push(Hint { section: "clients", item, lines });
        let through = gateway.filter(|gateway| match &proxy {
            _ if caller.outside => true,
            Some(proxy) => gateway.of_mesh && proxy.kind == "ambient" && !target.headless,
            None => false,
        });
        all.through_gateway |= through.is_some();
        all.nodes.push(client(cx, target, caller, (proxy, through), RATE / unknown.max(1)));
    }
    all
}

fn callers<'a>(
    cx: &mut Cx<'a>,
    target: &Target<'_>,
    servers: &[&Object],
    gateway: Option<&Gateway>,
    tools: Vec<Tool>,
) -> Vec<Caller<'a>> {
    let service = target.service;
    let mut all = Vec::new();
    let others = |target: &str| {
        let services = cx.objects.iter().filter(|o| o.kind == "Service" && o.name != service.name);
        services.into_iter().any(|other| calls(target, &other.name, None))
    };
    let outside = |tool: &Tool| gateway.is_some_and(|gateway| gateway.is_called(&tool.target));
    let is_server = |o: &Object| servers.iter().any(|server| std::ptr::eq(*server, o));
    let objects = cx.objects;
    let namespace = service.namespace();
    let address = |text: &str| calls(text, &service.name, namespace.as_deref());
    let is_other = |o: &&Object| o.is_workload() && !is_server(o) && !is_test(o) && !is_owned(cx, o);
    let candidates: Vec<&Object> = objects.iter().filter(is_other).collect();
    for object in candidates {
        let mut tools = load::of_workload(object, objects);
        let named = is_only_service(objects) || names(cx, object, &address);
        tools.retain(|tool| named || address(&tool.target) || outside(tool));
        if tools.is_empty() && !names(cx, object, &address) {
            continue;
        }
        if let Some(none) = object.get(&["spec", "replicas"]).filter(|n| n.int() == Some(0)) {
            cx.matters(object.takes_part(), none, "a client without replicas calls nobody, and is left out");
            continue;
        }
        let object = object.takes_part();
        let place = object.place();
        if tools.is_empty() {
            flags::of_client(cx, object);
            let replicas = object.replicas();
            let name = cx.name(object);
            all.push(Caller { name, replicas, place, object: Some(object), tool: None, outside: false });
        }
        for tool in tools {
            let (name, outside) = (cx.name(object), outside(&tool));
            all.push(Caller { name, replicas: None, place, object: Some(object), tool: Some(tool), outside });
        }
    }
    // What no workload runs is run by hand.
    let by_hand = objects.iter().filter(|file| file.within.is_none() && !file.is_part.get()).flat_map(load::of_file);
    for tool in tools.into_iter().chain(by_hand).filter(|tool| !others(&tool.target)) {
        let (name, outside) = (text(tool.place, tool.name), outside(&tool));
        all.push(Caller { name, replicas: None, place: tool.place, object: None, tool: Some(tool), outside });
    }
    // A gateway is there for callers from outside.
    let asks = gateway.filter(|gateway| !gateway.of_mesh && !all.iter().any(|caller| caller.outside));
    if all.is_empty() || asks.is_some() {
        let (place, name) = asks.map_or((service.place(), "client"), |gateway| (gateway.node.place, "outside"));
        let (name, replicas) = (text(place, name), Some(int(place, 10)));
        all.push(Caller { name, replicas, place, object: None, tool: None, outside: asks.is_some() });
    }
    all
}

/// True where nobody else can be meant.
fn is_only_service(objects: &[Object]) -> bool {
    objects.iter().filter(|o| o.kind == "Service").count() <= 1
}

/// True for the pod of `helm test`, which runs when somebody asks for it.
fn is_test(object: &Object) -> bool {
    object.get(&["metadata", "annotations", "helm.sh/hook"]).is_some()
}

/// True for a pod or ReplicaSet whose owner is in the input, and for a Deployment that lends a Rollout its pods: it is counted there.
pub(super) fn is_owned(cx: &Cx<'_>, object: &Object) -> bool {
    let lends = |to: &Object| workload::lender(to, cx.objects).is_some_and(|lender| std::ptr::eq(lender, object));
    if cx.objects.iter().any(lends) {
        return true;
    }
    let mut owners = object.get(&["metadata", "ownerReferences"]).into_iter().flat_map(Field::items);
    let owner = |owner: Field<'_>| {
        let name = owner.get(&["name"]).and_then(Field::text).unwrap_or_default();
        let of_replica_set = |o: &Object| {
            let rest = name.strip_prefix(o.name.as_str()).unwrap_or_default();
            o.kind == "Deployment" && rest.starts_with('-') && rest.matches('-').count() == 1
        };
        cx.objects.iter().any(|o| !std::ptr::eq(o, object) && o.is_workload() && (o.name == name || of_replica_set(o)))
    };
    owners.any(owner)
}

/// True if some setting of its containers is an address of the Service.
fn names(cx: &Cx<'_>, object: &Object, is_address: &impl Fn(&str) -> bool) -> bool {
    let of_container = |container: Field<'_>| {
        let all = settings::of_container(cx.objects, container);
        all.iter().find(|setting| is_address(&setting.value)).map(settings::Setting::read).is_some()
    };
    object.own_containers().any(of_container)
}

/// True if a text has an address of the Service: its name, perhaps with more of its domain, and a port or a scheme. In another
/// namespace there may be one of the same name.
pub(super) fn calls(text: &str, service: &str, namespace: Option<&str>) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_';
    text.match_indices(service).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + service.len()..]);
        let rest = after.trim_start_matches(part);
        let domain = &after[..after.len() - rest.len()];
        let whole = domain.is_empty() || domain.starts_with('.');
        let space = domain.strip_prefix('.').and_then(|domain| domain.split('.').next()).unwrap_or_default();
        let here = namespace.is_none_or(|namespace| space.is_empty() || space == namespace);
        let port =
            rest.strip_prefix(':').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '$'));
        let begins = !before.ends_with(part);
        let is_address = port || domain.contains(".svc") || before.ends_with("//") || before.ends_with(":///");
        begins && whole && here && is_address
    })
}

/// The proxy beside a client: its own, or for a client that is in no manifest that of the servers.
fn proxy(cx: &Cx<'_>, caller: &Caller<'_>, servers: &[&Object]) -> Option<Proxy> {
    match (caller.object, servers.first()) {
        _ if caller.outside => None,
        (Some(object), _) => mesh::proxy(cx, object),
        (None, Some(server)) => mesh::proxy(cx, server),
        (None, None) => None,
    }
}

fn client(
    cx: &mut Cx<'_>,
    target: &Target<'_>,
    caller: Caller<'_>,
    (proxy, through): (Option<Proxy>, Option<&Gateway>),
    rate: i128,
) -> Node {
    let Caller { name, replicas, place, object, tool, .. } = caller;
    let mut client = Map::new(place);
    client.put("name", name);
    client.put_some("replicas", replicas);
    // A proxy does not balance over a headless Service.
    let balances = proxy.filter(|_| !target.headless);
    let load = match tool {
        Some(tool) => {
            client.put_some("channels", tool.channels);
            let looks_up = tool.target.starts_with("dns:");
            client.put_some("policy", tool.policy.filter(|_| balances.is_none() && looks_up));
            client.put_some("deadline", tool.deadline);
            let object = object.map_or_else(|| tool.name.to_owned(), Object::title);
            cx.remarks.extend(tool.missed.into_iter().map(|Missed(option, note, place)| Remark {
                class: Class::Matters,
                object: object.clone(),
                path: option,
                note: note.to_owned(),
                place: place.unwrap_or(tool.place),
            }));
            tool.load
        }
        None => workload::open(place, rate),
    };
    let is_for = |file: &Object| match (&file.within, object) {
        (Some(map), Some(object)) => object.mounts(map),
        (Some(_), None) => false,
        (None, _) => true,
    };
    let config = cx.objects.iter().find(|file| file.kind == service_config::KIND && is_for(file));
    match (config, balances) {
        (Some(config), None) => service_config::apply(cx, config.takes_part(), target, &mut client),
        (Some(config), Some(_)) => cx.matters(
            config,
            config.field(),
            "the proxy balances: the service config acts between the client and its proxy only",
        ),
        (None, _) => {}
    }
    match (proxy, envoy::cluster(cx, &target.service.name)) {
        _ if let Some(gateway) = through => {
            client.put("via", one("gateway", text(gateway.node.place, gateway.name)));
        }
        (Some(proxy), _) => mesh::apply(cx, proxy, target, &mut client),
        (None, Some((object, cluster))) => envoy::apply(cx, object.takes_part(), cluster, &mut client),
        (None, None) => {}
    }
    client.put("load", load);
    client.node()
}

#[cfg(test)]
mod tests {
    use super::calls;

    #[test]
    fn addresses_of_a_service_are_found() {
        for yes in [
            "api:80",
            "api.shop.svc.cluster.local:50051",
            "dns:///api.shop:80",
            "http://api/",
            "--target=api:$(PORT)",
            "api.shop.svc.cluster.local",
        ] {
            assert!(calls(yes, "api", Some("shop")), "{yes}");
        }
        for no in ["api", "my-api:80", "api-v2:80", "apis:80", "the api: here", "api:port", "api.billing:80"] {
            assert!(!calls(no, "api", Some("shop")), "{no}");
        }
    }
}
