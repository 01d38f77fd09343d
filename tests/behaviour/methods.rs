//! A mix of methods: what each call is, costs and waits for is drawn with the call, whoever serves it and however.

use crate::support;

use evenkeel::experiment;
use evenkeel::metrics::outcome::{MethodSummary, Summary};
use evenkeel::scenario;
use support::family::Family;
use support::stats::{binomial, t_mean};

fn summary(text: &str, seed: u64) -> Summary {
    let loaded = scenario::parse("a.yaml", text, None, &[]).unwrap_or_else(|error| panic!("{error}\n{text}"));
    experiment::run(&loaded, seed, false, None).expect("runs").summary
}

const MIX: &str = "methods: [{ name: Get, share: 90%, deadline: 50ms }, { name: Search, share: 10%, cost: 20 }]";

fn run(client: &str, load: &str, seed: u64) -> Summary {
    summary(
        &format!(
            "name: mix\nduration: 50s\nservice: {{ type: Headless }}\ncluster: {{ rtt: 1ms }}\n\
             servers: [{{ name: s, replicas: 4, concurrency: 4, service_time: {{ exponential: {{ mean: 2ms }} }} }}]\n\
             clients: [{{ name: c, replicas: 3, {client}, load: {{ {load} }} }}]\n"
        ),
        seed,
    )
}

fn shares(methods: &[MethodSummary]) -> Vec<(&str, u64)> {
    methods.iter().map(|m| (m.method.as_str(), m.started)).collect()
}

/// Policies see the same calls of the same methods; without the mix they would have been the same calls, too.
#[test]
fn calls_are_of_the_same_methods_whoever_serves_them() {
    let open = format!("open: {{ rate: 400 }}, {MIX}");
    let in_turn = run("policy: round_robin", &open, 1);
    for other in ["policy: random", "policy: pick_first", "policy: least_request", "policy: round_robin, deadline: 1s"]
    {
        let other = run(other, &open, 1);
        assert_eq!(other.arrivals_digest, in_turn.arrivals_digest);
        assert_eq!(shares(&other.methods), shares(&in_turn.methods));
    }
    let alike = run("policy: round_robin", "open: { rate: 400 }", 1);
    assert_eq!(alike.arrivals_digest, in_turn.arrivals_digest);
    assert!(alike.methods.is_empty() && alike.digest != in_turn.digest);
}

/// Every call has one method, and every call ends once.
#[test]
fn methods_add_up() {
    for load in [format!("open: {{ rate: 400 }}, {MIX}"), format!("closed: {{ concurrency: 30 }}, {MIX}")] {
        let run = run("policy: pick_first", &load, 1);
        let sum = |of: fn(&MethodSummary) -> u64| run.methods.iter().map(of).sum::<u64>();
        let all = &run.requests;
        let by_method = (sum(|m| m.started), sum(|m| m.ok), sum(|m| m.failed), sum(|m| m.unfinished));
        assert_eq!(by_method, (all.started, all.ok, all.failed, all.unfinished));
    }
}

/// Pods with room: a call takes the round trip and its service time, twenty times as long for one method and cut off by a deadline for
/// the other. 30 runs, seeds 1 to 30.
#[test]
fn methods_have_their_shares_costs_and_deadlines() {
    let runs: Vec<Summary> =
        (1..=30).map(|seed| run("policy: round_robin", &format!("open: {{ rate: 100 }}, {MIX}"), seed)).collect();
    let mut family = Family::named("closed form: methods");
    let started = |i: usize| runs.iter().map(|r| r.methods[i].started).sum::<u64>();
    family.add("share", binomial(started(1), started(0) + started(1), 0.1));
    let mean = |i: usize| -> Vec<f64> { runs.iter().map(|r| r.methods[i].latency_ms.mean.expect("calls")).collect() };
    // The chance that a call of the cheap one takes 49 ms in a slot is e^-24.5; nobody waits: 3 of 16 slots are in use.
    family.add("cheap", t_mean(&mean(0), 1.0 + 2.0));
    family.add("dear", t_mean(&mean(1), 1.0 + 40.0));
    family.assert_holds();
    let longest = |i: usize| runs.iter().filter_map(|r| r.methods[i].latency_ms.max).fold(0.0, f64::max);
    assert!(longest(0) < 50.0 && longest(1) > 100.0);
}

/// Each method has its own deadline, and one that has none takes the client's.
#[test]
fn deadlines_are_by_method() {
    let hopeless = "methods: [{ name: quick, share: 50%, deadline: 10ms }, { name: patient, share: 50% }]";
    let text = format!(
        "name: mix\nduration: 20s\nservers: [{{ name: s, concurrency: 1000, service_time: 100ms }}]\n\
         clients: [{{ name: c, deadline: DEADLINE, load: {{ open: {{ rate: 50 }}, {hopeless} }} }}]\n"
    );
    for (deadline, answers) in [("99ms", false), ("200ms", true)] {
        let run = summary(&text.replace("DEADLINE", deadline), 1);
        let [quick, patient] = run.methods.as_slice() else { panic!("two methods") };
        assert_eq!((quick.ok, patient.failed == 0, patient.ok > 0), (0, answers, answers));
        assert_eq!(run.requests.by_status["DEADLINE_EXCEEDED"], quick.failed + patient.failed);
    }
}
