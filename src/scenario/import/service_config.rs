//! gRPC's service config: the policy of the channels, retries, and what else it says of calls.

use super::build::{Map, choice, int, list, percent, read, text};
use super::object::{Field, Object};
use super::{Cx, Target};
use crate::scenario::yaml::tree::{Node, Value};

/// What a service config is called in place of a kind.
pub(super) const KIND: &str = "service config";

const KEYS: [&str; 3] = ["loadBalancingConfig", "loadBalancingPolicy", "methodConfig"];

/// True for the root of a service config.
pub(super) fn is_config(object: &Object) -> bool {
    KEYS.iter().any(|key| object.get(&[key]).is_some())
}

/// Adds what a service config says to a client.
pub(super) fn apply(cx: &mut Cx<'_>, config: &Object, target: &Target<'_>, client: &mut Map) {
    let mut ejects = None;
    let listed = config.field().list("loadBalancingConfig");
    let chosen = listed.iter().flat_map(|item| item.entries());
    let chosen = chosen.into_iter().find_map(|(name, settings)| policy(name, settings, &mut ejects));
    let by_name = || {
        let field = config.get(&["loadBalancingPolicy"])?;
        let name = field.text()?.to_lowercase();
        KNOWN.contains(&name.as_str()).then(|| (text(field.place(), name), field))
    };
    let chosen = chosen.or_else(by_name);
    if let (None, Some(field)) = (&chosen, config.get(&["loadBalancingPolicy"])) {
        cx.matters(config, field, "this policy is not modelled: pick_first, gRPC's own, is taken");
    }
    if let Some((node, field)) = chosen {
        let is = |name: &str| matches!(&node.value, Value::Text(text) if text == name);
        let one_connection = is("pick_first") || node.child("pick_first").is_some();
        match ejects {
            Some(ejects) if target.headless && !one_connection => client.put("outlier_detection", ejects),
            Some(_) => cx.matters(config, field, "outlier detection has no effect where a channel has one connection"),
            None => {}
        }
        if target.headless || is("pick_first") || is("round_robin") {
            client.put("policy", node);
        } else {
            let note = "a ClusterIP is one address, of which any policy takes the only one: pick_first is taken";
            cx.matters(config, field, note);
        }
    }
    methods(cx, config, client);
}

/// The method config that is for all methods, or else the first one.
fn methods(cx: &mut Cx<'_>, config: &Object, client: &mut Map) {
    let all = config.field().list("methodConfig");
    let is_for_all = |method: &Field<'_>| {
        let names = method.list("name");
        names.is_empty() || names.iter().any(|name| name.entries().next().is_none())
    };
    let chosen = all.iter().position(is_for_all).unwrap_or(0);
    for (i, method) in all.into_iter().enumerate() {
        if i != chosen {
            cx.matters(config, method, "methods have one setting for all, and another methodConfig is taken");
            continue;
        }
        client.copy(method, &[("waitForReady", "wait_for_ready"), ("timeout", "deadline")]);
        if let Some(retry) = method.get(&["retryPolicy"]) {
            let throttling = config.get(&["retryThrottling"]);
            client.put_some("retry", retries(cx, config, retry, throttling));
        }
    }
}

/// Policies that can be named without settings.
const KNOWN: [&str; 4] = ["pick_first", "round_robin", "random", "weighted_round_robin"];

/// A policy that is modelled, with its settings.
fn policy<'a>(name: &str, settings: Field<'a>, ejects: &mut Option<Node>) -> Option<(Node, Field<'a>)> {
    let keys: &[(&str, &str)] = match name {
        "round_robin" | "random" | "least_request" | "least_request_experimental" => &[],
        "pick_first" => &[("shuffleAddressList", "shuffle")],
        "ring_hash" | "ring_hash_experimental" => &[("minRingSize", "min_ring_size"), ("maxRingSize", "max_ring_size")],
        "weighted_round_robin" => &[
            ("blackoutPeriod", "blackout_period"),
            ("weightExpirationPeriod", "weight_expiration_period"),
            ("weightUpdatePeriod", "weight_update_period"),
            ("errorUtilizationPenalty", "error_utilization_penalty"),
        ],
        "outlier_detection" | "outlier_detection_experimental" => {
            *ejects = Some(outliers(settings));
            let children = settings.list("childPolicy");
            return children.iter().flat_map(|item| item.entries()).find_map(|(name, of)| policy(name, of, ejects));
        }
        _ => return None,
    };
    if settings.entries().next().is_none() {
        settings.read();
    }
    let name = name.trim_end_matches("_experimental");
    let mut map = Map::new(settings.place());
    map.copy(settings, keys);
    if name == "least_request" {
        map.put_some("choice_count", settings.get(&["choiceCount"]).map(|f| at_most(f, 10)));
    }
    Some((choice(name, map), settings))
}

/// gRFC A50.
fn outliers(settings: Field<'_>) -> Node {
    let mut map = Map::new(settings.place());
    let times = [
        ("interval", "interval"),
        ("baseEjectionTime", "base_ejection_time"),
        ("maxEjectionTime", "max_ejection_time"),
    ];
    map.copy(settings, &times);
    map.put_some("max_ejection_percent", settings.get(&["maxEjectionPercent"]).map(percent));
    for (from, to) in [("successRateEjection", "success_rate"), ("failurePercentageEjection", "failure_percentage")] {
        let Some(group) = settings.get(&[from]) else { continue };
        if group.entries().next().is_none() {
            group.read();
        }
        let mut of = Map::new(group.place());
        of.copy(
            group,
            &[("minimumHosts", "minimum_hosts"), ("requestVolume", "request_volume"), ("stdevFactor", "stdev_factor")],
        );
        for (from, to) in [("enforcementPercentage", "enforcement"), ("threshold", "threshold")] {
            of.put_some(to, group.get(&[from]).map(percent));
        }
        map.put(to, of.node());
    }
    map.node()
}

/// gRFC A6.
fn retries(cx: &mut Cx<'_>, config: &Object, retry: Field<'_>, throttling: Option<Field<'_>>) -> Option<Node> {
    let mut map = Map::new(retry.place());
    map.put_some("max_attempts", retry.get(&["maxAttempts"]).map(|f| at_most(f, 5)));
    let keys =
        [("initialBackoff", "initial_backoff"), ("maxBackoff", "max_backoff"), ("backoffMultiplier", "multiplier")];
    map.copy(retry, &keys);
    if let Some(codes) = retry.get(&["retryableStatusCodes"]) {
        let mut of_model = Vec::new();
        for code in retry.list("retryableStatusCodes") {
            match code.text().as_deref() {
                Some("UNAVAILABLE" | "14") => of_model.push(text(code.place(), "UNAVAILABLE")),
                Some("RESOURCE_EXHAUSTED" | "8") => of_model.push(text(code.place(), "RESOURCE_EXHAUSTED")),
                _ => cx.matters(
                    config,
                    code,
                    "servers fail with UNAVAILABLE and RESOURCE_EXHAUSTED only: this code never comes",
                ),
            }
        }
        if of_model.is_empty() {
            cx.matters(config, retry, "nothing that servers fail with here is retried");
            return None;
        }
        map.put("codes", list(codes.place(), of_model));
    }
    if let Some(of) = throttling {
        let mut tokens = Map::new(of.place());
        tokens.copy(of, &[("maxTokens", "max_tokens"), ("tokenRatio", "token_ratio")]);
        map.put("throttling", tokens.node());
    }
    Some(map.node())
}

/// gRPC takes a larger number of attempts (gRFC A6) or of choices (gRFC A48) as this one.
fn at_most(field: Field<'_>, most: i128) -> Node {
    match read(field) {
        Node { value: Value::Int(n), place, .. } if n > most => int(place, most),
        node => node,
    }
}
