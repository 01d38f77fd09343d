//! What holds in every run, on random scenarios over the whole model. In this profile the engine also audits itself
//! (`sim::audit`) at the end of each window: streams, slots, queues, subchannels and pools add up.

mod support;

use std::sync::atomic::{AtomicU32, Ordering};

use evenkeel::experiment;
use evenkeel::observe::{ConnectionSink, Recorder, RecorderOptions};
use evenkeel::scenario::{self, Loaded};
use evenkeel::sim::{Options, simulate_dyn};
use evenkeel::units::Span;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use support::journal::Journal;
use support::strategies::{Scenario, scenario};
use support::watchdog::Watchdog;

/// Scenarios per property: `EVENKEEL_CASES` for a longer hunt.
fn config() -> Config {
    let from = |name, otherwise| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise);
    Config {
        cases: from("EVENKEEL_CASES", 250) as u32,
        rng_seed: RngSeed::Fixed(from("EVENKEEL_SEED", 1)),
        max_global_rejects: 1 << 30,
        max_shrink_iters: 400,
        failure_persistence: None,
        ..Config::default()
    }
}

/// What the scenario means; `None` if the reader refuses it.
fn load(scenario: &Scenario) -> Option<Loaded> {
    let loaded = scenario::parse("random.yaml", &scenario.0, None, &[]);
    if std::env::var_os("EVENKEEL_REFUSED").is_some()
        && let Err(refused) = &loaded
    {
        eprintln!("{refused}");
    }
    loaded.ok()
}

/// Scenarios, shrunk, in which a promise was broken once, with their seeds.
const FOUND: &[(&str, u64)] = &[
    (
        r"name: stopped-clients-with-constant-spacing
duration: 5s
window: 1s
servers: [{ name: s, replicas: 2 }]
clients: [{ name: c, replicas: 2, strategy: { type: Recreate }, load: { open: { rate: 100, arrivals: constant } } }]
timeline: [{ at: 1s, rollout: c }]
",
        1,
    ),
    (
        r"name: nobody-serves-a-closed-http1-loop
duration: 20ms
window: 10ms
servers: [{ name: s, replicas: 0 }]
clients: [{ name: c, protocol: http1, load: { closed: { concurrency: 2 } } }]
",
        1,
    ),
    (
        r"name: random
duration: 5584ms
warmup: 0ms
window: 250ms
cluster: { nodes: 1, endpoint_lag: 13ms, rtt: 1ms }
service: { type: ClusterIP }
servers:
  - { name: s0, replicas: 3, concurrency: 1, service_time: { exponential: { mean: 84ms } }, handshake_time: 35ms, startup: { lognormal: { median: 370ms, sigma: 0.8 } }, min_ready: 224ms }
clients:
  - { name: c0, replicas: 2, start: { at: 0ms, spread: 387ms }, channels: 1, policy: { pick_first: { reconnect: lazy } }, dispatch: 23ms, load: { open: { rate: 5, arrivals: constant } }, startup: 756ms }
  - { name: c1, replicas: 1, channels: 1, policy: { pick_first: { reconnect: lazy } }, dispatch: 1ms, load: { closed: { concurrency: 1 } } }
  - { name: c2, replicas: 2, start: { at: 0ms, spread: 71ms }, deadline: 352ms, channels: 1, policy: round_robin, dispatch: 9ms, wait_for_ready: false, connect: first_call, backoff: { base: 156ms, multiplier: 1.4, jitter: 0.0, max: 468ms }, load: { open: { rate: 85, arrivals: poisson } }, strategy: { max_surge: 80%, max_unavailable: 0% } }
timeline:
  - { at: 737ms, rollout: s0 }
  - { at: 1664ms, rollout: c0 }
  - { at: 5254ms, scale: { server: s0, replicas: 5 } }
  - { at: 5550ms, kill: { server: s0, pods: 5 } }
",
        76,
    ),
    (
        r"name: random
duration: 4000ms
warmup: 0ms
window: 250ms
cluster: { nodes: 1, endpoint_lag: 238ms, rtt: 1ms }
service: { type: ClusterIP }
servers:
  - { name: s0, replicas: 2, concurrency: 1, service_time: { exponential: { mean: 67ms } }, handshake_time: 33ms, startup: { lognormal: { median: 499ms, sigma: 0.8 } }, min_ready: 225ms }
clients:
  - { name: c0, replicas: 2, channels: 1, policy: { pick_first: { reconnect: lazy } }, dispatch: 21ms, load: { open: { rate: 70, arrivals: constant } }, startup: 1ms }
  - { name: c1, replicas: 1, channels: 1, policy: { pick_first: { reconnect: lazy } }, dispatch: 1ms, load: { open: { rate: 1, arrivals: poisson } } }
  - { name: c2, replicas: 1, start: { at: 0ms, spread: 4ms }, deadline: 352ms, channels: 1, policy: round_robin, dispatch: 9ms, wait_for_ready: false, connect: first_call, backoff: { base: 156ms, multiplier: 1.4, jitter: 0.0, max: 468ms }, load: { open: { rate: 85, arrivals: poisson } }, strategy: { max_surge: 80%, max_unavailable: 0% } }
timeline:
  - { at: 528ms, rollout: s0 }
  - { at: 1192ms, rollout: c0 }
  - { at: 3764ms, scale: { server: s0, replicas: 5 } }
  - { at: 3976ms, kill: { server: s0, pods: 5 } }
",
        76,
    ),
    (
        r"name: random
duration: 6608ms
warmup: 0ms
window: 250ms
cluster: { dns: { cache: none }, nodes: 1, endpoint_lag: 0ms, rtt: 1ms, connect: { uniform: { min: 4ms, max: 8ms } } }
service: { type: Headless }
servers:
  - { name: s0, replicas: 4, concurrency: 2, service_time: { lognormal: { median: 22ms, sigma: 0.8 } }, startup: { pareto: { min: 183ms, alpha: 2.5 } }, grpc: { max_connection_idle: 347ms } }
clients:
  - { name: c0, replicas: 2, channels: 1, policy: { round_robin: { start: random_order } }, dispatch: 1ms, load: { open: { rate: 109, arrivals: constant } } }
  - { name: c1, replicas: 1, channels: 1, policy: { round_robin: { start: random_order } }, dispatch: 1ms, load: { open: { rate: 14, arrivals: poisson } } }
  - { name: c2, replicas: 3, channels: 1, policy: { round_robin: { start: random } }, dispatch: 1ms, resolver: { min_interval: 791ms }, load: { open: { rate: 32, arrivals: constant } }, startup: 93ms }
timeline:
  - { at: 1414ms, rollout: c2 }
",
        639,
    ),
    (
        r"name: random
duration: 11057ms
warmup: 0ms
window: 250ms
cluster: { dns: { cache: none }, nodes: 1, endpoint_lag: 0ms, rtt: 11ms }
service: { type: Headless }
servers:
  - { name: s0, replicas: 1, concurrency: 1, service_time: 1ms, startup: 1746ms, termination: { pre_stop: 2165ms, grace: 2165ms }, grpc: { max_connection_age: 1281ms } }
clients:
  - { name: c0, replicas: 1, connection_lifetime: { max: 975ms, jitter: 80% }, channels: 2, policy: { pick_first: { reconnect: eager } }, dispatch: 1ms, load: { open: { curve: [{ at: 0s, rate: 22 }, { at: 2s, rate: 85 }], arrivals: poisson } } }
timeline:
  - { at: 5793ms, rollout: c0 }
  - { at: 8624ms, scale: { server: s0, replicas: 0 } }
",
        974,
    ),
    (
        r"name: random
duration: 12293ms
warmup: 0ms
window: 250ms
cluster: { dns: { ttl: 872ms, cache: core_dns }, nodes: 2, endpoint_lag: 321ms, rtt: 1ms }
service: { type: Headless }
servers:
  - { name: s0, replicas: 0, concurrency: 1, service_time: { uniform: { min: 13ms, max: 27ms } }, handshake_time: 26ms, startup: 1282ms, termination: { pre_stop: 2476ms, grace: 2476ms }, strategy: { max_surge: 0, max_unavailable: 2 }, grpc: { max_concurrent_streams: 1 } }
clients:
  - { name: c0, replicas: 1, connection_lifetime: { max: 1634ms, jitter: 60% }, channels: 1, policy: { round_robin: { start: random_order } }, dispatch: 1ms, wait_for_ready: true, resolver: { min_interval: 1ms }, load: { open: { rate: 21, arrivals: poisson } } }
timeline:
  - { at: 2470ms, scale: { server: s0, replicas: 5 } }
  - { at: 6257ms, rollout: s0 }
",
        392,
    ),
    (
        r"name: random
duration: 6198ms
warmup: 0ms
window: 250ms
cluster: { dns: { ttl: 395ms, cache: core_dns }, nodes: 1, endpoint_lag: 0ms, rtt: 1ms, connect: { uniform: { min: 8ms, max: 16ms } } }
service: { type: Headless }
servers:
  - { name: s0, replicas: 5, concurrency: 1, service_time: { exponential: { mean: 1ms } }, startup: 1ms, termination: { pre_stop: 1509ms, grace: 1509ms }, grpc: { max_connection_age: 53ms } }
clients:
  - { name: c0, replicas: 1, channels: 1, policy: { pick_first: { reconnect: lazy } }, dispatch: 1ms, resolver: { min_interval: 67ms }, load: { closed: { concurrency: 1 } } }
timeline:
  - { at: 2454ms, rollout: s0 }
",
        3,
    ),
    (
        r"name: random
duration: 6199ms
warmup: 0ms
window: 250ms
cluster: { dns: { cache: none }, nodes: 1, endpoint_lag: 0ms, rtt: 1ms, connect: { uniform: { min: 8ms, max: 17ms } } }
service: { type: Headless }
servers:
  - { name: s0, replicas: 5, concurrency: 1, service_time: { exponential: { mean: 1ms } }, startup: 1ms, termination: { pre_stop: 1508ms, grace: 1508ms }, grpc: { max_connection_age: 51ms } }
clients:
  - { name: c0, replicas: 1, channels: 1, policy: { pick_first: { reconnect: eager } }, dispatch: 1ms, resolver: { min_interval: 63ms }, load: { closed: { concurrency: 1 } } }
timeline:
  - { at: 3632ms, kill: { server: s0, pods: 3 } }
  - { at: 3657ms, rollout: s0 }
",
        176,
    ),
    (
        r"name: random
duration: 10163ms
warmup: 0ms
window: 250ms
cluster: { dns: { cache: none }, nodes: 2, endpoint_lag: { uniform: { min: 461ms, max: 1384ms } }, rtt: 9ms, connect: 31ms }
service: { type: Headless }
servers:
  - { name: s0, replicas: 5, concurrency: 2, service_time: 12ms, handshake_time: 13ms, startup: { mixture: [{ weight: 9, of: 1ms }, { weight: 1, of: 1ms }] }, grpc: { max_connection_age: 1722ms } }
clients:
  - { name: c0, replicas: 2, start: { at: 96ms, spread: 838ms }, channels: 2, policy: { round_robin: { start: random } }, dispatch: 45ms, load: { closed: { concurrency: 8 } } }
  - { name: c1, replicas: 1, start: { at: 176ms, spread: 1476ms }, protocol: http1, http1: { max_connections: 5, keep_alive: { order: fifo } }, load: { open: { curve: [{ at: 0s, rate: 83 }, { at: 2s, rate: 129 }], arrivals: poisson } } }
  - { name: c2, replicas: 1, connection_lifetime: { max: 268ms, jitter: 00% }, channels: 1, policy: { pick_first: { reconnect: eager, shuffle: true } }, dispatch: 1ms, backoff: { base: 10ms, multiplier: 1.0, jitter: 0.0, max: 30ms }, resolver: { min_interval: 1032ms }, load: { open: { rate: 15, arrivals: constant } }, startup: { lognormal: { median: 213ms, sigma: 0.8 } } }
timeline:
  - { at: 7734ms, kill: { server: s0, pods: 5 } }
",
        898,
    ),
    (
        r"name: random
duration: 9388ms
warmup: 0ms
window: 250ms
cluster: { dns: { cache: none }, nodes: 1, endpoint_lag: 780ms, rtt: 10ms, connect: { exponential: { mean: 19ms } } }
service: { type: Headless }
servers:
  - { name: s0, replicas: 2, concurrency: 1, service_time: 1ms, startup: 1ms, termination: { pre_stop: 3972ms, grace: 3972ms } }
clients:
  - { name: c0, replicas: 1, channels: 1, policy: { pick_first: { reconnect: lazy } }, dispatch: 1ms, load: { open: { rate: 1, arrivals: poisson } } }
  - { name: c1, replicas: 1, channels: 1, policy: { pick_first: { reconnect: lazy } }, dispatch: 1ms, load: { open: { rate: 1, arrivals: poisson } } }
  - { name: c2, replicas: 1, connection_lifetime: { max: 344ms, jitter: 00% }, channels: 1, policy: { pick_first: { reconnect: lazy } }, dispatch: 1ms, backoff: { base: 13ms, multiplier: 1.0, jitter: 0.6, max: 39ms }, resolver: { min_interval: 3213ms }, load: { open: { curve: [{ at: 0s, rate: 13 }, { at: 2s, rate: 72 }], arrivals: poisson } }, startup: { exponential: { mean: 888ms } }, strategy: { type: RollingUpdate } }
timeline:
  - { at: 628ms, rate: { client: c0, to: 20, over: 0ms } }
  - { at: 2469ms, rollout: s0 }
  - { at: 5745ms, scale: { server: s0, replicas: 1 } }
",
        506,
    ),
];

#[test]
fn what_was_broken_once_holds() {
    for (text, seed) in FOUND {
        let model = scenario::parse("found.yaml", text, None, &[]).unwrap_or_else(|error| panic!("{error}")).model;
        let mut watchdog = Watchdog::new(&model);
        let end = simulate_dyn(&model, *seed, Options { window: model.window, watch: None }, &mut watchdog);
        watchdog.finish(end.unwrap_or_else(|error| panic!("{text}{error}")));
        assert!(watchdog.broken.is_empty(), "{text}{:#?}", watchdog.broken);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_engine_keeps_its_promises(scenario in scenario(), seed in 0..1_000u64) {
        let Some(Loaded { model, .. }) = load(&scenario) else { return Err(TestCaseError::reject("refused")) };
        let mut watchdog = Watchdog::new(&model);
        let window = model.window;
        // A few seconds of a few clients take far fewer events than a million.
        let looks = AtomicU32::new(0);
        let watch = |_| looks.fetch_add(1, Ordering::Relaxed) > 30;
        let end = simulate_dyn(&model, seed, Options { window, watch: Some(&watch) }, &mut watchdog);
        let end = end.map_err(|error| TestCaseError::fail(error.to_string()))?;
        watchdog.finish(end);
        prop_assert!(watchdog.broken.is_empty(), "{:#?}", watchdog.broken);
    }

    #[test]
    fn the_summary_is_what_the_journal_says(scenario in scenario(), seed in 0..1_000u64) {
        let Some(Loaded { model, .. }) = load(&scenario) else { return Err(TestCaseError::reject("refused")) };
        let window = model.window.unwrap_or(Span::from_secs(1));
        let options = RecorderOptions { connections: ConnectionSink::Keep, ..RecorderOptions::default() };
        let mut both = (Recorder::new(&model, seed, window, options), Journal::of(&model));
        let end = simulate_dyn(&model, seed, Options { window: Some(window), watch: None }, &mut both);
        let end = end.map_err(|error| TestCaseError::fail(error.to_string()))?.at;
        let outcome = both.0.finish(end);
        both.1.check(&model, outcome.window_s, end, &outcome.summary);
    }

    #[test]
    fn the_same_seed_gives_the_same_run_and_another_one_another(scenario in scenario(), seed in 0..1_000u64) {
        let Some(loaded) = load(&scenario) else { return Err(TestCaseError::reject("refused")) };
        let run = |seed, whole| experiment::run(&loaded, seed, whole, None).map_err(|e| TestCaseError::fail(e.to_string()));
        let (once, again, other) = (run(seed, true)?.summary, run(seed, true)?.summary, run(seed + 1, true)?.summary);
        prop_assert_eq!(&once, &again);
        if once.requests.started > 20 {
            prop_assert_ne!(once.digest, other.digest);
        }
    }
}
