//! The runs that show what a finding costs, and what its fix is worth.

use serde::Serialize;

use super::Finding;
use super::facts::{capacity, peak};
use crate::experiment::{self, Watch};
use crate::metrics::outcome::Summary;
use crate::scenario::Loaded;
use crate::scenario::document::Document;
use crate::scenario::model::{Load, Model};
use crate::sim::SimError;

/// More calls than this are not a short simulation.
const MOST_CALLS: f64 = 5e6;

/// What a finding costs, and what its fix is worth: two runs with the same seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    /// The seed of both runs.
    pub seed: u64,
    /// `--set`s that made the scenario a short experiment; none: the scenario itself.
    pub probe: Vec<String>,
    /// Figures of the two runs.
    pub figures: Vec<Shown>,
    /// Why there are no figures; empty if there are.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub missing: String,
}

/// A figure of the two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// Its name.
    pub name: &'static str,
    /// As the scenario is.
    pub without: Option<f64>,
    /// With the fix.
    pub with: Option<f64>,
}

/// Runs a finding's experiment without and with its fix.
///
/// # Errors
/// If a run cannot finish, or `watch` stopped it.
pub fn evidence(document: &Document, finding: &Finding, watch: Option<Watch<'_>>) -> Result<Evidence, SimError> {
    let missing = |why: &str| Ok(Evidence { seed: 0, probe: Vec::new(), figures: Vec::new(), missing: why.to_owned() });
    // A probe that does not fit the scenario (a client that starts late, say) gives way to the scenario itself.
    let pair = |probe: &[String]| {
        let with: Vec<String> = probe.iter().chain(&finding.fix).cloned().collect();
        Some((document.load(probe).ok()?, document.load(&with).ok()?))
    };
    let probed = pair(&finding.probe).map(|pair| (pair, finding.probe.clone()));
    let Some(((without, with), probe)) = probed.or_else(|| Some((pair(&[])?, Vec::new()))) else {
        return missing("the fix does not go with other settings of the scenario");
    };
    let calls = calls(&without.model).max(calls(&with.model));
    if calls > MOST_CALLS {
        return missing(&format!("the run has about {:.0} million calls; use `compare`", calls / 1e6));
    }
    let seed = without.model.seed;
    let summary =
        |loaded: &Loaded| -> Result<Summary, SimError> { Ok(experiment::run(loaded, seed, false, watch)?.summary) };
    let (without, with) = rayon::join(|| summary(&without), || summary(&with));
    let (without, with) = (without?, with?);
    let figures = finding.rule.figures.iter();
    let figures = figures.map(|f| Shown { name: f.name, without: f.of(&without), with: f.of(&with) }).collect();
    Ok(Evidence { seed, probe, figures, missing: String::new() })
}

/// About how many calls a run has.
fn calls(model: &Model) -> f64 {
    let seconds = model.duration.map_or(f64::INFINITY, |d| d.as_secs_f64());
    let most: f64 = model.servers.iter().map(|s| capacity(model, s) * f64::from(s.replicas)).sum();
    let of = |client: &crate::scenario::model::Client| match &client.load {
        Load::Closed { concurrency, requests, .. } => {
            let each = model.servers.iter().map(|s| s.service_time.mean()).fold(0.0, f64::max);
            let rate = most.min(f64::from(*concurrency) / (each + model.cluster.rtt.as_secs_f64()).max(1e-6));
            (rate * seconds).min(requests.map_or(f64::INFINITY, |n| n as f64))
        }
        Load::Streams(streams) => {
            let messages = streams.interval.map_or(0.0, |i| streams.duration.mean().min(seconds) / i.as_secs_f64());
            let rate = streams.rate.points.iter().map(|p| p.1).fold(0.0, f64::max);
            rate * seconds * (1.0 + messages)
        }
        _ => peak(client).unwrap_or(0.0) * seconds,
    };
    model.clients.iter().map(of).sum()
}
