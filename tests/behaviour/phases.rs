//! Phases: where a run is cut, what the headline is of, and how long a change unbalances the load.

use evenkeel::experiment;
use evenkeel::metrics::outcome::{Outcome, Summary};
use evenkeel::{scenario, shipped};

fn run(text: &str, sets: &[&str]) -> Outcome {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let loaded = scenario::parse("phases.yaml", text, None, &sets).unwrap_or_else(|error| panic!("{error}"));
    experiment::run(&loaded, 1, true, None).unwrap()
}

/// (name, from, to, settled, pods) of each phase.
fn phases(summary: &Summary) -> Vec<(&str, f64, f64, bool, u64)> {
    summary.phases.iter().map(|p| (p.name.as_str(), p.from_s, p.to_s, p.settled, p.pods)).collect()
}

const BASE: &str = "
name: phases
duration: 5m
service: { type: Headless }
servers: [{ name: s, replicas: 4, startup: 10s, termination: { pre_stop: 5s } }]
clients: [{ name: web, replicas: 4, policy: round_robin, discovery: watch, load: { open: { rate: 200 } } }]
";

#[test]
fn a_run_without_changes_is_one_phase_with_the_figures_of_the_whole_run() {
    let summary = run(BASE, &["warmup=30s"]).summary;
    assert_eq!(phases(&summary), [("whole run", 30.0, 300.0, true, 4)]);
    assert_eq!(summary.headline_phase, Some(1));
    let (phase, whole) = (&summary.phases[0], &summary.skew.whole_run);
    assert_eq!(phase.skew, summary.skew.headline);
    assert_eq!(phase.requests, summary.pods.iter().map(|p| p.requests).sum::<u64>());
    assert!((phase.skew.max_over_mean.unwrap() - whole.max_over_mean.unwrap()).abs() < 1e-12);
    assert!(phase.latency_ms == summary.latency_ms && phase.failed == summary.requests.failed);
    let shares: f64 = summary.pods.iter().map(|p| p.now.as_ref().unwrap().share.unwrap()).sum();
    assert!((shares - 1.0).abs() < 1e-12);
}

/// A rollout of a fleet of four with a surge of one: eight pods in all, never more than four count beside each other.
#[test]
fn a_generation_never_counts_beside_its_successor() {
    let sets = ["timeline=[{ at: 1m, rollout: s }]", "servers.0.strategy={ max_surge: 1, max_unavailable: 0 }"];
    let summary = run(BASE, &sets).summary;
    let [before, during, after] = &summary.phases[..] else { panic!("{:?}", phases(&summary)) };
    assert_eq!((before.name.as_str(), before.from_s, before.to_s), ("before rollout of s", 0.0, 60.0));
    assert_eq!((during.name.as_str(), during.from_s, during.settled), ("during rollout of s", 60.0, false));
    assert_eq!((after.name.as_str(), after.settled, after.to_s), ("after rollout of s", true, 300.0));
    assert_eq!(during.to_s, after.from_s);
    // Four waves of ten seconds.
    assert!((100.0..110.0).contains(&after.from_s), "{}", after.from_s);
    assert_eq!((before.pods, after.pods, summary.headline_phase), (4, 4, Some(3)));
    assert!(summary.skew.headline.effective_pods.unwrap() <= 4.0);
    let now: Vec<&str> = summary.pods.iter().filter(|p| p.now.is_some()).map(|p| p.pod.as_str()).collect();
    assert_eq!(now, ["s-2-0", "s-2-1", "s-2-2", "s-2-3"]);
}

#[test]
fn changes_of_all_kinds_cut() {
    for (change, names) in [
        (
            "{ at: 1m, scale: { server: s, replicas: 6 } }",
            ["before", "during", "after"].map(|w| format!("{w} scale of s to 6 pods")),
        ),
        (
            "{ at: 1m, kill: { server: s, pods: 1 } }",
            ["before", "during", "after"].map(|w| format!("{w} kill of 1 pod of s")),
        ),
        (
            "{ at: 1m, delete: { server: s, pods: 2 } }",
            ["before", "during", "after"].map(|w| format!("{w} deletion of 2 pods of s")),
        ),
        (
            "{ at: 1m, slow: { server: s, pods: 1, factor: 3, for: 1m } }",
            ["before", "during", "after"].map(|w| format!("{w} slowness of 1 pod of s")),
        ),
        (
            "{ at: 1m, black_hole: { server: s, pods: 1, for: 30s } }",
            ["before", "during", "after"].map(|w| format!("{w} black hole of 1 pod of s")),
        ),
        (
            "{ at: 1m, rate: { client: web, to: 400, over: 1m } }",
            ["before", "during", "after"].map(|w| format!("{w} rate of web to 400/s")),
        ),
    ] {
        let summary = run(BASE, &[&format!("timeline=[{change}]")]).summary;
        let found: Vec<&str> = summary.phases.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(found, names, "{change}");
        assert_eq!(summary.headline_phase, Some(3), "{change}");
        let ends = summary.phases.windows(2).all(|pair| pair[0].to_s == pair[1].from_s);
        assert!(ends && summary.phases[0].from_s == 0.0 && summary.phases[2].to_s == 300.0, "{change}");
    }
    let step = run(BASE, &["timeline=[{ at: 1m, rate: { client: web, to: 400 } }]"]).summary;
    assert_eq!(
        phases(&step).iter().map(|p| (p.0, p.1)).collect::<Vec<_>>(),
        [("before rate of web to 400/s", 0.0), ("after rate of web to 400/s", 60.0)]
    );
}

/// The last phase has too few requests to say anything: the one before it speaks.
#[test]
fn the_headline_is_the_last_settled_phase_with_enough_requests() {
    let short = run(BASE, &["timeline=[{ at: 299s, scale: { server: s, replicas: 3 } }]", "window=100ms"]).summary;
    assert_eq!(short.phases.len(), 2);
    assert_eq!(short.headline_phase, Some(2), "600 requests in a second are enough");
    let sparse =
        ["timeline=[{ at: 299s, scale: { server: s, replicas: 3 } }]", "window=100ms", "clients.0.load.open.rate=10"];
    assert_eq!(run(BASE, &sparse).summary.headline_phase, Some(1));
    let unfinished = run(BASE, &["timeline=[{ at: 295s, rollout: s }]"]).summary;
    assert_eq!(unfinished.headline_phase, Some(1), "a rollout that is under way is not settled");
}

/// Failed calls and requests of the phases add up to those of the run, but for windows in which something changed.
#[test]
fn phases_add_up() {
    let sets = ["timeline=[{ at: 60s, kill: { server: s, pods: 2 } }, { at: 120s, rollout: s }]", "window=1s"];
    let summary = run(BASE, &sets).summary;
    let of_phases: u64 = summary.phases.iter().map(|p| p.requests).sum();
    let all: u64 = summary.pods.iter().map(|p| p.requests).sum();
    assert!(of_phases <= all && of_phases as f64 > 0.9 * all as f64, "{of_phases} of {all}");
    assert!(summary.phases.iter().map(|p| p.failed).sum::<u64>() <= summary.requests.failed + summary.requests.retries);
}

/// The same scale-up in runs of 12 minutes to 3 hours, and with windows of 1 s to a minute: one answer.
#[test]
fn time_to_balance_depends_neither_on_the_length_of_the_run_nor_on_its_windows() {
    let found = shipped::find("blog/scale-up-headless-age");
    let text = found.first().expect("it ships").text;
    let seconds = |sets: &[&str]| {
        let sets: Vec<String> = sets.iter().chain(&["expect=[]"]).map(|set| (*set).to_owned()).collect();
        let loaded = scenario::parse("age.yaml", text, None, &sets).unwrap();
        let summary = experiment::run(&loaded, 1, false, None).unwrap().summary;
        let [change] = &summary.time_to_balance[..] else { panic!("{:?}", summary.time_to_balance) };
        assert_eq!(change.resolution_s, 5.0);
        change.seconds.expect("it is balanced in the end")
    };
    let first = seconds(&["duration=12m"]);
    for sets in [&["duration=30m"][..], &["duration=1h"], &["duration=3h"], &["window=1s"], &["window=1m"]] {
        assert!((seconds(sets) - first).abs() <= 5.0, "{sets:?}: {} and {first}", seconds(sets));
    }
}
