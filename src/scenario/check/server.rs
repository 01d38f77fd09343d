//! Server Deployments, and the update strategy that clients have too.

use super::{Check, ClientKinds, Names, cpu, hpa, keepalive, law, least, pace};
use crate::model::defaults;
use crate::model::{CountOrPercent, GrpcServer, Server, Strategy, Termination};
use crate::scenario::diagnostic::{Place, Problem, quoted};
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::server::{GrpcServerFile, ServerFile, StrategyFile, StrategyTypeFile};
use crate::scenario::file::settings::Written;
use crate::scenario::file::stack::ServerStackFile;
use crate::scenario::quantity::Amount;
use crate::scenario::rules::Code;
use crate::units::Span;

pub(super) const MAX_REPLICAS: u32 = 100_000;
const LEAST_SPEED: f64 = 0.001;
const MOST_SPEED: f64 = 1_000.0;
const MAX_SLOTS: u32 = 65_536;

pub(super) fn server(cx: &mut Check<'_>, file: At<ServerFile>, kinds: ClientKinds, names: &mut Names) -> Server {
    let At { value, place } = file;
    let ServerFile {
        name,
        replicas,
        concurrency,
        service_time,
        cpu,
        speed,
        warm_up,
        queue_limit,
        handshake_time,
        startup,
        min_ready,
        hpa,
        termination,
        strategy,
        stack,
        grpc,
    } = value;
    if kinds.only_http1 {
        cx.no_effect(&grpc, "grpc", "when all clients speak HTTP/1.1");
    }
    let replicas = cx.count_or(replicas, "replicas", 0, MAX_REPLICAS, defaults::REPLICAS);
    let concurrency = cx.count_or(concurrency, "concurrency", 1, MAX_SLOTS, defaults::CONCURRENCY);
    Server {
        name: cx.unique_name(name, place, "a server", names),
        replicas,
        concurrency,
        service_time: law::law_or(cx, service_time, defaults::service_time),
        cpu: cpu::cpu(cx, cpu, concurrency),
        speed: speed.map_or(1.0, |speed| cx.number(&speed, "speed", LEAST_SPEED, MOST_SPEED)),
        warm_up: pace::warm_up(cx, warm_up),
        queue_limit: cx.count_if(queue_limit, "queue_limit", 0, u32::MAX),
        handshake_time: handshake_time.map_or(Span::ZERO, |t| t.value.0),
        startup: law::law_or(cx, startup, defaults::startup),
        min_ready: min_ready.map_or(Span::ZERO, |t| t.value.0),
        hpa: hpa::hpa(cx, hpa, replicas),
        termination: ending(cx, termination),
        strategy: strategy_or_default(cx, strategy),
        grpc: grpc_settings(cx, grpc, stack, kinds),
    }
}

pub(super) fn ending(cx: &mut Check<'_>, file: Key<Written<Termination>>) -> Termination {
    let sleeps_at = file.as_ref().and_then(|file| file.value.place("pre_stop"));
    let termination = cx.settings_or(file, "termination", Termination::default());
    let Termination { pre_stop: sleep, grace } = termination;
    if let Some(place) = sleeps_at.filter(|_| sleep > grace) {
        let message = format!("`pre_stop` ({sleep}) is above `grace` ({grace}), where Kubernetes cuts it short");
        let help =
            format!("`grace` counts from the deletion: make it longer than `pre_stop`, or write `pre_stop: {grace}`");
        cx.report(Problem::new(Code::Contradiction, place, message).help(help));
    }
    termination
}

pub(super) fn strategy_or_default(cx: &mut Check<'_>, file: Key<StrategyFile>) -> Strategy {
    let Some(At { value: StrategyFile { kind, max_surge, max_unavailable }, place }) = file else {
        return defaults::STRATEGY;
    };
    if matches!(kind, Some(At { value: StrategyTypeFile::Recreate, .. })) {
        cx.no_effect(&max_surge, "max_surge", "with `type: Recreate`");
        cx.no_effect(&max_unavailable, "max_unavailable", "with `type: Recreate`");
        return Strategy::Recreate;
    }
    let worst = max_unavailable.as_ref().or(max_surge.as_ref()).map_or(place, |m| m.place);
    let max_surge = amount(cx, max_surge, "max_surge", u32::MAX);
    let max_unavailable = amount(cx, max_unavailable, "max_unavailable", 100);
    if is_zero(max_surge) && is_zero(max_unavailable) {
        let message =
            "`max_surge` and `max_unavailable` are both 0, so no pod could ever be replaced; Kubernetes refuses this";
        cx.problem(Code::Contradiction, worst, message);
    }
    Strategy::RollingUpdate { max_surge, max_unavailable }
}

fn is_zero(amount: CountOrPercent) -> bool {
    matches!(amount, CountOrPercent::Count(0) | CountOrPercent::Percent(0))
}

fn amount(cx: &mut Check<'_>, key: Key<Amount>, name: &str, most_percent: u32) -> CountOrPercent {
    let Some(At { value: Amount(amount), place }) = key else { return defaults::QUARTER };
    check_amount(cx, amount, place, name, most_percent);
    amount
}

fn check_amount(cx: &mut Check<'_>, amount: CountOrPercent, place: Place, name: &str, most_percent: u32) {
    let most_percent = most_percent.min(100 * MAX_REPLICAS);
    match amount {
        CountOrPercent::Count(n) if n > MAX_REPLICAS => {
            cx.problem(Code::OutOfRange, place, format!("{} is {n}, and the most is {MAX_REPLICAS}", quoted(name)));
        }
        CountOrPercent::Percent(p) if p > most_percent => {
            cx.problem(Code::OutOfRange, place, format!("{} is {p}%, and the most is {most_percent}%", quoted(name)));
        }
        CountOrPercent::Count(_) | CountOrPercent::Percent(_) => {}
    }
}

/// What a proxy does with the connections of its clients. No proxy punishes pings.
pub(super) fn proxy_settings(cx: &mut Check<'_>, file: Key<GrpcServerFile>, usual: GrpcServer) -> GrpcServer {
    if let Some(At { value, .. }) = &file {
        cx.no_effect(&value.keepalive_enforcement, "keepalive_enforcement", "in a gateway: no proxy punishes pings");
    }
    let own = grpc_settings(cx, file, None, ClientKinds { only_http1: false, somebody_pings: true });
    GrpcServer {
        max_connection_age: own.max_connection_age.or(usual.max_connection_age),
        max_connection_age_grace: own.max_connection_age_grace,
        max_connection_idle: own.max_connection_idle.or(usual.max_connection_idle),
        max_requests_per_connection: own.max_requests_per_connection.or(usual.max_requests_per_connection),
        max_concurrent_streams: own.max_concurrent_streams.or(usual.max_concurrent_streams),
        enforcement: usual.enforcement,
    }
}

fn grpc_settings(
    cx: &mut Check<'_>,
    file: Key<GrpcServerFile>,
    stack: Key<ServerStackFile>,
    kinds: ClientKinds,
) -> GrpcServer {
    let GrpcServerFile {
        max_connection_age,
        max_connection_age_grace,
        max_connection_idle,
        max_requests_per_connection,
        max_concurrent_streams,
        keepalive_enforcement,
    } = file.map(|f| f.value).unwrap_or_default();
    if max_connection_age.is_none() {
        cx.no_effect(&max_connection_age_grace, "max_connection_age_grace", "without `max_connection_age`");
    }
    GrpcServer {
        max_connection_age: cx.repeating(max_connection_age, least::MAX_CONNECTION_AGE),
        max_connection_age_grace: max_connection_age_grace.map(|t| t.value.0),
        max_connection_idle: cx.repeating(max_connection_idle, least::MAX_CONNECTION_IDLE),
        max_requests_per_connection: cx.count_if(
            max_requests_per_connection,
            "max_requests_per_connection",
            1,
            u32::MAX,
        ),
        max_concurrent_streams: cx.count_if(max_concurrent_streams, "max_concurrent_streams", 1, u32::MAX),
        enforcement: keepalive::enforcement(cx, keepalive_enforcement, stack, kinds.somebody_pings),
    }
}
