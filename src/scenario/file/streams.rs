//! Long-lived streams, as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::Key;
use super::law::LawFile;
use super::settings::Written;
use crate::model::Streams;

/// Streams that stay open for long.
pub(crate) type StreamsFile = Written<Streams, StreamsLawFile>;

/// How long.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamsLawFile {
    pub duration: Key<LawFile>,
}
