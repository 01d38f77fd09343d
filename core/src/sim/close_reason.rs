//! Why connections end.

/// Why a connection ended, or began to drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum CloseReason {
    /// GOAWAY for MaxConnectionAge.
    MaxAge,
    /// GOAWAY for MaxConnectionIdle.
    MaxIdle,
    /// GOAWAY because the pod shuts down.
    Shutdown,
    /// The pod was killed: connection reset.
    Killed,
    /// The resolver no longer lists the address.
    AddressRemoved,
    /// The client's pool replaced it for its age.
    ClientLifetime,
    /// The client's keep-alive pool closed it because it was idle.
    ClientIdle,
    /// The client replica stopped.
    ClientStopped,
    /// Nobody listened, or there was no endpoint.
    Refused,
    /// HTTP/1.1: closed after its request, for want of keep-alive or because the client gave the request up.
    PerRequest,
    /// pick_first dialled several addresses, and another one was READY first.
    Superseded,
    /// Nothing was read for too long after a keepalive ping, or TCP gave up first.
    KeepaliveTimeout,
    /// GOAWAY ENHANCE_YOUR_CALM: the client's pings came too often.
    TooManyPings,
    /// GOAWAY because the connection has carried as many requests as it may.
    MaxRequests,
    /// The dial got no answer in time.
    DialTimeout,
    /// TCP gave up: nothing was acknowledged, however often it was sent.
    TcpTimeout,
    /// Outlier detection of a proxy ejected the host.
    Ejected,
}

impl CloseReason {
    /// The keys of `connections.closed_by`, and words of `connections.csv`, in order.
    pub const NAMES: [&str; 17] = [
        "max_age",
        "max_idle",
        "shutdown",
        "killed",
        "address_removed",
        "client_lifetime",
        "client_idle",
        "client_stopped",
        "refused",
        "per_request",
        "superseded",
        "keepalive_timeout",
        "too_many_pings",
        "max_requests",
        "dial_timeout",
        "tcp_timeout",
        "ejected",
    ];

    /// All of them, in order.
    pub const ALL: [CloseReason; 17] = [
        CloseReason::MaxAge,
        CloseReason::MaxIdle,
        CloseReason::Shutdown,
        CloseReason::Killed,
        CloseReason::AddressRemoved,
        CloseReason::ClientLifetime,
        CloseReason::ClientIdle,
        CloseReason::ClientStopped,
        CloseReason::Refused,
        CloseReason::PerRequest,
        CloseReason::Superseded,
        CloseReason::KeepaliveTimeout,
        CloseReason::TooManyPings,
        CloseReason::MaxRequests,
        CloseReason::DialTimeout,
        CloseReason::TcpTimeout,
        CloseReason::Ejected,
    ];

    /// The word in `connections.csv`.
    #[must_use]
    pub fn name(self) -> &'static str {
        CloseReason::NAMES[self as usize]
    }
}
