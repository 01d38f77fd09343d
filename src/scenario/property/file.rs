//! A properties file as it is written.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, Visitor};
use serde_json::Value;

use crate::scenario::file::ScenarioFile;
use crate::scenario::file::at::{At, Key};
use crate::scenario::quantity::Share;
use crate::scenario::yaml::read::SCALAR_OR;

/// Claims over scenarios that are drawn at random.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct PropertiesFile {
    /// The claims.
    #[schemars(required, length(min = 1))]
    pub properties: Key<Vec<At<PropertyFile>>>,
}

/// A claim over scenarios that are drawn at random.
// `scenario`, `draw` and `variants` are taken from the tree: here it is only asked whether they can be read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct PropertyFile {
    /// Its name, a DNS label, which files are called by.
    #[schemars(required)]
    pub name: Key<String>,
    /// The claim in words.
    #[schemars(required)]
    pub says: Key<String>,
    /// What is learnt from what becomes of it.
    pub learnt: Key<String>,
    /// The scenario that is attacked, or the path of its file.
    #[schemars(required)]
    pub scenario: Key<ScenarioRef>,
    /// What is drawn: paths of the scenario as `--set` has them, each with a list of values or a range (`2..12`, `1..20:log`), the
    /// simplest first.
    #[schemars(required, with = "BTreeMap<String, DrawFile>")]
    pub draw: Key<IgnoredAny>,
    /// Two scenarios that the claim compares: names, each with the paths that it sets and their values.
    #[schemars(with = "Option<BTreeMap<String, Option<BTreeMap<String, Value>>>>")]
    pub variants: Key<IgnoredAny>,
    /// A line of `expect`, or `A.figure <= B.figure` of two variants, perhaps with `* 1.05`, `+ 5ms` and `after 1m`.
    #[schemars(required)]
    pub claim: Key<String>,
    /// How often: `always`, `in 95% of runs`, `on average`.
    #[schemars(required)]
    pub holds: Key<String>,
    /// The most that the chance of a refutation may be if the claim is true. Default 1%.
    pub level: Key<Share>,
    /// What is known to become of it. Default holds.
    pub expected: Key<ExpectedFile>,
}

/// What becomes of a claim.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum ExpectedFile {
    /// No scenario refutes it.
    Holds,
    /// Some scenario does.
    Refuted,
}

/// What is drawn for a key, as editors shall know it.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "a schema only")]
enum DrawFile {
    /// These values, the simplest first.
    List(Vec<Value>),
    /// A range: `2..12`, `100ms..1s`, `1..20:log`.
    Range(String),
}

/// The scenario that draws change.
#[derive(Clone, Debug)]
pub(in crate::scenario) enum ScenarioRef {
    /// In a file of its own.
    Path(String),
    /// Here.
    Inline,
}

impl<'de> Deserialize<'de> for ScenarioRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RefVisitor;

        impl<'de> Visitor<'de> for RefVisitor {
            type Value = ScenarioRef;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a scenario, or the path of its file")
            }
            fn visit_str<E: Error>(self, path: &str) -> Result<ScenarioRef, E> {
                Ok(ScenarioRef::Path(path.to_owned()))
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<ScenarioRef, D::Error> {
                // What it means is asked later: here, whether it can be read.
                ScenarioFile::deserialize(deserializer).map(|_| ScenarioRef::Inline)
            }
        }

        deserializer.deserialize_newtype_struct(SCALAR_OR, RefVisitor)
    }
}

impl JsonSchema for ScenarioRef {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "ScenarioRef".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let inline = generator.subschema_for::<ScenarioFile>();
        json_schema!({ "anyOf": [{ "type": "string" }, inline] })
    }
}
