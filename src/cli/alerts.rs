//! `evenkeel alerts`.

mod guarded;
mod programs;
mod scratch;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use rayon::prelude::*;

use super::failure::Failure;
use super::metrics::interval;
use super::run::{in_pool, refuse_same_names};
use super::sources::{self, Changes};
use super::terminal::{self, Progress};
use super::{Format, Terms, interrupt};
use crate::experiment::alerts::{Criterion, Evaluations, Measured, Skew, by_labels, recorded, report, rounds};
use crate::experiment::calibrate::{Labels, Series, answers};
use crate::experiment::{Taps, run_into};
use crate::observe::ConnectionSink;
use crate::observe::scrape::{Scraper, is_too_much};
use crate::output::{alerts as output, json, openmetrics};
use crate::scenario::alerts::{Alert, Rule, RuleFile, open};
use crate::scenario::document::Document;
use crate::scenario::{Loaded, quantity};
use crate::units::Span;
use crate::words::duration;
use programs::Programs;
use scratch::Scratch;
use server::Server;

/// When the first run begins for Prometheus, in milliseconds since 1970: 1980, so that all runs of a command lie in the past.
const START_MS: u64 = 315_532_800_000;
/// From one run to the next: 30 days, which is as long as a run can be, and 40 more, so that no range of a query reaches back into another run.
const APART_MS: u64 = 70 * 24 * 3_600_000;

/// Windows end when Prometheus reads, and are fine enough to tell since when a pod is Ready.
const WINDOWS_PER_SCRAPE: u64 = 5;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Alerts: a rule file of Prometheus, or a manifest of a PrometheusRule
    #[arg(value_name = "RULES")]
    rules: PathBuf,
    /// Scenario files, folders of them, standard input (-), or shipped scenarios such as blog/rolling-restart
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Folder of the programs prometheus and promtool [default: they are looked for in PATH]
    #[arg(long, value_name = "DIR")]
    prometheus_dir: Option<PathBuf>,
    /// From one evaluation of the rules to the next, of groups without an interval; 1m is the default of Prometheus
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = interval)]
    evaluation_interval: Span,
    /// From one reading of the pods to the next
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = interval)]
    scrape_interval: Span,
    /// What counts as skew: the busiest Ready pod gets so many times the mean. At 1.5 times it is full when the mean utilization is
    /// 67 %
    #[arg(long, value_name = "NUMBER", default_value = "1.5", value_parser = over)]
    skew: f64,
    /// The shortest skew that counts: what evens out sooner, as most rollouts do, is not worth an alert
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = interval)]
    skew_for: Span,
    /// Seed of the runs, instead of the scenarios'
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    changes: Changes,
    #[command(flatten)]
    terms: Terms,
}

/// By label set: the evaluations at which a series was there.
type Present = BTreeMap<Labels, BTreeSet<u64>>;

/// A run that Prometheus knows.
struct Run {
    seed: u64,
    end_s: f64,
    skew: Skew,
    /// When it began, in milliseconds since 1970.
    start_ms: u64,
}

pub(crate) fn alerts(args: &Args) -> Result<(), Failure> {
    let file = open(&args.rules)?;
    let (documents, mut loaded): (Vec<Document>, Vec<Loaded>) =
        sources::with_documents(&args.scenarios, &args.changes)?.into_iter().unzip();
    refuse_same_names(&loaded)?;
    for scenario in &mut loaded {
        scenario.model.window = Some(Span(args.scrape_interval.0 / WINDOWS_PER_SCRAPE));
    }
    let rounds = rounds(&file).map_err(|rule| wrong(rule, "it uses, perhaps through other rules, what it records"))?;
    let programs = Programs::find(args.prometheus_dir.as_deref())?;
    let scratch = Scratch::new()?;
    programs.check(&file, &scratch)?;
    let runs = simulate(&loaded, args, &programs, &scratch)?;
    for round in &rounds {
        record(round, &runs, args, &programs, &scratch)?;
    }
    let answers = ask(&file, &runs, args, &programs, &scratch)?;
    let measured = loaded.iter().zip(runs).zip(answers).map(|((loaded, run), answers)| {
        let Run { seed, end_s, skew, .. } = run;
        Measured { scenario: loaded.model.name.clone(), seed, end_s, skew, answers }
    });
    let report = report(&file, criterion(args), args.evaluation_interval, measured.collect());
    if args.terms.quiet {
        return Ok(());
    }
    let caveats = || terminal::caveats(documents.iter().filter_map(Document::caveat));
    terminal::print(&match args.terms.format {
        Format::Table => output::render(&report, &terminal::style()) + &caveats(),
        Format::Json => json::text(&report),
        Format::Markdown => output::markdown(&report),
    })
}

fn criterion(args: &Args) -> Criterion {
    Criterion {
        max_over_mean: args.skew,
        lasts_s: args.skew_for.as_secs_f64(),
        resolution_s: args.scrape_interval.as_secs_f64(),
    }
}

/// A number above 1.
fn over(text: &str) -> Result<f64, String> {
    quantity::parse_number(text).filter(|over| *over > 1.0).ok_or_else(|| "expected a number above 1".to_owned())
}

/// What is wrong with a rule.
fn wrong(rule: &Rule, why: &str) -> Failure {
    Failure::Usage(format!("{}: {}: {why}", rule.position, rule.name))
}

/// Runs the scenarios, and has promtool make blocks of what they export.
fn simulate(loaded: &[Loaded], args: &Args, programs: &Programs, scratch: &Scratch) -> Result<Vec<Run>, Failure> {
    let too_much = |scenario: &Loaded| {
        let (name, interval) = (&scenario.model.name, args.scrape_interval);
        Failure::Usage(format!("{name}: there is too much to read every {interval}; set a longer --scrape-interval"))
    };
    if let Some(scenario) = loaded.iter().find(|scenario| is_too_much(&scenario.model, args.scrape_interval)) {
        return Err(too_much(scenario));
    }
    let progress = Progress::new(loaded.len() as u64, None, args.terms.quiet);
    let one = |(index, scenario): (usize, &Loaded)| {
        let model = &scenario.model;
        let seed = args.seed.unwrap_or(model.seed);
        let watch = |_: u64, _| interrupt::asked();
        let mut scraper = Scraper::new(model, args.scrape_interval);
        let taps = Taps { connections: ConnectionSink::Discard, beside: Some(&mut scraper) };
        let outcome = run_into(scenario, seed, true, taps, Some(&watch));
        let outcome = outcome.map_err(|error| Failure::Run(model.name.clone(), error))?;
        let scrapes = scraper.finish().map_err(|_| too_much(scenario))?;
        let start_ms = START_MS + APART_MS * index as u64;
        let file = scratch.path(&format!("{index}.om"));
        written(&file, |to| openmetrics::write(&scrapes, model, start_ms, to))?;
        programs.backfill(&file, scratch)?;
        progress.one_done();
        let skew = Skew::of(&outcome, criterion(args));
        Ok(Run { seed, end_s: outcome.end_s, skew, start_ms })
    };
    let done = in_pool(args.terms.threads, || loaded.par_iter().enumerate().map(one).collect());
    progress.finish();
    done?
}

fn written(file: &PathBuf, fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), Failure> {
    let write = || {
        let mut to = BufWriter::new(File::create(file)?);
        fill(&mut to)?;
        to.flush()
    };
    write().map_err(|error| Failure::Machine(format!("cannot write {}: {error}", file.display())))
}

/// Evaluates recording rules, and has promtool make blocks of what they record.
fn record(rules: &[&Rule], runs: &[Run], args: &Args, programs: &Programs, scratch: &Scratch) -> Result<(), Failure> {
    let server = Server::start(programs, scratch, lookback(rules, args))?;
    let mut all: BTreeMap<&str, Vec<Series>> = BTreeMap::new();
    for rule in rules {
        for run in runs {
            let series = evaluated(&server, rule, run, args)?;
            let series = recorded(rule, series).map_err(|why| wrong(rule, &why))?;
            all.entry(&rule.name).or_default().extend(series);
        }
    }
    server.stop()?;
    let all: Vec<Series> = all.into_values().flatten().collect();
    if all.is_empty() {
        return Ok(());
    }
    let file = scratch.path("recorded.om");
    written(&file, |to| openmetrics::write_recorded(&all, to))?;
    programs.backfill(&file, scratch)
}

/// By run and alert: at which evaluations each series of the expression is there.
fn ask(
    file: &RuleFile,
    runs: &[Run],
    args: &Args,
    programs: &Programs,
    scratch: &Scratch,
) -> Result<Vec<Vec<Present>>, Failure> {
    let records: Vec<&Rule> = file.records.iter().collect();
    let server = Server::start(programs, scratch, lookback(&records, args))?;
    let of = |run: &Run| {
        let one = |alert: &Alert| {
            let series = evaluated(&server, &alert.rule, run, args)?;
            by_labels(&alert.rule, &series, run.start_ms).map_err(|why| wrong(&alert.rule, &why))
        };
        file.alerts.iter().map(one).collect::<Result<Vec<_>, Failure>>()
    };
    let answers = runs.iter().map(of).collect::<Result<Vec<_>, Failure>>()?;
    server.stop()?;
    Ok(answers)
}

/// How long a sample counts. A target that is gone is marked as stale by a real Prometheus, and so is a recorded series that has no value any more:
/// both are gone at the next scrape or evaluation, and not after the five minutes of samples that are not marked. Files have no such marks.
fn lookback(rules: &[&Rule], args: &Args) -> Span {
    let recorded = rules.iter().map(|rule| rule.interval.unwrap_or(args.evaluation_interval)).max();
    args.scrape_interval.max(recorded.unwrap_or_default()) - Span::from_millis(1)
}

/// The answer of the server to a rule's expression at all evaluations of a run.
fn evaluated(server: &Server, rule: &Rule, run: &Run, args: &Args) -> Result<Vec<Series>, Failure> {
    /// Prometheus answers with 11,000 values of a series at most.
    const MOST: u64 = 10_000;
    /// More evaluations are not asked for: 30 days have so many, one every 3 s.
    const MOST_IN_ALL: u64 = 1_000_000;
    let Evaluations { interval_ms, end_ms } = Evaluations::of(rule, args.evaluation_interval, run.end_s);
    let step = Span::from_millis(interval_ms);
    let start_ms = run.start_ms - rule.offset.0 / 1_000_000;
    let last = end_ms / interval_ms;
    if last >= MOST_IN_ALL {
        let why = format!("a run of {} has more than {MOST_IN_ALL} evaluations, one every {step}", duration(run.end_s));
        return Err(wrong(rule, &why));
    }
    let mut all = Vec::new();
    for first in (0..=last).step_by(MOST as usize) {
        let part = (start_ms + first * interval_ms, start_ms + last.min(first + MOST - 1) * interval_ms);
        let answer = server.query(&rule.expr, part, step)?;
        all.extend(answers("", &answer).map_err(|why| wrong(rule, &why))?);
    }
    Ok(all)
}
