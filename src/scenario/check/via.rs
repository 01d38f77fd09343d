//! The proxy beside a client: presets that expand to plain settings.

use super::{Check, law};
use crate::scenario::defaults;
use crate::scenario::file::at::{At, Key};
use crate::scenario::file::client::{SidecarFile, ViaFile};
use crate::scenario::model::{Discovery, Policy, Reconnect, RotationStart, ServiceType, Sidecar, SidecarKind};
use crate::scenario::rules::Code;
use crate::units::Span;

/// Most worker threads of a proxy.
const MAX_WORKERS: u32 = 1_024;

/// What a client has that says nothing of its policy or discovery.
pub(super) struct Preset {
    pub policy: Policy,
    pub discovery: Discovery,
}

/// Without a proxy: gRPC's own defaults.
pub(super) const DIRECT: Preset =
    Preset { policy: Policy::PickFirst { reconnect: Reconnect::Lazy, shuffle: false }, discovery: Discovery::Dns };

/// The rows of the table: which discovery and which pick each proxy has when nobody configures it.
pub(super) fn preset(kind: SidecarKind, service: ServiceType) -> Preset {
    let watch = |debounce| Discovery::Watch { debounce, debounce_max: defaults::DEBOUNCE_MAX, ignore_empty: false };
    match kind {
        // Envoy's index goes on where it was; STRICT_DNS of a ClusterIP's name has one address for ever.
        SidecarKind::Envoy => Preset {
            policy: Policy::RoundRobin { start: RotationStart::Continue },
            discovery: match service {
                ServiceType::ClusterIp => Discovery::Dns,
                ServiceType::Headless => Discovery::Poll { interval: defaults::POLL_INTERVAL },
            },
        },
        SidecarKind::Istio => Preset {
            policy: Policy::LeastRequest { choice_count: defaults::CHOICE_COUNT },
            discovery: watch(defaults::ISTIO_DEBOUNCE),
        },
        SidecarKind::Linkerd => Preset {
            policy: Policy::PeakEwma { default_rtt: defaults::DEFAULT_RTT, decay: defaults::DECAY },
            discovery: watch(Span::ZERO),
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
    let (kind, At { value: SidecarFile { workers, overhead }, .. }) = match value {
        ViaFile::Envoy(file) => (SidecarKind::Envoy, file),
        ViaFile::Istio(file) => (SidecarKind::Istio, file),
        ViaFile::Linkerd(file) => (SidecarKind::Linkerd, file),
        ViaFile::Ambient(file) => (SidecarKind::Ambient, file),
    };
    if service == ServiceType::Headless && kind != SidecarKind::Envoy {
        let message = format!(
            "{} does not balance over a headless Service: it passes connections through to the address that the \
             application chose; leave out `via`, or use a ClusterIP Service",
            kind.name()
        );
        cx.problem(Code::Contradiction, place, message);
    }
    if channels == 1 {
        cx.no_effect(&workers, "workers", "with one channel per replica, which is on one worker");
    }
    let default = if kind == SidecarKind::Linkerd { 1 } else { defaults::WORKERS };
    Some(Sidecar {
        kind,
        workers: cx.count_or(workers, "workers", 1, MAX_WORKERS, default),
        overhead: law::law_or(cx, overhead, defaults::overhead),
    })
}
