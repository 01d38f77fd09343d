//! `evenkeel check`.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::interrupt;
use super::run::in_pool;
use super::terminal::{self, Progress};
use super::{Format, Terms};
use crate::experiment::check::{self as experiment, CheckError, Checked, Done, Effort, Fate, Report};
use crate::output::check as output;
use crate::output::json;
use crate::printable;
use crate::scenario::diagnostic::{nearest, quoted};
use crate::scenario::property::{self, Property};
use crate::shipped;

/// Seeds of runs count up from it, and are whole numbers of 64 bits.
const LARGEST_SEED: u64 = 1 << 62;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files of properties, folders of them, or shipped ones such as folklore
    #[arg(required = true, value_name = "PROPERTIES")]
    properties: Vec<String>,
    /// Check the property of this name only; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// The most scenarios to try against each property; the first is the scenario as written
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    cases: u32,
    /// The most runs of each scenario [default: 3 for a claim that holds `always`, otherwise 200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    runs: Option<u32>,
    /// Seed of the scenarios and their runs
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=LARGEST_SEED))]
    seed: u64,
    /// Folder to write to
    #[arg(long, short, value_name = "DIR", default_value = "outputs/check")]
    out: PathBuf,
    #[command(flatten)]
    terms: Terms,
}

pub(super) fn check(args: &Args) -> Result<(), Failure> {
    let mut properties = load_all(&args.properties)?;
    pick(&mut properties, &args.only)?;
    refuse_same_names(&properties)?;
    let mut set = interrupt::begin(&args.out, "check")?;
    let effort = Effort { cases: u64::from(args.cases), runs: args.runs.map(u64::from), seed: args.seed };
    let progress = Progress::new(effort.cases * properties.len() as u64, None, args.terms.quiet);
    let watch = |_: u64, _| interrupt::asked();
    let one = |property: &Property| {
        experiment::check(property, &effort, Some(&watch), &|| progress.one_done())
            .map_err(|error| failure(&property.name, error))
    };
    let done: Vec<Done> = in_pool(args.terms.threads, || properties.iter().map(one).collect::<Result<_, _>>())??;
    progress.finish();
    let (checked, files): (Vec<_>, Vec<_>) = done.into_iter().map(|d| (d.checked, d.files)).unzip();
    let evenkeel = env!("CARGO_PKG_VERSION").to_owned();
    let report = Report { evenkeel, seed: effort.seed, cases: effort.cases, properties: checked };
    output::add_files(&mut set, &report, &files.concat())?;
    interrupt::commit(set)?;
    if !args.terms.quiet {
        let folder = printable::path(&args.out);
        terminal::print(&match args.terms.format {
            Format::Table => format!("{}files in {folder}\n", output::render(&report, &folder, &terminal::style())),
            Format::Json => json::text(&report),
            Format::Markdown => output::markdown(&report, &folder),
        })?;
    }
    unexpected(&report)
}

/// What is not as expected is a failure.
fn unexpected(report: &Report) -> Result<(), Failure> {
    let line = |checked: &Checked| {
        let what = match checked.outcome {
            Fate::Holds => "was expected to be refuted, and was not",
            Fate::Refuted => "is refuted",
        };
        (!checked.is_as_expected()).then(|| format!("{}: {what}", checked.name))
    };
    let lines: Vec<String> = report.properties.iter().filter_map(line).collect();
    if lines.is_empty() { Ok(()) } else { Err(Failure::Unmet(lines.join("\n"))) }
}

fn failure(name: &str, error: CheckError) -> Failure {
    match error {
        CheckError::NoScenario(diagnostics) => Failure::Scenario(diagnostics),
        CheckError::Run(error) => Failure::Run(name.to_owned(), error),
        CheckError::TooFewRuns(runs) => Failure::Usage(format!(
            "{name}: {runs} runs of each scenario are too few to refute the claim at its level; use more --runs, fewer --cases, \
             or a higher level"
        )),
        CheckError::Silent => Failure::Usage(format!(
            "{name}: no run has a value of the figures that the claim compares, so it says nothing"
        )),
    }
}

/// All properties of all arguments: files, folders of files, or shipped ones. What exists wins over what ships.
fn load_all(arguments: &[String]) -> Result<Vec<Property>, Failure> {
    let mut all = Vec::new();
    for argument in arguments {
        let path = Path::new(argument);
        if path.is_dir() {
            for file in super::sources::files_in(path)? {
                all.extend(property::open(&file)?);
            }
            continue;
        }
        let bare = argument.trim_end_matches(".yaml");
        match shipped::properties().into_iter().find(|s| s.name == bare).filter(|_| !path.exists()) {
            Some(s) => all.extend(property::parse(s.name, s.text, None)?),
            None if path.exists() => all.extend(property::open(path)?),
            None => {
                let shipped = shipped::properties();
                let names: Vec<&str> = shipped.iter().map(|s| s.name).collect();
                let hint = nearest(argument, names.iter().copied()).map_or_else(
                    || format!("; shipped properties: {}", names.join(", ")),
                    |n| format!("; did you mean `{n}`?"),
                );
                return Err(Failure::Usage(format!("there is no file {}{hint}", quoted(argument))));
            }
        }
    }
    Ok(all)
}

/// Keeps those that are named.
fn pick(properties: &mut Vec<Property>, only: &[String]) -> Result<(), Failure> {
    for name in only {
        if !properties.iter().any(|p| p.name == *name) {
            let hint = nearest(name, properties.iter().map(|p| p.name.as_str()));
            let hint = hint.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(Failure::Usage(format!("there is no property {}{hint}", quoted(name))));
        }
    }
    if !only.is_empty() {
        properties.retain(|p| only.contains(&p.name));
    }
    Ok(())
}

/// Two properties of one name would write to one file.
fn refuse_same_names(properties: &[Property]) -> Result<(), Failure> {
    let twice = properties.iter().enumerate().find(|(i, p)| properties[..*i].iter().any(|other| other.name == p.name));
    match twice {
        None => Ok(()),
        Some((_, p)) => {
            Err(Failure::Usage(format!("two of the properties are called `{}`; their files would mix", p.name)))
        }
    }
}
