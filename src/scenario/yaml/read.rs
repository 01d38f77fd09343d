//! From a YAML tree to a typed value, with all errors: what is wrong is reported, taken out of the tree, and the rest read
//! again. (serde stops at the first error; taking it out is how the next one is found.)

use serde::de::value::{SeqDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::error::ReadError;
use super::tree::{Entry, Node, Value};
use crate::scenario::diagnostic::{MAX_SHOWN, Place, Problem, quoted};
use crate::scenario::rules::Code;

/// The name by which [`crate::scenario::file::At`] asks for the position of a value.
pub(in crate::scenario) const AT: &str = "evenkeel::At";
/// The name by which a type says that it is a scalar or else something with keys.
pub(in crate::scenario) const SCALAR_OR: &str = "evenkeel::ScalarOr";

/// Reads `root` as a `T`. What could not be read is taken out of `root` and described in `problems`; `None` if nothing is
/// left to read.
pub(in crate::scenario) fn read<T: DeserializeOwned>(root: &mut Node, problems: &mut Vec<Problem>) -> Option<T> {
    duplicates(root, problems);
    while problems.len() < MAX_SHOWN {
        let mut error = match T::deserialize(Reader { node: root }) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        error.path.reverse();
        let (place, path) = (error.place.unwrap_or(root.place), std::mem::take(&mut error.path));
        if !take_out(root, &path) {
            problems.push(error.problem(place));
        }
        if path.is_empty() {
            return None;
        }
    }
    None
}

/// Removes the child at `path`; true if it had been damaged before, so that its error is only a consequence.
fn take_out(root: &mut Node, path: &[usize]) -> bool {
    let Some((&last, to_parent)) = path.split_last() else { return root.damaged };
    let mut parent = root;
    for &step in to_parent {
        parent = match &mut parent.value {
            Value::List(items) => &mut items[step],
            Value::Map(entries) => &mut entries[step].value,
            _ => return false,
        };
    }
    parent.damaged = true;
    match &mut parent.value {
        Value::List(items) => items.remove(last).damaged,
        Value::Map(entries) => entries.remove(last).value.damaged,
        _ => false,
    }
}

/// Reports keys that are written twice in one map, and drops all but the first.
pub(in crate::scenario) fn duplicates(node: &mut Node, problems: &mut Vec<Problem>) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| duplicates(item, problems)),
        Value::Map(entries) => {
            let mut seen = std::collections::BTreeSet::new();
            entries.retain(|e| {
                let first = seen.insert(e.key.clone());
                if !first && problems.len() < MAX_SHOWN {
                    let message = format!("the key {} is written twice in this map", quoted(&e.key));
                    problems.push(Problem::new(Code::DuplicateKey, e.key_place, message));
                }
                first
            });
            entries.iter_mut().for_each(|e| duplicates(&mut e.value, problems));
        }
        _ => {}
    }
}

fn unexpected(node: &Node) -> Unexpected<'_> {
    match &node.value {
        Value::Null => Unexpected::Unit,
        Value::Bool(x) => Unexpected::Bool(*x),
        Value::Int(x) => match i64::try_from(*x) {
            Ok(x) => Unexpected::Signed(x),
            Err(_) => Unexpected::Float(*x as f64),
        },
        Value::Float(x) => Unexpected::Float(*x),
        Value::Text(x) => Unexpected::Str(x),
        Value::List(_) => Unexpected::Seq,
        Value::Map(_) => Unexpected::Map,
    }
}

/// A node as a serde deserializer.
#[derive(Clone, Copy)]
struct Reader<'a> {
    node: &'a Node,
}

impl Reader<'_> {
    fn wrong_type(&self, expected: &str) -> ReadError {
        <ReadError as de::Error>::invalid_type(unexpected(self.node), &expected).at(self.node.place)
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let place = self.node.place;
        let result = match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(x) => visitor.visit_bool(*x),
            Value::Int(x) => match (u64::try_from(*x), i64::try_from(*x)) {
                (Ok(x), _) => visitor.visit_u64(x),
                (_, Ok(x)) => visitor.visit_i64(x),
                _ => visitor.visit_i128(*x),
            },
            Value::Float(x) => visitor.visit_f64(*x),
            Value::Text(x) => visitor.visit_str(x),
            Value::List(items) => visitor.visit_seq(Items { items, next: 0 }),
            Value::Map(entries) => visitor.visit_map(Entries { entries, next: 0 }),
        };
        result.map_err(|e| e.at(place))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let place = self.node.place;
        match name {
            AT => visitor.visit_seq(Located { node: self.node, next: 0 }),
            SCALAR_OR if !matches!(self.node.value, Value::Map(_) | Value::List(_)) => self.deserialize_any(visitor),
            _ => visitor.visit_newtype_struct(self),
        }
        .map_err(|e| e.at(place))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Map(entries) => visitor.visit_map(Entries { entries, next: 0 }),
            Value::Null => visitor.visit_map(Entries { entries: &[], next: 0 }),
            _ => {
                let some = fields.iter().take(4).map(|f| format!("`{f}`")).collect::<Vec<_>>().join(", ");
                let more = if fields.len() > 4 { ", …" } else { "" };
                return Err(self.wrong_type(&format!("a map of keys ({some}{more})")));
            }
        }
        .map_err(|e| e.at(self.node.place))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node.value {
            Value::List(_) => self.deserialize_any(visitor),
            _ => Err(self.wrong_type("a list")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node.value {
            Value::Text(_) => self.deserialize_any(visitor),
            _ => Err(self.wrong_type("text (in quotes if it looks like a number)")),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node.value {
            Value::Bool(_) => self.deserialize_any(visitor),
            _ => Err(self.wrong_type("`true` or `false`")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let all = || variants.iter().map(|v| format!("`{v}`")).collect::<Vec<_>>().join(", ");
        match &self.node.value {
            Value::Text(name) => visitor.visit_enum(Choice { key: (name, self.node.place), payload: None }),
            Value::Map(entries) => match entries.as_slice() {
                [] => Err(ReadError::new(Code::NotOne, format!("one of {} must stand here", all()))),
                [one] => visitor.visit_enum(Choice { key: (&one.key, one.key_place), payload: Some(&one.value) }),
                [first, second, ..] => {
                    let message =
                        format!("exactly one of {} may stand here, and {} is given already", all(), quoted(&first.key));
                    Err(ReadError::new(Code::NotOne, message).at(second.key_place).through(1))
                }
            },
            _ => Err(self.wrong_type(&format!("one of {}", all()))),
        }
        .map_err(|e| e.at(self.node.place))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str bytes byte_buf unit unit_struct tuple tuple_struct map
        identifier ignored_any
    }
}

/// The children of a list.
struct Items<'a> {
    items: &'a [Node],
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let Some(node) = self.items.get(self.next) else { return Ok(None) };
        let step = self.next;
        self.next += 1;
        seed.deserialize(Reader { node }).map(Some).map_err(|e| e.through(step))
    }
}

/// The entries of a map.
struct Entries<'a> {
    entries: &'a [Entry],
    next: usize,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some(entry) = self.entries.get(self.next) else { return Ok(None) };
        self.next += 1;
        let key: StrDeserializer<'_, ReadError> = entry.key.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|e| e.at(entry.key_place).through(self.next - 1))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let step = self.next - 1;
        seed.deserialize(Reader { node: &self.entries[step].value }).map_err(|e| e.through(step))
    }
}

/// A value with its position: first the three numbers of a `Place`, then the value.
struct Located<'a> {
    node: &'a Node,
    next: usize,
}

impl<'de> SeqAccess<'de> for Located<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        self.next += 1;
        match self.next {
            1 => {
                let Place { source, start, end } = self.node.place;
                let numbers = [source as usize, start, end];
                seed.deserialize(SeqDeserializer::new(numbers.into_iter())).map(Some)
            }
            2 => seed.deserialize(Reader { node: self.node }).map(Some),
            _ => Ok(None),
        }
    }
}

/// A variant of an enum: a bare name, or a map of one key.
struct Choice<'a> {
    key: (&'a str, Place),
    payload: Option<&'a Node>,
}

impl<'de, 'a> EnumAccess<'de> for Choice<'a> {
    type Error = ReadError;
    type Variant = Payload<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Payload<'a>), ReadError> {
        let (name, place) = self.key;
        let key: StrDeserializer<'_, ReadError> = name.into_deserializer();
        let variant = seed.deserialize(key).map_err(|e| match self.payload {
            Some(_) => e.at(place).through(0),
            None => e.at(place),
        })?;
        Ok((variant, Payload { place, node: self.payload }))
    }
}

/// What stands behind the name of a variant; `None` after a bare name.
struct Payload<'a> {
    place: Place,
    node: Option<&'a Node>,
}

impl<'de> VariantAccess<'de> for Payload<'_> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        match self.node {
            None => Ok(()),
            Some(node) if matches!(node.value, Value::Null) => Ok(()),
            Some(node) => Err(ReadError::new(Code::WrongType, "this choice takes no settings".to_owned())
                .at(node.place)
                .through(0)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        match self.node {
            Some(node) => seed.deserialize(Reader { node }).map_err(|e| e.through(0)),
            None => {
                let bare = Node { place: self.place, value: Value::Null, damaged: false };
                seed.deserialize(Reader { node: &bare }).map_err(|e| e.at(self.place))
            }
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, _visitor: V) -> Result<V::Value, ReadError> {
        Err(ReadError::new(Code::WrongType, "a list cannot stand here".to_owned()).at(self.place))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, ReadError> {
        Err(ReadError::new(Code::WrongType, "this choice takes no keys".to_owned()).at(self.place))
    }
}
