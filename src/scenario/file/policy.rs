//! Load-balancing policies as they are written: one of those that the core has ([`Policy::KINDS`]), with its settings.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, EnumAccess, VariantAccess, Visitor};
use serde_json::Value as Json;

use super::at::Key;
use super::settings::{Keys, Name, WrittenKeys, group_reference};
use crate::model::Policy;
use crate::pick::Kind;
use crate::scenario::quantity::{Count, Number};

/// Those that `policy` chooses: the others are a proxy's own.
static KINDS: LazyLock<Vec<&'static Kind>> =
    LazyLock::new(|| Policy::KINDS.iter().filter(|kind| kind.proxy.is_none()).collect());
static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| KINDS.iter().map(|kind| kind.name).collect());

/// Load-balancing policy.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    pub(in crate::scenario) kind: &'static Kind,
    pub(in crate::scenario) keys: WrittenKeys,
}

impl<'de> Deserialize<'de> for PolicyFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOf;

        impl<'de> Visitor<'de> for OneOf {
            type Value = PolicyFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a policy")
            }

            fn visit_enum<A: EnumAccess<'de>>(self, choice: A) -> Result<PolicyFile, A::Error> {
                let (i, rest) = choice.variant_seed(Name { known: &NAMES, words: true })?;
                let kind = KINDS[i];
                let keys = if kind.keys.keys.is_empty() {
                    rest.unit_variant()?;
                    WrittenKeys { group: kind.keys, keys: Vec::new() }
                } else {
                    rest.newtype_variant_seed(Keys(kind.keys))?
                };
                Ok(PolicyFile { kind, keys })
            }
        }

        deserializer.deserialize_enum("PolicyFile", &NAMES, OneOf)
    }
}

impl JsonSchema for PolicyFile {
    fn schema_name() -> Cow<'static, str> {
        "Policy".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut choice = |kind: &&Kind| -> Json {
            if kind.keys.keys.is_empty() {
                return serde_json::json!({ "const": kind.name, "description": kind.summary, "type": "string" });
            }
            let settings = group_reference(generator, kind.keys);
            serde_json::json!({
                "additionalProperties": false, "description": kind.summary, "properties": { kind.name: settings },
                "required": [kind.name], "type": "object",
            })
        };
        let choices: Vec<Json> = KINDS.iter().map(&mut choice).collect();
        json_schema!({ "description": "Load-balancing policy.", "oneOf": choices })
    }
}

/// What calls are routed by: a header, a user, a tenant.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeysFile {
    /// How many different ones there are, 1 to 1000000.
    pub count: Key<Count>,
    /// How unequal they are: the k-th is asked for in proportion to 1/k^zipf. Default 0, all alike.
    pub zipf: Key<Number>,
}
