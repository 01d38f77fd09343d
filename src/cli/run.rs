//! `evenkeel run` and `evenkeel validate`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::BufWriter;
use std::path::PathBuf;

use rayon::prelude::*;

use super::cures::{self, cures};
use super::failure::Failure;
use super::terminal::{self, Progress};
use super::{Common, Format, sources};
use super::{interrupt, metrics};
use crate::experiment::{Replicates, Taps, most_runs, replicate};
use crate::metrics::outcome::ConnectionRow;
use crate::observe::ConnectionSink;
use crate::observe::scrape::Scrapes;
use crate::output::files::FileSet;
use crate::output::table::{self, Header};
use crate::output::{self, OutputError, WriteOptions, csv, json, markdown};
use crate::printable;
use crate::scenario::Loaded;
use crate::scenario::document::Document;
use crate::scenario::effective::Origin;
use crate::sim::Observer;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Scenario files, folders of them, standard input (-), or shipped scenarios such as blog/rolling-restart
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Runs with seeds N, N+1, …; more than one gives confidence intervals
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
    #[command(flatten)]
    asked: cures::Asked,
    #[command(flatten)]
    metrics: metrics::Wanted,
    /// Write nothing, and print the result only
    #[arg(long, conflicts_with_all = ["out", "no_png"])]
    no_files: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
pub(super) struct ValidateArgs {
    /// Scenario files, folders of them, standard input (-), or shipped scenarios
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<String>,
    #[command(flatten)]
    changes: sources::Changes,
}

pub(super) fn validate(args: &ValidateArgs) -> Result<(), Failure> {
    let loaded = sources::with_documents(&args.scenarios, &args.changes)?;
    let caveat = |document: &Document| document.caveat().map_or_else(String::new, |caveat| format!("  {caveat}\n"));
    let lines: Vec<String> =
        loaded.iter().map(|(document, l)| format!("{}: valid\n{}", l.model.name, caveat(document))).collect();
    terminal::print(&lines.concat())
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (documents, loaded): (Vec<Document>, Vec<Loaded>) =
        sources::with_documents(&args.scenarios, &args.common.changes)?.into_iter().unzip();
    refuse_same_names(&loaded)?;
    loaded.iter().try_for_each(|scenario| refuse_too_many(scenario, args.runs, 1, "--runs"))?;
    let mut unwritable = None;
    let sets = places(&loaded, args, &mut unwritable)?;
    let mut printed = Vec::new();
    let mut unmet = Vec::new();
    for ((scenario, document), mut set) in loaded.iter().zip(&documents).zip(sets) {
        let (mut replicates, scrapes) = run_one(scenario, args, set.as_mut())?;
        replicates.first.summary.cures = cures(args.asked, document, &replicates.first, args.common.terms)?;
        let folder = set.map(|set| write(set, scenario, (&replicates, scrapes), args)).transpose();
        let folder = folder.or_else(|failure| keep_machine(failure, &mut unwritable))?;
        unmet.extend(unmet_expectations(&replicates));
        printed.push(match args.common.terms.format {
            Format::Table => table::render(&replicates.first, &header(document, scenario, folder), &terminal::style()),
            Format::Json => json::summary(&replicates.first.summary),
            Format::Markdown => markdown::render(&replicates.first),
        });
        if args.common.terms.format != Format::Json && !args.common.terms.quiet {
            terminal::print(&printed.drain(..).map(|text| text + "\n").collect::<String>())?;
        }
    }
    if args.common.terms.format == Format::Json && !args.common.terms.quiet {
        let one = printed.len() == 1;
        terminal::print(&if one { printed.concat() } else { format!("[\n{}\n]\n", printed.join(",\n")) })?;
    }
    let unmet = if unmet.is_empty() { Ok(()) } else { Err(Failure::Unmet(unmet.join("\n"))) };
    match (unwritable, &unmet) {
        (None, _) => unmet,
        (Some(failure), Ok(())) => Err(failure),
        (Some(failure), Err(unmet)) => {
            let _ = unmet.report();
            Err(failure)
        }
    }
}

/// Where the files of each scenario go; `None`: nowhere. Folders are made and proved writable before the first run; what the machine refuses
/// is kept to be said at the end, since the runs can be printed all the same.
fn places(loaded: &[Loaded], args: &Args, unwritable: &mut Option<Failure>) -> Result<Vec<Option<FileSet>>, Failure> {
    if args.no_files {
        return Ok(loaded.iter().map(|_| None).collect());
    }
    let begin = |folder: PathBuf| {
        interrupt::begin(&folder, "run").map(Some).or_else(|failure| keep_machine(failure, unwritable))
    };
    folders(loaded, args).into_iter().map(begin).collect()
}

/// Keeps the first failure of the machine, and passes on others.
fn keep_machine<T>(failure: Failure, kept: &mut Option<Failure>) -> Result<Option<T>, Failure> {
    match &failure {
        Failure::Output(error) if error.is_machine() => {
            kept.get_or_insert(failure);
            Ok(None)
        }
        _ => Err(failure),
    }
}

/// Writes all files of a scenario, and returns their folder.
fn write(
    mut set: FileSet,
    scenario: &Loaded,
    (replicates, scrapes): (&Replicates, Option<Scrapes>),
    args: &Args,
) -> Result<String, Failure> {
    let folder = printable::path(set.target());
    let runs = if args.runs > 1 { &replicates.summaries[..] } else { &[] };
    let options = WriteOptions { connections: false, png: !args.common.no_png, runs, ..WriteOptions::default() };
    if let Some(scrapes) = scrapes {
        args.metrics.write(&mut set, &scrapes, &scenario.model)?;
    }
    output::add_run(&mut set, &replicates.first, &options)?;
    interrupt::commit(set)?;
    Ok(folder)
}

/// Also returns what is to be written of run 0 beside its outcome.
fn run_one(
    scenario: &Loaded,
    args: &Args,
    set: Option<&mut FileSet>,
) -> Result<(Replicates, Option<Scrapes>), Failure> {
    let seed = args.common.seed.unwrap_or(scenario.model.seed);
    let runs = u64::from(args.runs);
    let progress = Progress::new(runs, scenario.model.duration, args.common.terms.quiet);
    let watch = |run_seed: u64, at| progress.reached(run_seed.wrapping_sub(seed), at);
    let mut scraper = args.metrics.scraper(&scenario.model)?;
    let mut simulate = |connections: ConnectionSink<'_>| {
        let beside = scraper.as_mut().map(|scraper| scraper as &mut (dyn Observer + Send));
        let taps = Taps { connections, beside };
        in_pool(args.common.terms.threads, || replicate(scenario, seed, runs, taps, Some(&watch)))
    };
    let done = match set {
        Some(set) => with_connections(set, &mut simulate)??,
        None => simulate(ConnectionSink::Discard)?,
    };
    progress.finish();
    let done = done.map_err(|error| Failure::Run(scenario.model.name.clone(), error))?;
    Ok((done, args.metrics.scrapes(scraper, &scenario.model)?))
}

/// Runs `f`, which sends connections as they end to a sink that writes `connections.csv`.
pub(super) fn with_connections<T>(set: &mut FileSet, f: impl FnOnce(ConnectionSink<'_>) -> T) -> Result<T, Failure> {
    const NAME: &str = "connections.csv";
    let path = set.target().join(NAME);
    let mut file = csv::Connections::new(BufWriter::new(set.open(NAME)?));
    let mut sink = |row: ConnectionRow| {
        // After the first error nothing more is written; it is said at the end.
        if let Ok(csv) = &mut file
            && let Err(error) = csv.add(&row)
        {
            file = Err(error);
        }
    };
    let done = f(ConnectionSink::Stream(Box::new(&mut sink)));
    file.and_then(csv::Connections::finish).map_err(|error| OutputError::writing(&path, error))?;
    Ok(done)
}

/// Runs of one of this many scenarios whose summaries would not fit into memory are refused before the first one.
pub(super) fn refuse_too_many(scenario: &Loaded, runs: u32, of: usize, option: &str) -> Result<(), Failure> {
    let most = most_runs(scenario) / of.max(1) as u64;
    if u64::from(runs) <= most {
        return Ok(());
    }
    let name = &scenario.model.name;
    Err(Failure::Usage(format!(
        "{name}: {option} {runs} would need more than 1.5 GB for the runs' figures, pod by pod; the most is {most}"
    )))
}

/// Runs `f` with this many threads.
pub(super) fn in_pool<T: Send>(threads: Option<u16>, f: impl FnOnce() -> T + Send) -> Result<T, Failure> {
    let Some(threads) = threads else { return Ok(f()) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build();
    Ok(pool.map_err(|error| Failure::Machine(format!("cannot start threads: {error}")))?.install(f))
}

/// Two scenarios of one name would write to one folder.
pub(super) fn refuse_same_names(loaded: &[Loaded]) -> Result<(), Failure> {
    let mut names = BTreeSet::new();
    match loaded.iter().find(|l| !names.insert(&l.model.name)) {
        None => Ok(()),
        Some(twice) => {
            let name = &twice.model.name;
            Err(Failure::Usage(format!("two of the scenarios are called `{name}`; their outputs would mix")))
        }
    }
}

fn folders(loaded: &[Loaded], args: &Args) -> Vec<PathBuf> {
    let alone = loaded.len() == 1;
    let of = |l: &Loaded| match &args.common.out {
        Some(out) if alone => out.clone(),
        Some(out) => out.join(&l.model.name),
        None => PathBuf::from("outputs").join(&l.model.name),
    };
    loaded.iter().map(of).collect()
}

/// What stands above the table: the assumptions in force.
pub(super) fn header(document: &Document, scenario: &Loaded, folder: Option<String>) -> Header {
    let assumed = scenario.effective.iter().filter(|v| v.origin == Origin::Assumption);
    let assumptions = assumed.map(|v| (v.path.clone(), v.value.clone())).collect();
    Header { assumptions, caveat: document.caveat(), folder }
}

/// A line for each expectation that some run does not meet.
pub(super) fn unmet_expectations(replicates: &Replicates) -> Vec<String> {
    let first = &replicates.first.summary;
    let n = replicates.summaries.len();
    let line = |i: usize| {
        let unmet: Vec<_> = replicates.summaries.par_iter().filter(|s| !s.expectations[i].met).collect();
        let value = unmet.first()?.expectations[i].value;
        let mut text = format!("{}: expected {}", first.scenario, first.expectations[i].text);
        let _ = match value {
            Some(value) => write!(text, ", got {value}"),
            None => write!(text, ", but it has no value"),
        };
        if n > 1 {
            let _ = write!(text, " (not met in {} of {n} runs)", unmet.len());
        }
        Some(text)
    };
    (0..first.expectations.len()).filter_map(line).collect()
}
