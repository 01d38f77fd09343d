//! Stacks: a preset is its plain settings, and what came into the model with them, through the engine.

use crate::support;

use evenkeel::model::stack::Stack;
use evenkeel::model::{EarlyRequest, Protocol};
use evenkeel::scenario::effective::Origin;
use evenkeel::scenario::{self, Loaded};
use evenkeel::sim::observation::{CloseReason, Observation, Observer};
use evenkeel::units::Time;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use statrs::distribution::{Binomial, Discrete};
use support::family::Family;
use support::runs::{model, observed, over_seeds};
use support::stats::{chi_square, ks_two_samples, pool};

fn load(client: &str) -> Loaded {
    let text = format!(
        "name: stacks\nduration: 1m\nservice: {{ type: Headless }}\nservers: [{{ name: s, replicas: 3 }}]\n\
         clients: [{{ name: c, channels: 2, load: {{ open: {{ rate: 10 }} }}, {client} }}]\n"
    );
    scenario::parse("stacks.yaml", &text, None, &[]).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// Each stack, the policy that it is shown with, and its settings written out, from the sources that core/src/model/stack.rs names.
const PLAIN: [(Stack, &str, &str); 5] = [
    (
        Stack::Go,
        "round_robin",
        "policy: { round_robin: { start: random_order } }, connect: first_call, \
         resolver: { min_interval: 30s, early: defer_and_remember }, \
         backoff: { base: 1s, multiplier: 1.6, jitter: 20%, jitter_first: false, max: 2m, from: attempt_end }, \
         connect_timeout: 20s, idle_timeout: 30m, shared_subchannels: false, \
         keepalive: { time: 30s, wake: at_once, bdp_ping: true, tcp_user_timeout: true, slow_down: true }",
    ),
    (
        Stack::CCore,
        "round_robin",
        "policy: { round_robin: { start: random } }, connect: first_call, resolver: { min_interval: 30s, early: defer }, \
         backoff: { base: 1s, multiplier: 1.6, jitter: 20%, jitter_first: true, max: 2m, from: attempt_start }, \
         connect_timeout: 20s, idle_timeout: 30m, shared_subchannels: true, \
         keepalive: { time: 30s, wake: next_tick, bdp_ping: true, tcp_user_timeout: true, tcp_user_timeout_of_dials: true, slow_down: true, \
                      throttle: { free: 2, interval: 1m } }",
    ),
    (
        Stack::Java,
        "round_robin",
        "policy: { round_robin: { start: continue } }, connect: first_call, resolver: { min_interval: 30s, early: drop }, \
         backoff: { base: 1s, multiplier: 1.6, jitter: 20%, jitter_first: true, max: 2m, from: attempt_start }, \
         connect_timeout: 30s, idle_timeout: 30m, shared_subchannels: false, \
         keepalive: { time: 30s, wake: at_once, bdp_ping: false, tcp_user_timeout: true, tcp_user_timeout_of_dials: true, slow_down: true }",
    ),
    (
        Stack::Node,
        "round_robin",
        "policy: { round_robin: { start: next_subchannel } }, connect: first_call, resolver: { min_interval: 30s, early: defer }, \
         backoff: { base: 1s, multiplier: 1.6, jitter: 20%, jitter_first: false, max: 2m, from: attempt_start }, \
         idle_timeout: 30m, shared_subchannels: true, \
         keepalive: { time: 30s, wake: at_once, bdp_ping: false, tcp_user_timeout: false, slow_down: true }",
    ),
    (
        Stack::Tonic,
        "pick_first",
        "policy: pick_first, connect: start, resolver: { min_interval: 0s, early: drop }, backoff: { per_call: true }, \
         idle_timeout: 0s, shared_subchannels: false, \
         keepalive: { time: 30s, wake: at_once, bdp_ping: false, tcp_user_timeout: false, slow_down: false }",
    ),
];

#[test]
fn a_stack_is_its_plain_settings() {
    for (stack, policy, plain) in PLAIN {
        let named = load(&format!("stack: {}, policy: {policy}, keepalive: {{ time: 30s }}", stack.name()));
        let mut written = load(plain);
        // There is no way to write that a dial has no limit but TCP's own.
        if matches!(stack, Stack::Node | Stack::Tonic) {
            let Protocol::Grpc(grpc) = &mut written.model.clients[0].protocol else { panic!("gRPC") };
            grpc.connect_timeout = None;
            assert_eq!(named.model, written.model, "{}", stack.name());
            continue;
        }
        assert_eq!(named.model, written.model, "{}", stack.name());
        assert_eq!(named.scenario_hash, written.scenario_hash, "the name of a stack means nothing by itself");
    }
    let (dash, underscore) = (load("stack: c-core, policy: round_robin"), load("stack: c_core, policy: round_robin"));
    assert_eq!((dash.model, dash.scenario_hash), (underscore.model, underscore.scenario_hash));
}

#[test]
fn each_setting_of_a_stack_can_be_overridden_and_says_where_it_comes_from() {
    let loaded = load("stack: java, policy: round_robin, resolver: { early: defer }, keepalive: { time: 30s }");
    let Protocol::Grpc(grpc) = &loaded.model.clients[0].protocol else { panic!("gRPC") };
    assert_eq!(grpc.resolver.early, EarlyRequest::Defer);
    let origin = |path: &str| {
        let row = loaded.effective.iter().find(|row| row.path == format!("clients.c.{path}"));
        row.map(|row| (row.value.as_str(), row.origin)).unwrap_or_else(|| panic!("{path}"))
    };
    let java = Origin::Stack(Stack::Java);
    assert_eq!(java.to_string(), "stack java");
    for (path, expected) in [
        ("stack", ("java", Origin::Yours)),
        ("resolver.early", ("defer", Origin::Yours)),
        ("resolver.min_interval", ("30s", java)),
        ("policy", ("round_robin", Origin::Yours)),
        ("policy.round_robin.start", ("continue", java)),
        ("connect", ("first_call", java)),
        ("backoff.from", ("attempt_start", java)),
        ("connect_timeout", ("30s", java)),
        ("idle_timeout", ("30m", java)),
        ("shared_subchannels", ("false", java)),
        ("keepalive.bdp_ping", ("false", java)),
        ("keepalive.timeout", ("20s", Origin::Default)),
        ("wait_for_ready", ("false", Origin::Default)),
    ] {
        assert_eq!(origin(path), expected, "{path}");
    }
    assert_eq!(load("policy: pick_first").effective.iter().filter(|row| row.path.ends_with(".stack")).count(), 0);
}

/// When things happened, in seconds.
#[derive(Default)]
struct Seen {
    made: Vec<f64>,
    dialled: Vec<f64>,
    connected: Vec<(f64, u32)>,
    resolved: Vec<f64>,
    answered: Vec<f64>,
    failed: Vec<f64>,
    ends: Vec<(f64, CloseReason)>,
}

impl Observer for Seen {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        let now = at.as_secs_f64();
        match *what {
            Observation::Emitted { .. } => self.made.push(now),
            Observation::Dialled { .. } => self.dialled.push(now),
            Observation::Connected { pod, .. } => self.connected.push((now, pod.0)),
            Observation::Resolved { .. } => self.resolved.push(now),
            Observation::Completed { .. } => self.answered.push(now),
            Observation::Failed { .. } => self.failed.push(now),
            Observation::Closed(record) => self.ends.extend(record.reason.map(|reason| (now, reason))),
            _ => {}
        }
    }
}

fn run(text: &str) -> Seen {
    observed::<Seen>(&model(text), 1).0
}

fn gaps(times: &[f64]) -> Vec<f64> {
    times.windows(2).map(|w| w[1] - w[0]).collect()
}

/// A dial into a black hole takes as long as `connect_timeout` says. A delay that is counted from its start is over by then, until
/// delays are longer than that.
#[test]
fn a_delay_is_counted_from_the_start_or_the_end_of_an_attempt() {
    let dials = |from: &str| {
        run(&format!(
            "name: hole\nduration: 2m\nservers: [{{ name: s, replicas: 1 }}]\n\
             timeline: [{{ at: 1s, black_hole: {{ server: s }} }}]\n\
             clients: [{{ name: c, start: {{ at: 2s }}, backoff: {{ from: {from}, jitter: 0 }}, connect_timeout: 4s, wait_for_ready: true, \
             load: {{ open: {{ rate: 1 }} }} }}]\n"
        ))
        .dialled
    };
    let delays: Vec<f64> = (0..7).map(|k| 1.6f64.powi(k)).collect();
    let near = |got: &[f64], want: &[f64]| got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6) && got.len() > 5;
    let from_end: Vec<f64> = delays.iter().map(|d| 4.0 + d).collect();
    let from_start: Vec<f64> = delays.iter().map(|d| d.max(4.0)).collect();
    assert!(near(&gaps(&dials("attempt_end")), &from_end), "{:?}", gaps(&dials("attempt_end")));
    assert!(near(&gaps(&dials("attempt_start")), &from_start), "{:?}", gaps(&dials("attempt_start")));
}

/// Calls for a minute, then none for nine, and again. A round trip takes 1 ms.
fn pausing(kind: &str, client: &str) -> Seen {
    run(&format!(
        "name: pausing\nduration: 11m\ncluster: {{ rtt: 1ms, connect: 0s }}\n{kind}\n\
         servers: [{{ name: s, replicas: 20, service_time: 1ms }}]\n\
         clients: [{{ name: c, {client}, load: {{ open: {{ curve: [{{ at: 0s, rate: 5 }}, {{ at: 1m, rate: 5 }}, {{ at: 1m, rate: 0 }}, \
         {{ at: 10m, rate: 0 }}, {{ at: 10m, rate: 5 }}] }} }} }}]\n"
    ))
}

#[test]
fn an_idle_channel_closes_its_connections_and_begins_anew() {
    let (virtual_ip, pods) = ("", "service: { type: Headless }\n");
    let seen = pausing(virtual_ip, "idle_timeout: 2m");
    let last = seen.answered.iter().copied().filter(|t| *t < 600.0).fold(0.0, f64::max);
    let [(closed, reason)] = seen.ends[..] else { panic!("{:?}", seen.ends) };
    assert_eq!(reason, CloseReason::ClientIdle);
    assert!((closed - (last + 120.0)).abs() < 1e-9, "two minutes after the last call's end");
    let [first, second] = seen.connected[..] else { panic!("{:?}", seen.connected) };
    let next_call = seen.made.iter().copied().find(|t| *t > 600.0).expect("calls come again");
    assert!((second.0 - next_call - 0.001).abs() < 1e-9, "dialled for the next call");
    assert_ne!(first.1, second.1, "kube-proxy draws anew: another one of 20 pods, with this seed");
    assert!(seen.failed.is_empty());
    // Over pods, the name is looked up at once, though the last answer is older than 30 s in any case: see the next test.
    let seen = pausing(pods, "policy: round_robin, idle_timeout: 2m");
    assert_eq!(seen.ends.iter().filter(|e| e.1 == CloseReason::ClientIdle).count(), 20);
    assert_eq!((seen.resolved.len(), seen.connected.len(), seen.failed.len()), (2, 40, 0));
    for client in ["idle_timeout: 0s", "idle_timeout: 10m", "connect: start"] {
        let seen = pausing(virtual_ip, client);
        assert_eq!((seen.connected.len(), seen.ends.len()), (1, 0), "{client}");
    }
}

/// A channel that was idle has forgotten when it last asked: there is no 30 s floor, and what was deferred is void.
#[test]
fn an_idle_channel_forgets_its_resolver() {
    let text = "name: forgets\nduration: 40s\ncluster: { rtt: 1ms, connect: 0s, dns: { cache: none } }\nservice: { type: Headless }\n\
        servers: [{ name: s, replicas: 2, service_time: 1ms, startup: 1s }]\n\
        timeline: [{ at: 1s, kill: { server: s, pods: 1 } }]\n\
        clients: [{ name: c, policy: round_robin, idle_timeout: 5s, load: { open: { \
        curve: [{ at: 0s, rate: 50 }, { at: 3s, rate: 50 }, { at: 3s, rate: 0 }, { at: 15s, rate: 0 }, { at: 15s, rate: 50 }] } } }]\n";
    let seen = run(text);
    let idle = seen.ends.iter().filter(|e| e.1 == CloseReason::ClientIdle).map(|e| e.0).collect::<Vec<_>>();
    assert!(idle.len() == 2 && idle.iter().all(|t| (7.5..8.5).contains(t)), "{idle:?}");
    // The kill asked for a lookup, which was put off to 30 s. The next call is in a new life.
    assert!(seen.resolved.len() == 2 && (15.0..16.0).contains(&seen.resolved[1]), "{:?}", seen.resolved);
}

#[test]
fn channels_that_share_have_one_connection() {
    let opened = |client: &str, kind: &str| {
        let text = format!(
            "name: shared\nduration: 10s\n{kind}\nservers: [{{ name: s, replicas: 5 }}]\n\
             clients: [{{ name: c, channels: 5, {client}, load: {{ open: {{ rate: 100 }} }} }}]\n"
        );
        run(&text).connected.len()
    };
    let pods = "service: { type: Headless }\n";
    for (client, behind_one_ip, round_robin) in [
        ("stack: go", 5, 25),
        ("stack: java", 5, 25),
        ("stack: c_core", 1, 5),
        ("stack: node", 1, 5),
        ("stack: c_core, shared_subchannels: false", 5, 25),
        ("shared_subchannels: true", 1, 5),
    ] {
        assert_eq!(opened(client, ""), behind_one_ip, "{client}");
        assert_eq!(opened(&format!("{client}, policy: round_robin"), pods), round_robin, "{client}");
    }
    // Each channel takes the first address of its own answer: they share by chance, which is not modelled.
    assert_eq!(opened("stack: c_core", pods), 5);
}

/// tonic has no back-off: each call that finds no connection is an attempt, and fails with it. grpc-go tries three times in 3 s.
#[test]
fn without_back_off_each_call_is_an_attempt() {
    let outage = |stack: &str| {
        let seen = run(&format!(
            "name: outage\nduration: 20s\ncluster: {{ rtt: 1ms, connect: 0s, endpoint_lag: 0s }}\n\
             servers: [{{ name: s, replicas: 1, service_time: 1ms, startup: 4s }}]\n\
             timeline: [{{ at: 10s, kill: {{ server: s }} }}]\n\
             clients: [{{ name: c, stack: {stack}, load: {{ open: {{ rate: 20, arrivals: constant }} }} }}]\n"
        ));
        let inside = |times: &[f64]| times.iter().filter(|t| (10.01..13.99).contains(*t)).count();
        (inside(&seen.made), inside(&seen.dialled), inside(&seen.failed))
    };
    let (made, dialled, failed) = outage("tonic");
    assert!(made >= 78 && dialled == made && failed == made, "{made} calls, {dialled} dials, {failed} failures");
    let (_, dialled, failed) = outage("go");
    assert!(dialled == 3 && failed >= 78, "at once, after 1 s, and 1.28 to 1.92 s later: {dialled}");
}

/// tonic's `balance_list`: a connection per address, calls at random. What fails to connect is tried again with each call, and no more
/// often, and calls go to the others meanwhile; the pod that is back is connected to by the next call.
#[test]
fn tonics_balance_is_random_and_connects_per_call() {
    let text = |more: &str| {
        format!(
            "name: balance\nduration: 20s\nservice: {{ type: Headless }}\ncluster: {{ rtt: 1ms, connect: 0s, endpoint_lag: 1m }}\n\
             servers: [{{ name: s, replicas: 3, service_time: 1ms, startup: 4s }}]\n\
             timeline: [{{ at: 10s, kill: {{ server: s }} }}]\n\
             clients: [{{ name: c, stack: tonic, policy: random{more}, load: {{ open: {{ rate: 20, arrivals: constant }} }} }}]\n"
        )
    };
    for more in ["", ", backoff: { per_call: true }"] {
        let seen = run(&text(more));
        let during = |times: &[f64]| times.iter().filter(|t| (10.01..13.99).contains(*t)).count();
        assert!(seen.failed.len() <= 1, "those that were in the pod: {:?}", seen.failed);
        let (made, dialled) = (during(&seen.made), during(&seen.dialled));
        assert!(made >= 78 && made.abs_diff(dialled) <= 1, "{made} calls, {dialled} dials");
        let back = seen.connected.last().expect("it connects");
        assert!(back.1 == 0 && back.0 > 14.0 && back.0 < 14.1, "{back:?}");
    }
}

const SUBSET_CLIENTS: u64 = 60;
const SUBSET_PODS: usize = 30;
const SUBSET_SIZE: usize = 9;
const SUBSET_RUNS: u64 = 300;

/// Established connections per pod.
#[derive(Default)]
struct PerPod(Vec<u64>);

impl Observer for PerPod {
    fn observe(&mut self, _: Time, what: &Observation<'_>) {
        match *what {
            Observation::PodCreated { .. } => self.0.push(0),
            Observation::Connected { pod, .. } => self.0[pod.0 as usize] += 1,
            Observation::Draining { pod, .. } => self.0[pod.0 as usize] -= 1,
            _ => {}
        }
    }
}

fn subsets(seconds: u32, more: &str) -> String {
    format!(
        "name: subsets\nduration: {seconds}s\nservice: {{ type: Headless }}\nservers: [{{ name: s, replicas: {SUBSET_PODS} }}]\n\
         clients: [{{ name: c, replicas: {SUBSET_CLIENTS}, policy: round_robin, subset: {{ size: {SUBSET_SIZE} }}, \
         load: {{ open: {{ rate: 60 }} }} }}]\n{more}"
    )
}

/// Subsets without a hash: each client takes distinct pods at random (Floyd), seeds 1001 to 1300.
fn ideal() -> Vec<Vec<u64>> {
    let run = |seed: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut counts = vec![0; SUBSET_PODS];
        for _ in 0..SUBSET_CLIENTS {
            let mut chosen = [false; SUBSET_PODS];
            for last in SUBSET_PODS - SUBSET_SIZE..SUBSET_PODS {
                let i = (rng.next_u64() % (last as u64 + 1)) as usize;
                chosen[if chosen[i] { last } else { i }] = true;
            }
            chosen.iter().zip(&mut counts).for_each(|(c, n)| *n += u64::from(*c));
        }
        counts
    };
    (1_001..=1_000 + SUBSET_RUNS).into_par_iter().map(run).collect()
}

/// What is exact of one pod is its law, binomial; of the extremes of 30 pods, whose counts add up to 540, the law of random subsets.
fn subset_family(runs: &[Vec<u64>]) -> Family {
    let mut family = Family::named("closed form: subsets");
    let law = Binomial::new(SUBSET_SIZE as f64 / SUBSET_PODS as f64, SUBSET_CLIENTS).expect("a law");
    let mut seen = vec![0.0; SUBSET_CLIENTS as usize + 1];
    // One pod per run: those of a run are not independent.
    runs.iter().enumerate().for_each(|(run, counts)| seen[counts[run % SUBSET_PODS] as usize] += 1.0);
    let expected: Vec<f64> = (0..=SUBSET_CLIENTS).map(|k| law.pmf(k) * runs.len() as f64).collect();
    let (seen, expected) = pool(&seen, &expected);
    family.add("connections per pod are binomial", chi_square(&seen, &expected, 0));
    let extremes = |runs: &[Vec<u64>], most: bool| -> Vec<f64> {
        runs.iter().map(|r| *(if most { r.iter().max() } else { r.iter().min() }).expect("pods") as f64).collect()
    };
    let ideal = ideal();
    family.add("the least", ks_two_samples(&extremes(runs, false), &extremes(&ideal, false)));
    family.add("the most", ks_two_samples(&extremes(runs, true), &extremes(&ideal, true)));
    family
}

#[test]
fn random_subsets_are_as_uneven_as_chance() {
    let runs = over_seeds(&model(&subsets(1, "")), 1..=SUBSET_RUNS, |seen: PerPod| seen.0);
    assert!(runs.iter().all(|counts| counts.iter().sum::<u64>() == SUBSET_CLIENTS * SUBSET_SIZE as u64));
    subset_family(&runs).assert_holds();
}

#[test]
fn subsets_that_all_replicas_share_are_not() {
    // Wrong model: two clients of three have the seed of another one, as if it came from a configuration.
    let few = subsets(1, "").replace("replicas: 60, policy", "replicas: 20, policy");
    let thrice = |seen: PerPod| seen.0.iter().map(|n| 3 * n).collect();
    subset_family(&over_seeds(&model(&few), 1..=SUBSET_RUNS, thrice)).assert_rejected();
}

/// An age moves connections within a subset, and never out of it: who is unlucky stays so.
#[test]
fn uneven_subsets_stay_uneven() {
    let counts = |seconds: u32| observed::<PerPod>(&model(&subsets(seconds, "")), 1).0.0;
    let aged = subsets(900, "").replace("replicas: 30 }", "replicas: 30, grpc: { max_connection_age: 1m } }");
    let aged = observed::<PerPod>(&model(&aged), 1).0.0;
    let start = counts(1);
    assert_eq!(counts(1_200), start);
    assert_eq!(aged, start);
    assert!(start.iter().max() >= start.iter().min().map(|least| least + 8).as_ref(), "{start:?}");
}
