//! The cluster as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::Key;
use super::law::LawFile;
use super::settings::Written;
use crate::model::Cluster;

/// The cluster.
pub(crate) type ClusterFile = Written<Cluster, ClusterKeysFile>;

/// Its keys that are no plain ones.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterKeysFile {
    pub endpoint_lag: Key<LawFile>,
    pub connect: Key<LawFile>,
}
