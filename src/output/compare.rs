//! Scenarios side by side: what `compare` prints and writes. The experiment fills a [`Comparison`]; nothing is computed here.

mod files;
mod phases;
mod shares;
mod table;
mod text;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use files::{add_files, csv};
pub use text::{markdown, render};

use super::findings::Finding;
use crate::metrics::outcome::Estimate;
pub use table::COLUMNS;
pub(super) use table::{CELLS, LEGEND, heading, markdown_cells, markdown_headings, paths, rows, shown, width};

/// `compare.json`: the same seeds through several scenarios.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Version of evenkeel.
    pub evenkeel: String,
    /// How many runs each scenario had.
    pub runs: u64,
    /// What the runs went on for, and whether it was reached; absent if their number was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Reached>,
    /// The loads, in words. Only scenarios of the same load are compared: the same calls of the same clients in every run, or the same
    /// workers of closed loads.
    pub loads: Vec<String>,
    /// The scenarios by load; of each load first the baseline, then the others in the order given.
    pub scenarios: Vec<Compared>,
    /// What `--fail-on` found, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<String>,
}

impl Comparison {
    /// The scenarios of each load: a baseline, and what is compared with it.
    pub fn groups(&self) -> impl Iterator<Item = &[Compared]> {
        self.scenarios.chunk_by(|a, b| a.load == b.load)
    }

    /// What scenarios expect and some run does not meet, in words.
    fn unmet(&self) -> impl Iterator<Item = (&Compared, String)> {
        self.scenarios.iter().flat_map(move |s| s.unmet.iter().map(move |unmet| (s, unmet.words(self.runs))))
    }
}

/// `--until`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reached {
    /// As written.
    pub text: String,
    /// True if the figure is known so well in each scenario.
    pub reached: bool,
}

/// One scenario of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// Its name; of files with one name, what tells the files apart.
    pub scenario: String,
    /// Seed of its run 0; run `i` has the seed + i.
    pub seed: u64,
    /// The number of its load, from 1.
    pub load: u64,
    /// What is said of it, if the scenario has a `story`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub story: Option<Told>,
    /// The part of run 0 that the shares are of: its last settled phase.
    pub shares_of: String,
    /// Each pod's share of the requests in this part, in order of creation.
    pub shares: Vec<PodShare>,
    /// The phases of its runs, in order; empty if there is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<String>,
    /// Each figure by its path in the summary (`skew.max_over_mean`), of phases `phases.NAME.FIGURE`; figures without a value in any run
    /// are left out.
    pub figures: BTreeMap<String, Estimate>,
    /// How it differs from the baseline of its load; absent for the baseline itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// What it expects and some run does not meet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmet: Vec<Unmet>,
    /// The verdict of its run 0.
    pub verdict: String,
}

/// What is said of a scenario, and why it comes out as it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// What is claimed; empty if nothing is.
    pub says: String,
    /// Why it comes out as it does; empty if nobody says.
    pub why: String,
}

/// A pod's part of the requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodShare {
    /// The pod.
    pub pod: String,
    /// Its share.
    pub share: f64,
}

/// An expectation that some run does not meet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unmet {
    /// As written.
    pub text: String,
    /// The figure's value in the first of these runs; `null` if it has none.
    pub value: Option<f64>,
    /// In how many runs it is not met.
    pub runs: u64,
}

impl Unmet {
    fn words(&self, runs: u64) -> String {
        let got = self.value.map_or_else(|| "but it has no value".to_owned(), |value| format!("got {value}"));
        let of = if runs > 1 { format!(" (not met in {} of {runs} runs)", self.runs) } else { String::new() };
        format!("expected {}, {got}{of}", self.text)
    }
}

/// This scenario minus the baseline, run by run: both had the same seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The difference of each figure.
    pub figures: BTreeMap<String, Estimate>,
    /// What that says of each figure; empty with a single run.
    pub findings: BTreeMap<String, Finding>,
}

#[cfg(test)]
pub(super) mod tests;
