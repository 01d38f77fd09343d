//! Sweeps: their inputs are read once, and nothing that is damaged, or of another sweep, gets into their results.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use evenkeel::experiment::sweep::{Cell, Plan};
use evenkeel::output::cells::CellStore;
use evenkeel::output::sealed::seal;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::desk::Desk;

const TRACED: &str = "name: traced\nduration: 5s\nservers: [{ name: s, replicas: 3 }]\n\
                      clients: [{ name: c, replicas: 4, load: { open: { trace: rate.csv } } }]\n";
const TRACE: &str = "time_s,rate\n0,400\n3,100\n";

fn traced() -> Desk {
    let desk = Desk::new();
    fs::write(desk.path("traced.yaml"), TRACED).unwrap();
    fs::write(desk.path("rate.csv"), TRACE).unwrap();
    desk
}

fn start(desk: &Desk, args: &[&str]) -> Child {
    desk.command(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn wait_for(path: &Path) {
    let begun = Instant::now();
    while !path.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} does not come", path.display());
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// The scenario and its trace, replaced when the first cell is done.
#[test]
fn inputs_that_change_while_it_runs_do_not_matter() {
    let desk = traced();
    let sweep = |out: &'static str| {
        ["sweep", "traced.yaml", "--vary", "servers.0.replicas=2..41:40", "--runs", "3", "--no-png", "-q", "--out", out]
    };
    desk.run(&sweep("whole"), 0);
    let mut child = start(&desk, &sweep("edited"));
    wait_for(&desk.path("edited/cells/plan.json"));
    fs::write(desk.path("traced.yaml"), TRACED.replace("duration: 5s", "duration: 2s")).unwrap();
    fs::write(desk.path("rate.csv"), "time_s,rate\n0,5\n").unwrap();
    let done = fs::read_dir(desk.path("edited/cells")).unwrap().count();
    assert!(done < 40, "edited too late to show anything: {done} cells are done");
    assert!(child.wait().unwrap().success());
    for name in ["sweep.csv", "sweep_runs.csv", "sweep.json"] {
        let [whole, edited] = ["whole", "edited"].map(|out| fs::read(desk.path(out).join(name)).unwrap());
        assert!(whole == edited, "{name}");
    }
    // To go on with it is to go on with what was there.
    let said = desk.run(&sweep("edited"), 2).err;
    assert!(said.contains("edited holds another sweep: contents of the scenario"), "{said}");
}

/// Shards that were run with other contents of a file, also of one that cell 0 does not name.
#[test]
fn inputs_of_all_shards_must_be_the_same() {
    let desk = traced();
    fs::write(desk.path("other.csv"), TRACE).unwrap();
    let vary = "clients.0.load.open.trace=rate.csv,other.csv,./other.csv";
    let vary_seeds = ["--vary", "seed=1,2"];
    let shard = |i: &str, out: &str, more: &[&str], status| {
        let args = ["sweep", "traced.yaml", "--vary", vary, "--runs", "1", "--shard", i, "--out", out];
        desk.run(&[&args[..], &vary_seeds, more].concat(), status)
    };
    let merge = |folders: &[&str], status| {
        desk.run(&[&["merge", "--no-png", "-q", "--out", "merged"], folders].concat(), status).err
    };
    shard("1/2", "a", &[], 0);
    shard("2/2", "b", &[], 0);
    assert_eq!(merge(&["a", "b"], 0), "");
    fs::write(desk.path("other.csv"), "time_s,rate\n0,5\n").unwrap();
    shard("2/2", "changed", &[], 0);
    let said = merge(&["a", "changed"], 2);
    assert!(said.contains("was run with other contents of `other.csv`"), "{said}");
    // Cells are not resumed either.
    assert!(shard("1/2", "a", &[], 2).err.contains("other contents of the files that the scenario names"));
    // The text counts, not what it means for cell 0.
    fs::write(desk.path("other.csv"), TRACE).unwrap();
    fs::write(desk.path("traced.yaml"), TRACED.replace("trace: rate.csv", "trace: other.csv")).unwrap();
    assert!(shard("1/2", "a", &[], 2).err.contains("texts of the scenario"));
    fs::write(desk.path("traced.yaml"), TRACED).unwrap();
    assert!(shard("1/2", "a", &["--set", "seed=1"], 2).err.contains("other --set"));
    shard("1/2", "a", &[], 0);
}

/// At once, 10 times: one goes on, the other is refused, and the results are those of the first.
#[test]
fn of_two_sweeps_in_one_folder_one_wins() {
    let desk = Desk::new();
    for round in 0..10 {
        let out = format!("out-{round}");
        let args = ["1", "2"].map(|seed| {
            [
                "sweep",
                "small.yaml",
                "--vary",
                "servers.0.replicas=2,3",
                "--runs",
                "1",
                "--no-png",
                "--seed",
                seed,
                "--out",
                &out,
            ]
            .map(str::to_owned)
        });
        let children = args.map(|args| start(&desk, &args.each_ref().map(String::as_str)));
        let [one, two] = children.map(|child| child.wait_with_output().unwrap());
        let statuses = [&one, &two].map(|o| o.status.code());
        let (winner, loser) = match statuses {
            [Some(0), Some(2)] => (1, two),
            [Some(2), Some(0)] => (2, one),
            _ => panic!("{statuses:?}: {one:?} {two:?}"),
        };
        let said = String::from_utf8(loser.stderr).unwrap();
        assert!(said.contains("holds another sweep: seeds"), "{said}");
        assert_eq!(desk.json(format!("{out}/sweep.json"))["plan"]["seed"], winner);
        let left: Vec<_> =
            fs::read_dir(desk.path(&out).join("cells")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 3, "a plan and two cells: {left:?}");
    }
}

/// A sweep of two cells, two runs each.
fn two_cells() -> (Desk, Plan, Cell) {
    let desk = Desk::new();
    desk.run(
        &["sweep", "small.yaml", "--vary", "servers.0.replicas=2,3", "--runs", "2", "--no-png", "-q", "--out", "s"],
        0,
    );
    let store = CellStore::below(&desk.path("s"));
    let plan = store.plan().unwrap().unwrap();
    let cell = store.cell(&plan, 1).unwrap().unwrap();
    (desk, plan, cell)
}

/// 40 flipped bits and 30 other digits in each file, at places drawn with seed 1; none goes unnoticed.
#[test]
fn damaged_files_of_a_sweep_are_refused_by_name() {
    let (desk, ..) = two_cells();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for name in ["000001.json", "plan.json"] {
        let path = desk.path("s/cells").join(name);
        let whole = fs::read(&path).unwrap();
        let mut damaged: Vec<Vec<u8>> = Vec::new();
        for _ in 0..40 {
            let mut bytes = whole.clone();
            let bit = rng.next_u64() as usize % (8 * bytes.len());
            bytes[bit / 8] ^= 1 << (bit % 8);
            damaged.push(bytes);
        }
        let digits: Vec<usize> = (0..whole.len()).filter(|at| whole[*at].is_ascii_digit()).collect();
        for _ in 0..30 {
            let mut bytes = whole.clone();
            let at = digits[rng.next_u64() as usize % digits.len()];
            bytes[at] = b'0' + (bytes[at] - b'0' + 1 + (rng.next_u64() % 9) as u8) % 10;
            damaged.push(bytes);
        }
        damaged.push([&whole[..], b" "].concat());
        damaged.push(Vec::new());
        for bytes in damaged {
            fs::write(&path, &bytes).unwrap();
            let said = desk.run(&["merge", "s", "--out", "merged", "-q"], 2).err;
            assert!(said.contains(name) && said.contains("delete"), "{said}");
        }
        fs::write(&path, &whole).unwrap();
    }
    assert!(!desk.path("merged").exists());
    desk.run(&["merge", "s", "--out", "merged", "-q"], 0);
}

/// Files with right checksums, made by another program.
#[test]
fn what_a_sweep_cannot_have_written_is_refused() {
    let (desk, plan, cell) = two_cells();
    let refused = |file: &str, bytes: Vec<u8>, says: &str| {
        let path = desk.path("s/cells").join(file);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        let begun = Instant::now();
        let said = desk.run(&["merge", "s", "--out", "merged", "-q"], 2).err;
        assert!(said.contains(file) && said.contains(says), "should say {says}: {said}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{says}");
        fs::write(&path, whole).unwrap();
    };
    let with = |change: &dyn Fn(&mut Cell)| {
        let mut other = cell.clone();
        change(&mut other);
        seal(&other).unwrap()
    };
    for (change, says) in [
        ((&|c: &mut Cell| c.runs.clear()) as &dyn Fn(&mut Cell), "0 runs"),
        (&|c| c.runs.truncate(1), "1 runs"),
        (&|c| c.runs[1].seed = 7, "seeds"),
        (&|c| c.runs.swap(0, 1), "seeds"),
        (&|c| c.runs[0].values.truncate(3), "values"),
        (&|c| c.runs[1].values.clear(), "values"),
        (&|c| c.runs[0].digest = "v1:x".to_owned(), "hash"),
        (&|c| c.scenario_hash.clear(), "hash"),
        (&|c| c.figures.clear(), "figures"),
        (&|c| c.figures.swap(0, 1), "figures"),
        (&|c| c.figures.push(c.figures[0].clone()), "twice"),
        (&|c| c.cell = 0, "cell 0"),
        (&|c| c.plan = "0123456789abcdef".to_owned(), "another sweep"),
    ] {
        refused("000001.json", with(change), says);
    }
    let with = |change: &dyn Fn(&mut Plan)| {
        let mut other = plan.clone();
        change(&mut other);
        seal(&other).unwrap()
    };
    let axis = |n: usize, path: &str| {
        let values = (0..n).map(|i| i.to_string()).collect();
        evenkeel::scenario::vary::Axis { path: path.to_owned(), values }
    };
    let huge = || (0..4).map(|i| axis(1_000, &format!("a.{i}"))).collect::<Vec<_>>();
    for (change, says) in [
        ((&|p: &mut Plan| p.axes.axes = huge()) as &dyn Fn(&mut Plan), "more than 1000000 cells"),
        (&|p| p.axes.axes = (0..64).map(|i| axis(1_000, &format!("a.{i}"))).collect(), "more than 1000000 cells"),
        (&|p| p.axes.axes[0].values.clear(), "no values"),
        (&|p| p.axes.axes.push(p.axes.axes[0].clone()), "twice"),
        (&|p| p.runs = u64::MAX, "number of runs"),
        (&|p| p.runs = 0, "number of runs"),
        (&|p| p.inputs.clear(), "hash"),
    ] {
        refused("plan.json", with(change), says);
    }
    // Another plan, to which the cells do not belong; many runs that are not there.
    for change in [&(|p: &mut Plan| p.runs = 100_000) as &dyn Fn(&mut Plan), &|p| p.seed = 5] {
        let path = desk.path("s/cells/plan.json");
        let whole = fs::read(&path).unwrap();
        fs::write(&path, with(change)).unwrap();
        assert!(desk.run(&["merge", "s", "--out", "merged"], 2).err.contains("another sweep"));
        fs::write(&path, whole).unwrap();
    }
    desk.run(&["merge", "s", "--out", "merged", "-q"], 0);
}

/// A folder `cells` that is somebody's is not written into.
#[test]
fn cells_are_put_beside_no_other_files() {
    let desk = Desk::new();
    let sweep = ["sweep", "small.yaml", "--vary", "seed=1,2", "--runs", "1", "--no-png", "--out", "out"];
    fs::create_dir_all(desk.path("out/cells")).unwrap();
    for (name, says) in [("notes.txt", "out/cells/notes.txt"), ("plan.json", "is not what evenkeel writes there")] {
        fs::write(desk.path("out/cells").join(name), "{}").unwrap();
        let said = desk.run(&sweep, 2).err;
        assert!(said.contains(says), "{said}");
        assert_eq!(fs::read_dir(desk.path("out/cells")).unwrap().count(), 1);
        fs::remove_file(desk.path("out/cells").join(name)).unwrap();
    }
    desk.run(&sweep, 0);
}
