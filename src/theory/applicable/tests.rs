//! Each form is offered where its assumptions hold, and withdrawn when one of them is taken away.

use super::*;
use crate::distribution::Distribution;
use crate::model::*;
use crate::units::Span;

fn server(replicas: u32) -> Server {
    Server {
        name: "s".into(),
        replicas,
        concurrency: 8,
        service_time: Distribution::Exponential { mean: 0.01, min: 0.0 },
        cpu: None,
        speed: 1.0,
        warm_up: None,
        hpa: None,
        queue_limit: None,
        handshake_time: Span::ZERO,
        startup: Distribution::Constant(5.0),
        min_ready: Span::ZERO,
        termination: Termination { pre_stop: Span::from_secs(1), ..Termination::default() },
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

fn client(replicas: u32, channels: u32, load: Load) -> Client {
    Client {
        name: format!("c{replicas}"),
        replicas,
        channels,
        protocol: Protocol::Grpc(GrpcClient { dispatch: Distribution::Constant(0.0), ..GrpcClient::default() }),
        load,
        startup: Distribution::Constant(1.0),
        strategy: Strategy::Recreate,
        ..Client::default()
    }
}

fn open(rate: f64) -> Load {
    Load::Open { arrivals: Arrivals::Poisson, rate: RateCurve { points: vec![(Time::ZERO, rate)].into() } }
}

fn model(servers: Vec<Server>, clients: Vec<Client>) -> Model {
    Model {
        name: "m".into(),
        about: String::new(),
        story: None,
        seed: 1,
        duration: Some(Span::from_secs(600)),
        warmup: Span::ZERO,
        window: None,
        max_calls_in_flight: 5_000_000,
        cluster: Cluster {
            nodes: 1,
            endpoint_lag: Distribution::Constant(0.5),
            dns: Dns { cache: DnsCache::None, ..Dns::default() },
            rtt: Span::from_millis(1),
            connect: Distribution::Constant(0.0),
        },
        service: ServiceType::ClusterIp,
        session_affinity: None,
        servers,
        clients,
        timeline: Vec::new(),
        gateways: Vec::new(),
        expect: Vec::new(),
    }
}

fn at(seconds: u64, what: What) -> Action {
    Action { at: Time::ZERO + Span::from_secs(seconds), what }
}

fn value(model: &Model, compare: Compare) -> Option<f64> {
    for_scenario(model).into_iter().find(|a| a.compare == compare).map(|a| a.theory)
}

fn near(got: Option<f64>, want: f64) {
    assert!(got.is_some_and(|x| (x - want).abs() < 5e-4), "{got:?} is not {want}");
}

const MAX_OVER_MEAN: Compare = Compare::Path("skew.max_over_mean");
const CV: Compare = Compare::Path("skew.cv");
const IDLE: Compare = Compare::Path("skew.idle_pods");

#[test]
fn placement_is_balls_in_bins() {
    let mut m = model(vec![server(5)], vec![client(10, 1, open(1_000.0))]);
    near(value(&m, MAX_OVER_MEAN), 1.878);
    near(value(&m, CV), 0.6325);
    near(value(&m, IDLE), 0.537);
    // 120 calls on each connection are enough, 60 are not.
    let of_rate = |rate| value(&model(vec![server(5)], vec![client(10, 1, open(rate))]), IDLE);
    assert!(of_rate(2.0).is_some() && of_rate(1.0).is_none());
    // Unequal clients: only what does not need equal connections. Rates 800 and 200 on one connection each: C_eff =
    // 1.47.
    m.clients = vec![client(1, 1, open(800.0)), client(1, 1, open(200.0))];
    assert_eq!(value(&m, MAX_OVER_MEAN), None);
    near(value(&m, CV), (4.0 * 0.68f64).sqrt());
    near(value(&m, IDLE), 3.2);
    for change in [
        |m: &mut Model| m.service = ServiceType::Headless,
        |m: &mut Model| m.servers[0].grpc.max_connection_age = Some(Span::from_secs(300)),
        |m: &mut Model| m.timeline = vec![at(9, What::Kill(Pods { server: 0, pods: 1 }))],
        |m: &mut Model| m.clients[0].load = open(0.01),
        |m: &mut Model| m.clients[0].connection_lifetime = Some(Lifetime { max: Span::from_secs(60), jitter: 0.1 }),
    ] {
        let mut other = m.clone();
        change(&mut other);
        assert_eq!(value(&other, IDLE), None);
    }
}

/// From 100 to 300 calls per second in 100 s, and on: 250 * 50 + 300 * 100 = 42,500 from 50 to 200 s. Beside as many calls of a constant
/// rate that makes two equal connections, beside half as many (1.5)² / 1.25.
#[test]
fn calls_are_counted_along_the_curve_of_the_rate() {
    let at_s = |s| Time::ZERO + Span::from_secs(s);
    let curve = RateCurve { points: vec![(Time::ZERO, 100.0), (at_s(100), 300.0)].into() };
    let rising = Load::Open { arrivals: Arrivals::Poisson, rate: curve };
    let mut m = model(vec![server(5)], vec![client(1, 1, rising), client(1, 1, open(42_500.0 / 150.0))]);
    (m.warmup, m.duration) = (Span::from_secs(50), Some(Span::from_secs(200)));
    near(value(&m, CV), (4.0f64 / 2.0).sqrt());
    m.clients[1].load = open(42_500.0 / 300.0);
    near(value(&m, CV), (4.0f64 * 1.25 / 2.25).sqrt());
}

#[test]
fn one_closed_connection_puts_all_on_one_pod() {
    let load = Load::closed(50, Some(10_000));
    let m = model(vec![server(5)], vec![client(1, 1, load.clone())]);
    near(value(&m, MAX_OVER_MEAN), 5.0);
    near(value(&m, IDLE), 4.0);
    // With more connections a closed load sends less where it is slow: no closed form for its cv.
    let m = model(vec![server(5)], vec![client(1, 4, load)]);
    assert_eq!(value(&m, CV), None);
    near(value(&m, IDLE), 5.0 * 0.8f64.powi(4));
    // Seven workers do not use eight connections.
    let few = Load::closed(7, Some(10_000));
    assert_eq!(value(&model(vec![server(5)], vec![client(2, 4, few)]), IDLE), None);
}

#[test]
fn rollouts_are_walked_as_the_scenario_times_them() {
    let first = Compare::ConnectionsOfPod(0);
    let last = Compare::ConnectionsOfPod(-1);
    let mut m = model(vec![server(5)], vec![client(50, 1, open(1_000.0))]);
    m.timeline = vec![at(60, What::RolloutServer(0))];
    // 25 % of 5 is surge 2, unavailable 1; a constant start-up means waves.
    near(value(&m, first), 1.375);
    near(value(&m, last), 0.4375);
    m.servers[0].strategy =
        Strategy::RollingUpdate { max_surge: CountOrPercent::Count(1), max_unavailable: CountOrPercent::Count(0) };
    near(value(&m, first), 1.488);
    near(value(&m, last), 0.415);
    // Five waits of 5 s and a grace of 30 s from 60 s on.
    let ends = |m: &Model, s| value(&Model { duration: Some(Span::from_secs(s)), ..m.clone() }, first).is_some();
    assert_eq!([115, 116].map(|s| ends(&m, s)), [false, true]);
    m.cluster.endpoint_lag = Distribution::Constant(2.0);
    near(value(&m, first), 1.732);
    near(value(&m, last), 0.0946);
    // Neither below nor above preStop, two rollouts, an end in the middle, or age: no answer.
    for change in [
        |m: &mut Model| m.cluster.endpoint_lag = Distribution::Uniform { min: 0.5, max: 2.0 },
        |m: &mut Model| m.timeline.push(at(300, What::RolloutServer(0))),
        |m: &mut Model| m.duration = Some(Span::from_secs(80)),
        // A pod that is Ready before the second dial, 1 s after preStop.
        |m: &mut Model| m.servers[0].startup = Distribution::Constant(1.5),
        |m: &mut Model| m.servers[0].grpc.max_connection_age = Some(Span::from_secs(300)),
    ] {
        let mut other = m.clone();
        change(&mut other);
        assert_eq!(value(&other, first), None);
    }
}

#[test]
fn new_pods_get_what_ages_out() {
    let compare = Compare::ConnectionsOfPodsReadyAfter(Time::ZERO + Span::from_secs(300));
    let mut m = model(vec![server(5)], vec![client(50, 1, open(1_000.0))]);
    m.timeline = vec![at(300, What::Scale(Scale { server: 0, replicas: 10 }))];
    assert_eq!(value(&m, compare), Some(0.0));
    // Ready and selectable at 305.5 s, end at 600 s, started evenly over one age: about 294.5 s / 400 s.
    m.servers[0].grpc.max_connection_age = Some(Span::from_secs(400));
    m.clients[0].start.spread = Span::from_secs(300);
    let spread = value(&m, compare).unwrap();
    assert!((0.6..1.0).contains(&spread), "{spread}");
    // All started at 100 s: their first ends are uniform over 460 to 540 s, half of them before the end at 500 s.
    m.clients[0].start = Start { at: Span::from_secs(100), spread: Span::ZERO };
    m.duration = Some(Span::from_secs(500));
    near(value(&m, compare), 0.5);
    // Nothing is added, or nothing was there.
    for (before, after) in [(5, 5), (5, 3), (0, 10)] {
        m.servers[0].replicas = before;
        m.timeline = vec![at(300, What::Scale(Scale { server: 0, replicas: after }))];
        assert_eq!(value(&m, compare), None, "{before} to {after}");
    }
}

#[test]
fn queues_apply_where_calls_are_spread_evenly() {
    let (mean, p99) = (Compare::Path("latency_ms.mean"), Compare::Path("latency_ms.p99"));
    let mut one = model(vec![server(1)], vec![client(1, 1, open(80.0))]);
    one.servers[0].concurrency = 1;
    near(value(&one, mean), 51.0);
    near(value(&one, p99), 1.0 + 50.0 * 100f64.ln());
    one.servers[0].service_time = Distribution::Constant(0.01);
    near(value(&one, mean), 31.0);
    assert_eq!(value(&one, p99), None);
    one.clients[0].load = open(100.0);
    assert_eq!(value(&one, mean), None);
    // Five pods behind a ClusterIP are not even; behind round_robin they are.
    let mut five = model(vec![server(5)], vec![client(10, 1, open(1_000.0))]);
    assert_eq!(value(&five, mean), None);
    five.service = ServiceType::Headless;
    if let Protocol::Grpc(grpc) = &mut five.clients[0].protocol {
        grpc.policy = Policy::RoundRobin(RoundRobin { start: RotationStart::RandomOrder });
    }
    assert!(value(&five, mean).is_some_and(|ms| ms > 11.0 && ms < 11.1));
    let bounds = |m: &Model| for_scenario(m).iter().filter(|a| a.basis.contains("upper bound")).count();
    one.clients[0].load = open(80.0);
    assert_eq!((bounds(&five), bounds(&one)), (2, 0));
    five.clients[0].deadline = Some(Span::from_secs(1));
    assert_eq!(value(&five, mean), None);
}

#[test]
fn closed_loops_have_a_bound() {
    let rps = Compare::Path("throughput_rps");
    let load = Load::closed(50, Some(100_000));
    let mut m = model(vec![server(5)], vec![client(1, 1, load)]);
    m.servers[0].service_time = Distribution::Constant(0.08);
    near(value(&m, rps), 100.0);
    m.service = ServiceType::Headless;
    if let Protocol::Grpc(grpc) = &mut m.clients[0].protocol {
        grpc.policy = Policy::RoundRobin(RoundRobin { start: RotationStart::Random });
    }
    near(value(&m, rps), 500.0);
    m.servers[0].service_time = Distribution::Exponential { mean: 0.08, min: 0.0 };
    assert_eq!(value(&m, rps), None);
}

/// C-core's first back-off delay has jitter, too: from 0.8 s on the lag of 1 s after preStop may be over.
#[test]
fn a_lag_must_end_before_the_first_back_off_does() {
    let first = Compare::ConnectionsOfPod(0);
    let mut m = model(vec![server(5)], vec![client(50, 1, open(1_000.0))]);
    m.timeline = vec![at(60, What::RolloutServer(0))];
    if let Protocol::Grpc(GrpcClient { backoff, .. }) = &mut m.clients[0].protocol {
        (backoff.base, backoff.jitter, backoff.jitter_first) = (Span::from_secs(1), 0.2, true);
    }
    m.cluster.endpoint_lag = Distribution::Constant(2.0);
    assert_eq!(value(&m, first), None);
    m.cluster.endpoint_lag = Distribution::Constant(1.8);
    assert!(value(&m, first).is_some());
}

/// A summary of three old pods and two new ones with 4, 4, 4 and 2, 1 connections; a sixth pod has gone.
fn summary() -> Summary {
    let pod = |ready_s: Option<f64>, deleted_s, connections| {
        serde_json::json!({
            "pod": "p", "server": "s", "created_s": 0.0, "ready_s": ready_s, "deleted_s": deleted_s, "requests": 1,
            "share": null, "connections_opened": 9, "connections_at_end": connections, "utilization": null,
            "latency_ms": latency(),
        })
    };
    fn latency() -> serde_json::Value {
        serde_json::to_value(crate::metrics::outcome::Latency::default()).unwrap()
    }
    let none: Option<f64> = None;
    let old = pod(Some(1.0), none, 4);
    let skew = crate::metrics::outcome::Skew {
        headline: crate::metrics::outcome::SkewFigures { cv: Some(0.25), ..Default::default() },
        ..Default::default()
    };
    serde_json::from_value(serde_json::json!({
        "evenkeel": "0", "scenario": "m", "scenario_hash": "", "seed": 1, "digest": "", "arrivals_digest": "",
        "arrivals_digest_by_client": {}, "measured_s": 600.0,
        "requests": { "started": 6, "ok": 6, "failed": 0, "unfinished": 0, "by_status": {} },
        "throughput_rps": 0.01, "time_to_balance": [], "reconnects_per_s": 0.0, "stray_share": 0.0,
        "latency_ms": latency(), "skew": skew, "connections": { "opened": 24, "closed_by": {} },
        "pods": [old, old, pod(Some(310.0), none, 1), pod(Some(1.0), Some(400.0), 9), old, pod(Some(305.0), none, 2)],
        "expectations": [], "warnings": [], "verdict": "", "theory": [],
    }))
    .unwrap()
}

#[test]
fn runs_are_measured_as_the_forms_mean_them() {
    let s = summary();
    assert_eq!(CV.of(&s), Some(0.25));
    assert_eq!(MAX_OVER_MEAN.of(&s), None);
    assert_eq!(Compare::Path("throughput_rps").of(&s), Some(0.01));
    assert_eq!(Compare::ConnectionsOfPod(0).of(&s), Some(4.0 / 3.0));
    assert_eq!(Compare::ConnectionsOfPod(-1).of(&s), Some(1.0 / 3.0));
    assert_eq!(Compare::ConnectionsOfPod(5).of(&s), None);
    let after = Compare::ConnectionsOfPodsReadyAfter(Time::ZERO + Span::from_secs(300));
    assert_eq!(after.of(&s), Some(0.5));
    let row = &rows(&model(vec![server(5)], vec![client(10, 1, open(1_000.0))]), &s)[1];
    assert_eq!(row.simulated, Some(0.25));
    // Without any connection there is no mean to compare with.
    let mut none = s;
    none.pods.iter_mut().for_each(|pod| pod.connections_at_end = 0);
    assert_eq!((Compare::ConnectionsOfPod(0).of(&none), after.of(&none)), (None, None));
}

/// Calls of the same rate have a form, streams have none.
#[test]
fn streams_are_left_alone() {
    let Load::Open { rate, .. } = open(5.0) else { return };
    let streams = Load::Streams(Streams { rate, duration: Distribution::Constant(60.0), messages: None });
    let forms = |load: Load| for_scenario(&model(vec![server(1)], vec![client(1, 1, load)]));
    assert!(!forms(open(5.0)).is_empty());
    assert!(forms(streams).is_empty());
    // So are pods that come and go by themselves, and those behind a gateway.
    let mut scaled = model(vec![server(1)], vec![client(1, 1, open(5.0))]);
    scaled.servers[0].hpa = Some(Hpa { max_replicas: 9, ..Hpa::default() });
    assert!(for_scenario(&scaled).is_empty());
    let mut behind = model(vec![server(1)], vec![client(1, 1, open(5.0))]);
    behind.gateways.push(Gateway { proxy: "envoy", server: server(1), client: client(1, 1, Load::Forwarded) });
    assert!(for_scenario(&behind).is_empty());
}
