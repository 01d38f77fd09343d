//! SARIF, checked against the official JSON Schema of SARIF 2.1.0.
//!
//! `sarif-schema-2.1.0.json` is that of OASIS: https://github.com/oasis-tcs/sarif-spec, sarif-2.1/schema/, at commit
//! e0583813964ec43cea53b6b531b402866095ed1f, unchanged. Copyright OASIS Open; it is governed by the OASIS IPR Policy
//! (https://www.oasis-open.org/policies-guidelines/ipr), which permits to copy it unmodified.
//!
//! The schema uses a small part of JSON Schema (draft 4), which stands here: a keyword that is not here fails the test. The crate `jsonschema` would
//! bring 33 more crates, and took 3 minutes of processor time to build.

use serde_json::{Map, Value, json};

use crate::{desk, evenkeel, scenario, status};

/// What of a value breaks a schema, each with its path.
fn broken(root: &Value, schema: &Value, value: &Value, path: &str, wrong: &mut Vec<String>) {
    for (keyword, rule) in schema.as_object().unwrap() {
        let is_met = match keyword.as_str() {
            "$schema" | "id" | "title" | "description" | "default" | "definitions" => true,
            "$ref" => {
                let target = root.pointer(rule.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                broken(root, target, value, path, wrong);
                true
            }
            "type" => rule.as_array().unwrap_or(&vec![rule.clone()]).iter().any(|rule| match rule.as_str().unwrap() {
                "null" => value.is_null(),
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64() || value.is_u64(),
                "number" => value.is_number(),
                other => panic!("unknown type {other}"),
            }),
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|x| x >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|x| x <= rule.as_f64().unwrap()),
            "minItems" => value.as_array().is_none_or(|a| a.len() as u64 >= rule.as_u64().unwrap()),
            "uniqueItems" => value.as_array().is_none_or(|a| (1..a.len()).all(|i| !a[..i].contains(&a[i]))),
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                items.for_each(|(i, item)| broken(root, rule, item, &format!("{path}/{i}"), wrong));
                true
            }
            "required" => value
                .as_object()
                .is_none_or(|o| rule.as_array().unwrap().iter().all(|k| o.contains_key(k.as_str().unwrap()))),
            "properties" => {
                for (key, inner) in value.as_object().into_iter().flatten() {
                    if let Some(rule) = rule.get(key) {
                        broken(root, rule, inner, &format!("{path}/{key}"), wrong);
                    }
                }
                true
            }
            "additionalProperties" => {
                let (none, known) = (Map::new(), schema.get("properties").and_then(Value::as_object));
                let known = known.unwrap_or(&none);
                for (key, inner) in value.as_object().into_iter().flatten().filter(|(key, _)| !known.contains_key(*key))
                {
                    match rule {
                        Value::Bool(true) => {}
                        Value::Bool(false) => wrong.push(format!("{path}/{key} is unknown")),
                        rule => broken(root, rule, inner, &format!("{path}/{key}"), wrong),
                    }
                }
                true
            }
            "anyOf" | "oneOf" => {
                let met = |rule: &Value| {
                    let mut wrong = Vec::new();
                    broken(root, rule, value, path, &mut wrong);
                    wrong.is_empty()
                };
                let met = rule.as_array().unwrap().iter().filter(|rule| met(rule)).count();
                met == 1 || (met > 1 && keyword == "anyOf")
            }
            "format" => match (rule.as_str().unwrap(), value.as_str().unwrap()) {
                ("uri-reference", text) => text.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b)),
                ("uri", text) => text.starts_with("https://") && !text.contains(' '),
                (other, _) => panic!("{path}: the format {other} is not checked"),
            },
            other => panic!("{path}: the keyword {other} is not checked"),
        };
        if !is_met {
            wrong.push(format!("{path} breaks {keyword}: {rule}"));
        }
    }
}

/// What of a log is no SARIF.
fn wrong_with(log: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(include_str!("sarif-schema-2.1.0.json")).unwrap();
    let mut wrong = Vec::new();
    broken(&schema, &schema, log, "", &mut wrong);
    wrong
}

/// What `lint` prints is SARIF.
#[track_caller]
fn valid(folder: &std::path::Path, args: &[&str]) -> Value {
    let done = evenkeel(folder, &[&["lint", "--format", "sarif"], args].concat());
    let log = serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{e}: {done:?}"));
    assert_eq!(wrong_with(&log), [""; 0], "{args:?}");
    log
}

#[test]
fn what_lint_prints_is_sarif_by_the_official_schema() {
    let desk = desk();
    let at = desk.path();
    let results = |log: &Value| log["runs"][0]["results"].as_array().unwrap().len();
    assert_eq!(results(&valid(at, &["blog/istio"])), 0);
    let with_evidence = valid(at, &["blog/grpc-clusterip"]);
    assert!(with_evidence["runs"][0]["results"][0]["properties"]["evidence"]["runs"].as_u64().unwrap() >= 5);
    let rules = with_evidence["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(rules.iter().all(|rule| rule["help"]["text"].as_str().unwrap().contains("Source: ")));
    // Manifests, and scenarios beside them; a name that no URI has; an absolute path; an option.
    let quick = ["--no-evidence", "k8s", "a b.yaml", "--set", "clients.*.channels=1"];
    assert!(results(&valid(at, &quick)) > 3);
    let absolute = valid(at, &["--no-evidence", at.join("a b.yaml").to_str().unwrap()]);
    let place = &absolute["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
    assert!(place["uri"].as_str().unwrap().starts_with("file:///") && place.get("uriBaseId").is_none(), "{place}");
}

#[test]
fn what_is_suppressed_is_sarif_too() {
    let desk = desk();
    let at = desk.path();
    let ignoring = scenario("# evenkeel: ignore EK014: a demo\n# evenkeel: ignore EK001: x\n");
    std::fs::write(at.join("ignoring.yaml"), ignoring).unwrap();
    assert_eq!(status(at, &["lint", "a b.yaml", "--write-baseline", "known.yaml"]), 0);
    let log = valid(at, &["--no-evidence", "a b.yaml", "ignoring.yaml", "--baseline", "known.yaml"]);
    let run = &log["runs"][0];
    let of = |file: &str, code: &str| {
        let results = run["results"].as_array().unwrap().iter();
        let is = |r: &&Value| {
            r["ruleId"] == code && r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == file
        };
        results.filter(is).map(|r| (r["baselineState"].clone(), r["suppressions"].clone())).collect::<Vec<_>>()
    };
    let external = json!([{ "kind": "external", "status": "accepted", "justification": "in the baseline" }]);
    let in_source = json!([{ "kind": "inSource", "status": "accepted", "justification": "a demo" }]);
    assert_eq!(of("a%20b.yaml", "EK014"), [(json!("unchanged"), external)]);
    assert_eq!(of("ignoring.yaml", "EK014"), [(json!("new"), in_source)]);
    assert_eq!(of("ignoring.yaml", "EK009"), [(json!("new"), json!([]))]);
    let notifications = run["invocations"][0]["toolConfigurationNotifications"].as_array().unwrap();
    assert_eq!(notifications.len(), 1);
    assert_eq!(notifications[0]["locations"][0]["physicalLocation"]["region"]["startLine"], 2);
}

/// A validator that accepts everything would, too.
#[test]
fn what_is_no_sarif_is_seen() {
    let desk = desk();
    let good = valid(desk.path(), &["--no-evidence", "a b.yaml"]);
    for (path, value) in [
        ("/version", json!("2.0.0")),
        ("/runs/0/results/0/level", json!("warn")),
        ("/runs/0/results/0/message", json!({ "markdown": "x" })),
        ("/runs/0/results/0/suppressions", json!([{ "kind": "outside" }])),
        ("/runs/0/results/0/ruleIndex", json!(-2)),
        ("/runs/0/results/0/locations/0/physicalLocation/region/startLine", json!(0)),
        ("/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri", json!("a b.yaml")),
        ("/runs/0/tool", json!({ "driver": { "name": "evenkeel" }, "colour": "red" })),
        ("/runs/0/tool/driver/rules/1", good["runs"][0]["tool"]["driver"]["rules"][0].clone()),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(path).unwrap() = value;
        assert!(!wrong_with(&bad).is_empty(), "{path}");
    }
}
