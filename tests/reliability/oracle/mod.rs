//! An independent oracle: reads the files that a run wrote, recomputes what one of them says from the others, and complains
//! where they disagree. It knows the scenario and none of the engine's or recorder's code.

mod clients;
mod connections;
mod events;
pub mod files;
mod runs;
mod summary;
mod verdict;
mod windows;

use std::collections::BTreeMap;

use evenkeel::metrics::outcome::Summary;
use evenkeel::model::Model;
use schemars::schema_for;
use serde_json::Value;

use files::{Findings, Table};

/// A run's files, read.
pub struct Run<'a> {
    pub model: &'a Model,
    pub summary: Value,
    /// The lives of the servers' pods, and of the gateways', in order of the summary.
    pub lives: [Vec<Life>; 2],
    /// `pods.csv` and `gateways.csv`.
    pub rows: [Vec<Row>; 2],
    pub connections: Table,
    pub events: Table,
    /// Microseconds.
    pub warmup: u64,
    /// Microseconds, rounded.
    pub end: u64,
}

/// The phases of a pod, by the word in `pods.csv`, as `events.csv` tells them, in microseconds.
pub struct Life {
    pub name: String,
    pub phases: Vec<(u64, &'static str)>,
}

/// Times in files are rounded to microseconds: what is within half of one could have been before or after.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Sure {
    Yes,
    No,
    Maybe,
}

impl Life {
    /// Whether it was Ready from the start of a window to its end, changes at its end included.
    pub fn ready_throughout(&self, from: u64, to: u64) -> Sure {
        let mut verdict = Sure::No;
        for (i, &(at, _)) in self.phases.iter().enumerate().filter(|(_, p)| p.1 == "ready") {
            let until = self.phases.get(i + 1).map_or(u64::MAX, |next| next.0);
            // What is there when the run begins is Ready at exactly 0.
            let sure = (at < from || at == 0) && until > to;
            match () {
                () if sure => return Sure::Yes,
                () if at <= from && until >= to => verdict = Sure::Maybe,
                () => {}
            }
        }
        verdict
    }

    /// The words that can stand for its phase at a moment, changes at that moment included.
    pub fn at(&self, at: u64) -> Vec<&'static str> {
        let before = self.phases.iter().rev().find(|p| p.0 < at).map(|p| p.1);
        let now = self.phases.iter().filter(|p| p.0 == at).map(|p| p.1);
        before.into_iter().chain(now).collect()
    }

    pub fn created(&self) -> u64 {
        self.phases.first().map_or(u64::MAX, |p| p.0)
    }

    pub fn when(&self, phase: &str) -> Option<u64> {
        self.phases.iter().find(|p| p.1 == phase).map(|p| p.0)
    }
}

/// A row of `pods.csv`.
#[derive(Debug)]
pub struct Row {
    pub from: u64,
    pub to: u64,
    pub width: u64,
    /// Its place in the summary; `None`: the row `(none)`.
    pub pod: Option<usize>,
    pub state: String,
    pub connections: u64,
    pub requests: u64,
    pub share: Option<f64>,
    pub in_flight: u64,
    pub queued: u64,
    pub utilization: Option<f64>,
    pub latency: (Option<u64>, Option<u64>),
    pub errors: u64,
    pub messages: u64,
}

/// Everything that is wrong with the files of a run with this seed.
pub fn check(files: &BTreeMap<String, Vec<u8>>, model: &Model, seed: u64, runs: usize) -> Vec<String> {
    let mut findings = Findings::default();
    let texts: BTreeMap<&str, String> = files
        .iter()
        .filter(|(name, _)| !name.ends_with(".png"))
        .map(|(name, bytes)| (name.as_str(), String::from_utf8(bytes.clone()).expect("UTF-8")))
        .collect();
    for (name, text) in &texts {
        files::no_odd_numbers(name, text, &mut findings);
        if name.ends_with(".svg") {
            let parsed = roxmltree::Document::parse(text);
            findings.must(parsed.is_ok(), || format!("{name}: {parsed:?}"));
        }
    }
    let summary: Value = serde_json::from_str(&texts["summary.json"]).expect("summary.json is JSON");
    let schema = schema_for!(Summary).to_value();
    files::validate(&summary, &schema, &schema, "summary.json", &mut findings);
    let table = |name: &str| Table::parse(name, &texts[name]);
    let (connections, events) = match (table("connections.csv"), table("events.csv")) {
        (Ok(connections), Ok(events)) => (connections, events),
        (a, b) => return [a.err(), b.err()].into_iter().flatten().collect(),
    };
    let warmup = model.warmup.0 / 1_000;
    // A run that ends in its warmup has nothing measured, and says when it ended nowhere but in its windows.
    let measured = (files::number(&summary, "/measured_s").expect("a number") * 1e6).round() as u64;
    let lives = [list_of(&summary, "pods", &events), list_of(&summary, "gateways", &events)];
    let rows = [windows::rows(&texts, "pods.csv", &lives[0]), windows::rows(&texts, "gateways.csv", &lives[1])];
    let end = if measured > 0 { warmup + measured } else { rows.iter().flatten().map(|row| row.to).max().unwrap_or(0) };
    let run = Run { model, summary, lives, rows, connections, events, warmup, end };
    findings.must(files::count(&run.summary, "/seed") == seed, || "another seed".to_owned());
    summary::check(&run, &mut findings);
    events::check(&run, &mut findings);
    windows::check(&run, &mut findings);
    connections::check(&run, &mut findings);
    match table("clients.csv") {
        Ok(clients) => clients::check(&run, &clients, &mut findings),
        Err(problem) => findings.must(false, || problem),
    }
    verdict::check(&run, &mut findings);
    if runs > 1 {
        runs::check(&run, &texts, runs, &mut findings);
    }
    findings.0
}

fn list_of(summary: &Value, key: &str, events: &Table) -> Vec<Life> {
    let names = files::list(summary, key).iter().map(|pod| files::text(pod, "/pod").to_owned());
    names.map(|name| events::life(name, events)).collect()
}
