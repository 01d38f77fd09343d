//! Gateways: proxies between clients and servers, as a Deployment of their own.

use super::{Client, Server};

/// A gateway or waypoint: a Deployment of proxies with a ClusterIP Service of its own. To its clients it is a server, to the
/// servers a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Gateway {
    /// Its pods, as its clients meet them. They have no slots: a proxy takes all requests that come, and adds a time of its own
    /// ([`super::Sidecar::overhead`]).
    pub server: Server,
    /// The other side of each pod: a replica whose channels are the pod's workers. It has a proxy's settings ([`Client::via`]) and no load.
    pub client: Client,
}
