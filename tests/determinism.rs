//! The same scenario and seed give the same bytes; what clients ask for does not depend on how they are served.
//!
//! `EVENKEEL_BLESS=1 cargo test --test determinism golden` writes `tests/golden/digests.txt` anew. The same file holds in
//! every profile: `cargo test --release --test determinism golden` checks it without debug assertions.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use evenkeel::metrics::outcome::Summary;
use evenkeel::{experiment, scenario, shipped};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/digests.txt");

/// 100,000 calls through much of the engine; `.ci/run` compares its digest between build profiles.
const MUCH: &str = include_str!("golden/much.yaml");

fn summary(text: &str, sets: &[&str]) -> Summary {
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    let loaded = scenario::parse("a.yaml", text, None, &sets).unwrap_or_else(|error| panic!("{error}"));
    experiment::run(&loaded, loaded.model.seed, false, None).expect("runs").summary
}

#[test]
fn golden_digests() {
    let mut now = String::new();
    let all = shipped::all();
    let scenarios = all.iter().map(|s| (s.name, s.text)).chain([("tests/much", MUCH)]);
    for (name, text) in scenarios {
        let Summary { digest, arrivals_digest, requests, .. } = summary(text, &[]);
        assert!(
            requests.started < 2_000_000,
            "{name} makes {} calls: too many for a shipped scenario",
            requests.started
        );
        let _ = writeln!(now, "{name} {digest} {arrivals_digest} {}", requests.started);
    }
    if std::env::var_os("EVENKEEL_BLESS").is_some() {
        fs::create_dir_all(Path::new(GOLDEN).parent().unwrap()).unwrap();
        return fs::write(GOLDEN, now).unwrap();
    }
    let golden = fs::read_to_string(GOLDEN).unwrap_or_default();
    let (golden, now): (Vec<&str>, Vec<&str>) = (golden.lines().collect(), now.lines().collect());
    assert_eq!(now, golden, "if this is meant, write the file anew (see the head of this test)");
}

#[test]
fn the_scenario_of_many_calls_has_many() {
    let requests = summary(MUCH, &[]).requests;
    assert!(requests.started >= 100_000, "{requests:?}");
    assert!(requests.ok > 50_000 && requests.by_status.values().all(|n| *n > 0), "{requests:?}");
}

/// Every file of an output folder, by its path.
fn files(folder: &Path, files_of: &mut BTreeMap<String, Vec<u8>>, prefix: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}/{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            files(&path, files_of, &name);
        } else {
            files_of.insert(name, fs::read(path).unwrap());
        }
    }
}

#[test]
fn output_files_are_the_same_bytes_on_every_run_and_any_number_of_threads() {
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("much.yaml"), MUCH.replace("duration: 100s", "duration: 85s")).unwrap();
    let small = "name: small\nservers: [{ name: s, replicas: 3 }]\n\
                 clients: [{ name: ghz, load: { closed: { concurrency: 5, requests: 2000 } } }]\n";
    fs::write(folder.path().join("small.yaml"), small).unwrap();
    let run = |command: &str, out: &str, threads: &str| {
        let args = [command, "much.yaml", "small.yaml", "--runs", "3", "--quiet", "--out", out, "--threads", threads];
        let mut process = Command::new(assert_cmd::cargo::cargo_bin!("evenkeel"));
        let output = process.current_dir(folder.path()).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut all = BTreeMap::new();
        files(&folder.path().join(out), &mut all, "");
        all
    };
    for command in ["run", "compare"] {
        let one = run(command, "one", "1");
        assert!(
            one.keys().any(|k| k.ends_with("runs.csv")) && one.keys().any(|k| k.ends_with(".png")),
            "{:?}",
            one.keys()
        );
        for (out, threads) in [("again", "1"), ("two", "2"), ("eight", "8")] {
            let other = run(command, out, threads);
            assert!(one.keys().eq(other.keys()), "{:?} and {:?}", one.keys(), other.keys());
            let differ: Vec<&String> = one.keys().filter(|k| one[*k] != other[*k]).collect();
            assert!(differ.is_empty(), "{command} --threads {threads}: {differ:?}");
        }
    }
}

/// One digest for all of these, and it belongs to this load.
fn same_arrivals(text: &str, variants: &[&[&str]]) {
    let all: Vec<Summary> = variants.iter().map(|sets| summary(text, sets)).collect();
    for (other, sets) in all.iter().zip(variants) {
        assert_eq!(other.arrivals_digest, all[0].arrivals_digest, "{sets:?}");
        assert_eq!(other.arrivals_digest_by_client, all[0].arrivals_digest_by_client, "{sets:?}");
        assert_eq!(other.requests.started, all[0].requests.started, "{sets:?}");
    }
    let digests: std::collections::BTreeSet<&String> = all.iter().map(|s| &s.digest).collect();
    // Some settings make no difference to some load; most do.
    assert!(2 * digests.len() > all.len(), "variants that make no difference");
    assert_ne!(summary(text, &["seed=2"]).arrivals_digest, all[0].arrivals_digest);
}

const HEADLESS: &str = "service={ type: Headless }";

#[test]
fn what_clients_ask_for_is_the_same_under_every_policy() {
    let text = "name: a\nduration: 20s\nservers: [{ name: s, replicas: 4 }]\n\
                clients: [{ name: c, replicas: 3, load: { open: { rate: 200 } } }]\n\
                timeline: [{ at: 5s, kill: { server: s, pods: 1 } }]\n";
    let variants: &[&[&str]] = &[
        &[],
        &[HEADLESS],
        &["clients.c.policy={ pick_first: { reconnect: eager } }", "clients.c.channels=2"],
        &[HEADLESS, "clients.c.policy={ pick_first: { shuffle: true } }"],
        &[HEADLESS, "clients.c.policy=round_robin"],
        &[HEADLESS, "clients.c.policy={ round_robin: { start: random } }"],
        &[HEADLESS, "clients.c.policy={ round_robin: { start: first } }"],
        &[HEADLESS, "clients.c.policy={ round_robin: { start: continue } }"],
        &["clients.c.protocol=http1"],
        &["clients.c.protocol=http1", "clients.c.http1={ keep_alive: {} }"],
        &["clients.c.connection_lifetime={ max: 2s }"],
        &["servers.s.grpc={ max_connection_age: 2s }"],
        &["servers.s.replicas=2"],
        &["servers.s.service_time=5ms"],
        &["timeline=[]"],
    ];
    same_arrivals(text, variants);
    same_arrivals(&text.replace("rate: 200 ", "rate: 200, arrivals: constant "), variants);
    same_arrivals(&text.replace("open: { rate: 200 }", "closed: { concurrency: 9, requests: 3000 }"), variants);
}

#[test]
fn a_client_more_changes_nothing_for_the_others() {
    let text = |more: &str, before: bool| {
        let old = "  - { name: a, replicas: 3, load: { open: { rate: 100 } } }\n\
                   \x20 - { name: b, replicas: 2, load: { closed: { concurrency: 4, requests: 500 } } }\n";
        let (first, second) = if before { (more, old) } else { (old, more) };
        format!("name: a\nduration: 20s\nservers: [{{ name: s, replicas: 2 }}]\nclients:\n{first}{second}")
    };
    let alone = summary(&text("", false), &[]).arrivals_digest_by_client;
    for load in ["open: { rate: 500 }", "open: { rate: 5, arrivals: constant }", "closed: { concurrency: 7 }"] {
        for before in [false, true] {
            let more = format!("  - {{ name: more, replicas: 2, load: {{ {load} }} }}\n");
            let mut with = summary(&text(&more, before), &[]).arrivals_digest_by_client;
            assert!(with.remove("more").is_some());
            assert_eq!(with, alone, "{load}, before the others: {before}");
        }
    }
}
