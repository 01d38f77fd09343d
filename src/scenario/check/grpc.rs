//! The keys that only a gRPC client has.

use super::client::{ONE_ADDRESS, ONLY_GRPC, discovery_of};
use super::{Check, backoff, is_virtual, keepalive, law, outlier, policy as policies, retry, stack, via};
use crate::model::defaults;
use crate::model::{Discovery, GrpcClient, ServiceType, Sidecar};
use crate::scenario::diagnostic::Place;
use crate::scenario::file::at::Key;
use crate::scenario::file::client::DiscoveryFile;
use crate::scenario::file::law::LawFile;
use crate::scenario::file::policy::{KeysFile, PolicyFile};
use crate::scenario::file::retry::RetryFile;
use crate::scenario::file::settings::WrittenKeys;
use crate::scenario::file::stack::StackFile;
use crate::units::Span;

/// Settings of channels.
pub(super) struct GrpcKeys {
    /// Those that are declared in the core.
    pub plain: WrittenKeys,
    /// Of the client.
    pub place: Place,
    pub stack: Key<StackFile>,
    pub policy: Key<PolicyFile>,
    pub keys: Key<KeysFile>,
    pub discovery: Key<DiscoveryFile>,
    pub dispatch: Key<LawFile>,
    pub retry: Key<RetryFile>,
}

impl GrpcKeys {
    pub(super) fn refuse(self, cx: &mut Check<'_>) {
        for &key in self.plain.group.names {
            let why = match key {
                "idle_timeout" => "with `protocol: http1`; see `http1.keep_alive.idle_timeout`",
                _ => ONLY_GRPC,
            };
            self.without_effect(cx, key, why);
        }
        cx.no_effect(&self.stack, "stack", ONLY_GRPC);
        cx.no_effect(&self.policy, "policy", ONLY_GRPC);
        cx.no_effect(&self.keys, "keys", ONLY_GRPC);
        cx.no_effect(&self.discovery, "discovery", ONLY_GRPC);
        cx.no_effect(&self.dispatch, "dispatch", ONLY_GRPC);
        cx.no_effect(&self.retry, "retry", ONLY_GRPC);
    }

    /// Refuses a plain key.
    fn without_effect(&self, cx: &mut Check<'_>, key: &str, why: &str) {
        cx.no_effect(&self.plain.given(key), key, why);
    }

    /// Of streams, which the application opens again itself.
    pub(super) fn refuse_retries(&self, cx: &mut Check<'_>) {
        cx.no_effect(&self.retry, "retry", "on streams, which are opened again without it");
    }

    /// Through a gateway: its Service has one address, whoever is behind it.
    pub(super) fn refuse_discovery(&mut self, cx: &mut Check<'_>) {
        cx.no_effect(&self.discovery, "discovery", "through a gateway, whose Service has one address");
        self.discovery = None;
    }

    /// Connections that the application's channels have to a proxy beside it.
    pub(super) fn connections_to_proxy(&self, channels: u32) -> u32 {
        if self.plain.flag("shared_subchannels") == Some(true) { 1 } else { channels }
    }

    /// A channel's one connection is to the proxy beside it, which is always there.
    fn behind_a_proxy(&self, cx: &mut Check<'_>, sidecar: &Sidecar) {
        cx.no_effect(&self.stack, "stack", "with `via`: the proxy connects and balances, and not the stack");
        self.without_effect(cx, "keepalive", "with `via`: the channel's pings end at the proxy");
        self.without_effect(cx, "idle_timeout", "with `via`: a channel's connection to the proxy costs nothing");
        self.without_effect(cx, "subset", "with `via`: no proxy has gRPC's policies");
        self.without_effect(cx, "wait_for_ready", "with `via`: the channel's connection to the proxy is READY");
        if sidecar.cluster.is_some() {
            self.without_effect(cx, "connect", "with Envoy, which connects to a host when a call needs it");
            self.without_effect(cx, "backoff", "with Envoy, which tries again with the next call");
        }
    }

    /// `channels`: those of the application, per replica.
    pub(super) fn settings(
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
        let GrpcKeys { plain, place, stack, policy, keys, discovery, dispatch, retry } = self;
        let preset = via.map_or_else(via::direct, |sidecar| via::preset(sidecar, service));
        if via::retries(via).is_some() {
            cx.no_effect(&retry, "retry", "with a proxy that retries; set its `retries`");
        }
        let usual = stack::usual(&stack);
        let discovery = discovery_of(cx, discovery, service).unwrap_or(preset.discovery);
        let virtual_ip = is_virtual(service) && discovery == Discovery::Dns;
        without_dns(cx, &plain, discovery, virtual_ip);
        let rotation = if via.is_some() { preset.rotation } else { usual.rotation.unwrap_or(preset.rotation) };
        let policy_place = policy.as_ref().map(|p| p.place);
        let policy = policies::policy(cx, policy, virtual_ip, rotation).unwrap_or(preset.policy);
        stack::has_policy(cx, &stack, policy, policy_place);
        let detection = plain.group("outlier_detection");
        let usual = GrpcClient {
            policy,
            discovery,
            connect: usual.connect,
            resolver: usual.resolver,
            backoff: backoff::usual(plain.group("backoff"), usual.backoff),
            connect_timeout: preset.connect_timeout.or(usual.connect_timeout),
            dispatch: law::law_or(cx, dispatch, defaults::dispatch),
            keepalive: plain.place("keepalive").map(|_| usual.keepalive),
            retry: via::retries(via).or_else(|| retry::retry(cx, retry)),
            outlier_detection: outlier::usual(cx, detection, via, &policy, !virtual_ip),
            keys: policies::keys(cx, keys, &policy),
            idle_timeout: usual.idle_timeout,
            shared_subchannels: usual.shares_subchannels,
            ..GrpcClient::default()
        };
        let mut grpc = cx.settings(&plain, "a client", place, usual);
        // 0 is grpc-go's way to say never.
        grpc.idle_timeout = grpc.idle_timeout.filter(|t| *t > Span::ZERO);
        keepalive::settle(cx, plain.group("keepalive"), &mut grpc.keepalive);
        if let Some((written, place)) = plain.group("backoff") {
            backoff::fits(cx, written, place, &grpc);
        }
        if grpc.backoff.per_call {
            let why = "with an attempt per call: the call fails with its attempt";
            cx.no_effect(&plain.given("wait_for_ready"), "wait_for_ready", why);
        }
        grpc.shared_subchannels = stack::shares(cx, &plain, &grpc, channels, via.is_none() && !virtual_ip);
        grpc.sharers = if grpc.shared_subchannels { channels } else { 1 };
        grpc
    }
}

/// Refuses what has nothing to do where an address never changes, or discovery goes on by itself.
fn without_dns(cx: &mut Check<'_>, plain: &WrittenKeys, discovery: Discovery, virtual_ip: bool) {
    if virtual_ip {
        let why = "with a ClusterIP Service, whose address never changes; set `service: { type: Headless }`";
        cx.no_effect(&plain.given("resolver"), "resolver", why);
        cx.no_effect(&plain.given("subset"), "subset", ONE_ADDRESS);
    } else if discovery != Discovery::Dns {
        let why = "with `discovery: poll` or `watch`, which go on by themselves";
        cx.no_effect(&plain.given("resolver"), "resolver", why);
    }
}
