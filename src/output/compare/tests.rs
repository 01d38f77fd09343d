//! Tables, Markdown and CSV of a comparison.

use std::collections::BTreeMap;

use super::*;
use crate::experiment::compare::{
    COLUMNS, Compared, Comparison, Difference, Finding, PodShare, Reached, Told, Unmet, Verdict,
};
use crate::metrics::outcome::{Estimate, Spread};
use crate::output::{Style, json};

/// One of each verdict.
fn findings(scale: f64) -> BTreeMap<String, Finding> {
    let of = |i: usize| match (i, scale < 0.0) {
        (8, _) => (Verdict::Worse, None),
        (4, true) => (Verdict::NotShown, Some(1_234)),
        (4, false) => (Verdict::Small, None),
        (5, false) => (Verdict::NotShown, None),
        (6, _) => (Verdict::Equal, None),
        (7, _) => (Verdict::NotCompared, None),
        (_, true) => (Verdict::Better, None),
        (_, false) => (Verdict::Worse, None),
    };
    let finding = |(verdict, runs_to_show)| Finding { verdict, size: 0.1, runs_to_show, variance_ratio: Some(0.25) };
    COLUMNS.iter().enumerate().map(|(i, c)| (c.0.to_owned(), finding(of(i)))).collect()
}

pub(crate) fn nothing(name: &str) -> Compared {
    Compared {
        scenario: name.to_owned(),
        seed: 1,
        load: 1,
        story: None,
        shares_of: "whole run".to_owned(),
        shares: Vec::new(),
        phases: Vec::new(),
        figures: BTreeMap::new(),
        difference: None,
        unmet: Vec::new(),
        verdict: String::new(),
    }
}

pub(crate) fn empty(runs: u64) -> Comparison {
    Comparison {
        evenkeel: "0.1.0".into(),
        runs,
        until: None,
        loads: vec!["web: 400 calls/s; 15m".into()],
        scenarios: Vec::new(),
        failures: Vec::new(),
    }
}

fn shares(parts: &[f64]) -> Vec<PodShare> {
    parts.iter().enumerate().map(|(i, share)| PodShare { pod: format!("s-1-{i}"), share: *share }).collect()
}

/// Three scenarios, the last of another load.
fn comparison(runs: u64) -> Comparison {
    let figures = |scale: f64| -> BTreeMap<String, Estimate> {
        let values = [5.0, 1.0, 0.2, 4.0, 4987.6, 45.2, 12.0, 33.0, 0.25];
        let estimate = |path: &str, v: f64| {
            let (mean, half) = (v * scale, 0.1 * v);
            let spread = Spread { median: mean, least: mean - 2.0 * half, most: mean + 30.0 * half };
            let spread = (path.ends_with("p99") && runs > 1).then_some(spread);
            Estimate { mean, lo: mean - half, hi: mean + half, n: runs, spread }
        };
        let paths = COLUMNS.iter().map(|c| c.0);
        let all = paths.zip(values).filter(|(p, _)| *p != "time_to_balance_s" || scale > 0.5);
        let phase = |(path, v): (&str, f64)| {
            ["before", "after"].map(|lies| (format!("phases.{lies} rollout of s.{path}"), estimate(path, v)))
        };
        let phases = all.clone().filter(|(p, _)| *p != "time_to_balance_s").flat_map(phase);
        all.map(|(path, v)| (path.to_owned(), estimate(path, v))).chain(phases).collect()
    };
    let scenario = |name: &str, scale: f64, difference: Option<Difference>| Compared {
        phases: vec!["before rollout of s".into(), "after rollout of s".into()],
        shares: shares(&[0.05, 0.9 - 0.1 * scale, 0.0, 0.05 + 0.1 * scale, 0.0]),
        figures: figures(scale),
        difference,
        verdict: format!("{name} has a verdict."),
        ..nothing(name)
    };
    let difference = |scale: f64| {
        let findings = if runs > 1 { findings(scale) } else { BTreeMap::new() };
        Some(Difference { figures: figures(scale), findings })
    };
    let told = Told { says: "90 %+ on one pod, p99 45 ms".into(), why: "one connection is one choice".into() };
    let unmet = Unmet { text: "idle_pods == 0".into(), value: Some(1.0), runs: runs - 1 };
    let clusterip = Compared { story: Some(told), ..scenario("grpc-clusterip", 1.0, None) };
    let age = Compared { unmet: vec![unmet], ..scenario("max-connection-age", 0.4, difference(0.05)) };
    Comparison {
        loads: vec!["ghz: 10,000 calls, 50 at once".into(), "web × 40: 400 calls/s; 15m".into()],
        scenarios: vec![
            clusterip,
            scenario("grpc-headless-round-robin", 0.2, difference(-0.8)),
            age,
            Compared { load: 2, ..scenario("rolling-restart", 0.6, None) },
        ],
        ..empty(runs)
    }
}

#[test]
fn scenarios_stand_side_by_side() {
    insta::assert_snapshot!(render(&comparison(20), &Style::default()));
    insta::assert_snapshot!(markdown(&comparison(20)));
    let mut bytes = Vec::new();
    csv(&comparison(20), &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    insta::assert_snapshot!(text.lines().filter(|l| !l.contains("phases.")).take(12).collect::<Vec<_>>().join("\n"));
}

#[test]
fn one_run_has_no_intervals() {
    let two = Comparison { scenarios: comparison(1).scenarios[..2].to_vec(), ..empty(1) };
    let text = render(&two, &Style::default());
    assert!(!text.contains('±') && !text.contains('–'), "{text}");
    assert!(text.starts_with("2 scenarios, 1 run each; baseline: grpc-clusterip\n"), "{text}");
    let alone = Comparison { scenarios: comparison(1).scenarios[..1].to_vec(), ..empty(1) };
    assert!(render(&alone, &Style::default()).starts_with("1 scenario, 1 run\n"));
    assert!(markdown(&alone).starts_with("## 1 scenario, 1 run\n"));
}

#[test]
fn lines_fit_and_json_reads_back() {
    let comparison = comparison(20);
    for width in [60, 80, 100, 200] {
        let plain = Style { unicode: false, width, ..Style::default() };
        let most = width.clamp(83, 100);
        let long: Vec<String> = render(&comparison, &plain)
            .lines()
            .filter(|l| !l.is_ascii() || l.len() > most)
            .map(str::to_owned)
            .collect();
        assert!(long.is_empty(), "{width}: {long:#?}");
    }
    let mut bytes = Vec::new();
    json::pretty(&comparison, &mut bytes).unwrap();
    assert_eq!(serde_json::from_slice::<Comparison>(&bytes).unwrap(), comparison);
}

/// Many scenarios: the first table with what is said, and nothing else.
#[test]
fn many_scenarios_are_read_in_a_minute() {
    let one = comparison(20);
    let scenarios: Vec<Compared> = (0..11).flat_map(|_| one.scenarios[..1].to_vec()).collect();
    let text = render(&Comparison { scenarios, ..empty(20) }, &Style::default());
    assert_eq!(text.lines().filter(|l| l.trim() == "said: 90 %+ on one pod, p99 45 ms").count(), 11, "{text}");
    assert!(!text.contains("difference to") && !text.contains("verdict") && !text.contains('±'), "{text}");
    assert!(text.lines().count() < 45, "{text}");
}

/// What a reviewer has to see comes first.
#[test]
fn what_is_not_met_is_in_the_markdown_in_words() {
    let failures = vec!["b: idle_pods is worse than in a: 0 there, 1 here".to_owned()];
    let until = Some(Reached { text: "cv ± 1%".into(), reached: false });
    let text = markdown(&Comparison { failures, until, ..comparison(20) });
    let list: Vec<&str> = text.lines().skip_while(|l| *l != "### Not met").skip(2).take(3).collect();
    assert_eq!(
        list,
        [
            "- **max-connection-age**: expected idle_pods == 0, got 1 (not met in 19 of 20 runs)",
            "- b: idle_pods is worse than in a: 0 there, 1 here",
            "- cv ± 1% is not reached after 20 runs of each",
        ]
    );
    assert!(!markdown(&Comparison { scenarios: one_good(), ..empty(20) }).contains("Not met"));
}

fn one_good() -> Vec<Compared> {
    comparison(20).scenarios[..1].to_vec()
}
