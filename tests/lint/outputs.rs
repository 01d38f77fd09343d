//! Several outputs of one run, and exit statuses that hold in each format.

use std::fs;

use crate::{desk, evenkeel, scenario, status, text};

const FORMATS: [&str; 5] = ["text", "json", "sarif", "junit", "github"];

#[test]
fn one_run_prints_and_writes() {
    let desk = desk();
    let at = desk.path();
    let plain = evenkeel(at, &["lint", "--no-evidence", "a b.yaml"]);
    let mut args = vec!["lint", "--no-evidence", "a b.yaml"];
    let files: Vec<String> = FORMATS.iter().map(|format| format!("{format}=out.{format}")).collect();
    args.extend(files.iter().flat_map(|file| ["--format", file]));
    let done = evenkeel(at, &args);
    assert_eq!((done.status.code(), text(&done.stdout)), (Some(1), text(&plain.stdout)));
    for format in FORMATS {
        let printed = evenkeel(at, &["lint", "--no-evidence", "a b.yaml", "--format", format]).stdout;
        let file = fs::read(at.join(format!("out.{format}"))).unwrap();
        assert!(!file.is_empty() && file == printed, "{format}");
        // The program prints nothing, and the file is the same.
        fs::remove_file(at.join(format!("out.{format}"))).unwrap();
        let to_file = format!("{format}=out.{format}");
        let quiet = evenkeel(at, &["lint", "--no-evidence", "--quiet", "a b.yaml", "--format", &to_file]);
        assert_eq!((quiet.stdout.len(), fs::read(at.join(format!("out.{format}"))).unwrap()), (0, file));
    }
    let with_evidence = evenkeel(at, &["lint", "-q", "a b.yaml", "--format", "sarif=evidence.sarif"]);
    assert_eq!(with_evidence.status.code(), Some(1));
    assert!(fs::read_to_string(at.join("evidence.sarif")).unwrap().contains("evidence: "));
    let names: Vec<String> = fs::read_dir(at).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.len(), 2 + FORMATS.len() + 1, "nothing else is left: {names:?}");
}

#[test]
fn what_cannot_be_written_or_printed_is_refused() {
    let desk = desk();
    let refused = |args: &[&str]| {
        let done = evenkeel(desk.path(), &[&["lint", "--no-evidence", "a b.yaml"], args].concat());
        (done.status.code(), text(&done.stderr))
    };
    let (two, said) = refused(&["--format", "json", "--format", "sarif"]);
    assert!(two == Some(2) && said.contains("only one format can be printed"), "{said}");
    let (unknown, said) = refused(&["--format", "sarf=x"]);
    assert!(unknown == Some(2) && said.contains("'sarf'") && said.contains("sarif"), "{said}");
    assert_eq!(refused(&["--format", "sarif=nowhere/x.sarif"]).0, Some(3));
    let (empty, said) = refused(&["--format", "sarif="]);
    assert!(empty == Some(2) && said.contains("the name of a file"), "{said}");
    let (twice, said) = refused(&["--format", "json=x", "--format", "sarif=x"]);
    assert!(
        twice == Some(2) && said.contains("cannot be written to one file") && !desk.path().join("x").exists(),
        "{said}"
    );
}

/// What a run reads it does not write over, and a baseline takes the place of a baseline only.
#[test]
fn what_is_read_stays() {
    let desk = desk();
    let at = desk.path();
    let before = fs::read(at.join("a b.yaml")).unwrap();
    fs::write(at.join("notes.txt"), "mine\n").unwrap();
    for args in
        [&["--format", "sarif=./a b.yaml"][..], &["--write-baseline", "a b.yaml"], &["--write-baseline", "notes.txt"]]
    {
        let done = evenkeel(at, &[&["lint", "--no-evidence", "a b.yaml"], args].concat());
        assert!(done.status.code() == Some(2) && text(&done.stderr).contains("is not written over"), "{args:?}");
    }
    assert_eq!(
        (fs::read(at.join("a b.yaml")).unwrap(), fs::read(at.join("notes.txt")).unwrap()),
        (before, b"mine\n".to_vec())
    );
    let again = &["lint", "--no-evidence", "a b.yaml", "--write-baseline", "known.yaml"];
    assert!((0..2).all(|_| evenkeel(at, again).status.code() == Some(0)));
    let known = fs::read(at.join("known.yaml")).unwrap();
    let over = &["lint", "--no-evidence", "a b.yaml", "--baseline", "known.yaml", "--format", "json=known.yaml"];
    assert_eq!((evenkeel(at, over).status.code(), fs::read(at.join("known.yaml")).unwrap()), (Some(2), known));
}

#[test]
fn exit_statuses_hold_in_every_format() {
    let desk = desk();
    let at = desk.path();
    fs::write(at.join("bad.yaml"), scenario("colour: red\n")).unwrap();
    for format in FORMATS {
        for (args, expected) in [
            (&["blog/istio"][..], 0),
            (&["blog/istio", "--strict"], 0),
            // Notes only.
            (&["blog/checklist"], 0),
            (&["blog/checklist", "--strict"], 1),
            (&["blog/checklist", "--strict", "--exit-zero"], 0),
            (&["blog/rolling-restart"], 1),
            (&["blog/rolling-restart", "--exit-zero"], 0),
            (&["bad.yaml"], 2),
            (&["bad.yaml", "--exit-zero"], 2),
        ] {
            let args = [&["lint", "--no-evidence", "--format", format], args].concat();
            assert_eq!(status(at, &args), expected, "{args:?}");
        }
    }
}
