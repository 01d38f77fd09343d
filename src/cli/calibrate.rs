//! `evenkeel calibrate`.

use std::path::PathBuf;

use super::failure::Failure;
use super::prometheus::Server;
use super::run::in_pool;
use super::sources::{self, Changes};
use super::{Format, Terms, interrupt, terminal};
use crate::experiment::calibrate::{CalibrateError, Part, Question, Readings, Series, calibrate as find, read};
use crate::output::{calibrate as output, json};
use crate::printable;
use crate::scenario;
use crate::scenario::diagnostic::quoted;
use crate::scenario::quantity::parse_duration;

/// A file of time series is not larger.
const MOST_BYTES: u64 = 1 << 30;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A scenario or manifests; it begins when the data do
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// What was measured: a file, or a folder of files, with answers of Prometheus to range queries (.json), OpenMetrics (.om) or CSV
    #[arg(long, required_unless_present = "prometheus", value_name = "PATH")]
    from: Vec<PathBuf>,
    #[command(flatten)]
    server: Server,
    /// The part of the data that estimates are made from, counted from the first sample [default: all, or up to --predict]
    #[arg(long, value_name = "FROM..TO", value_parser = part)]
    fit: Option<Part>,
    /// A part of the data that is predicted, and laid beside what was measured then
    #[arg(long, value_name = "FROM..TO", value_parser = part)]
    predict: Option<Part>,
    /// Runs of the prediction
    #[arg(long, value_name = "N", requires = "predict", default_value_t = 200, value_parser = clap::value_parser!(u32).range(20..=100_000))]
    runs: u32,
    /// Folder to write to
    #[arg(long, short, value_name = "DIR", default_value = "outputs/calibrate")]
    out: PathBuf,
    #[command(flatten)]
    changes: Changes,
    #[command(flatten)]
    terms: Terms,
}

pub(super) fn calibrate(args: &Args) -> Result<(), Failure> {
    let document = sources::one(&args.scenario, "calibrate")?.open(&args.changes)?;
    let all = match args.server.series()? {
        Some(all) => all,
        None => series(&args.from)?,
    };
    let readings = Readings::new(&all).map_err(Failure::Usage)?;
    let end = args.predict.map_or(readings.end(), |part| part.from);
    let question = Question {
        document: &document,
        readings: &readings,
        fit: args.fit.unwrap_or(Part { from: 0.0, to: end }),
        predict: args.predict,
        runs: u64::from(args.runs),
    };
    let mut set = interrupt::begin(&args.out, "calibrate")?;
    let watch = |_: u64, _| interrupt::asked();
    let found = in_pool(args.terms.threads, || find(question, Some(&watch)))?.map_err(|error| match error {
        CalibrateError::Scenario(diagnostics) => Failure::Scenario(diagnostics),
        CalibrateError::Question(why) => Failure::Usage(why),
        CalibrateError::Run(error) => Failure::Run("calibrate".to_owned(), error),
    })?;
    let scenario = document.written(&found.sets)?;
    output::add_files(&mut set, &found, &scenario)?;
    interrupt::commit(set)?;
    if args.terms.quiet {
        return Ok(());
    }
    terminal::print(&match args.terms.format {
        Format::Table => {
            format!("{}\nfiles in {}\n", output::render(&found, &terminal::style()), printable::path(&args.out))
        }
        Format::Json => json::text(&found),
        Format::Markdown => output::markdown(&found),
    })
}

/// `0s..10m`
fn part(text: &str) -> Result<Part, String> {
    let (from, to) = text.split_once("..").ok_or("expected two durations, such as 0s..10m")?;
    let seconds = |text: &str| parse_duration(text).map(|span| span.as_secs_f64());
    let part = Part { from: seconds(from)?, to: seconds(to)? };
    if part.from < part.to { Ok(part) } else { Err("it ends before it begins".to_owned()) }
}

/// All series of files, and of the files in folders.
fn series(paths: &[PathBuf]) -> Result<Vec<Series>, Failure> {
    let has_series = |path: &PathBuf| ["json", "om", "csv"].iter().any(|e| path.extension() == Some(e.as_ref()));
    let mut all = Vec::new();
    for path in paths {
        let files = match path.is_dir() {
            true => sources::entries(path)?.into_iter().filter(has_series).collect(),
            false => vec![path.clone()],
        };
        if files.is_empty() {
            let folder = quoted(&printable::path(path));
            return Err(Failure::Usage(format!("there are no files .json, .om or .csv in {folder}")));
        }
        for file in files {
            interrupt::look()?;
            let text = scenario::read_text(&file, MOST_BYTES)?;
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            let wrong = |why| Failure::Usage(format!("{}: {why}", quoted(&printable::path(&file))));
            all.extend(read(&stem, &text).map_err(wrong)?);
        }
    }
    Ok(all)
}
