//! The JSON Schemas of scenario and properties files, from the types that read them.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::file::ScenarioFile;
use super::property::OF_THE_PROPERTY;
use super::property::file::PropertiesFile;

/// The JSON Schema of scenario files (draft 2020-12), for completion and checks in editors.
#[must_use]
pub fn scenario_schema() -> Value {
    schema_of::<ScenarioFile>("evenkeel scenario")
}

/// The same of properties files.
#[must_use]
pub fn properties_schema() -> Value {
    let mut schema = schema_of::<PropertiesFile>("evenkeel properties");
    let answered = |name: &str| OF_THE_PROPERTY.iter().any(|(key, _)| *key == name);
    if let Some(Value::Object(keys)) = schema.pointer_mut("/$defs/ScenarioFile/properties") {
        keys.retain(|key, _| !answered(key));
    }
    if let Some(Value::Array(required)) = schema.pointer_mut("/$defs/ScenarioFile/required") {
        required.retain(|key| !key.as_str().is_some_and(answered));
    }
    schema
}

fn schema_of<T: JsonSchema>(title: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    if let Value::Object(root) = &mut schema {
        root.insert("title".into(), title.into());
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
    let must = ["required", "oneOf"].iter().any(|key| definition.get(key).is_some());
    let free = definition.get("type").and_then(Value::as_str) == Some("object") && !must;
    free.then(|| Value::String(name.clone()))
}

/// What the keys of scenarios that have this name mean: the path of each, and its description. Case does not matter.
#[must_use]
pub fn described(name: &str) -> Vec<(String, String)> {
    let schema = scenario_schema();
    let mut found = Vec::new();
    Keys { name, definitions: &schema["$defs"], found: &mut found }.gather(&schema, "", &mut Vec::new());
    found
}

/// A search for keys.
struct Keys<'a> {
    name: &'a str,
    definitions: &'a Value,
    found: &'a mut Vec<(String, String)>,
}

impl<'a> Keys<'a> {
    /// Looks through a part of the schema; `within` are the definitions that it is in, which may be recursive.
    fn gather(&mut self, schema: &'a Value, path: &str, within: &mut Vec<&'a str>) {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/"))
            && !within.contains(&name)
        {
            within.push(name);
            self.gather(&self.definitions[name], path, within);
            within.pop();
        }
        for (key, child) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let text = child.get("description").or_else(|| schema.get("description")).and_then(Value::as_str);
            if let Some(text) = text.filter(|_| key.eq_ignore_ascii_case(self.name)) {
                self.found.push((below.clone(), text.replace('\n', " ")));
            }
            self.gather(child, &below, within);
        }
        if let Some(items) = schema.get("items") {
            self.gather(items, &format!("{path}[]"), within);
        }
        for choices in ["oneOf", "anyOf", "allOf"] {
            for choice in schema.get(choices).and_then(Value::as_array).into_iter().flatten() {
                self.gather(choice, path, within);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_by_name_wherever_they_are() {
        let paths = |name: &str| described(name).into_iter().map(|d| d.0).collect::<Vec<_>>();
        assert_eq!(paths("service_time"), ["servers[].service_time"]);
        assert!(paths("Concurrency").contains(&"clients[].load.closed.concurrency".to_owned()));
        assert!(paths("slow_start").contains(&"clients[].via.envoy.slow_start".to_owned()));
        assert_eq!(paths("nonsense"), [""; 0]);
        assert!(described("queue_limit")[0].1.contains("RESOURCE_EXHAUSTED"));
    }

    fn descriptions(schema: &Value, path: &str, missing: &mut Vec<String>, count: &mut usize) {
        if let Some(Value::Object(properties)) = schema.get("properties") {
            for (name, child) in properties {
                *count += 1;
                // The one key of a choice is described by the choice.
                let choice = properties.len() == 1 && schema.get("description").is_some();
                if child.get("description").is_none() && child.get("$ref").is_none() && !choice {
                    missing.push(format!("{path}.{name}"));
                }
                // A key may itself be called `properties`.
                descriptions(child, &format!("{path}/{name}"), missing, count);
            }
        }
        match schema {
            Value::Object(object) => {
                let others = object.iter().filter(|(k, v)| *k != "properties" || !v.is_object());
                others.for_each(|(k, v)| descriptions(v, &format!("{path}/{k}"), missing, count))
            }
            Value::Array(items) => items.iter().for_each(|v| descriptions(v, path, missing, count)),
            _ => {}
        }
    }

    #[test]
    fn every_key_is_described() {
        let (mut missing, mut count) = (Vec::new(), 0);
        descriptions(&scenario_schema(), "", &mut missing, &mut count);
        descriptions(&properties_schema(), "properties", &mut missing, &mut count);
        assert_eq!(missing, Vec::<String>::new());
        assert!(count > 80, "{count} keys");
    }

    #[test]
    fn a_property_needs_what_its_reader_needs() {
        let schema = properties_schema();
        let mut required = schema["$defs"]["PropertyFile"]["required"].as_array().unwrap().clone();
        required.sort_by_key(|key| key.to_string());
        assert_eq!(required, ["claim", "draw", "holds", "name", "says", "scenario"]);
        let scenario = &schema["$defs"]["ScenarioFile"];
        assert_eq!(scenario["required"], serde_json::json!(["servers", "clients"]));
        assert!(scenario["properties"].get("seed").is_none() && scenario["properties"].get("warmup").is_some());
    }

    /// Every choice between `{ name: settings }` in the schema: its names, and those that it offers as bare names.
    fn choices(schema: &Value, found: &mut Vec<(Vec<String>, Vec<String>)>) {
        let words = |c: &Value| c.get("enum").and_then(Value::as_array).cloned().unwrap_or_default();
        if let Some(Value::Array(choices)) = schema.get("oneOf") {
            let key = |c: &Value| Some(c.get("properties")?.as_object()?.keys().next()?.clone());
            let names: Vec<String> = choices.iter().filter_map(key).collect();
            let bare = choices.iter().flat_map(words).filter_map(|w| w.as_str().map(str::to_owned));
            if !names.is_empty() {
                found.push((names, bare.collect()));
            }
        }
        match schema {
            Value::Object(object) => object.values().for_each(|v| choices(v, found)),
            Value::Array(items) => items.iter().for_each(|v| choices(v, found)),
            _ => {}
        }
    }

    /// For each choice, the least that must be written, and the place where it stands.
    const LEAST: [(&str, &str, &str); 26] = [
        ("pick_first", "policy", "{ pick_first: {} }"),
        ("round_robin", "policy", "{ round_robin: {} }"),
        ("least_request", "policy", "{ least_request: {} }"),
        ("peak_ewma", "policy", "{ peak_ewma: {} }"),
        ("weighted_round_robin", "policy", "weighted_round_robin"),
        ("ring_hash", "policy", "ring_hash"),
        ("maglev", "policy", "maglev"),
        ("poll", "discovery", "{ poll: {} }"),
        ("watch", "discovery", "{ watch: {} }"),
        ("envoy", "via", "{ envoy: {} }"),
        ("istio", "via", "{ istio: {} }"),
        ("linkerd", "via", "{ linkerd: {} }"),
        ("ambient", "via", "{ ambient: {} }"),
        ("gateway", "via", "{ gateway: g }"),
        ("envoy", "proxy", "{ envoy: {} }"),
        ("istio", "proxy", "{ istio: {} }"),
        ("waypoint", "proxy", "{ waypoint: {} }"),
        ("nginx", "proxy", "{ nginx: {} }"),
        ("haproxy", "proxy", "{ haproxy: {} }"),
        ("constant", "service_time", "{ constant: 1ms }"),
        ("uniform", "service_time", "{ uniform: { max: 1ms } }"),
        ("exponential", "service_time", "{ exponential: { mean: 1ms } }"),
        ("lognormal", "service_time", "{ lognormal: { p50: 1ms, p99: 5ms } }"),
        ("pareto", "service_time", "{ pareto: { min: 1ms, alpha: 2 } }"),
        ("mixture", "service_time", "{ mixture: [{ weight: 1, of: 1ms }] }"),
        ("empirical", "service_time", "{ empirical: samples.csv }"),
    ];

    #[test]
    fn the_reader_takes_the_bare_names_that_the_schema_offers_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("samples.csv"), "1ms\n").unwrap();
        let reads = |place: &str, value: &str| {
            // What stands beside a choice must not keep it from acting.
            let client = match place {
                "via" => format!("via: {value}"),
                "proxy" => "via: { gateway: g }".to_owned(),
                "policy" if value.contains("maglev") => format!("policy: {value}, via: envoy"),
                "policy" => format!("policy: {value}"),
                "discovery" => format!("policy: round_robin, discovery: {value}"),
                _ => "policy: round_robin".to_owned(),
            };
            let text = format!(
                "name: a\nduration: 1m\n{}service: {{ type: {} }}\nservers: [{{ name: s, service_time: {} }}]\n\
                 clients: [{{ name: c, {client}, load: {{ open: {{ rate: 1 }} }} }}]\n",
                match place {
                    "proxy" => format!("gateways: [{{ name: g, proxy: {value} }}]\n"),
                    "via" if value.contains("gateway") => "gateways: [{ name: g, proxy: nginx }]\n".to_owned(),
                    _ => String::new(),
                },
                if place == "via" { "ClusterIP" } else { "Headless" },
                if place == "service_time" { value } else { "1ms" },
            );
            crate::scenario::parse("a.yaml", &text, Some(folder.path()), &[]).is_ok()
        };
        let mut found = Vec::new();
        choices(&scenario_schema(), &mut found);
        let mut seen = Vec::new();
        for (names, bare) in found {
            let of_gateways = names.iter().any(|name| name == "nginx");
            for name in names {
                let here = |l: &&(&str, &str, &str)| l.0 == name && (l.1 == "proxy") == of_gateways;
                let (_, place, least) = LEAST.iter().find(here).expect("a choice without a case");
                assert!(reads(place, least), "{place}: {least}");
                assert_eq!(reads(place, &name), bare.contains(&name), "{place}: {name}");
                seen.push((name, *place));
            }
        }
        seen.sort_unstable();
        let mut all = LEAST.map(|l| (l.0.to_owned(), l.1));
        all.sort_unstable();
        assert_eq!(seen, all, "each choice once");
    }
}
