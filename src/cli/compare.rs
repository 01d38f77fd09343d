//! `evenkeel compare`.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::failure::Failure;
use super::run::{in_pool, refuse_same_names, unmet_expectations, with_connections};
use super::terminal::{self, Progress};
use super::{Common, Format, sources};
use crate::experiment::{self, Replicates, Side, replicate};
use crate::output::compare::Comparison;
use crate::output::files::FileSet;
use crate::output::plot::pod_shares;
use crate::output::{self, WriteOptions, compare};
use crate::scenario::Loaded;
use crate::scenario::diagnostic::nearest;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Scenario files, folders of them, or shipped scenarios such as blog
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Name of the scenario that the others are compared with [default: the first one]
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,
    /// Runs of each scenario, over the same seeds
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
    #[command(flatten)]
    common: Common,
}

pub fn compare(args: &Args) -> Result<(), Failure> {
    let mut loaded = sources::load_all(&args.scenarios, &args.common.sets)?;
    refuse_same_names(&loaded)?;
    if let Some(name) = &args.baseline {
        put_first(&mut loaded, name)?;
    }
    let Some(first) = loaded.first() else { return Err(Failure::Usage("there is no scenario to compare".into())) };
    terminal::catch_interrupts()?;
    let seed = args.common.seed.unwrap_or(first.model.seed);
    let folder = args.common.out.clone().unwrap_or_else(|| PathBuf::from("outputs/compare"));
    let mut whole = FileSet::begin(&folder)?;
    let folders = loaded.iter().map(|l| FileSet::begin(&folder.join(&l.model.name)));
    let folders: Vec<FileSet> = folders.collect::<Result<_, _>>()?;

    let (results, folders) = run_all(&loaded, folders, seed, args)?;
    let sides: Vec<Side<'_>> = results.iter().map(|runs| Side { seed, runs }).collect();
    let comparison = experiment::compare(&sides);
    for (mut set, result) in folders.into_iter().zip(&results) {
        let runs = if args.runs > 1 { &result.summaries[..] } else { &[] };
        let options = WriteOptions { connections: false, png: !args.common.no_png, runs, ..WriteOptions::default() };
        output::add_run(&mut set, &result.first, &options)?;
        set.commit()?;
    }
    let shares: Vec<_> = results.iter().map(|r| pod_shares(&r.first)).collect();
    compare::add_files(&mut whole, &comparison, &shares, !args.common.no_png)?;
    whole.commit()?;
    if !args.common.quiet {
        print(&comparison, args, &folder)?;
    }
    let unmet: Vec<String> = results.iter().flat_map(unmet_expectations).collect();
    if unmet.is_empty() { Ok(()) } else { Err(Failure::Unmet(unmet.join("\n"))) }
}

/// Makes the scenario of this name the first one; the others keep their order.
fn put_first(loaded: &mut [Loaded], name: &str) -> Result<(), Failure> {
    let Some(at) = loaded.iter().position(|l| l.model.name == name) else {
        let names: Vec<&str> = loaded.iter().map(|l| l.model.name.as_str()).collect();
        let help = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", names.join(", ")),
        };
        return Err(Failure::Usage(format!("none of the scenarios is called `{name}`; {help}")));
    };
    loaded[..=at].rotate_right(1);
    Ok(())
}

fn print(comparison: &Comparison, args: &Args, folder: &Path) -> Result<(), Failure> {
    let mut text = match args.common.format {
        Format::Table => compare::render(comparison, &terminal::style()),
        Format::Json => serde_json::to_string_pretty(comparison).unwrap_or_default() + "\n",
        Format::Markdown => compare::markdown(comparison),
    };
    if args.common.format == Format::Table {
        text.push_str(&format!("\nfiles in {}\n", folder.display()));
    }
    terminal::print(&text)
}

/// Runs every scenario with every seed, on all threads.
fn run_all(
    loaded: &[Loaded],
    folders: Vec<FileSet>,
    seed: u64,
    args: &Args,
) -> Result<(Vec<Replicates>, Vec<FileSet>), Failure> {
    let runs = u64::from(args.runs);
    let progress = Progress::new(loaded.len() as u64, None, args.common.quiet);
    let one = |(scenario, mut set): (&Loaded, FileSet)| {
        let watch = |_: u64, _| terminal::interrupted();
        let done = with_connections(&mut set, |sink| replicate(scenario, seed, runs, sink, Some(&watch)))?;
        progress.one_done();
        match done {
            Ok(replicates) => Ok((replicates, set)),
            Err(error) => Err(Failure::Run(scenario.model.name.clone(), error)),
        }
    };
    let all = || loaded.par_iter().zip(folders).map(one).collect::<Result<Vec<_>, Failure>>();
    let results = in_pool(args.common.threads, all)?;
    progress.finish();
    Ok(results?.into_iter().unzip())
}
