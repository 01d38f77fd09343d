//! How many requests per second the engine alone simulates: `w MODE PODS CONNECTIONS REQUESTS [RTT_US]`.

use evenkeel::scenario::{distribution::Distribution, model::*};
use evenkeel::sim::{Observer, Options, observation::*, simulate};
use evenkeel::units::*;
use std::time::Instant;
struct Count {
    pods: Vec<u64>,
    done: u64,
    failed: u64,
    sum: u64,
    open: u64,
}
impl Observer for Count {
    #[inline]
    fn observe(&mut self, at: Time, w: &Observation<'_>) {
        match w {
            Observation::PodCreated { .. } => self.pods.push(0),
            Observation::Received { pod, .. } => self.pods[pod.0 as usize] += 1,
            Observation::Completed { emitted, .. } => {
                self.done += 1;
                self.sum += at.since(*emitted).0
            }
            Observation::Failed { .. } => self.failed += 1,
            Observation::Connected { .. } => self.open += 1,
            _ => {}
        }
    }
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let mode = a[1].as_str();
    let pods: u32 = a[2].parse().unwrap();
    let conns: u32 = a[3].parse().unwrap();
    let reqs: f64 = a[4].parse().unwrap();
    let rate = 5000.0 * pods as f64;
    let d = Span::from_secs_f64(reqs / rate);
    let model = Model {
        name: "w".into(),
        about: "".into(),
        seed: 1,
        duration: Some(d),
        warmup: Span::ZERO,
        window: None,
        cluster: Cluster {
            nodes: 3,
            endpoint_lag: Distribution::Constant(0.0),
            dns: Dns { ttl: Span::from_secs(30), cache: DnsCache::None },
            rtt: Span::from_micros(if a.len() > 5 { a[5].parse().unwrap() } else { 0 }),
            connect: Distribution::Constant(0.0),
        },
        service: if mode == "rr" { ServiceType::Headless } else { ServiceType::ClusterIp },
        servers: vec![Server {
            name: "s".into(),
            replicas: pods,
            concurrency: 8,
            service_time: Distribution::Exponential { mean: 0.001, min: 0.0 },
            queue_limit: None,
            handshake_time: Span::ZERO,
            startup: Distribution::Constant(5.0),
            min_ready: Span::ZERO,
            termination: Termination { pre_stop: Span::ZERO, grace: Span::from_secs(30) },
            strategy: Strategy::Recreate,
            grpc: GrpcServer {
                max_connection_age: None,
                max_connection_age_grace: None,
                max_connection_idle: None,
                max_concurrent_streams: None,
            },
        }],
        clients: vec![Client {
            name: "c".into(),
            replicas: conns,
            channels: 1,
            protocol: Protocol::Grpc(GrpcClient {
                policy: if mode == "rr" {
                    Policy::RoundRobin { start: RotationStart::RandomOrder }
                } else {
                    Policy::PickFirst { reconnect: Reconnect::Lazy, shuffle: false }
                },
                wait_for_ready: false,
                connect: ConnectAt::Start,
                resolver: Resolver { min_interval: Span::from_secs(30), early: EarlyRequest::Defer },
                backoff: Backoff { base: Span::from_secs(1), multiplier: 1.6, jitter: 0.2, max: Span::from_secs(120) },
                dispatch: Span::ZERO,
            }),
            start_at: Span::ZERO,
            start_spread: Span::ZERO,
            max_connection_lifetime: None,
            load: if mode == "closed" {
                Load::Closed { concurrency: conns, requests: Some(reqs as u64) }
            } else {
                Load::Open { arrivals: Arrivals::Poisson, rate: RateCurve { points: vec![(Time::ZERO, rate)].into() } }
            },
            deadline: None,
            startup: Distribution::Constant(5.0),
            strategy: Strategy::Recreate,
        }],
        timeline: vec![],
        expect: vec![],
    };
    for seed in 1..4 {
        let mut c = Count { pods: vec![], done: 0, failed: 0, sum: 0, open: 0 };
        let t = Instant::now();
        let end = simulate(&model, seed, Options::default(), &mut c).unwrap();
        let s = t.elapsed().as_secs_f64();
        println!(
            "{:.2} M/s ({:.0} ns/req, {:.1} ns/event) done {} failed {} open {} mean {:.4} ms end {} pods {:?}",
            c.done as f64 / s / 1e6,
            s * 1e9 / c.done as f64,
            s * 1e9 / end.events as f64,
            c.done,
            c.failed,
            c.open,
            c.sum as f64 / c.done as f64 / 1e6,
            end.at,
            &c.pods[..5.min(c.pods.len())]
        );
    }
}
