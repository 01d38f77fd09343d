//! What `run` says would change the skew is what a comparison of the same settings gives.

use std::fs;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use evenkeel::experiment::compare::Compared;
use evenkeel::experiment::cures::simulated;
use evenkeel::experiment::{Replicates, Side, compare, replicate};
use evenkeel::lint;
use evenkeel::metrics::cures::Row;
use evenkeel::metrics::practical::Sizes;
use evenkeel::observe::ConnectionSink;
use evenkeel::scenario::Loaded;
use evenkeel::scenario::document::Document;
use evenkeel::shipped::{self, Shipped};
use rayon::prelude::*;

use crate::desk::Desk;

/// Every row equals what the same `--set`s give side by side, figure by figure; returns how many cures there were.
fn rows_equal_a_comparison(shipped: &Shipped) -> usize {
    let document = Document::embedded(shipped.name, shipped.text, &[]);
    let alone = |more: &[String]| -> (Loaded, Replicates) {
        let loaded = document.load(more).unwrap_or_else(|wrong| panic!("{}: {wrong}", shipped.name));
        let runs = replicate(&loaded, 7, 1, ConnectionSink::Discard, None)
            .unwrap_or_else(|error| panic!("{}: {error}", shipped.name));
        (loaded, runs)
    };
    let (_, first) = alone(&[]);
    let fixes = |about| lint::cures(&document, about).expect("it is shipped");
    let cures = simulated(&document, &first.first, fixes, true, (None, &|| ())).expect("nobody stops it");
    let rows = cures.expect("there is traffic").rows;
    let runs: Vec<(Loaded, Replicates)> = rows.par_iter().map(|row| alone(&row.sets)).collect();
    let side = |i: usize| Side { seed: 7, model: &runs[i].0.model, runs: &runs[i].1 };
    for (i, row) in rows.iter().enumerate() {
        // Two by two: a comparison of many is in order of loads.
        let compared = compare(&[side(0), side(i)], &Sizes::default()).scenarios;
        equal(&format!("{}, {}", shipped.name, row.name), row, &compared[1]);
    }
    rows.len().saturating_sub(1)
}

#[track_caller]
fn equal(what: &str, row: &Row, compared: &Compared) {
    let of = |path: &str| compared.figures.get(path).map(|estimate| estimate.mean);
    let figures = row.figures.as_ref().unwrap_or_else(|| panic!("{what}: {}", row.failure));
    let all = [
        ("skew.max_over_mean", figures.max_over_mean),
        ("skew.worst_window.max_over_mean", figures.worst_window_max_over_mean),
        ("latency_ms.p99", figures.latency_p99_ms),
        ("requests.failed", Some(figures.requests_failed as f64)),
        ("reconnects_per_s", Some(figures.reconnects_per_s)),
    ];
    for (path, value) in all {
        assert_eq!(value, of(path), "{what}: {path}");
    }
    // What makes other calls is a load of its own.
    assert_eq!(figures.same_calls, compared.load == 1, "{what}");
}

/// All shipped scenarios, with all calls.
#[test]
fn rows_of_every_shipped_scenario_equal_a_comparison() {
    let all: Vec<usize> = shipped::all().par_iter().map(rows_equal_a_comparison).collect();
    assert!(all.iter().filter(|cures| **cures > 1).count() >= 20, "{all:?}");
}

/// Four clients on five pods, through a rollout.
const SKEWED: &str = "name: skewed\nduration: 3m\nservers: [{ name: s, replicas: 5 }]\n\
                      clients: [{ name: web, replicas: 4, load: { open: { rate: 50 } } }]\n\
                      timeline: [{ at: 30s, rollout: s }]\n";

fn desk() -> Desk {
    let desk = Desk::new();
    fs::write(desk.path("skewed.yaml"), SKEWED).unwrap();
    desk
}

/// What stands below a row can be pasted into a shell, and gives the row's figures.
#[test]
fn what_is_printed_can_be_pasted() {
    let desk = desk();
    let said = desk.run(&["run", "skewed.yaml", "--no-png"], 0).out;
    let section = said.split("what would change that: ").nth(1).expect("there are cures");
    let lines: Vec<&str> = section.lines().skip_while(|line| !line.starts_with("as it is")).collect();
    let cures: Vec<&[&str]> = lines[1..].chunk_by(|_, next| next.starts_with("  --set ")).collect();
    let cures: Vec<&&[&str]> = cures.iter().filter(|cure| cure.len() > 1).collect();
    assert!((2..=5).contains(&cures.len()), "{section}");
    for (i, cure) in cures.iter().enumerate() {
        let pasted = cure[1..].join("\n");
        let line = format!(
            "'{}' run skewed.yaml --no-cures --no-png -q --out out{i} {pasted}\n",
            cargo_bin!("evenkeel").display()
        );
        let shell = Command::new("bash").args(["-c", &line]).current_dir(desk.path("")).output().unwrap();
        assert!(shell.status.success(), "{line}: {}", String::from_utf8_lossy(&shell.stderr));
        let (all, one) = (desk.json("outputs/skewed/summary.json"), desk.json(format!("out{i}/summary.json")));
        let row = &all["cures"]["rows"][i + 1];
        assert!(cure[0].starts_with(row["name"].as_str().unwrap()), "{cure:?}");
        assert_eq!(row["figures"]["max_over_mean"], one["skew"]["max_over_mean"], "{line}");
        assert_eq!(row["figures"]["latency_p99_ms"], one["latency_ms"]["p99"], "{line}");
        assert_eq!(row["figures"]["requests_failed"], one["requests"]["failed"], "{line}");
    }
}

#[test]
fn cures_can_be_switched_off_and_forced() {
    let desk = desk();
    let without = desk.run(&["run", "skewed.yaml", "--no-png", "--no-cures"], 0);
    assert!(!without.out.contains("what would change that"), "{}", without.out);
    assert!(desk.json("outputs/skewed/summary.json").get("cures").is_none());
    // The last one counts.
    let with = desk.run(&["run", "skewed.yaml", "--no-png", "--no-cures", "--cures", "--format", "json"], 0);
    let printed: serde_json::Value = serde_json::from_str(&with.out).unwrap();
    assert_eq!(printed["cures"]["rows"][0]["name"], "as it is");
    assert_eq!(printed, desk.json("outputs/skewed/summary.json"));
    let markdown = desk.run(&["run", "skewed.yaml", "--no-png", "--format", "markdown"], 0).out;
    assert!(markdown.contains("| what would change that |") && markdown.contains("`--set "), "{markdown}");
    // Who compares asks another question.
    desk.run(&["compare", "skewed.yaml", "small.yaml", "--no-png", "--runs", "1", "-q"], 0);
    assert!(desk.json("outputs/compare/skewed/summary.json").get("cures").is_none());
}

/// A run so large that its cures would take long says how to get them.
#[test]
fn cures_of_a_large_run_are_not_simulated_unasked() {
    let desk = desk();
    let large = ["--set", "clients.web.load.open.rate=8000", "--set", "servers.s.concurrency=64"];
    let said = desk.run(&[&["run", "skewed.yaml", "--no-png"], &large[..]].concat(), 0).out;
    assert!(said.contains("No cure was simulated: the run took ") && said.contains("--cures forces it"), "{said}");
    assert_eq!(desk.json("outputs/skewed/summary.json")["cures"]["rows"].as_array().unwrap().len(), 0);
}

#[test]
fn cures_of_several_runs_are_those_of_the_first() {
    let desk = desk();
    let one = desk.run(&["run", "skewed.yaml", "--no-png"], 0).out;
    let cures = desk.json("outputs/skewed/summary.json")["cures"].clone();
    let three = desk.run(&["run", "skewed.yaml", "--no-png", "--runs", "3", "--threads", "1"], 0).out;
    assert!(one.contains("with the same calls (seed 1)"), "{one}");
    assert!(three.contains("with the same calls (run 0, seed 1)"), "{three}");
    assert_eq!(desk.json("outputs/skewed/summary.json")["cures"], cures);
}
