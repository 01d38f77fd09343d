//! What `fit` finds: the contents of `fit.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::theory::shares::{Explanation, Kind};

/// Shares, and what they may come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// Version of evenkeel.
    pub evenkeel: String,
    /// The pods' names, in the order of their shares; empty if nobody told them.
    #[serde(default)]
    pub pods: Vec<String>,
    /// What was seen: each pod's share of the calls.
    pub shares: Vec<f64>,
    /// How far a share may be from what was seen, as a part of all calls.
    pub within: f64,
    /// The most connections that were thought of.
    pub most_connections: u32,
    /// Kinds of explanations, the most credible one first.
    pub kinds: Vec<Fitted>,
    /// The user's own scenario, as it is and with changes; empty if there is none.
    #[serde(default)]
    pub base: Vec<Tried>,
}

/// A scenario that was run to see how often it shows the shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// Which, in words.
    pub says: String,
    /// What was changed in it, as `--set`s.
    pub sets: Vec<String>,
    /// How often it was run: with its seed, and those after it.
    pub runs: u64,
    /// How many of the runs show the shares, on whichever pods.
    pub matching: u64,
    /// The least that the chance of the shares may be: the lower end of its 95 % confidence interval.
    pub from: f64,
    /// The most: the upper end.
    pub to: f64,
}

/// A kind of explanations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fitted {
    /// Which.
    pub kind: Kind,
    /// In words.
    pub says: String,
    /// How credible it is beside the others, if all kinds were equally credible before; those of all kinds add up to one.
    pub belief: f64,
    /// How likely it makes the shares, each pod with its own, over all of its explanations.
    #[serde(default)]
    pub chance: f64,
    /// Numbers of connections that carry 95 % of its belief.
    pub connections: Range,
    /// Its likeliest explanations, the likeliest first, each with a scenario.
    pub likely: Vec<Likely>,
}

/// From one number to another, both among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The least.
    pub from: u32,
    /// The most.
    pub to: u32,
}

/// An explanation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Likely {
    /// What is thought of.
    pub explanation: Explanation,
    /// In words.
    pub says: String,
    /// How credible it is; part of its kind's belief.
    pub belief: f64,
    /// How likely it makes the shares, each pod with its own.
    pub chance: f64,
    /// Runs of its scenario, with the seeds 1, 2, …
    pub runs: u64,
    /// How many of them show the shares, on whichever pods.
    pub matching: u64,
    /// Seed of the first that does; it is the scenario's.
    pub seed: Option<u64>,
}
