//! Server Deployments, and the update strategy that clients have too.

use super::{Check, ClientKinds, Names, cpu, hpa, keepalive, law, pace};
use crate::model::defaults;
use crate::model::{CountOrPercent, GrpcServer, Server, Strategy, Termination};
use crate::scenario::diagnostic::{Place, Problem, quoted};
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::server::{ServerFile, ServerKeysFile, StrategyFile, StrategyTypeFile};
use crate::scenario::file::settings::Written;
use crate::scenario::file::stack::ServerStackFile;
use crate::scenario::quantity::Amount;
use crate::scenario::rules::Code;

pub(super) const MAX_REPLICAS: u32 = crate::model::MAX_REPLICAS as u32;

pub(super) fn server(cx: &mut Check<'_>, file: At<ServerFile>, kinds: ClientKinds, names: &mut Names) -> Server {
    let At { value: file, place } = file;
    let server = cx.settings(&file, "a server", place, Server::default());
    let ServerKeysFile { name, service_time, cpu, warm_up, startup, hpa, termination, strategy, stack, grpc } =
        file.rest;
    if kinds.only_http1 {
        cx.no_effect(&grpc, "grpc", "when all clients speak HTTP/1.1");
    }
    let cpu = cpu::cpu(cx, cpu, server.concurrency, hpa.is_some());
    let asks = Server { cpu, ..server.clone() }.cpu_over_request();
    let hpa = hpa::hpa(cx, hpa, server.replicas, asks);
    Server {
        name: cx.unique_name(name, place, "a server", names),
        service_time: law::law_or(cx, service_time, || server.service_time.clone()),
        cpu,
        warm_up: pace::warm_up(cx, warm_up),
        startup: law::law_or(cx, startup, || server.startup.clone()),
        hpa,
        termination: ending(cx, termination),
        strategy: strategy_or_default(cx, strategy),
        grpc: grpc_settings(cx, grpc, stack, kinds),
        ..server
    }
}

pub(super) fn ending(cx: &mut Check<'_>, file: Key<Written<Termination>>) -> Termination {
    let sleeps_at = file.as_ref().and_then(|file| file.value.place("pre_stop"));
    let termination = cx.settings_or(file, "termination", Termination::default());
    let Termination { pre_stop: sleep, grace, .. } = termination;
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
pub(super) fn proxy_settings(cx: &mut Check<'_>, file: Key<Written<GrpcServer>>, usual: GrpcServer) -> GrpcServer {
    if let Some(At { value, .. }) = &file {
        let pings = value.given("keepalive_enforcement");
        cx.no_effect(&pings, "keepalive_enforcement", "in a gateway: no proxy punishes pings");
    }
    let own = connections(cx, file, usual);
    GrpcServer { keepalive_enforcement: usual.keepalive_enforcement, ..own }
}

fn grpc_settings(
    cx: &mut Check<'_>,
    file: Key<Written<GrpcServer>>,
    stack: Key<ServerStackFile>,
    kinds: ClientKinds,
) -> GrpcServer {
    let keepalive_enforcement = keepalive::enforcement(cx, file.as_ref(), stack, kinds.somebody_pings);
    let usual = GrpcServer { keepalive_enforcement, ..GrpcServer::default() };
    let grpc = connections(cx, file, usual);
    if keepalive_enforcement.most_strikes().is_none() { GrpcServer { keepalive_enforcement, ..grpc } } else { grpc }
}

fn connections(cx: &mut Check<'_>, file: Key<Written<GrpcServer>>, usual: GrpcServer) -> GrpcServer {
    if let Some(At { value: file, .. }) = &file
        && file.place("max_connection_age").is_none()
    {
        let grace = file.given("max_connection_age_grace");
        cx.no_effect(&grace, "max_connection_age_grace", "without `max_connection_age`");
    }
    cx.settings_or(file, "grpc", usual)
}
