//! The shipped scenarios: well formed, documented, within the size that keeps them quick, and true.

use evenkeel::experiment;
use evenkeel::metrics::outcome::{Outcome, Summary};
use evenkeel::scenario::{self, Loaded, schema};
use evenkeel::shipped::{self, Shipped};
use std::path::Path;

/// More calls than this make a scenario slow.
const REQUESTS_MOST: u64 = 2_000_000;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn load(found: &Shipped) -> Loaded {
    scenario::parse(found.name, found.text, None, &[]).unwrap_or_else(|e| panic!("{}: {e}", found.name))
}

#[test]
fn the_schemas_beside_the_files_are_current() {
    for (folder, schema, of) in [
        ("scenarios", schema::scenario_schema(), "scenario"),
        ("properties", schema::properties_schema(), "properties"),
    ] {
        let committed = std::fs::read_to_string(root().join(folder).join("schema.json")).unwrap_or_default();
        let generated = serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n";
        assert!(committed == generated, "run: cargo run --locked -- schema {of} > {folder}/schema.json");
    }
}

#[test]
fn every_scenario_opens_with_its_question_and_names_its_schema() {
    for found in shipped::all() {
        let depth = found.name.matches('/').count();
        let first = format!("# yaml-language-server: $schema={}schema.json\n", "../".repeat(depth));
        assert!(found.text.starts_with(&first), "{}: the first line must be {first}", found.name);
        let model = load(&found).model;
        let file = found.name.rsplit('/').next().expect("a name");
        assert_eq!(model.name, file, "a scenario is called as its file");
        let question = model.about.lines().next().unwrap_or_default();
        assert!(question.ends_with('?'), "{}: `about` must open with a question: {question}", found.name);
        assert!(model.about.contains("\nLook at: "), "{}: `about` must say what to look at", found.name);
        assert!(!model.expect.is_empty(), "{}: `expect` must state what holds", found.name);
    }
}

#[test]
fn every_scenario_of_the_blog_is_in_its_document() {
    let document = std::fs::read_to_string(root().join("docs/blog.md")).expect("docs/blog.md");
    for found in shipped::find("blog") {
        let name = found.name.trim_start_matches("blog/");
        assert!(document.contains(&format!("`{name}`")), "docs/blog.md does not mention {name}");
    }
}

/// What the scenarios state holds for each of the seeds 1 to 3, and what they promise of their size too; the parts of each pod add up to
/// its share less the even one.
#[test]
fn what_the_scenarios_expect_holds() {
    for found in shipped::all() {
        let loaded = load(&found);
        for seed in 1..=3 {
            let summary: Summary = experiment::run(&loaded, seed, seed == 1, None).expect("it runs").summary;
            assert_eq!(summary.attribution.is_some(), seed == 1, "{}", found.name);
            for pod in summary.attribution.iter().flat_map(|all| &all.pods) {
                let sum: f64 = pod.parts().iter().map(|part| part.1).sum();
                assert!((sum - (pod.share - pod.even)).abs() < 1e-9, "{}: {pod:?}", found.name);
            }
            assert!(summary.requests.started <= REQUESTS_MOST, "{}: {} calls", found.name, summary.requests.started);
            let unmet: Vec<_> = summary.expectations.iter().filter(|e| !e.met).collect();
            assert!(unmet.is_empty(), "{} with seed {seed}: {unmet:?}", found.name);
        }
    }
}

fn run(name: &str, sets: &[&str]) -> Outcome {
    let found = shipped::find(name).pop().expect("a shipped scenario");
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    let loaded = scenario::parse(found.name, found.text, None, &sets).unwrap_or_else(|e| panic!("{e}"));
    experiment::run(&loaded, 1, true, None).expect("it runs")
}

/// One pod is throttled in most periods, which nobody sees who looks at the mean; one line cures it.
#[test]
fn the_pod_at_its_limit_is_slow_for_all_and_the_mean_is_fine() {
    let web_p99 = |outcome: &Outcome| outcome.summary.methods[0].latency_ms.p99.expect("calls end");
    let throttled = |outcome: &Outcome| -> Vec<f64> {
        let mut all: Vec<f64> = outcome.summary.pods.iter().map(|p| p.throttled.expect("they have a limit")).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let story = run("blog/cpu-limit", &[]);
    let parts = throttled(&story);
    assert!(parts.len() == 5 && parts[3] < 0.1 && parts[4] > 0.6, "nobody scaled, and one of five burns: {parts:?}");
    let mean = story.summary.pods.iter().filter_map(|p| p.utilization).sum::<f64>() / 5.0;
    assert!((0.49..0.53).contains(&mean), "(200 + 55) / 500 of the CPU: {mean}");
    let cured = run("blog/cpu-limit", &["clients.batch.policy=round_robin", "expect=[]"]);
    let parts = throttled(&cured);
    assert!(parts[4] < 0.15, "{parts:?}");
    assert!(web_p99(&story) > 4.0 * web_p99(&cured), "{} and {} ms", web_p99(&story), web_p99(&cured));
}

/// The part of all messages of the last two minutes that the five new pods get. Age alone: those of streams opened since each
/// client knows the new pods, half of them, of 16 minutes' streams.
#[test]
fn only_age_with_grace_moves_open_streams() {
    let new_pods_part = |grpc: &str| {
        let set = format!("servers.s.grpc={grpc}");
        let outcome = run("blog/streams-age", &[&set, "expect=[]"]);
        let rows = || outcome.windows.iter().filter(|row| row.time_s >= 14.0 * 60.0);
        let new = rows().filter(|row| row.pod.is_some_and(|pod| pod >= 5)).map(|row| row.messages).sum::<u64>();
        new as f64 / rows().map(|row| row.messages).sum::<u64>() as f64
    };
    assert_eq!(new_pods_part("{}"), 0.0);
    let age = new_pods_part("{ max_connection_age: 2m }");
    assert!((0.15..0.27).contains(&age), "{age}: about half of (15 - 8.7) / 15");
    let both = new_pods_part("{ max_connection_age: 2m, max_connection_age_grace: 10s }");
    assert!((0.4..0.6).contains(&both), "{both}");
}

/// Who begins with `init` sees the skew of a rollout, and not the queues of pods that are full.
#[test]
fn the_starter_shows_skew_without_overload() {
    let loaded = scenario::parse("starter.yaml", scenario::STARTER, None, &[]).expect("it reads");
    let summary = experiment::run(&loaded, loaded.model.seed, false, None).expect("it runs").summary;
    let busiest = summary.pods.iter().filter_map(|p| p.utilization).fold(0.0, f64::max);
    assert!((0.4..=0.6).contains(&busiest), "utilization of the busiest pod: {busiest}");
    let over_mean = summary.skew.headline.max_over_mean.expect("there are calls");
    assert!(over_mean > 2.0 && summary.requests.failed == 0 && summary.warnings.is_empty(), "{summary:?}");
}
