//! Keepalive of clients, and its enforcement by servers.

use super::{Check, least};
use crate::model::defaults;
use crate::model::stack::{self, Stack};
use crate::model::{Enforcement, Keepalive, PingThrottle, Wake};
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::client::ClientFile;
use crate::scenario::file::keepalive::{EnforcementFile, KeepaliveFile, PingThrottleFile, WakeFile};
use crate::scenario::file::stack::ServerStackFile;

/// True if some client has keepalive.
pub(super) fn somebody_pings(clients: Option<&At<Vec<At<ClientFile>>>>) -> bool {
    clients.is_some_and(|list| list.value.iter().any(|c| c.value.keepalive.is_some()))
}

pub(super) fn keepalive(cx: &mut Check<'_>, file: Key<KeepaliveFile>, usual: Keepalive) -> Option<Keepalive> {
    let At { value, place } = file?;
    let KeepaliveFile {
        time,
        timeout,
        permit_without_stream,
        wake,
        bdp_ping,
        throttle: throttled,
        tcp_user_timeout,
        tcp_user_timeout_of_dials: of_dials,
        slow_down,
    } = value;
    let time = cx.required(time, "time", place, "`keepalive`");
    let tcp_user_timeout = tcp_user_timeout.map_or(usual.tcp_user_timeout, |t| t.value);
    if !tcp_user_timeout {
        cx.no_effect(&of_dials, "tcp_user_timeout_of_dials", "without `tcp_user_timeout`");
    }
    Some(Keepalive {
        time: cx.repeating(time, least::KEEPALIVE_TIME).unwrap_or(usual.time),
        timeout: cx.repeating(timeout, least::KEEPALIVE_TIMEOUT).unwrap_or(usual.timeout),
        permit_without_stream: permit_without_stream.map_or(usual.permit_without_stream, |p| p.value),
        wake: match wake.map(|w| w.value) {
            None => usual.wake,
            Some(WakeFile::AtOnce) => Wake::AtOnce,
            Some(WakeFile::NextTick) => Wake::NextTick,
        },
        bdp_ping: bdp_ping.map_or(usual.bdp_ping, |b| b.value),
        throttle: throttled.map_or(usual.throttle, |t| throttle(cx, t)),
        tcp_user_timeout,
        tcp_user_timeout_of_dials: tcp_user_timeout && of_dials.map_or(usual.tcp_user_timeout_of_dials, |d| d.value),
        slows_down: slow_down.map_or(usual.slows_down, |s| s.value),
    })
}

fn throttle(cx: &mut Check<'_>, At { value, place }: At<PingThrottleFile>) -> Option<PingThrottle> {
    let PingThrottleFile { free, interval } = value;
    let free = cx.required(free, "free", place, "`throttle`");
    let free = cx.count_or(free, "free", 0, u32::MAX, 1);
    if free == 0 {
        cx.no_effect(&interval, "interval", "with `free: 0`, which is no throttle");
        return None;
    }
    let interval = cx.positive(interval, "interval").unwrap_or(defaults::THROTTLE_INTERVAL);
    Some(PingThrottle { free, interval })
}

pub(super) fn enforcement(
    cx: &mut Check<'_>,
    file: Key<EnforcementFile>,
    stack: Key<ServerStackFile>,
    somebody_pings: bool,
) -> Enforcement {
    if !somebody_pings {
        cx.no_effect(&file, "keepalive_enforcement", "when no client has `keepalive`");
        cx.no_effect(&stack, "stack", "of a server when no client has `keepalive`: it decides which pings are strikes");
    }
    let stack = stack.map_or(Stack::Go, |s| s.value.into());
    let Some(usual) = stack::server(stack).enforcement else {
        cx.no_effect(&file, "keepalive_enforcement", "with this `stack`, which punishes no pings");
        return defaults::LENIENT;
    };
    let EnforcementFile { min_time, permit_without_stream, max_ping_strikes } =
        file.map(|f| f.value).unwrap_or_default();
    if stack != Stack::CCore {
        cx.no_effect(
            &max_ping_strikes,
            "max_ping_strikes",
            "without `stack: c_core` of the server: others always have 2",
        );
    }
    let most = cx.count_if(max_ping_strikes, "max_ping_strikes", 0, u32::MAX);
    Enforcement {
        max_strikes: most.map_or(usual.max_strikes, |n| (n > 0).then_some(n)),
        min_time: min_time.map_or(usual.min_time, |t| t.value.0),
        permit_without_stream: permit_without_stream.map_or(usual.permit_without_stream, |p| p.value),
        ..usual
    }
}
