//! `evenkeel sweep` and `evenkeel merge`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::failure::Failure;
use super::interrupt;
use super::run::{in_pool, refuse_too_many};
use super::sources;
use super::terminal::{self, Progress};
use super::{Common, Format};
use crate::experiment::sweep::{self, Cell, Merge, Plan, Shard};
use crate::output::cells::{CellStore, CellWriter};
use crate::output::files;
use crate::output::json;
use crate::output::sweep::{add_files, markdown, render};
use crate::scenario::Loaded;
use crate::scenario::document::Document;
use crate::scenario::vary::Grid;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A scenario file, standard input (-), or a shipped scenario
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// What is varied, e.g. servers.0.grpc.max_connection_age=1m,5m,30m or servers.0.replicas=5..20:4 (four values) or
    /// clients.0.load.open.rate=100..10000:log5 (at equal ratios); several --vary give all combinations
    #[arg(long = "vary", value_name = "PATH=VALUES", required = true)]
    varies: Vec<String>,
    /// Runs of each cell, over the same seeds
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
    /// Run only the I-th of N parts, counted from 1, for `evenkeel merge`; auto/N takes JOB_COMPLETION_INDEX (Kubernetes) or
    /// SLURM_ARRAY_TASK_ID (Slurm), which count from 0
    #[arg(long, value_name = "I/N")]
    shard: Option<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
pub(super) struct MergeArgs {
    /// Output folders of shards, in any order
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Folder to write to
    #[arg(long, short, value_name = "DIR", default_value = "outputs/sweep")]
    out: PathBuf,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Print nothing but errors
    #[arg(long, short)]
    quiet: bool,
    /// Do not write a PNG file beside the SVG file
    #[arg(long)]
    no_png: bool,
}

pub(super) fn sweep(args: &Args) -> Result<(), Failure> {
    let grid = Grid::parse("--vary", &args.varies)?;
    let shard = args.shard.as_deref().map(|text| super::shard::parse(text, |name| std::env::var(name).ok()));
    let shard = shard.transpose().map_err(Failure::Usage)?;
    let mine = shard.unwrap_or(Shard::WHOLE).cells(grid.cells());
    // Read once: whoever edits the files while it runs changes nothing.
    let document = sources::one(&args.scenario, "a sweep")?.open(&args.common.changes)?;
    let load = |cell: u64| {
        interrupt::look()?;
        let loaded = document.load(&grid.sets(cell));
        loaded.map_err(|wrong| Failure::from(grid.retold(wrong, cell, "--vary", &args.varies)))
    };
    let first = load(0)?;
    refuse_too_many(&first, args.runs, 1, "--runs")?;
    let plan = Plan {
        evenkeel: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: first.model.name.clone(),
        scenario_hash: first.scenario_hash.clone(),
        inputs: document.hash(),
        seed: args.common.seed.unwrap_or(first.model.seed),
        runs: u64::from(args.runs),
        axes: grid.clone(),
    };
    let out = args.common.out.clone().unwrap_or_else(|| PathBuf::from("outputs/sweep"));
    let store = CellStore::below(&out);
    let done = in_pool(args.common.terms.threads, || {
        // All cells are read before the first one runs: a value that is refused is found now, not in an hour.
        let inputs = mine.par_iter().map(|cell| load(*cell).map(|l| (l.scenario_hash, l.files)));
        let inputs = inputs.collect::<Result<Vec<Inputs>, Failure>>()?;
        let writer = begin(&store, &plan, &out)?;
        interrupt::keeps_cells(&out, mine.len());
        run_missing((&store, &writer), &plan, &mine, &inputs, &load, args.common.terms.quiet)
    })??;
    if let (Some(Shard { index, of }), false) = (shard, args.common.terms.quiet) {
        let (i, n, all) = (index + 1, mine.len(), plan.axes.cells());
        let folder = out.display();
        let text = format!("shard {i}/{of}: {n} of {all} cells in {folder}; with all shards: evenkeel merge DIR...\n");
        return terminal::print(&text);
    }
    match shard {
        Some(_) => Ok(()),
        None => finish(&plan, &done, &out, &Printing::of(&args.common, &document)),
    }
}

pub(super) fn merge(args: &MergeArgs) -> Result<(), Failure> {
    let Some(first) = args.folders.first() else { return Err(Failure::Usage("there is nothing to merge".into())) };
    let plan = &plan_in(first)?;
    // One plan is kept: those of a thousand shards with ten thousand cells take much memory.
    let difference = |folder: &PathBuf| plan_in(folder).map(|other| sweep::difference(plan, &other));
    let differences: Vec<Result<Option<String>, Failure>> = args.folders.par_iter().map(difference).collect();
    for (folder, difference) in args.folders.iter().zip(differences) {
        if let Some(what) = difference? {
            let (a, b) = (first.display(), folder.display());
            return Err(Failure::Usage(format!("{a} and {b} are of different sweeps: {what}")));
        }
    }
    same_version(plan)?;
    let all = plan.axes.cells();
    let read = |folder: &PathBuf| Ok((folder.clone(), CellStore::below(folder).cells(plan)?));
    let found = args.folders.par_iter().map(read).collect::<Result<Vec<_>, Failure>>()?;
    let mut merge = Merge::default();
    for (folder, cells) in found {
        for cell in cells {
            merge.add(cell).map_err(|why| Failure::Usage(format!("in {}, {why}", folder.display())))?;
        }
    }
    let missing = |cells: Vec<u64>| {
        let (n, ranges) = (cells.len(), sweep::ranges(&cells));
        Failure::Usage(format!("{n} of {all} cells are missing: {ranges}; run their shards, then merge again"))
    };
    let cells = merge.finish(all).map_err(missing)?;
    let printing = Printing { format: args.format, quiet: args.quiet, png: !args.no_png, caveat: String::new() };
    finish(plan, &cells, &args.out, &printing)
}

/// What is printed, and whether pictures are PNG too.
struct Printing {
    format: Format,
    quiet: bool,
    png: bool,
    /// What stands below the table.
    caveat: String,
}

impl Printing {
    fn of(common: &Common, document: &Document) -> Printing {
        let Common { terms, no_png, .. } = common;
        let caveat = terminal::caveats(document.caveat());
        Printing { format: terms.format, quiet: terms.quiet, png: !no_png, caveat }
    }
}

/// Writes the results and prints them.
fn finish(plan: &Plan, cells: &[Cell], out: &Path, printing: &Printing) -> Result<(), Failure> {
    let sweep = sweep::results(plan, cells);
    // A merge writes what the sweep would have written, to the byte.
    let mut set = interrupt::begin_soon(out, "sweep")?;
    add_files(&mut set, &sweep, cells, printing.png)?;
    interrupt::commit(set)?;
    if printing.quiet {
        return Ok(());
    }
    terminal::print(&match printing.format {
        Format::Table => {
            format!("{}\n{}files in {}\n", render(&sweep, &terminal::style()), printing.caveat, out.display())
        }
        Format::Json => json::text(&sweep),
        Format::Markdown => markdown(&sweep),
    })
}

fn plan_in(folder: &Path) -> Result<Plan, Failure> {
    let none = || Failure::Usage(format!("{} holds no sweep (no cells/plan.json)", folder.display()));
    CellStore::below(folder).plan()?.ok_or_else(none)
}

fn same_version(plan: &Plan) -> Result<(), Failure> {
    let ours = env!("CARGO_PKG_VERSION");
    if plan.evenkeel == ours {
        return Ok(());
    }
    Err(Failure::Usage(format!("this is evenkeel {ours}, and the sweep was made by {}", plan.evenkeel)))
}

/// Makes the folder, or proves that what is there is of the same sweep.
fn begin(store: &CellStore, plan: &Plan, out: &Path) -> Result<CellWriter, Failure> {
    files::examine(out)?;
    let (writer, there) = store.begin(plan)?;
    match sweep::difference(&there, plan) {
        None => Ok(writer),
        Some(what) => {
            let out = out.display();
            Err(Failure::Usage(format!("{out} holds another sweep: {what}; name another folder, or delete it")))
        }
    }
}

/// What a cell is made of: the hash of what its scenario means, and those of the files that it names.
type Inputs = (String, BTreeMap<String, String>);

/// Runs those cells that have no file yet, and returns all of them.
fn run_missing(
    (store, writer): (&CellStore, &CellWriter),
    plan: &Plan,
    cells: &[u64],
    inputs: &[Inputs],
    load: &(dyn Fn(u64) -> Result<Loaded, Failure> + Sync),
    quiet: bool,
) -> Result<Vec<Cell>, Failure> {
    let there = cells.par_iter().map(|cell| Ok(store.cell(plan, *cell)?)).collect::<Result<Vec<_>, Failure>>()?;
    for (cell, (hash, files)) in there.iter().zip(inputs).filter_map(|(cell, inputs)| Some((cell.as_ref()?, inputs))) {
        if cell.scenario_hash != *hash || cell.files != *files {
            let what = format!("cell {} was run with other contents of the files that the scenario names", cell.cell);
            return Err(Failure::Usage(format!("{what}; name another folder")));
        }
    }
    let missing = there.iter().filter(|cell| cell.is_none()).count();
    interrupt::keeps_more_cells(there.len() - missing);
    let progress = Progress::new(missing as u64, None, quiet);
    let watch = |_: u64, _| interrupt::asked();
    let one = |(number, there): (&u64, Option<Cell>)| {
        if let Some(cell) = there {
            return Ok(cell);
        }
        let label = || format!("{}, cell {number} ({})", plan.scenario, plan.axes.label(*number));
        let cell = sweep::run_cell(plan, *number, &load(*number)?, Some(&watch))
            .map_err(|error| Failure::Run(label(), error))?;
        writer.finish(&cell)?;
        interrupt::keeps_more_cells(1);
        progress.one_done();
        Ok(cell)
    };
    let all = cells.par_iter().zip(there).map(one).collect::<Result<Vec<_>, Failure>>();
    progress.finish();
    all
}
