//! Flags and variables that set what programs set in code: the age of connections and the like. What is read says what it means
//! beyond doubt; what only looks like such a setting is listed.

use super::Cx;
use super::build::{Map, int, text};
use super::object::{Field, Object};
use super::settings::{self, Setting};
use crate::scenario::quantity::parse_duration;
use crate::scenario::yaml::tree::Node;
use crate::units::Span;

/// Names of settings of a gRPC server without what parts their words, and their keys. Sources of the spellings: grpc-go
/// `keepalive.ServerParameters`, C-core `grpc.max_connection_age_ms`, dskit `-server.grpc.keepalive.max-connection-age`.
const SERVER: [(&str, &str); 4] = [
    ("maxconnectionagegrace", "max_connection_age_grace"),
    ("maxconnectionage", "max_connection_age"),
    ("maxconnectionidle", "max_connection_idle"),
    ("maxconcurrentstreams", "max_concurrent_streams"),
];

/// What may stand before such a name without changing whose setting it is.
const OF_SERVERS: [&str; 8] = ["grpc", "server", "keepalive", "params", "parameters", "rpc", "http2", "enforcement"];

/// Parts of names that matter at a server, and the key that would say the same.
const LISTED_AT_SERVERS: &[(&[&str], &str)] = &[
    (
        &["keepalivemintime", "mintimebetweenpings", "permitwithoutstream", "withoutstreamallowed", "permitkeepalive"],
        "which pings the server punishes is not read: say `grpc: { keepalive_enforcement: … }`",
    ),
    (
        &[
            "maxworkers",
            "numworkers",
            "workerthreads",
            "threadpoolsize",
            "poolsize",
            "maxconcurrentrpcs",
            "maxconcurrentcalls",
        ],
        "how many requests a pod serves at once is not read: say `concurrency: …`",
    ),
];

/// The same at a client.
const LISTED_AT_CLIENTS: &[(&[&str], &str)] = &[
    (&["xdsbootstrap"], "what a control plane tells the channels is not known: say `discovery: watch` and `policy: …`"),
    (&["serviceconfig"], "a service config in a setting is not read: give it as a JSON file beside the manifests"),
    (
        &["loadbalancing", "lbpolicy", "lbstrategy", "balancerpolicy", "balancername"],
        "the policy of the channels is not read: say `policy: …`",
    ),
    (&["keepalive"], "pings of the channels are not read: say `keepalive: { time: … }`"),
    (&["idletimeout"], "the idle time of the channels is not read: say `idle_timeout: …`"),
    (&["deadline", "timeout"], "how long a call may take is not read: say `deadline: …`"),
    (&["retry", "retries", "maxattempts"], "retries are not read: say `retry: { … }`"),
    (&["poolsize", "connections", "channels"], "the number of channels is not read: say `channels: …`"),
];

/// What the flags and variables of a server's containers say of its gRPC server.
pub(super) fn of_server(cx: &mut Cx<'_>, object: &Object) -> Option<Node> {
    let mut grpc = Map::new(object.place());
    for container in object.own_containers() {
        for setting in settings::of_container(cx.objects, container).iter().filter(|setting| !setting.name.is_empty()) {
            let name = plain(&setting.name);
            let core = SERVER.iter().find_map(|(core, key)| Some((name.split_once(core)?, *key)));
            match core {
                Some(((before, unit), key)) => match value(before, unit, setting, key) {
                    Ok(node) => {
                        setting.read();
                        grpc.put_some(key, node);
                    }
                    Err(why) => list(cx, object, setting, &format!("{why}: say `grpc: {{ {key}: … }}`")),
                },
                None => listed(cx, object, LISTED_AT_SERVERS, &name, setting),
            }
        }
    }
    grpc.some()
}

/// Lists what the flags and variables of a client say of its channels.
pub(super) fn of_client(cx: &mut Cx<'_>, object: &Object) {
    for container in object.own_containers() {
        for setting in &settings::of_container(cx.objects, container) {
            if setting.value.contains("xds:///") {
                let note = "a control plane tells the channels of pods: say `discovery: watch` and `policy: …`";
                list(cx, object, setting, note);
            }
            listed(cx, object, LISTED_AT_CLIENTS, &plain(&setting.name), setting);
        }
    }
}

/// Lists a setting of gRPC whose name has one of these parts.
fn listed(cx: &mut Cx<'_>, object: &Object, known: &[(&[&str], &str)], name: &str, setting: &Setting<'_>) {
    let found = known.iter().find(|(parts, _)| parts.iter().any(|part| name.contains(part)));
    if let (Some((_, note)), true) = (found, name.contains("grpc")) {
        list(cx, object, setting, note);
    }
}

fn list(cx: &mut Cx<'_>, object: &Object, setting: &Setting<'_>, note: &str) {
    let of = cx.objects.iter().find(|o| o.kind == "ConfigMap" && holds(o.field(), setting.field)).unwrap_or(object);
    cx.matters(of, setting.field, &format!("{} {}: {note}", setting.name, setting.value));
}

fn holds(of: Field<'_>, field: Field<'_>) -> bool {
    of.get(&["data"]).is_some_and(|data| data.entries().any(|(_, value)| std::ptr::eq(value.node, field.node)))
}

/// A name in lower case, without what parts its words.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The value of a setting, `None` for one that means never; or why it is not taken. `before` and `unit` stand around its name.
fn value(before: &str, unit: &str, setting: &Setting<'_>, key: &str) -> Result<Option<Node>, &'static str> {
    let mut rest = before.to_owned();
    OF_SERVERS.iter().for_each(|word| rest = rest.replacen(word, "", 1));
    if before.contains("client") || !(rest.is_empty() || before.contains("grpc")) {
        return Err("whether this is a setting of the gRPC server is not known");
    }
    let written = setting.value.trim();
    let number = written.parse::<u64>().ok();
    let place = setting.field.place();
    if key == "max_concurrent_streams" {
        let streams = number.filter(|_| unit.is_empty()).ok_or("it is no plain number")?;
        return Ok((streams > 0).then(|| int(place, streams.into())));
    }
    let unit = match unit {
        "" | "duration" | "time" | "timeout" => "",
        "ms" | "millis" | "milliseconds" => "ms",
        "s" | "sec" | "secs" | "seconds" => "s",
        "m" | "min" | "mins" | "minutes" => "m",
        _ => return Err("what it means is not known"),
    };
    let time = match number {
        Some(_) if unit.is_empty() && number != Some(0) => return Err("its unit is not written"),
        Some(_) => format!("{written}{}", if unit.is_empty() { "s" } else { unit }),
        None => written.to_owned(),
    };
    // Zero stands for never (grpc-go `defaultServerKeepaliveParams`).
    match parse_duration(&time) {
        Ok(Span::ZERO) => Ok(None),
        Ok(_) => Ok(Some(text(place, time))),
        Err(_) => Err("its value is no duration"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::import::object::objects;
    use crate::scenario::yaml::write::flow;

    /// What comes of a variable of a server.
    fn said(name: &str, value: &str) -> String {
        let text = format!(
            "kind: Deployment\nspec: {{ template: {{ spec: {{ containers: [{{ env: [{{ name: {name}, value: \"{value}\" }}] }}] }} }} }}\n"
        );
        let objects = objects(&text, 0, &mut Vec::new());
        let mut cx = Cx { objects: &objects, remarks: Vec::new(), problems: Vec::new() };
        match (of_server(&mut cx, &objects[0]), cx.remarks.as_slice()) {
            (Some(node), []) => flow(&node),
            (None, [remark]) => remark.note.clone(),
            (None, []) => "nothing".to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn settings_are_read_if_name_and_unit_leave_no_doubt() {
        for (name, value, expected) in [
            ("GRPC_MAX_CONNECTION_AGE", "5m", "{ max_connection_age: 5m }"),
            ("grpc.max_connection_age_ms", "300000", "{ max_connection_age: 300000ms }"),
            ("SHOP_GRPC_MAX_CONNECTION_AGE_SECONDS", "300", "{ max_connection_age: 300s }"),
            ("MAX_CONNECTION_AGE_GRACE", "1m30s", "{ max_connection_age_grace: 1m30s }"),
            ("server.grpc.keepalive.max-connection-idle", "2m", "{ max_connection_idle: 2m }"),
            ("grpcMaxConcurrentStreams", "100", "{ max_concurrent_streams: 100 }"),
            ("GRPC_MAX_CONNECTION_AGE", "0", "nothing"),
            ("HTTP_PORT", "80", "nothing"),
        ] {
            assert_eq!(said(name, value), expected, "{name}");
        }
        for (name, value, why) in [
            ("GRPC_MAX_CONNECTION_AGE", "300", "its unit is not written"),
            ("GRPC_MAX_CONNECTION_AGE", "$(AGE)", "its value is no duration"),
            ("DB_MAX_CONNECTION_AGE", "5m", "whether this is a setting of the gRPC server is not known"),
            ("GRPC_CLIENT_MAX_CONNECTION_AGE", "5m", "whether this is a setting of the gRPC server is not known"),
            ("GRPC_MAX_CONNECTION_AGE_JITTER", "5m", "what it means is not known"),
            ("GRPC_MAX_WORKERS", "8", "how many requests a pod serves at once is not read"),
        ] {
            assert!(said(name, value).contains(why), "{name}: {}", said(name, value));
        }
    }
}
