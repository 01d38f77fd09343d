//! Text from outside reaches terminals and files as text only; what is printed depends on no environment, and is not lost silently.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use evenkeel::printable::is_shown;

use super::desk::{Desk, SMALL};

/// An escape sequence, its 8-bit form, a change of direction, separators, and line breaks where only one line is expected.
const HOSTILE: &str = "x\u{1b}[2J\u{9b}31m\u{202e}y\u{2066}\u{200f}\u{2028}\u{85}\rz\u{7}";

#[track_caller]
fn assert_harmless(what: &str, text: &str) {
    let bad: Vec<char> = text.chars().filter(|c| *c != '\n' && !is_shown(*c)).collect();
    assert!(bad.is_empty(), "{what}: {bad:?} in {text:?}");
}

/// Runs the command, whatever its end, and returns what it said.
#[track_caller]
fn say(desk: &Desk, args: &[&str]) -> (String, String) {
    let output = desk.command(args).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_harmless(&format!("{args:?}"), &out);
    assert_harmless(&format!("{args:?}"), &err);
    assert!(!err.contains("panicked") && matches!(output.status.code(), Some(0..=3)), "{args:?}: {err}");
    (out, err)
}

/// As a double-quoted text of YAML or JSON, in which YAML takes every character.
fn quoted(text: &str) -> String {
    evenkeel::printable::json(&serde_json::Value::from(text).to_string()).into_owned()
}

/// Messages about what is wrong with arguments, names of files, and what stands in files.
#[test]
fn messages_show_what_is_hostile_without_obeying_it() {
    let desk = Desk::new();
    let name = format!("{HOSTILE}\n.yaml");
    fs::write(desk.path(&name), format!("{SMALL}seed: {}\n", quoted(HOSTILE))).unwrap();
    for command in ["run", "compare", "validate", "lint", "explain", "check", "plot", "merge"] {
        let (_, err) = say(&desk, &[command, &name]);
        let (_, missing) = say(&desk, &[command, &format!("no{name}")]);
        assert!(err.contains("\\u{1b}") && missing.contains("\\u{1b}"), "{command}: {err}{missing}");
        // A line break in a name must not look like another message.
        assert!(!err.contains("\n.yaml") && !missing.contains("\n.yaml"), "{command}: {err}{missing}");
    }
    let bad = format!("a.{HOSTILE}=1,2");
    let hostile = HOSTILE.to_owned() + "\n";
    for args in [
        &["sweep", "small.yaml", "--vary", &bad][..],
        &["compare", "small.yaml", "--vary", &bad],
        &["compare", "small.yaml", "--until", &hostile],
        &["compare", "small.yaml", "--baseline", &hostile],
        &["compare", "small.yaml", "--fail-on", &hostile],
        &["compare", "small.yaml", "--size", &bad],
        &["plan", "small.yaml", "--slo", &hostile],
        &["plan", "small.yaml", "--slo", "cv < 9", "--server", &hostile],
        &["plan", "small.yaml", "--knob", &bad, "--through", "rollout"],
        &["plan", "small.yaml", "--share", &hostile],
        &["run", "small.yaml", "--set", &bad],
        &["run", "small.yaml", "--threads", &hostile],
        &["sweep", "small.yaml", "--vary", "servers.0.replicas=1,2", "--shard", &hostile],
        &["check", "folklore", "--only", &hostile],
        &["fit", &hostile],
        &["alerts", &hostile, "small.yaml"],
        &["alerts", &hostile, "small.yaml", "--prometheus-dir", &hostile],
        &["fit", "1/2", "--within", &hostile],
        &["explain", &hostile],
        &[&hostile],
        &["run", &format!("--{hostile}")],
        &["init", &format!("no/such/{hostile}")],
    ] {
        let (out, err) = say(&desk, args);
        assert!(out.is_empty() && err.contains("error"), "{args:?}: {out}{err}");
    }
}

#[test]
fn files_with_hostile_text_are_told_of_harmlessly() {
    let desk = Desk::new();
    let text = quoted(HOSTILE);
    let clients = "clients: [{ name: c, load: { open: { rate: 100 } } }]";
    for (wrong, fragment) in [
        (SMALL.replace("name: small", &format!("name: {text}")), "E014"),
        (SMALL.replace("rate: 100", &format!("rate: 100, arrivals: {text}")), "E011"),
        (SMALL.replace("replicas: 3", &format!("{text}: 3")), "E008"),
        (format!("{SMALL}expect: [{text}]\n"), "E026"),
        (format!("{SMALL}expect: [{}]\n", quoted(&format!("{HOSTILE} <= 1"))), "E027"),
        (format!("{SMALL}timeline: [{{ at: 1s, rollout: {text} }}]\n"), "E016"),
        (SMALL.replace("{ rate: 100 }", &format!("{{ trace: {text} }}")), "E024"),
        (SMALL.replace("{ rate: 100 }", "{ trace: hostile.csv }"), "E025"),
        (
            SMALL.replace(
                "rate: 100 }",
                &format!("rate: 100 }}, methods: [{{ name: {text}, share: 50% }}, {{ name: b, share: 50% }}]"),
            ),
            "E014",
        ),
        // The line itself is shown.
        (format!("{SMALL}seed: x # {}\n", HOSTILE.replace(['\r', '\u{85}'], "")), "E0"),
        (format!("{clients}\n{HOSTILE}: [\n"), "E0"),
    ] {
        fs::write(desk.path("hostile.csv"), format!("time_s,rate\n0,{HOSTILE}\n")).unwrap();
        fs::write(desk.path("wrong.yaml"), wrong).unwrap();
        let (_, err) = say(&desk, &["validate", "wrong.yaml"]);
        assert!(err.contains(fragment), "{fragment}: {err}");
    }
    fs::create_dir_all(desk.path("s/cells")).unwrap();
    fs::write(desk.path("s/cells/plan.json"), format!("{{ \"evenkeel\": {text}, {text}: 5 }}")).unwrap();
    say(&desk, &["merge", "s"]);
    fs::create_dir(desk.path("p")).unwrap();
    fs::write(desk.path("p/summary.json"), format!("{{ {text}: 5 }}")).unwrap();
    say(&desk, &["plot", "p"]);
}

/// Free text that is accepted: it is printed, and written into all files that say something of it.
#[test]
fn accepted_text_is_harmless_wherever_it_is_written() {
    let desk = Desk::new();
    let text = quoted(&format!("{HOSTILE} <b>*|`[x](y)"));
    let scenario = SMALL.replace(
        "name: small",
        &format!("name: small\nabout: {text}\nstory: {{ place: 1, says: {text}, why: {text} }}"),
    );
    let expect = quoted("cv\u{2028}\u{85}<=\r9");
    fs::write(desk.path("a.yaml"), format!("{scenario}expect: [{expect}]\n")).unwrap();
    let other = scenario.replace("name: small", "name: other");
    fs::write(desk.path("b.yaml"), other).unwrap();
    let properties = format!(
        "properties: [{{ name: p, says: {text}, learnt: {text}, scenario: {{ duration: 5s, servers: [{{ name: s, replicas: 3 }}], \
         clients: [{{ name: c, load: {{ open: {{ rate: 50 }} }} }}] }}, draw: {{ servers.s.replicas: 2..3 }}, \
         claim: {}, holds: always }}]",
        quoted("max_over_mean\u{2028}<=\u{85}1.0")
    );
    fs::write(desk.path("p.yaml"), properties).unwrap();
    let out = format!("out{HOSTILE}");
    for args in [
        &["run", "a.yaml", "--no-png"][..],
        &["compare", "a.yaml", "--no-png", "--runs", "2", "--vary", "servers.0.replicas=2,3"],
        &["compare", "a.yaml", "b.yaml", "--no-png", "--runs", "2"],
        &["sweep", "a.yaml", "--no-png", "--runs", "1", "--vary", "servers.0.replicas=2,3"],
        &["plan", "a.yaml", "--no-png", "--pods", "2..3", "--slo", "cv\u{2028}<= 9"],
        &["check", "p.yaml", "--cases", "3"],
    ] {
        for format in ["table", "json", "markdown"] {
            let folder = format!("{out}-{}-{}-{format}", args[0], args.len());
            let (said, err) = say(&desk, &[args, &["--format", format, "--out", &folder]].concat());
            assert!(!said.is_empty(), "{args:?}: {err}");
            assert!(!format!("{said}{err}").contains("\n\u{2028}"));
            let quotes = args[0] == "check" || args.contains(&"b.yaml");
            if format == "markdown" && quotes {
                assert!(said.contains("\\<b>\\*\\|\\`\\[x\\](y)") && !said.contains(" <b>"), "{said}");
            }
            texts_below(&desk.path(&folder));
        }
    }
    let (explained, _) = say(&desk, &["explain", "a.yaml"]);
    assert!(explained.contains("cv <= 9"), "{explained}");
}

/// Reads all text files of a folder.
fn texts_below(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts_below(&path);
        } else {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert_harmless(&name, &fs::read_to_string(&path).unwrap());
        }
    }
}

/// Standard output that cannot be written is an error for help and version, too; a closed pipe is a reader who has seen enough.
#[test]
#[cfg(target_os = "linux")]
fn help_that_cannot_be_printed_is_an_error() {
    let desk = Desk::new();
    for args in
        [&["--help"][..], &["--version"], &["run", "--help"], &["help", "plan"], &["-h"], &["scenarios"], &["man"]]
    {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = desk.command(args).stdout(full).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{args:?}: {err}");
        assert!(err.contains("cannot write to standard output"), "{args:?}: {err}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = desk.command(args).stdout(writer).stderr(Stdio::null()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{args:?}");
    }
}

#[test]
fn what_is_piped_does_not_depend_on_the_terminal() {
    let desk = Desk::new();
    for args in
        [&["run", "small.yaml", "--no-png"][..], &["--help"], &["explain", "small.yaml"], &["compare", "--help"]]
    {
        let print = |columns: Option<&str>| {
            let mut command = desk.command(args);
            match columns {
                Some(columns) => command.env("COLUMNS", columns),
                None => command.env_remove("COLUMNS"),
            };
            let output = command.output().unwrap();
            assert!(output.status.success(), "{args:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let usual = print(None);
        for columns in ["40", "60", "999", "x", ""] {
            assert_eq!(print(Some(columns)), usual, "{args:?} with COLUMNS={columns}");
        }
    }
}
