//! A group of keys of which some are declared and some have a reader of their own: both are read from one map.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde::de::value::StrDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::settings::{Given, Name, WrittenKeys};
use crate::settings::Group;

/// Reads the declared keys of a group, and an `R` from all others.
///
/// # Errors
/// Those of both.
pub(crate) fn read<'de, D: Deserializer<'de>, R: Deserialize<'de>>(
    deserializer: D,
    group: &'static Group,
) -> Result<(WrittenKeys, R), D::Error> {
    let mut written = WrittenKeys { group, keys: Vec::new() };
    let rest = R::deserialize(Beside { inner: deserializer, written: &mut written })?;
    written.keys.sort_by_key(|(key, _)| *key);
    Ok((written, rest))
}

/// What an `R` is read from.
struct Beside<'a, D> {
    inner: D,
    written: &'a mut WrittenKeys,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Beside<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, D::Error> {
        Err(D::Error::custom("only a struct can stand beside declared keys"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let names = together(self.written.group.names, fields);
        self.inner.deserialize_struct(name, names, Both { visitor, names, fields, written: self.written })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The names of a group, and those of `others` that it does not have, each before the one that follows it there, or first. serde wants names
/// that stay; there are as many lists as groups.
fn together(group: &'static [&'static str], others: &'static [&'static str]) -> &'static [&'static str] {
    static LISTS: Mutex<BTreeSet<&'static [&'static str]>> = Mutex::new(BTreeSet::new());
    let mut all = group.to_vec();
    for (i, name) in others.iter().enumerate().rev().filter(|(_, name)| !group.contains(name)) {
        let next = others[i..].iter().find_map(|next| all.iter().position(|known| known == next));
        all.insert(next.unwrap_or(0), name);
    }
    if all.len() == group.len() {
        return group;
    }
    let mut lists = LISTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(list) = lists.get(all.as_slice()) {
        return list;
    }
    let list: &'static [&'static str] = all.leak();
    lists.insert(list);
    list
}

/// The map of both, and at the same time the part of it that the visitor of an `R` sees.
struct Both<'a, T> {
    visitor: T,
    names: &'static [&'static str],
    fields: &'static [&'static str],
    written: &'a mut WrittenKeys,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Both<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a map of keys")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let Both { visitor, names, fields, written } = self;
        visitor.visit_map(Both { visitor: map, names, fields, written })
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Both<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(i) = self.visitor.next_key_seed(Name { known: self.names, words: false })? {
            let name = self.names[i];
            if self.fields.contains(&name) {
                let name: StrDeserializer<'_, A::Error> = name.into_deserializer();
                return seed.deserialize(name).map(Some);
            }
            let WrittenKeys { group, keys } = &mut *self.written;
            let declared = group.names.iter().position(|declared| *declared == name);
            let Some(key) = declared else { return Err(A::Error::custom("this key is nobody's")) };
            if let Some(value) = self.visitor.next_value_seed(Given(group.keys[key].kind))? {
                keys.push((key, value));
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.visitor.next_value_seed(seed)
    }
}
