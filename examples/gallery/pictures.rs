//! What hangs in the gallery: traffic and skew of some of the blog's scenarios, all of them side by side, and the plans of
//! docs/capacity.md. The test tests/gallery.rs holds the committed files to it.

use evenkeel::experiment;
use evenkeel::experiment::plan::{Cure, Event, Knob, Planner, Question, Rule, Search, cures, trade_off};
use evenkeel::experiment::pod_shares;
use evenkeel::metrics::outcome::Outcome;
use evenkeel::output::plot::{self, Figure, LAST_PHASE, small_multiples};
use evenkeel::scenario::document::Document;
use evenkeel::{scenario, shipped};
use std::error::Error;
use std::path::{Path, PathBuf};

/// The picture that the README shows, as PNG too.
#[allow(dead_code, reason = "the test does not look at PNG files")]
pub const README: &str = "rolling-restart-traffic";

/// Scenarios with pictures of their own, and which.
const HUNG: [(&str, &[&str]); 8] = [
    ("grpc-clusterip", &["traffic", "skew"]),
    ("grpc-clusterip-mixed", &["traffic", "skew"]),
    ("grpc-headless-round-robin", &["traffic", "skew"]),
    ("rolling-restart", &["traffic", "skew"]),
    ("max-connection-age", &["traffic", "skew"]),
    ("scale-up-clusterip-age", &["traffic", "skew"]),
    ("cpu-limit", &["latency"]),
    ("streams-age", &["traffic"]),
];

/// Where the pictures are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("outputs/gallery")
}

/// All pictures with the stems of their files.
pub fn all() -> Result<Vec<(String, Figure)>, Box<dyn Error>> {
    let mut pictures = Vec::new();
    let mut shares = Vec::new();
    for found in shipped::find("blog") {
        let outcome = run(found)?;
        shares.push(pod_shares(&outcome));
        let name = &outcome.summary.scenario;
        if let Some((_, stems)) = HUNG.iter().find(|(hung, _)| hung == name) {
            let figures = plot::figures(&outcome).into_iter().filter(|(stem, _)| stems.contains(stem));
            pictures.extend(figures.map(|(stem, figure)| (format!("{name}-{stem}"), figure)));
        }
    }
    pictures.push(("compare".into(), small_multiples("Which pod gets the traffic?", LAST_PHASE, &shares)));
    const CHANNELS: [(&str, &[&str]); 3] = [
        ("channels=1", &["clients.web.channels=1"]),
        ("channels=4", &["clients.web.channels=4"]),
        ("channels=16", &["clients.web.channels=16"]),
    ];
    pictures.push(("capacity-pods".into(), capacity(&[], &CHANNELS)?));
    const FEW: [(&str, &[&str]); 4] = [
        ("20 clients", &[]),
        ("3 clients", &["clients.web.replicas=3"]),
        ("3 clients, channels=4", &["clients.web.replicas=3", "clients.web.channels=4"]),
        ("3 clients, channels=16", &["clients.web.replicas=3", "clients.web.channels=16"]),
    ];
    pictures.push(("capacity-few".into(), capacity(&["clients.web.load.open.rate=5000"], &FEW)?));
    pictures.push(("capacity-rollout".into(), rollout()?));
    pictures.push(("capacity-age".into(), age()?));
    Ok(pictures)
}

/// `plan capacity/skew-tax --slo 'max_utilization <= 70%' --share 80%`, with each `--set` and each candidate.
fn capacity(sets: &[&str], candidates: &[(&str, &[&str])]) -> Result<Figure, Box<dyn Error>> {
    let rule = Rule { share: 0.8, surely: 0.95, confidence: 0.95, max_runs: 200, seed: 1 };
    let cures = candidates.iter().map(|(name, sets)| Cure { name: (*name).into(), sets: owned(sets) }).collect();
    plan("capacity/skew-tax", sets, question(&["max_utilization <= 70%"], None, rule), |_| cures)
}

/// `plan solutions/clusterip --through rollout …`: headless or mesh.
fn rollout() -> Result<Figure, Box<dyn Error>> {
    let rule = Rule { share: 0.7, surely: 0.925, confidence: 0.95, max_runs: 200, seed: 1 };
    let slos = ["max_utilization <= 70%", "error_ratio <= 0.1%"];
    let sets = ["duration=2m", "servers.s.startup=2s"];
    plan("solutions/clusterip", &sets, question(&slos, Some(Event::Rollout), rule), |planner| {
        planner.accepted(cures(planner.model())).0
    })
}

fn question(slos: &[&str], event: Option<Event>, rule: Rule) -> Question {
    Question { slos: owned(slos), server: None, event, search: Search::Pods { lo: 1, hi: 200 }, rule, exact: false }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn plan(
    name: &str,
    sets: &[&str],
    question: Question,
    cures: impl FnOnce(&Planner<'_>) -> Vec<Cure>,
) -> Result<Figure, Box<dyn Error>> {
    let document = document(name, sets)?;
    let planner = Planner::new(&document, &question)?;
    let report = planner.plan(&cures(&planner), Vec::new(), None, &|_, _| ())?;
    Ok(plot::pods_needed(&report))
}

/// `plan blog/scale-up-headless-age --knob max_connection_age=30s..8m:log5 --runs 3`
fn age() -> Result<Figure, Box<dyn Error>> {
    let document = document("blog/scale-up-headless-age", &[])?;
    let text = "max_connection_age=30s..8m:log5".into();
    let knob = Knob { text, server: None, event: None, seed: 1, runs: 3 };
    Ok(plot::trade_off(&trade_off(&document, &knob, None, &|_, _| ())?))
}

fn document(name: &str, sets: &[&str]) -> Result<Document, Box<dyn Error>> {
    let found = shipped::find(name).into_iter().next().ok_or_else(|| format!("{name} is not shipped"))?;
    Ok(Document::embedded(found.name, found.text, &owned(sets)))
}

fn run(found: shipped::Shipped) -> Result<Outcome, Box<dyn Error>> {
    let loaded = scenario::parse(found.name, found.text, None, &[]).map_err(|e| format!("{}: {e}", found.name))?;
    Ok(experiment::run(&loaded, loaded.model.seed, true, None)?)
}
