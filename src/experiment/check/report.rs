//! What `check` finds: the contents of `check.json`.

use schemars::JsonSchema;
use serde::Serialize;

/// The report of all properties.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// Version of evenkeel.
    pub evenkeel: String,
    /// Seed of the cases and of their runs.
    pub seed: u64,
    /// The most scenarios per property.
    pub cases: u64,
    /// In order of their files.
    pub properties: Vec<Checked>,
}

/// What became of a property.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Checked {
    /// Its name.
    pub name: String,
    /// The claim in words.
    pub says: String,
    /// The claim.
    pub claim: String,
    /// How often it holds: `always`, `in 95% of runs`, `on average`.
    pub holds: String,
    /// The most that the chance of a refutation is if the claim is true; `null` where one run refutes it.
    pub level: Option<f64>,
    /// What the file says that becomes of it.
    pub expected: Fate,
    /// What became of it.
    pub outcome: Fate,
    /// How hard it was attacked.
    pub attack: Attack,
    /// The case that came nearest to refuting it, if none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Nearest>,
    /// What refutes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refutation: Option<Refutation>,
    /// What is learnt from it, or empty.
    pub learnt: String,
}

/// What can become of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// No case refutes it.
    Holds,
    /// Some case does.
    Refuted,
}

/// How hard a property was attacked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Attack {
    /// Scenarios that were judged.
    pub scenarios: u64,
    /// Drawn values that make no valid scenario.
    pub invalid: u64,
    /// Runs, both sides of a comparison counted as one.
    pub runs: u64,
    /// Those in which a figure had no value, and which say nothing.
    pub silent: u64,
    /// Calls that were simulated.
    pub calls: u64,
    /// What was tried of each key that is drawn.
    pub ranges: Vec<Range>,
}

/// What was tried of a key.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Range {
    /// Its path.
    pub path: String,
    /// The first value and the last one in order of the file, of those that were tried; or all of a list.
    pub tried: Vec<String>,
    /// How many values were tried.
    pub values: u64,
    /// How many there are.
    pub of: u64,
    /// Whether they are a range.
    pub is_range: bool,
}

/// A case that does not refute the claim.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Nearest {
    /// The case.
    pub case: Case,
    /// How far the mean run is beyond the claim, as a part of the larger side; below zero: within it.
    pub mean_excess: f64,
    /// Runs in which the claim did not hold, and all.
    pub broken: u64,
    /// All that say something.
    pub runs: u64,
}

/// A scenario and the run of it that says most.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Case {
    /// Its number; 0 is the scenario as it is written.
    pub number: u64,
    /// What differs from the scenario as it is written, as `--set` writes it.
    pub sets: Vec<String>,
    /// Seed of the run.
    pub seed: u64,
    /// The figure of each side in that run, in the unit of the summary; `null` if it has no value.
    pub values: Vec<Option<f64>>,
}

/// What refutes a claim.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Refutation {
    /// As it was found.
    pub found: Case,
    /// As it was shrunk.
    pub shrunk: Case,
    /// Cases that were tried on the way.
    pub tries: u64,
    /// Runs of the shrunk case with other seeds, and in how many of them the claim did not hold.
    pub fresh_runs: u64,
    /// See `fresh_runs`.
    pub fresh_broken: u64,
    /// How far beyond the claim these runs are on average, as a part of the larger side.
    pub fresh_excess: f64,
    /// Files that `run` replays, one per side.
    pub files: Vec<String>,
    /// What happened in the run, in sentences.
    pub happened: Vec<String>,
}

impl Checked {
    /// True if what became of it is what the file expects.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.outcome == self.expected
    }
}
