//! Client Deployments.

use super::grpc::GrpcKeys;
use super::{Check, Names, gateway, is_virtual, law, load, server, streams, via};
use crate::model::defaults;
use crate::model::{Client, Discovery, Gateway, Http1Client, Load, Poll, Protocol, ServiceType, Start, Watch};
use crate::scenario::diagnostic::{Place, Problem};
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::client::{ClientFile, ClientKeysFile, DiscoveryFile, ProtocolFile};
use crate::scenario::file::law::LawFile;
use crate::scenario::file::server::StrategyFile;
use crate::scenario::file::settings::{Written, WrittenKeys};
use crate::scenario::rules::Code;
use crate::units::Span;

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
    let At { value: file, place } = file;
    let client = cx.settings(&file, "a client", place, Client::default());
    let Written { keys: own, rest: Written { keys: plain, rest, .. }, .. } = file;
    #[rustfmt::skip]
    let ClientKeysFile {
        name, protocol, via, stack, policy, keys, discovery, dispatch, retry, http1, load, startup, strategy,
    } = rest;
    let mut grpc = GrpcKeys { plain, place, stack, policy, keys, discovery, dispatch, retry };
    let name = cx.unique_name(name, place, "a client", names);
    let (gateway, service) = match gateway::of_client(cx, &via, gateways) {
        Some(i) => {
            grpc.refuse_discovery(cx);
            (Some(i), ServiceType::ClusterIp)
        }
        None => (None, service),
    };
    let speaks_http1 = matches!(protocol, Some(At { value: ProtocolFile::Http1, .. }));
    if speaks_http1 {
        cx.no_effect(&own.given("channels"), "channels", ONLY_GRPC);
    }
    let beside = via::Beside {
        speaks_http1,
        channels: grpc.connections_to_proxy(client.channels),
        service,
        judges: grpc.plain.place("outlier_detection").is_some(),
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
        Protocol::Grpc(grpc.settings(cx, service, via.as_ref(), client.channels))
    };
    let channels = match &protocol {
        Protocol::Grpc(grpc) if !grpc.shared_subchannels => client.channels,
        Protocol::Grpc(_) | Protocol::Http1(_) => 1,
    };
    let deadline = own.place("deadline").zip(client.deadline).map(|(place, value)| At { value, place });
    let workers = load::Workers::of(&client, channels, &own, place);
    streams::alone(cx, streams_place, &protocol, via_place, &deadline);
    let (load, methods) = load::load(cx, load, place, workers, &deadline, duration);
    without_effect(cx, &protocol, &load, (&own, &startup, &strategy));
    start_times(cx, client.start, &own, duration);
    Client {
        name,
        channels,
        protocol,
        gateway,
        via,
        load,
        methods,
        startup: law::law_or(cx, startup, defaults::startup),
        strategy: server::strategy_or_default(cx, strategy),
        ..client
    }
}

/// True if there are clients and all speak HTTP/1.1.
pub(super) fn only_http1(clients: Option<&At<Vec<At<ClientFile>>>>) -> bool {
    let http1 = |client: &At<ClientFile>| {
        matches!(&client.value.rest.rest.protocol, Some(At { value: ProtocolFile::Http1, .. }))
    };
    clients.is_some_and(|list| !list.value.is_empty() && list.value.iter().all(http1))
}

/// Refuses what cannot act with this protocol or this load.
fn without_effect(
    cx: &mut Check<'_>,
    protocol: &Protocol,
    load: &Load,
    (own, startup, strategy): (&WrittenKeys, &Key<LawFile>, &Key<StrategyFile>),
) {
    if matches!(protocol, Protocol::Http1(Http1Client { keep_alive: None, .. })) {
        let why = "without `http1.keep_alive`: each request has its own connection";
        cx.no_effect(&own.given("connection_lifetime"), "connection_lifetime", why);
    }
    if matches!(load, Load::Closed(_)) {
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

/// Refuses a share that is out of range. A number from 1 to 100 was meant as a percentage.
pub(super) fn no_share(cx: &mut Check<'_>, place: Place, x: f64, message: impl Into<String>) {
    let problem = Problem::new(Code::OutOfRange, place, message);
    cx.report(if x > 1.0 && x <= 100.0 { problem.help(format!("write `{x}%`")) } else { problem });
}

fn http1_settings(cx: &mut Check<'_>, file: Key<Written<Http1Client>>) -> Http1Client {
    let warm_place = file.as_ref().and_then(|file| file.value.given_in("keep_alive", "warm")).map(|warm| warm.place);
    let http1 = cx.settings_or(file, "http1", Http1Client::default());
    if let Http1Client { max_connections: Some(most), keep_alive: Some(pool) } = http1
        && pool.warm > most
        && let Some(place) = warm_place
    {
        cx.problem(Code::Contradiction, place, format!("`warm` is above `max_connections`, which is {most}"));
    }
    http1
}

fn start_times(cx: &mut Check<'_>, Start { at, spread }: Start, own: &WrittenKeys, duration: Option<Span>) {
    let Some((start, place)) = own.group("start") else { return };
    let place = start.place("spread").or(start.place("at")).unwrap_or(place);
    if let Some(end) = duration
        && (at + spread > end || at == end)
    {
        let message = format!("replicas would start up to {}, and the run ends at {end}", at + spread);
        cx.problem(Code::OutsideRun, place, message);
    }
}
