//! What `plan` finds: the contents of `plan.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer to a question of capacity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanReport {
    /// Version of evenkeel.
    pub evenkeel: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of what it means, with the objectives as its expectations.
    pub scenario_hash: String,
    /// The server whose pods are counted.
    pub server: String,
    /// What is searched.
    pub searched: Searched,
    /// The objectives, as `expect` writes them.
    pub slos: Vec<String>,
    /// True if the last of them is not the user's: where none is about calls that fail, no more than this part may.
    pub implied: bool,
    /// True if all runs are as long as the scenario's; else those are shorter in which a shorter run says as much.
    pub exact: bool,
    /// Runs in all.
    pub runs: u64,
    /// When a number of pods, or a load, is enough.
    pub rule: Rule,
    /// What happens in the runs of `through`, in words; `null`: nothing, and there are none.
    pub through: Option<String>,
    /// What was changed in all runs, as `--set` has it.
    pub sets: Vec<String>,
    /// The candidates, in order.
    pub candidates: Vec<Candidate>,
    /// Each call on a pod of its own, drawn uniformly: what the candidates are measured against; `null` if the scenario refuses it.
    pub even: Option<Candidate>,
    /// The candidate with the fewest pods (or the highest load), then with the fewest reconnects; through the timeline if there is one.
    pub cheapest: Option<String>,
    /// Candidates that were not tried, and why.
    pub left_out: Vec<LeftOut>,
}

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Searched {
    /// The fewest pods.
    Pods {
        /// The fewest that are tried.
        lo: u32,
        /// The most.
        hi: u32,
    },
    /// The highest load, as a factor of all clients' rates.
    Load {
        /// Pods that carry it.
        pods: u32,
        /// Calls and streams per second at factor 1, at the highest point of each client's curve.
        rate: f64,
        /// The lowest factor that is tried, and the highest.
        range: (f64, f64),
        /// Neighbouring factors have this ratio, less 1.
        precision: f64,
    },
}

/// When something is enough: if a run with a fresh seed meets all objectives with a high probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Enough: the probability is above this.
    pub share: f64,
    /// Not enough: it is below this. In between either answer is right.
    pub surely: f64,
    /// Each of the two answers is wrong with a probability of at most 1 less this.
    pub confidence: f64,
    /// Runs after which the test ends without an answer.
    pub max_runs: u64,
    /// Seed of run 0; run `i` has the seed + i, in every test.
    pub seed: u64,
}

/// What could be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// In a few words.
    pub name: String,
    /// What it changes, as `--set` has it.
    pub sets: Vec<String>,
    /// While nothing happens; `null` if all objectives are about changes.
    pub steady: Option<Answer>,
    /// Through the timeline.
    pub through: Option<Answer>,
}

/// What a candidate needs, or carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The fewest pods that are enough, or the highest factor of the load that is met; `null` if none within the bounds is.
    pub best: Option<f64>,
    /// Pods beyond what even load needs; or the part of the load that is lost, of what even load carries.
    pub tax: Option<f64>,
    /// True if the search could not go on: the answer is the first or the last number that was allowed, or there is none.
    pub at_bound: bool,
    /// What one pod fewer (or the next higher load) says; `null` at the bound.
    pub next: Option<Verdict>,
    /// The objective that most of its runs miss.
    pub binds: Option<Missed>,
    /// Of the best, or of the last number that was allowed if none is enough: mean over its runs.
    pub reconnects_per_s: Option<f64>,
    /// Of the same: the part of the calls that failed, mean over its runs.
    pub error_ratio: Option<f64>,
    /// One pod more (or the next lower load), if that is shown not to be enough, so that there is no single threshold; else `null`.
    pub broken_by: Option<f64>,
    /// All that was tried, in order of `at`.
    pub tried: Vec<Trial>,
}

/// The runs of one number of pods, or of one load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Pods, or the factor of the load.
    pub at: f64,
    /// What the runs say.
    pub verdict: Verdict,
    /// Runs until then.
    pub runs: u64,
    /// Those that meet all objectives.
    pub met: u64,
    /// The objectives that some run misses, the most missed first.
    pub missed: Vec<Missed>,
    /// Mean over the runs; `null` without any.
    pub reconnects_per_s: Option<f64>,
    /// The part of the calls that failed, mean over the runs; `null` without any.
    pub error_ratio: Option<f64>,
}

/// What the runs say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Enough.
    Enough,
    /// Not enough.
    NotEnough,
    /// Neither is shown: taken for not enough.
    Undecided,
    /// A few runs that only told the search where to look.
    Probed,
    /// The scenario is refused with this many pods: taken for not enough.
    Refused,
}

/// An objective that runs miss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Missed {
    /// As written.
    pub slo: String,
    /// In how many runs.
    pub runs: u64,
    /// Of how many.
    pub of: u64,
}

/// A candidate that was not tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// Why.
    pub why: String,
}
