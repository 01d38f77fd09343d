//! A value together with the place where it was written.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use crate::scenario::diagnostic::Place;
use crate::scenario::yaml::read::AT;

/// What may stand behind a key: nothing (or null, which is the same), or a value with its place.
pub(crate) type Key<T> = Option<At<T>>;

/// A value and where it was written. Only the reader of this crate can fill it.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        At::read(deserializer, PhantomData)
    }
}

impl<T> At<T> {
    /// What `seed` reads, and where it stands.
    ///
    /// # Errors
    /// Those of `seed`, or that the deserializer gives no places.
    pub fn read<'de, D: Deserializer<'de>, S: DeserializeSeed<'de, Value = T>>(
        deserializer: D,
        seed: S,
    ) -> Result<Self, D::Error> {
        struct AtVisitor<S>(S);

        impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for AtVisitor<S> {
            type Value = At<S::Value>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its place")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
                let absent = || A::Error::custom("this reader gives no places");
                let [source, start, end] = parts.next_element::<[usize; 3]>()?.ok_or_else(absent)?;
                let value = parts.next_element_seed(self.0)?.ok_or_else(absent)?;
                Ok(At { value, place: Place { source: source as u32, start, end } })
            }
        }

        deserializer.deserialize_newtype_struct(AT, AtVisitor(seed))
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
