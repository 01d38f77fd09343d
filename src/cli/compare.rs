//! `evenkeel compare`.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::failure::Failure;
use super::interrupt;
use super::run::{in_pool, refuse_too_many, unmet_expectations, with_connections};
use super::terminal::{self, Progress};
use super::variants::{self, Variant};
use super::{Common, Format};
use crate::experiment::compare::{Comparison, Reached};
use crate::experiment::until::{FEWEST, next_look};
use crate::experiment::{self, FailOn, Replicates, Side, Until, replicate};
use crate::output::files::FileSet;
use crate::output::{self, WriteOptions, compare, json};
use crate::printable;
use crate::scenario::Loaded;
use crate::scenario::diagnostic::{nearest, quoted};
use crate::units::Time;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Scenario files, folders of them, or shipped scenarios such as blog
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Compare the variants of each scenario that these values give, e.g. servers.0.grpc.max_connection_age=1m,5m,30m or
    /// servers.0.replicas=5..20:4 (four values) or clients.0.load.open.rate=100..10000:log5 (at equal ratios); several --vary give
    /// all combinations
    #[arg(long = "vary", value_name = "PATH=VALUES")]
    varies: Vec<String>,
    /// Name of the scenario or variant that the others are compared with [default: the first one]
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,
    /// Runs of each scenario, over the same seeds; with --until, the initial number, at least 10
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
    /// Run until the half-width of the 95 % confidence interval of a figure's mean is at most this in every scenario,
    /// e.g. 'max_over_mean ± 2%' (or +-)
    #[arg(long, value_name = "FIGURE±WIDTH")]
    until: Option<String>,
    /// The most runs of each scenario with --until; if they do not reach it, the exit status is 1
    #[arg(long, value_name = "N", default_value_t = 1_000, requires = "until", value_parser = clap::value_parser!(u32).range(2..=100_000))]
    max_runs: u32,
    /// Exit with status 1 if any figure of the tables (or only FIGURE) is worse than in the first scenario of the same load, or has no
    /// value any more: worse, or worse:FIGURE
    #[arg(long = "fail-on", value_name = "worse[:FIGURE]")]
    fail_on: Vec<String>,
    /// The smallest difference of a figure that matters: a number in its unit, a duration, or a percentage of the baseline's value, e.g.
    /// max_over_mean=0.2 or latency.p99=5ms or throughput_rps=2% [default: docs/compare.md]
    #[arg(long = "size", value_name = "FIGURE=VALUE")]
    sizes: Vec<String>,
    #[command(flatten)]
    common: Common,
}

pub(super) fn compare(args: &Args) -> Result<(), Failure> {
    let until = args.until.as_deref().map(Until::parse).transpose()?;
    let guards = args.fail_on.iter().map(|text| FailOn::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let sizes = experiment::guard::sizes(&args.sizes)?;
    if args.runs < 2 && until.is_none() && !guards.is_empty() {
        return Err(Failure::Usage("--fail-on needs several runs: with one, no difference can be shown".into()));
    }
    let mut loaded = variants::load_all(&args.scenarios, &args.common.changes, &args.varies)?;
    if let Some(name) = &args.baseline {
        put_first(&mut loaded, name)?;
    }
    if let Some(until) = &until {
        loaded.iter().try_for_each(|l| until.fits(&l.scenario.model))?;
    }
    let Some(first) = loaded.first() else { return Err(Failure::Usage("there is no scenario to compare".into())) };
    let (most, option) = if until.is_some() { (args.max_runs, "--max-runs") } else { (args.runs, "--runs") };
    loaded.iter().try_for_each(|variant| refuse_too_many(&variant.scenario, most, loaded.len(), option))?;
    let seed = args.common.seed.unwrap_or(first.scenario.model.seed);
    let folder = args.common.out.clone().unwrap_or_else(|| PathBuf::from("outputs/compare"));
    let mut whole = interrupt::begin(&folder, "compare")?;
    let folders = loaded.iter().map(|l| interrupt::begin(&folder.join(&l.folder), "compare"));
    let folders: Vec<FileSet> = folders.collect::<Result<_, _>>()?;

    let (mut results, mut folders) = run_all(&loaded, folders, seed, args)?;
    let reached = match &until {
        None => None,
        Some(until) => Some(Reached { text: until.text.clone(), reached: run_on(until, &loaded, &mut results, args)? }),
    };
    let sides = results.iter().zip(&loaded).map(|(runs, of)| Side { seed, model: &of.scenario.model, runs });
    let mut comparison = Comparison { until: reached, ..experiment::compare(&sides.collect::<Vec<_>>(), &sizes) };
    comparison.failures = FailOn::failures(&guards, &comparison);
    for (set, result) in folders.iter_mut().zip(&results) {
        let runs = if result.summaries.len() > 1 { &result.summaries[..] } else { &[] };
        let options = WriteOptions { connections: false, png: !args.common.no_png, runs, ..WriteOptions::default() };
        output::add_run(set, &result.first, &options)?;
    }
    compare::add_files(&mut whole, &comparison, !args.common.no_png)?;
    interrupt::commit_with(whole, folders)?;
    if !args.common.terms.quiet {
        print(&comparison, args, &folder, &loaded)?;
    }
    let mut unmet: Vec<String> = results.iter().flat_map(unmet_expectations).collect();
    unmet.extend(comparison.failures.iter().cloned());
    if let Some(Reached { text, reached: false }) = &comparison.until {
        unmet.push(format!("{text} is not reached after {} runs of each", comparison.runs));
    }
    if unmet.is_empty() { Ok(()) } else { Err(Failure::Unmet(unmet.join("\n"))) }
}

/// Adds runs until the figure is known well enough; returns false if that takes more than `--max-runs`.
fn run_on(until: &Until, loaded: &[Variant], results: &mut [Replicates], args: &Args) -> Result<bool, Failure> {
    let most = u64::from(args.max_runs);
    loop {
        let runs = results.first().map_or(0, |r| r.summaries.len() as u64);
        if until.met_by_all(results) {
            return Ok(true);
        }
        if runs >= most {
            return Ok(false);
        }
        let more = next_look(runs, most) - runs;
        let progress = Progress::new(loaded.len() as u64 * more, None, args.common.terms.quiet);
        let one = |(i, (variant, result)): (usize, (&Variant, &mut Replicates))| {
            let first = result.first.summary.seed.wrapping_add(runs);
            let watch = watching(&progress, &variant.scenario, i as u64 * more, first);
            let done = result.extend(&variant.scenario, runs + more, Some(&watch));
            done.map_err(|error| Failure::Run(variant.scenario.model.name.clone(), error))
        };
        in_pool(args.common.terms.threads, || {
            loaded.par_iter().zip(results.par_iter_mut()).enumerate().map(one).collect::<Result<(), Failure>>()
        })??;
        progress.finish();
    }
}

/// Tells the progress of the runs of one scenario, the first of which has this place and seed.
fn watching(progress: &Progress, scenario: &Loaded, place: u64, seed: u64) -> impl Fn(u64, Time) -> bool + Sync {
    let length = scenario.model.duration;
    move |run_seed, at| progress.reached_of(place.wrapping_add(run_seed.wrapping_sub(seed)), length, at)
}

/// Makes the scenario of this name the first one; the others keep their order.
fn put_first(loaded: &mut [Variant], name: &str) -> Result<(), Failure> {
    let names: Vec<&str> = loaded.iter().map(|l| l.scenario.model.name.as_str()).collect();
    let Some(at) = names.iter().position(|known| *known == name) else {
        let help = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", names.join(", ")),
        };
        return Err(Failure::Usage(format!("none of the scenarios is called {}; {help}", quoted(name))));
    };
    loaded[..=at].rotate_right(1);
    Ok(())
}

fn print(comparison: &Comparison, args: &Args, folder: &Path, loaded: &[Variant]) -> Result<(), Failure> {
    let mut text = match args.common.terms.format {
        Format::Table => compare::render(comparison, &terminal::style()),
        Format::Json => json::text(comparison),
        Format::Markdown => compare::markdown(comparison),
    };
    if args.common.terms.format == Format::Table {
        text.push_str(&terminal::caveats(loaded.iter().filter_map(|variant| variant.caveat.clone())));
        text.push_str(&files(folder, loaded));
    }
    terminal::print(&text)
}

/// Where to look next.
fn files(folder: &Path, loaded: &[Variant]) -> String {
    let which = match loaded {
        [one] => &one.folder,
        _ => "*",
    };
    let text = [
        format!("\nfiles in {}:", printable::path(folder)),
        "  compare.svg    the shares side by side".to_owned(),
        "  compare.md     all tables, differences and verdicts".to_owned(),
        format!("  {which}/traffic.svg and others: what happened when, in run 0"),
    ];
    text.join("\n") + "\n"
}

/// Runs every scenario with every seed, on all threads.
fn run_all(
    loaded: &[Variant],
    folders: Vec<FileSet>,
    seed: u64,
    args: &Args,
) -> Result<(Vec<Replicates>, Vec<FileSet>), Failure> {
    let runs = match &args.until {
        Some(_) => u64::from(args.runs).max(FEWEST).min(u64::from(args.max_runs)),
        None => u64::from(args.runs),
    };
    let progress = Progress::new(loaded.len() as u64 * runs, None, args.common.terms.quiet);
    let one = |(i, (Variant { scenario, .. }, mut set)): (usize, (&Variant, FileSet))| {
        let watch = watching(&progress, scenario, i as u64 * runs, seed);
        let done = with_connections(&mut set, |sink| replicate(scenario, seed, runs, sink, Some(&watch)))?;
        match done {
            Ok(replicates) => Ok((replicates, set)),
            Err(error) => Err(Failure::Run(scenario.model.name.clone(), error)),
        }
    };
    let all = || loaded.par_iter().zip(folders).enumerate().map(one).collect::<Result<Vec<_>, Failure>>();
    let results = in_pool(args.common.terms.threads, all)?;
    progress.finish();
    Ok(results?.into_iter().unzip())
}
