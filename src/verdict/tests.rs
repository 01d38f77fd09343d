use std::sync::Arc;

use super::*;
use crate::metrics::outcome::{EventRow, Latency, PodSummary, Requests, Skew, Summary, WindowRow};
use crate::scenario::distribution::Distribution;
use crate::scenario::model::{
    Action, Arrivals, Client, Cluster, CountOrPercent, Dns, DnsCache, Enforcement, GrpcClient, GrpcServer, Http1Client,
    Load, Policy, Protocol, RateCurve, Reconnect, RotationStart, Server, ServiceType, Strategy, Streams, Termination,
};
use crate::units::{Span, Time};

/// Ten windows of 1 s, all pods alike in each: (ready_s, requests per window, connections, utilization) per pod.
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
        now: None,
        messages: 0,
        errors: 0,
        throttled: None,
    };
    let row = |time: u32, (pod, p): (usize, &(f64, u64, u64, f64))| WindowRow {
        time_s: f64::from(time),
        pod: Some(pod as u32),
        state: if p.0 <= f64::from(time) { "ready" } else { "starting" }.to_owned(),
        connections: 0,
        requests: p.1,
        share: None,
        in_flight: 0,
        queued: 0,
        utilization: None,
        latency_p50_ms: None,
        latency_p99_ms: None,
        errors: 0,
        partial: false,
        messages: 0,
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
            throughput_rps: 0.0,
            time_to_balance: Vec::new(),
            reconnects_per_s: 0.0,
            error_ratio: None,
            max_utilization: None,
            stray_share: 0.0,
            latency_ms: Latency::default(),
            skew: Skew::default(),
            phases: Vec::new(),
            headline_phase: None,
            pods: pods.iter().enumerate().map(summary).collect(),
            gateways: Vec::new(),
            methods: Vec::new(),
            connections: Default::default(),
            expectations: Vec::new(),
            warnings: Vec::new(),
            verdict: String::new(),
            theory: Vec::new(),
            runs: None,
        },
        windows: (0..10).flat_map(|time| pods.iter().enumerate().map(move |p| row(time, p))).collect(),
        gateways: Vec::new(),
        parts: Vec::new(),
        connections: Vec::new(),
        events: Vec::new(),
        window_s: 1.0,
        end_s: 10.0,
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
        enforcement: Enforcement::default(),
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
        termination: Termination { pre_stop: Span::ZERO, grace: Span::ZERO },
        strategy: Strategy::RollingUpdate { max_surge: count, max_unavailable: count },
        grpc,
    };
    let client = Client {
        name: "c".to_owned(),
        replicas: 1,
        channels: 1,
        protocol,
        start_at: Span::ZERO,
        start_spread: Span::ZERO,
        max_connection_lifetime: None,
        via: None,
        gateway: None,
        load: Load::Open { arrivals: Arrivals::Poisson, rate: RateCurve { points: Arc::new([(Time::ZERO, 1.0)]) } },
        methods: Vec::new(),
        deadline: None,
        startup: constant.clone(),
        strategy: Strategy::Recreate,
    };
    let dns = Dns { ttl: Span::ZERO, cache: DnsCache::None };
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
        servers: vec![server],
        clients: vec![client],
        timeline: Vec::new(),
        gateways: Vec::new(),
        expect: Vec::new(),
    }
}

pub(super) fn pick_first() -> Model {
    model(ServiceType::ClusterIp, grpc(Policy::PickFirst { reconnect: Reconnect::Lazy, shuffle: false }))
}

pub(super) fn round_robin() -> Model {
    model(ServiceType::Headless, grpc(Policy::RoundRobin { start: RotationStart::RandomOrder }))
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

#[track_caller]
fn says(model: &Model, outcome: &Outcome, expected: &str) {
    assert_eq!(sentence(model, outcome), expected);
}

#[test]
fn without_pods_or_traffic() {
    let mut none = outcome(&[]);
    none.summary.requests.failed = 7;
    says(&pick_first(), &none, "There is no pod: the servers have zero replicas, and all 7 calls failed.");
    let mut cold = steady(&[(0, 0), (0, 0)]);
    cold.summary.pods.iter_mut().for_each(|p| p.ready_s = None);
    says(&pick_first(), &cold, "No pod became Ready before the run ended at 10s.");
    let mut idle = steady(&[(0, 1), (0, 0)]);
    says(&pick_first(), &idle, "There was no traffic: no call was made in the measured part of the run.");
    idle.summary.requests.started = 9;
    idle.summary.requests.failed = 9;
    idle.summary.requests.by_status.insert("UNAVAILABLE".to_owned(), 9);
    says(&pick_first(), &idle, "No request reached a pod: all 9 calls failed, most with UNAVAILABLE.");
    let mut scaled_down = steady(&[(5, 0)]);
    scaled_down.summary.pods[0].deleted_s = Some(9.0);
    scaled_down.windows.clear();
    says(&pick_first(), &scaled_down, "No pod is Ready at the end of the run, so there is no balance to judge.");
    // New pods that no client has dialled, while calls fail.
    let mut unreached = outcome(&[(0.0, 9, 0, 0.5), (3.0, 0, 0, 0.0), (4.0, 0, 0, 0.0)]);
    unreached.summary.pods[0].deleted_s = Some(2.0);
    unreached.windows.retain(|row| row.pod != Some(0));
    (unreached.summary.requests.started, unreached.summary.requests.failed) = (100, 10);
    unreached.summary.requests.by_status.insert("UNAVAILABLE".to_owned(), 10);
    let text = "10 of 100 calls (10.00 %) failed, all with UNAVAILABLE: 10 before they had a pod. No request reaches what is Ready \
                at the end (2 pods, all of them Ready since 4s); no client has a connection there.";
    says(&pick_first(), &unreached, text);
    // Those that were scaled away have served; what failed later is said, too.
    scaled_down.summary.requests.failed = 10;
    scaled_down.summary.requests.by_status.insert("UNAVAILABLE".to_owned(), 10);
    let text = "10 of 50 calls (20.00 %) failed, all with UNAVAILABLE: 10 before they had a pod. No pod is Ready at the end of the \
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
    let turns = steady(&[(100, 0), (110, 1), (90, 0)]);
    let text = "The load is even only on average: 1 connection cannot be on 3 pods at once, which have their turns as connections are \
                replaced; at the end 2 of the 3 pods have none.";
    self::says(&pick_first(), &turns, text);
    says(&pick_first(), "the 12 connections happen to lie evenly; nothing keeps them so when pods change");
    // Connections of a few requests each: they are gone by the end.
    let mut gone = steady(&[(100, 4), (110, 4), (90, 4)]);
    gone.summary.pods.iter_mut().for_each(|p| p.connections_at_end = 0);
    let text = "The load is even: the busiest pod, s-1-1, carries 1.10x its share: 12 connections happened to lie evenly; none is \
                open at the end.";
    self::says(&pick_first(), &gone, text);
}

const LEVERS: &str = "what would move them: max_connection_age (server), connection_lifetime (client) or a headless Service with round_robin";

#[test]
fn few_connections_leave_pods_idle() {
    let one = steady(&[(0, 0), (0, 0), (500, 1), (0, 0), (0, 0)]);
    let text = "s-1-2 takes all requests: the only connection was placed there when opened, and kube-proxy never moves an \
                established connection";
    says(&pick_first(), &one, &format!("{text}; {LEVERS}."));
    let few = steady(&[(1, 1), (0, 0), (2, 2), (0, 0), (0, 0)]);
    let text = "2 of 5 pods take all requests, s-1-2 3.3x its share: there are only 3 connections, and kube-proxy never moves \
                an established connection";
    says(&pick_first(), &few, &format!("{text}; {LEVERS}."));
    let mut streams = pick_first();
    let rate = RateCurve { points: Arc::new([(Time::ZERO, 1.0)]) };
    let load = Load::Streams(Streams { rate, duration: Distribution::Constant(60.0), interval: None });
    streams.clients[0].load = load;
    streams.servers[0].grpc.max_connection_age = Some(Span::from_secs(5));
    let lever = "what would move open streams: max_connection_age with max_connection_age_grace (server)";
    says(&streams, &few, &format!("{text}; {lever}."));
    streams.servers[0].grpc.max_connection_age_grace = Some(Span::from_secs(5));
    assert!(!sentence(&streams, &few).contains("open streams"), "they have it");
}

/// "All requests" are those of the stretch that is judged, or of the pods that are left, and that is said.
#[test]
fn all_requests_are_those_that_are_judged() {
    let placed =
        "the only connection was placed there when opened, and kube-proxy never moves an established connection";
    // Pods of an older generation had requests, too; since 4 s there are only these.
    let late = outcome(&[(4.0, 0, 0, 0.5), (3.0, 50, 1, 0.5)]);
    let text = format!("s-1-1 takes all requests from 4s on: {placed}; {LEVERS}.");
    says(&pick_first(), &late, &text);
    // Too few since then: the whole run is judged, in which 40 of 71 went elsewhere.
    let mut few = outcome(&[(9.0, 0, 0, 0.5), (8.0, 3, 1, 0.5), (0.0, 4, 0, 0.5)]);
    few.summary.pods[2].deleted_s = Some(8.0);
    few.summary.pods[1].requests = 31;
    few.windows.retain(|row| row.pod != Some(2));
    let text = format!(
        "s-1-1 takes all 31 of 71 requests that went to the pods that are Ready at the end: {placed}; {LEVERS}."
    );
    says(&pick_first(), &few, &text);
}

/// P(some of 5 pods has 8 or more of 20) is 0.160 by the exact multinomial law.
#[test]
fn many_connections_lie_by_chance() {
    let chance = steady(&[(80, 8), (20, 2), (40, 4), (30, 3), (30, 3)]);
    let text = "s-1-0 carries 2.0x its share by chance: it has 8 of 20 connections, as some pod has in about 16 % of all draws \
                of 5 pods";
    says(&pick_first(), &chance, &format!("{text}; {LEVERS}."));
    let mut aged = pick_first();
    aged.servers[0].grpc.max_connection_age = Some(Span::from_secs(2));
    let levers = "replacing connections for their age draws anew and does not even out; more connections or a headless Service \
                  with round_robin would";
    says(&aged, &chance, &format!("{text}; {levers}."));
    let unequal = steady(&[(200, 4), (20, 4), (20, 4), (20, 4), (20, 4)]);
    let text = "s-1-0 carries 3.6x its share with 4 of 20 connections at the end: it had more of them earlier, and \
                kube-proxy never moves an established connection";
    says(&pick_first(), &unequal, &format!("{text}; {LEVERS}."));
}

#[test]
fn after_a_rollout_the_first_pods_have_collected_connections() {
    let model = with(pick_first(), 1, What::RolloutServer(0));
    let pods = [(2.0, 150, 30, 0.5), (2.0, 130, 26, 0.5), (3.0, 100, 20, 0.5), (4.0, 76, 15, 0.5), (5.0, 42, 9, 0.5)];
    let text = "s-1-0 carries 1.5x its share after the rollout at 1s, s-1-4 0.4x: its connections were opened before the last \
                pods were Ready, and kube-proxy never moves an established connection";
    says(&model, &outcome(&pods), &format!("{text}; {LEVERS}."));
    // If the order does not explain it, it is not given as the cause.
    let turned = [(2.0, 42, 9, 0.5), (2.0, 76, 15, 0.5), (3.0, 100, 20, 0.5), (4.0, 130, 26, 0.5), (5.0, 150, 30, 0.5)];
    let text = "s-1-4 carries 1.5x its share after the rollout at 1s by chance: it has 30 of 100 connections, as some pod has in \
                about 6 % of all draws of 5 pods";
    says(&model, &outcome(&turned), &format!("{text}; {LEVERS}."));
    // Nor if all connections have been replaced since.
    let mut aged = model;
    aged.servers[0].grpc.max_connection_age = Some(Span::from_secs(2));
    assert!(sentence(&aged, &outcome(&pods)).contains("by chance"));
}

#[test]
fn new_pods_are_idle_after_scaling() {
    let pods = [(0.0, 100, 9, 0.5), (0.0, 110, 11, 0.5), (3.0, 0, 0, 0.5), (3.0, 10, 1, 0.5)];
    let scale = What::Scale { server: 0, replicas: 4 };
    let text = "The 2 pods that became Ready after the scaling at 2s get 5 % of the traffic instead of 50 %: the connections \
                were there before, and kube-proxy never moves an established connection";
    says(&with(pick_first(), 2, scale.clone()), &outcome(&pods), &format!("{text}; {LEVERS}."));
    let text = "s-1-2 has no connection although Ready: the clients know the addresses of their last DNS answer, and gRPC asks \
                again only when a connection breaks; max_connection_age (server) makes them ask.";
    says(&with(round_robin(), 2, scale), &outcome(&pods), text);
}

#[test]
fn a_killed_pod_comes_back_without_connections() {
    let model = with(pick_first(), 2, What::Kill { server: 0, pods: 1 });
    let mut killed = steady(&[(0, 0), (100, 10), (100, 10), (100, 10)]);
    let what = "killed (SIGKILL): 8 connections reset".to_owned();
    killed.events.push(EventRow { time_s: 2.0, kind: EventKind::Kill, subject: "s-1-0".to_owned(), what });
    let text = "s-1-0 carries 0.0x its share after the kill at 2s, s-1-1 1.3x: the connections of what was killed were reset \
                and dialled anew to the other pods, and kube-proxy never moves an established connection";
    says(&model, &killed, &format!("{text}; {LEVERS}."));
}

#[test]
fn a_cold_start_passes() {
    let mut cold = steady(&[(100, 1), (100, 1), (100, 1)]);
    for row in cold.windows.iter_mut().filter(|row| row.time_s == 0.0 && row.pod == Some(1)) {
        row.requests = 900;
    }
    let text = "s-1-1 carries 1.4x its share only because of the cold start: the first calls had no other connection to go to; \
                from 5s on the rotation is even.";
    says(&round_robin(), &cold, text);
}

#[test]
fn few_requests_are_uneven_by_chance() {
    let text = "s-1-0 carries 1.5x its share by chance: 40 requests over 3 pods are too few to be even.";
    says(&http1(), &steady(&[(2, 0), (1, 0), (1, 0)]), text);
    // 300 of 500 requests on one of 3 pods is 12 standard deviations away.
    let text = "s-1-0 carries 1.8x its share, more than chance, although each request has a connection of its own: not every \
                node knew every pod all the time.";
    says(&http1(), &steady(&[(30, 0), (10, 0), (10, 0)]), text);
}

/// Against sums by hand: P(X >= 1 of 2) = 1 - 0.25 at n = 2; two pods: 1 - 0.25^2.
#[test]
fn tails_are_binomial() {
    assert_eq!(some_pod_has(0, 5, 3), 1.0);
    assert!((some_pod_has(1, 2, 2) - (1.0 - 0.0625)).abs() < 1e-12);
    assert!((some_pod_has(2, 2, 2) - (1.0 - 0.5625)).abs() < 1e-12);
    assert!((some_pod_has(3, 3, 10) - (1.0 - (1.0f64 - 1e-3).powi(10))).abs() < 1e-12);
}
