//! The JSON Schema of scenario files, from the types that read them.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::file::ScenarioFile;

/// The JSON Schema of scenario files (draft 2020-12), for completion and checks in editors.
#[must_use]
pub fn scenario_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<ScenarioFile>().to_value();
    if let Value::Object(root) = &mut schema {
        root.insert("title".into(), "evenkeel scenario".into());
    }
    let definitions = schema.get("$defs").cloned().unwrap_or_default();
    bare_names(&mut schema, &definitions);
    schema
}

/// A choice whose settings may all be left out can be written as its bare name: `policy: round_robin`.
fn bare_names(schema: &mut Value, definitions: &Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(|item| bare_names(item, definitions)),
        Value::Object(object) => {
            if let Some(Value::Array(choices)) = object.get_mut("oneOf") {
                let names: Vec<Value> = choices.iter().filter_map(|c| optional_choice(c, definitions)).collect();
                if !names.is_empty() {
                    let mut bare = Map::new();
                    bare.insert("description".into(), "The bare name: all settings at their defaults.".into());
                    bare.insert("enum".into(), Value::Array(names));
                    choices.push(Value::Object(bare));
                }
            }
            object.values_mut().for_each(|value| bare_names(value, definitions));
        }
        _ => {}
    }
}

/// The name of a `{ name: settings }` choice if no setting must be given.
fn optional_choice(choice: &Value, definitions: &Value) -> Option<Value> {
    let (name, settings) = choice.get("properties")?.as_object()?.iter().next()?;
    let definition = settings.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?;
    let definition = definitions.get(definition)?;
    let free = definition.get("type").and_then(Value::as_str) == Some("object") && definition.get("required").is_none();
    free.then(|| Value::String(name.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptions(schema: &Value, path: &str, missing: &mut Vec<String>, count: &mut usize) {
        if let Some(Value::Object(properties)) = schema.get("properties") {
            for (name, child) in properties {
                *count += 1;
                // The one key of a choice is described by the choice.
                let choice = properties.len() == 1 && schema.get("description").is_some();
                if child.get("description").is_none() && child.get("$ref").is_none() && !choice {
                    missing.push(format!("{path}.{name}"));
                }
            }
        }
        match schema {
            Value::Object(object) => {
                object.iter().for_each(|(k, v)| descriptions(v, &format!("{path}/{k}"), missing, count))
            }
            Value::Array(items) => items.iter().for_each(|v| descriptions(v, path, missing, count)),
            _ => {}
        }
    }

    #[test]
    fn every_key_is_described() {
        let (mut missing, mut count) = (Vec::new(), 0);
        descriptions(&scenario_schema(), "", &mut missing, &mut count);
        assert_eq!(missing, Vec::<String>::new());
        assert!(count > 80, "{count} keys");
    }

    #[test]
    fn policies_may_be_bare_names_and_loads_may_not() {
        let schema = scenario_schema();
        let bare = |definition: &str| {
            schema["$defs"][definition]["oneOf"].as_array().into_iter().flatten().find_map(|c| c.get("enum").cloned())
        };
        assert_eq!(bare("PolicyFile"), Some(serde_json::json!(["pick_first", "round_robin"])));
        assert_eq!(schema["required"], serde_json::json!(["name", "servers", "clients"]));
        assert!(!schema["$defs"]["LoadFile"].to_string().contains("bare name"), "{}", schema["$defs"]["LoadFile"]);
    }
}
