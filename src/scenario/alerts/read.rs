//! From the text of a rule file to its rules, or to all that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use super::{Alert, Rule, RuleFile, duration};
use crate::scenario::diagnostic::{Diagnostics, Place, Problem, Source, line_and_column, quoted};
use crate::scenario::document::Position;
use crate::scenario::file::at::{At, Key};
use crate::scenario::rules::Code;
use crate::scenario::yaml::tree::Node;
use crate::scenario::yaml::{read, tree};
use crate::units::Span;

type Words = BTreeMap<String, At<Word>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileWritten {
    groups: Key<Vec<At<GroupWritten>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupWritten {
    name: Key<Word>,
    interval: Key<Word>,
    query_offset: Key<Word>,
    limit: Key<Word>,
    labels: Key<Words>,
    rules: Key<Vec<At<RuleWritten>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleWritten {
    alert: Key<Word>,
    record: Key<Word>,
    expr: Key<Word>,
    #[serde(rename = "for")]
    lasts: Key<Word>,
    keep_firing_for: Key<Word>,
    labels: Key<Words>,
    // Texts for people: they do not change when a rule fires.
    annotations: Key<Words>,
}

/// A scalar as text: Prometheus takes numbers, too, where it wants text.
struct Word(String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordVisitor;

        impl Visitor<'_> for WordVisitor {
            type Value = Word;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }
            fn visit_str<E>(self, text: &str) -> Result<Word, E> {
                Ok(Word(text.to_owned()))
            }
            fn visit_bool<E>(self, x: bool) -> Result<Word, E> {
                Ok(Word(x.to_string()))
            }
            fn visit_u64<E>(self, x: u64) -> Result<Word, E> {
                Ok(Word(x.to_string()))
            }
            fn visit_i64<E>(self, x: i64) -> Result<Word, E> {
                Ok(Word(x.to_string()))
            }
            fn visit_f64<E>(self, x: f64) -> Result<Word, E> {
                Ok(Word(x.to_string()))
            }
        }

        deserializer.deserialize_any(WordVisitor)
    }
}

/// Reads a text; `name` stands for it in messages.
pub(super) fn read(name: &str, text: &str) -> Result<RuleFile, Diagnostics> {
    let source = Source::new(name, text);
    let wrong = |problems| Diagnostics::new(vec![source.clone()], problems);
    let mut root = rules_of(tree::parse(text, 0, 0).map_err(|problem| wrong(vec![*problem]))?);
    let mut cx = Reading { source: &source, problems: Vec::new(), file: RuleFile::default() };
    let place = root.place;
    if let Some(file) = read::read::<FileWritten>(&mut root, &mut cx.problems) {
        cx.groups(file, place);
    }
    if cx.problems.is_empty() { Ok(cx.file) } else { Err(wrong(cx.problems)) }
}

/// The rule file that the operator of Prometheus makes of a PrometheusRule is its `spec`
/// (<https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusRule>).
fn rules_of(root: Node) -> Node {
    let is_manifest = root.child("kind").is_some_and(|kind| kind.child("PrometheusRule").is_some());
    let spec = root.child("spec").filter(|_| is_manifest).cloned();
    spec.unwrap_or(root)
}

struct Reading<'a> {
    source: &'a Source,
    problems: Vec<Problem>,
    file: RuleFile,
}

/// What a group says of all its rules.
struct Common {
    interval: Option<Span>,
    offset: Span,
    labels: BTreeMap<String, String>,
}

impl Reading<'_> {
    fn wrong(&mut self, code: Code, place: Place, message: impl Into<String>, help: &str) {
        let problem = Problem::new(code, place, message);
        self.problems.push(if help.is_empty() { problem } else { problem.help(help) });
    }

    fn groups(&mut self, file: FileWritten, place: Place) {
        let Some(groups) = file.groups else {
            let help = "a rule file is `groups: [{ name: …, rules: [{ alert: …, expr: … }] }]`";
            return self.wrong(Code::Missing, place, "`groups` is missing", help);
        };
        let mut names = BTreeSet::new();
        for At { value: group, place } in groups.value {
            let name = self.given(group.name, "name", place);
            if let Some(At { value, place }) = name
                && !names.insert(value.clone())
            {
                let message = format!("there are two groups of the name {}", quoted(&value));
                self.wrong(Code::DuplicateName, place, message, "");
            }
            if let Some(limit) = group.limit.filter(|limit| limit.value.0 != "0") {
                let help = "leave it out: without it the report says how many series fire";
                self.wrong(Code::NoEffect, limit.place, "`limit` is not evaluated", help);
            }
            let interval = self.duration(group.interval).filter(|interval| *interval > Span::ZERO);
            let offset = self.duration(group.query_offset).unwrap_or_default();
            let common = Common { interval, offset, labels: self.labels(group.labels) };
            for rule in group.rules.map_or_else(Vec::new, |rules| rules.value) {
                self.rule(rule, &common);
            }
        }
        // What could not be read may have been one.
        if self.file.alerts.is_empty() && self.problems.is_empty() {
            self.wrong(Code::EmptyList, groups.place, "there is no alert in this file", "");
        }
    }

    fn rule(&mut self, At { value: rule, place }: At<RuleWritten>, common: &Common) {
        let name = match (&rule.alert, &rule.record) {
            (Some(alert), None) => alert,
            (None, Some(record)) => record,
            (None, None) => {
                return self.wrong(Code::NotOne, place, "one of `alert` and `record` must stand here", "");
            }
            (Some(_), Some(record)) => {
                let message = "only one of `alert` and `record` may stand here";
                return self.wrong(Code::NotOne, record.place, message, "");
            }
        };
        let (name, at) = (name.value.0.clone(), name.place);
        let is_alert = rule.alert.is_some();
        let expr = self.given(rule.expr, "expr", place).map_or_else(String::new, |expr| expr.value);
        let mut labels = common.labels.clone();
        labels.extend(self.labels(rule.labels));
        let (line, column) = line_and_column(&self.source.text, at.start);
        let position = Position { source: self.source.name.clone(), line, column };
        let Common { interval, offset, .. } = *common;
        if !is_alert {
            let more = [rule.lasts.map(|key| key.place), rule.keep_firing_for.map(|key| key.place)];
            let annotations = rule.annotations.map(|key| key.place);
            for place in more.into_iter().chain([annotations]).flatten() {
                self.wrong(Code::NoEffect, place, "a recording rule does not fire: this has no effect", "");
            }
            self.recorded_name(&name, at);
            return self.file.records.push(Rule { name, expr, labels, interval, offset, position });
        }
        if name.is_empty() {
            self.wrong(Code::Missing, at, "the alert has no name", "");
        }
        let lasts = self.duration(rule.lasts).unwrap_or_default();
        let keeps = self.duration(rule.keep_firing_for).unwrap_or_default();
        let rule = Rule { name, expr, labels, interval, offset, position };
        self.file.alerts.push(Alert { rule, lasts, keeps });
    }

    /// What must be given, and not be empty.
    fn given(&mut self, key: Key<Word>, name: &str, place: Place) -> Option<At<String>> {
        match key {
            Some(At { value: Word(text), place }) if !text.trim().is_empty() => Some(At { value: text, place }),
            key => {
                let place = key.map_or(place, |key| key.place);
                self.wrong(Code::Missing, place, format!("`{name}` is missing"), "");
                None
            }
        }
    }

    fn duration(&mut self, key: Key<Word>) -> Option<Span> {
        let At { value: Word(text), place } = key?;
        let read = duration::parse(&text);
        if read.is_none() {
            let message =
                format!("expected a duration of Prometheus, such as `5m` or `1h30m`, found {}", quoted(&text));
            let help = "whole numbers with the units y, w, d, h, m, s and ms, the largest unit first";
            self.wrong(Code::Unreadable, place, message, help);
        }
        read
    }

    /// Names of metrics (<https://prometheus.io/docs/concepts/data_model/>): text of OpenMetrics, and of PromQL, has them unquoted.
    fn recorded_name(&mut self, name: &str, place: Place) {
        let is_first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
        if !name.starts_with(is_first) || !name.chars().all(|c| is_first(c) || c.is_ascii_digit()) {
            let message = format!("{} is no name of a metric", quoted(name));
            self.wrong(Code::Unreadable, place, message, "letters, digits, `_` and `:`, and no digit first");
        }
    }

    /// A label that is made of the value makes another alert of its series at each evaluation: what fires cannot be said without it.
    fn labels(&mut self, key: Key<Words>) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::new();
        for (name, At { value: Word(text), place }) in key.map_or_else(Words::new, |key| key.value) {
            if text.contains("{{") && (text.contains("$value") || text.contains(".Value")) {
                let help =
                    "with each value the alert is another one, whose `for` begins again: write it as an annotation";
                self.wrong(Code::Unreadable, place, "a label that depends on the value is not evaluated", help);
            }
            labels.insert(name, text);
        }
        labels
    }
}
