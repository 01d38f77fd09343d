//! The GitHub Action and the hook of pre-commit: their scripts run here, with a `gh` that writes down what it is told, and without a network.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

use crate::{desk, text};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(root(path)).unwrap()).unwrap()
}

/// A command with evenkeel, and with a `gh` that has this comment already.
fn command(desk: &TempDir, program: &Path, comment: &str) -> Command {
    let bin = desk.path().join(".bin");
    fs::create_dir_all(&bin).unwrap();
    let gh = bin.join("gh");
    let stub = format!(
        "#!/bin/sh\necho \"$@\" >> '{0}/gh.txt'\ncase \"$*\" in\n*paginate*) echo '{comment}' ;;\nesac\n\
         for word; do case \"$word\" in body=@*) cp \"${{word#body=@}}\" '{0}/body.md' ;; esac; done\n",
        bin.display()
    );
    fs::write(&gh, stub).unwrap();
    fs::set_permissions(&gh, fs::Permissions::from_mode(0o755)).unwrap();
    let evenkeel = cargo_bin!("evenkeel").parent().unwrap().display().to_string();
    let mut command = Command::new(program);
    let path = format!("{}:{evenkeel}:{}", bin.display(), std::env::var("PATH").unwrap());
    command.current_dir(desk.path()).env("PATH", path).env("GITHUB_OUTPUT", bin.join("output.txt"));
    command
}

fn told(desk: &TempDir, file: &str) -> String {
    fs::read_to_string(desk.path().join(".bin").join(file)).unwrap_or_default()
}

fn git(desk: &TempDir, args: &[&str]) -> String {
    let mut git = Command::new("git");
    git.current_dir(desk.path()).args(["-c", "user.name=a", "-c", "user.email=a@example.com"]).args(args);
    let done = git.output().unwrap();
    assert!(done.status.success(), "{args:?}: {done:?}");
    text(&done.stdout).trim().to_owned()
}

#[test]
fn the_action_lints_and_leaves_sarif() {
    let desk = desk();
    let run = |paths: &str, args: &str| -> Output {
        let mut command = command(&desk, &root(".ci/action/lint.sh"), "");
        command.env("EVENKEEL_PATHS", paths).env("EVENKEEL_ARGS", args).env("SARIF", "lint.sarif").output().unwrap()
    };
    let done = run("k8s blog/istio", "--no-evidence --strict");
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(text(&done.stdout).lines().all(|line| line.starts_with("::")), "{done:?}");
    assert_eq!(told(&desk, "output.txt"), "sarif=lint.sarif\n");
    let log: Value = serde_json::from_slice(&fs::read(desk.path().join("lint.sarif")).unwrap()).unwrap();
    assert!(!log["runs"][0]["results"].as_array().unwrap().is_empty());
    assert_eq!(run("blog/istio", "").status.code(), Some(0));
    fs::remove_file(desk.path().join("lint.sarif")).unwrap();
    fs::remove_file(desk.path().join(".bin/output.txt")).unwrap();
    assert_eq!((run("none.yaml", "").status.code(), told(&desk, "output.txt")), (Some(2), String::new()));
}

#[test]
fn the_action_comments_what_a_pull_request_changes() {
    let desk = desk();
    git(&desk, &["init", "--quiet", "--initial-branch=main"]);
    git(&desk, &["add", "k8s"]);
    git(&desk, &["commit", "--quiet", "--message=base"]);
    git(&desk, &["remote", "add", "origin", desk.path().to_str().unwrap()]);
    let base = git(&desk, &["rev-parse", "HEAD"]);
    let run = |comment: &str| {
        let mut command = command(&desk, &root(".ci/action/compare.sh"), comment);
        command.env("EVENKEEL_PATHS", "k8s none").env("EVENKEEL_RUNS", "2").env("BASE", &base);
        let done = command.env("PULL_REQUEST", "7").env("GITHUB_REPOSITORY", "us/shop").output().unwrap();
        assert!(done.status.success(), "{done:?}");
        text(&done.stdout)
    };
    assert_eq!(run(""), "nothing to compare: no path has changed that the base has\n");
    assert_eq!(told(&desk, "gh.txt"), "");

    let server = desk.path().join("k8s/server.yaml");
    let headless =
        fs::read_to_string(&server).unwrap().replace("  selector: { app", "  clusterIP: None\n  selector: { app");
    fs::write(&server, headless).unwrap();
    run("");
    let body = told(&desk, "body.md");
    assert!(body.starts_with("<!-- evenkeel compare -->\n\n## evenkeel: what changes in `k8s`\n"), "{body}");
    assert!(body.contains("base/k8s") && body.contains("head/k8s") && body.contains("| "), "{body}");
    assert!(told(&desk, "gh.txt").contains("--method POST repos/us/shop/issues/7/comments --field"));
    // A later push changes the comment.
    run("42");
    assert!(told(&desk, "gh.txt").contains("--method PATCH repos/us/shop/issues/comments/42 --field"));
    // Nothing of the work is left.
    assert_eq!(git(&desk, &["worktree", "list"]).lines().count(), 1);
    assert!(!desk.path().join("outputs").exists());
}

/// Inputs, outputs and files that action.yml speaks of exist, and the scripts get all that they need.
#[test]
fn the_action_is_whole() {
    let source = fs::read_to_string(root("action.yml")).unwrap();
    let action = yaml("action.yml");
    let inputs = action["inputs"].as_object().unwrap();
    for name in source.split("inputs.").skip(1) {
        let name: String = name.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
        assert!(inputs.contains_key(&name), "there is no input {name}");
    }
    let steps = action["runs"]["steps"].as_array().unwrap();
    let ids: Vec<&str> = steps.iter().filter_map(|step| step["id"].as_str()).collect();
    for id in source.split("steps.").skip(1).map(|rest| rest.split('.').next().unwrap()) {
        assert!(ids.contains(&id), "there is no step {id}");
    }
    let mut scripts = 0;
    for step in steps {
        let run = step["run"].as_str().unwrap_or_default();
        assert_eq!(step["shell"].is_string(), !run.is_empty(), "{step}");
        let Some(script) = run.strip_prefix("\"$ACTION/").and_then(|run| run.strip_suffix('"')) else { continue };
        let script = fs::read_to_string(root(script)).unwrap();
        for name in ["EVENKEEL_PATHS", "EVENKEEL_ARGS", "EVENKEEL_RUNS", "SARIF", "BASE", "PULL_REQUEST"] {
            assert_eq!(script.contains(&format!("${name}")), step["env"][name].is_string(), "{name}: {step}");
        }
        scripts += 1;
    }
    assert_eq!(scripts, 2);
}

#[test]
fn the_hook_of_pre_commit_lints() {
    let desk = desk();
    let hooks = yaml(".pre-commit-hooks.yaml");
    let hook = &hooks[0];
    assert_eq!(
        (&hook["id"], &hook["language"], &hook["pass_filenames"]),
        (&"evenkeel-lint".into(), &"rust".into(), &false.into())
    );
    // As pre-commit runs it: the words of `entry`, and those of the user's `args`.
    let run = |args: &[&str]| {
        let words: Vec<&str> = hook["entry"].as_str().unwrap().split(' ').collect();
        command(&desk, Path::new(words[0]), "").args(&words[1..]).args(args).output().unwrap().status.code()
    };
    assert_eq!((run(&["blog/istio"]), run(&["k8s", "--strict"]), run(&["none.yaml"])), (Some(0), Some(1), Some(2)));
    let files = hook["files"].as_str().unwrap();
    assert_eq!(files, r"\.(ya?ml|json|sh)$", "the files that a folder is read for (`in_folder` in src/cli/sources.rs)");
}
