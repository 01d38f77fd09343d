//! Models for tests that need one and no scenario file: defaults that do not matter to observers.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::sync::Arc;

use evenkeel::distribution::Distribution;
use evenkeel::model::*;
use evenkeel::units::{Span, Time};

/// A server with defaults that do not matter to recorders.
pub fn server(name: &str, replicas: u32, concurrency: u32) -> Server {
    Server {
        name: name.to_owned(),
        replicas,
        concurrency,
        service_time: Distribution::Constant(0.001),
        cpu: None,
        speed: 1.0,
        warm_up: None,
        hpa: None,
        queue_limit: None,
        handshake_time: Span::ZERO,
        startup: Distribution::Constant(5.0),
        min_ready: Span::ZERO,
        termination: Termination::default(),
        strategy: Strategy::RollingUpdate {
            max_surge: CountOrPercent::Percent(25),
            max_unavailable: CountOrPercent::Percent(25),
        },
        grpc: GrpcServer {
            max_connection_age: None,
            max_connection_age_grace: None,
            max_connection_idle: None,
            max_requests_per_connection: None,
            max_concurrent_streams: None,
            keepalive_enforcement: Enforcement::default(),
        },
    }
}

/// A client with an open load.
pub fn client(name: &str, channels: u32, protocol: Protocol) -> Client {
    Client {
        name: name.to_owned(),
        replicas: 2,
        channels,
        protocol,
        load: Load::Open { arrivals: Arrivals::Poisson, rate: RateCurve { points: Arc::new([(Time::ZERO, 100.0)]) } },
        startup: Distribution::Constant(0.0),
        strategy: Strategy::Recreate,
        ..Client::default()
    }
}

/// gRPC with this policy.
pub fn grpc(policy: Policy) -> Protocol {
    Protocol::Grpc(GrpcClient { policy, dispatch: Distribution::Constant(0.0), ..GrpcClient::default() })
}

pub fn pick_first() -> Protocol {
    grpc(Policy::PickFirst(PickFirst::default()))
}

pub fn round_robin() -> Protocol {
    grpc(Policy::RoundRobin(RoundRobin { start: RotationStart::RandomOrder }))
}

/// A model of these parts.
pub fn model(service: ServiceType, servers: Vec<Server>, clients: Vec<Client>) -> Model {
    Model {
        name: "test".to_owned(),
        about: String::new(),
        story: None,
        seed: 1,
        duration: Some(Span::from_secs(60)),
        warmup: Span::ZERO,
        window: None,
        max_calls_in_flight: 5_000_000,
        cluster: Cluster {
            nodes: 1,
            endpoint_lag: Distribution::Constant(0.0),
            dns: Dns::default(),
            rtt: Span::ZERO,
            connect: Distribution::Constant(0.0),
        },
        service,
        session_affinity: None,
        servers,
        clients,
        timeline: Vec::new(),
        gateways: Vec::new(),
        expect: Vec::new(),
    }
}
