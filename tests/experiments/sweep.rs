//! `evenkeel sweep` and `evenkeel merge`: killed and resumed, and in shards, the results are the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use evenkeel::output::cells::CellStore;
use evenkeel::output::sealed::seal;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::desk::{Desk, Said};

/// 30 cells.
const GRID: &[&str] =
    &["--vary", "servers.0.replicas=2..6:5", "--vary", "clients.0.load.open.rate=50..400:log6", "--runs", "2"];

/// The results: everything in a folder but its cells. Another folder in it, such as one that a killed process left, is a failure.
fn results(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|e| e.file_name() != "cells");
    entries.map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap())).collect()
}

/// The finished cells with the inode of each file: a file that is written anew has another one.
fn finished(folder: &Path) -> BTreeMap<String, u64> {
    let Ok(entries) = fs::read_dir(folder.join("cells")) else { return BTreeMap::new() };
    let names = entries.map(Result::unwrap).filter_map(|e| Some((e.file_name().into_string().ok()?, e.path())));
    let whole = names.filter(|(name, _)| !name.starts_with('.') && name != "plan.json");
    whole.map(|(name, path)| (name, fs::metadata(path).unwrap().ino())).collect()
}

fn sweep(desk: &Desk, out: &str, more: &[&str]) -> Said {
    desk.run(&[&["sweep", "small.yaml", "--out", out], GRID, more].concat(), 0)
}

fn start(desk: &Desk, out: &str) -> Child {
    let mut command = desk.command(&[&["sweep", "small.yaml", "--out", out], GRID].concat());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Kills with SIGKILL so long after so many cells; true if it was not done yet.
fn killed_after(mut child: Child, folder: &Path, cells: usize, more: Duration) -> bool {
    let begun = Instant::now();
    while finished(folder).len() < cells && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it hangs");
        std::thread::sleep(Duration::from_micros(200));
    }
    std::thread::sleep(more);
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

/// At 20 moments, from before the first cell to the writing of the results: killed again and again until it is done, no finished cell is lost or run again.
#[test]
fn killed_at_any_moment_and_resumed_it_is_the_same() {
    let desk = Desk::new();
    sweep(&desk, "whole", &["--quiet"]);
    let whole = results(&desk.path("whole"));
    assert_eq!(whole.keys().map(String::as_str).collect::<Vec<_>>(), FILES);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut kills = 0;
    for round in 0.. {
        let out = format!("resumed-{round}");
        let folder = desk.path(&out);
        let mut there = BTreeMap::new();
        while there.len() < 30 && kills < 20 {
            let more = (rng.next_u64() % 16) as usize;
            // After the last cell the results are written.
            let later = Duration::from_millis(rng.next_u64() % 50);
            kills += usize::from(killed_after(start(&desk, &out), &folder, there.len() + more, later));
            let now = finished(&folder);
            assert!(
                there.iter().all(|(name, file)| now.get(name) == Some(file)),
                "a finished cell is lost or run again"
            );
            there = now;
        }
        sweep(&desk, &out, &["--quiet"]);
        let now = finished(&folder);
        assert!(there.iter().all(|(name, file)| now.get(name) == Some(file)) && now.len() == 30);
        assert_eq!(results(&folder), whole, "round {round}");
        if kills >= 20 {
            break;
        }
    }
}

const FILES: [&str; 6] = [".evenkeel", "sweep.csv", "sweep.json", "sweep.png", "sweep.svg", "sweep_runs.csv"];

#[test]
fn shards_in_any_order_merge_to_the_same() {
    let desk = Desk::new();
    sweep(&desk, "whole", &["--quiet", "--threads", "1"]);
    let whole = results(&desk.path("whole"));
    for of in [1, 2, 7] {
        let mut folders: Vec<String> = Vec::new();
        for i in (1..=of).rev() {
            let out = format!("part-{i}-of-{of}");
            let said = sweep(&desk, &out, &["--shard", &format!("{i}/{of}")]);
            assert!(said.out.starts_with(&format!("shard {i}/{of}: ")), "{}", said.out);
            assert!(!desk.path(&out).join("sweep.csv").exists());
            folders.push(out);
        }
        for turn in [0, of / 2] {
            folders.rotate_left(turn);
            let merge: Vec<&str> =
                ["merge", "--out", "merged"].into_iter().chain(folders.iter().map(String::as_str)).collect();
            let said = desk.run(&merge, 0);
            assert!(said.out.starts_with("small: 30 cells of replicas × rate; 2 runs each"), "{}", said.out);
            assert_eq!(results(&desk.path("merged")), whole, "{of} shards");
        }
    }
    // Shards that share a folder, numbered by their scheduler.
    for index in ["1", "0"] {
        let args = [&["sweep", "small.yaml", "--out", "shared", "--shard", "auto/2"], GRID].concat();
        let name = if index == "0" { "JOB_COMPLETION_INDEX" } else { "SLURM_ARRAY_TASK_ID" };
        Said::of(desk.command(&args).env(name, index).output().unwrap(), &args, 0);
    }
    desk.run(&["merge", "shared", "--out", "merged"], 0);
    assert_eq!(results(&desk.path("merged")), whole);
}

#[test]
fn what_is_missing_or_of_another_sweep_is_refused() {
    let desk = Desk::new();
    let shard = |out: &str, more: &[&str]| {
        desk.run(&[&["sweep", "small.yaml", "--vary", "servers.0.replicas=2..9:8", "--out", out], more].concat(), 0);
    };
    shard("a", &["--shard", "1/2", "--runs", "1"]);
    shard("b", &["--shard", "2/2", "--runs", "1"]);
    shard("runs", &["--shard", "2/2", "--runs", "2"]);
    shard("seed", &["--shard", "2/2", "--runs", "1", "--seed", "5"]);
    shard("set", &["--shard", "2/2", "--runs", "1", "--set", "duration=4s"]);
    shard("name", &["--shard", "2/2", "--runs", "1", "--set", "name=other"]);
    let grid = ["sweep", "small.yaml", "--vary", "servers.0.replicas=2,3", "--out", "grid", "--runs", "1"];
    desk.run(&grid, 0);
    let merge = |folders: &[&str], status| desk.run(&[&["merge", "--out", "merged"], folders].concat(), status).err;
    for (other, says) in [
        ("runs", "numbers of runs 1 and 2"),
        ("seed", "seeds 1 and 5"),
        ("set", "contents of the scenario"),
        ("name", "scenarios small and other"),
        ("grid", "grids"),
    ] {
        let said = merge(&["a", other], 2);
        assert!(said.contains(says) && said.contains("a and ") && said.contains(other), "{said}");
    }
    let said = merge(&["a"], 2);
    assert!(said.contains("4 of 8 cells are missing: 1, 3, 5, 7;"), "{said}");
    assert!(merge(&["a", "."], 2).contains("holds no sweep"));
    assert!(!desk.path("merged").exists());
    // Another version, a cell that is not what it was, half a file.
    let file = desk.path("b/cells/plan.json");
    let store = CellStore::below(&desk.path("b"));
    let plan = store.plan().unwrap().unwrap();
    let mut other = plan.clone();
    other.evenkeel = "9.9.9".to_owned();
    fs::write(&file, seal(&other).unwrap()).unwrap();
    assert!(merge(&["a", "b"], 2).contains("versions of evenkeel"));
    assert!(merge(&["b"], 2).contains("was made by 9.9.9"));
    fs::write(&file, seal(&plan).unwrap()).unwrap();
    let cell = desk.path("b/cells/000001.json");
    let text = fs::read_to_string(&cell).unwrap();
    let mut other = store.cell(&plan, 1).unwrap().unwrap();
    other.runs[0].unmet = 1;
    fs::write(desk.path("a/cells/000001.json"), seal(&other).unwrap()).unwrap();
    assert!(merge(&["a", "b"], 2).contains("in b, cell 1 has other results elsewhere"));
    fs::remove_file(desk.path("a/cells/000001.json")).unwrap();
    fs::write(&cell, &text[..text.len() / 2]).unwrap();
    let said = merge(&["a", "b"], 2);
    assert!(said.contains("000001.json") && said.contains("delete it"), "{said}");
    fs::remove_file(&cell).unwrap();
    shard("b", &["--shard", "2/2", "--runs", "1"]);
    assert_eq!(merge(&["a", "b"], 0), "");
}

#[test]
fn a_sweep_is_resumed_only_as_it_was() {
    let desk = Desk::new();
    let first = ["sweep", "small.yaml", "--vary", "servers.0.replicas=2,3", "--runs", "1"];
    let said = desk.run(&first, 0);
    assert!(said.out.starts_with("small: 2 cells of replicas; 1 run each, seeds from 1\n"), "{}", said.out);
    for (more, says) in [
        (&["--seed", "2"][..], "seeds 1 and 2"),
        (&["--vary", "seed=1,2"], "grids"),
        (&["--set", "duration=4s"], "contents of the scenario"),
    ] {
        let said = desk.run(&[&first[..], more].concat(), 2);
        assert!(said.err.contains("outputs/sweep holds another sweep") && said.err.contains(says), "{}", said.err);
    }
    let before = finished(&desk.path("outputs/sweep"));
    desk.run(&first, 0);
    assert_eq!(finished(&desk.path("outputs/sweep")), before);
    // Cells are refused before the first one runs.
    for (args, says) in [
        (&["--vary", "servers.0.replicas=3,x"][..], "whole number"),
        (&["--vary", "servers.0.replicas=1..5"], "how many values"),
        (&["--vary", "seed=1,2", "--shard", "3/2"], "1/2 to 2/2"),
        (&["--vary", "seed=1,2", "--shard", "auto/2"], "none is set"),
        (&[], "--vary"),
    ] {
        let said = desk.run(&[&["sweep", "small.yaml", "--out", "new"], args].concat(), 2);
        assert!(said.err.contains(says), "{args:?} should say {says}: {}", said.err);
        assert!(!desk.path("new").exists(), "{args:?}");
    }
    assert!(desk.run(&["sweep", "blog", "--vary", "seed=1,2"], 2).err.contains("a sweep takes one"));
}

/// What a cell says is what `run` says with the same values.
#[test]
fn a_cell_is_the_run_of_its_values() {
    let desk = Desk::new();
    sweep(&desk, "s", &["--quiet", "--no-png"]);
    let set = ["--set", "servers.0.replicas=3", "--set", "clients.0.load.open.rate=76", "--runs", "2", "--no-png"];
    desk.run(&[&["run", "small.yaml", "--out", "r"], &set[..]].concat(), 0);
    let (sweep, run) = (desk.json("s/sweep.json"), desk.json("r/summary.json"));
    let cell = &sweep["cells"][7];
    assert_eq!((&cell["values"][0], &cell["values"][1]), (&"3".into(), &"76".into()));
    assert_eq!(cell["scenario_hash"], run["scenario_hash"]);
    assert_eq!(cell["figures"]["latency_ms.p99"], run["runs"]["latency_ms.p99"]);
    let rows = fs::read_to_string(desk.path("s/sweep_runs.csv")).unwrap();
    let digest = run["digest"].as_str().unwrap();
    assert!(rows.lines().any(|l| l.starts_with("7,3,76,0,1,") && l.contains(digest)), "{rows}");
}

/// A thousand shards of ten cells: `cargo test --release --test experiments -- --ignored thousand`. docs/sweeps.md has its time.
#[test]
#[ignore = "a measurement, for release builds"]
fn a_thousand_shards_merge_in_ten_seconds() {
    let desk = Desk::new();
    let vary = "clients.0.load.open.rate=1..10000:10000";
    let args = ["sweep", "small.yaml", "--set", "duration=10ms", "--vary", vary, "--runs", "1", "-q", "--out", "all"];
    desk.run(&args, 0);
    let mut folders: Vec<PathBuf> = Vec::new();
    for shard in 0..1000 {
        let folder = desk.path(format!("shards/{shard}/cells"));
        fs::create_dir_all(&folder).unwrap();
        fs::copy(desk.path("all/cells/plan.json"), folder.join("plan.json")).unwrap();
        for cell in (shard..10_000).step_by(1000) {
            let name = format!("{cell:06}.json");
            fs::copy(desk.path("all/cells").join(&name), folder.join(&name)).unwrap();
        }
        folders.push(folder.parent().unwrap().to_owned());
    }
    let begun = Instant::now();
    let mut command = desk.command(&["merge", "-q", "--out", "merged"]);
    assert!(command.args(&folders).status().unwrap().success());
    let took = begun.elapsed();
    assert_eq!(results(&desk.path("merged")), results(&desk.path("all")));
    eprintln!("1,000 shards of 10 cells: {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}
