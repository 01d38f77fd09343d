//! What a comparison finds: the contents of `compare.json`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metrics::outcome::Estimate;

/// The figures of the tables: path in the summary, heading.
pub const COLUMNS: [(&str, &str); 9] = [
    ("skew.max_over_mean", "max/mean"),
    ("skew.effective_pods", "effpods"),
    ("skew.usable_capacity", "usable"),
    ("skew.idle_pods", "idle"),
    ("throughput_rps", "calls/s"),
    ("latency_ms.p99", "p99 ms"),
    ("requests.failed", "errors"),
    ("time_to_balance_s", "balance"),
    ("reconnects_per_s", "recon/s"),
];

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

/// This scenario minus the baseline, run by run: both had the same seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The difference of each figure.
    pub figures: BTreeMap<String, Estimate>,
    /// What that says of each figure; empty with a single run.
    pub findings: BTreeMap<String, Finding>,
}

/// What the runs say of one figure of a scenario, against the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// In a word.
    pub verdict: Verdict,
    /// The least difference that matters, in the figure's unit.
    pub size: f64,
    /// If no difference is shown, and one that mattered may be there: how many runs of each would show it with a chance of 80 %, if
    /// its mean and spread are what they seem to be; `null` if there is nothing to go by, or that were more than a million.
    pub runs_to_show: Option<u64>,
    /// Variance of the paired differences over the sum of both scenarios' variances: the part of the runs that pairing leaves
    /// necessary. `null` if nothing varies.
    pub variance_ratio: Option<f64>,
}

/// A finding in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The 95 % confidence interval of the difference lies on the better side of zero, and the difference is large enough to matter.
    Better,
    /// It lies on the worse side, and matters.
    Worse,
    /// It does not contain zero, and the difference is too small to matter.
    Small,
    /// It contains zero.
    NotShown,
    /// The same value in every run.
    Equal,
    /// Some run has no value: what the others say is no answer.
    NotCompared,
}
