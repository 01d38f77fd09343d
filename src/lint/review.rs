//! What becomes of findings: those that the configuration, the baseline or an ignore speaks of do not count, or count otherwise.

use std::path::Path;

use serde::Serialize;

use super::{Evidence, Finding, Severity, lint, rules};
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::document::{Document, Position};
use crate::scenario::linting::baseline::{Baseline, Identity};
use crate::scenario::linting::config::Config;

/// What a rule counts by the configuration; `None`: it is off.
const LEVELS: [(&str, Option<Severity>); 4] = [
    ("off", None),
    ("note", Some(Severity::Note)),
    ("warning", Some(Severity::Warning)),
    ("error", Some(Severity::Error)),
];

/// A finding, and what becomes of it.
#[derive(Clone)]
pub struct Linted {
    /// The scenario that it is of.
    pub scenario: String,
    /// What is found.
    pub finding: Finding,
    /// What its experiment shows, if it was made.
    pub evidence: Option<Evidence>,
    /// Why it does not count.
    pub suppressed: Option<Suppressed>,
}

/// Why a finding does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppressed {
    /// It is in the baseline.
    Baseline,
    /// It is ignored where it stands, for this reason.
    Ignored(String),
}

impl Linted {
    /// The file that it is about; `None` if it is about an option of the command line.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        let source = self.finding.position.as_ref().map_or(self.scenario.as_str(), |position| &position.source);
        (source != "--set").then(|| relative(source))
    }

    /// What it is known by in a baseline.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity {
            file: self.file().unwrap_or(relative(&self.scenario)).to_owned(),
            rule: self.finding.rule.code.to_owned(),
            path: self.finding.path.clone(),
        }
    }

    /// True if it counts, and is at least as severe.
    #[must_use]
    pub fn counts(&self, least: Severity) -> bool {
        self.suppressed.is_none() && self.finding.severity >= least
    }
}

fn relative(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}

fn codes() -> Vec<&'static str> {
    rules().iter().map(|rule| rule.code).collect()
}

/// What users have decided about findings.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    config: Option<Config<Option<Severity>>>,
    baseline: Option<Baseline>,
}

/// What was written for nothing: an ignore, or an entry of the baseline, without a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unused {
    /// Where it stands.
    pub position: Position,
    /// What it is, in a sentence without an end.
    pub message: String,
}

/// Findings, and what was written for nothing.
#[derive(Clone, Default)]
pub struct Review {
    /// The findings, in order.
    pub rows: Vec<Linted>,
    /// What can go.
    pub unused: Vec<Unused>,
    /// There is a baseline.
    pub has_baseline: bool,
}

impl Decisions {
    /// Reads the files of these names.
    ///
    /// # Errors
    /// All that is wrong with one.
    pub fn read(config: Option<&Path>, baseline: Option<&Path>) -> Result<Decisions, Diagnostics> {
        Ok(Decisions {
            config: config.map(|path| Config::open(path, &codes(), &LEVELS)).transpose()?,
            baseline: baseline.map(Baseline::open).transpose()?,
        })
    }

    /// True for a file that the configuration leaves out.
    #[must_use]
    pub fn exclude(&self, file: &Path) -> bool {
        self.config.as_ref().is_some_and(|config| config.excludes(file))
    }

    /// A review without findings.
    #[must_use]
    pub fn begin(&self) -> Review {
        Review { has_baseline: self.baseline.is_some(), ..Review::default() }
    }

    /// Adds what a scenario breaks, and what becomes of that.
    ///
    /// # Errors
    /// All that is wrong with the scenario, or with what it ignores.
    pub fn add(&self, document: &Document, review: &mut Review) -> Result<(), Diagnostics> {
        let ignores = document.ignores(&codes())?;
        let mut used = vec![false; ignores.len()];
        for mut finding in lint(document)? {
            match self.config.as_ref().and_then(|config| config.rules.get(finding.rule.code)) {
                Some(None) => continue,
                Some(Some(severity)) => finding.severity = *severity,
                None => {}
            }
            let mut row = Linted { scenario: document.name().to_owned(), finding, evidence: None, suppressed: None };
            if self.known().any(|(known, _)| *known == row.identity()) {
                row.suppressed = Some(Suppressed::Baseline);
            }
            for (ignore, used) in ignores.iter().zip(&mut used) {
                if ignore.rule == row.finding.rule.code && ignore.covers(row.finding.position.as_ref()) {
                    *used = true;
                    row.suppressed = Some(Suppressed::Ignored(ignore.reason.clone()));
                }
            }
            review.rows.push(row);
        }
        let unused = ignores.into_iter().zip(used).filter(|(_, used)| !used).map(|(ignore, _)| Unused {
            position: ignore.position,
            message: format!("{} is ignored here, where it has no finding", ignore.rule),
        });
        review.unused.extend(unused);
        Ok(())
    }

    /// Adds what of the baseline is not found any more in these files. A file that is not linted, and still there, is not asked about.
    pub fn add_what_is_gone(&self, files: &[&str], review: &mut Review) {
        let found: Vec<Identity> = review.rows.iter().map(Linted::identity).collect();
        let is_gone = |known: &Identity| {
            let linted = files.iter().any(|file| relative(file) == known.file) || !Path::new(&known.file).exists();
            linted && !found.contains(known)
        };
        let gone = self.known().filter(|(known, _)| is_gone(known));
        review.unused.extend(gone.map(|(Identity { file, rule, path }, position)| Unused {
            position: position.clone(),
            message: format!("{rule} at {path} of {file} is in the baseline, and is not found any more"),
        }));
    }

    fn known(&self) -> impl Iterator<Item = &(Identity, Position)> {
        self.baseline.iter().flat_map(|baseline| &baseline.0)
    }
}
