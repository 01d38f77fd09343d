//! The scenario reader on good input and on hostile files.

#[path = "support/stack.rs"]
mod stack;

use std::fs;
use std::time::{Duration, Instant};

use evenkeel::distribution::Distribution;
use evenkeel::model::*;
use evenkeel::scenario::effective::Origin;
use evenkeel::scenario::{self, Loaded, diagnostic::Diagnostics};
use evenkeel::units::{Cores, Milli, Span, Time};
use stack::on_a_main_stack;

const SMALLEST: &str = "name: clusterip-grpc
servers: [{ name: grpc-server, replicas: 5 }]
clients: [{ name: ghz, load: { closed: { concurrency: 50, requests: 10000 } } }]
";
const GRPC: &str = include_str!("reader/everything-grpc.yaml");
const HTTP1: &str = include_str!("reader/everything-http1.yaml");

fn read(text: &str, sets: &[&str]) -> Result<Loaded, Diagnostics> {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    scenario::parse("a.yaml", text, None, &sets)
}

fn good(text: &str, sets: &[&str]) -> Loaded {
    read(text, sets).unwrap_or_else(|found| panic!("{found}"))
}

fn code(found: &Diagnostics) -> &'static str {
    found.problems()[0].code.rule().code
}

#[test]
fn the_smallest_scenario_has_the_defaults_of_the_real_systems() {
    let model = good(SMALLEST, &[]).model;
    assert_eq!((model.seed, model.duration, model.warmup, model.window), (1, None, Span::ZERO, None));
    assert_eq!(model.service, ServiceType::ClusterIp);
    assert_eq!(model.cluster.nodes, 3);
    assert_eq!(model.cluster.dns, Dns { ttl: Span::from_secs(30), cache: DnsCache::CoreDns, loadbalance: true });
    let server = &model.servers[0];
    assert_eq!((server.name.as_str(), server.replicas, server.concurrency), ("grpc-server", 5, 8));
    let termination = Termination { pre_stop: Span::ZERO, grace: Span::from_secs(30), sigterm: SigTerm::GracefulStop };
    assert_eq!(server.termination, termination);
    let quarter = CountOrPercent::Percent(25);
    assert_eq!(server.strategy, Strategy::RollingUpdate { max_surge: quarter, max_unavailable: quarter });
    assert_eq!(server.grpc.max_connection_age, None);
    let client = &model.clients[0];
    assert_eq!(client.load, Load::closed(50, Some(10_000)));
    let Protocol::Grpc(grpc) = &client.protocol else { panic!("grpc is the default") };
    assert_eq!(grpc.policy, Policy::PickFirst(PickFirst { reconnect: Reconnect::Lazy, shuffle: false }));
    assert_eq!(grpc.resolver, Resolver { min_interval: Span::from_secs(30), early: EarlyRequest::DeferAndRemember });
    let backoff = Backoff {
        per_call: false,
        base: Span::from_secs(1),
        multiplier: 1.6,
        jitter: 0.2,
        jitter_first: false,
        max: Span::from_secs(120),
        from: DelayFrom::AttemptEnd,
    };
    assert_eq!(grpc.backoff, backoff);
    assert_eq!((grpc.connect_timeout, grpc.idle_timeout), (Some(Span::from_secs(20)), Some(Span::from_secs(1_800))));
}

#[test]
fn every_key_reaches_the_model() {
    let model = good(GRPC, &[]).model;
    let Protocol::Grpc(grpc) = &model.clients[0].protocol else { panic!("grpc") };
    assert_eq!(grpc.policy, Policy::RoundRobin(RoundRobin { start: RotationStart::Continue }));
    let pings = grpc.keepalive.map(|k| (k.time, k.timeout, k.permit_without_stream));
    assert_eq!(pings, Some((Span::from_secs(30), Span::from_secs(5), true)));
    let pings = grpc.keepalive.map(|k| (k.wake, k.bdp_ping, k.throttle, k.tcp_user_timeout, k.slow_down));
    let throttle = Some(PingThrottle { free: 3, interval: Span::from_secs(30) });
    assert_eq!(pings, Some((Wake::NextTick, false, throttle, false, false)));
    assert_eq!(grpc.backoff.from, DelayFrom::AttemptStart);
    assert_eq!((grpc.connect_timeout, grpc.idle_timeout), (Some(Span::from_secs(5)), Some(Span::from_secs(60))));
    // Two channels of the application share one.
    assert_eq!((grpc.subset, grpc.shared_subchannels), (Some(Subset { size: 3 }), true));
    assert_eq!((grpc.sharers, model.clients[0].channels), (2, 1));
    let policy = RetryPolicy {
        max_attempts: 4,
        initial_backoff: Span::from_millis(100),
        max_backoff: Span::from_secs(1),
        multiplier: 2.0,
        jitter: 0.2,
        codes: Codes::of(&[14, 8]),
        throttling: Some(RetryThrottling { max_tokens: Milli(10_000), token_ratio: Milli(100) }),
        elsewhere: false,
        unsent_only: false,
    };
    assert_eq!(grpc.retry, Some(policy));
    let enforced = model.servers[0].grpc.keepalive_enforcement;
    assert_eq!((enforced.min_time, enforced.permit_without_stream), (Span::from_secs(20), true));
    assert_eq!((enforced.rule, enforced.max_ping_strikes), (StrikeRule::Core, 5));
    assert_eq!(
        (grpc.wait_for_ready, grpc.connect, grpc.dispatch.clone()),
        (true, ConnectAt::FirstCall, Distribution::Constant(20e-6))
    );
    assert_eq!(grpc.resolver, Resolver { min_interval: Span::from_secs(10), early: EarlyRequest::Drop });
    assert_eq!(model.clients[0].connection_lifetime, Some(Lifetime { max: Span::from_secs(60), jitter: 0.3 }));
    assert_eq!(model.servers[0].grpc.max_concurrent_streams, Some(100));
    assert_eq!(model.servers[0].grpc.max_requests_per_connection, Some(10_000));
    assert_eq!(model.servers[1].strategy, Strategy::Recreate);
    assert_eq!(model.timeline.len(), 9);
    assert_eq!(
        model.timeline[8].what,
        What::Unready(Unready { of: Pods { server: 0, pods: 2 }, lasts: Some(Span::from_secs(20)) })
    );
    assert_eq!(model.timeline[3].what, What::Kill(Pods { server: 0, pods: 2 }));
    assert_eq!(model.timeline[4].what, What::Delete(Pods { server: 0, pods: 1 }));
    let slow = What::Slow(Slow { of: Pods { server: 0, pods: 2 }, factor: 10.0, lasts: Some(Span::from_secs(30)) });
    assert_eq!(model.timeline[5].what, slow);
    let hpa = model.servers[0].hpa.as_ref().expect("an HPA");
    assert_eq!((hpa.min_replicas, hpa.max_replicas, hpa.target_cpu_utilization), (2, 20, 70));
    assert_eq!((hpa.tolerance, hpa.cpu_at_full_load, hpa.sync_period), (0.05, 1.5, Span::from_secs(20)));
    assert_eq!(
        hpa.behavior.as_ref().map(|b| (b.up.select, b.down.select)),
        Some((SelectPolicy::Min, SelectPolicy::Disabled))
    );
    assert_eq!(model.servers[0].cpu, Some(Cpu { cores: Cores(4_000), limit: Some(Cores(2_500)), ..Cpu::default() }));
    let limit = CpuLimit { quota: Span::from_millis(250), period: Span::from_millis(100) };
    assert_eq!(model.servers[0].cpu.and_then(|cpu| cpu.bandwidth()), Some(limit));
    assert_eq!(model.servers[0].speed, 1.5);
    assert_eq!(model.servers[0].warm_up, Some(WarmUp { initial: 0.2, time: Span::from_secs(30) }));
    assert_eq!(model.timeline[1].what, What::RolloutClient(0));
    let [get, search] = model.clients[0].methods.as_slice() else { panic!("two methods") };
    assert_eq!((get.cost, get.until, get.deadline), (1.5, 0.9, model.clients[0].deadline));
    assert_eq!((search.cost, search.until, search.deadline), (20.0, 1.0, Some(Span::from_secs(5))));
    let Load::Open { arrivals: Arrivals::Constant, rate } = &model.clients[0].load else { panic!("open, constant") };
    let at = |s| Time::ZERO + Span::from_secs(s);
    // The ramp of the timeline is part of the curve.
    assert_eq!(*rate.points, [(at(0), 100.0), (at(60), 500.0), (at(420), 500.0), (at(430), 50.0)]);
    assert_eq!(model.expect[1].path, ["latency_ms", "p99"]);
    assert_eq!((model.expect[1].op, model.expect[1].value), (Comparison::AtMost, 20.0));

    let model = good(HTTP1, &[]).model;
    let pool = KeepAlive { warm: 5, order: PoolOrder::Fifo, idle_timeout: Some(Span::from_secs(90)) };
    let http1 = |i: usize| match &model.clients[i].protocol {
        Protocol::Http1(http1) => *http1,
        Protocol::Grpc(_) => panic!("http1"),
    };
    assert_eq!(http1(0), Http1Client { max_connections: Some(10), keep_alive: Some(pool) });
    assert_eq!(http1(1), Http1Client { max_connections: None, keep_alive: None });
}

/// Each value that the "everything" files set is "yours", so that none is read from elsewhere or forgotten in the rows.
#[test]
fn effective_values_know_where_they_come_from() {
    for (text, complete) in
        [(GRPC, ["clients.web", "servers.api"]), (HTTP1, ["clients.pool.http1", "clients.pool.load"])]
    {
        for row in good(text, &[]).effective {
            let all_given = complete.iter().any(|part| row.path.starts_with(part));
            assert!(!all_given || row.origin == Origin::Yours, "{row:?}");
        }
    }
    let rows = good(SMALLEST, &[]).effective;
    let origin = |path: &str| rows.iter().find(|r| r.path == path).map(|r| (r.value.as_str(), r.origin));
    assert_eq!(origin("servers.grpc-server.replicas"), Some(("5", Origin::Yours)));
    assert_eq!(origin("servers.grpc-server.termination.grace"), Some(("30s", Origin::Default)));
    assert_eq!(origin("servers.grpc-server.service_time"), Some(("exponential { mean: 1.6ms }", Origin::Assumption)));
    let assumed: Vec<_> = rows.iter().filter(|r| r.origin == Origin::Assumption).map(|r| r.path.as_str()).collect();
    let server = ["concurrency", "service_time", "startup"].map(|key| format!("servers.grpc-server.{key}"));
    let cluster = ["endpoint_lag", "rtt", "connect"].map(|key| format!("cluster.{key}"));
    let expected: Vec<_> = cluster.into_iter().chain(server).chain(["clients.ghz.dispatch".to_owned()]).collect();
    assert_eq!(assumed, expected);
}

#[test]
fn the_hash_is_of_the_meaning() {
    let hash = |text: &str, sets: &[&str]| good(text, sets).scenario_hash;
    let plain = hash(SMALLEST, &[]);
    let reordered = "# A comment\nclients:\n  - load: { closed: { requests: 1e4, concurrency: 50 } }\n    name: ghz\nabout: other\n\
        servers:\n  - replicas: 5\n    name: grpc-server\n    service_time: { exponential: { mean: 1.6ms } }\nname: other\nseed: 9\n";
    assert_eq!(hash(reordered, &[]), plain);
    for set in ["cluster.rtt=1ms", "servers.0.replicas=6", "clients.0.policy=round_robin", "expect=[idle_pods == 0]"] {
        assert_ne!(hash(SMALLEST, &[set]), plain, "{set}");
    }
    // Pinned: outputs of two versions are matched by it, so a change of it is a change of the model's meaning or defaults.
    assert_eq!(plain, "ecfef633689ec604");
    assert_eq!(plain, hash(SMALLEST, &["seed=5", "name=x", "about=y"]));
}

/// Settings of every kind, wherever they stand, are part of the hash.
#[test]
fn a_changed_value_changes_a_row() {
    for (path, value) in [
        ("cluster.dns.cache", "none"),
        ("cluster.connect", "2ms"),
        ("servers.api.handshake_time", "3ms"),
        ("servers.api.service_time.mixture.0.weight", "8"),
        ("servers.api.termination.pre_stop", "6s"),
        ("servers.api.grpc.max_connection_age_grace", "11s"),
        ("clients.web.start.spread", "6s"),
        ("clients.web.policy.round_robin.start", "first"),
        ("clients.web.backoff.jitter", "0"),
        ("clients.web.retry.codes", "[UNAVAILABLE]"),
        ("clients.web.backoff.from", "attempt_end"),
        ("clients.web.idle_timeout", "61s"),
        ("clients.web.subset.size", "4"),
        ("clients.web.shared_subchannels", "false"),
        ("clients.web.keepalive.throttle.free", "4"),
        ("clients.web.retry.throttling.token_ratio", "0.2"),
        ("clients.web.load.open.curve.1.rate", "501"),
        ("clients.web.strategy.max_surge", "2"),
        ("clients.batch.policy.pick_first.reconnect", "lazy"),
        ("timeline.5.slow.for", "31s"),
        ("timeline.6.rate.to", "51"),
        ("servers.api.hpa.cpu_at_full_load", "2"),
        ("servers.api.hpa.behavior.scale_up.policies.0.pods", "3"),
        ("servers.api.speed", "2"),
        ("servers.api.warm_up.time", "31s"),
        ("timeline.4.delete.pods", "2"),
        ("expect.0", "idle_pods <= 0"),
        ("window", "1s"),
    ] {
        let set = format!("{path}={value}");
        let text = if path.ends_with("dns.cache") { GRPC.replace("ttl: 5s, ", "") } else { GRPC.to_owned() };
        assert_ne!(good(&text, &[]).scenario_hash, good(&text, &[&set]).scenario_hash, "{set}");
    }
    let streams = "name: a\nduration: 1m\nservers: [{ name: api }]\nclients: [{ name: c, load: { streams: { rate: 1, \
                   duration: 1h, messages: { interval: 1s } } } }]\n";
    for set in ["rate=2", "duration=2h", "messages.interval=2s", "messages=null"] {
        let set = format!("clients.c.load.streams.{set}");
        assert_ne!(good(streams, &[]).scenario_hash, good(streams, &[&set]).scenario_hash, "{set}");
    }
}

#[test]
fn sets_change_the_scenario() {
    let model = good(
        SMALLEST,
        &[
            "servers.grpc-server.replicas=10",
            "clients.0.policy=round_robin",
            "service.type=Headless",
            "cluster.rtt=1ms",
            "clients.ghz.policy.round_robin.start=first",
            "servers.0.strategy={max_surge: 1, max_unavailable: 0}",
            "about=null",
        ],
    )
    .model;
    assert_eq!((model.servers[0].replicas, model.cluster.rtt), (10, Span::from_millis(1)));
    let Protocol::Grpc(grpc) = &model.clients[0].protocol else { panic!("grpc") };
    assert_eq!(grpc.policy, Policy::RoundRobin(RoundRobin { start: RotationStart::First }));
}

#[test]
fn bad_sets_name_the_argument() {
    for (set, code_wanted, column, fragment) in [
        ("servers.0.replicas", "E028", 1, "no `=`"),
        ("=5", "E028", 1, "is empty"),
        ("servers..replicas=5", "E028", 9, "is empty"),
        ("servers.1.replicas=5", "E028", 9, "one item, number 0"),
        ("clients.web.replicas=5", "E028", 9, "by name: `ghz`"),
        ("clients.0.nme=a", "E008", 11, "did you mean `name`?"),
        ("clients.ghx.replicas=5", "E028", 9, "did you mean `ghz`?"),
        ("servers.grpc-sever.replicas=5", "E028", 9, "did you mean `grpc-server`?"),
        ("name.first=a", "E028", 6, "no keys"),
        ("servers.0.replica=5", "E008", 11, "did you mean `replicas`?"),
        ("servers.0.replicas=many", "E010", 20, "a whole number"),
        ("servers.0.replicas=[1", "E001", 20, "unclosed"),
        ("cluster.nodes=0", "E013", 15, "at least 1"),
        ("clients.0.policy=rr", "E011", 18, "`round_robin`"),
    ] {
        let found = read(SMALLEST, &[set]).expect_err(set);
        let problem = &found.problems()[0];
        let says = problem.message.contains(fragment) || problem.help.as_ref().is_some_and(|h| h.contains(fragment));
        assert!(says && code(&found) == code_wanted, "{set}: {found}");
        assert_eq!(found.position(problem), Some(("--set", 1, column)), "{set}: {found}");
        assert!(found.to_string().contains(set), "the argument is shown: {found}");
    }
}

#[test]
fn the_starter_and_the_examples_of_the_design_read() {
    good(scenario::STARTER, &[]);
    let fuller = "name: headless-rollout
about: Does a rolling restart leave pods idle?
seed: 1
duration: 10m
warmup: 30s
window: 1s
cluster:
  nodes: 3
  endpoint_lag: 500ms
  dns: { ttl: 30s }
  rtt: 500us
service: { type: Headless }
servers:
  - name: grpc-server
    replicas: 5
    concurrency: 8
    service_time: { exponential: { mean: 1600us } }
    queue_limit: 1000
    startup: 5s
    termination: { pre_stop: 5s, grace: 30s }
    strategy: { type: RollingUpdate, max_surge: 25%, max_unavailable: 25% }
    grpc: { max_connection_age: 5m, max_connection_age_grace: 10s, max_concurrent_streams: 100 }
clients:
  - name: web
    replicas: 10
    protocol: grpc
    channels: 1
    start: { spread: 5s }
    policy: round_robin
    load: { open: { rate: 5000 } }
    deadline: 1s
timeline:
  - { at: 2m, rollout: grpc-server }
  - { at: 6m, scale: { server: grpc-server, replicas: 8 } }
  - { at: 8m, kill: { server: grpc-server, pods: 1 } }
expect:
  - idle_pods == 0
  - max_over_mean <= 1.2
  - latency.p99 <= 20ms
";
    let model = good(fuller, &[]).model;
    assert_eq!(model.timeline.len(), 3);
    // The effective values that are yours, set once more on the smallest file, give the same meaning.
    let loaded = good(fuller, &[]);
    let simple = |path: &str| !path.contains("timeline") && !path.contains("expect") && path != "about";
    let sets: Vec<String> = loaded
        .effective
        .iter()
        .filter(|row| row.origin == Origin::Yours && simple(&row.path))
        .filter(|row| row.path != "clients.web.policy")
        .map(|row| match row.value.strip_prefix("exponential ") {
            Some(law) => format!("{}={{exponential: {law}}}", row.path),
            None => format!("{}={}", row.path, row.value),
        })
        .collect();
    let again = scenario::parse("a.yaml", fuller, None, &sets).unwrap_or_else(|found| panic!("{found}"));
    assert_eq!(again.model, loaded.model);
    assert_eq!(again.scenario_hash, loaded.scenario_hash);
}

#[test]
fn csv_files_stand_beside_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let open = "name: a\nduration: 1m\nservers: [{ name: api, service_time: { empirical: times.csv } }]\n\
        clients: [{ name: web, load: { open: { trace: rates.csv } } }]\n";
    write("a.yaml", open);
    let load = || scenario::load(&folder.path().join("a.yaml"), &[]);
    let said = |found: &Diagnostics| found.problems().iter().map(|p| p.message.clone()).collect::<Vec<_>>().join("\n");

    write("rates.csv", "time_s,rate\n0,100\n30,100\n30,250.5\n");
    write("times.csv", "service_time\n3ms\n0.001\n1.5ms\n");
    let model = load().unwrap_or_else(|found| panic!("{found}")).model;
    let at = |s| Time::ZERO + Span::from_secs(s);
    let Load::Open { rate, .. } = &model.clients[0].load else { panic!("open") };
    assert_eq!(*rate.points, [(at(0), 100.0), (at(30), 100.0), (at(30), 250.5)]);
    let samples = Distribution::Empirical(vec![0.001, 0.0015, 0.003].into());
    assert_eq!(model.servers[0].service_time, samples);

    for (name, text, fragment) in [
        ("rates.csv", "", "no rows"),
        ("rates.csv", "0,1\n", "line 1: expected the header"),
        ("rates.csv", "time_s,rate\n5,1\n", "line 2: the first time must be 0"),
        ("rates.csv", "time_s,rate\n0,1\n5,1\n4,1\n", "line 4: times must not go back"),
        ("rates.csv", "time_s,rate\n0,nan\n", "line 2: rate is `nan`"),
        ("rates.csv", "time_s,rate\n0,-1\n", "must be from 0"),
        ("rates.csv", "time_s,rate\n0,1e10\n", "must be from 0"),
        ("rates.csv", "time_s,rate\n0,1,2\n", "expected 2 fields, found 3"),
        ("rates.csv", "time_s,rate\n0,1;5\n", "not a number"),
        ("times.csv", "a\nb\n", "line 2: expected a duration"),
        ("times.csv", "a\n", "no rows"),
        ("times.csv", "1\n-1\n", "line 2: a sample is `-1`"),
        ("times.csv", "1,2\n", "expected 1 field"),
    ] {
        let before = fs::read(folder.path().join(name)).unwrap();
        write(name, text);
        let found = load().expect_err(text);
        assert!(said(&found).contains(fragment) && code(&found) == "E025", "{text:?}: {found}");
        assert!(found.position(&found.problems()[0]).is_some() && !found.is_machine_failure());
        fs::write(folder.path().join(name), before).unwrap();
    }
    fs::write(folder.path().join("times.csv"), b"1\n\xff\xfe\n").unwrap();
    let found = load().unwrap_err();
    assert!(said(&found).contains("UTF-8") && code(&found) == "E025", "{found}");
    fs::remove_file(folder.path().join("times.csv")).unwrap();
    let found = load().unwrap_err();
    assert!(said(&found).contains("no such file") && code(&found) == "E024", "{found}");
    assert_eq!(found.exit_status(), 2);
}

#[test]
fn files_that_are_no_scenarios_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    let load = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        scenario::load(&path, &[]).expect_err("bad file")
    };
    assert_eq!(code(&load(b"name: \xff\xfe")), "E003");
    assert_eq!(code(&load(b"\xff\xfen\0a\0m\0e\0")), "E003");
    assert_eq!(code(&load(&vec![b'#'; 10 << 20])), "E002");
    assert_eq!(code(&load(b"")), "E004");
    let found = scenario::load(&folder.path().join("none.yaml"), &[]).unwrap_err();
    assert!(code(&found) == "E006" && found.exit_status() == 2 && found.to_string().contains("none.yaml"), "{found}");
    let found = scenario::load(folder.path(), &[]).unwrap_err();
    assert!(code(&found) == "E006" && found.exit_status() == 2 && found.to_string().contains("a folder"), "{found}");
    // A BOM is no error.
    fs::write(&path, format!("\u{feff}{SMALLEST}")).unwrap();
    assert!(scenario::load(&path, &[]).is_ok());
    let found = load(format!("\u{feff}nome: a\n{SMALLEST}").as_bytes());
    assert_eq!(found.position(&found.problems()[0]).map(|(_, line, column)| (line, column)), Some((1, 1)));
}

/// Reading this process's memory from address 0 is an I/O error: the machine's failure, not the user's.
#[test]
#[cfg(target_os = "linux")]
fn a_failing_disk_is_no_bad_input() {
    let found = scenario::load(std::path::Path::new("/proc/self/mem"), &[]).unwrap_err();
    assert!(found.is_machine_failure() && found.exit_status() == 3 && code(&found) == "E006", "{found}");
}

/// Hostile texts end in a message, and soon: the limit is far above what they take (well under a second), and far below
/// what an explosion would.
#[test]
fn hostile_texts_end_soon() {
    on_a_main_stack(read_hostile_texts);
}

fn read_hostile_texts() {
    let mut bomb = String::from("a: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for i in 1..12 {
        let uses = vec![format!("*a{}", i - 1); 9].join(",");
        bomb.push_str(&format!("b{i}: &a{i} [{uses}]\n"));
    }
    let nested: String = (0..5_000).map(|i| format!("{}a:\n", " ".repeat(i % 200))).collect();
    let deep: String = (0..500).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    let many = |line: &str, n: usize| line.repeat(n);
    let servers = |item: &str, n| format!("name: a\nservers:\n{}clients: []\n", many(item, n));
    for (name, text, code_wanted) in [
        ("alias bomb", bomb, "E002"),
        ("brackets", many("[", 500_000), "E002"),
        ("braces", many("{a: ", 200_000), "E002"),
        ("deep", deep, "E002"),
        ("large", many("# ", 1 << 20), "E002"),
        ("duplicates", nested, ""),
        ("one long line", format!("name: {}", many("a", 1_000_000)), "E012"),
        ("unknown keys", many("k: 1\n", 30_000), ""),
        ("bad servers", servers("- { replica: 1 }\n", 25_000), ""),
        ("same names", servers("- { name: a }\n", 25_000), ""),
        ("quotes", many("\"", 100_000), ""),
        ("anchors", many("- &a 1\n", 50_000), ""),
    ] {
        let begin = Instant::now();
        let found = read(&text, &[]).expect_err(name);
        let said = found.to_string();
        let took = begin.elapsed();
        assert!(code_wanted.is_empty() || code(&found) == code_wanted, "{name}: {}", &said[..said.len().min(500)]);
        assert!(took < Duration::from_secs(20), "{name} took {took:?}");
        assert!(said.len() < 100_000, "{name}: a message of {} bytes", said.len());
        println!("{name}: {took:?}");
    }
}
