//! Envoy set up by hand: a bootstrap file, alone or inside a ConfigMap, with a cluster that leads to the Service.

use super::Cx;
use super::build::{Map, choice, one, percent, read, text};
use super::callers::calls;
use super::object::{Field, Object};

/// What a bootstrap is called in place of a kind.
pub(super) const KIND: &str = "Envoy bootstrap";

/// True for the root of a bootstrap.
pub(super) fn is_bootstrap(object: &Object) -> bool {
    object.get(&["static_resources"]).is_some()
}

/// The bootstrap with a cluster of the Service, and that cluster.
pub(super) fn cluster<'a>(cx: &Cx<'a>, service: &str) -> Option<(&'a Object, Field<'a>)> {
    cx.objects.iter().filter(|object| object.kind == KIND).find_map(|object| {
        let clusters = object.get(&["static_resources", "clusters"])?;
        let leads = |cluster: &Field<'a>| {
            let hosts = cluster.get(&["load_assignment", "endpoints"]).into_iter().flat_map(Field::items);
            let hosts = hosts.filter_map(|group| group.get(&["lb_endpoints"])).flat_map(Field::items);
            let mut addresses =
                hosts.filter_map(|host| host.get(&["endpoint", "address", "socket_address", "address"]));
            addresses.any(|address| address.text().is_some_and(|host| calls(&format!("{host}:1"), service, None)))
        };
        Some((object, clusters.items().find(leads)?))
    })
}

/// `via: envoy` with what its cluster says.
pub(super) fn apply(cx: &mut Cx<'_>, object: &Object, cluster: Field<'_>, client: &mut Map) {
    let mut settings = Map::new(cluster.place());
    let thresholds = cluster.get(&["circuit_breakers", "thresholds"]).and_then(|all| all.items().next());
    if let Some(of) = thresholds {
        let mut breakers = Map::new(of.place());
        breakers.copy(of, &["max_requests", "max_pending_requests"].map(|key| (key, key)));
        settings.put_some("circuit_breakers", breakers.some());
    }
    client.put("via", choice("envoy", settings));
    let name = |key: &str| cluster.get(&[key]).and_then(|field| Some((field, field.text()?)));
    if let Some((field, policy)) = name("lb_policy") {
        let known = ["ROUND_ROBIN", "LEAST_REQUEST", "RANDOM", "RING_HASH", "MAGLEV"].contains(&&*policy);
        match known {
            true => client.put("policy", text(field.place(), policy.to_lowercase())),
            false => cx.matters(object, field, "this policy is not known: ROUND_ROBIN, Envoy's own, is taken"),
        }
    }
    match name("type") {
        Some((field, kind)) if kind == "EDS" => {
            client.put("discovery", text(field.place(), "watch"));
        }
        Some((field, kind)) if kind != "STRICT_DNS" => {
            cx.matters(
                object,
                field,
                "a cluster is taken to be STRICT_DNS, which balances over all addresses of its name",
            );
        }
        _ => {
            let rate = cluster.get(&["dns_refresh_rate"]).map(read);
            client.put_some("discovery", rate.map(|rate| one("poll", one("interval", rate))));
        }
    }
    let Some(outliers) = cluster.get(&["outlier_detection"]) else { return };
    let mut map = Map::new(outliers.place());
    map.copy(
        outliers,
        &["consecutive_5xx", "interval", "base_ejection_time", "max_ejection_time"].map(|key| (key, key)),
    );
    map.put_some("max_ejection_percent", outliers.get(&["max_ejection_percent"]).map(percent));
    client.put("outlier_detection", map.node());
}
