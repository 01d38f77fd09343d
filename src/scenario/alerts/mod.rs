//! Prometheus rule files: groups of alerts and recording rules, read with positions and all their errors
//! (<https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/#rule_group>). The expressions are text here: Prometheus reads them.

mod duration;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use super::MAX_BYTES;
use super::diagnostic::Diagnostics;
use super::document::Position;
use super::input;
use crate::printable;
use crate::units::Span;

/// The rules of a file, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleFile {
    /// Rules that record the values of an expression as a new series.
    pub records: Vec<Rule>,
    /// Rules that fire.
    pub alerts: Vec<Alert>,
}

/// What alerts and recording rules have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Of the alert, or of the recorded series.
    pub name: String,
    /// PromQL.
    pub expr: String,
    /// Labels of the rule and its group, which take the place of those that the expression's series have. Templates as they are written.
    pub labels: BTreeMap<String, String>,
    /// From one evaluation to the next; `None`: the server's.
    pub interval: Option<Span>,
    /// The expression is evaluated at a time that lies so far before the evaluation.
    pub offset: Span,
    /// Where its name stands.
    pub position: Position,
}

/// A rule that fires.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Its expression.
    pub rule: Rule,
    /// `for`: so long must a series be there before it fires.
    pub lasts: Span,
    /// `keep_firing_for`: so long it goes on firing when its series is gone.
    pub keeps: Span,
}

/// Reads a rule file, or a manifest of a PrometheusRule.
///
/// # Errors
/// All that is wrong with it, or why it cannot be read.
pub fn open(path: &Path) -> Result<RuleFile, Diagnostics> {
    parse(&printable::path(path), &input::text_of(path, MAX_BYTES)?)
}

/// The same of a text; `name` stands for it in messages.
///
/// # Errors
/// All that is wrong with it.
pub fn parse(name: &str, text: &str) -> Result<RuleFile, Diagnostics> {
    read::read(name, text)
}
