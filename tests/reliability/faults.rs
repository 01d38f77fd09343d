//! Commands that are ended at their n-th change of the disk, as by a kill. `src/output/disk.rs` counts the changes in builds with debug
//! assertions. Afterwards the folder has the old result or the new one, the same command again gives the bytes of an undisturbed one, and
//! nothing else is left.
#![cfg(debug_assertions)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use assert_cmd::cargo::cargo_bin;
use evenkeel::output::OutputError;
use evenkeel::output::files::Whole;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::PROPERTIES;
use crate::desk::Desk;

/// Kills of each command; there are eight.
const KILLS: u64 = 8;

/// Whatever is in the folder, by its path.
type Tree = BTreeMap<String, Vec<u8>>;

fn tree(folder: &Path) -> Tree {
    let mut found = Tree::new();
    collect(folder, "", &mut found);
    found
}

fn collect(folder: &Path, prefix: &str, found: &mut Tree) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.insert(format!("{name}/"), Vec::new());
            collect(&entry.path(), &format!("{name}/"), found);
        } else {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

fn put(folder: &Path, tree: &Tree) {
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
    if !tree.is_empty() {
        fs::create_dir(folder).unwrap();
    }
    for (name, contents) in tree {
        if name.ends_with('/') {
            fs::create_dir(folder.join(name)).unwrap();
        } else {
            fs::write(folder.join(name), contents).unwrap();
        }
    }
}

/// What of a tree is a result: neither what a killed process left nor the cells that a sweep is resumed from.
fn result(tree: &Tree) -> Tree {
    let of_result = |name: &&String| !name.split('/').any(|part| part.starts_with(".evenkeel-") || part == "cells");
    tree.iter().filter(|(name, _)| of_result(name)).map(|(n, c)| (n.clone(), c.clone())).collect()
}

/// Runs a command that ends before this change of the disk; 0 has it tell all of them.
fn killed_at(desk: &Desk, change: u64, args: &[&str]) -> Output {
    // It ends by SIGABRT, which leaves no file either.
    let mut command = Command::new("bash");
    command.args(["-c", "ulimit -c 0; exec \"$0\" \"$@\""]).arg(cargo_bin!("evenkeel")).args(args);
    command.current_dir(desk.path("")).stdin(Stdio::null()).env("EVENKEEL_KILL_AT", change.to_string());
    command.output().unwrap()
}

/// Ends `new` at random changes of the disk, in a folder with the result of `old` and in one that is not there yet.
fn survives(seed: u64, old: &[&str], new: &[&str]) {
    let desk = Desk::new();
    let small = fs::read_to_string(desk.path("small.yaml")).unwrap();
    fs::write(desk.path("other.yaml"), small.replace("name: small", "name: other")).unwrap();
    fs::write(desk.path("two.yaml"), PROPERTIES).unwrap();
    if new[0] == "merge" {
        for shard in ["1", "2"] {
            let (i, out) = (format!("{shard}/2"), format!("part-{shard}"));
            desk.run(&[SWEEP, &["--shard", &i, "--out", &out]].concat(), 0);
        }
    }
    let out = desk.path("out");
    let inputs = tree(&desk.path(""));
    desk.run(&[old, OUT].concat(), 0);
    let before = tree(&out);
    let new = [new, OUT].concat();
    let [with_old, without] = [&before, &Tree::new()].map(|there| {
        put(&out, there);
        let counted = killed_at(&desk, 0, &new);
        assert!(counted.status.success(), "{new:?}: {counted:?}");
        String::from_utf8(counted.stderr).unwrap().lines().filter(|line| line.starts_with("step ")).count() as u64
    });
    let after = tree(&out);
    assert_ne!(result(&before), result(&after), "{new:?}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for kill in 0..KILLS {
        let (there, changes) = if kill % 2 == 0 { (before.clone(), with_old) } else { (Tree::new(), without) };
        put(&out, &there);
        let at = 1 + rng.next_u64() % changes;
        let killed = killed_at(&desk, at, &new);
        assert!(killed.status.signal().is_some(), "{new:?} at {at} of {changes}: {killed:?}");
        let whole = Whole::open(&out).map(drop);
        let (found, case) = (result(&tree(&out)), format!("{new:?}, change {at} of {changes}"));
        match whole {
            Ok(()) => assert!(found == result(&there) || found == result(&after), "{case}: {:?}", found.keys()),
            // Folders are made before the commit, and that of the result may not be there yet.
            Err(OutputError::NoResult { .. } | OutputError::Io { .. }) => {
                assert!(there.is_empty() && found.keys().all(|name| name.ends_with('/')), "{case}: {:?}", found.keys());
            }
            Err(error) => panic!("{case}: {error}"),
        }
        desk.run(&new, 0);
        let now = tree(&out);
        assert!(now.keys().eq(after.keys()), "{case}: {:?}", now.keys());
        assert!(now == after, "{case}: other bytes");
    }
    fs::remove_dir_all(&out).unwrap();
    assert_eq!(tree(&desk.path("")), inputs, "{new:?} changes its inputs");
}

const OUT: &[&str] = &["--out", "out", "-q"];
const RUN: &[&str] = &["run", "small.yaml", "--runs", "2", "--no-png"];
const SWEEP: &[&str] = &["sweep", "small.yaml", "--vary", "servers.0.replicas=2..4:3", "--runs", "2", "--no-png", "-q"];

#[test]
fn killed_at_any_change_of_the_disk_a_folder_is_whole() {
    let other_seed = [RUN, &["--seed", "7"]].concat();
    let compare: &[&str] = &["compare", "small.yaml", "other.yaml", "--runs", "2", "--no-png"];
    let compare_other = [compare, &["--seed", "7"]].concat();
    let plan: &[&str] =
        &["plan", "small.yaml", "--slo", "error_ratio <= 1%", "--pods", "1..2", "--max-runs", "40", "--no-png"];
    let plan_other = [plan, &["--seed", "7"]].concat();
    let check: &[&str] = &["check", "two.yaml", "--cases", "3"];
    let check_other = [check, &["--only", "calls"]].concat();
    let fit: &[&str] = &["fit", "60/30/10", "--connections", "12", "--runs", "2", "--no-png"];
    let fit_other: &[&str] = &["fit", "50/50/0", "--connections", "8", "--runs", "2", "--no-png"];
    let merge: &[&str] = &["merge", "part-1", "part-2", "--no-png"];
    let sweep = &SWEEP[..SWEEP.len() - 1];
    let cases: &[(&[&str], &[&str])] = &[
        (RUN, &other_seed),
        (&other_seed, &["run", "small.yaml"]),
        (compare, &compare_other),
        (compare, &["compare", "small.yaml", "--runs", "2", "--no-png"]),
        (RUN, sweep),
        (plan, &plan_other),
        (check, &check_other),
        (fit, fit_other),
        (RUN, merge),
    ];
    assert!(cases.len() as u64 * KILLS >= 60);
    thread::scope(|scope| {
        for (seed, (old, new)) in (1..).zip(cases) {
            scope.spawn(move || survives(seed, old, new));
        }
    });
}
