//! Distributions as they are written: a bare duration, or a law by its name.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IntoDeserializer, Visitor};

use super::at::{At, Key};
use crate::scenario::quantity::{Duration, Number};
use crate::scenario::yaml::read::SCALAR_OR;

/// A distribution of times.
#[derive(Clone, Debug)]
pub enum LawFile {
    /// A bare duration: always the same.
    Bare(Duration),
    /// A named law.
    Named(Box<NamedLaw>),
}

/// A law by its name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NamedLaw {
    /// Always the same.
    Constant(Duration),
    /// Uniform between two durations.
    Uniform(At<UniformFile>),
    /// Exponential, on top of a constant min.
    Exponential(At<ExponentialFile>),
    /// Lognormal, by two of its figures: mean and sigma, median and sigma, or p50 and p99.
    Lognormal(At<LognormalFile>),
    /// Pareto: P(X > x) = (min / x)^alpha.
    Pareto(At<ParetoFile>),
    /// One of several, by weight.
    Mixture(At<Vec<At<PartFile>>>),
    /// Samples from a CSV file, each equally likely: one column of durations (1.5ms) or seconds (0.0015), with or without a
    /// header. The path is relative to the scenario.
    Empirical(At<String>),
}

/// Uniform between two durations.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UniformFile {
    /// Smallest value. Default 0s.
    pub min: Key<Duration>,
    /// Largest value.
    #[schemars(required)]
    pub max: Key<Duration>,
}

/// Exponential, on top of a constant.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExponentialFile {
    /// Mean of the exponential part.
    #[schemars(required)]
    pub mean: Key<Duration>,
    /// Added to each sample. Default 0s.
    pub min: Key<Duration>,
}

/// Lognormal: mean and sigma, median and sigma, or p50 and p99.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "oneOf" = [{ "required": ["mean", "sigma"] }, { "required": ["median", "sigma"] }, { "required": ["p50", "p99"] }],
    "maxProperties" = 2
))]
pub struct LognormalFile {
    /// Mean, with sigma.
    pub mean: Key<Duration>,
    /// Median, with sigma.
    pub median: Key<Duration>,
    /// Standard deviation of the natural logarithm, with mean or median.
    pub sigma: Key<Number>,
    /// Median, with p99.
    pub p50: Key<Duration>,
    /// 99th percentile, with p50.
    pub p99: Key<Duration>,
}

/// Pareto.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParetoFile {
    /// Smallest value, above 0.
    #[schemars(required)]
    pub min: Key<Duration>,
    /// Tail index, above 1.
    #[schemars(required)]
    pub alpha: Key<Number>,
}

/// One part of a mixture.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartFile {
    /// How often, relative to the other parts.
    #[schemars(required)]
    pub weight: Key<Number>,
    /// The part's distribution.
    #[schemars(required)]
    pub of: Key<LawFile>,
}

impl<'de> Deserialize<'de> for LawFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LawVisitor;

        impl<'de> Visitor<'de> for LawVisitor {
            type Value = LawFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as `2ms`, or a distribution such as `{ exponential: { mean: 2ms } }`")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<LawFile, E> {
                Duration::deserialize(text.into_deserializer()).map(LawFile::Bare)
            }
            fn visit_u64<E: Error>(self, x: u64) -> Result<LawFile, E> {
                Duration::deserialize(x.into_deserializer()).map(LawFile::Bare)
            }
            fn visit_i64<E: Error>(self, x: i64) -> Result<LawFile, E> {
                Duration::deserialize(x.into_deserializer()).map(LawFile::Bare)
            }
            fn visit_f64<E: Error>(self, x: f64) -> Result<LawFile, E> {
                Duration::deserialize(x.into_deserializer()).map(LawFile::Bare)
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<LawFile, D::Error> {
                NamedLaw::deserialize(deserializer).map(|law| LawFile::Named(Box::new(law)))
            }
        }

        deserializer.deserialize_newtype_struct(SCALAR_OR, LawVisitor)
    }
}

impl JsonSchema for LawFile {
    fn schema_name() -> Cow<'static, str> {
        "Distribution".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A distribution of times: a bare duration, or a law by its name.",
            "anyOf": [generator.subschema_for::<Duration>(), generator.subschema_for::<NamedLaw>()],
        })
    }
}
