//! The production checklist as rules: what is set up so that pods idle, calls fail or clients are cut off, with a small
//! experiment as evidence.
//!
//! A rule is a row of data: words, an example, and a pure function of the checked model that finds what breaks it. It says
//! where, what would cure it as `--set`s, and which short run shows the difference. [`evidence`] makes that run.

mod ages;
mod channels;
mod cures;
mod discovery;
mod evidence;
mod facts;
mod figures;
mod formats;
mod keepalive;
mod load;
mod placing;
mod probe;
mod proxies;
mod report;
mod review;
mod rollouts;
mod scaling;

pub use cures::cures;
pub use evidence::{Evidence, Shown, evidence};
pub use figures::Figure;
pub use formats::{github, junit, sarif};
pub use report::{json, reference, render, rule_text};
pub use review::{Decisions, Linted, Review, Suppressed, Unused};

use serde::Serialize;

use crate::model::Model;
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::document::{Document, Position};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; it costs something, or does less than one would think.
    Note,
    /// Pods idle, or calls fail, in what happens every day: a rollout, a scale-up, a lost pod.
    Warning,
    /// It does not work.
    Error,
}

/// A rule.
pub struct Rule {
    /// `EK001`… Never reused.
    pub code: &'static str,
    /// The rule in a few words.
    pub title: &'static str,
    /// How much breaking it matters.
    pub severity: Severity,
    /// Why it is a problem.
    pub cause: &'static str,
    /// What to do.
    pub cure: &'static str,
    /// Where that is written.
    pub source: &'static str,
    /// A scenario that breaks it.
    pub example: &'static str,
    /// The smallest change of the example, as `--set`s, after which it just does not.
    pub passes: &'static [&'static str],
    /// The figures that show the difference; the first one is the one that must get better.
    pub figures: &'static [Figure],
    find: fn(&Model) -> Vec<Found>,
}

/// What a rule finds.
#[derive(Clone, Debug, Default, PartialEq)]
struct Found {
    /// Path of the key that it is about, as `--set` has it.
    path: String,
    /// What is wrong, with figures, in one sentence without an end.
    message: String,
    /// `--set`s that make the scenario a short experiment; none: the scenario itself.
    probe: Vec<String>,
    /// `--set`s that cure it.
    fix: Vec<String>,
}

/// A place at which a scenario breaks a rule.
#[derive(Clone)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How much it matters: no more than a note where `assumed`, unless the configuration says otherwise.
    pub severity: Severity,
    /// It is about something that manifests do not say, since programs set it.
    pub assumed: bool,
    /// Where in the text.
    pub position: Option<Position>,
    /// Path of the key that it is about, as `--set` has it.
    pub path: String,
    /// What is wrong, with figures.
    pub message: String,
    /// `--set`s that make the scenario a short experiment; none: the scenario itself.
    pub probe: Vec<String>,
    /// `--set`s that cure it.
    pub fix: Vec<String>,
}

/// All rules, in order of their codes.
#[must_use]
pub fn rules() -> Vec<&'static Rule> {
    let themes: [&'static [Rule]; 9] = [
        placing::RULES,
        discovery::RULES,
        rollouts::RULES,
        keepalive::RULES,
        ages::RULES,
        channels::RULES,
        load::RULES,
        scaling::RULES,
        proxies::RULES,
    ];
    let mut all: Vec<&'static Rule> = themes.into_iter().flatten().collect();
    all.sort_by_key(|rule| rule.code);
    all
}

/// The rule with this code (in any case).
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    rules().into_iter().find(|rule| rule.code.eq_ignore_ascii_case(code))
}

/// What a scenario breaks, in order of the rules' codes.
///
/// # Errors
/// All that is wrong with the scenario.
pub fn lint(document: &Document) -> Result<Vec<Finding>, Diagnostics> {
    let model = document.load(&[])?.model;
    let mut findings = Vec::new();
    for rule in rules() {
        findings.extend((rule.find)(&model).into_iter().map(|found| {
            let Found { path, message, probe, fix } = found;
            let assumed = document.assumes(&path);
            let severity = if assumed { Severity::Note } else { rule.severity };
            Finding { rule, severity, assumed, position: document.position(&path), path, message, probe, fix }
        }));
    }
    Ok(findings)
}
