//! Rules of lint: each breaks on its example, just does not after the change that it names, and its fix is worth something.

mod ci;
mod decisions;
mod outputs;
mod sarif;
#[path = "../support/strategies.rs"]
#[allow(dead_code)] // Other programs use more of it.
mod strategies;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use evenkeel::lint::{self, Evidence, Finding, Rule};
use evenkeel::scenario::document::Document;
use evenkeel::shipped;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use tempfile::TempDir;

/// A folder with a scenario of several findings, and with manifests.
fn desk() -> TempDir {
    let desk = tempfile::tempdir().unwrap();
    fs::write(desk.path().join("a b.yaml"), scenario("")).unwrap();
    fs::create_dir(desk.path().join("k8s")).unwrap();
    for file in ["server.yaml", "load.sh"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/blog-lab/1-grpc-clusterip").join(file);
        fs::copy(from, desk.path().join("k8s").join(file)).unwrap();
    }
    desk
}

/// The scenario of [`desk`] below these lines.
fn scenario(head: &str) -> String {
    format!(
        "{head}name: a\nduration: 5m\nservers:\n  - name: api\n    replicas: 5\nclients:\n  - name: web\n    replicas: 10\n    \
         load: {{ open: {{ rate: 50 }} }}\n"
    )
}

fn evenkeel(folder: &Path, args: &[&str]) -> Output {
    Command::new(cargo_bin!("evenkeel")).current_dir(folder).args(args).output().unwrap()
}

#[track_caller]
fn status(folder: &Path, args: &[&str]) -> i32 {
    evenkeel(folder, args).status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn document(rule: &Rule, sets: &[&str]) -> Document {
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    Document::embedded(rule.code, rule.example, &sets)
}

/// What an example breaks of its own rule.
fn own(rule: &Rule, sets: &[&str]) -> Vec<Finding> {
    let findings = lint::lint(&document(rule, sets)).unwrap_or_else(|e| panic!("{}: {e}", rule.code));
    findings.into_iter().filter(|f| f.rule.code == rule.code).collect()
}

#[test]
fn codes_count_up_and_rules_say_everything() {
    for (i, rule) in lint::rules().into_iter().enumerate() {
        assert_eq!(rule.code, format!("EK{:03}", i + 1));
        assert!(lint::find(&rule.code.to_lowercase()).is_some());
        for text in [rule.title, rule.cause, rule.cure, rule.source, rule.example] {
            assert!(!text.is_empty(), "{}", rule.code);
        }
        assert!(!rule.title.ends_with('.') && rule.cause.ends_with('.') && rule.cure.ends_with('.'), "{}", rule.code);
        assert!(!rule.figures.is_empty(), "{} has nothing to show", rule.code);
    }
}

#[test]
fn every_rule_has_an_example_that_breaks_it_and_one_that_just_does_not() {
    let mut wrong = Vec::new();
    for rule in lint::rules() {
        let found = own(rule, &[]).len();
        if found != 1 {
            wrong.push(format!("{} is broken {found} times by its example", rule.code));
        }
        let left: Vec<String> = own(rule, rule.passes).into_iter().map(|f| f.message).collect();
        if rule.passes.is_empty() || !left.is_empty() {
            wrong.push(format!("{} with {:?}: {left:?}", rule.code, rule.passes));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is wrong with the fix and the experiment of a rule's example.
fn wrong_with(rule: &Rule) -> Option<String> {
    let Some(finding) = own(rule, &[]).pop() else { return Some(format!("{}: no finding", rule.code)) };
    let (code, fix) = (rule.code, &finding.fix);
    let fixed = match lint::lint(&Document::embedded(code, rule.example, fix)) {
        Ok(fixed) => fixed,
        Err(error) => return Some(format!("{code} with {fix:?}: {error}")),
    };
    if fixed.iter().any(|f| f.rule.code == code) {
        return Some(format!("{code} is there with {fix:?}"));
    }
    if let Err(error) = document(rule, &[]).load(&finding.probe) {
        return Some(format!("the experiment of {code} does not fit its example: {error}"));
    }
    None
}

#[test]
fn every_fix_cures_its_example() {
    let wrong: Vec<String> = lint::rules().into_iter().filter_map(wrong_with).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// As docs/lint.md says, which another test makes anew.
#[test]
fn every_fix_shows_what_it_is_worth() {
    let rules = include_str!("../../docs/lint.md").split("\n### ").skip(1);
    let silent: Vec<&str> = rules.filter(|text| !text.contains("(better in ")).map(|text| &text[..5]).collect();
    assert_eq!(silent, [""; 0]);
}

/// The findings of a rule in a scenario.
fn of_rule(text: &str, code: &str) -> Vec<Finding> {
    let found = lint::lint(&Document::embedded("a", text, &[])).unwrap_or_else(|e| panic!("{e}"));
    found.into_iter().filter(|f| f.rule.code == code).collect()
}

fn evidence_of(text: &str, code: &str) -> (Finding, Evidence) {
    let finding = of_rule(text, code).pop().unwrap_or_else(|| panic!("no {code}"));
    let evidence = lint::evidence(&Document::embedded("a", text, &[]), &finding, None).unwrap();
    (finding, evidence)
}

/// Workers that fail at once would call again at once: 50 of them made 49,838 failures of one rollout.
#[test]
fn failures_are_not_counted_in_a_loop_that_spins_on_them() {
    let text = "name: a\nservers: [{ name: api, replicas: 5, startup: 3s }]\n\
                clients: [{ name: ghz, channels: 50, load: { closed: { concurrency: 50, requests: 10000 } } }]\n";
    let (finding, evidence) = evidence_of(text, "EK010");
    assert!(finding.probe.contains(&"clients.ghz.load.closed=null".to_owned()), "{:?}", finding.probe);
    let failed = &evidence.figures[0];
    assert!(failed.is_better() && failed.without.unwrap() < 2_000.0, "{failed:?}");
    assert!((5..=8).contains(&evidence.runs));
}

/// The third strike of pings a minute apart comes after 240 s and more.
#[test]
fn a_probe_lasts_as_long_as_the_rule_needs() {
    let text = "name: a\nduration: 1m\nservers: [{ name: api, replicas: 3 }]\n\
                clients: [{ name: web, replicas: 10, keepalive: { time: 60s, timeout: 10s }, load: { open: { rate: 1 } } }]\n";
    let (finding, evidence) = evidence_of(text, "EK012");
    assert_eq!(finding.probe[0], "duration=390s");
    assert!(evidence.figures[0].is_better(), "{evidence:?}");
}

#[test]
fn what_a_fix_makes_worse_stands_behind_it() {
    let text = "name: a\nduration: 1m\nservers: [{ name: api, replicas: 5 }]\nclients: [{ name: web, replicas: 100, load: { open: { rate: 200 } } }]\n";
    let (finding, evidence) = evidence_of(text, "EK009");
    assert_eq!(evidence.price.iter().map(|f| f.name).collect::<Vec<_>>(), ["reconnects_per_s"]);
    let text = lint::render("a", &finding, Some(&evidence), &evenkeel::output::Style::default());
    assert!(text.contains("better in 8 of 8 runs, seeds 1 to 8); the fix makes worse: reconnects_per_s 0 →"), "{text}");
}

#[test]
fn gateways_are_looked_into() {
    let with = |server: &str, gateway: &str| {
        format!(
            "name: a\nduration: 1m\nservers: [{{ name: api, replicas: 5, termination: {{ pre_stop: 5s }}{server} }}]\n\
             gateways: [{{ name: edge, replicas: 2, {gateway} }}]\n\
             clients: [{{ name: web, replicas: 10, via: {{ gateway: edge }}, load: {{ open: {{ rate: 1000 }} }} }}]\n"
        )
    };
    for (code, server, gateway, path) in [
        (
            "EK047",
            "",
            "proxy: { waypoint: { circuit_breakers: { max_requests: 2 } } }",
            "gateways.edge.proxy.waypoint.circuit_breakers.max_requests",
        ),
        (
            "EK047",
            "",
            "proxy: { istio: { circuit_breakers: { max_requests: 2 } } }",
            "gateways.edge.proxy.istio.circuit_breakers.max_requests",
        ),
        (
            "EK044",
            ", warm_up: { initial: 10%, time: 30s }",
            "proxy: waypoint",
            "gateways.edge.proxy.waypoint.slow_start",
        ),
        ("EK010", "", "proxy: waypoint", "gateways.edge.termination.pre_stop"),
        (
            "EK016",
            ", concurrency: 1000, service_time: 10s",
            "proxy: nginx, termination: { pre_stop: 25s }",
            "gateways.edge.termination.grace",
        ),
        ("EK019", "", "proxy: waypoint, strategy: { type: Recreate }", "gateways.edge.strategy.type"),
    ] {
        let text = with(server, gateway);
        let found = of_rule(&text, code);
        assert_eq!(found.iter().map(|f| f.path.as_str()).collect::<Vec<_>>(), [path], "{code}");
        let fixed = Document::embedded("a", &text, &found[0].fix);
        let left = lint::lint(&fixed).unwrap_or_else(|e| panic!("{code}: {e}"));
        assert!(left.iter().all(|f| f.rule.code != code), "{code}");
    }
    let (_, evidence) =
        evidence_of(&with("", "proxy: { waypoint: { circuit_breakers: { max_requests: 2 } } }"), "EK047");
    assert!(evidence.figures[0].is_better(), "{evidence:?}");
}

#[test]
fn every_fix_of_a_shipped_scenario_can_be_made_and_cures_it() {
    let mut wrong = Vec::new();
    for found in shipped::all() {
        let document = Document::embedded(found.name, found.text, &[]);
        for finding in lint::lint(&document).unwrap() {
            let (code, fix) = (finding.rule.code, &finding.fix);
            if let Err(error) = document.load(&finding.probe) {
                wrong.push(format!("{}: the experiment of {code} does not fit: {error}", found.name));
            }
            match lint::lint(&Document::embedded(found.name, found.text, fix)) {
                Err(error) => wrong.push(format!("{}: {code} with {fix:?}: {error}", found.name)),
                Ok(fixed) if fixed.iter().any(|f| f.rule.code == code && f.path == finding.path) => {
                    wrong.push(format!("{}: {code} is there with {fix:?}", found.name));
                }
                Ok(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What the scenarios of the blog post are there to show, by what they say of themselves, and what those cure that show a cure. All that is
/// found in them is listed in docs/lint.md.
const BLOG: [(&str, &[&str], &[&str]); 24] = [
    ("grpc-clusterip", &["EK001"], &[]),
    ("grpc-clusterip-mixed", &["EK002"], &[]),
    ("grpc-headless-round-robin", &["EK008"], &["EK001", "EK002"]),
    ("http1-clusterip", &[], &["EK001", "EK002", "EK009"]),
    ("scale-up-clusterip", &["EK009"], &[]),
    ("scale-up-clusterip-age", &["EK002"], &["EK009"]),
    ("scale-up-headless", &["EK008"], &["EK002", "EK009"]),
    ("scale-up-headless-age", &[], &["EK008", "EK011"]),
    ("rolling-restart", &["EK009", "EK018"], &[]),
    ("rolling-restart-again", &["EK018"], &[]),
    ("rolling-restart-headless-outage", &["EK011"], &["EK018"]),
    ("max-connection-age", &["EK002"], &["EK009", "EK021"]),
    ("pool-max-lifetime", &[], &["EK002", "EK009"]),
    ("checklist", &["EK023"], &["EK008", "EK010", "EK011", "EK014"]),
    ("keepalive-checklist", &["EK012", "EK013"], &["EK014"]),
    ("hpa-blind", &["EK042"], &[]),
    ("cpu-limit", &["EK039"], &[]),
    ("streams-age", &[], &["EK020"]),
    ("kuberesolver", &[], &["EK008", "EK011"]),
    ("xds", &[], &["EK008", "EK011"]),
    ("envoy-sidecar-clusterip", &["EK005"], &[]),
    ("istio", &[], &["EK001", "EK002", "EK005", "EK006", "EK007", "EK008", "EK009"]),
    ("istio-ambient", &["EK007"], &[]),
    ("linkerd", &[], &["EK001", "EK002", "EK005", "EK008", "EK009"]),
];

#[test]
fn what_the_blog_scenarios_show_is_found_and_what_they_cure_is_not() {
    for (name, shows, cures) in BLOG {
        let found = shipped::find(&format!("blog/{name}")).into_iter().next().unwrap_or_else(|| panic!("no {name}"));
        let findings = lint::lint(&Document::embedded(found.name, found.text, &[])).unwrap();
        let codes: Vec<&str> = findings.iter().map(|f| f.rule.code).collect();
        assert!(shows.iter().all(|code| codes.contains(code)), "{name}: {shows:?} in {codes:?}");
        assert!(!cures.iter().any(|code| codes.contains(code)), "{name}: none of {cures:?} in {codes:?}");
    }
}

#[test]
fn the_document_of_rules_is_current() {
    let committed = include_str!("../../docs/lint.md");
    let generated = evenkeel::cli::lint_reference(None).unwrap();
    assert!(committed == generated, "run: cargo run --release --locked -- lint --rules > docs/lint.md");
}

fn run(args: &[&str]) -> Output {
    Command::new(cargo_bin!("evenkeel")).args(["lint", "--no-evidence"]).args(args).output().unwrap()
}

#[test]
fn the_exit_status_says_whether_there_is_something_to_do() {
    for (args, status) in [
        (&["blog/istio"][..], 0),
        (&["blog/istio", "--strict"], 0),
        // Notes only.
        (&["blog/checklist"], 0),
        (&["blog/checklist", "--strict"], 1),
        (&["blog/rolling-restart"], 1),
        (&["blog/checklist", "blog/rolling-restart", "--quiet"], 1),
        (&["blog/istio", "--set", "servers.0.replica=3"], 2),
        (&["no-such-file.yaml"], 2),
        (&[], 2),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(status), "{args:?}: {output:?}");
        assert_eq!(output.stderr.is_empty(), status < 2, "{args:?}: {output:?}");
        assert!(!args.contains(&"--quiet") || output.stdout.is_empty());
    }
}

#[test]
fn findings_say_where_and_what_would_cure_them() {
    let output = run(&["blog/rolling-restart", "--json"]);
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let dice = rows.as_array().unwrap().iter().find(|r| r["code"] == "EK002").unwrap();
    assert_eq!((&dice["path"], &dice["severity"]), (&"clients.web.channels".into(), &"warning".into()));
    let text = shipped::find("blog/rolling-restart")[0].text;
    let line = text.lines().nth(dice["line"].as_u64().unwrap() as usize - 1).unwrap();
    assert_eq!(line.trim(), "- name: web");
    assert_eq!(dice["fix"][0], "clients.web.policy=round_robin");
    let printed = String::from_utf8(run(&["blog/rolling-restart"]).stdout).unwrap();
    assert!(
        printed.contains("fix: --set clients.web.policy=round_robin --set clients.web.discovery=watch"),
        "{printed}"
    );
}

#[test]
fn evidence_is_printed_with_the_experiment() {
    let output = Command::new(cargo_bin!("evenkeel")).args(["lint", "blog/grpc-clusterip"]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("evidence: idle_pods 4 → 0, max_over_mean 5 → 1"), "{printed}");
    assert!(printed.contains("in:  --set duration=20s"), "{printed}");
}

proptest! {
    #![proptest_config(Config {
        cases: 250,
        rng_seed: RngSeed::Fixed(1),
        max_global_rejects: 1 << 30,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    })]

    /// Whatever the scenario is: findings have a place, and a fix that the rest of the scenario permits cures them.
    #[test]
    fn any_scenario_can_be_linted(scenario in strategies::scenario()) {
        let document = Document::embedded("random.yaml", &scenario.0, &[]);
        prop_assume!(document.load(&[]).is_ok());
        for finding in lint::lint(&document).unwrap() {
            let code = finding.rule.code;
            prop_assert!(finding.position.is_some(), "{code} at {}", finding.path);
            if let Ok(fixed) = lint::lint(&Document::embedded("random.yaml", &scenario.0, &finding.fix)) {
                let same = fixed.iter().filter(|f| f.rule.code == code && f.path == finding.path).count();
                prop_assert!(same == 0, "{code} at {} is there with {:?}", finding.path, finding.fix);
            }
        }
    }
}
