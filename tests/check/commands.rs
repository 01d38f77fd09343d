//! `evenkeel check` as a command: exit statuses, messages, files, and the same bytes with any number of threads.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;

const TWO: &str = "\
properties:
  - name: even
    says: round_robin is even
    scenario: &s
      duration: 10s
      service: { type: Headless }
      servers: [{ name: s, replicas: 4 }]
      clients: [{ name: web, replicas: 3, policy: round_robin, load: { open: { rate: 50 } } }]
    draw: &d { servers.s.replicas: 2..8, clients.web.replicas: 1..8 }
    claim: max_over_mean <= 1.2
    holds: always
  - name: first-is-even
    says: pick_first is even
    scenario: *s
    draw: *d
    variants: { first: { clients.web.policy: pick_first }, robin: {} }
    claim: first.max_over_mean <= robin.max_over_mean
    holds: in 50% of runs
";

fn check(folder: &Path, args: &[&str]) -> Output {
    let output = Command::new(cargo_bin!("evenkeel")).arg("check").args(args).current_dir(folder).output();
    output.unwrap()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    // The marker has the checksum of check.md, which names the folder.
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap()).filter(|e| e.file_name() != ".evenkeel");
    entries.map(|e| (e.file_name().into_string().unwrap(), std::fs::read(e.path()).unwrap())).collect()
}

#[test]
fn results_do_not_depend_on_threads_and_replace_older_ones() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("two.yaml"), TWO).unwrap();
    let run = |threads: &str, out: &str| {
        let output = check(root.path(), &["two.yaml", "--cases", "40", "--threads", threads, "--out", out]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "first-is-even: is refuted\n");
        let text = String::from_utf8(output.stdout).unwrap();
        (text.replace(out, "OUT"), files(&root.path().join(out)))
    };
    let (text, one) = run("1", "a1");
    let names: Vec<&str> = one.keys().map(String::as_str).collect();
    assert_eq!(names, ["check.json", "check.md", "first-is-even-first.yaml", "first-is-even-robin.yaml"]);
    for (name, bytes) in run("3", "a3").1 {
        let same = |b: &[u8]| String::from_utf8_lossy(b).replace("a3", "a1");
        assert_eq!(same(&bytes), same(&one[&name]), "{name}");
    }
    assert_eq!(run("3", "a3").0, text);
    // Another check into the same folder leaves none of it.
    let again = check(root.path(), &["two.yaml", "--only", "even", "--cases", "5", "--out", "a1", "--quiet"]);
    assert_eq!((again.status.code(), again.stdout.len()), (Some(0), 0), "{again:?}");
    assert_eq!(files(&root.path().join("a1")).into_keys().collect::<Vec<_>>(), ["check.json", "check.md"]);
    // What is written is what `run` and `compare` read.
    let replay = Command::new(cargo_bin!("evenkeel"))
        .args(["compare", "a3/first-is-even-first.yaml", "a3/first-is-even-robin.yaml", "--runs", "1", "--no-png"])
        .current_dir(root.path())
        .output()
        .unwrap();
    assert!(replay.status.success(), "{replay:?}");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(root.path().join(name), text).unwrap();
    write("claim.yaml", &TWO.replace("claim: max_over_mean", "claim: max_ovr_mean"));
    write("key.yaml", &TWO.replace("says: pick", "say: pick"));
    write("two.yaml", TWO);
    for (args, says, status) in [
        (&["claim.yaml"][..], "claim.yaml:10:12", 2),
        (&["key.yaml"], "key.yaml:13:5", 2),
        (&["no-such.yaml"], "there is no file `no-such.yaml`; shipped properties: folklore", 2),
        (&["folklor"], "did you mean `folklore`?", 2),
        (&["two.yaml", "--only", "evn"], "did you mean `even`?", 2),
        (&["two.yaml", "two.yaml"], "two of the properties are called `even`", 2),
        (&["two.yaml", "--cases", "0"], "0 is not in 1..", 2),
        (&[], "required", 2),
    ] {
        let output = check(root.path(), args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(says), "{args:?}: {said}");
        assert_eq!(output.status.code(), Some(status), "{args:?}: {said}");
        assert!(!root.path().join("outputs").exists(), "{args:?}");
    }
}
