//! What hangs in the gallery: traffic and skew of some of the blog's scenarios, and all of them side by side. The test
//! tests/gallery.rs holds the committed files to it.

use evenkeel::experiment;
use evenkeel::metrics::outcome::Outcome;
use evenkeel::output::plot::{self, Figure, LAST_PHASE, pod_shares, small_multiples};
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
    Ok(pictures)
}

fn run(found: shipped::Shipped) -> Result<Outcome, Box<dyn Error>> {
    let loaded = scenario::parse(found.name, found.text, None, &[]).map_err(|e| format!("{}: {e}", found.name))?;
    Ok(experiment::run(&loaded, loaded.model.seed, true, None)?)
}
