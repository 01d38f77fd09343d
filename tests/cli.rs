//! The command line as its users meet it: exit status, what is printed where, and what is on the disk afterwards.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

const SMALL: &str = "name: small\nduration: 5s\nservers: [{ name: s, replicas: 3 }]\n\
                     clients: [{ name: c, load: { open: { rate: 100 } } }]\n";

/// Takes far longer than any test waits.
const LONG: &str = "name: long\nduration: 720h\nwindow: 1h\nservers: [{ name: s, replicas: 3 }]\n\
                    clients: [{ name: c, load: { open: { rate: 2000 } } }]\n";

struct Desk(TempDir);

impl Desk {
    fn new() -> Desk {
        let desk = Desk(TempDir::new().unwrap());
        desk.put("small.yaml", SMALL);
        desk
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(cargo_bin!("evenkeel"));
        command.current_dir(self.0.path()).env_remove("NO_COLOR").stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        check(self.command().args(args).output().unwrap())
    }

    /// A line of shell, in which `$E` is evenkeel.
    fn shell(&self, line: &str) -> Output {
        let mut command = Command::new("bash");
        command.args(["-c", line]).current_dir(self.0.path()).env("E", cargo_bin!("evenkeel")).stdin(Stdio::null());
        check(command.output().unwrap())
    }

    /// Everything in the folder, hidden things included.
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        list(self.0.path(), "", &mut names);
        names.sort();
        names
    }
}

fn list(folder: &Path, prefix: &str, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            list(&entry.path(), &format!("{name}/"), names);
        }
        names.push(name);
    }
}

#[track_caller]
fn check(output: Output) -> Output {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked") && !stderr.contains("RUST_BACKTRACE"), "{stderr}");
    output
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Fails with this status, says this on standard error, prints nothing, and leaves only what was there.
#[track_caller]
fn refuses(desk: &Desk, args: &[&str], status: i32, says: &str) {
    let before = desk.names();
    let output = desk.run(args);
    let said = err(&output);
    assert_eq!(output.status.code(), Some(status), "{args:?}: {said}");
    assert!(said.contains(says), "{args:?} should say {says:?}: {said}");
    assert!(output.stdout.is_empty(), "{args:?} prints {}", out(&output));
    assert_eq!(desk.names(), before, "{args:?} leaves something behind");
}

#[test]
fn wrong_usage_ends_with_status_2() {
    let desk = Desk::new();
    let cases: &[(&[&str], &str)] = &[
        (&["run"], "required"),
        (&["frobnicate"], "unrecognized subcommand"),
        (&["run", "small.yaml", "--bogus"], "unexpected argument"),
        (&["run", "small.yaml", "--seed", "x"], "invalid value"),
        (&["run", "small.yaml", "--seed", "-1"], "unexpected argument"),
        (&["run", "small.yaml", "--seed", "18446744073709551616"], "invalid value"),
        (&["run", "small.yaml", "--runs", "0"], "invalid value"),
        (&["run", "small.yaml", "--runs", "1e9"], "invalid value"),
        (&["run", "small.yaml", "--threads", "0"], "invalid value"),
        (&["run", "small.yaml", "--threads", "100000"], "invalid value"),
        (&["run", "small.yaml", "--format", "xml"], "possible values"),
        (&["run", "small.yaml", "small.yaml"], "two of the scenarios are called `small`"),
        (&["compare"], "required"),
        (&["completions", "tcsh"], "possible values"),
        (&["schema", "everything"], "possible values"),
        (&["explain", "no-such-thing"], "no-such-thing"),
        (&["plot"], "required"),
    ];
    for (args, says) in cases {
        refuses(&desk, args, 2, says);
    }
}

#[test]
fn overrides_that_cannot_be_applied_end_with_status_2() {
    let desk = Desk::new();
    for (set, says) in [
        ("replicas", "E028"),
        ("=5", "E028"),
        ("servers.grpc-server.replicas=", "E028"),
        ("servers.grpc-server.replicas= ", "E028"),
        ("servers.0.replicas=many", "E010"),
        ("servers.0.replica=5", "replicas"),
        ("servers.9.replicas=5", "E028"),
        ("servers.nobody.replicas=5", "E028"),
        ("servers.0.replicas=[", "E001"),
        ("duration=-5s", "E010"),
        ("servers.0.concurrency=0", "E013"),
        ("servers.0.replicas=99999999999999999999", "E01"),
        ("clients.c.load.open.rate=.nan", "E01"),
        ("clients.c.load.open.rate=-5", "E01"),
        ("clients.c.load.open.rate=.inf", "E01"),
    ] {
        refuses(&desk, &["run", "small.yaml", "--set", set], 2, says);
    }
}

#[test]
fn scenarios_that_cannot_be_read_are_refused() {
    let desk = Desk::new();
    fs::create_dir(desk.path("empty")).unwrap();
    desk.put("blank.yaml", "# nothing\n");
    fs::write(desk.path("binary.yaml"), [0xff, 0xfe, 0, 1, 2]).unwrap();
    desk.put("tabs.yaml", "name: a\nservers:\n\t- name: s\n");
    desk.put("huge.yaml", &"# filler\n".repeat(1_200_000));
    desk.put("deep.yaml", &format!("name: {}", "[".repeat(10_000)));
    desk.put("bomb.yaml", &bomb());
    desk.put("trace.yaml", &SMALL.replace("rate: 100", "trace: none.csv"));
    desk.put("words.csv", "time_s,rate\n0,many\n");
    desk.put("words.yaml", &SMALL.replace("rate: 100", "trace: words.csv"));
    for (name, says) in [
        ("blank.yaml", "E004"),
        ("binary.yaml", "E003"),
        ("tabs.yaml", "tabs.yaml:3"),
        ("huge.yaml", "E002"),
        ("deep.yaml", "E002"),
        ("bomb.yaml", "E002"),
        ("trace.yaml", "none.csv"),
        ("words.yaml", "E025"),
    ] {
        refuses(&desk, &["run", name], 2, says);
        refuses(&desk, &["validate", name], 2, says);
    }
    for name in ["missing.yaml", "no/such/file.yaml", "empty", "blog/nothing"] {
        let output = desk.run(&["run", name]);
        assert!(matches!(output.status.code(), Some(2 | 3)) && err(&output).contains(name), "{name}: {}", err(&output));
    }
    refuses(&desk, &["plot", "empty"], 2, "empty holds no result");
    desk.put("empty/summary.json", "{ \"evenkeel\": 1 }");
    refuses(&desk, &["plot", "empty"], 2, "empty holds no result");
}

fn bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let uses = vec![format!("*a{}", i - 1); 10].join(", ");
        text += &format!("a{i}: &a{i} [{uses}]\n");
    }
    text
}

#[test]
fn all_errors_are_reported_at_once() {
    let desk = Desk::new();
    desk.put("bad.yaml", &SMALL.replace("5s", "5").replace("replicas: 3", "replica: 3"));
    let said = err(&desk.run(&["validate", "bad.yaml", "small.yaml"]));
    assert!(said.contains("bad.yaml:2:11") && said.contains("bad.yaml:3:22") && said.contains("`replicas`"), "{said}");
}

#[test]
fn what_cannot_be_written_ends_with_status_3() {
    let desk = Desk::new();
    // Below a file nobody can make a folder, whatever their rights are.
    refuses(&desk, &["compare", "small.yaml", "--out", "small.yaml/out"], 3, "small.yaml/out");
    refuses(&desk, &["sweep", "small.yaml", "--vary", "seed=1,2", "-o", "/dev/null"], 3, "/dev/null");
    refuses(&desk, &["init", "small.yaml/new.yaml"], 3, "small.yaml/new.yaml");
    refuses(&desk, &["init", "no/such/folder.yaml"], 3, "no/such/folder.yaml");
}

/// What was simulated is worth seeing.
#[test]
fn a_folder_that_cannot_be_written_still_gets_a_table() {
    let desk = Desk::new();
    for folder in ["small.yaml/out", "/dev/null"] {
        let output = desk.run(&["run", "small.yaml", "--out", folder]);
        assert_eq!(output.status.code(), Some(3), "{}", err(&output));
        assert!(out(&output).contains("max_over_mean") && !out(&output).contains("files in"), "{}", out(&output));
        assert!(err(&output).contains(folder), "{}", err(&output));
        assert_eq!(desk.names(), ["small.yaml"]);
    }
    // Both are said, and that of the machine decides.
    desk.put("unmet.yaml", &(SMALL.to_owned() + "expect: [idle_pods == 3]\n"));
    let output = desk.run(&["run", "unmet.yaml", "--out", "/dev/null"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("expected idle_pods == 3") && err(&output).contains("/dev/null"), "{}", err(&output));
}

#[test]
fn no_files_writes_nothing_and_prints_the_same() {
    let desk = Desk::new();
    let printed = out(&desk.run(&["run", "small.yaml", "--no-files"]));
    assert_eq!(desk.names(), ["small.yaml"]);
    let with_files = out(&desk.run(&["run", "small.yaml", "-o", "x"]));
    assert_eq!(printed.trim_end(), with_files.replace("files in x", "").trim_end());
    refuses(&desk, &["run", "small.yaml", "--no-files", "-o", "x/y"], 2, "cannot be used with");
}

#[test]
fn a_dash_is_standard_input() {
    let desk = Desk::new();
    let usual = out(&desk.run(&["run", "small.yaml", "--no-files"]));
    assert_eq!(out(&desk.shell("cat small.yaml | \"$E\" run - --no-files")), usual);
    for command in [
        "validate -",
        "lint - --no-evidence",
        "explain -",
        "compare - small.yaml --set name=b --runs 2 --quiet -o c",
        "sweep - --vary servers.s.replicas=1,2 --runs 1 --quiet -o s",
    ] {
        let output = desk.shell(&format!("cat small.yaml | \"$E\" {command}"));
        // Two scenarios of one name may be refused, but not as something that cannot be read.
        let ok = matches!(output.status.code(), Some(0 | 1)) || err(&output).contains("are called `b`");
        assert!(ok, "{command}: {}", err(&output));
    }
    let output = desk.shell("echo 'name: [' | \"$E\" validate -");
    assert!(err(&output).contains("stdin:"), "{}", err(&output));
    refuses(&desk, &["run", "-", "-"], 2, "standard input can be read only once");
}

#[test]
fn a_star_sets_a_key_of_all_items() {
    let desk = Desk::new();
    desk.put(
        "two.yaml",
        "name: two\nduration: 5s\nservers: [{ name: s, replicas: 3 }]\n\
        clients:\n- { name: a, load: { open: { rate: 100 } } }\n- { name: b, load: { open: { rate: 100 } } }\n",
    );
    let policies = |set: &str| {
        let text = out(&desk.run(&["explain", "two.yaml", "--set", set]));
        text.lines().filter(|l| l.contains(".discovery ") && l.contains("watch")).count()
    };
    assert_eq!(policies("clients.*.discovery=watch"), 2);
    assert_eq!(policies("clients.a.discovery=watch"), 1);
    let output =
        desk.run(&["sweep", "two.yaml", "--vary", "clients.*.channels=1,2", "--runs", "1", "--quiet", "-o", "s"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    refuses(&desk, &["run", "two.yaml", "--set", "servers.s.*=1"], 2, "`*` stands for all items of a list");
    refuses(&desk, &["run", "two.yaml", "--set", "timeline.*.at=1s"], 2, "`*` stands for all items of a list");
    refuses(&desk, &["run", "two.yaml", "--set", "clients.*.channel=1"], 2, "channels");
}

#[test]
fn fit_keeps_names_and_takes_a_scenario() {
    let desk = Desk::new();
    desk.put("seen.csv", "pod,calls,connections\nweb-a,900,18\nweb-b,50,1\nweb-c,50,1\n");
    let args = ["fit", "seen.csv", "--runs", "5", "--base", "small.yaml", "--set", "servers.s.replicas=3", "-o", "x"];
    let output = desk.run(&args);
    let printed = out(&output);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(printed.starts_with("seen on 3 pods: web-a 90 % / web-b 5 % / web-c 5 %"), "{printed}");
    assert!(printed.contains("equal connections") && printed.contains("20 of them"), "{printed}");
    assert!(printed.contains("\nyour scenario "), "{printed}");
    assert!(printed.lines().any(|l| l.starts_with("as it is ") && l.ends_with(" 0 of 5")), "{printed}");
    let scenario = fs::read_to_string(desk.path("x/connections-1.yaml")).unwrap();
    assert!(scenario.contains("Seen: web-a 90 %"), "{scenario}");
    let found: serde_json::Value = serde_json::from_str(&fs::read_to_string(desk.path("x/fit.json")).unwrap()).unwrap();
    assert_eq!((&found["pods"][1], &found["base"][0]["runs"]), (&"web-b".into(), &5.into()));
    refuses(&desk, &["fit", "a=1/2"], 2, "names only some pods");
    refuses(&desk, &["fit", "1/2", "--set", "seed=1"], 2, "--base");
}

/// `script` has a terminal of its own; where there is none, nothing is shown.
#[test]
fn the_width_is_that_of_the_terminal() {
    let desk = Desk::new();
    let width = |columns: u32| {
        let run = "\\$E run small.yaml --no-files --no-cures 2> /dev/null";
        let line = format!(
            "export NO_COLOR=1 COLUMNS=75 LANG=C.UTF-8; script -qec \"stty cols {columns} rows 30; {run}\" /dev/null"
        );
        let text = String::from_utf8_lossy(&desk.shell(&line).stdout).into_owned();
        text.contains("max_over_mean")
            .then(|| text.lines().map(|line| line.trim_end().chars().count()).max().unwrap_or(0))
    };
    let (Some(narrow), Some(wide)) = (width(65), width(95)) else { return };
    assert!(narrow <= 65 && (76..=95).contains(&wide), "{narrow}, {wide}");
}

/// A file may have 4 blocks. `ulimit -f` sends SIGXFSZ, which ends a process; ignored, writing fails as on a full disk.
#[test]
fn a_full_disk_ends_with_status_3_and_leaves_nothing() {
    let desk = Desk::new();
    for line in [
        "trap '' XFSZ; ulimit -f 4; \"$E\" run small.yaml",
        "trap '' XFSZ; ulimit -f 4; \"$E\" compare small.yaml --runs 2",
        "trap '' XFSZ; ulimit -f 1; \"$E\" init",
    ] {
        let output = desk.shell(line);
        assert_eq!(output.status.code(), Some(3), "{line}: {}", err(&output));
        assert!(err(&output).contains("cannot write"), "{line}: {}", err(&output));
        assert_eq!(desk.names(), ["small.yaml"], "{line}");
    }
}

/// With the signal in force the process dies at once; a whole file or none is there all the same.
#[test]
fn a_full_disk_with_its_signal_leaves_no_partial_file() {
    let desk = Desk::new();
    let output = desk.shell("ulimit -c 0 -f 4; \"$E\" run small.yaml");
    assert_ne!(output.status.code(), Some(0));
    let whole = |name: &&String| name.ends_with(".svg") || name.ends_with(".json") || name.ends_with(".csv");
    let left: Vec<_> = desk.names().into_iter().filter(|n| whole(&n) && !n.contains("/.evenkeel-")).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_writer_that_fails_ends_with_status_3() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let desk = Desk::new();
    for command in ["schema", "man", "completions bash", "scenarios", "run small.yaml", "explain small.yaml"] {
        let output = desk.shell(&format!("\"$E\" {command} > /dev/full"));
        assert_eq!(output.status.code(), Some(3), "{command}: {}", err(&output));
        assert!(err(&output).contains("standard output"), "{command}: {}", err(&output));
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    let desk = Desk::new();
    for command in ["schema", "man", "completions zsh", "run small.yaml --format json", "explain small.yaml", "--help"]
    {
        // `true` reads nothing: the pipe may be closed before the first byte.
        for reader in ["head -1", "true"] {
            let output = desk.shell(&format!("set -o pipefail; \"$E\" {command} | {reader}"));
            assert_eq!(output.status.code(), Some(0), "{command} | {reader}: {}", err(&output));
            assert_eq!(err(&output), "", "{command} | {reader}");
        }
    }
}

#[test]
fn ctrl_c_in_the_middle_leaves_nothing() {
    for args in
        [&["run", "long.yaml"][..], &["run", "long.yaml", "--runs", "3"], &["compare", "long.yaml", "small.yaml"]]
    {
        let desk = Desk::new();
        desk.put("long.yaml", LONG);
        let mut child = desk.command().args(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // It has begun once its folder is there: that is made after Ctrl-C is listened for.
        while !desk.path("outputs").exists() {
            assert!(child.try_wait().unwrap().is_none(), "it has ended already");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let said: Vec<String> = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap).collect();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{args:?}: {said:?}");
        assert!(said.iter().any(|l| l.contains("interrupted")), "{said:?}");
        assert_eq!(desk.names(), ["long.yaml", "small.yaml"], "{args:?}");
    }
}

#[test]
fn quiet_prints_nothing_and_writes_the_files() {
    let desk = Desk::new();
    for args in [&["run", "small.yaml", "--quiet"][..], &["compare", "small.yaml", "--runs", "2", "-q"]] {
        let output = desk.run(args);
        assert_eq!((output.status.code(), out(&output), err(&output)), (Some(0), String::new(), String::new()));
    }
    assert!(desk.path("outputs/small/summary.json").exists() && desk.path("outputs/compare/compare.json").exists());
    assert!(!desk.names().iter().any(|name| name.contains(".evenkeel-")), "{:?}", desk.names());
}

#[test]
fn json_is_json_and_markdown_has_its_table() {
    let desk = Desk::new();
    desk.put("other.yaml", &SMALL.replace("name: small", "name: other"));
    let json = |args: &[&str]| -> serde_json::Value {
        let output = desk.run(args);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let summary = json(&["run", "small.yaml", "--format", "json"]);
    assert_eq!(summary["scenario"], "small");
    let file: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(desk.path("outputs/small/summary.json")).unwrap()).unwrap();
    assert_eq!(file, summary);
    assert_eq!(json(&["run", "small.yaml", "other.yaml", "--format", "json"]).as_array().unwrap().len(), 2);
    assert!(json(&["compare", "small.yaml", "other.yaml", "--runs", "2", "--format", "json"]).is_object());
    assert!(json(&["schema"])["properties"]["servers"].is_object());
    assert!(json(&["schema", "summary"])["properties"]["digest"].is_object());
    for args in [
        &["run", "small.yaml", "--format", "markdown"][..],
        &["compare", "small.yaml", "--runs", "2", "--format", "markdown"],
    ] {
        let text = out(&desk.run(args));
        assert!(text.lines().any(|l| l.starts_with('|') && l.contains("---")), "{text}");
    }
}

#[test]
fn any_scenario_can_be_the_baseline() {
    let desk = Desk::new();
    for name in ["b", "c"] {
        desk.put(&format!("{name}.yaml"), &SMALL.replace("name: small", &format!("name: {name}")));
    }
    let compare = ["compare", "small.yaml", "b.yaml", "c.yaml", "--runs", "2"];
    let text = out(&desk.run(&compare));
    assert!(text.starts_with("3 scenarios, 2 runs each; baseline: small\n"), "{text}");
    let text = out(&desk.run(&[&compare[..], &["--baseline", "c"]].concat()));
    assert!(text.starts_with("3 scenarios, 2 runs each; baseline: c\n"), "{text}");
    assert!(text.contains("\ndifference to c\n"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(desk.path("outputs/compare/compare.json")).unwrap()).unwrap();
    let names: Vec<_> = json["scenarios"].as_array().unwrap().iter().map(|s| s["scenario"].clone()).collect();
    assert_eq!(names, ["c", "small", "b"]);
    refuses(&desk, &[&compare[..], &["--baseline", "smal"]].concat(), 2, "did you mean `small`?");
    refuses(&desk, &[&compare[..], &["--baseline", "nobody"]].concat(), 2, "there are: small, b, c");
}

#[test]
fn pipes_get_no_colours() {
    let desk = Desk::new();
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb"), ("TERM", "xterm-256color")] {
        let output = desk.command().args(["run", "small.yaml"]).env(name, value).output().unwrap();
        assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b));
        let output = desk.command().args(["run", "small.yaml", "--set", "seed=x"]).env(name, value).output().unwrap();
        assert!(!output.stderr.contains(&0x1b), "{}", err(&output));
    }
}

#[test]
fn unmet_expectations_end_with_status_1_and_write_the_files() {
    let desk = Desk::new();
    desk.put("unmet.yaml", &format!("{SMALL}expect: [idle_pods == 0, max_over_mean <= 0.5]\n"));
    for runs in ["1", "3"] {
        let output = desk.run(&["run", "unmet.yaml", "--runs", runs]);
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).contains("max_over_mean <= 0.5, got "), "{}", err(&output));
        assert!(out(&output).contains("small"));
    }
    assert!(desk.path("outputs/small/summary.json").exists());
    let output = desk.run(&["run", "small.yaml", "--set", "expect=[requests.ok > 0]"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
}

#[test]
fn explain_knows_figures_rules_and_scenarios() {
    let desk = Desk::new();
    for (what, says) in [("max_over_mean", "mean"), ("E012", "must be given"), ("e018", "no")] {
        let output = desk.run(&["explain", what]);
        assert_eq!(output.status.code(), Some(0), "{what}: {}", err(&output));
        assert!(out(&output).to_lowercase().contains(says), "{what}: {}", out(&output));
    }
    let values = out(&desk.run(&["explain", "small.yaml"]));
    for word in ["yours", "default", "assumption", "replicas"] {
        assert!(values.contains(word), "{word} is not in {values}");
    }
}

#[test]
fn completions_and_the_manual_page_are_there() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = desk.run(&["completions", shell]);
        assert!(output.status.success() && out(&output).contains("compare"), "{shell}");
    }
    assert!(out(&desk.run(&["man"])).starts_with(".ie"));
    assert!(out(&desk.run(&["scenarios"])).contains("blog/rolling-restart"));
    assert_eq!(desk.run(&["--version"]).status.code(), Some(0));
    assert_eq!(desk.run(&["--help"]).status.code(), Some(0));
}

#[test]
fn the_starter_is_written_once_and_runs() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["init", "mine.yaml"]).status.code(), Some(0));
    let text = fs::read_to_string(desk.path("mine.yaml")).unwrap();
    assert_eq!(out(&desk.run(&["init", "-"])), text);
    refuses(&desk, &["init", "mine.yaml"], 2, "exists already");
    assert_eq!(desk.run(&["validate", "mine.yaml"]).status.code(), Some(0));
    let output = desk.run(&["run", "mine.yaml", "--no-png"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
}

#[test]
fn plot_draws_the_same_bytes_again() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["run", "small.yaml", "--out", "o"]).status.code(), Some(0));
    assert_eq!(desk.run(&["plot", "o", "--out", "again"]).status.code(), Some(0));
    let pictures: Vec<String> =
        desk.names().into_iter().filter(|n| n.starts_with("again/") && !n.contains("/.")).collect();
    assert!(pictures.iter().any(|n| n.ends_with("skew.svg")) && pictures.iter().any(|n| n.ends_with(".png")));
    for picture in pictures {
        let first = desk.path(&picture.replace("again/", "o/"));
        assert_eq!(fs::read(desk.path(&picture)).unwrap(), fs::read(first).unwrap(), "{picture}");
    }
}

#[test]
fn shipped_scenarios_run_from_an_empty_folder() {
    let desk = Desk::new();
    fs::remove_file(desk.path("small.yaml")).unwrap();
    let output = desk.run(&["run", "blog/grpc-clusterip", "--no-png"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(desk.path("outputs/grpc-clusterip/summary.json").exists());
}

/// Nobody serves, and the clients go on calling: legal, as in Kubernetes, and it ends.
#[test]
fn no_replicas_are_legal() {
    let desk = Desk::new();
    for (protocol, load) in [
        ("grpc", "open: { rate: 100 }"),
        ("http1", "open: { rate: 100 }"),
        ("http1", "closed: { concurrency: 2, requests: 50 }"),
    ] {
        let text = format!(
            "name: none\nduration: 5s\nservers: [{{ name: s, replicas: 0 }}]\n\
             clients: [{{ name: c, protocol: {protocol}, load: {{ {load} }} }}]\n"
        );
        desk.put("none.yaml", &text);
        let output = desk.run(&["run", "none.yaml", "--no-png"]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    }
}

/// All of it is said before a scenario is run.
#[test]
fn alerts_say_what_is_wrong_with_rules_and_what_is_missing() {
    let desk = Desk::new();
    desk.put("rules.yaml", "groups:\n- name: g\n  rules: [{ alert: Uneven, expr: up == 0, for: 5m }]\n");
    desk.put("circle.yaml", "groups: [{ name: g, rules: [{ record: a, expr: sum(a) }, { alert: A, expr: a > 1 }] }]\n");
    desk.put("wrong.yaml", "groups:\n- name: g\n  rules: [{ alert: Uneven, expr: up, for: soon }]\n");
    fs::create_dir(desk.path("empty")).unwrap();
    for (args, says) in [
        (&["wrong.yaml", "small.yaml"][..], "wrong.yaml:3:43"),
        (&["wrong.yaml", "small.yaml"], "expected a duration of Prometheus, such as `5m` or `1h30m`, found `soon`"),
        (&["small.yaml", "small.yaml"], "unknown key"),
        (&["none.yaml", "small.yaml"], "cannot read `none.yaml`"),
        (&["circle.yaml", "small.yaml"], "circle.yaml:1:39: a: it uses, perhaps through other rules, what it records"),
        (&["rules.yaml"], "required"),
        (&["rules.yaml", "none.yaml"], "cannot read `none.yaml`"),
        (&["rules.yaml", "small.yaml", "small.yaml"], "two of the scenarios are called `small`"),
        (&["rules.yaml", "small.yaml", "--skew", "1"], "expected a number above 1"),
        (&["rules.yaml", "small.yaml", "--evaluation-interval", "0"], "the shortest interval is `1ms`"),
        (&["rules.yaml", "small.yaml", "--prometheus-dir", "empty"], "there is no program `prometheus` in `empty`"),
    ] {
        refuses(&desk, &[&["alerts"], args].concat(), 2, says);
    }
    let mut command = desk.command();
    let output =
        check(command.env("PATH", desk.path("empty")).args(["alerts", "rules.yaml", "small.yaml"]).output().unwrap());
    let said = err(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.starts_with("error: there is no program `prometheus` in the folders of PATH"), "{said}");
    assert!(said.contains("prometheus.io/download") && said.contains("--prometheus-dir"), "{said}");
}
