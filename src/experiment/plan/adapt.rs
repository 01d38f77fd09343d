//! The usual cures beside the scenario's other settings, some of which say nothing, or contradict, with a cure.

use super::Cure;
use crate::model::Model;

/// Keys of a client that the reader may refuse beside another policy, or beside a proxy.
const OF_CLIENTS: [&str; 11] = [
    "keepalive",
    "idle_timeout",
    "subset",
    "wait_for_ready",
    "connect",
    "backoff",
    "resolver",
    "retry",
    "outlier_detection",
    "keys",
    "shared_subchannels",
];
/// Keys of a server that may have no effect any more.
const OF_SERVERS: [&str; 3] = ["stack", "grpc.keepalive_enforcement", "grpc.max_connection_age_grace"];

/// A cure without those of the scenario's settings that it leaves no place for: as few as the reader lets go. What it refuses for another
/// reason stays as it is, so that the reason is said. `hash` reads a cure: the hash of what it means, or `None` if it is refused.
pub(super) fn fitted(cure: Cure, model: &Model, hash: &dyn Fn(&Cure) -> Option<String>) -> Cure {
    if hash(&cure).is_some() {
        return cure;
    }
    let with = |dropped: &[String]| Cure { name: cure.name.clone(), sets: [&cure.sets[..], dropped].concat() };
    let mut dropped = in_the_way(&cure, model);
    if hash(&with(&dropped)).is_none() {
        return cure;
    }
    for key in dropped.clone() {
        let fewer: Vec<String> = dropped.iter().filter(|other| **other != key).cloned().collect();
        if hash(&with(&fewer)).is_some() {
            dropped = fewer;
        }
    }
    with(&dropped)
}

/// A cure without the `PATH=null`s that change nothing.
pub(super) fn lean(mut cure: Cure, hash: &dyn Fn(&Cure) -> Option<String>) -> Cure {
    let Some(means) = hash(&cure) else { return cure };
    for set in cure.sets.clone().into_iter().filter(|set| set.ends_with("=null")) {
        let sets = cure.sets.iter().filter(|other| **other != set).cloned().collect();
        let without = Cure { name: cure.name.clone(), sets };
        if hash(&without).as_ref() == Some(&means) {
            cure = without;
        }
    }
    cure
}

/// Settings that a cure may have to drop. A proxy replaces the stack; any other cure is impossible if the stack does not support it.
fn in_the_way(cure: &Cure, model: &Model) -> Vec<String> {
    let proxy = |client: &str| {
        let via = format!("clients.{client}.via=");
        cure.sets.iter().any(|set| set.strip_prefix(&via).is_some_and(|kind| kind != "null"))
    };
    let changes = |path: &str| cure.sets.iter().any(|set| set.split('=').next() == Some(path));
    let clients = model.clients.iter().flat_map(|c| {
        let stack = proxy(&c.name).then_some("stack");
        OF_CLIENTS.into_iter().chain(stack).map(|key| format!("clients.{}.{key}", c.name))
    });
    let servers = model.servers.iter().flat_map(|s| OF_SERVERS.map(|key| format!("servers.{}.{key}", s.name)));
    clients.chain(servers).filter(|path| !changes(path)).map(|path| format!("{path}=null")).collect()
}
