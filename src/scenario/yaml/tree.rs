//! A YAML document as a tree whose nodes know where they were written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, NonFiniteFloatPolicy, Spanned};

use crate::scenario::diagnostic::{Place, Problem, lines, quoted};
use crate::scenario::rules::Code;

/// Nesting deeper than this is refused; a scenario needs about ten levels.
pub(in crate::scenario) const MAX_DEPTH: usize = 64;
/// More values than this (aliases count each time they are used) are refused.
const MAX_NODES: usize = 100_000;
/// The same of a document of manifests: `kubectl get -o json` puts thousands of objects into one List.
const MAX_NODES_OF_MANIFESTS: usize = 1_000_000;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Node {
    pub place: Place,
    pub value: Value,
    /// Something wrong was taken out of it, and reported: what is missing now is no second error.
    pub damaged: bool,
}

/// A YAML value.
#[derive(Clone, Debug)]
pub(in crate::scenario) enum Value {
    Null,
    Bool(bool),
    /// Exact, whatever its size.
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One `key: value`.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Entry {
    pub key: String,
    pub key_place: Place,
    pub value: Node,
}

impl Node {
    /// The value under a key of a map, or at an index of a list.
    pub(crate) fn child(&self, step: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|e| e.key == step).map(|e| &e.value),
            Value::List(items) => step.parse::<usize>().ok().and_then(|i| items.get(i)),
            Value::Text(text) if text == step => Some(self),
            _ => None,
        }
    }

    /// True if a value other than null stands at this path; a bare `round_robin` counts as the key of that name.
    pub(crate) fn has(&self, path: &[&str]) -> bool {
        let mut node = self;
        for step in path {
            match node.child(step) {
                Some(next) => node = next,
                None => return false,
            }
        }
        !matches!(node.value, Value::Null)
    }

    /// How many levels of lists and maps there are, itself included.
    pub(crate) fn depth(&self) -> usize {
        match &self.value {
            Value::List(items) => 1 + items.iter().map(Node::depth).max().unwrap_or(0),
            Value::Map(entries) => 1 + entries.iter().map(|e| e.value.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// A map without entries.
    pub(crate) fn empty_map(place: Place) -> Node {
        Node { place, value: Value::Map(Vec::new()), damaged: false }
    }
}

/// Reads one YAML document. `source` and `offset` say where `text` stands: positions are `offset` bytes into that source.
pub(in crate::scenario) fn parse(text: &str, source: u32, offset: usize) -> Result<Node, Box<Problem>> {
    parse_up_to(MAX_NODES, text, source, offset)
}

/// The same of a document of manifests, which may be long.
pub(in crate::scenario) fn parse_manifest(text: &str, source: u32, offset: usize) -> Result<Node, Box<Problem>> {
    parse_up_to(MAX_NODES_OF_MANIFESTS, text, source, offset)
}

fn parse_up_to(max_nodes: usize, text: &str, source: u32, offset: usize) -> Result<Node, Box<Problem>> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: max_nodes,
            flow_nesting_limit: MAX_DEPTH,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_NODES },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options) {
        Ok(raw) => Ok(node(raw, &|range: (usize, usize)| Place {
            source,
            start: offset.saturating_add(range.0),
            end: offset.saturating_add(range.1),
        })),
        Err(error) => {
            Err(Box::new(syntax_problem(&error, max_nodes, text, Place { source, start: offset, end: offset })))
        }
    }
}

/// The tree as serde-saphyr gives it.
enum Raw {
    Scalar(Value),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

fn node(raw: Spanned<Raw>, place: &dyn Fn((usize, usize)) -> Place) -> Node {
    let here = place(range(&raw.referenced));
    let value = match raw.value {
        Raw::Scalar(value) => value,
        Raw::List(items) => Value::List(items.into_iter().map(|item| node(item, place)).collect()),
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| Entry {
                    key_place: place(range(&key.referenced)),
                    key: key.value,
                    value: node(value, place),
                })
                .collect(),
        ),
    };
    Node { place: here, value, damaged: false }
}

fn range(location: &serde_saphyr::Location) -> (usize, usize) {
    let start = location.span().byte_offset().unwrap_or(0) as usize;
    (start, start + location.span().byte_len().unwrap_or(0) as usize)
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Null))
    }
    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Null))
    }
    fn visit_bool<E>(self, x: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Bool(x)))
    }
    fn visit_i64<E>(self, x: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Int(x.into())))
    }
    fn visit_u64<E>(self, x: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Int(x.into())))
    }
    fn visit_i128<E>(self, x: i128) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Int(x)))
    }
    fn visit_u128<E>(self, x: u128) -> Result<Raw, E> {
        Ok(Raw::Scalar(i128::try_from(x).map_or(Value::Float(x as f64), Value::Int)))
    }
    fn visit_f64<E>(self, x: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Float(x)))
    }
    fn visit_str<E>(self, x: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Text(x.to_owned())))
    }
    fn visit_string<E>(self, x: String) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Text(x)))
    }
    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Raw, E> {
        Err(E::custom("binary data has no place in a scenario"))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        if entries.len() > MAX_NODES {
            return Err(A::Error::custom("too many keys"));
        }
        Ok(Raw::Map(entries))
    }
}

/// serde-saphyr's error in this project's words.
/// What is wrong with a text that stands at this place and may have so many values.
fn syntax_problem(error: &serde_saphyr::Error, max_nodes: usize, text: &str, begins: Place) -> Problem {
    use serde_saphyr::Error;
    let error = error.without_snippet();
    let mut start = error.location().map_or(0, |at| byte_offset(text, at.line(), at.column()));
    if matches!(error, Error::MultipleDocuments { .. }) {
        // The position is that of the second document's content; its `---` is what a person looks for.
        let marker = |(at, line): (usize, &str)| (at < start && line.starts_with("---")).then_some(at);
        start = lines(text).filter_map(marker).last().unwrap_or(start);
    }
    let place = Place { start: begins.start + start, end: begins.start + start, ..begins };
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or(&said);
    let (code, message, help) = match error {
        Error::MultipleDocuments { .. } => (
            Code::SeveralDocuments,
            "a scenario file holds one YAML document, and here a second one begins".to_owned(),
            Some("put each scenario in a file of its own, and give all files to one command"),
        ),
        _ if ["budget breached", "limit exceeded", "nesting"].iter().any(|limit| said.contains(limit)) => {
            (Code::TooLarge, too_large(said, max_nodes), None)
        }
        Error::UnsupportedTag { tag, .. } => (
            Code::Syntax,
            format!("the YAML tag {} means nothing here", quoted(tag)),
            Some("write the value without a tag; a text that looks like a number stands in quotes"),
        ),
        _ if lines(text).take_while(|(at, _)| *at <= start).last().is_some_and(|(_, line)| line.contains("{{")) => (
            Code::Syntax,
            format!("this is not YAML: {said}"),
            Some("templates of Helm are rendered first: `helm template CHART | evenkeel run -`"),
        ),
        _ if said.contains("tab") => (
            Code::Syntax,
            format!("this is not YAML: {said}"),
            Some("YAML is indented with spaces only: replace the tabs"),
        ),
        _ => (Code::Syntax, format!("this is not YAML: {said}"), None),
    };
    let problem = Problem::new(code, place, message);
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

fn too_large(said: &str, max_nodes: usize) -> String {
    if ["Depth", "recursion", "nesting"].iter().any(|word| said.contains(word)) {
        format!("nested more than {MAX_DEPTH} levels deep")
    } else {
        let most = if said.contains("alias") { MAX_NODES } else { max_nodes };
        format!("more than {most} values, aliases (`*name`) counted each time they are used")
    }
}

/// The byte at which a line and a column (both from 1, columns in characters) begin.
fn byte_offset(text: &str, line: u64, column: u64) -> usize {
    let Some((start, line)) = lines(text).nth(line.saturating_sub(1) as usize) else { return text.len() };
    start + line.char_indices().nth(column.saturating_sub(1) as usize).map_or(line.len(), |(at, _)| at)
}
