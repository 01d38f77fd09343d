//! Tables, Markdown and CSV of a comparison.

use super::*;
use crate::output::findings::Verdict;

/// One of each verdict.
fn findings(scale: f64) -> BTreeMap<String, Finding> {
    let of = |i: usize| match (i, scale < 0.0) {
        (8, _) => (Verdict::Worse, None),
        (4, _) => (Verdict::NotShown, Some(1_234)),
        (5, _) => (Verdict::NotShown, None),
        (6, _) => (Verdict::Equal, None),
        (7, _) => (Verdict::NotCompared, None),
        (_, true) => (Verdict::Better, None),
        (_, false) => (Verdict::Worse, None),
    };
    let finding = |(verdict, runs_to_show)| Finding { verdict, runs_to_show, variance_ratio: Some(0.25) };
    COLUMNS.iter().enumerate().map(|(i, c)| (c.0.to_owned(), finding(of(i)))).collect()
}

fn comparison(runs: u64) -> Comparison {
    let estimate = |mean: f64, half: f64| Estimate { mean, lo: mean - half, hi: mean + half, n: runs };
    let figures = |scale: f64| -> BTreeMap<String, Estimate> {
        let values = [5.0, 1.0, 0.2, 4.0, 4987.6, 45.2, 12.0, 33.0, 0.25];
        let paths = COLUMNS.iter().map(|c| c.0.to_owned());
        paths
            .zip(values)
            .filter(|(p, _)| p != "time_to_balance_s" || scale > 0.5)
            .map(|(p, v)| (p, estimate(v * scale, 0.1 * v)))
            .collect()
    };
    let scenario = |name: &str, scale: f64, difference: Option<Difference>| Compared {
        scenario: name.into(),
        seed: 1,
        figures: figures(scale),
        difference,
        verdict: format!("{name} has a verdict."),
    };
    let difference = |paired: bool, scale: f64| {
        let findings = if runs > 1 { findings(scale) } else { BTreeMap::new() };
        Some(Difference { paired, figures: figures(scale), findings })
    };
    Comparison {
        evenkeel: "0.1.0".into(),
        runs,
        until: None,
        scenarios: vec![
            scenario("grpc-clusterip", 1.0, None),
            scenario("grpc-headless-round-robin", 0.2, difference(true, -0.8)),
            scenario("max-connection-age", 0.4, difference(false, 0.05)),
        ],
    }
}

#[test]
fn scenarios_stand_side_by_side() {
    insta::assert_snapshot!(render(&comparison(20), &Style::default()));
    insta::assert_snapshot!(markdown(&comparison(20)));
    let mut bytes = Vec::new();
    csv(&comparison(20), &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    insta::assert_snapshot!(text.lines().take(12).collect::<Vec<_>>().join("\n"));
}

#[test]
fn one_run_has_no_intervals() {
    let text =
        render(&Comparison { scenarios: comparison(1).scenarios[..2].to_vec(), ..comparison(1) }, &Style::default());
    assert!(!text.lines().take(4).any(|line| line.contains('±')), "{text}");
    assert!(text.starts_with("2 scenarios, 1 run each; baseline: grpc-clusterip\n"), "{text}");
    let alone = Comparison { scenarios: comparison(1).scenarios[..1].to_vec(), ..comparison(1) };
    assert!(render(&alone, &Style::default()).starts_with("1 scenario, 1 run\n"));
    assert!(markdown(&alone).starts_with("## 1 scenario, 1 run\n"));
}

#[test]
fn lines_fit_and_json_reads_back() {
    let comparison = comparison(20);
    let plain = Style { unicode: false, ..Style::default() };
    assert!(render(&comparison, &plain).lines().all(|line| line.is_ascii() && line.len() <= 100));
    let mut bytes = Vec::new();
    json::pretty(&comparison, &mut bytes).unwrap();
    assert_eq!(serde_json::from_slice::<Comparison>(&bytes).unwrap(), comparison);
}
