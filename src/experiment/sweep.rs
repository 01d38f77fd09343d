//! Sweeps: the cells of a grid, alone or in shards, and their merge.

mod report;

use std::collections::BTreeMap;

pub use report::{Cell, CellResult, CellRun, MOST_RUNS, Plan, Sweep};

use super::compare::{by_name, comparable};
use super::replicate::{estimate_of, summaries_of};
use super::run::Watch;
use crate::metrics::figures::figures;
use crate::metrics::outcome::Summary;
use crate::scenario::Loaded;
use crate::sim::SimError;

/// A part of a sweep: every `of`-th cell, from `index` on. Neighbouring cells, which cost about the same, fall to different
/// shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0, below `of`.
    pub index: u64,
    /// How many there are.
    pub of: u64,
}

impl Shard {
    /// A sweep that is not divided.
    pub const WHOLE: Shard = Shard { index: 0, of: 1 };

    /// Its cells, of this many.
    #[must_use]
    pub fn cells(self, of_cells: u64) -> Vec<u64> {
        let step = usize::try_from(self.of.max(1)).unwrap_or(usize::MAX);
        (self.index..of_cells).step_by(step).collect()
    }
}

/// Runs one cell with all seeds, on all threads of the current pool.
///
/// # Errors
/// If a run cannot finish, or `watch` stopped it.
pub fn run_cell(plan: &Plan, cell: u64, loaded: &Loaded, watch: Option<Watch<'_>>) -> Result<Cell, SimError> {
    let summaries = summaries_of(loaded, plan.seed, 0..plan.runs, watch)?;
    let names = |s: &Summary| figures(s).into_iter().map(|f| (f.name, by_name(f.path, &s.methods))).collect();
    Ok(Cell {
        cell,
        plan: plan.digest(),
        scenario_hash: loaded.scenario_hash.clone(),
        files: loaded.files.clone(),
        figures: summaries.first().map_or_else(Vec::new, names),
        runs: summaries.iter().map(cell_run).collect(),
    })
}

fn cell_run(summary: &Summary) -> CellRun {
    CellRun {
        seed: summary.seed,
        digest: summary.digest.clone(),
        unmet: summary.expectations.iter().filter(|e| !e.met).count() as u64,
        values: figures(summary).into_iter().map(|f| f.value).collect(),
    }
}

/// The results of all cells, which are given in order.
#[must_use]
pub fn results(plan: &Plan, cells: &[Cell]) -> Sweep {
    Sweep { plan: plan.clone(), cells: cells.iter().map(|cell| result(plan, cell)).collect() }
}

fn result(plan: &Plan, cell: &Cell) -> CellResult {
    let estimated = cell.figures.iter().enumerate().filter_map(|(i, (_, path))| {
        let values: Vec<f64> = cell.runs.iter().filter_map(|run| *run.values.get(i)?).collect();
        Some((path.clone(), estimate_of(path, &values)?))
    });
    CellResult {
        cell: cell.cell,
        values: plan.axes.values(cell.cell).into_iter().map(str::to_owned).collect(),
        scenario_hash: cell.scenario_hash.clone(),
        unmet_runs: cell.runs.iter().filter(|run| run.unmet > 0).count() as u64,
        figures: comparable(estimated.collect()),
    }
}

/// Why two plans do not belong together, in words; `None` if they do.
#[must_use]
pub fn difference(a: &Plan, b: &Plan) -> Option<String> {
    let Plan { evenkeel, scenario, scenario_hash, inputs, seed, runs, axes } = a;
    let differs =
        |what: &str, a: &dyn std::fmt::Display, b: &dyn std::fmt::Display| Some(format!("{what} {a} and {b}"));
    if *evenkeel != b.evenkeel {
        differs("versions of evenkeel", evenkeel, &b.evenkeel)
    } else if *scenario != b.scenario {
        differs("scenarios", scenario, &b.scenario)
    } else if *axes != b.axes {
        Some("grids (what --vary says)".to_owned())
    } else if *seed != b.seed {
        differs("seeds", seed, &b.seed)
    } else if *runs != b.runs {
        differs("numbers of runs", runs, &b.runs)
    } else if *scenario_hash != b.scenario_hash {
        differs("contents of the scenario, with hashes", scenario_hash, &b.scenario_hash)
    } else if *inputs != b.inputs {
        Some("texts of the scenario, or other --set".to_owned())
    } else {
        None
    }
}

/// Cells from several places, put in order. Those that are there twice must be the same, and so must the files that they read.
#[derive(Clone, Debug, Default)]
pub struct Merge {
    cells: BTreeMap<u64, Cell>,
    files: BTreeMap<String, String>,
}

impl Merge {
    /// Adds a cell.
    ///
    /// # Errors
    /// Says why it does not go with those that are there.
    pub fn add(&mut self, cell: Cell) -> Result<(), String> {
        for (path, hash) in &cell.files {
            let known = self.files.entry(path.clone()).or_insert_with(|| hash.clone());
            if known != hash {
                return Err(format!("cell {} was run with other contents of `{path}` than other cells", cell.cell));
            }
        }
        match self.cells.get(&cell.cell) {
            Some(known) if *known != cell => Err(format!("cell {} has other results elsewhere", cell.cell)),
            Some(_) => Ok(()),
            None => {
                self.cells.insert(cell.cell, cell);
                Ok(())
            }
        }
    }

    /// All cells in order.
    ///
    /// # Errors
    /// The numbers of those that are missing.
    pub fn finish(self, of_cells: u64) -> Result<Vec<Cell>, Vec<u64>> {
        let missing: Vec<u64> = (0..of_cells).filter(|cell| !self.cells.contains_key(cell)).collect();
        if missing.is_empty() { Ok(self.cells.into_values().collect()) } else { Err(missing) }
    }
}

/// Numbers as ranges: `3, 7-9, 12`; of many ranges the first, and how many more numbers there are.
#[must_use]
pub fn ranges(numbers: &[u64]) -> String {
    const MOST: usize = 10;
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for &n in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == n => *last = n,
            _ => ranges.push((n, n)),
        }
    }
    let words = ranges.iter().take(MOST).map(|(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") });
    let mut text = words.collect::<Vec<_>>().join(", ");
    let more: u64 = ranges.iter().skip(MOST).map(|(a, b)| b - a + 1).sum();
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::vary::Grid;

    fn plan() -> Plan {
        Plan {
            evenkeel: "1.0".to_owned(),
            scenario: "s".to_owned(),
            scenario_hash: "0123456789abcdef".to_owned(),
            inputs: "fedcba9876543210".to_owned(),
            seed: 7,
            runs: 2,
            axes: Grid::parse("--vary", &["cluster.rtt=1ms,2ms,3ms".to_owned()]).expect("a grid"),
        }
    }

    /// A cell of two runs, of which the first does not meet some expectations.
    fn cell(cell: u64, unmet: u64) -> Cell {
        let run = |seed, unmet, value| CellRun { seed, digest: "v1:0".to_owned(), unmet, values: vec![Some(value)] };
        Cell {
            cell,
            plan: plan().digest(),
            scenario_hash: String::new(),
            files: [("rates.csv".to_owned(), "1".to_owned())].into(),
            figures: vec![("cv".to_owned(), "skew.cv".to_owned())],
            runs: vec![run(7, unmet, 1.0), run(8, 0, 3.0)],
        }
    }

    #[test]
    fn plans_differ_in_what_is_said() {
        assert_eq!(difference(&plan(), &plan()), None);
        let says = |change: fn(&mut Plan)| {
            let mut other = plan();
            change(&mut other);
            difference(&plan(), &other).expect("they differ")
        };
        assert_eq!(says(|p| p.evenkeel = "2.0".to_owned()), "versions of evenkeel 1.0 and 2.0");
        assert_eq!(says(|p| p.scenario = "t".to_owned()), "scenarios s and t");
        assert_eq!(says(|p| p.axes.axes.clear()), "grids (what --vary says)");
        assert_eq!(says(|p| p.seed = 8), "seeds 7 and 8");
        assert_eq!(says(|p| p.runs = 3), "numbers of runs 2 and 3");
        let hashes = "contents of the scenario, with hashes 0123456789abcdef and 0";
        assert_eq!(says(|p| p.scenario_hash = "0".to_owned()), hashes);
        assert_eq!(says(|p| p.inputs = "0".to_owned()), "texts of the scenario, or other --set");
    }

    #[test]
    fn cells_that_are_there_twice_must_be_the_same() {
        let mut merge = Merge::default();
        assert_eq!([2, 0, 2].map(|n| merge.add(cell(n, 0))), [Ok(()), Ok(()), Ok(())]);
        assert_eq!(merge.add(cell(2, 1)), Err("cell 2 has other results elsewhere".to_owned()));
        let mut other = cell(1, 0);
        other.files = [("rates.csv".to_owned(), "2".to_owned())].into();
        let why = "cell 1 was run with other contents of `rates.csv` than other cells";
        assert_eq!(merge.add(other), Err(why.to_owned()));
        assert_eq!(merge.clone().finish(4), Err(vec![1, 3]));
        assert_eq!(merge.add(cell(1, 0)), Ok(()));
        assert_eq!(merge.finish(3), Ok(vec![cell(0, 0), cell(1, 0), cell(2, 0)]));
    }

    #[test]
    fn a_run_keeps_how_many_expectations_it_does_not_meet() {
        let expectation = |met: bool| serde_json::json!({ "text": "skew.cv < 1", "value": 2.0, "met": met });
        let summary: Summary = serde_json::from_value(serde_json::json!({
            "evenkeel": "0", "scenario": "m", "scenario_hash": "", "seed": 9, "digest": "v1:0", "arrivals_digest": "",
            "arrivals_digest_by_client": {}, "measured_s": 600.0,
            "requests": { "started": 6, "ok": 5, "failed": 1, "unfinished": 0, "by_status": {} },
            "throughput_rps": 0.01, "time_to_balance": [], "reconnects_per_s": 0.0, "stray_share": 0.0,
            "latency_ms": crate::metrics::outcome::Latency::default(), "skew": crate::metrics::outcome::Skew::default(),
            "connections": { "opened": 24, "closed_by": {} }, "pods": [],
            "expectations": [expectation(true), expectation(false), expectation(false)],
            "warnings": [], "verdict": "", "theory": [],
        }))
        .expect("a summary");
        let run = cell_run(&summary);
        assert_eq!((run.seed, run.unmet), (9, 2));
        // requests_ok and requests_failed come first.
        assert_eq!(run.values[..2], [Some(5.0), Some(1.0)]);
    }

    #[test]
    fn results_count_runs_that_do_not_meet_what_is_expected() {
        let sweep = results(&plan(), &[cell(0, 0), cell(1, 5)]);
        assert_eq!(sweep.cells.iter().map(|c| (c.cell, c.unmet_runs)).collect::<Vec<_>>(), [(0, 0), (1, 1)]);
        assert_eq!(sweep.cells[1].values, ["2ms"]);
    }

    #[test]
    fn shards_are_disjoint_and_complete() {
        for of in [1, 2, 7, 20] {
            let mut all: Vec<u64> = (0..of).flat_map(|index| Shard { index, of }.cells(17)).collect();
            all.sort_unstable();
            assert_eq!(all, (0..17).collect::<Vec<u64>>());
        }
        assert_eq!(Shard { index: 5, of: 7 }.cells(5), [0u64; 0]);
    }

    #[test]
    fn numbers_read_as_ranges() {
        assert_eq!(ranges(&[3, 7, 8, 9, 12]), "3, 7-9, 12");
        assert_eq!(ranges(&[]), "");
        let even: Vec<u64> = (0..40).step_by(2).collect();
        assert_eq!(ranges(&even), "0, 2, 4, 6, 8, 10, 12, 14, 16, 18 and 10 more");
    }
}
