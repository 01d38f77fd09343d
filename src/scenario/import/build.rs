//! Nodes of a scenario that are made here, each with the place in the manifests that it comes from.

use super::object::Field;
use crate::scenario::diagnostic::Place;
use crate::scenario::quantity::parse_duration;
use crate::scenario::yaml::tree::{Entry, Node, Value};
use crate::units::Span;

/// A text.
pub(super) fn text(place: Place, text: impl Into<String>) -> Node {
    node(place, Value::Text(text.into()))
}

/// A whole number.
pub(super) fn int(place: Place, number: i128) -> Node {
    node(place, Value::Int(number))
}

/// `true`.
pub(super) fn yes(place: Place) -> Node {
    node(place, Value::Bool(true))
}

/// A number, whole if it is.
pub(super) fn number_node(place: Place, number: f64) -> Node {
    node(place, if number.fract() == 0.0 { Value::Int(number as i128) } else { Value::Float(number) })
}

/// A list.
pub(super) fn list(place: Place, items: Vec<Node>) -> Node {
    node(place, Value::List(items))
}

fn node(place: Place, value: Value) -> Node {
    Node { place, value, damaged: false }
}

/// A map whose keys are put one by one.
pub(super) struct Map(Node);

impl Map {
    pub(super) fn new(place: Place) -> Map {
        Map(Node::empty_map(place))
    }

    /// Adds a key, which stands where its value does. What was said of it before counts no more.
    pub(super) fn put(&mut self, key: &str, value: Node) {
        let entry = Entry { key: key.to_owned(), key_place: value.place, value };
        if let Value::Map(entries) = &mut self.0.value {
            match entries.iter_mut().find(|e| e.key == key) {
                Some(before) => *before = entry,
                None => entries.push(entry),
            }
        }
    }

    /// Adds a key if there is a value.
    pub(super) fn put_some(&mut self, key: &str, value: Option<Node>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// Puts what stands under the first key of each pair, as it is, under the second one.
    pub(super) fn copy(&mut self, from: Field<'_>, keys: &[(&str, &str)]) {
        for (key, to) in keys {
            self.put_some(to, from.get(&[key]).map(read));
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.has(&[key])
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(&self.0.value, Value::Map(entries) if entries.is_empty())
    }

    pub(super) fn node(self) -> Node {
        self.0
    }

    /// Itself, unless it is empty.
    pub(super) fn some(self) -> Option<Node> {
        (!self.is_empty()).then_some(self.0)
    }
}

/// A value that goes into the scenario as it is.
pub(super) fn read(field: Field<'_>) -> Node {
    field.read();
    field.node.clone()
}

/// A number of seconds as a duration.
pub(super) fn seconds(field: Field<'_>) -> Node {
    field.number().map_or_else(|| field.node.clone(), |seconds| text(field.place(), format!("{seconds}s")))
}

/// A whole number of percent.
pub(super) fn percent(field: Field<'_>) -> Node {
    field.number().map_or_else(|| field.node.clone(), |percent| text(field.place(), format!("{percent}%")))
}

/// A choice by its name: bare, or with its settings if it has any.
pub(super) fn choice(name: &str, settings: Map) -> Node {
    let place = settings.0.place;
    settings.some().map_or_else(|| text(place, name), |settings| one(name, settings))
}

/// How long a value says, if it is a duration.
pub(super) fn duration(node: &Node) -> Option<Span> {
    match &node.value {
        Value::Text(text) => parse_duration(text).ok(),
        _ => None,
    }
}

/// A map of one key.
pub(super) fn one(key: &str, value: Node) -> Node {
    let mut map = Map::new(value.place);
    map.put(key, value);
    map.node()
}
