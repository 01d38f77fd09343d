//! Random scenarios over the whole model, each run through the library to all of its files, which an independent oracle reads
//! and compares with each other (the way of TigerBeetle's simulator: many seeds, every invariant, a failure is a file to run).
//!
//! `EVENKEEL_CASES=100000 EVENKEEL_SEED=1000 cargo test --test reliability simulation` hunts longer and elsewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use evenkeel::experiment::{Replicates, replicate};
use evenkeel::metrics::outcome::{Outcome, WindowRow};
use evenkeel::observe::ConnectionSink;
use evenkeel::output::{self, WriteOptions, markdown, plot, replot, table};
use evenkeel::scenario::{self, Loaded};
use evenkeel::sim::SimError;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

#[path = "../support/strategies.rs"]
#[allow(dead_code)]
mod strategies;

use super::oracle::{self, files};
use strategies::{Scenario, with_expectations};

/// Of each scenario: run 0 with all traces, and one more for `runs.csv`.
const RUNS: usize = 2;
/// A few seconds of a few clients: no run takes so long, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pictures are drawn as PNG in one case of so many: it takes longer than all the rest.
const PNG: u64 = 25;

fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

fn run(loaded: &Loaded, seed: u64, threads: usize) -> Result<Replicates, SimError> {
    let begun = Instant::now();
    let watch = |_, _| begun.elapsed() > PATIENCE;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    pool.install(|| replicate(loaded, seed, RUNS as u64, ConnectionSink::Keep, Some(&watch)))
}

fn write(replicates: &Replicates, png: bool) -> (tempfile::TempDir, BTreeMap<String, Vec<u8>>) {
    let folder = tempfile::TempDir::new().expect("a folder");
    let options = WriteOptions { png, runs: &replicates.summaries, ..WriteOptions::default() };
    output::write_run(folder.path(), &replicates.first, &options).expect("written");
    let files = files::all(folder.path());
    (folder, files)
}

/// Everything that is wrong with the files of a scenario's run with this seed.
fn wrong(loaded: &Loaded, seed: u64) -> Vec<String> {
    let png = seed.is_multiple_of(PNG);
    let (replicates, again) = match (run(loaded, seed, 2), run(loaded, seed, 1)) {
        (Ok(replicates), Ok(again)) => (replicates, again),
        // Calls to pods that answer nothing do not end, and there is no other end.
        (Err(SimError::Endless { .. }), Err(SimError::Endless { .. })) if loaded.model.duration.is_none() => {
            return Vec::new();
        }
        (one, two) => return [one.err(), two.err()].into_iter().flatten().map(|error| error.to_string()).collect(),
    };
    let (folder, files) = write(&replicates, png);
    let mut wrong = oracle::check(&files, &loaded.model, seed, RUNS);
    let (_others, others) = write(&again, png);
    let differ: Vec<&String> =
        files.iter().filter(|(name, bytes)| others.get(*name) != Some(bytes)).map(|f| f.0).collect();
    if !differ.is_empty() || files.len() != others.len() {
        wrong.push(format!("with one thread other bytes in {differ:?}"));
    }
    wrong.extend(drawn_again(folder.path(), &replicates.first, &files));
    let header = table::Header { assumptions: Vec::new(), folder: None, ..table::Header::default() };
    let printed =
        [table::render(&replicates.first, &header, &output::Style::default()), markdown::render(&replicates.first)];
    let mut findings = files::Findings::default();
    printed.iter().for_each(|text| files::no_odd_numbers("what is printed", text, &mut findings));
    wrong.extend(findings.0);
    wrong
}

/// `evenkeel plot` draws the same pictures from the folder, if the rows reach to the end of the run: else no file tells it.
fn drawn_again(folder: &Path, run: &Outcome, files: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let outcome = match replot::read(folder) {
        Ok(outcome) => outcome,
        Err(error) => return vec![error.to_string()],
    };
    let whole = |row: &WindowRow| row.time_s + run.window_s >= run.end_s;
    if !run.windows.last().is_some_and(whole) || run.windows.first().is_some_and(|row| row.partial) {
        return Vec::new();
    }
    let figures = plot::figures(&outcome);
    let other = |(stem, figure): &(&str, plot::Figure)| {
        let name = format!("{stem}.svg");
        (files.get(&name) != Some(&figure.svg().into_bytes())).then(|| format!("{name} drawn again is another picture"))
    };
    figures.iter().filter_map(other).collect()
}

/// Runs what a seed draws; returns the smallest scenario that shows what is wrong, if something is.
fn case(seed: u64) -> Result<(), String> {
    let config = Config {
        cases: 1,
        rng_seed: RngSeed::Fixed(seed),
        max_global_rejects: 1 << 20,
        max_shrink_iters: 200,
        max_shrink_time: 60_000,
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&with_expectations(), |Scenario(text)| {
        let Ok(loaded) = scenario::parse("random.yaml", &text, None, &[]) else {
            return Err(TestCaseError::reject("refused"));
        };
        let wrong = wrong(&loaded, seed);
        if wrong.is_empty() { Ok(()) } else { Err(TestCaseError::fail(wrong.join("\n"))) }
    });
    match result {
        Ok(()) => Ok(()),
        Err(TestError::Abort(reason)) => Err(format!("seed {seed}: {reason}")),
        Err(TestError::Fail(reason, Scenario(text))) => {
            let path = keep(seed, &text);
            Err(format!("evenkeel run {} --seed {seed} --runs {RUNS}\n{text}\n{reason}\n", path.display()))
        }
    }
}

/// A file of this scenario that stays.
fn keep(seed: u64, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("evenkeel-simulation-{seed}.yaml"));
    std::fs::write(&path, text).expect("a temporary file");
    path
}

/// Scenarios, shrunk, whose files disagreed once.
const FOUND: [&str; 8] = [
    // No pod, and over before the warmup is: the oracle looked for the end of the run in pods.csv only, and gateways.csv went beyond it.
    "name: a\nduration: 4s\nwarmup: 1715ms\nservers: [{ name: s, replicas: 0 }]\ngateways: [{ name: g, proxy: haproxy }]\n\
     clients: [{ name: c, via: { gateway: g }, load: { closed: { concurrency: 2, requests: 25 } } }]\n",
    // Thousandths of a core: whole ns are parts of a million of what is used in a window, and its rows were cut off at 1.
    "name: a\nduration: 4s\nservers: [{ name: s, replicas: 1, concurrency: 3, service_time: 1ms, cpu: { cores: 13m } }]\n\
     clients: [{ name: c, load: { closed: { concurrency: 3 } } }]\n",
    // No pod becomes Ready: not a word of the calls that failed.
    "name: a\nduration: 4s\nservers: [{ name: s, replicas: 0, startup: 1s }]\n\
     clients: [{ name: c, load: { open: { rate: 50 } } }]\ntimeline: [{ at: 3900ms, scale: { server: s, replicas: 2 } }]\n",
    // Gone by SIGKILL at 1.49 s, of which clients learn at 1.51 s: it had connections in its last row, and at the end of the run.
    "name: a\nduration: 3s\nwindow: 500ms\ncluster: { rtt: 40ms }\n\
     servers: [{ name: s, replicas: 2, termination: { pre_stop: 490ms, grace: 490ms } }]\n\
     clients: [{ name: c, replicas: 9, load: { open: { rate: 50 } } }]\ntimeline: [{ at: 1s, delete: { server: s, pods: 1 } }]\n",
    // No address, so that nothing reaches the new pods: "0 of 2 pods take all requests, s-2-0 NaNx its share".
    "name: a\nduration: 8s\nservice: { type: Headless }\nservers: [{ name: s, replicas: 2, startup: 100ms }]\n\
     clients: [{ name: c, policy: round_robin, load: { open: { rate: 50 } } }]\ntimeline: [{ at: 2s, rollout: s }]\n",
    // No call after the warmup: "all 0 calls failed".
    "name: a\nwarmup: 2s\nservers: [{ name: s, replicas: 0 }]\nclients: [{ name: c, load: { closed: { concurrency: 1, requests: 1 } }, deadline: 100ms }]\n",
    // Scaled to 0: not a word of the calls that failed.
    "name: a\nduration: 8s\nservers: [{ name: s, replicas: 2 }]\nclients: [{ name: c, load: { open: { rate: 50 } } }]\n\
     timeline: [{ at: 2s, scale: { server: s, replicas: 0 } }]\n",
    // Two quotas in one window: a utilization of 1.2.
    "name: a\nduration: 4s\nwindow: 250ms\nservers: [{ name: s, cpu: { limit: 172m }, service_time: 3ms }]\n\
     clients: [{ name: c, load: { closed: { concurrency: 6 } } }]\n",
];

#[test]
fn what_disagreed_once_agrees() {
    let mut wrong = Vec::new();
    for text in FOUND {
        let loaded = scenario::parse("found.yaml", text, None, &[]).unwrap_or_else(|error| panic!("{error}"));
        let found = self::wrong(&loaded, 1);
        wrong.extend((!found.is_empty()).then(|| format!("{text}{}\n", found.join("\n"))));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_files_of_random_scenarios_agree() {
    let (first, cases) = (from_environment("EVENKEEL_SEED", 1), from_environment("EVENKEEL_CASES", 300));
    // Plain threads: one of rayon that waits for a run's pool would take up the next seed meanwhile, and so on.
    let next = AtomicU64::new(first);
    let work = || -> Vec<String> {
        let seeds = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)).filter(|s| *s < first + cases));
        seeds.filter_map(|seed| case(seed).err()).collect()
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..from_environment("EVENKEEL_JOBS", cores as u64)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no panic")).collect()
    });
    let shown: Vec<&str> = failures.iter().take(5).map(String::as_str).collect();
    assert!(failures.is_empty(), "{} of {cases} scenarios:\n{}", failures.len(), shown.join("\n"));
}

/// A scenario in which all that files can say is said: a rollout in the measured part, a gateway, methods, failures.
const RICH: &str = "name: rich\nduration: 20s\nwindow: 500ms\nservice: { type: Headless }\n\
    servers: [{ name: s, replicas: 3, startup: 1300ms, grpc: { max_connection_age: 4s } }]\n\
    clients:\n\
    - { name: c, replicas: 2, policy: round_robin, resolver: { min_interval: 1s }, load: { open: { rate: 300 } }, deadline: 8ms }\n\
    - { name: g, via: { gateway: gw }, load: { open: { rate: 50 }, methods: [{ name: a, share: 50% }, { name: b, share: 50% }] } }\n\
    gateways: [{ name: gw, proxy: nginx, replicas: 2 }]\n\
    timeline: [{ at: 7230ms, rollout: s }]\nexpect: [max_over_mean <= 3, requests.failed == 0]\n";

/// The text of a CSV file in which the last field of a column that has something in it is another one.
fn with_another(text: &str, column: &str, change: fn(&str) -> String) -> String {
    let place = text.lines().next().and_then(|header| header.split(',').position(|c| c == column)).expect("a column");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let row = lines.iter_mut().rev().find(|line| line.split(',').nth(place).is_some_and(|f| !f.is_empty() && f != "0"));
    let row = row.expect("a row");
    let mut fields: Vec<String> = row.split(',').map(str::to_owned).collect();
    fields[place] = change(&fields[place]);
    *row = fields.join(",");
    lines.join("\n") + "\n"
}

/// The last digit, changed.
fn digit(field: &str) -> String {
    let (rest, last) = field.split_at(field.len() - 1);
    format!("{rest}{}", if last == "4" { "7" } else { "4" })
}

/// The first digit, changed.
fn much(field: &str) -> String {
    let (first, rest) = field.split_at(1);
    format!("{}{rest}", if first == "9" { "8" } else { "9" })
}

#[test]
fn the_oracle_sees_what_is_wrong() {
    let loaded = scenario::parse("rich.yaml", RICH, None, &[]).unwrap_or_else(|error| panic!("{error}"));
    let (_folder, files) = write(&run(&loaded, 1, 1).expect("runs"), false);
    let check = |files: &BTreeMap<String, Vec<u8>>| oracle::check(files, &loaded.model, 1, RUNS);
    assert_eq!(check(&files), [""; 0]);
    let mut unseen = Vec::new();
    let mut tried = |what: String, name: &str, bytes: Vec<u8>| {
        let mut others = files.clone();
        assert_ne!(others.insert(name.to_owned(), bytes.clone()), Some(bytes), "{what} changes nothing");
        let complains = std::panic::catch_unwind(|| !check(&others).is_empty()).unwrap_or(true);
        unseen.extend((!complains).then_some(what));
    };
    let text = |name: &str| String::from_utf8(files[name].clone()).expect("UTF-8");
    type Change = fn(&str) -> String;
    let cells: [(&str, &str, Change); 24] = [
        ("pods.csv", "time_s", digit),
        ("pods.csv", "pod", digit),
        ("pods.csv", "state", |_| "starting".to_owned()),
        ("pods.csv", "connections", much),
        ("pods.csv", "requests", digit),
        ("pods.csv", "share", digit),
        ("pods.csv", "utilization", much),
        ("pods.csv", "errors", much),
        ("pods.csv", "width_s", much),
        ("gateways.csv", "requests", digit),
        ("gateways.csv", "share", |_| "NaN".to_owned()),
        ("clients.csv", "failed", much),
        ("clients.csv", "connections_opened", much),
        ("connections.csv", "id", |_| "0".to_owned()),
        ("connections.csv", "client", |_| "nobody-0".to_owned()),
        ("connections.csv", "opened_s", |_| "99.000000".to_owned()),
        ("connections.csv", "closed_s", |_| "0.000001".to_owned()),
        ("connections.csv", "close_reason", |_| "boredom".to_owned()),
        ("events.csv", "time_s", |_| "0.000000".to_owned()),
        ("events.csv", "what", |_| String::new()),
        ("runs.csv", "seed", digit),
        ("runs.csv", "gini", much),
        ("runs_pods.csv", "ordinal", much),
        ("runs_pods.csv", "share", much),
    ];
    for (name, column, change) in cells {
        tried(format!("{name}: {column}"), name, with_another(&text(name), column, change).into_bytes());
    }
    let summary: serde_json::Value = serde_json::from_slice(&files["summary.json"]).expect("JSON");
    for pointer in [
        "/requests/ok",
        "/requests/by_status/UNAVAILABLE",
        "/requests/failed_by_client/c",
        "/methods/0/failed",
        "/throughput_rps",
        "/error_ratio",
        "/stray_share",
        "/measured_s",
        "/skew/gini",
        "/skew/worst_window/max_over_mean",
        "/skew/median_window/cv",
        "/latency_ms/p50",
        "/latency_ms/mean",
        "/pods/0/share",
        "/pods/0/requests",
        "/pods/0/created_s",
        "/pods/0/utilization",
        "/pods/0/connections_opened",
        "/pods/4/connections_at_end",
        "/connections/closed_by/max_age",
        "/max_utilization",
        "/time_to_balance/0/seconds",
        "/runs/latency_ms.p99/mean",
        "/expectations/0/value",
        "/seed",
    ] {
        let mut other = summary.clone();
        let value = other.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}"));
        *value = match value.as_u64() {
            Some(n) => (n + 1).into(),
            None => (value.as_f64().unwrap_or(0.0) * 31.0 + 17.0).into(),
        };
        tried(pointer.to_owned(), "summary.json", serde_json::to_vec(&other).expect("JSON"));
    }
    let verdict = summary["verdict"].as_str().expect("text");
    for other in ["There are 0 of 3 pods.", "s-9-9 carries 1.0x its share.", "s-2-0 carries 2.9x its share.", ""] {
        let text = text("summary.json").replace(verdict, other);
        tried(format!("the verdict {other:?}"), "summary.json", text.into_bytes());
    }
    tried("a picture cut short".to_owned(), "skew.svg", files["skew.svg"][..500].to_vec());
    assert_eq!(unseen, [""; 0]);
}
