//! Configuration that is no Kubernetes object: files beside the manifests, and the same texts inside ConfigMaps.

use super::object::{Field, Object};
use super::{envoy, k6, load, service_config};
use crate::scenario::diagnostic::{Place, Source, lines};
use crate::scenario::yaml::tree::{Entry, Node, Value, parse};

/// What tells what a file is.
type IsIt = fn(&Object) -> bool;

/// What a file is called in place of a kind, and what tells that it is one.
const KINDS: [(&str, IsIt); 4] = [
    (service_config::KIND, service_config::is_config),
    (envoy::KIND, envoy::is_bootstrap),
    (load::GHZ_KIND, load::is_ghz_config),
    (k6::KIND, k6::is_options),
];

/// Says of objects without a kind what they are.
pub(super) fn name_kinds(objects: &mut [Object], sources: &[Source]) {
    for object in objects.iter_mut().filter(|object| object.kind.is_empty()) {
        let Some(kind) = kind_of(object) else { continue };
        kind.clone_into(&mut object.kind);
        let file = sources.get(object.root.place.source as usize).map_or("", |source| source.name.as_str());
        object.name = file.rsplit('/').next().unwrap_or_default().to_owned();
    }
}

fn kind_of(object: &Object) -> Option<&'static str> {
    KINDS.iter().find(|(_, is_it)| is_it(object)).map(|(kind, _)| *kind)
}

/// What the ConfigMaps of an input hold. Its values stand where the whole text stands.
pub(super) fn in_config_maps(objects: &[Object]) -> Vec<Object> {
    let maps = objects.iter().filter(|object| object.kind == "ConfigMap");
    let data =
        maps.flat_map(|map| map.get(&["data"]).into_iter().flat_map(Field::entries).map(move |entry| (map, entry)));
    let object = |(map, (key, field)): (&Object, (&str, Field<'_>))| {
        let Value::Text(text) = &field.node.value else { return None };
        let source = field.place().source;
        let root = if key.ends_with(".toml") { toml(text, source) } else { parse(text, source, 0).ok()? };
        let mut object = Object {
            name: format!("{key} in ConfigMap {}", map.name),
            within: Some(map.name.clone()),
            ..Object::new(standing_at(root, field.place()))
        };
        kind_of(&object)?.clone_into(&mut object.kind);
        Some(object)
    };
    data.filter_map(object).collect()
}

/// The same tree, all of which stands at one place.
fn standing_at(node: Node, place: Place) -> Node {
    let value = match node.value {
        Value::List(items) => Value::List(items.into_iter().map(|item| standing_at(item, place)).collect()),
        Value::Map(entries) => Value::Map(
            entries.into_iter().map(|e| Entry { key_place: place, value: standing_at(e.value, place), ..e }).collect(),
        ),
        value => value,
    };
    Node { place, value, ..node }
}

/// The settings of a TOML file that stand before its first table, which are all that a load generator has of numbers and times. A
/// scalar of TOML is one of YAML, too; what is none (a text of several lines) is left out.
pub(super) fn toml(text: &str, source: u32) -> Node {
    let mut root = Node::empty_map(Place { source, start: 0, end: 0 });
    let Value::Map(entries) = &mut root.value else { return root };
    for (start, line) in lines(text).take_while(|(_, line)| !line.trim_start().starts_with('[')) {
        let Some((key, value)) = line.split_once('=') else { continue };
        let at = start + key.len() + 1 + (value.len() - value.trim_start().len());
        let key = key.trim().trim_matches('"');
        let is_key = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let scalar = parse(value.trim_start(), source, at).ok();
        let scalar = scalar.filter(|node| !matches!(node.value, Value::Map(_) | Value::List(_) | Value::Null));
        if let Some(value) = scalar.filter(|_| !key.is_empty() && key.chars().all(is_key)) {
            let key_place = Place { source, start, end: start + line.trim_end().len() };
            entries.push(Entry { key: key.to_owned(), key_place, value });
        }
    }
    root
}
