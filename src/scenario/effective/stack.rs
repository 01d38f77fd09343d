//! The values in force of what a gRPC client takes from its stack.

use super::{Origin, Rows, Scope};
use crate::model::stack::Stack;
use crate::scenario::yaml::tree::{Node, Value};

/// Settings that a stack gives, below its client; the last part of a name may be left out.
const GIVEN: &[&[&str]] = &[
    &["connect"],
    &["policy", "pick_first", "reconnect"],
    &["policy", "round_robin", "start"],
    &["resolver"],
    &["backoff"],
    &["connect_timeout"],
    &["idle_timeout"],
    &["shared_subchannels"],
    &["keepalive", "wake"],
    &["keepalive", "bdp_ping"],
    &["keepalive", "throttle"],
    &["keepalive", "tcp_user_timeout"],
    &["keepalive", "tcp_user_timeout_of_dials"],
    &["keepalive", "slow_down"],
];

/// The stack that gives the value at this place, if one does.
pub(super) fn origin(written: &Node, steps: &[String]) -> Option<Origin> {
    let [clients, client, below @ ..] = steps else { return None };
    let given = |path: &&&[&str]| below.len() >= path.len() && path.iter().zip(below).all(|(a, b)| a == b);
    let found = clients == "clients" && GIVEN.iter().any(|path| given(&path));
    let stack = found.then(|| named(written, clients, client)).flatten()?;
    Some(Origin::Stack(stack))
}

fn named(written: &Node, list: &str, item: &str) -> Option<Stack> {
    let Value::Text(name) = &written.child(list)?.child(item)?.child("stack")?.value else { return None };
    let all = [Stack::Go, Stack::CCore, Stack::Java, Stack::Node, Stack::Tonic];
    all.into_iter().find(|s| s.name() == name.replace('-', "_"))
}

pub(super) fn stack(rows: &mut Rows<'_>, at: &Scope, usual: Option<Stack>) {
    let [list, item] = at.steps.as_slice() else { return };
    if let Some(stack) = named(rows.written, list, item).or(usual) {
        rows.put(at, "stack", stack.name().into());
    }
}
