//! What users decide about findings: the configuration, the baseline, and what is ignored where it stands.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{desk, evenkeel, scenario, status, text};

/// The findings of a lint: code, severity and what they are suppressed by; and what is said on standard error.
fn found(folder: &Path, args: &[&str]) -> (Vec<(String, String, Value)>, String) {
    let done = evenkeel(folder, &[&["lint", "--no-evidence", "--json"], args].concat());
    let rows: Vec<Value> = serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{e}: {done:?}"));
    let word = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let row = |row: &Value| (word(row, "code"), word(row, "severity"), row["suppressed"].clone());
    (rows.iter().map(row).collect(), text(&done.stderr))
}

fn codes(folder: &Path, args: &[&str]) -> Vec<String> {
    found(folder, args).0.into_iter().map(|row| row.0).collect()
}

fn suppressed(folder: &Path, args: &[&str]) -> Vec<String> {
    found(folder, args).0.into_iter().filter(|row| !row.2.is_null()).map(|row| row.0).collect()
}

/// The first line of each message, and its place.
fn refused(folder: &Path, args: &[&str]) -> Vec<String> {
    let done = evenkeel(folder, &[&["lint", "--no-evidence"], args].concat());
    assert_eq!(done.status.code(), Some(2), "{done:?}");
    let said = text(&done.stderr);
    let told = |line: &&str| ["error[", " --> ", "help: "].iter().any(|mark| line.contains(mark));
    said.lines()
        .filter(told)
        .map(|line| line.trim().trim_start_matches(['-', '>', '=', ' ', '╰', '╭', '▸', '|']).to_owned())
        .collect()
}

const A: &str = "a b.yaml";

#[test]
fn the_configuration_turns_rules_off_and_says_how_much_they_count() {
    let desk = desk();
    let at = desk.path();
    let all = codes(at, &[A]);
    assert!(["EK002", "EK009", "EK014"].iter().all(|code| all.contains(&(*code).to_owned())), "{all:?}");
    fs::write(at.join(".evenkeel.yaml"), "lint: { rules: { EK014: off, EK002: note, EK034: error } }\n").unwrap();
    let (rows, _) = found(at, &[A]);
    let severity = |code: &str| rows.iter().find(|row| row.0 == code).map(|row| row.1.as_str());
    assert_eq!((severity("EK014"), severity("EK002"), severity("EK034")), (None, Some("note"), Some("error")));
    assert_eq!(rows.len(), all.len() - 1);
    // What manifests do not say is a note, unless the configuration says otherwise.
    let (assumed, _) = found(at, &["k8s", "--no-config"]);
    let note = assumed.iter().find(|row| row.1 == "note").expect("something is assumed").0.clone();
    fs::write(at.join("strict.yaml"), format!("lint: {{ rules: {{ {}: error }} }}\n", note.to_lowercase())).unwrap();
    let (rows, _) = found(at, &["k8s", "--config", "strict.yaml"]);
    assert!(rows.iter().any(|row| row.0 == note && row.1 == "error"), "{rows:?}");
    // Without it, all is as it was.
    assert_eq!(codes(at, &[A, "--no-config"]), all);
    assert_eq!(status(at, &["lint", A, "--no-config", "--config", "strict.yaml"]), 2);
}

#[test]
fn the_configuration_is_looked_for_up_to_the_root_of_the_repository() {
    let desk = desk();
    let at = desk.path();
    let inner = at.join("repository/deploy/base");
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join(A), scenario("")).unwrap();
    let off = |code: &str, folder: &Path| {
        fs::write(folder.join(".evenkeel.yaml"), format!("lint: {{ rules: {{ {code}: off }} }}\n")).unwrap();
    };
    let has = |code: &str| codes(&inner, &[A]).contains(&code.to_owned());
    off("EK014", &at.join("repository"));
    assert!(has("EK014"), "outside of a repository what lies around the folder is not looked at");
    fs::create_dir(at.join("repository/.git")).unwrap();
    assert!(!has("EK014"));
    fs::remove_file(at.join("repository/.evenkeel.yaml")).unwrap();
    off("EK014", at);
    assert!(has("EK014"), "what lies around the repository is not looked at");
    off("EK002", &inner);
    off("EK014", &at.join("repository"));
    assert!(has("EK014") && !has("EK002"), "the nearest one counts alone");
}

#[test]
fn paths_are_left_out() {
    let desk = desk();
    let at = desk.path();
    fs::create_dir(at.join("legacy")).unwrap();
    fs::write(at.join("legacy/old.yaml"), scenario("colour: red\n")).unwrap();
    fs::copy(at.join("k8s/server.yaml"), at.join("k8s/copy.gen.yaml")).unwrap();
    // Twice the same Service, and a scenario that cannot be read.
    assert_eq!(status(at, &["lint", "--no-evidence", "k8s", "legacy/old.yaml"]), 2);
    fs::write(at.join(".evenkeel.yaml"), "lint:\n  exclude: [legacy, '**/*.gen.yaml']\n").unwrap();
    let folder = at.canonicalize().unwrap().join("legacy/old.yaml");
    let done = evenkeel(at, &["lint", "--no-evidence", "k8s", "legacy/old.yaml", folder.to_str().unwrap()]);
    assert!(done.status.code() == Some(1) && text(&done.stdout).contains("in 1 scenario:"), "{done:?}");
    // A check of nothing is no check.
    let nothing = evenkeel(at, &["lint", "legacy/old.yaml"]);
    assert!(
        nothing.status.code() == Some(2) && text(&nothing.stderr).contains("nothing is left to lint"),
        "{nothing:?}"
    );
    // Patterns are from the file's folder on, wherever lint runs.
    let from_k8s = evenkeel(&at.join("k8s"), &["lint", "../legacy/old.yaml", "--config", "../.evenkeel.yaml"]);
    assert!(text(&from_k8s.stderr).contains("nothing is left to lint"), "{from_k8s:?}");
}

#[test]
fn what_a_configuration_cannot_say_is_refused_with_its_place() {
    let desk = desk();
    let at = desk.path();
    let wrong = |text: &str| {
        fs::write(at.join(".evenkeel.yaml"), text).unwrap();
        refused(at, &[A]).join(" | ")
    };
    let said = wrong("lint:\n  rule: {}\n");
    assert!(
        said.contains("[E008]: unknown key `rule` | .evenkeel.yaml:2:3") && said.contains("did you mean `rules`?"),
        "{said}"
    );
    let said = wrong("lint: { rules: { EK0014: off } }\n");
    assert!(
        said.contains("[E011]: unknown rule `EK0014` | .evenkeel.yaml:1:18") && said.contains("did you mean `EK"),
        "{said}"
    );
    let said = wrong("lint: { rules: { EK014: warn } }\n");
    assert!(
        said.contains("unknown severity `warn` | .evenkeel.yaml:1:25") && said.contains("did you mean `warning`?"),
        "{said}"
    );
    let said = wrong("lint: { rules: [EK014], exclude: [../other] }\n");
    assert!(
        said.contains("[E009]: expected a map of rules") && said.contains("[E010]: `../other` leads to nothing"),
        "{said}"
    );
    // No rule takes an objective.
    assert!(wrong("slo: [latency.p99 <= 20ms]\n").contains("[E008]: unknown key `slo` | .evenkeel.yaml:1:1"));
    assert!(refused(at, &[A, "--config", "none.yaml"])[0].contains("[E006]"));
    for empty in ["", "# nothing\n", "lint:\n", "lint: {}\n"] {
        fs::write(at.join(".evenkeel.yaml"), empty).unwrap();
        assert_eq!(status(at, &["lint", "--no-evidence", A]), 1, "{empty:?}");
    }
}

#[test]
fn findings_of_the_baseline_do_not_count_wherever_they_move() {
    let desk = desk();
    let at = desk.path();
    let done = evenkeel(at, &["lint", A, "k8s", "--write-baseline", "known.yaml"]);
    let all = codes(at, &[A, "k8s"]);
    assert_eq!(text(&done.stdout), format!("wrote known.yaml: {} findings\n", all.len()));
    let known = fs::read_to_string(at.join("known.yaml")).unwrap();
    assert!(known.contains("  - { rule: EK014, file: \"a b.yaml\", path: "), "{known}");
    let with = [A, "k8s", "--baseline", "known.yaml"];
    assert_eq!(suppressed(at, &with), all);
    assert_eq!(status(at, &[&["lint", "--strict"], &with[..]].concat()), 0);
    let printed = text(&evenkeel(at, &[&["lint"], &with[..]].concat()).stdout);
    assert!(
        printed.starts_with(&format!(
            "0 findings in 2 scenarios: 0 errors, 0 warnings, 0 notes; {} more suppressed\n",
            all.len()
        )),
        "{printed}"
    );
    // Lines move, and paths are written otherwise.
    fs::write(at.join(A), scenario("# one\n\n# two\n")).unwrap();
    assert_eq!(suppressed(at, &["./a b.yaml", "./k8s", "--baseline", "known.yaml"]), all);
    // What is not in it counts.
    let fewer: Vec<&str> = known.lines().filter(|line| !line.contains("EK009")).collect();
    fs::write(at.join("fewer.yaml"), fewer.join("\n")).unwrap();
    let fewer = [A, "k8s", "--baseline", "fewer.yaml"];
    let (rows, said) = found(at, &fewer);
    let counting: Vec<&str> = rows.iter().filter(|row| row.2.is_null()).map(|row| row.0.as_str()).collect();
    assert_eq!((counting, said.as_str()), (vec!["EK009"], ""));
    assert_eq!(status(at, &[&["lint", "--no-evidence"], &fewer[..]].concat()), 1);
    // What is mended can go.
    fs::write(at.join(A), scenario("") + "    deadline: 1s\n").unwrap();
    let (_, said) = found(at, &with);
    let line = known.lines().position(|line| line.contains("EK034") && line.contains("a b.yaml")).unwrap() + 1;
    let expected = "EK034 at clients.web.deadline of a b.yaml is in the baseline, and is not found any more";
    assert_eq!(said, format!("warning: known.yaml:{line}:5: {expected}\n"));
    assert_eq!(status(at, &[&["lint", "--no-evidence"], &with[..]].concat()), 0);
    assert_eq!(status(at, &[&["lint", "--no-evidence", "--strict"], &with[..]].concat()), 1);
    // Entries of files that are not linted are not asked about, unless the file is gone.
    assert_eq!(found(at, &["k8s", "--baseline", "known.yaml"]).1, "");
    fs::remove_file(at.join(A)).unwrap();
    assert!(found(at, &["k8s", "--baseline", "known.yaml"]).1.contains("a b.yaml"));
}

#[test]
fn a_baseline_that_cannot_be_read_is_refused_with_its_place() {
    let desk = desk();
    let at = desk.path();
    fs::write(at.join("known.yaml"), "findings:\n  - { rule: EK014, file: a.yaml, place: 3 }\n").unwrap();
    let said = refused(at, &[A, "--baseline", "known.yaml"]).join(" | ");
    assert!(said.contains("[E008]: unknown key `place` | known.yaml:2:34"), "{said}");
    fs::write(at.join("known.yaml"), "findings:\n  - { rule: EK014, file: a.yaml }\n").unwrap();
    let said = refused(at, &[A, "--baseline", "known.yaml"]).join(" | ");
    assert!(said.contains("[E012]: the finding needs the key `path` | known.yaml:2:5"), "{said}");
    assert!(refused(at, &[A, "--baseline", "none.yaml"])[0].contains("[E006]"));
}

#[test]
fn comments_of_a_scenario_ignore_rules() {
    let desk = desk();
    let at = desk.path();
    let all = codes(at, &[A]);
    fs::write(at.join(A), scenario("# evenkeel: ignore EK014: no pod vanishes; EK009: it ends soon\n")).unwrap();
    assert_eq!(suppressed(at, &[A]), ["EK009", "EK014"]);
    assert_eq!(codes(at, &[A]), all);
    let text = scenario("").replace("- name: web", "- name: web # evenkeel: ignore EK014: a demo");
    fs::write(at.join(A), &text).unwrap();
    assert_eq!(suppressed(at, &[A]), ["EK014"]);
    // Behind a value, only what is found in this line.
    fs::write(
        at.join(A),
        text.replace(" # evenkeel", "\n    # evenkeel").replace("name: a\n", "name: a # evenkeel: ignore EK009: x\n"),
    )
    .unwrap();
    let (rows, said) = found(at, &[A]);
    assert_eq!(rows.iter().filter(|row| !row.2.is_null()).map(|row| row.0.as_str()).collect::<Vec<_>>(), ["EK014"]);
    assert_eq!(said, "warning: a b.yaml:1:9: EK009 is ignored here, where it has no finding\n");
    for (comment, code) in [("ignore EK014", "[E010]"), ("ignore EK999: x", "[E011]"), ("ignroe EK014: x", "[E011]")] {
        fs::write(at.join(A), scenario(&format!("# evenkeel: {comment}\n"))).unwrap();
        let said = refused(at, &[A]).join(" | ");
        assert!(said.contains(code) && said.contains("a b.yaml:1:1"), "{said}");
    }
}

#[test]
fn annotations_ignore_rules_in_their_object() {
    let desk = desk();
    let at = desk.path();
    let server = at.join("k8s/server.yaml");
    let plain = fs::read_to_string(&server).unwrap();
    let annotated = |kind: &str, annotation: &str| {
        let head = format!("kind: {kind}\nmetadata:\n");
        let text = plain.replace(&head, &format!("{head}  annotations: {{ evenkeel.dev/ignore: \"{annotation}\" }}\n"));
        assert_ne!(text, plain);
        fs::write(&server, text).unwrap();
    };
    let rows: Vec<Value> =
        serde_json::from_slice(&evenkeel(at, &["lint", "--no-evidence", "--json", "k8s"]).stdout).unwrap();
    let line = |row: &Value| row["line"].as_u64().unwrap();
    let service = plain.lines().position(|line| line == "kind: Service").unwrap() as u64;
    let is_server = |row: &&Value| row["source"] == "k8s/server.yaml" && line(row) < service;
    let of_deployment: Vec<&str> = rows.iter().filter(is_server).map(|row| row["code"].as_str().unwrap()).collect();
    let others: Vec<&str> =
        rows.iter().filter(|row| !is_server(row)).map(|row| row["code"].as_str().unwrap()).collect();
    let code = of_deployment.iter().find(|code| !others.contains(code)).expect("a finding of the Deployment");
    annotated("Deployment", &format!("{code}: it is a demo"));
    let (found_now, said) = found(at, &["k8s"]);
    let reasons: Vec<&(String, String, Value)> = found_now.iter().filter(|row| !row.2.is_null()).collect();
    assert!(reasons.iter().all(|row| row.0 == *code && row.2["ignored"] == "it is a demo") && !reasons.is_empty());
    assert_eq!(said, "");
    // In another object it is of no use.
    annotated("Service", &format!("{code}: it is a demo"));
    assert_eq!(suppressed(at, &["k8s"]), [""; 0]);
    let said = found(at, &["k8s"]).1;
    assert!(
        said.starts_with("warning: k8s/server.yaml:") && said.contains(&format!("{code} is ignored here")),
        "{said}"
    );
    // Several, and what is wrong with them.
    annotated("Deployment", &format!("{code}: a; EK001"));
    let said = refused(at, &["k8s"]).join(" | ");
    assert!(said.contains("[E010]: `EK001` is no rule with a reason | k8s/server.yaml:4:"), "{said}");
    annotated("Deployment", "EK14: it is a demo");
    assert!(refused(at, &["k8s"]).join(" | ").contains("[E011]: unknown rule `EK14` | k8s/server.yaml:4:"));
    // A script has comments.
    fs::write(&server, &plain).unwrap();
    let script = fs::read_to_string(at.join("k8s/load.sh")).unwrap();
    fs::write(at.join("k8s/load.sh"), format!("{script}# evenkeel: ignore EK001: a demo; EK010: not here\n")).unwrap();
    assert_eq!(suppressed(at, &["k8s"]), ["EK001"]);
    assert!(found(at, &["k8s"]).1.contains("EK010 is ignored here, where it has no finding"));
    fs::write(at.join("k8s/load.sh"), script).unwrap();
    // A pod template's own count for its object.
    let template = "    metadata:\n      labels: { app: grpc-server }\n";
    let annotation =
        format!("{template}      annotations:\n        evenkeel.dev/ignore: |\n          {code}: a demo\n");
    fs::write(&server, plain.replacen(template, &annotation, 1)).unwrap();
    assert!(!suppressed(at, &["k8s"]).is_empty());
}
