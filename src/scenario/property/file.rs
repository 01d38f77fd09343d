//! A properties file as it is written.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::scenario::file::ScenarioFile;
use crate::scenario::file::at::{At, Key};
use crate::scenario::quantity::Share;

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
    pub scenario: Key<ScenarioFile>,
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
