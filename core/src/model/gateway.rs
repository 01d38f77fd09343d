//! Gateways: proxies between clients and servers, as a Deployment of their own.

use super::{Client, Model, Server, SidecarKind, SigTerm};

/// A gateway or waypoint: a Deployment of proxies with a ClusterIP Service of its own. To its clients it is a server, to the
/// servers a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Gateway {
    /// Its proxy, as scenarios name it: a waypoint is Istio's Envoy by another name.
    pub proxy: &'static str,
    /// Its pods, as its clients meet them. They have no slots: a proxy takes all requests that come, and adds a time of its own
    /// ([`super::Sidecar::overhead`]).
    pub server: Server,
    /// The other side of each pod: a replica whose channels are the pod's workers. It has a proxy's settings ([`Client::via`]) and no load.
    pub client: Client,
}

/// What a pod does when it is told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// The listener closes, all connections get GOAWAY, and calls in flight finish: grpc-go's GracefulStop; SIGQUIT of NGINX and SIGUSR1 of
    /// HAProxy, which the `STOPSIGNAL` of their images sends in place of SIGTERM.
    Graceful,
    /// It goes on for 5 s, in which it sends GOAWAY by and by, and exits (Istio's agent, `terminationDrainDuration`).
    Drains,
    /// It exits, and what is in flight is reset (Envoy, which drains only when its admin interface is asked to; [`SigTerm::Exit`]).
    AtOnce,
    /// It goes on ([`SigTerm::Ignore`]).
    Never,
}

impl Model {
    /// What SIGTERM does to the pods of the `i`-th of [`Model::deployments`].
    #[must_use]
    pub fn shutdown(&self, i: usize) -> Shutdown {
        if let Some(server) = self.servers.get(i) {
            return match server.termination.sigterm {
                SigTerm::GracefulStop => Shutdown::Graceful,
                SigTerm::Exit => Shutdown::AtOnce,
                SigTerm::Ignore => Shutdown::Never,
            };
        }
        let gateway = i.checked_sub(self.servers.len()).and_then(|i| self.gateways.get(i));
        match gateway.and_then(|gateway| gateway.client.via.as_ref()).map(|via| via.kind) {
            Some(SidecarKind::Envoy) => Shutdown::AtOnce,
            Some(SidecarKind::Istio) => Shutdown::Drains,
            _ => Shutdown::Graceful,
        }
    }
}
