//! The keys that only a gRPC client has.

use super::client::{ONLY_GRPC, backoff_settings, discovery_of};
use super::{Check, is_virtual, keepalive, law, outlier, policy as policies, retry, stack, via};
use crate::model::defaults;
use crate::model::{
    ConnectAt, Discovery, GrpcClient, Keepalive, Lifetime, OutlierDetection, Resolver, ServiceType, Sidecar,
};
use crate::scenario::file::at::Key;
use crate::scenario::file::client::{BackoffFile, ClientFile, DiscoveryFile, Http1File, ProtocolFile, StartFile};
use crate::scenario::file::law::LawFile;
use crate::scenario::file::load::LoadFile;
use crate::scenario::file::policy::{KeysFile, PolicyFile};
use crate::scenario::file::retry::RetryFile;
use crate::scenario::file::server::StrategyFile;
use crate::scenario::file::settings::{Word, Written};
use crate::scenario::file::stack::{StackFile, SubsetFile};
use crate::scenario::file::via::ViaFile;
use crate::scenario::quantity::{Count, Duration};

/// Settings of channels.
pub(super) struct GrpcKeys {
    stack: Key<StackFile>,
    pub policy: Key<PolicyFile>,
    wait_for_ready: Key<bool>,
    connect: Key<Word<ConnectAt>>,
    discovery: Key<DiscoveryFile>,
    resolver: Key<Written<Resolver>>,
    backoff: Key<BackoffFile>,
    dispatch: Key<LawFile>,
    keepalive: Key<Written<Keepalive>>,
    connect_timeout: Key<Duration>,
    idle_timeout: Key<Duration>,
    shared_subchannels: Key<bool>,
    subset: Key<SubsetFile>,
    retry: Key<RetryFile>,
    pub outlier_detection: Key<Written<OutlierDetection>>,
    keys: Key<KeysFile>,
}

/// What all clients have.
pub(super) struct Rest {
    pub name: Key<String>,
    pub replicas: Key<Count>,
    pub protocol: Key<ProtocolFile>,
    pub channels: Key<Count>,
    pub start: Key<StartFile>,
    pub via: Key<ViaFile>,
    pub connection_lifetime: Key<Written<Lifetime>>,
    pub http1: Key<Http1File>,
    pub load: Key<LoadFile>,
    pub deadline: Key<Duration>,
    pub startup: Key<LawFile>,
    pub strategy: Key<StrategyFile>,
}

impl GrpcKeys {
    #[rustfmt::skip]
    pub fn split(file: ClientFile) -> (GrpcKeys, Rest) {
        let ClientFile {
            name, replicas, protocol, channels, start, via, stack, policy, wait_for_ready, connect, discovery, resolver, backoff,
            dispatch, keepalive, connect_timeout, idle_timeout, shared_subchannels, subset, retry, outlier_detection, keys,
            connection_lifetime, http1, load, deadline, startup, strategy,
        } = file;
        let grpc = GrpcKeys {
            stack, policy, wait_for_ready, connect, discovery, resolver, backoff, dispatch, keepalive, connect_timeout, idle_timeout,
            shared_subchannels, subset, retry, outlier_detection, keys,
        };
        let rest = Rest {
            name, replicas, protocol, channels, start, via, connection_lifetime, http1, load, deadline, startup, strategy,
        };
        (grpc, rest)
    }

    pub fn refuse(self, cx: &mut Check<'_>) {
        cx.no_effect(&self.stack, "stack", ONLY_GRPC);
        cx.no_effect(&self.discovery, "discovery", ONLY_GRPC);
        cx.no_effect(&self.policy, "policy", ONLY_GRPC);
        cx.no_effect(&self.wait_for_ready, "wait_for_ready", ONLY_GRPC);
        cx.no_effect(&self.connect, "connect", ONLY_GRPC);
        cx.no_effect(&self.resolver, "resolver", ONLY_GRPC);
        cx.no_effect(&self.backoff, "backoff", ONLY_GRPC);
        cx.no_effect(&self.dispatch, "dispatch", ONLY_GRPC);
        cx.no_effect(&self.keepalive, "keepalive", ONLY_GRPC);
        cx.no_effect(&self.connect_timeout, "connect_timeout", ONLY_GRPC);
        cx.no_effect(&self.idle_timeout, "idle_timeout", "with `protocol: http1`; see `http1.keep_alive.idle_timeout`");
        cx.no_effect(&self.shared_subchannels, "shared_subchannels", ONLY_GRPC);
        cx.no_effect(&self.subset, "subset", ONLY_GRPC);
        cx.no_effect(&self.retry, "retry", ONLY_GRPC);
        cx.no_effect(&self.outlier_detection, "outlier_detection", ONLY_GRPC);
        cx.no_effect(&self.keys, "keys", ONLY_GRPC);
    }

    /// Of streams, which the application opens again itself.
    pub fn refuse_retries(&self, cx: &mut Check<'_>) {
        cx.no_effect(&self.retry, "retry", "on streams, which are opened again without it");
    }

    /// Through a gateway: its Service has one address, whoever is behind it.
    pub fn refuse_discovery(&mut self, cx: &mut Check<'_>) {
        cx.no_effect(&self.discovery, "discovery", "through a gateway, whose Service has one address");
        self.discovery = None;
    }

    /// Connections that the application's channels have to a proxy beside it.
    pub fn connections_to_proxy(&self, channels: u32) -> u32 {
        if self.shared_subchannels.as_ref().is_some_and(|s| s.value) { 1 } else { channels }
    }

    /// A channel's one connection is to the proxy beside it, which is always there.
    fn behind_a_proxy(&self, cx: &mut Check<'_>, sidecar: &Sidecar) {
        cx.no_effect(&self.stack, "stack", "with `via`: the proxy connects and balances, and not the stack");
        cx.no_effect(&self.keepalive, "keepalive", "with `via`: the channel's pings end at the proxy");
        cx.no_effect(
            &self.idle_timeout,
            "idle_timeout",
            "with `via`: a channel's connection to the proxy costs nothing",
        );
        cx.no_effect(&self.subset, "subset", "with `via`: no proxy has gRPC's policies");
        cx.no_effect(
            &self.wait_for_ready,
            "wait_for_ready",
            "with `via`: the channel's connection to the proxy is READY",
        );
        if sidecar.cluster.is_some() {
            cx.no_effect(&self.connect, "connect", "with Envoy, which connects to a host when a call needs it");
            cx.no_effect(&self.backoff, "backoff", "with Envoy, which tries again with the next call");
        }
    }

    pub fn settings(
        self,
        cx: &mut Check<'_>,
        service: ServiceType,
        via: Option<&Sidecar>,
        channels: u32,
    ) -> GrpcClient {
        via::fits(cx, via, self.policy.as_ref(), &self.discovery, service);
        if let Some(sidecar) = via {
            self.behind_a_proxy(cx, sidecar);
        }
        let preset = via.map_or_else(via::direct, |sidecar| via::preset(sidecar, service));
        if via::retries(via).is_some() {
            cx.no_effect(&self.retry, "retry", "with a proxy that retries; set its `retries`");
        }
        let usual = stack::usual(&self.stack);
        let discovery = discovery_of(cx, self.discovery, service).unwrap_or(preset.discovery);
        let virtual_ip = is_virtual(service) && discovery == Discovery::Dns;
        if virtual_ip {
            let why = "with a ClusterIP Service, whose address never changes; set `service: { type: Headless }`";
            cx.no_effect(&self.resolver, "resolver", why);
        } else if discovery != Discovery::Dns {
            cx.no_effect(&self.resolver, "resolver", "with `discovery: poll` or `watch`, which go on by themselves");
        }
        let rotation = if via.is_some() { preset.rotation } else { usual.rotation.unwrap_or(preset.rotation) };
        let policy_place = self.policy.as_ref().map(|p| p.place);
        let policy = policies::policy(cx, self.policy, virtual_ip, rotation).unwrap_or(preset.policy);
        stack::has_policy(cx, &self.stack, policy, policy_place);
        let backoff = backoff_settings(cx, self.backoff, usual.backoff, policy);
        if backoff.is_none() {
            let why = "with an attempt per call: the call fails with its attempt";
            cx.no_effect(&self.wait_for_ready, "wait_for_ready", why);
        }
        let mut grpc = GrpcClient {
            policy,
            discovery,
            wait_for_ready: self.wait_for_ready.is_some_and(|w| w.value),
            connect: self.connect.map_or(usual.connect, |connect| connect.value.0),
            resolver: cx.settings_or(self.resolver, "resolver", usual.resolver),
            backoff,
            connect_timeout: cx
                .positive(self.connect_timeout, "connect_timeout")
                .or(preset.connect_timeout)
                .or(usual.connect_timeout),
            dispatch: law::law_or(cx, self.dispatch, defaults::dispatch),
            keepalive: keepalive::keepalive(cx, self.keepalive, usual.keepalive),
            retry: via::retries(via).or_else(|| retry::retry(cx, self.retry)),
            outlier_detection: outlier::detection(cx, self.outlier_detection, via, &policy, !virtual_ip),
            keys: policies::keys(cx, self.keys, &policy),
            idle_timeout: stack::idle_timeout(cx, self.idle_timeout, usual.idle_timeout),
            subset: stack::subset(cx, self.subset, virtual_ip),
            sharing: None,
        };
        let place = (&grpc, via, !virtual_ip);
        grpc.sharing = stack::sharing(cx, &self.shared_subchannels, &usual, channels, place);
        grpc
    }
}
