//! Keepalive of clients, and its enforcement by servers.

use super::Check;
use crate::model::stack::{self, Stack};
use crate::model::{Enforcement, GrpcServer, Keepalive};
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::client::ClientFile;
use crate::scenario::file::settings::{Written, WrittenKeys};
use crate::scenario::file::stack::ServerStackFile;

/// True if some client has keepalive.
pub(super) fn somebody_pings(clients: Option<&At<Vec<At<ClientFile>>>>) -> bool {
    clients.is_some_and(|list| list.value.iter().any(|c| c.value.rest.place("keepalive").is_some()))
}

/// What some of its settings leave of others.
pub(super) fn settle(cx: &mut Check<'_>, written: Option<(&WrittenKeys, Place)>, keepalive: &mut Option<Keepalive>) {
    let (Some((keys, _)), Some(keepalive)) = (written, keepalive) else { return };
    if !keepalive.tcp_user_timeout {
        let of_dials = keys.given("tcp_user_timeout_of_dials");
        cx.no_effect(&of_dials, "tcp_user_timeout_of_dials", "without `tcp_user_timeout`");
        keepalive.tcp_user_timeout_of_dials = false;
    }
    if keepalive.throttle.is_some_and(|throttle| throttle.free == 0) {
        cx.no_effect(&keys.given_in("throttle", "interval"), "interval", "with `free: 0`, which is no throttle");
        keepalive.throttle = None;
    }
}

/// Which pings a server with this stack punishes, but for what `file` says of it.
pub(super) fn enforcement(
    cx: &mut Check<'_>,
    file: Option<&At<Written<GrpcServer>>>,
    stack: Key<ServerStackFile>,
    somebody_pings: bool,
) -> Enforcement {
    let given = file.and_then(|file| file.value.given("keepalive_enforcement"));
    if !somebody_pings {
        cx.no_effect(&given, "keepalive_enforcement", "when no client has `keepalive`");
        cx.no_effect(&stack, "stack", "of a server when no client has `keepalive`: it decides which pings are strikes");
    }
    let stack = stack.map_or(Stack::Go, |s| s.value.into());
    let Some(usual) = stack::server(stack).enforcement else {
        cx.no_effect(&given, "keepalive_enforcement", "with this `stack`, which punishes no pings");
        return Enforcement::NONE;
    };
    if stack != Stack::CCore {
        let most = file.and_then(|file| file.value.given_in("keepalive_enforcement", "max_ping_strikes"));
        cx.no_effect(&most, "max_ping_strikes", "without `stack: c_core` of the server: others always have 2");
    }
    usual
}
