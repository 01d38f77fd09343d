//! The proxy beside a client: presets that expand to plain settings.

use super::{Check, law};
use crate::model::defaults;
use crate::model::{
    Breakers, Codes, Discovery, EnvoyCluster, FailureAccrual, LeastRequest, Maglev, PeakEwma, PickFirst, Policy, Poll,
    Random, RetryPolicy, RingHash, RotationStart, RoundRobin, ServiceType, Sidecar, SidecarKind, Watch,
};
use crate::pick::PickPolicy;
use crate::scenario::diagnostic::Problem;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::client::DiscoveryFile;
use crate::scenario::file::law::LawFile;
use crate::scenario::file::policy::PolicyFile;
use crate::scenario::file::settings::Written;
use crate::scenario::file::via::{EnvoyFile, EnvoyKeysFile, LinkerdFile, ProxyFile, ViaFile};
use crate::scenario::rules::Code;
use crate::units::Span;

/// Most worker threads of a proxy.
const MAX_WORKERS: u32 = 1_024;

/// What a client has that says nothing of its policy or discovery.
pub(super) struct Preset {
    pub policy: Policy,
    pub discovery: Discovery,
    /// Where round_robin starts, if that is asked for.
    pub rotation: RotationStart,
    /// How long a dial may take. `None`: as the stack has it.
    pub connect_timeout: Option<Span>,
}

/// Without a proxy: gRPC's own defaults.
pub(super) fn direct() -> Preset {
    Preset {
        policy: Policy::PickFirst(PickFirst::default()),
        discovery: Discovery::Dns,
        rotation: RotationStart::RandomOrder,
        connect_timeout: None,
    }
}

/// Envoy's index continues when hosts come or go.
const ENVOYS: RotationStart = RotationStart::Continue;

/// `cluster.proto`, `connect_timeout`.
const ENVOY_CONNECTS: Span = Span::from_secs(5);
/// istiod, `connectTimeout` of the mesh's configuration.
const ISTIO_CONNECTS: Span = Span::from_secs(10);
/// linkerd2-proxy, `app/src/env.rs`.
const LINKERD_CONNECTS: Span = Span::from_secs(1);

/// The rows of the table: which discovery and which pick each proxy has when nobody configures it.
pub(super) fn preset(sidecar: &Sidecar, service: ServiceType) -> Preset {
    if sidecar.workers.is_none() {
        return direct();
    }
    let watch = |debounce| Discovery::Watch(Watch { debounce, ..Watch::default() });
    match sidecar.kind {
        // STRICT_DNS of a ClusterIP's name has one address for ever.
        SidecarKind::Envoy => Preset {
            policy: Policy::RoundRobin(RoundRobin { start: ENVOYS }),
            discovery: match service {
                ServiceType::ClusterIp => Discovery::Dns,
                ServiceType::Headless => Discovery::Poll(Poll::default()),
            },
            rotation: ENVOYS,
            connect_timeout: Some(ENVOY_CONNECTS),
        },
        SidecarKind::Istio => Preset {
            policy: Policy::LeastRequest(LeastRequest::default()),
            discovery: watch(defaults::ISTIO_DEBOUNCE),
            rotation: ENVOYS,
            connect_timeout: Some(ISTIO_CONNECTS),
        },
        SidecarKind::Linkerd => Preset {
            policy: Policy::PeakEwma(PeakEwma::default()),
            discovery: watch(Span::ZERO),
            connect_timeout: Some(LINKERD_CONNECTS),
            ..direct()
        },
        // Of a gateway, which says more.
        SidecarKind::Ambient | SidecarKind::Nginx | SidecarKind::Haproxy => direct(),
    }
}

/// What a proxy's own keys depend on.
pub(super) struct Beside {
    pub speaks_http1: bool,
    pub channels: u32,
    pub service: ServiceType,
    /// There is outlier detection.
    pub judges: bool,
}

pub(super) fn sidecar(cx: &mut Check<'_>, file: Key<ViaFile>, beside: &Beside) -> Option<Sidecar> {
    if beside.speaks_http1 {
        cx.no_effect(&file, "via", "with `protocol: http1`: proxies are modelled for gRPC only");
        return None;
    }
    let At { value, place } = file?;
    let sidecar = match value {
        ViaFile::Envoy(file) => envoy(cx, SidecarKind::Envoy, file, beside),
        ViaFile::Istio(file) => envoy(cx, SidecarKind::Istio, file, beside),
        ViaFile::Linkerd(At { value: LinkerdFile { overhead, opaque, failure_accrual }, .. }) => {
            let one = if is_true(opaque.as_ref()) { None } else { Some(1) };
            let accrual = accrual(cx, failure_accrual, one.is_none());
            Sidecar { accrual, ..proxy(cx, SidecarKind::Linkerd, one, overhead) }
        }
        ViaFile::Ambient(At { value: ProxyFile { overhead }, .. }) => proxy(cx, SidecarKind::Ambient, None, overhead),
        // Not beside it.
        ViaFile::Gateway(_) => return None,
    };
    if beside.service == ServiceType::Headless && sidecar.kind != SidecarKind::Envoy {
        let message = format!(
            "{} does not balance over a headless Service: it passes connections through to the address that the \
             application chose; leave out `via`, or use a ClusterIP Service",
            sidecar.kind.name()
        );
        cx.problem(Code::Contradiction, place, message);
    }
    Some(sidecar)
}

/// Linkerd's breakers, if they are asked for.
fn accrual(cx: &mut Check<'_>, key: Key<Written<FailureAccrual>>, opaque: bool) -> Option<FailureAccrual> {
    if opaque {
        cx.no_effect(&key, "failure_accrual", "with `opaque: true`: connections are placed, and not calls");
        return None;
    }
    let At { value: keys, place } = key?;
    let accrual = cx.settings(&keys, "failure_accrual", place, FailureAccrual::default());
    if accrual.min_penalty > accrual.max_penalty {
        let place = keys.place("max_penalty").or(keys.place("min_penalty")).unwrap_or(place);
        let message =
            format!("`max_penalty` ({}) is shorter than `min_penalty` ({})", accrual.max_penalty, accrual.min_penalty);
        cx.problem(Code::Contradiction, place, message);
    }
    Some(accrual)
}

fn is_true(key: Option<&At<bool>>) -> bool {
    key.is_some_and(|key| key.value)
}

/// A proxy that is not Envoy, or does not look into connections.
fn proxy(cx: &mut Check<'_>, kind: SidecarKind, workers: Option<u32>, overhead: Key<LawFile>) -> Sidecar {
    Sidecar { kind, workers, overhead: law::law_or(cx, overhead, defaults::overhead), cluster: None, accrual: None }
}

pub(super) fn envoy(cx: &mut Check<'_>, kind: SidecarKind, file: At<EnvoyFile>, beside: &Beside) -> Sidecar {
    let At { value: EnvoyFile { keys, rest: EnvoyKeysFile { workers, overhead, opaque }, .. }, place } = file;
    if let Some(At { value: true, place }) = opaque {
        if beside.service == ServiceType::Headless {
            let message =
                "`opaque` is modelled with a ClusterIP Service only, where each connection goes to a random pod";
            cx.problem(Code::Contradiction, place, message);
        }
        let why = "with `opaque: true`: connections are placed, and not calls";
        cx.no_effect(&workers, "workers", why);
        for key in keys.group.names {
            cx.no_effect(&keys.given(key), key, why);
        }
        return proxy(cx, kind, None, overhead);
    }
    if !beside.judges {
        let why = "without `outlier_detection`: all hosts are healthy";
        cx.no_effect(&keys.given("panic_threshold"), "panic_threshold", why);
    }
    if beside.channels == 1 {
        cx.no_effect(&workers, "workers", "with one channel per replica, which is on one worker");
    }
    let usual = match kind {
        SidecarKind::Istio => EnvoyCluster {
            retries: defaults::ISTIO_RETRIES,
            panic_threshold: defaults::ISTIO_PANIC_THRESHOLD,
            // Istio sets all of them to the largest number that there is, unless a DestinationRule says otherwise.
            circuit_breakers: keys.place("circuit_breakers").map(|_| Breakers {
                max_requests: u32::MAX,
                max_pending_requests: u32::MAX,
                ..Breakers::default()
            }),
            ..EnvoyCluster::default()
        },
        _ => EnvoyCluster::default(),
    };
    Sidecar {
        kind,
        workers: Some(cx.count_or(workers, "workers", 1, MAX_WORKERS, defaults::WORKERS)),
        overhead: law::law_or(cx, overhead, defaults::overhead),
        cluster: Some(cx.settings(&keys, kind.name(), place, usual)),
        accrual: None,
    }
}

/// What the proxy does about failed requests. Its back-off is uniform from 0 to 25 ms, twice that for each further retry, 250 ms at
/// most (`JitteredExponentialBackOffStrategy`).
pub(super) fn retries(via: Option<&Sidecar>) -> Option<RetryPolicy> {
    let (kind, cluster) = via.and_then(|via| Some((via.kind, via.cluster?)))?;
    let policy = RetryPolicy {
        max_attempts: cluster.retries + 1,
        initial_backoff: Span::from_micros(12_500),
        max_backoff: Span::from_millis(125),
        multiplier: 2.0,
        jitter: 1.0,
        codes: Codes::of(&[14]),
        throttling: None,
        elsewhere: kind == SidecarKind::Istio,
        unsent_only: false,
    };
    (cluster.retries > 0).then_some(policy)
}

/// A proxy has policies and a discovery of its own.
pub(super) fn fits(
    cx: &mut Check<'_>,
    via: Option<&Sidecar>,
    policy: Option<&At<PolicyFile>>,
    discovery: &Key<DiscoveryFile>,
    service: ServiceType,
) {
    if let (None, Some(At { value, place })) = (via, policy)
        && value.kind.name == Maglev::NAME
    {
        cx.problem(Code::Contradiction, *place, "gRPC has no policy maglev; set `via: envoy` or `istio`");
    }
    let Some(via) = via else { return };
    if via.cluster.is_none() {
        cx.no_effect(discovery, "discovery", "with this proxy, which has a discovery of its own");
    }
    // What a poll has of its own is refused with the poll.
    let asks_dns = |d: &DiscoveryFile| match d {
        DiscoveryFile::Dns => true,
        DiscoveryFile::Poll(At { value, .. }) => value.place("interval").is_none(),
        DiscoveryFile::Watch(_) => false,
    };
    if let (Some(_), SidecarKind::Istio, ServiceType::ClusterIp) = (via.cluster, via.kind, service)
        && let Some(At { place, .. }) = discovery.as_ref().filter(|d| asks_dns(&d.value))
    {
        let message = "istio is told of the pods by its control plane, and does not ask DNS for them";
        cx.report(
            Problem::new(Code::Contradiction, *place, message).help(
                "leave out `discovery`; an Envoy that asks DNS is `via: envoy`, over `service: { type: Headless }`",
            ),
        );
    }
    let Some(policy) = policy else { return };
    let name = policy.value.kind.name;
    let fits = match via.kind {
        _ if via.workers.is_none() => false,
        SidecarKind::Envoy | SidecarKind::Istio => ENVOYS_POLICIES.contains(&name),
        SidecarKind::Linkerd => name == PeakEwma::NAME,
        SidecarKind::Ambient | SidecarKind::Nginx | SidecarKind::Haproxy => false,
    };
    if fits && name == RoundRobin::NAME {
        cx.no_effect(
            &policy.value.keys.given("start"),
            "start",
            "with Envoy, whose index continues when hosts come or go",
        );
    }
    if !fits {
        let has = if via.workers.is_none() { has(SidecarKind::Ambient) } else { has(via.kind) };
        let message = format!("{} does not have this policy: {has}", via.kind.name());
        cx.problem(Code::Contradiction, policy.place, message);
    }
    let weighs = [RoundRobin::NAME, LeastRequest::NAME].contains(&name);
    if via.cluster.is_some_and(|cluster| cluster.slow_start.is_some()) && !weighs {
        cx.problem(Code::Contradiction, policy.place, "`slow_start` acts with round_robin and least_request only");
    }
}

/// Those of Envoy's that are modelled.
const ENVOYS_POLICIES: [&str; 5] = [RoundRobin::NAME, Random::NAME, LeastRequest::NAME, RingHash::NAME, Maglev::NAME];

fn has(kind: SidecarKind) -> &'static str {
    match kind {
        SidecarKind::Envoy | SidecarKind::Istio => "round_robin, random, least_request, ring_hash or maglev",
        SidecarKind::Linkerd => "only peak_ewma",
        SidecarKind::Nginx | SidecarKind::Haproxy => "its own `balance`",
        SidecarKind::Ambient => "each connection goes to a random pod, and all calls with it",
    }
}
