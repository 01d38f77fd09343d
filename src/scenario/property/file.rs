//! A properties file as it is written.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, Visitor};

use crate::scenario::file::ScenarioFile;
use crate::scenario::file::at::{At, Key};
use crate::scenario::quantity::Share;
use crate::scenario::yaml::read::SCALAR_OR;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PropertiesFile {
    pub properties: Key<Vec<At<PropertyFile>>>,
}

/// `scenario`, `draw` and `variants` are taken from the tree: here it is only asked whether they can be read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PropertyFile {
    pub name: Key<String>,
    pub says: Key<String>,
    pub learnt: Key<String>,
    pub scenario: Key<ScenarioRef>,
    pub draw: Key<IgnoredAny>,
    pub variants: Key<IgnoredAny>,
    pub claim: Key<String>,
    pub holds: Key<String>,
    pub level: Key<Share>,
    pub expected: Key<ExpectedFile>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ExpectedFile {
    Holds,
    Refuted,
}

/// The scenario that draws change.
#[derive(Clone, Debug)]
pub(super) enum ScenarioRef {
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
