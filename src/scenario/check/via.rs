//! The proxy beside a client: presets that expand to plain settings.

use super::{Check, law};
use crate::scenario::defaults;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::policy::{PolicyFile, RoundRobinFile};
use crate::scenario::file::via::{BreakersFile, EnvoyFile, ProxyFile, ViaFile};
use crate::scenario::model::{
    Breakers, Discovery, EnvoyCluster, Policy, Reconnect, RotationStart, ServiceType, Sidecar, SidecarKind,
};
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
}

/// Without a proxy: gRPC's own defaults.
pub(super) const DIRECT: Preset = Preset {
    policy: Policy::PickFirst { reconnect: Reconnect::Lazy, shuffle: false },
    discovery: Discovery::Dns,
    rotation: RotationStart::RandomOrder,
};

/// Envoy's index goes on where it was when hosts come or go.
const ENVOYS: RotationStart = RotationStart::Continue;

/// The rows of the table: which discovery and which pick each proxy has when nobody configures it.
pub(super) fn preset(kind: SidecarKind, service: ServiceType) -> Preset {
    let watch = |debounce| Discovery::Watch { debounce, debounce_max: defaults::DEBOUNCE_MAX, ignore_empty: false };
    match kind {
        // STRICT_DNS of a ClusterIP's name has one address for ever.
        SidecarKind::Envoy => Preset {
            policy: Policy::RoundRobin { start: ENVOYS },
            discovery: match service {
                ServiceType::ClusterIp => Discovery::Dns,
                ServiceType::Headless => Discovery::Poll { interval: defaults::POLL_INTERVAL },
            },
            rotation: ENVOYS,
        },
        SidecarKind::Istio => Preset {
            policy: Policy::LeastRequest { choice_count: defaults::CHOICE_COUNT },
            discovery: watch(defaults::ISTIO_DEBOUNCE),
            rotation: ENVOYS,
        },
        SidecarKind::Linkerd => Preset {
            policy: Policy::PeakEwma { default_rtt: defaults::DEFAULT_RTT, decay: defaults::DECAY },
            discovery: watch(Span::ZERO),
            ..DIRECT
        },
        SidecarKind::Ambient => DIRECT,
    }
}

pub(super) fn sidecar(
    cx: &mut Check<'_>,
    file: Key<ViaFile>,
    speaks_http1: bool,
    channels: u32,
    service: ServiceType,
) -> Option<Sidecar> {
    if speaks_http1 {
        cx.no_effect(&file, "via", "with `protocol: http1`: proxies are modelled for gRPC only");
        return None;
    }
    let At { value, place } = file?;
    let sidecar = match value {
        ViaFile::Envoy(file) => envoy(cx, SidecarKind::Envoy, file.value, channels),
        ViaFile::Istio(file) => envoy(cx, SidecarKind::Istio, file.value, channels),
        ViaFile::Linkerd(file) => proxy(cx, SidecarKind::Linkerd, Some(1), file.value),
        ViaFile::Ambient(file) => proxy(cx, SidecarKind::Ambient, None, file.value),
    };
    if service == ServiceType::Headless && sidecar.kind != SidecarKind::Envoy {
        let message = format!(
            "{} does not balance over a headless Service: it passes connections through to the address that the \
             application chose; leave out `via`, or use a ClusterIP Service",
            sidecar.kind.name()
        );
        cx.problem(Code::Contradiction, place, message);
    }
    Some(sidecar)
}

fn proxy(cx: &mut Check<'_>, kind: SidecarKind, workers: Option<u32>, file: ProxyFile) -> Sidecar {
    let ProxyFile { overhead } = file;
    Sidecar { kind, workers, overhead: law::law_or(cx, overhead, defaults::overhead), cluster: None }
}

fn envoy(cx: &mut Check<'_>, kind: SidecarKind, file: EnvoyFile, channels: u32) -> Sidecar {
    let EnvoyFile { workers, overhead, circuit_breakers } = file;
    if channels == 1 {
        cx.no_effect(&workers, "workers", "with one channel per replica, which is on one worker");
    }
    Sidecar {
        kind,
        workers: Some(cx.count_or(workers, "workers", 1, MAX_WORKERS, defaults::WORKERS)),
        overhead: law::law_or(cx, overhead, defaults::overhead),
        cluster: Some(EnvoyCluster { breakers: breakers(cx, circuit_breakers, kind) }),
    }
}

/// Istio sets all of them to the largest number that there is, unless a DestinationRule says otherwise.
fn breakers(cx: &mut Check<'_>, file: Key<BreakersFile>, kind: SidecarKind) -> Option<Breakers> {
    if file.is_none() && kind == SidecarKind::Istio {
        return None;
    }
    let default = match kind {
        SidecarKind::Istio => Breakers { requests: u32::MAX, pending: u32::MAX, ..defaults::BREAKERS },
        _ => defaults::BREAKERS,
    };
    let BreakersFile { max_requests, max_pending_requests } = file.map(|f| f.value).unwrap_or_default();
    Some(Breakers {
        requests: cx.count_or(max_requests, "max_requests", 1, u32::MAX, default.requests),
        pending: cx.count_or(max_pending_requests, "max_pending_requests", 1, u32::MAX, default.pending),
        ..default
    })
}

/// Envoy has no policies of gRPC's or Linkerd's own.
pub(super) fn fits(cx: &mut Check<'_>, via: Option<&Sidecar>, policy: Option<&At<PolicyFile>>) {
    let (Some(via), Some(policy)) = (via, policy) else { return };
    let foreign = match &policy.value {
        PolicyFile::PickFirst(_) => "pick_first",
        PolicyFile::PeakEwma(_) => "peak_ewma",
        PolicyFile::RoundRobin(At { value: RoundRobinFile { start }, .. }) => {
            if via.cluster.is_some() {
                cx.no_effect(start, "start", "with Envoy, whose index goes on where it was");
            }
            return;
        }
        PolicyFile::Random | PolicyFile::LeastRequest(_) => return,
    };
    if via.cluster.is_some() {
        let message = format!("Envoy has no policy {foreign}: round_robin, random or least_request");
        cx.problem(Code::Contradiction, policy.place, message);
    }
}
