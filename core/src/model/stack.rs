//! What gRPC's implementations do differently, as plain settings: what a preset `stack: go | c-core | java | node | tonic` stands
//! for. Files are those of grpc/grpc-go (1.85-dev), grpc/grpc (`src/core`, 2025), grpc/grpc-java (1.85-SNAPSHOT), grpc/grpc-node
//! (grpc-js 1.13) and hyperium/tonic (0.14); "measured" is `tests/lab/`.
//!
//! Here and not in `policy`, since the reader of scenarios expands it. Fields of servers that
//! [`GrpcServer`](super::GrpcServer) has no place for yet say so. The same everywhere, and so not here: ±10 % of jitter on
//! MaxConnectionAge, one connection per address, no shuffle of addresses by pick_first unless configured (gRFC A62), the jump
//! off a connection at its first GOAWAY.

use super::{
    Backoff, ConnectAt, DelayFrom, EarlyRequest, Enforcement, Keepalive, PingThrottle, Policy, Reconnect, Resolver,
    RotationStart, StrikeRule, Wake,
};
use crate::units::Span;

/// An implementation of gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// grpc-go.
    Go,
    /// C-core: C++, Python, Ruby, PHP.
    CCore,
    /// grpc-java on Netty.
    Java,
    /// grpc-js.
    Node,
    /// tonic, on hyper and tower.
    Tonic,
}

/// How a stack behaves as a client.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClientStack {
    /// `GrpcClient::connect`.
    pub connect: ConnectAt,
    /// `GrpcClient::policy`, round_robin. `None`: the stack has no round_robin.
    pub rotation: Option<RotationStart>,
    /// `GrpcClient::policy`, pick_first.
    pub reconnect: Reconnect,
    /// Whether round_robin reconnects a lost connection without a call. (The model always does.)
    pub rotation_reconnect: Reconnect,
    /// `GrpcClient::resolver`.
    pub resolver: Resolver,
    /// `GrpcClient::backoff`.
    pub backoff: Backoff,
    /// `GrpcClient::connect_timeout`. `None`: as long as TCP tries.
    pub connect_timeout: Option<Span>,
    /// `GrpcClient::idle_timeout`. `None`: never.
    pub idle_timeout: Option<Span>,
    /// Channels of a process with equal target and settings share connections: `GrpcClient::shared_subchannels`.
    pub shares_subchannels: bool,
    /// Keepalive as it is once `time` is given: `time` here is the least that the stack allows.
    pub keepalive: Keepalive,
}

impl Stack {
    /// Its name in scenarios.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Stack::Go => "go",
            Stack::CCore => "c_core",
            Stack::Java => "java",
            Stack::Node => "node",
            Stack::Tonic => "tonic",
        }
    }

    /// Whether it has this policy (gRFC A61; the lists of each repository). tonic's `balance_list` is tower's P2C over loads that are always
    /// 0, which is random; an `Endpoint` has one connection, as pick_first.
    #[must_use]
    pub fn has(self, policy: Policy) -> bool {
        match policy {
            Policy::PickFirst(_) => true,
            Policy::RoundRobin(_) | Policy::WeightedRoundRobin(_) => self != Stack::Tonic,
            Policy::LeastRequest(_) => matches!(self, Stack::Go | Stack::Java),
            Policy::PeakEwma(_) | Policy::Random(_) => self == Stack::Tonic,
            // In grpc-js with xDS only.
            Policy::RingHash(_) => matches!(self, Stack::Go | Stack::CCore | Stack::Java),
            // Those of proxies.
            _ => false,
        }
    }
}

/// How a stack behaves as a server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServerStack {
    /// Which pings it punishes. `None`: none.
    pub enforcement: Option<Enforcement>,
    /// Its own pings. `None`: none.
    pub keepalive: Option<Keepalive>,
    /// From the first GOAWAY to the second if the client does not answer the ping between them. Not in the model.
    pub drain_timeout: Option<Span>,
    /// What the grace of MaxConnectionAge is counted from. Not in the model: it counts from the first GOAWAY.
    pub grace_from: GraceFrom,
    /// A forced close leaves the socket open for up to this long. Not in the model.
    pub linger: Span,
}

/// What the grace of MaxConnectionAge is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraceFrom {
    /// The first GOAWAY.
    FirstGoaway,
    /// The second, one round trip later.
    SecondGoaway,
}

const HALF_AN_HOUR: Span = Span::from_secs(30 * 60);
const TWENTY_S: Span = Span::from_secs(20);
/// gRPC `connection-backoff.md`, in all stacks that have one.
const BACKOFF: Backoff = Backoff {
    per_call: false,
    base: Span::from_secs(1),
    multiplier: 1.6,
    jitter: 0.2,
    jitter_first: false,
    max: Span::from_secs(120),
    from: DelayFrom::AttemptEnd,
};

const fn resolver(early: EarlyRequest) -> Resolver {
    Resolver { min_interval: Span::from_secs(30), early }
}

/// grpc-go: what the others are described against.
const GO: ClientStack = ClientStack {
    // `grpc.NewClient`. `grpc.Dial`, which ghz uses, connects at the start.
    connect: ConnectAt::FirstCall,
    // `balancer/endpointsharding`, `resolver/map.go`: a Go map's order, and a random start.
    rotation: Some(RotationStart::RandomOrder),
    // `balancer/pickfirst`: IDLE after a lost connection. Before 1.41 it reconnected at once (measured with 1.33).
    reconnect: Reconnect::Lazy,
    rotation_reconnect: Reconnect::Eager,
    // `internal/resolver/dns`: a request token of capacity 1 is taken, and another one may come meanwhile.
    resolver: resolver(EarlyRequest::DeferAndRemember),
    // `internal/backoff`: `Backoff(0)` is the base delay; `clientconn.go`, `resetTransportAndUnlock`: from the end.
    backoff: BACKOFF,
    // `clientconn.go`, `minConnectTimeout`.
    connect_timeout: Some(TWENTY_S),
    // `dialoptions.go`, since 1.59.
    idle_timeout: Some(HALF_AN_HOUR),
    shares_subchannels: false,
    keepalive: Keepalive {
        // `internal.KeepaliveMinPingTime`.
        time: Span::from_secs(10),
        timeout: TWENTY_S,
        permit_without_stream: false,
        wake: Wake::AtOnce,
        // `http2_client.go`, `bdpEst`.
        bdp_ping: true,
        throttle: None,
        // `internal/syscall`, gRFC A18.
        tcp_user_timeout: true,
        // `http2_client.go`, `newHTTP2Client`: of a connection that has been made.
        tcp_user_timeout_of_dials: false,
        // `clientconn.go`, `adjustParams`.
        slow_down: true,
    },
};

/// C-core.
const C_CORE: ClientStack = ClientStack {
    // `round_robin.cc`: a random index, the list in order.
    rotation: Some(RotationStart::Random),
    // `polling_resolver.cc`, `event_engine_client_channel_resolver.cc`; measured: at 30.0 s.
    resolver: resolver(EarlyRequest::Defer),
    // `backoff.cc` (measured: 0.81 to 1.17 s); `subchannel.cc`: from the start.
    backoff: Backoff { jitter_first: true, from: DelayFrom::AttemptStart, ..BACKOFF },
    // `subchannel_pool_interface.h`: the key is the address with all channel arguments.
    shares_subchannels: true,
    keepalive: Keepalive {
        // No least value.
        time: Span::from_millis(1),
        // `chttp2_transport.cc`: the timer goes on without calls.
        wake: Wake::NextTick,
        // `ping_rate_policy.cc`, gRFC L116; measured: 3 s becomes 60 s.
        throttle: Some(PingThrottle { free: 2, interval: Span::from_secs(60) }),
        // `tcp_socket_utils.cc`, of the socket; measured: a dial into a black hole ends after `timeout`, 1 s.
        tcp_user_timeout_of_dials: true,
        ..GO.keepalive
    },
    ..GO
};

/// grpc-java.
const JAVA: ClientStack = ClientStack {
    // `RoundRobinLoadBalancer`: one counter per balancer, seeded with a random 32-bit number, modulo the length at each pick.
    rotation: Some(RotationStart::Continue),
    // `DnsNameResolver`: dropped while the last answer is younger than `networkaddress.cache.ttl`.
    resolver: resolver(EarlyRequest::Drop),
    // `ExponentialBackoffPolicy`; `InternalSubchannel.connectingTimer`.
    backoff: Backoff { jitter_first: true, from: DelayFrom::AttemptStart, ..BACKOFF },
    // Netty, `DefaultChannelConfig`: `CONNECT_TIMEOUT_MILLIS`.
    connect_timeout: Some(Span::from_secs(30)),
    // `KeepAliveManager`: 10 s at least, as grpc-go; a stream after a quiet time pings at once. `AbstractNettyHandler`
    // measures bandwidth after a connection's first DATA, then only once half a window came: not with small calls.
    // `NettyClientTransport.start`: an option of the bootstrap, which is set before the connection is made.
    keepalive: Keepalive { bdp_ping: false, tcp_user_timeout_of_dials: true, ..GO.keepalive },
    ..GO
};

/// grpc-js.
const NODE: ClientStack = ClientStack {
    // `load-balancer-round-robin.ts`: a new list starts at a random place, a new picker at the subchannel that was next
    // (`peekNextSubchannel`), or at the first.
    rotation: Some(RotationStart::NextSubchannel),
    // `resolver-dns.ts`; measured: at 30.0 to 30.4 s.
    resolver: resolver(EarlyRequest::Defer),
    // `backoff-timeout.ts`: the first delay as it is (measured: 1.0 s), and the jitters of later ones multiply.
    // Unlike the others, a read does not restart the keepalive timer (`transport.ts`).
    backoff: Backoff { from: DelayFrom::AttemptStart, ..BACKOFF },
    connect_timeout: None,
    shares_subchannels: true,
    keepalive: Keepalive { time: Span::from_millis(1), bdp_ping: false, tcp_user_timeout: false, ..GO.keepalive },
    ..GO
};

/// tonic.
const TONIC: ClientStack = ClientStack {
    // `Endpoint::connect`. `connect_lazy` waits for the first call.
    connect: ConnectAt::Start,
    // `transport/channel`: one endpoint, or `balance_list`, which is tower's P2C on pending requests.
    rotation: None,
    // hyper's connector looks the name up for every connection.
    resolver: Resolver { min_interval: Span::ZERO, early: EarlyRequest::Drop },
    // `reconnect.rs`; measured: an attempt per call.
    backoff: Backoff { per_call: true, ..BACKOFF },
    connect_timeout: None,
    idle_timeout: None,
    keepalive: Keepalive {
        time: Span::from_millis(1),
        // hyper measures only with `http2_adaptive_window`.
        bdp_ping: false,
        // Measured: a black hole is found after interval and timeout.
        tcp_user_timeout: false,
        slow_down: false,
        ..GO.keepalive
    },
    ..GO
};

/// How `stack` behaves as a client, by default.
#[must_use]
pub const fn client(stack: Stack) -> ClientStack {
    match stack {
        Stack::Go => GO,
        Stack::CCore => C_CORE,
        Stack::Java => JAVA,
        Stack::Node => NODE,
        Stack::Tonic => TONIC,
    }
}

const fn enforcement(rule: StrikeRule) -> Option<Enforcement> {
    let min_time = Span::from_secs(5 * 60);
    Some(Enforcement { min_time, permit_without_stream: false, max_ping_strikes: 2, rule })
}

/// gRFC A9: 2 h, 20 s, whether there are streams or not.
const SERVER_PINGS: Keepalive =
    Keepalive { time: Span::from_secs(2 * 60 * 60), permit_without_stream: true, ..GO.keepalive };

/// How `stack` behaves as a server, by default.
#[must_use]
pub const fn server(stack: Stack) -> ServerStack {
    let go = ServerStack {
        // `internal/transport/http2_server.go`, `defaults.go`.
        enforcement: enforcement(StrikeRule::Go),
        keepalive: Some(SERVER_PINGS),
        // Since 1.62; a minute before.
        drain_timeout: Some(Span::from_secs(5)),
        grace_from: GraceFrom::FirstGoaway,
        linger: Span::from_secs(1),
    };
    match stack {
        Stack::Go => go,
        Stack::CCore => ServerStack {
            // `ping_abuse_policy.cc`.
            enforcement: enforcement(StrikeRule::Core),
            // `chttp2_transport.cc`.
            drain_timeout: Some(TWENTY_S),
            linger: Span::ZERO,
            ..go
        },
        Stack::Java => ServerStack {
            // `KeepAliveEnforcer`.
            enforcement: enforcement(StrikeRule::Java),
            // `NettyServerHandler`.
            drain_timeout: Some(Span::from_secs(10)),
            grace_from: GraceFrom::SecondGoaway,
            linger: Span::ZERO,
            ..go
        },
        // Neither punishes pings, nor pings by itself.
        Stack::Node | Stack::Tonic => {
            ServerStack { enforcement: None, keepalive: None, drain_timeout: None, linger: Span::ZERO, ..go }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GrpcClient;

    #[test]
    fn what_a_scenario_does_not_say_is_what_grpc_go_does() {
        assert_eq!(client(Stack::Go).resolver, Resolver::default());
        assert_eq!(client(Stack::Go).keepalive, Keepalive::default());
        assert_eq!(client(Stack::Go).backoff, Backoff::default());
        assert_eq!(client(Stack::Go).idle_timeout, GrpcClient::default().idle_timeout);
        assert_eq!(client(Stack::Go).connect_timeout, GrpcClient::default().connect_timeout);
        assert_eq!(server(Stack::Go).enforcement, Some(Enforcement::default()));
    }
}
