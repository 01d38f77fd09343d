//! Folders of results: nothing of others is lost in them, and no two processes mix theirs.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::PROPERTIES;
use crate::desk::{Desk, SMALL};

/// Takes far longer than any test waits.
const LONG: &str = "name: long\nduration: 720h\nwindow: 1h\nservers: [{ name: s, replicas: 3 }]\n\
                    clients: [{ name: c, load: { open: { rate: 2000 } } }]\n";

/// All that write a result, quickly.
const COMMANDS: [&[&str]; 7] = [
    &["run", "small.yaml", "--no-png"],
    &["compare", "small.yaml", "--runs", "2", "--no-png"],
    &["sweep", "small.yaml", "--vary", "seed=1,2", "--runs", "1", "--no-png"],
    &["plan", "small.yaml", "--slo", "error_ratio <= 1%", "--pods", "1..2", "--max-runs", "40", "--no-png"],
    &["check", "two.yaml", "--only", "calls", "--cases", "2"],
    &["calibrate", "small.yaml", "--from", "seen.csv"],
    &["fit", "50/50", "--connections", "4", "--runs", "1", "--no-png"],
];
/// 300 calls of two pods in 5 s.
pub const SEEN: &str = "metric,pod,le,time,value
response_latency_ms_bucket,a,1,0,0\nresponse_latency_ms_bucket,a,1,5,100
response_latency_ms_bucket,a,2,0,0\nresponse_latency_ms_bucket,a,2,5,180
response_latency_ms_bucket,a,+Inf,0,0\nresponse_latency_ms_bucket,a,+Inf,5,200
response_latency_ms_sum,a,,0,0\nresponse_latency_ms_sum,a,,5,250
response_latency_ms_bucket,b,+Inf,0,7\nresponse_latency_ms_bucket,b,+Inf,5,107
";

fn desk() -> Desk {
    let desk = Desk::new();
    fs::write(desk.path("two.yaml"), PROPERTIES).unwrap();
    fs::write(desk.path("seen.csv"), SEEN).unwrap();
    desk
}

/// Whatever the name: Terraform's plan.json, some table, a picture. The folder is as it was.
#[test]
fn folders_with_files_of_others_are_refused_by_each_command() {
    let desk = desk();
    desk.run(&["run", "small.yaml", "--no-png", "--out", "good"], 0);
    fs::create_dir(desk.path("theirs")).unwrap();
    let names = ["plan.json", "summary.json", "check.json", "sweep.json", "runs.csv", "latency.png", ".gitkeep"];
    for name in names {
        fs::write(desk.path("theirs").join(name), "theirs").unwrap();
        let plot: &[&str] = &["plot", "good"];
        for command in COMMANDS.iter().copied().chain([plot]) {
            let said = desk.run(&[command, &["--out", "theirs"]].concat(), 2).err;
            assert!(said.contains(&format!("theirs/{name}")) && said.contains("name a new"), "{command:?}: {said}");
        }
        let left: Vec<_> = fs::read_dir(desk.path("theirs")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, [name]);
        assert_eq!(fs::read(desk.path("theirs").join(name)).unwrap(), b"theirs");
        fs::remove_file(desk.path("theirs").join(name)).unwrap();
    }
}

/// The result of one command takes the place of another's; what was put beside it stays; what was changed in it is not overwritten.
#[test]
fn a_new_result_replaces_an_old_one_and_nothing_else() {
    let desk = desk();
    let names = || {
        let mut names: Vec<String> = fs::read_dir(desk.path("out"))
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "cells")
            .collect();
        names.sort();
        names
    };
    let mut seen = Vec::new();
    for command in COMMANDS {
        let args = [command, &["--out", "out"]].concat();
        let status = desk.command(&args).output().unwrap().status.code();
        assert!(matches!(status, Some(0 | 1)), "{args:?}: {status:?}");
        fs::write(desk.path("out/notes.txt"), "mine").unwrap();
        seen.push(names());
        assert!(names().contains(&".evenkeel".to_owned()) && names().contains(&format!("{}.json", last(command))));
    }
    let of = |name: &str| seen.iter().filter(|names| names.contains(&name.to_owned())).count();
    assert_eq!([of("summary.json"), of("sweep.csv"), of("fit.md"), of("check.json")], [1; 4], "{seen:?}");
    fs::write(desk.path("out/fit.md"), "mine, too").unwrap();
    for command in COMMANDS {
        let said = desk.run(&[command, &["--out", "out"]].concat(), 2).err;
        assert!(said.contains("out/fit.md was changed since evenkeel wrote it"), "{said}");
    }
    assert_eq!(fs::read(desk.path("out/fit.md")).unwrap(), b"mine, too");
    // In a folder of ours a new name can be in the way.
    fs::remove_file(desk.path("out/fit.md")).unwrap();
    fs::write(desk.path("out/runs.csv"), "mine").unwrap();
    let before = names();
    let said = desk.run(&["run", "small.yaml", "--runs", "2", "--out", "out"], 2).err;
    assert!(said.contains("out/runs.csv is in the way"), "{said}");
    assert_eq!(names(), before);
}

/// The file with the result of a command, without its ending.
fn last(command: &[&str]) -> &'static str {
    match command[0] {
        "run" => "summary",
        "compare" => "compare",
        "sweep" => "sweep",
        "plan" => "plan",
        "check" => "check",
        "calibrate" => "calibrate",
        _ => "fit",
    }
}

/// Ends with the test.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(desk: &Desk, args: &[&str]) -> Started {
    Started(desk.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

#[test]
fn a_folder_that_is_written_into_is_refused_at_once() {
    let desk = desk();
    fs::write(desk.path("long.yaml"), LONG).unwrap();
    let first = start(&desk, &["run", "long.yaml", "--out", "out"]);
    let begun = Instant::now();
    while !desk.path("out/.evenkeel-0/connections.csv").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    for command in COMMANDS.iter().filter(|command| command[0] != "sweep") {
        let said = desk.run(&[command, &["--out", "out"][..]].concat(), 2).err;
        assert!(said.contains("another evenkeel is writing into out"), "{command:?}: {said}");
    }
    drop(first);
    desk.run(&["run", "small.yaml", "--no-png", "--out", "out"], 0);
    assert!(!desk.path("out/.evenkeel-0").exists(), "what the killed process left is gone");
}

#[test]
fn plot_refuses_what_is_no_whole_run() {
    let desk = Desk::new();
    desk.run(&["run", "small.yaml", "--no-png", "--out", "out"], 0);
    assert!(desk.run(&["plot", "out"], 0).out.starts_with("out/traffic.svg\n"));
    let (summary, marker) = (desk.path("out/summary.json"), desk.path("out/.evenkeel"));
    let (whole, marked) = (fs::read(&summary).unwrap(), fs::read(&marker).unwrap());
    let refused = |says: &str| {
        let said = desk.run(&["plot", "out"], 2).err;
        assert!(said.contains(says), "{said}");
    };
    fs::write(&summary, String::from_utf8(whole.clone()).unwrap().replacen('1', "2", 1)).unwrap();
    refused("out/summary.json was changed");
    fs::remove_file(&summary).unwrap();
    refused("out/summary.json is missing");
    fs::write(&summary, &whole).unwrap();
    for damaged in [&marked[..marked.len() / 2], &b"{}"[..], &b""[..]] {
        fs::write(&marker, damaged).unwrap();
        refused("out/.evenkeel is not what evenkeel writes there");
    }
    fs::remove_file(&marker).unwrap();
    refused("out holds no result of evenkeel");
    fs::write(&marker, &marked).unwrap();
    desk.run(&["plot", "out"], 0);
}

/// The folders of a comparison's scenarios, too.
#[test]
fn a_comparison_is_refused_for_a_file_in_the_folder_of_a_scenario() {
    let desk = Desk::new();
    fs::write(desk.path("other.yaml"), SMALL.replace("name: small", "name: other")).unwrap();
    let compare = ["compare", "small.yaml", "other.yaml", "--runs", "2", "--no-png", "--out", "out"];
    fs::create_dir_all(desk.path("out/other")).unwrap();
    fs::write(desk.path("out/other/pods.csv"), "mine").unwrap();
    assert!(desk.run(&compare, 2).err.contains("out/other/pods.csv"));
    assert!(!desk.path("out/small").exists() && !desk.path("out/compare.json").exists());
    fs::remove_file(desk.path("out/other/pods.csv")).unwrap();
    desk.run(&compare, 0);
    desk.run(&["plot", "out/other"], 0);
    desk.run(&compare, 0);
    let status = Command::new("cp").args(["-r", "out", "copy"]).current_dir(desk.path("")).status().unwrap();
    assert!(status.success());
    desk.run(&[&compare[..compare.len() - 1], &["copy"]].concat(), 0);
}
