//! Things that are printed or written rather than run: a starter scenario, schemas, completions, the manual page.

use std::path::PathBuf;

use clap::{CommandFactory, ValueEnum};
use schemars::schema_for;

use super::failure::Failure;
use super::{Cli, terminal};
use crate::experiment::check::Report;
use crate::experiment::compare::Comparison;
use crate::experiment::fit::Fit;
use crate::experiment::plan::{PlanReport, TradeOff};
use crate::experiment::sweep::Sweep;
use crate::metrics::outcome::Summary;
use crate::output::files::write_file;
use crate::printable;
use crate::scenario::{self, schema};
use crate::shipped;

#[derive(Debug, clap::Args)]
pub(super) struct InitArgs {
    /// File to write, or - to print; an existing file is not overwritten
    #[arg(default_value = "scenario.yaml", value_name = "FILE")]
    file: PathBuf,
}

#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct SchemaArgs {
    /// Which files it describes
    #[arg(value_enum, default_value_t = SchemaOf::Scenario)]
    of: SchemaOf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SchemaOf {
    /// Scenario files
    Scenario,
    /// Properties files
    Properties,
    /// summary.json, of run
    Summary,
    /// compare.json
    Compare,
    /// sweep.json
    Sweep,
    /// plan.json
    Plan,
    /// plan.json, of plan --knob
    Knob,
    /// check.json
    Check,
    /// fit.json
    Fit,
}

#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// For which shell
    shell: clap_complete::Shell,
}

pub(super) fn init(args: &InitArgs) -> Result<(), Failure> {
    if args.file.as_os_str() == "-" {
        return terminal::print(scenario::STARTER);
    }
    if args.file.exists() {
        return Err(Failure::Usage(format!("{} exists already; name another file", args.file.display())));
    }
    write_file(&args.file, scenario::STARTER.as_bytes())?;
    let file = printable::path(&args.file);
    terminal::print(&format!("wrote {file}; now: evenkeel run {file}\n"))
}

pub(super) fn scenarios() -> Result<(), Failure> {
    let width = shipped::all().iter().map(|s| s.name.len()).max().unwrap_or(0);
    let lines = shipped::all().into_iter().map(|s| {
        let about = scenario::parse(s.name, s.text, None, &[]).map(|l| l.model.about).unwrap_or_default();
        let question = about.trim().lines().next().unwrap_or_default().to_owned();
        format!("{:width$}  {question}\n", s.name)
    });
    terminal::print(&lines.collect::<String>())
}

pub(super) fn schema(args: SchemaArgs) -> Result<(), Failure> {
    let schema = match args.of {
        SchemaOf::Scenario => schema::scenario_schema(),
        SchemaOf::Properties => schema::properties_schema(),
        SchemaOf::Summary => schema_for!(Summary).to_value(),
        SchemaOf::Compare => schema_for!(Comparison).to_value(),
        SchemaOf::Sweep => schema_for!(Sweep).to_value(),
        SchemaOf::Plan => schema_for!(PlanReport).to_value(),
        SchemaOf::Knob => schema_for!(TradeOff).to_value(),
        SchemaOf::Check => schema_for!(Report).to_value(),
        SchemaOf::Fit => schema_for!(Fit).to_value(),
    };
    let text = serde_json::to_string_pretty(&schema)
        .map_err(|error| Failure::Machine(format!("cannot write the schema: {error}")))?;
    terminal::print(&(text + "\n"))
}

pub(super) fn completions(args: CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "evenkeel", &mut script);
    terminal::print(&String::from_utf8_lossy(&script))
}

pub(super) fn man() -> Result<(), Failure> {
    let mut page = Vec::new();
    let failed = |error| Failure::Machine(format!("cannot write the manual page: {error}"));
    clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(failed)?;
    terminal::print(&String::from_utf8_lossy(&page))
}
