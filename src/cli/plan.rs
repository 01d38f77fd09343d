//! `evenkeel plan`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::failure::Failure;
use super::interrupt;
use super::run::in_pool;
use super::sources;
use super::terminal::{self, Progress};
use super::{Common, Format};
use crate::experiment::plan::{
    Cure, Event, Forecast, Knob, PlanError, PlanReport, Planner, Question, Rule, Search, plain, trade_off,
};
use crate::output::{Style, json, knob, plan};
use crate::printable;
use crate::scenario::document::Document;
use crate::scenario::quantity::parse_number;
use crate::scenario::vary::Grid;
use crate::units::Span;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A scenario file or a shipped scenario
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// What must hold in a run, as `expect` writes it, e.g. 'latency.p99 <= 20ms', 'error_ratio <= 0.1%',
    /// 'max_utilization <= 70%', 'requests.failed == 0 for 90s after rollout' [default: what the scenario expects]
    #[arg(long = "slo", value_name = "FIGURE OP VALUE", conflicts_with = "knob")]
    slos: Vec<String>,
    /// The server whose pods are counted, where there are several
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// The fewest and the most pods that are tried
    #[arg(long, value_name = "LO..HI", default_value = "1..200", value_parser = bounds)]
    pods: (u32, u32),
    /// Find the highest load that the scenario's pods carry, and not the fewest pods
    #[arg(long, conflicts_with_all = ["pods", "knob"])]
    load: bool,
    /// Relative step between neighbouring loads: how precisely --load finds the highest one
    #[arg(long, value_name = "PART", default_value = "2%", requires = "load", value_parser = part)]
    precision: f64,
    /// The candidates, e.g. clients.0.policy=round_robin,pick_first; several --vary give all combinations [default: the scenario
    /// as it is, and the usual cures]
    #[arg(long = "vary", value_name = "PATH=VALUES", conflicts_with = "knob")]
    varies: Vec<String>,
    /// What happens in the runs, in place of the scenario's timeline
    #[arg(long, value_enum, value_name = "EVENT")]
    through: Option<Through>,
    /// A number of pods is enough if a run with a fresh seed meets all objectives with a higher probability than this
    #[arg(long, value_name = "PART", default_value = "90%", value_parser = part)]
    share: f64,
    /// Each answer, enough or not, is right with this confidence
    #[arg(long, value_name = "PART", default_value = "95%", value_parser = part)]
    confidence: f64,
    /// The most runs for one answer; if they are inconclusive, the report says so and counts it as not enough
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_runs: u32,
    /// Make all runs as long as the scenario's; by default, a run is shortened where a shorter one says as much
    #[arg(long, conflicts_with = "knob")]
    exact: bool,
    /// Show what a setting trades instead: time to balance against reconnects and failed calls, e.g.
    /// servers.0.grpc.max_connection_age=1m..30m:log5, or max_connection_age, connection_lifetime, channels
    #[arg(long, value_name = "PATH=VALUES")]
    knob: Option<String>,
    /// Runs at each value of --knob
    #[arg(long, value_name = "N", default_value_t = 5, requires = "knob", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
    #[command(flatten)]
    common: Common,
}

/// What `--through` can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Through {
    /// A rolling update of the server
    #[value(name = "rollout")]
    Rollout,
    /// SIGKILL of one pod, whose container restarts in place
    #[value(name = "pod_loss", alias = "pod-loss")]
    PodLoss,
    /// All rates rise by 50 %, and the server is scaled up by 50 %
    #[value(name = "scale_up", alias = "scale-up")]
    ScaleUp,
}

impl Through {
    fn event(self) -> Event {
        match self {
            Through::Rollout => Event::Rollout,
            Through::PodLoss => Event::PodLoss,
            Through::ScaleUp => Event::ScaleUp,
        }
    }
}

pub(super) fn plan(args: &Args) -> Result<(), Failure> {
    let document = sources::one(&args.scenario, "a plan")?.open(&args.common.changes)?;
    let out = args.common.out.clone().unwrap_or_else(|| PathBuf::from("outputs/plan"));
    let seed = match args.common.seed {
        Some(seed) => seed,
        None => plain(&document, args.through.map(Through::event))?.seed,
    };
    match &args.knob {
        Some(text) => trade(
            args,
            &document,
            Knob {
                text: text.clone(),
                server: args.server.clone(),
                event: args.through.map(Through::event),
                seed,
                runs: u64::from(args.runs),
            },
            &out,
        ),
        None => capacity(args, &document, seed, &out),
    }
}

fn capacity(args: &Args, document: &Document, seed: u64, out: &std::path::Path) -> Result<(), Failure> {
    let (lo, hi) = args.pods;
    let question = Question {
        slos: args.slos.clone(),
        server: args.server.clone(),
        event: args.through.map(Through::event),
        search: if args.load { Search::Load { precision: args.precision } } else { Search::Pods { lo, hi } },
        rule: Rule {
            share: args.share,
            // Failing four times less often.
            surely: 1.0 - (1.0 - args.share) / 4.0,
            confidence: args.confidence,
            max_runs: u64::from(args.max_runs),
            seed,
        },
        exact: args.exact,
    };
    let planner = Planner::new(document, &question).map_err(failure)?;
    let grid = Grid::parse("--vary", &args.varies)?;
    let asked = if args.varies.is_empty() { planner.usual() } else { variants(&grid)? };
    let (candidates, left_out) = planner.accepted(asked.clone());
    if let (Some(first), Some(left), true) = (asked.first(), left_out.first(), candidates.is_empty()) {
        if let (Err(wrong), false) = (planner.load(first), args.varies.is_empty()) {
            return Err(grid.retold(wrong, 0, "--vary", &args.varies).into());
        }
        return Err(Failure::Usage(format!("no candidate can be tried; {}: {}", left.name, left.why)));
    }
    let mut set = interrupt::begin(out, "plan")?;
    let watch = |_: u64, _| interrupt::asked();
    if terminal::shows_progress(args.common.terms.quiet) {
        let began = Instant::now();
        planner.rehearse(Some(&watch)).map_err(failure)?;
        terminal::say(&foretold(&planner.forecast(candidates.len()), began.elapsed(), args.common.terms.threads));
    }
    let progress = Progress::new(1, None, args.common.terms.quiet);
    let answer = || planner.plan(&candidates, left_out, Some(&watch), &|done, of| progress.done(done, of));
    let report = in_pool(args.common.terms.threads, answer)?.map_err(failure)?;
    progress.finish();
    plan::add_files(&mut set, &report, !args.common.no_png)?;
    interrupt::commit(set)?;
    print(
        args,
        document,
        out,
        (&|style| plan::render(&report, style), &|| plan::markdown(&report), &|| json::text(&report)),
    )?;
    unanswered(&report)
}

/// What is said before the first run. `rehearsal` is how long a run of each scene took.
fn foretold(forecast: &Forecast, rehearsal: Duration, threads: Option<u16>) -> String {
    let threads = threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let each = rehearsal.as_secs_f64() / forecast.scenes as f64;
    let seconds = each * forecast.runs as f64 / threads as f64;
    let time = Span::from_secs_f64(seconds.ceil().max(1.0));
    format!("about {} runs, at most {}: about {time} on {threads} threads\n", forecast.runs, forecast.most)
}

/// Says which candidates have no answer.
fn unanswered(report: &PlanReport) -> Result<(), Failure> {
    if report.cheapest.is_some() {
        return Ok(());
    }
    let hint = match report.slos.last() {
        Some(implied) if report.implied => format!(" ({implied} among them, unless an --slo is about calls that fail)"),
        _ => String::new(),
    };
    Err(Failure::Unmet(format!("{}: no candidate meets the objectives{hint} within the bounds", report.scenario)))
}

fn trade(args: &Args, document: &Document, asked: Knob, out: &std::path::Path) -> Result<(), Failure> {
    let mut set = interrupt::begin(out, "plan")?;
    let progress = Progress::new(1, None, args.common.terms.quiet);
    let watch = |_: u64, _| interrupt::asked();
    let curve = || trade_off(document, &asked, Some(&watch), &|done, of| progress.done(done, of));
    let curve = in_pool(args.common.terms.threads, curve)?.map_err(failure)?;
    progress.finish();
    knob::add_files(&mut set, &curve, !args.common.no_png)?;
    interrupt::commit(set)?;
    print(
        args,
        document,
        out,
        (&|style| knob::render(&curve, style), &|| knob::markdown(&curve), &|| json::text(&curve)),
    )
}

/// How the result looks in each format.
type Forms<'a> = (&'a dyn Fn(&Style) -> String, &'a dyn Fn() -> String, &'a dyn Fn() -> String);

fn print(
    args: &Args,
    document: &Document,
    out: &std::path::Path,
    (table, markdown, json): Forms<'_>,
) -> Result<(), Failure> {
    if args.common.terms.quiet {
        return Ok(());
    }
    terminal::print(&match args.common.terms.format {
        Format::Table => {
            let caveat = terminal::caveats(document.caveat());
            format!("{}\n{caveat}files in {}\n", table(&terminal::style()), printable::path(out))
        }
        Format::Markdown => markdown(),
        Format::Json => json(),
    })
}

fn failure(error: PlanError) -> Failure {
    match error {
        PlanError::Scenario(diagnostics) => Failure::Scenario(diagnostics),
        PlanError::Question(message) => Failure::Usage(message),
        PlanError::Run(what, error) => Failure::Run(what, error),
    }
}

/// The cells of a grid as candidates.
fn variants(grid: &Grid) -> Result<Vec<Cure>, Failure> {
    const MOST: u64 = 1_000;
    if grid.cells() > MOST {
        return Err(Failure::Usage(format!("{} candidates are too many; the most is {MOST}", grid.cells())));
    }
    Ok((0..grid.cells()).map(|cell| Cure { name: grid.label(cell), sets: grid.sets(cell) }).collect())
}

/// `LO..HI`.
fn bounds(text: &str) -> Result<(u32, u32), String> {
    const MOST: u32 = 100_000;
    let ends = text.split_once("..").and_then(|(lo, hi)| Some((lo.parse().ok()?, hi.parse().ok()?)));
    match ends {
        Some((lo, hi)) if 1 <= lo && lo <= hi && hi <= MOST => Ok((lo, hi)),
        _ => Err(format!("write LO..HI, from 1 to {MOST}, such as 2..50")),
    }
}

/// A part of one: `0.9` or `90%`, between both ends.
fn part(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').map(|number| parse_number(number.trim_end()).map(|p| p / 100.0));
    let value = percent.unwrap_or_else(|| parse_number(text));
    value.filter(|p| *p > 0.0 && *p < 1.0).ok_or_else(|| "write a part such as 90% or 0.9, between 0 and 1".into())
}
