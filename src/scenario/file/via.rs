//! Proxies beside clients as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::{At, Key};
use super::law::LawFile;
use super::settings::Written;
use crate::model::{EnvoyCluster, FailureAccrual};
use crate::scenario::quantity::Count;

/// The proxy beside each replica.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViaFile {
    /// Envoy, configured by hand: STRICT_DNS (a poll each 5s) and ROUND_ROBIN. With a ClusterIP it knows one address.
    Envoy(At<EnvoyFile>),
    /// Istio's sidecar, which is Envoy: a watch with istiod's debounce, and LEAST_REQUEST.
    Istio(At<EnvoyFile>),
    /// Linkerd's: a watch, and the better of two by peak EWMA; its threads share one balancer.
    Linkerd(At<LinkerdFile>),
    /// Istio's ambient mode without a waypoint: ztunnel places each connection, as kube-proxy does.
    Ambient(At<ProxyFile>),
    /// Not beside it, but a Deployment of its own: the gateway of this name.
    Gateway(At<String>),
}

/// Settings of Envoy.
pub(crate) type EnvoyFile = Written<EnvoyCluster, EnvoyKeysFile>;

/// Those that are not of its cluster.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvoyKeysFile {
    /// Worker threads, each with connections and a picker of its own; a channel is on one of them. Default 2 (Istio's chart).
    pub workers: Key<Count>,
    /// What it adds to a call, half of it on each way. Default 230us, an assumption.
    pub overhead: Key<LawFile>,
    /// It does not look into connections, and places them instead of calls: a TCP proxy; with Istio a Service's port that is named
    /// `tcp-...`, or TLS of the application's own. (A port without a name is sniffed, and balanced by call.) Default false.
    pub opaque: Key<bool>,
}

/// Settings of a proxy without any of its own.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProxyFile {
    /// What it adds to a call, half of it on each way. Default 230us, an assumption.
    pub overhead: Key<LawFile>,
}

/// Settings of Linkerd's proxy.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkerdFile {
    /// What it adds to a call, half of it on each way. Default 230us, an assumption.
    pub overhead: Key<LawFile>,
    /// The port is opaque (`config.linkerd.io/opaque-ports`, or the application speaks TLS itself): connections are placed, and not
    /// calls. Default false.
    pub opaque: Key<bool>,
    /// Leaves pods out that fail (`balancer.linkerd.io/failure-accrual: consecutive`). Without it nobody is left out.
    pub failure_accrual: Key<Written<FailureAccrual>>,
}
