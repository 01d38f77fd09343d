//! Manifests become scenarios: golden files of what comes of many inputs, the blog's own artefacts, and bad input.
//!
//! `EVENKEEL_BLESS=1 cargo test --test import` writes the golden files `tests/import/good/*/expected.txt` and `tests/import/bad.txt`
//! again: read the difference line by line.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;

fn evenkeel(args: &[&str]) -> std::process::Output {
    Command::cargo_bin("evenkeel").unwrap().current_dir(env!("CARGO_MANIFEST_DIR")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What is in a folder below `tests/import`, in order of name.
fn cases(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import").join(folder);
    let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

/// The path from the root of the repository on.
fn shown(path: &Path) -> &str {
    path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_str().unwrap()
}

/// Compares with a golden file, or writes it.
fn golden(file: &Path, found: &str, wrong: &mut String) {
    if std::env::var_os("EVENKEEL_BLESS").is_some() {
        fs::write(file, found).unwrap();
    } else if fs::read_to_string(file).unwrap_or_default() != found {
        let _ = writeln!(wrong, "{} differs; now:\n{found}", shown(file));
    }
}

#[test]
fn manifests_become_what_a_person_has_checked() {
    let mut wrong = String::new();
    let all = cases("good");
    assert!(all.len() >= 40, "{} cases", all.len());
    for case in &all {
        let name = shown(case);
        // A case with several Services says which one it is about.
        let service = fs::read_to_string(case.join("service.txt")).unwrap_or_default();
        let mut args = vec!["import", name];
        if !service.is_empty() {
            args.extend(["--service", service.trim()]);
        }
        let scenario = evenkeel(&args);
        assert!(scenario.status.success(), "{name}: {}", text(&scenario.stderr));
        let scenario = text(&scenario.stdout);
        let fields = text(&evenkeel(&[&args[..], &["--fields"]].concat()).stdout);
        golden(&case.join("expected.txt"), &format!("{scenario}\n{fields}"), &mut wrong);
        // What is printed is a scenario, and means what the manifests mean.
        let written =
            Command::cargo_bin("evenkeel").unwrap().args(["explain", "-"]).write_stdin(scenario).output().unwrap();
        assert!(written.status.success(), "{name}: {}", text(&written.stderr));
        let mut explain = args.clone();
        explain[0] = "explain";
        // What is assumed of manifests is the user's in the scenario that is made of them.
        let values = |explained: &[u8]| text(explained).replace("yours", "assumption");
        assert_eq!(values(&written.stdout), values(&evenkeel(&explain).stdout), "{name}");
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn bad_manifests_are_refused_with_file_line_and_column() {
    let mut all = String::new();
    let cases = cases("bad");
    assert!(cases.len() >= 30, "{} cases", cases.len());
    for case in &cases {
        let name = shown(case);
        let done = evenkeel(&["import", name]);
        let said = text(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{name}: {said}");
        assert!(done.stdout.is_empty(), "{name}");
        let place = said.lines().find(|line| line.trim_start().starts_with("--> ")).unwrap_or_default();
        assert!(place.contains(name), "{name}: {said}");
        let _ = writeln!(all, "{said}");
    }
    let mut wrong = String::new();
    golden(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/bad.txt"), &all, &mut wrong);
    assert!(wrong.is_empty(), "{wrong}");
}

/// The digest of a run.
fn digest(args: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let run = [&["run"], args, &["--out", out.to_str().unwrap(), "--no-png", "--quiet"]].concat();
    let done = evenkeel(&run);
    assert!(matches!(done.status.code(), Some(0 | 1)), "{}", text(&done.stderr));
    let summary = fs::read_to_string(out.join("summary.json")).unwrap();
    summary.lines().find(|line| line.contains("\"digest\"")).unwrap().to_owned()
}

/// The artefacts of the blog mean its scenarios, once what no manifest says is added: how long a call takes and the network.
#[test]
fn the_blogs_artefacts_are_its_scenarios() {
    const SAID: [&str; 4] = ["--set", "cluster.rtt=10us", "--set", "servers.0.service_time=1600us"];
    let istio = "clients.0.via.istio.overhead={ uniform: { min: 1ms, max: 3ms } }";
    for (folder, scenario, more) in [
        ("1-grpc-clusterip", "grpc-clusterip", &[][..]),
        ("2-grpc-headless-round-robin", "grpc-headless-round-robin", &[]),
        ("3-istio", "istio", &["--set", istio]),
        ("4-linkerd", "linkerd", &[]),
        ("5-envoy-sidecar", "envoy-sidecar", &[]),
    ] {
        let folder = format!("examples/blog-lab/{folder}");
        let manifests = digest(&[&[folder.as_str()], &SAID[..], more].concat());
        assert_eq!(manifests, digest(&[&format!("blog/{scenario}")]), "{folder}");
    }
}

#[test]
fn the_example_of_the_documentation_is_true() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/import.md")).unwrap();
    let block = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let written = text(&evenkeel(&["import", "examples/blog-lab/3-istio"]).stdout);
    let plain: String = written
        .lines()
        .filter(|l| !l.trim_start().starts_with('#') && !l.is_empty())
        .map(|l| format!("{l}\n"))
        .collect();
    assert_eq!(plain, block);
}

#[test]
fn commands_take_manifests() {
    let lab = "examples/blog-lab/1-grpc-clusterip";
    let linted = text(&evenkeel(&["lint", lab, "--no-evidence"]).stdout);
    assert!(linted.contains("examples/blog-lab/1-grpc-clusterip/server.yaml:15:11: "), "{linted}");
    assert!(linted.contains("assumed: the manifests do not say it"), "{linted}");
    let validated = evenkeel(&["validate", "examples/blog-lab"]);
    let valid = text(&validated.stdout).lines().filter(|line| line.ends_with(": valid")).count();
    assert_eq!(valid, 5, "{}", text(&validated.stderr));
    // As it comes out of kubectl, by a pipe, and one by one.
    let server = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(lab).join("server.yaml")).unwrap();
    let piped = Command::cargo_bin("evenkeel").unwrap().args(["explain", "-"]).write_stdin(server).output().unwrap();
    assert!(
        piped.status.success() && text(&piped.stdout).contains("clients.client.replicas"),
        "{}",
        text(&piped.stderr)
    );
    let apart = [format!("{lab}/server.yaml"), format!("{lab}/load.sh")];
    let apart = evenkeel(&["validate", &apart[0]]);
    assert!(apart.status.success(), "{}", text(&apart.stderr));
    let wrong = evenkeel(&["validate", lab, "--set", "servers.0.replicas=many"]);
    assert!(text(&wrong.stderr).contains("--set:1:20"), "{}", text(&wrong.stderr));
}
