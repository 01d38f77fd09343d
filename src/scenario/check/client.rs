//! Client Deployments.

use super::grpc::{GrpcKeys, Rest};
use super::{Check, Names, gateway, is_virtual, law, least, load, server, streams, via};
use crate::model::defaults;
use crate::model::stack::Stack;
use crate::model::{
    Backoff, Client, Discovery, Gateway, Http1Client, KeepAlive, Lifetime, Load, Policy, Poll, Protocol, ServiceType,
    Watch,
};
use crate::scenario::diagnostic::{Place, Problem};
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::client::{
    BackoffFile, ClientFile, DiscoveryFile, Http1File, PerCallFile, ProtocolFile, StartFile,
};
use crate::scenario::file::law::LawFile;
use crate::scenario::file::server::StrategyFile;
use crate::scenario::file::settings::Written;
use crate::scenario::quantity::Share;
use crate::scenario::rules::Code;
use crate::units::Span;

/// Replicas of a client, and channels of a replica.
const MAX_CLIENTS: u32 = 10_000_000;

/// What a client's connections may go to.
#[derive(Clone, Copy)]
pub(super) struct Behind<'a> {
    pub service: ServiceType,
    pub gateways: &'a [Gateway],
}

pub(super) fn client(
    cx: &mut Check<'_>,
    file: At<ClientFile>,
    Behind { service, gateways }: Behind<'_>,
    duration: Option<Span>,
    names: &mut Names,
) -> Client {
    let At { value, place } = file;
    let (mut grpc, rest) = GrpcKeys::split(value);
    let Rest { name, replicas, protocol, channels, start, via, connection_lifetime, http1, load, .. } = rest;
    let (deadline, startup, strategy) = (rest.deadline, rest.startup, rest.strategy);
    let name = cx.unique_name(name, place, "a client", names);
    let (gateway, service) = match gateway::of_client(cx, &via, gateways) {
        Some(i) => {
            grpc.refuse_discovery(cx);
            (Some(i), ServiceType::ClusterIp)
        }
        None => (None, service),
    };
    let replicas_place = replicas.as_ref().map_or(place, |r| r.place);
    let replicas = cx.count_or(replicas, "replicas", 1, MAX_CLIENTS, defaults::REPLICAS);
    let channels_place = channels.as_ref().map(|c| c.place);
    let speaks_http1 = matches!(protocol, Some(At { value: ProtocolFile::Http1, .. }));
    if speaks_http1 {
        cx.no_effect(&channels, "channels", ONLY_GRPC);
    }
    let mut channels = cx.count_or(channels, "channels", 1, MAX_CLIENTS, defaults::CHANNELS);
    let beside = via::Beside {
        speaks_http1,
        channels: grpc.connections_to_proxy(channels),
        service,
        judges: grpc.outlier_detection.is_some(),
    };
    let via_place = via.as_ref().map(|v| v.place);
    let via = via::sidecar(cx, via, &beside);
    let streams_place = streams::place(&load);
    if streams_place.is_some() {
        grpc.refuse_retries(cx);
    }
    let protocol = if speaks_http1 {
        grpc.refuse(cx);
        Protocol::Http1(http1_settings(cx, http1))
    } else {
        cx.no_effect(&http1, "http1", "with `protocol: grpc`; set `protocol: http1`");
        let grpc = grpc.settings(cx, service, via.as_ref(), channels);
        channels = if grpc.sharing.is_some() { 1 } else { channels };
        Protocol::Grpc(grpc)
    };
    let workers = load::Workers { replicas, replicas_place, channels, channels_place };
    streams::alone(cx, streams_place, &protocol, via_place, &deadline);
    let (load, methods) = load::load(cx, load, place, workers, &deadline, duration);
    without_effect(cx, &protocol, &load, (&connection_lifetime, &startup, &strategy));
    let (start_at, start_spread) = start_times(cx, start, duration);
    Client {
        name,
        replicas,
        channels: if speaks_http1 { 1 } else { channels },
        protocol,
        gateway,
        via,
        start_at,
        start_spread,
        max_connection_lifetime: cx.settings_if(connection_lifetime, "connection_lifetime"),
        load,
        methods,
        deadline: cx.repeating(deadline, least::DEADLINE),
        startup: law::law_or(cx, startup, defaults::startup),
        strategy: server::strategy_or_default(cx, strategy),
    }
}

/// Refuses what cannot act with this protocol or this load.
fn without_effect(
    cx: &mut Check<'_>,
    protocol: &Protocol,
    load: &Load,
    (lifetime, startup, strategy): (&Key<Written<Lifetime>>, &Key<LawFile>, &Key<StrategyFile>),
) {
    if matches!(protocol, Protocol::Http1(Http1Client { keep_alive: None, .. })) {
        let why = "without `http1.keep_alive`: each request has its own connection";
        cx.no_effect(lifetime, "connection_lifetime", why);
    }
    if matches!(load, Load::Closed { .. }) {
        let why = "on a closed load, which cannot be rolled out";
        cx.no_effect(startup, "startup", why);
        cx.no_effect(strategy, "strategy", why);
    }
}

pub(super) const ONE_ADDRESS: &str = "with a ClusterIP Service, which has one address; set `service: { type: Headless }`, or \
                           `discovery: watch`";
pub(super) const ONLY_GRPC: &str = "with `protocol: http1`: it is a setting of gRPC channels";

/// A poll of a ClusterIP's name has one answer that never changes: a mistake that people make, so it can be simulated.
pub(super) fn discovery_of(cx: &mut Check<'_>, file: Key<DiscoveryFile>, service: ServiceType) -> Option<Discovery> {
    Some(match file?.value {
        DiscoveryFile::Dns => Discovery::Dns,
        DiscoveryFile::Poll(At { value: file, place }) => {
            if is_virtual(service) {
                cx.no_effect(
                    &file.given("interval"),
                    "interval",
                    "with a ClusterIP Service, whose address never changes",
                );
                return Some(Discovery::Dns);
            }
            Discovery::Poll(cx.settings(&file, "poll", place, Poll::default()))
        }
        DiscoveryFile::Watch(At { value: file, place }) => {
            let most = file.given("debounce_max");
            let watch = cx.settings(&file, "watch", place, Watch::default());
            if watch.debounce == Span::ZERO {
                cx.no_effect(&most, "debounce_max", "without `debounce`");
            }
            Discovery::Watch(watch)
        }
    })
}

/// `None`: an attempt per call.
pub(super) fn backoff_settings(
    cx: &mut Check<'_>,
    file: Key<BackoffFile>,
    stacks: Option<Backoff>,
    policy: Policy,
) -> Option<Backoff> {
    let Some(At { value: file, place }) = file else { return stacks };
    let PerCallFile { per_call } = &file.rest;
    let delays = ["base", "multiplier", "max", "from"].iter().any(|key| file.place(key).is_some());
    if per_call.as_ref().map_or(stacks.is_none() && !delays, |p| p.value) {
        for key in file.group.names {
            cx.no_effect(&file.given(key), key, "with an attempt per call, which has no delays");
        }
        if !Stack::Tonic.has(policy) {
            let message = "`per_call` is tonic's way to connect, and tonic does not have this policy";
            cx.problem(Code::Contradiction, per_call.as_ref().map_or(place, |p| p.place), message);
        }
        return None;
    }
    let backoff = cx.settings(&file, "backoff", place, stacks.unwrap_or_default());
    let Backoff { base, max, .. } = backoff;
    if max < base {
        let place = file.place("max").or(file.place("base")).unwrap_or(place);
        cx.problem(Code::Contradiction, place, format!("`max` ({max}) is below `base` ({base})"));
    }
    Some(backoff)
}

/// A share from 0 to 1.
pub(super) fn share(cx: &mut Check<'_>, key: Key<Share>, name: &str, default: f64) -> f64 {
    let Some(At { value: Share(x), place }) = key else { return default };
    if !(0.0..=1.0).contains(&x) {
        no_share(cx, place, x, format!("`{name}` must be from 0 to 1, or 0% to 100%"));
    }
    x.clamp(0.0, 1.0)
}

/// Refuses a share that is out of range. A number from 1 to 100 was meant as a percentage.
pub(super) fn no_share(cx: &mut Check<'_>, place: Place, x: f64, message: impl Into<String>) {
    let problem = Problem::new(Code::OutOfRange, place, message);
    cx.report(if x > 1.0 && x <= 100.0 { problem.help(format!("write `{x}%`")) } else { problem });
}

fn http1_settings(cx: &mut Check<'_>, file: Key<Http1File>) -> Http1Client {
    let Http1File { max_connections, keep_alive } = file.map(|f| f.value).unwrap_or_default();
    let max_connections = cx.count_if(max_connections, "max_connections", 1, MAX_CLIENTS);
    let keep_alive = keep_alive.map(|At { value: file, place }| {
        let warm_place = file.place("warm");
        let pool = cx.settings(&file, "keep_alive", place, KeepAlive::default());
        if let (Some(most), Some(place)) = (max_connections, warm_place)
            && pool.warm > most
        {
            cx.problem(Code::Contradiction, place, format!("`warm` is above `max_connections`, which is {most}"));
        }
        pool
    });
    Http1Client { max_connections, keep_alive }
}

fn start_times(cx: &mut Check<'_>, file: Key<StartFile>, duration: Option<Span>) -> (Span, Span) {
    let Some(At { value: StartFile { at, spread }, place }) = file else { return (Span::ZERO, Span::ZERO) };
    let place: Place = spread.as_ref().map(|s| s.place).or(at.as_ref().map(|a| a.place)).unwrap_or(place);
    let (at, spread) = (at.map_or(Span::ZERO, |a| a.value.0), spread.map_or(Span::ZERO, |s| s.value.0));
    if let Some(end) = duration
        && (at + spread > end || at == end)
    {
        let message = format!("replicas would start up to {}, and the run ends at {end}", at + spread);
        cx.problem(Code::OutsideRun, place, message);
    }
    (at, spread)
}
