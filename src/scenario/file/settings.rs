//! Settings that are declared in the core ([`crate::settings`]), as they are written: their reader and their JSON Schema.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, VariantAccess, Visitor};
use serde_json::Value as Json;

use super::at::{At, Key};
use crate::scenario::diagnostic::Place;
use crate::scenario::quantity::{Count, Duration, Number, Share};
use crate::settings::{Group, Kind, Settings, Value, Vocabulary, Words};

/// The keys of a group that are written, with their values, in the order of the declaration.
#[derive(Clone, Debug)]
pub struct WrittenKeys {
    pub(in crate::scenario) group: &'static Group,
    pub(in crate::scenario) keys: Vec<(usize, At<WrittenValue>)>,
}

/// A value of any kind.
#[derive(Clone, Debug)]
pub enum WrittenValue {
    /// Of a key without keys of its own.
    Leaf(Value),
    /// Of a group.
    Group(WrittenKeys),
}

impl WrittenKeys {
    fn value(&self, name: &str) -> Option<&At<WrittenValue>> {
        self.keys.iter().find(|(key, _)| self.group.names[*key] == name).map(|(_, value)| value)
    }

    /// Where the value of a key stands, if it is written.
    pub fn place(&self, name: &str) -> Option<Place> {
        self.value(name).map(|value| value.place)
    }

    /// The same, for what asks whether a key is given.
    pub fn given(&self, name: &str) -> Key<()> {
        self.place(name).map(|place| At { value: (), place })
    }

    /// The same of a key within a group.
    pub fn given_in(&self, group: &str, name: &str) -> Key<()> {
        let At { value: WrittenValue::Group(inner), .. } = self.value(group)? else { return None };
        inner.given(name)
    }
}

/// The keys of `S` that are written.
#[derive(Clone, Debug)]
pub struct Written<S> {
    pub(in crate::scenario) keys: WrittenKeys,
    of: PhantomData<S>,
}

impl<S> Deref for Written<S> {
    type Target = WrittenKeys;

    fn deref(&self) -> &WrittenKeys {
        &self.keys
    }
}

impl<'de, S: Settings> Deserialize<'de> for Written<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keys = Keys(S::GROUP).deserialize(deserializer)?;
        Ok(Written { keys, of: PhantomData })
    }
}

/// Reads the keys of a group.
pub struct Keys(pub &'static Group);

impl<'de> DeserializeSeed<'de> for Keys {
    type Value = WrittenKeys;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_struct(self.0.name, self.0.names, self)
    }
}

impl<'de> Visitor<'de> for Keys {
    type Value = WrittenKeys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of keys")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = map.next_key_seed(Name { known: self.0.names, words: false })? {
            if let Some(value) = map.next_value_seed(Given(self.0.keys[key].kind))? {
                keys.push((key, value));
            }
        }
        keys.sort_by_key(|(key, _)| *key);
        Ok(WrittenKeys { group: self.0, keys })
    }
}

/// Reads one of these names, as its number.
pub struct Name {
    /// The names.
    pub known: &'static [&'static str],
    /// They are words to choose from, and not keys: it decides what is said of an unknown one.
    pub words: bool,
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.words { "a word" } else { "a key" })
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<usize, E> {
        let unknown =
            || if self.words { E::unknown_variant(name, self.known) } else { E::unknown_field(name, self.known) };
        self.known.iter().position(|known| *known == name).ok_or_else(unknown)
    }
}

/// Reads a value of this kind, or null, which is the same as no value.
struct Given(Kind);

impl<'de> DeserializeSeed<'de> for Given {
    type Value = Key<WrittenValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Given {
    type Value = Key<WrittenValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        At::read(deserializer, OfKind(self.0)).map(Some)
    }
}

/// Reads a value of this kind.
struct OfKind(Kind);

impl<'de> DeserializeSeed<'de> for OfKind {
    type Value = WrittenValue;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<WrittenValue, D::Error> {
        let leaf = match self.0 {
            Kind::Flag => Value::Flag(bool::deserialize(d)?),
            Kind::Count { .. } => Value::Count(Count::deserialize(d)?.0),
            Kind::Duration { .. } => Value::Duration(Duration::deserialize(d)?.0),
            Kind::Number { .. } => Value::Number(Number::deserialize(d)?.0),
            Kind::Share | Kind::Percent => Value::Number(Share::deserialize(d)?.0),
            Kind::Word(words) => Value::Word(d.deserialize_enum(words.name, words.words, OneOf(words.words))?),
            Kind::Group(group) => return Keys(group).deserialize(d).map(WrittenValue::Group),
        };
        Ok(WrittenValue::Leaf(leaf))
    }
}

/// Reads a word, as its number.
struct OneOf(&'static [&'static str]);

impl<'de> Visitor<'de> for OneOf {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one of several words")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, choice: A) -> Result<usize, A::Error> {
        let (word, rest) = choice.variant_seed(Name { known: self.0, words: true })?;
        rest.unit_variant().map(|()| word)
    }
}

/// One word of an enum that is declared in the core, outside of declared settings.
#[derive(Clone, Copy, Debug)]
pub struct Word<W>(pub W);

impl<'de, W: Words> Deserialize<'de> for Word<W> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let Vocabulary { name, words, .. } = W::VOCABULARY;
        let word = d.deserialize_enum(name, words, OneOf(words))?;
        Ok(Word(W::ALL[word]))
    }
}

impl<W: Words> JsonSchema for Word<W> {
    fn schema_name() -> Cow<'static, str> {
        W::VOCABULARY.name.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        words_schema(W::VOCABULARY)
    }
}

impl<S: Settings> JsonSchema for Written<S> {
    fn schema_name() -> Cow<'static, str> {
        S::GROUP.name.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        group_schema(generator, S::GROUP)
    }
}

fn group_schema(generator: &mut SchemaGenerator, group: &Group) -> Schema {
    let mut properties = serde_json::Map::new();
    let defaults = (group.defaults)();
    for key in group.keys {
        let mut schema = kind_schema(generator, key.kind);
        if key.required {
            not_null(&mut schema);
        }
        let default = defaults.iter().find(|(path, _)| path == key.name).filter(|_| !key.required);
        let default = default.map_or_else(String::new, |(_, default)| format!(" Default {default}."));
        schema.insert("description".into(), format!("{}{}{default}", key.about.trim(), bounds(key.kind)).into());
        properties.insert(key.name.to_owned(), schema.to_value());
    }
    let mut schema = json_schema!({
        "additionalProperties": false, "description": group.about.trim(), "properties": properties, "type": "object",
    });
    let required: Vec<Json> = group.keys.iter().filter(|key| key.required).map(|key| key.name.into()).collect();
    if !required.is_empty() {
        schema.insert("required".into(), required.into());
    }
    schema
}

/// The schema of a group, by its name.
pub fn group_reference(generator: &mut SchemaGenerator, group: &Group) -> Json {
    let schema = group_schema(generator, group);
    generator.definitions_mut().insert(group.name.to_owned(), schema.to_value());
    serde_json::json!({ "$ref": format!("#/$defs/{}", group.name) })
}

fn kind_schema(generator: &mut SchemaGenerator, kind: Kind) -> Schema {
    let name = match kind {
        Kind::Flag => return generator.subschema_for::<Key<bool>>(),
        Kind::Count { .. } => return generator.subschema_for::<Key<Count>>(),
        Kind::Duration { .. } => return generator.subschema_for::<Key<Duration>>(),
        Kind::Number { .. } => return generator.subschema_for::<Key<Number>>(),
        Kind::Share | Kind::Percent => return generator.subschema_for::<Key<Share>>(),
        Kind::Word(words) => {
            generator.definitions_mut().insert(words.name.to_owned(), words_schema(words).to_value());
            words.name
        }
        Kind::Group(group) => {
            group_reference(generator, group);
            group.name
        }
    };
    json_schema!({ "anyOf": [{ "$ref": format!("#/$defs/{name}") }, { "type": "null" }] })
}

/// A key that must be given cannot be null.
fn not_null(schema: &mut Schema) {
    if let Some(Json::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
    }
}

fn words_schema(words: &Vocabulary) -> Schema {
    let one = |(word, meaning): (&&str, &&str)| serde_json::json!({ "const": word, "description": meaning.trim(), "type": "string" });
    let choices: Vec<Json> = words.words.iter().zip(words.meanings).map(one).collect();
    json_schema!({ "description": words.about.trim(), "oneOf": choices })
}

/// What a value must keep to, as a sentence.
fn bounds(kind: Kind) -> String {
    match kind {
        Kind::Count { least, most } if most < u64::from(u32::MAX) => format!(" {least} to {most}."),
        Kind::Count { least, .. } if least > 0 => format!(" At least {least}."),
        Kind::Duration { least, .. } if least.0 == 1 => " Above 0.".to_owned(),
        Kind::Duration { least, or_zero: true } if least.0 > 1 => format!(" 0s, or at least {least}."),
        Kind::Duration { least, .. } if least.0 > 1 => format!(" At least {least}."),
        Kind::Number { least, most } => format!(" {least} to {most}."),
        _ => String::new(),
    }
}
