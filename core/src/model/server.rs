//! Server Deployments.

use super::client::MS;
use super::{Cpu, Enforcement, Hpa, WarmUp, defaults, text};
use crate::distribution::Distribution;
use crate::settings::{DURATION, OWN, Own, at_least, count, group, number, word};
use crate::units::Span;
use crate::{settings, word_enum};

/// Replicas of a server or gateway.
pub const MAX_REPLICAS: u64 = 100_000;
/// Requests that a pod may serve at once.
const MAX_SLOTS: u64 = 65_536;

settings! {
    /// A server Deployment.
    #[derive(Clone)]
    pub struct Server {
        /// Its name: a DNS label, unique among servers and clients.
        name: String [OWN.required()] = String::new();
        /// Pods wanted at the start; zero is legal, as in Kubernetes.
        replicas: u32 [count(0, MAX_REPLICAS)] = defaults::REPLICAS;
        /// Requests that a pod serves at once.
        concurrency: u32 [count(1, MAX_SLOTS).assumed()] = 8;
        /// Time in a slot of one request. With 8 slots the default makes the 5,000 calls per second of one saturated pod.
        service_time: Distribution [OWN.assumed()] = Distribution::Exponential { mean: 0.0016, min: 0.0 };
        /// The processor of a pod: what its requests in service share.
        cpu: Option<Cpu> [group::<Cpu>().or("a core for each request")] = None;
        /// How fast its pods work: service_time and handshake_time are divided by it.
        speed: f64 [number(0.001, 1_000.0)] = 1.0;
        /// A pod that becomes Ready during the run is cold, and slow at first; those of the start are warm.
        warm_up: Option<WarmUp> [group::<WarmUp>().or("none")] = None;
        /// Requests that may wait in a pod; more are refused with RESOURCE_EXHAUSTED.
        queue_limit: Option<u32> [count(0, u32::MAX as u64).or("no limit")] = None;
        /// Time in a slot that accepting one connection costs a pod, before the connection is READY.
        handshake_time: Span [DURATION] = Span::ZERO;
        /// From a pod's creation (or its container's restart) to Ready.
        startup: Distribution [OWN.assumed()] = defaults::startup();
        /// Ready for this long is available (minReadySeconds), which is what rollouts wait for; traffic starts at Ready.
        min_ready: Span [DURATION] = Span::ZERO;
        /// A HorizontalPodAutoscaler of this Deployment.
        hpa: Option<Hpa> [group::<Hpa>().or("none")] = None;
        /// How pods end.
        termination: Termination [group::<Termination>()] = Termination::default();
        /// How a rollout replaces pods.
        strategy: Strategy [OWN] = defaults::STRATEGY;
        /// Settings of the gRPC server.
        grpc: GrpcServer [group::<GrpcServer>()] = GrpcServer::default();
    }
}

settings! {
    /// Settings of a gRPC server (gRFC A9; grpc-go keepalive.ServerParameters).
    pub struct GrpcServer {
        /// Age at which a connection gets GOAWAY, jittered by a uniform ±10 % once per connection.
        max_connection_age: Option<Span> [at_least(MS).or("never")] = None;
        /// From the first GOAWAY for age to the forced close.
        max_connection_age_grace: Option<Span> [DURATION.or("no limit")] = None;
        /// A connection without streams for this long gets GOAWAY.
        max_connection_idle: Option<Span> [at_least(MS).or("never")] = None;
        /// A connection gets GOAWAY when the server receives the request of this number. gRPC servers have no such setting; Envoy in front
        /// of one has (`max_requests_per_connection`).
        max_requests_per_connection: Option<u32> [count(1, u32::MAX as u64).or("no limit")] = None;
        /// Streams that a connection carries at once; more calls wait on the connection.
        max_concurrent_streams: Option<u32> [count(1, u32::MAX as u64).or("no limit")] = None;
        /// Which pings of clients the server punishes.
        keepalive_enforcement: Enforcement [group::<Enforcement>()] = Enforcement::default();
    }
}

impl Server {
    /// The part of the time of all its slots that can be worked off: 1 if each has a core of its own.
    #[must_use]
    pub fn usable(&self) -> f64 {
        self.cpu.map_or(1.0, |cpu| (cpu.most() / (f64::from(self.concurrency) * cpu.share)).min(1.0))
    }

    /// Its CPU time per time at full load, over its CPU request. `None`: it has no request.
    #[must_use]
    pub fn cpu_over_request(&self) -> Option<f64> {
        let cpu = self.cpu?;
        let cores = f64::from(self.concurrency) * self.usable() * cpu.share;
        Some(cores / (f64::from(cpu.request?.0) / 1e3))
    }
}

settings! {
    /// How a pod ends, after its deletion.
    pub struct Termination {
        /// Sleep of the preStop hook, at most `grace`; SIGTERM follows it.
        pre_stop: Span [DURATION] = Span::ZERO;
        /// From deletion to SIGKILL (terminationGracePeriodSeconds).
        grace: Span [DURATION] = Span::from_secs(30);
        /// What the server does at SIGTERM.
        sigterm: SigTerm [word::<SigTerm>()] = SigTerm::GracefulStop;
    }
}

word_enum! {
    /// What a server does at SIGTERM.
    pub enum SigTerm {
        /// It closes its listener, sends GOAWAY on all connections, and ends when the last call has (grpc-go's GracefulStop).
        GracefulStop = "graceful_stop",
        /// It exits at once, and calls under way fail: the process has no handler for the signal.
        Exit = "exit",
        /// It goes on until SIGKILL. So does process 1 of a container that handles no SIGTERM, and a server behind a shell that does not pass it on.
        Ignore = "ignore",
    }
}

/// A Deployment's update strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Old pods are all removed, then new ones created.
    Recreate,
    /// The Deployment controller's rolling update.
    RollingUpdate {
        /// Pods above `replicas`.
        max_surge: CountOrPercent,
        /// Pods below `replicas` that need not be available.
        max_unavailable: CountOrPercent,
    },
}

impl Own for Strategy {
    fn rows(&self) -> Vec<(String, String)> {
        let row = |key: &str, value: String| (key.to_owned(), value);
        match *self {
            Strategy::Recreate => vec![row("type", "Recreate".to_owned())],
            Strategy::RollingUpdate { max_surge, max_unavailable } => vec![
                row("type", "RollingUpdate".to_owned()),
                row("max_surge", text::amount(max_surge)),
                row("max_unavailable", text::amount(max_unavailable)),
            ],
        }
    }
}

/// A count, or a share of the replicas in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountOrPercent {
    /// So many.
    Count(u32),
    /// So many per hundred replicas; rounded up for surge, down for unavailable.
    Percent(u32),
}
