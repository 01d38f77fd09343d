use std::sync::Arc;

use super::*;
use crate::distribution::Distribution;
use crate::metrics::attribution::{Attribution, PodParts};
use crate::metrics::outcome::{Failure, Latency, Maker, PodSummary, Requests, Skew, Summary};
use crate::metrics::phase::{Phase, PodNow};
use crate::model::{
    Action, Arrivals, Client, Cluster, CountOrPercent, Dns, DnsCache, Enforcement, GrpcClient, GrpcServer, Http1Client,
    Load, PickFirst, Policy, Protocol, RateCurve, RotationStart, RoundRobin, Server, ServiceType, Strategy,
    Termination, What,
};
use crate::units::{Span, Time};

/// Ten seconds of one phase: (ready_s, requests per second, connections, utilization) per pod. What is not even is so by the draw.
pub(super) fn outcome(pods: &[(f64, u64, u64, f64)]) -> Outcome {
    let total: u64 = pods.iter().map(|p| 10 * p.1).sum();
    let summary = |(i, &(ready_s, load, connections, utilization)): (usize, &(f64, u64, u64, f64))| PodSummary {
        pod: format!("s-1-{i}"),
        server: "s".to_owned(),
        created_s: 0.0,
        ready_s: Some(ready_s),
        deleted_s: None,
        requests: 10 * load,
        share: None,
        connections_opened: connections,
        connections_at_end: connections,
        connections_by_client: Default::default(),
        utilization: Some(utilization),
        latency_ms: Latency::default(),
        now: Some(PodNow { utilization, ..PodNow::default() }),
        messages: 0,
        errors: 0,
        throttled: None,
    };
    let share = |load: u64| 10.0 * load as f64 / total.max(1) as f64;
    let even = 1.0 / pods.len().max(1) as f64;
    let of_all: u64 = pods.iter().map(|p| p.2).sum();
    let part = |(i, &(_, load, connections, _)): (usize, &(f64, u64, u64, f64))| PodParts {
        pod: format!("s-1-{i}"),
        share: share(load),
        even,
        draw: share(load) - even,
        connections: connections as f64,
        drawn_evenly: even,
        ..PodParts::default()
    };
    let attribution = Attribution {
        pods: pods.iter().enumerate().map(part).collect(),
        connections: of_all as f64,
        draws: of_all as f64,
        ..Attribution::default()
    };
    let phase = Phase {
        name: "whole run".to_owned(),
        to_s: 10.0,
        settled: true,
        pods: pods.len() as u64,
        requests: total,
        ..Phase::default()
    };
    Outcome {
        summary: Summary {
            evenkeel: String::new(),
            scenario: String::new(),
            scenario_hash: String::new(),
            seed: 1,
            digest: String::new(),
            arrivals_digest: String::new(),
            arrivals_digest_by_client: Default::default(),
            measured_s: 10.0,
            requests: Requests { started: total, ok: total, ..Requests::default() },
            failures: Vec::new(),
            throughput_rps: 0.0,
            time_to_balance: Vec::new(),
            reconnects_per_s: 0.0,
            error_ratio: None,
            max_utilization: None,
            stray_share: 0.0,
            latency_ms: Latency::default(),
            skew: Skew::default(),
            phases: vec![phase],
            headline_phase: Some(1),
            attribution: (total > 0).then_some(attribution),
            pods: pods.iter().enumerate().map(summary).collect(),
            gateways: Vec::new(),
            methods: Vec::new(),
            connections: Default::default(),
            expectations: Vec::new(),
            warnings: Vec::new(),
            verdict: String::new(),
            theory: Vec::new(),
            cures: None,
            runs: None,
        },
        windows: Vec::new(),
        gateways: Vec::new(),
        parts: Vec::new(),
        connections: Vec::new(),
        clients: Vec::new(),
        events: Vec::new(),
        window_s: 1.0,
        end_s: 10.0,
        engine_events: 0,
    }
}

pub(super) fn grpc(policy: Policy) -> Protocol {
    Protocol::Grpc(GrpcClient { policy, dispatch: Distribution::Constant(0.0), ..GrpcClient::default() })
}

pub(super) fn model(service: ServiceType, protocol: Protocol) -> Model {
    let constant = Distribution::Constant(0.0);
    let count = CountOrPercent::Count(1);
    let grpc = GrpcServer {
        max_connection_age: None,
        max_connection_age_grace: None,
        max_connection_idle: None,
        max_requests_per_connection: None,
        max_concurrent_streams: None,
        keepalive_enforcement: Enforcement::default(),
    };
    let server = Server {
        name: "s".to_owned(),
        replicas: 5,
        concurrency: 8,
        service_time: constant.clone(),
        cpu: None,
        speed: 1.0,
        warm_up: None,
        hpa: None,
        queue_limit: None,
        handshake_time: Span::ZERO,
        startup: constant.clone(),
        min_ready: Span::ZERO,
        termination: Termination { grace: Span::ZERO, ..Termination::default() },
        strategy: Strategy::RollingUpdate { max_surge: count, max_unavailable: count },
        grpc,
    };
    let client = Client {
        name: "c".to_owned(),
        replicas: 1,
        channels: 1,
        protocol,
        load: Load::Open { arrivals: Arrivals::Poisson, rate: RateCurve { points: Arc::new([(Time::ZERO, 1.0)]) } },
        startup: constant.clone(),
        strategy: Strategy::Recreate,
        ..Client::default()
    };
    let dns = Dns { ttl: Span::ZERO, cache: DnsCache::None, ..Dns::default() };
    let cluster = Cluster { nodes: 1, endpoint_lag: constant.clone(), dns, rtt: Span::ZERO, connect: constant };
    Model {
        name: String::new(),
        about: String::new(),
        story: None,
        seed: 1,
        duration: Some(Span::from_secs(10)),
        warmup: Span::ZERO,
        window: None,
        max_calls_in_flight: 5_000_000,
        cluster,
        service,
        session_affinity: None,
        servers: vec![server],
        clients: vec![client],
        timeline: Vec::new(),
        gateways: Vec::new(),
        expect: Vec::new(),
    }
}

pub(super) fn pick_first() -> Model {
    model(ServiceType::ClusterIp, grpc(Policy::PickFirst(PickFirst::default())))
}

pub(super) fn round_robin() -> Model {
    model(ServiceType::Headless, grpc(Policy::RoundRobin(RoundRobin { start: RotationStart::RandomOrder })))
}

pub(super) fn http1() -> Model {
    model(ServiceType::ClusterIp, Protocol::Http1(Http1Client { max_connections: None, keep_alive: None }))
}

pub(super) fn with(mut model: Model, at_s: u64, what: What) -> Model {
    model.timeline.push(Action { at: Time(at_s * 1_000_000_000), what });
    model
}

/// Loads and connections of pods that were Ready from the start.
pub(super) fn steady(pods: &[(u64, u64)]) -> Outcome {
    outcome(&pods.iter().map(|&(load, connections)| (0.0, load, connections, 0.5)).collect::<Vec<_>>())
}

/// What is said, in words.
pub(super) fn sentence(model: &Model, outcome: &Outcome) -> String {
    judge(model, outcome).text
}

#[track_caller]
fn says(model: &Model, outcome: &Outcome, expected: &str) {
    assert_eq!(sentence(model, outcome), expected);
}

fn failures(calls: u64) -> Vec<Failure> {
    vec![Failure { reason: "no_endpoint".to_owned(), by: Maker::Client, at: "c".to_owned(), calls }]
}

#[test]
fn without_pods_or_traffic() {
    let mut none = outcome(&[]);
    none.summary.requests.failed = 7;
    says(&pick_first(), &none, "There is no pod: the servers have zero replicas, and all 7 calls failed.");
    let mut cold = steady(&[(0, 0), (0, 0)]);
    cold.summary.pods.iter_mut().for_each(|p| p.ready_s = None);
    says(&pick_first(), &cold, "No pod became Ready before the run ended at 10s.");
    cold.summary.requests.failed = 7;
    says(&pick_first(), &cold, "No pod became Ready before the run ended at 10s, and all 7 calls failed.");
    let mut idle = steady(&[(0, 1), (0, 0)]);
    says(&pick_first(), &idle, "There was no traffic: no call was made in the measured part of the run.");
    idle.summary.requests.started = 9;
    idle.summary.requests.failed = 9;
    idle.summary.requests.by_status.insert("UNAVAILABLE".to_owned(), 9);
    says(&pick_first(), &idle, "No request reached a pod: all 9 calls failed, most with UNAVAILABLE.");
    let mut scaled_down = steady(&[(5, 0)]);
    scaled_down.summary.pods[0].deleted_s = Some(9.0);
    says(&pick_first(), &scaled_down, "No pod is Ready at the end of the run, so there is no balance to judge.");
    // New pods that no client has dialled, while calls fail.
    let mut unreached = outcome(&[(0.0, 9, 0, 0.5), (3.0, 0, 0, 0.0), (4.0, 0, 0, 0.0)]);
    unreached.summary.pods[0].deleted_s = Some(2.0);
    (unreached.summary.requests.started, unreached.summary.requests.failed) = (100, 10);
    unreached.summary.requests.by_status.insert("UNAVAILABLE".to_owned(), 10);
    unreached.summary.failures = failures(10);
    let text = "10 of 100 calls (10.00 %) failed: 10 no endpoint. No request reached the pods that are Ready \
                at the end (2 pods, all Ready since 4s); no client has a connection there.";
    says(&pick_first(), &unreached, text);
    // Those that were scaled away have served; what failed later is said, too.
    scaled_down.summary.requests.failed = 10;
    scaled_down.summary.requests.by_status.insert("UNAVAILABLE".to_owned(), 10);
    scaled_down.summary.failures = failures(10);
    let text = "10 of 50 calls (20.00 %) failed: 10 no endpoint. No pod is Ready at the end of the \
                run, so there is no balance to judge.";
    says(&pick_first(), &scaled_down, text);
    says(&pick_first(), &steady(&[(50, 1)]), "s-1-0 is the only Ready pod: there is nothing to balance.");
}

#[test]
fn even_loads_say_why() {
    let even = steady(&[(100, 4), (110, 4), (90, 4)]);
    let says = |model: &Model, why: &str| {
        says(model, &even, &format!("The load is even: the busiest pod, s-1-1, carries 1.10x its share: {why}."));
    };
    says(&round_robin(), "each client has a connection to every pod and takes them in rotation");
    says(&http1(), "each request has a connection of its own, and so a draw of its own");
    says(&pick_first(), "its 12 connections lie evenly; nothing keeps them so when pods change");
    let mut aged = pick_first();
    aged.servers[0].grpc.max_connection_age = Some(Span::from_secs(2));
    says(&aged, "its 12 connections lie evenly");
    let turns = steady(&[(100, 0), (110, 1), (90, 0)]);
    let text = "The load is even only on average: 1 connection cannot be on 3 pods at once, which have their turns as connections are \
                replaced.";
    self::says(&pick_first(), &turns, text);
}

fn kind(model: &Model, outcome: &Outcome) -> String {
    judge(model, outcome).cause.expect("uneven").kind
}

/// P(some of 5 pods has 8 or more of 20) is 0.160 by the exact multinomial law, and 15 or more of 20 below 1e-6.
#[test]
fn chance_is_said_at_a_level() {
    let mut chance = steady(&[(80, 8), (20, 2), (40, 4), (30, 3), (30, 3)]);
    assert_eq!(kind(&pick_first(), &chance), "chance");
    assert!(
        sentence(&pick_first(), &chance).contains("it has 8 of 20 connections, and in at most 16 % of random draws")
    );
    let odd = steady(&[(150, 15), (10, 1), (20, 2), (10, 1), (10, 1)]);
    assert_eq!(kind(&pick_first(), &odd), "draw");
    // Pods that came later could not be drawn: that is the cause, and not chance.
    let parts = &mut chance.summary.attribution.as_mut().unwrap().pods;
    for (pod, timing) in parts.iter_mut().zip([0.2, -0.1, 0.0, -0.05, -0.05]) {
        (pod.timing, pod.draw) = (timing, pod.share - pod.even - timing);
        pod.drawn_evenly += timing;
    }
    assert_eq!(kind(&pick_first(), &chance), "late_pod");
}

/// The parts of the largest deviation are told, if there are several.
#[test]
fn parts_are_told_in_points_of_share() {
    let mut two = steady(&[(60, 3), (20, 1), (20, 1)]);
    let hot = &mut two.summary.attribution.as_mut().unwrap().pods[0];
    (hot.draw, hot.picks) = (0.2, hot.share - hot.even - 0.2);
    let text = sentence(&pick_first(), &two);
    assert!(
        text.contains("(of +26.7 points of share: +20.0 by the random draw of connections, +6.7 by picks)"),
        "{text}"
    );
}
