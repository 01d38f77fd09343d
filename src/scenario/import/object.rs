//! Kubernetes objects of the input, read field by field: what is read is remembered, so that nothing is dropped in silence.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use crate::scenario::diagnostic::{Place, Problem, lines};
use crate::scenario::rules::Code;
use crate::scenario::yaml::read::duplicates;
use crate::scenario::yaml::tree::{Node, Value, parse_manifest};

/// The values that were read, and what is wrong with some. A value is known by its address, since all that is inside a ConfigMap
/// stands at one place.
#[derive(Default)]
pub(super) struct Seen {
    values: RefCell<BTreeSet<*const Node>>,
    pub problems: RefCell<Vec<Problem>>,
}

impl Seen {
    /// True for a value that was read.
    pub(super) fn has(&self, node: &Node) -> bool {
        self.values.borrow().contains(&std::ptr::from_ref(node))
    }
}

/// One object, or a file that is none but configures something (a service config).
pub(super) struct Object {
    /// `kind`, or what the file is.
    pub kind: String,
    pub name: String,
    pub root: Node,
    pub seen: Seen,
    /// It is part of the scenario: what becomes of its fields is of interest.
    pub is_part: Cell<bool>,
    /// The ConfigMap that it stands in.
    pub within: Option<String>,
}

impl Object {
    /// One that has neither kind nor name yet.
    pub(super) fn new(root: Node) -> Object {
        let (kind, name) = (String::new(), String::new());
        Object { kind, name, root, seen: Seen::default(), is_part: Cell::new(false), within: None }
    }

    /// Takes it into the scenario.
    pub(super) fn takes_part(&self) -> &Object {
        self.is_part.set(true);
        self
    }

    /// As messages name it.
    pub(super) fn title(&self) -> String {
        match (self.kind.is_empty(), self.name.is_empty()) {
            (true, _) => "a document without `kind`".to_owned(),
            (_, true) => self.kind.clone(),
            _ => format!("{} {}", self.kind, self.name),
        }
    }

    /// Its namespace, if it says one.
    pub(super) fn namespace(&self) -> Option<Cow<'_, str>> {
        self.get(&["metadata", "namespace"])?.text()
    }

    /// The whole of it.
    pub(super) fn field(&self) -> Field<'_> {
        Field { node: &self.root, seen: &self.seen }
    }

    /// The value under these keys.
    pub(super) fn get(&self, path: &[&str]) -> Option<Field<'_>> {
        self.field().get(path)
    }
}

/// A value of an object.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub node: &'a Node,
    seen: &'a Seen,
}

impl<'a> Field<'a> {
    /// The value under these keys, unless it is null.
    pub(super) fn get(self, path: &[&str]) -> Option<Field<'a>> {
        let mut node = self.node;
        for step in path {
            let Value::Map(entries) = &node.value else { return None };
            node = &entries.iter().find(|e| e.key == *step)?.value;
        }
        (!matches!(node.value, Value::Null)).then_some(Field { node, ..self })
    }

    /// The items of a list.
    pub(super) fn items(self) -> impl Iterator<Item = Field<'a>> {
        let items: &'a [Node] = match &self.node.value {
            Value::List(items) => items,
            _ => &[],
        };
        items.iter().map(move |node| Field { node, ..self })
    }

    /// The keys of a map and their values.
    pub(super) fn entries(self) -> impl Iterator<Item = (&'a str, Field<'a>)> {
        let entries: &'a [_] = match &self.node.value {
            Value::Map(entries) => entries,
            _ => &[],
        };
        entries.iter().map(move |e| (e.key.as_str(), Field { node: &e.value, ..self }))
    }

    /// A scalar as text.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        let text = match &self.node.value {
            Value::Text(text) => Cow::Borrowed(text.as_str()),
            Value::Int(x) => x.to_string().into(),
            Value::Float(x) => x.to_string().into(),
            Value::Bool(x) => x.to_string().into(),
            Value::Null | Value::List(_) | Value::Map(_) => return None,
        };
        self.read();
        Some(text)
    }

    /// The same value, of which other eyes remember that it was read.
    pub(super) fn seen_by(self, other: &'a Seen) -> Field<'a> {
        Field { seen: other, ..self }
    }

    /// A scalar as text, which is not read by that.
    pub(super) fn peek(self) -> Option<String> {
        Field { seen: &Seen::default(), ..self }.text().map(Cow::into_owned)
    }

    /// All texts below these keys; lists are no step.
    pub(super) fn texts(self, path: &[&str]) -> Vec<String> {
        let items = || self.items().flat_map(|item| item.texts(path)).collect();
        match path {
            _ if matches!(self.node.value, Value::List(_)) => items(),
            [] => self.peek().into_iter().collect(),
            [key, rest @ ..] => self.get(&[key]).map_or_else(Vec::new, |field| field.texts(rest)),
        }
    }

    /// A scalar as a whole number.
    pub(super) fn int(self) -> Option<i128> {
        match &self.node.value {
            Value::Int(x) => {
                self.read();
                Some(*x)
            }
            Value::Text(text) => {
                let number = text.parse().ok()?;
                self.read();
                Some(number)
            }
            _ => None,
        }
    }

    /// The items of the list under a key. Anything else there is an error.
    pub(super) fn list(self, key: &str) -> Vec<Field<'a>> {
        let Some(field) = self.get(&[key]) else { return Vec::new() };
        if !matches!(field.node.value, Value::List(_)) {
            field.wrong(&format!("`{key}` must be a list"));
        }
        field.items().collect()
    }

    /// A whole number. Anything else is an error, such as a duration with its unit.
    pub(super) fn number(self) -> Option<i128> {
        self.read();
        match self.node.value {
            Value::Int(x) => Some(x),
            _ => {
                self.wrong("a whole number must stand here");
                None
            }
        }
    }

    /// Anything but a map is an error.
    pub(super) fn must_be_a_map(self, key: &str) {
        if !matches!(self.node.value, Value::Map(_)) {
            self.wrong(&format!("`{key}` must be a map"));
        }
    }

    /// Says what is wrong with it.
    pub(super) fn wrong(self, message: &str) {
        self.seen.problems.borrow_mut().push(Problem::new(Code::WrongType, self.place(), message));
    }

    /// True if it is `true`, as YAML or as an annotation has it.
    pub(super) fn is_true(self) -> bool {
        self.text().is_some_and(|text| text == "true")
    }

    /// Remembers that it was read, and all that is in it.
    pub(super) fn read(self) {
        self.seen.values.borrow_mut().insert(std::ptr::from_ref(self.node));
        self.items().for_each(Field::read);
        self.entries().for_each(|(_, field)| field.read());
    }

    pub(super) fn place(self) -> Place {
        self.node.place
    }
}

/// The documents of a text: each with the byte at which it begins. JSON may stand one document after the other, as jq and several
/// calls of kubectl write it.
fn documents(text: &str) -> Vec<(usize, &str)> {
    let stream = |(start, document)| json_values(document).into_iter().map(move |(at, value)| (start + at, value));
    yaml_documents(text).into_iter().flat_map(stream).collect()
}

/// The values of a stream of JSON, if it is one: each ends with its last bracket, and the next one begins on a line of its own.
fn json_values(text: &str) -> Vec<(usize, &str)> {
    let (mut starts, mut depth, mut in_text, mut escaped) = (vec![0], 0_usize, false, false);
    // Whether a value is complete, and a line has ended since.
    let (mut complete, mut new_line) = (false, false);
    if !text.trim_start().starts_with(['{', '[']) {
        return vec![(0, text)];
    }
    for (at, c) in text.char_indices() {
        match c {
            _ if in_text => {
                in_text = c != '"' || escaped;
                escaped = c == '\\' && !escaped;
            }
            '"' => in_text = true,
            '{' | '[' => {
                if depth == 0 && complete && new_line {
                    starts.push(at);
                }
                depth += 1;
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                (complete, new_line) = (depth == 0, false);
            }
            '\n' => new_line = true,
            _ => {}
        }
    }
    let ends = starts[1..].iter().copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(start, end)| (*start, &text[*start..end])).collect()
}

fn yaml_documents(text: &str) -> Vec<(usize, &str)> {
    let ends = |line: &str| line == "---" || line.starts_with("--- ") || line.starts_with("---\t") || line == "...";
    let mut starts = vec![0];
    starts.extend(lines(text).filter(|(at, line)| *at > 0 && ends(line.trim_end())).map(|(at, _)| at));
    let end = |i: usize| starts.get(i + 1).copied().unwrap_or(text.len());
    starts.iter().enumerate().map(|(i, &start)| (start, &text[start..end(i)])).collect()
}

/// True for a text that holds Kubernetes objects and not a scenario: somewhere in it a line begins with `apiVersion`.
pub(in crate::scenario) fn is_manifest(text: &str) -> bool {
    let line = |line: &str| line.starts_with("apiVersion:") || (line.starts_with("kind:") && line.contains("List"));
    let is_json = text.trim_start().starts_with(['{', '[']) && text.contains("apiVersion");
    is_json || lines(text).any(|(_, text)| line(text))
}

/// All objects of a text; lists are taken apart.
pub(super) fn objects(text: &str, source: u32, problems: &mut Vec<Problem>) -> Vec<Object> {
    let mut found = Vec::new();
    for (start, document) in documents(text) {
        // A document begins with its marker, and that of its end is none of it.
        let blank = |line: &str| line.is_empty() || line.starts_with('#') || line == "---" || line == "...";
        if document.lines().all(|line| blank(line.trim())) {
            continue;
        }
        let skip = if document.starts_with("...") { 3 } else { 0 };
        match parse_manifest(&document[skip..], source, start + skip) {
            Ok(mut root) => {
                duplicates(&mut root, problems);
                take_apart(root, &mut found);
            }
            Err(problem) => problems.push(*problem),
        }
    }
    found
}

fn take_apart(root: Node, found: &mut Vec<Object>) {
    let text = |path: &[&str]| {
        let mut node = &root;
        for step in path {
            node = node.child(step)?;
        }
        match &node.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    };
    if matches!(root.value, Value::Null) {
        return;
    }
    let kind = text(&["kind"]).unwrap_or_default();
    if kind.ends_with("List") && matches!(root.child("items").map(|items| &items.value), Some(Value::List(_))) {
        let Value::Map(entries) = root.value else { return };
        let items = entries.into_iter().find(|e| e.key == "items").map(|e| e.value.value);
        if let Some(Value::List(items)) = items {
            items.into_iter().for_each(|item| take_apart(item, found));
        }
        return;
    }
    let version = text(&["apiVersion"]).unwrap_or_default();
    // Knative has a Service of its own.
    let kind = match version.split_once('/') {
        Some((group, _)) if kind == "Service" => format!("{kind} of {group}"),
        _ => kind,
    };
    let name = text(&["metadata", "name"]).or_else(|| text(&["metadata", "generateName"])).unwrap_or_default();
    found.push(Object { kind, name, ..Object::new(root) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_lists_and_json_are_taken_apart() {
        let text = "# a comment\n---\napiVersion: v1\nkind: Service\nmetadata: { name: a }\n---\n# Source: x.yaml\n---\n\
                    apiVersion: v1\nkind: List\nitems:\n- { apiVersion: apps/v1, kind: Deployment, metadata: { name: b } }\n...\n";
        let mut problems = Vec::new();
        let found = objects(text, 0, &mut problems);
        let titles: Vec<String> = found.iter().map(Object::title).collect();
        assert_eq!((titles, problems.len()), (vec!["Service a".to_owned(), "Deployment b".to_owned()], 0));
        let at = found[1].get(&["metadata", "name"]).unwrap().place();
        assert_eq!(&text[at.start..at.end], "b");
        let json =
            "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"ServiceList\",\n  \"items\": [{\"kind\": \"Service\"}]\n}";
        assert!(is_manifest(json) && is_manifest(text) && !is_manifest("name: apiVersion\nservers: []\n"));
        assert_eq!(objects(json, 0, &mut problems).len(), 1);
        let stream = "{\"kind\": \"Service\",\n \"a\": \"}\\\"\\n{\"}\n{\"kind\": \"Pod\"}\n\n[1]\n";
        assert_eq!(documents(stream).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 36, 53]);
        assert_eq!(documents("{a: {b: 1}}\n# an end\n").len(), 1);
    }

    #[test]
    fn a_list_of_manifests_may_be_longer_than_a_scenario() {
        let text = format!(
            "{{ \"kind\": \"List\", \"items\": [{{ \"kind\": \"Pod\", \"a\": [{}1] }}] }}",
            "1,".repeat(150_000)
        );
        assert_eq!(objects(&text, 0, &mut Vec::new()).len(), 1);
    }

    #[test]
    fn what_is_not_yaml_has_a_place() {
        let text = "apiVersion: v1\nkind: Service\n---\nkind: {{ .Values.kind }\n";
        let mut problems = Vec::new();
        assert_eq!(objects(text, 3, &mut problems).len(), 1);
        let at = problems[0].place.unwrap();
        assert!(at.source == 3 && at.start >= text.find("{{").unwrap(), "{problems:?}");
    }
}
