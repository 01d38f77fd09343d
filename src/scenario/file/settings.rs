//! Settings that are declared in the core ([`crate::settings`]), as they are written: their reader and their JSON Schema.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, VariantAccess, Visitor};
use serde_json::Value as Json;

use super::at::{At, Key};
use super::beside;
use crate::scenario::diagnostic::Place;
use crate::scenario::quantity::{Cores, Count, Duration, LONGEST, Number, Share};
use crate::settings::{Group, Kind, Settings, Value, Vocabulary, Words};
use crate::units::{Cores as CoresOf, Span};

/// The keys of a group that are written, with their values, in the order of the declaration.
#[derive(Clone, Debug)]
pub struct WrittenKeys {
    pub(in crate::scenario) group: &'static Group,
    pub(in crate::scenario) keys: Vec<(usize, At<WrittenValue>)>,
}

/// A value of any kind.
#[derive(Clone, Debug)]
pub(crate) enum WrittenValue {
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

    /// The flag behind a key, if it is written.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.value(name)?.value {
            WrittenValue::Leaf(Value::Flag(flag)) => Some(flag),
            _ => None,
        }
    }

    /// The number behind a key, if it is written, to put a stand-in where it is refused; and where it stands.
    pub fn number_mut(&mut self, name: &str) -> Option<(&mut f64, Place)> {
        let (_, value) = self.keys.iter_mut().find(|(key, _)| self.group.names[*key] == name)?;
        match &mut value.value {
            WrittenValue::Leaf(Value::Number(x)) => Some((x, value.place)),
            _ => None,
        }
    }

    /// What is written of a group, and where it stands.
    pub fn group(&self, name: &str) -> Option<(&WrittenKeys, Place)> {
        let At { value: WrittenValue::Group(inner), place } = self.value(name)? else { return None };
        Some((inner, *place))
    }

    /// The same as `given`, of a key within a group.
    pub fn given_in(&self, group: &str, name: &str) -> Key<()> {
        self.group(group)?.0.given(name)
    }
}

/// The keys of `S` that are written, and what is written of those that `R` reads: keys of `S` that are no plain ones, and others.
#[derive(Clone, Debug)]
pub struct Written<S, R = AllDeclared> {
    pub(in crate::scenario) keys: WrittenKeys,
    pub(in crate::scenario) rest: R,
    of: PhantomData<S>,
}

/// Beside declared keys there are no others.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllDeclared {}

impl<S, R> Deref for Written<S, R> {
    type Target = WrittenKeys;

    fn deref(&self) -> &WrittenKeys {
        &self.keys
    }
}

impl<'de, S: Settings, R: Deserialize<'de>> Deserialize<'de> for Written<S, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (keys, rest) = beside::read(deserializer, S::GROUP)?;
        Ok(Written { keys, rest, of: PhantomData })
    }
}

/// Reads the keys of a group.
pub(crate) struct Keys(pub &'static Group);

impl<'de> DeserializeSeed<'de> for Keys {
    type Value = WrittenKeys;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let (keys, AllDeclared {}) = beside::read(deserializer, self.0)?;
        Ok(keys)
    }
}

/// Reads one of these names, as its number.
pub(crate) struct Name {
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
pub(crate) struct Given(pub Kind);

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
            Kind::Share { .. } | Kind::Percent { .. } => Value::Number(Share::deserialize(d)?.0),
            Kind::Cores => Value::Count(Cores::deserialize(d)?.0.0.into()),
            Kind::Word(words) => Value::Word(d.deserialize_enum(words.name, words.words, OneOf(words.words))?),
            Kind::Group(group) => return Keys(group).deserialize(d).map(WrittenValue::Group),
            Kind::Own => return Err(D::Error::custom("this value has a reader of its own")),
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

impl<S: Settings, R: JsonSchema> JsonSchema for Written<S, R> {
    fn schema_name() -> Cow<'static, str> {
        S::GROUP.name.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let rest = R::json_schema(generator);
        group_schema(generator, S::GROUP, &rest)
    }
}

/// `rest`: of the keys that have a reader of their own.
fn group_schema(generator: &mut SchemaGenerator, group: &Group, rest: &Schema) -> Schema {
    let of_rest = |key: &str| rest.get(key).cloned().unwrap_or_default();
    let mut properties: serde_json::Map<String, Json> = of_rest("properties").as_object().cloned().unwrap_or_default();
    let mut required: Vec<Json> = of_rest("required").as_array().cloned().unwrap_or_default();
    let defaults = (group.defaults)();
    for key in group.keys {
        let own = properties.remove(key.name).and_then(|schema| Schema::try_from(schema).ok());
        let mut schema = own.unwrap_or_else(|| kind_schema(generator, key.kind));
        if key.required {
            not_null(&mut schema);
            required.push(key.name.into());
        }
        let default = defaults.iter().find(|(path, _)| path == key.name).map(|(_, default)| default.as_str());
        let default = default.or(key.without).filter(|_| !key.required);
        let assumed = if key.assumed { ", an assumption" } else { "" };
        let default = default.map_or_else(String::new, |default| format!(" Default {default}{assumed}."));
        schema.insert("description".into(), format!("{}{}{default}", key.about.trim(), bounds(key.kind)).into());
        properties.insert(key.name.to_owned(), schema.to_value());
    }
    let mut schema = json_schema!({
        "additionalProperties": false, "description": group.about.trim(), "properties": properties, "type": "object",
    });
    if !required.is_empty() {
        schema.insert("required".into(), required.into());
    }
    schema
}

/// The schema of a group, by its name.
pub(crate) fn group_reference(generator: &mut SchemaGenerator, group: &Group) -> Json {
    let schema = group_schema(generator, group, &Schema::default());
    generator.definitions_mut().insert(group.name.to_owned(), schema.to_value());
    serde_json::json!({ "$ref": format!("#/$defs/{}", group.name) })
}

fn kind_schema(generator: &mut SchemaGenerator, kind: Kind) -> Schema {
    let name = match kind {
        Kind::Flag => return generator.subschema_for::<Key<bool>>(),
        Kind::Count { .. } => return generator.subschema_for::<Key<Count>>(),
        Kind::Duration { .. } => return generator.subschema_for::<Key<Duration>>(),
        Kind::Number { .. } => return generator.subschema_for::<Key<Number>>(),
        Kind::Share { .. } | Kind::Percent { .. } => return generator.subschema_for::<Key<Share>>(),
        Kind::Cores => return generator.subschema_for::<Key<Cores>>(),
        Kind::Word(words) => {
            generator.definitions_mut().insert(words.name.to_owned(), words_schema(words).to_value());
            words.name
        }
        Kind::Group(group) => {
            group_reference(generator, group);
            group.name
        }
        Kind::Own => return Schema::default(),
    };
    json_schema!({ "anyOf": [{ "$ref": format!("#/$defs/{name}") }, { "type": "null" }] })
}

/// A key that must be given cannot be null.
fn not_null(schema: &mut Schema) {
    if let Some(Json::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
    }
    if let Some(Json::Array(types)) = schema.get_mut("type") {
        types.retain(|of| of != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".into(), only);
        }
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
        Kind::Duration { least, most, .. } if most <= LONGEST => format!(" {least} to {most}."),
        Kind::Duration { least: Span(1), .. } => " Above 0.".to_owned(),
        Kind::Duration { least, or_zero: true, .. } if least.0 > 1 => format!(" 0s, or at least {least}."),
        Kind::Duration { least, .. } if least.0 > 1 => format!(" At least {least}."),
        Kind::Share { least, most, in_percent: true } => format!(" {}% to {}%.", least * 100.0, most * 100.0),
        Kind::Percent { least, most, whole: true } => format!(" {least}% to {most}%."),
        Kind::Number { least, most } => format!(" {least} to {most}."),
        Kind::Cores => format!(" At least {}.", CoresOf::LEAST),
        _ => String::new(),
    }
}
