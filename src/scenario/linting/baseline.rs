//! The baseline: findings that are known, and do not count. A finding is known by its rule, its file and the key of the scenario that it
//! is about, so that it stays the same where lines move.

use std::path::Path;

use serde::Deserialize;

use super::{Reading, read_file};
use crate::scenario::diagnostic::{Diagnostics, Place, Problem};
use crate::scenario::document::Position;
use crate::scenario::file::at::{At, Key};
use crate::scenario::rules::Code;
use crate::scenario::yaml::tree::{Entry, Node, Value};
use crate::scenario::yaml::write;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BaselineFile {
    findings: Key<Vec<At<KnownFile>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownFile {
    rule: Key<String>,
    file: Key<String>,
    path: Key<String>,
}

/// How a baseline begins.
const HEAD: &str =
    "# Findings that `evenkeel lint --baseline` does not count. `evenkeel lint --write-baseline` writes them.\n";

/// What a finding is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The file that it stands in, as lint was given it; of what an option says, the scenario.
    pub file: String,
    /// The rule's code.
    pub rule: String,
    /// Path of the key that it is about, as `--set` has it.
    pub path: String,
}

/// The findings of a file, each with its line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline(pub Vec<(Identity, Position)>);

impl Baseline {
    /// Reads a file.
    ///
    /// # Errors
    /// All that is wrong with it, or why it cannot be read.
    pub fn open(path: &Path) -> Result<Baseline, Diagnostics> {
        read_file(path, |file: BaselineFile, cx: &mut Reading<'_>| {
            let all = file.findings.map_or_else(Vec::new, |list| list.value);
            let known = |known: At<KnownFile>| {
                let position = cx.position(known.place);
                identity(known, &mut cx.problems).map(|identity| (identity, position))
            };
            Baseline(all.into_iter().filter_map(known).collect())
        })
    }

    /// The file that has these findings.
    #[must_use]
    pub fn written(mut findings: Vec<Identity>) -> String {
        findings.sort();
        findings.dedup();
        let line = |Identity { file, rule, path }: &Identity| {
            let entries = [("rule", rule), ("file", file), ("path", path)].map(|(key, text)| entry(key, text));
            format!("  - {}\n", write::flow(&node(Value::Map(entries.into()))))
        };
        match findings.as_slice() {
            [] => format!("{HEAD}findings: []\n"),
            all => format!("{HEAD}findings:\n{}", all.iter().map(line).collect::<String>()),
        }
    }

    /// True for the text of a file that [`Baseline::written`] made.
    #[must_use]
    pub fn is_one(text: &[u8]) -> bool {
        text.starts_with(HEAD.as_bytes())
    }
}

fn identity(known: At<KnownFile>, problems: &mut Vec<Problem>) -> Option<Identity> {
    let At { value: KnownFile { rule, file, path }, place } = known;
    let mut required = |key: Key<String>, name: &str| {
        if key.is_none() {
            problems.push(Problem::new(Code::Missing, place, format!("the finding needs the key `{name}`")));
        }
        key.map(|at| at.value)
    };
    let (rule, file, path) = (required(rule, "rule"), required(file, "file"), required(path, "path"));
    Some(Identity { rule: rule?, file: file?, path: path? })
}

fn node(value: Value) -> Node {
    Node { place: Place::default(), value, damaged: false }
}

fn entry(key: &str, text: &str) -> Entry {
    Entry { key: key.to_owned(), key_place: Place::default(), value: node(Value::Text(text.to_owned())) }
}
