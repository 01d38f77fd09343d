//! Rules of lint: each breaks on its example, just does not after the change that it names, and its fix is worth something.

#[path = "support/strategies.rs"]
#[allow(dead_code)] // Other programs use more of it.
mod strategies;

use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use evenkeel::lint::{self, Evidence, Finding, Rule};
use evenkeel::scenario::document::Document;
use evenkeel::shipped;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

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
    let Evidence { figures, missing, .. } = lint::evidence(&document(rule, &[]), &finding, None).unwrap();
    let better = match figures.first().map(|f| (f.without, f.with)) {
        Some((Some(without), Some(with))) if rule.figures[0].more_is_better => with > without,
        Some((Some(without), Some(with))) => with < without,
        _ => false,
    };
    (!better).then(|| format!("{code}: {missing} {fix:?} makes {figures:?}"))
}

#[test]
fn every_fix_cures_its_example_and_shows_it() {
    let wrong: Vec<String> = lint::rules().into_iter().filter_map(wrong_with).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
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
    let committed = include_str!("../docs/lint.md");
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
