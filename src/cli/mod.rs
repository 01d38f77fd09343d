//! The command line: what the library can do, for a terminal.

mod alerts;
mod calibrate;
mod check;
mod compare;
mod cures;
mod explain;
mod failure;
mod fit;
mod generate;
mod import;
mod interrupt;
mod lint;
mod metrics;
mod observed;
mod plan;
mod plot;
mod prometheus;
mod run;
mod shard;
mod sources;
mod sweep;
mod terminal;
mod variants;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

pub use failure::Failure;
pub use lint::reference as lint_reference;

/// Which pod gets the traffic, and what would change that?
///
/// A deterministic simulator of connection-level load balancing for gRPC and HTTP/1.1 in Kubernetes. A scenario file goes in;
/// per-pod traffic traces, skew plots and a verdict come out, the same bytes every time.
#[derive(Debug, Parser)]
#[command(name = "evenkeel", version)]
#[command(
    after_help = "Exit status: 0 done; 1 an expectation is not met, a property is not as expected, or lint finds something; 2 the input or usage is wrong; \
                        3 the machine failed (I/O); 130 interrupted.\n\
                        Try: evenkeel run blog/rolling-restart"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios: print a table with a row per pod, write traces and plots
    Run(run::Args),
    /// Run scenarios, or variants of one, over the same seeds, and say which is better
    Compare(compare::Args),
    /// Run a grid of variants on all cores, resumable, or a shard of it
    Sweep(sweep::Args),
    /// Put the shards of a sweep together
    Merge(sweep::MergeArgs),
    /// Test claims against random scenarios, and shrink each counterexample to a small scenario
    Check(check::Args),
    /// Estimate a scenario's numbers from Prometheus' data, and predict another part of them
    Calibrate(calibrate::Args),
    /// Say in which scenario which alert of a Prometheus rule file fires, and how long after the skew began
    Alerts(alerts::Args),
    /// Find which connections would explain your pods' shares, each with a scenario that shows it
    Fit(fit::Args),
    /// Find the fewest pods that meet objectives, or the highest load that they carry, with each cure for skew
    Plan(plan::Args),
    /// Check scenarios without running them
    Validate(run::ValidateArgs),
    /// Check scenarios against the production checklist, with a short simulation as evidence of each finding
    Lint(lint::Args),
    /// Explain a scenario's values, a figure, a policy, a rule of lint or an error code
    Explain(explain::Args),
    /// Make a scenario of Kubernetes manifests, and list what of them is not modelled
    Import(import::Args),
    /// Write a commented scenario to start from
    Init(generate::InitArgs),
    /// Draw the plots of an output folder again
    Plot(plot::Args),
    /// List the scenarios that ship with evenkeel
    Scenarios,
    /// Print the JSON Schema of scenario files or of summary.json
    Schema(generate::SchemaArgs),
    /// Print a completion script for a shell
    Completions(generate::CompletionsArgs),
    /// Print the manual page
    Man,
}

/// Options that `run`, `compare`, `sweep` and `plan` share.
#[derive(Args, Clone, Debug)]
struct Common {
    /// Folder to write to [default: outputs/<scenario>, outputs/compare, outputs/sweep or outputs/plan]
    #[arg(long, short, value_name = "DIR")]
    out: Option<std::path::PathBuf>,
    /// Seed of run 0, instead of the scenario's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    changes: sources::Changes,
    #[command(flatten)]
    terms: Terms,
    /// Do not write PNG files beside the SVG files
    #[arg(long)]
    no_png: bool,
}

/// Options of all commands that simulate for long and print a result.
#[derive(Args, Clone, Copy, Debug)]
struct Terms {
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Print nothing but errors
    #[arg(long, short)]
    quiet: bool,
    /// Threads to use [default: all cores]; the results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

/// What goes to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Tables for a person
    Table,
    /// The result as JSON, as in the command's .json file
    Json,
    /// Markdown, for a pull request
    Markdown,
}

/// Help is not wider.
const MOST_COLUMNS: usize = 100;

/// Runs the command line, and returns the exit status.
#[must_use]
pub fn main() -> u8 {
    let matches = Cli::command().term_width(terminal::width().min(MOST_COLUMNS)).try_get_matches();
    let done = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => interrupt::catch().and_then(|()| dispatch(cli.command)),
        // Help and version are errors to clap, and go to standard output.
        Err(error) if error.use_stderr() => {
            let _ = terminal::say_usage(&error);
            return 2;
        }
        Err(error) => terminal::say_usage(&error),
    };
    match done {
        Ok(()) => 0,
        Err(failure) => {
            interrupt::clear_away();
            failure.report()
        }
    }
}

fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(args) => run::run(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::Sweep(args) => sweep::sweep(&args),
        Command::Merge(args) => sweep::merge(&args),
        Command::Check(args) => check::check(&args),
        Command::Calibrate(args) => calibrate::calibrate(&args),
        Command::Alerts(args) => alerts::alerts(&args),
        Command::Fit(args) => fit::fit(&args),
        Command::Plan(args) => plan::plan(&args),
        Command::Validate(args) => run::validate(&args),
        Command::Lint(args) => lint::lint(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Import(args) => import::import(&args),
        Command::Init(args) => generate::init(&args),
        Command::Plot(args) => plot::plot(&args),
        Command::Scenarios => generate::scenarios(),
        Command::Schema(args) => generate::schema(args),
        Command::Completions(args) => generate::completions(args),
        Command::Man => generate::man(),
    }
}
