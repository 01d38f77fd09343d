//! What a sweep is, the file of each of its cells, and the results over all cells.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metrics::figures::always;
use crate::metrics::outcome::Estimate;
use crate::scenario::hash;
use crate::scenario::vary::Grid;

/// What a sweep is: two shards belong together, and a sweep is resumed, only if all of this is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Version of evenkeel.
    pub evenkeel: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of what the scenario of cell 0 means.
    pub scenario_hash: String,
    /// Hash of the scenario as it is written, with what `--set` says.
    pub inputs: String,
    /// Seed of run 0 of every cell; run `i` has the seed + i.
    pub seed: u64,
    /// Runs of each cell.
    pub runs: u64,
    /// What is varied; cells are numbered from 0, the last axis turning fastest.
    pub axes: Grid,
}

impl Plan {
    /// 16 hexadecimal digits that stand for all of it.
    #[must_use]
    pub fn digest(&self) -> String {
        // A plan is plain data, which always has a JSON form.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        hash(&bytes)
    }

    /// What no plan says, in words; `None` if nothing is wrong. Nothing of a plan is used before.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if let Err(why) = self.axes.check() {
            return Some(why);
        }
        let no_hash = [&self.scenario_hash, &self.inputs].into_iter().find(|hash| !is_hash(hash));
        match no_hash {
            Some(text) => Some(format!("{text:?} is not a hash")),
            None if !(1..=MOST_RUNS).contains(&self.runs) => Some(format!("{} is not a number of runs", self.runs)),
            None => None,
        }
    }
}

/// The most runs of a cell.
pub const MOST_RUNS: u64 = 100_000;

/// 16 hexadecimal digits.
fn is_hash(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The file of one finished cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Its number.
    pub cell: u64,
    /// [`Plan::digest`] of the sweep that it is of.
    pub plan: String,
    /// Hash of what its scenario means.
    pub scenario_hash: String,
    /// Hash of each CSV file that its scenario names, by the path that is written there.
    pub files: BTreeMap<String, String>,
    /// Its figures: each one's column in `runs.csv`, and its path in the summary (of a method's, with names for numbers).
    pub figures: Vec<(String, String)>,
    /// Its runs, in order.
    pub runs: Vec<CellRun>,
}

impl Cell {
    /// Why this is not cell `number` of a sweep, in words; `None` if it is.
    #[must_use]
    pub fn problem(&self, plan: &Plan, number: u64) -> Option<String> {
        if self.plan != plan.digest() {
            return Some("it is of another sweep".to_owned());
        }
        if self.cell != number || number >= plan.axes.cells() {
            return Some(format!("it holds cell {}", self.cell));
        }
        let columns: Vec<&str> = self.figures.iter().map(|(column, _)| column.as_str()).collect();
        if !always().map(|kind| kind.column).eq(columns.iter().copied().take(always().count())) {
            return Some("it lacks figures that every run has".to_owned());
        }
        if columns.iter().collect::<BTreeSet<_>>().len() < columns.len() {
            return Some("it has a figure twice".to_owned());
        }
        if self.runs.len() as u64 != plan.runs {
            return Some(format!("it has {} runs, and the sweep has {} of each cell", self.runs.len(), plan.runs));
        }
        let hashes = self.files.values().chain([&self.scenario_hash]).map(String::as_str);
        let digests = self.runs.iter().map(|run| run.digest.strip_prefix("v1:").unwrap_or_default());
        if !hashes.chain(digests).all(is_hash) {
            return Some("a hash in it is none".to_owned());
        }
        let seeds = (0..plan.runs).map(|i| plan.seed.wrapping_add(i));
        if !self.runs.iter().map(|run| run.seed).eq(seeds) {
            return Some("its seeds are not those of the sweep".to_owned());
        }
        let incomplete = self.runs.iter().find(|run| run.values.len() != columns.len());
        incomplete
            .map(|run| format!("the run with seed {} has {} values of {}", run.seed, run.values.len(), columns.len()))
    }
}

/// One run of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellRun {
    /// Its seed.
    pub seed: u64,
    /// Digest of its events.
    pub digest: String,
    /// Expectations of the scenario that it does not meet.
    pub unmet: u64,
    /// The value of each figure; `null` if it has none.
    pub values: Vec<Option<f64>>,
}

/// `sweep.json`: what was varied, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// What was varied.
    pub plan: Plan,
    /// The cells, from number 0.
    pub cells: Vec<CellResult>,
}

/// The means of a cell over its runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CellResult {
    /// Its number.
    pub cell: u64,
    /// The value of each axis.
    pub values: Vec<String>,
    /// Hash of what its scenario means.
    pub scenario_hash: String,
    /// Runs that do not meet all expectations of the scenario.
    pub unmet_runs: u64,
    /// Each figure that has a value in some run, by its path as in `compare.json`.
    pub figures: BTreeMap<String, Estimate>,
}
