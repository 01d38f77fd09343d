//! `evenkeel fit`.

use std::path::PathBuf;

use super::failure::Failure;
use super::observed::{self, Observed};
use super::run::in_pool;
use super::sources::{self, Changes};
use super::{Format, Terms, interrupt, terminal};
use crate::experiment::fit::{Fitted, Likely, Seen, explain, scenario_of, try_out};
use crate::output::{fit, json};
use crate::printable;
use crate::scenario::diagnostic::quoted;
use crate::scenario::quantity::parse_percent;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What each pod has, in any unit: 90/5/5/0/0, or calls per second such as 812,44,40,0,0; with names web-1=90/web-2=10, with counted
    /// connections 90:3/10:1; or a CSV file (- is standard input) with the columns pod, calls and, if known, connections
    #[arg(value_name = "SHARES")]
    shares: String,
    /// A scenario of your own, to see how often it shows the shares, as it is and with a slow pod
    #[arg(long, value_name = "SCENARIO")]
    base: Option<String>,
    /// Change a value of that scenario first
    #[arg(long = "set", value_name = "PATH=VALUE", requires = "base")]
    sets: Vec<String>,
    /// How far a share may deviate from the given one, as a part of all calls
    #[arg(long, value_name = "PERCENT", default_value = "2%")]
    within: String,
    /// The most connections to consider
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    connections: u32,
    /// Runs of each scenario, to see how often it shows the shares
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
    /// Folder to write to
    #[arg(long, short, value_name = "DIR", default_value = "outputs/fit")]
    out: PathBuf,
    #[command(flatten)]
    terms: Terms,
    /// Do not write PNG files beside the SVG files
    #[arg(long)]
    no_png: bool,
}

pub(super) fn fit(args: &Args) -> Result<(), Failure> {
    let observed = observed::read(&args.shares)?;
    let within = parse_percent(&args.within).map(|p| p / 100.0).filter(|p| (0.001..=0.25).contains(p));
    let within = within.ok_or_else(|| {
        Failure::Usage(format!("{} is not a percentage from 0.1% to 25%, for --within", quoted(&args.within)))
    })?;
    let Observed { pods, shares, known } = observed;
    let seen = Seen { pods, shares, known, within, most: args.connections };
    let base = args.base.as_ref().map(|base| {
        sources::one(base, "--base")?.open(&Changes { sets: args.sets.clone(), service: None }).map_err(Failure::from)
    });
    let base = base.transpose()?;
    let mut set = interrupt::begin(&args.out, "fit")?;
    let watch = |_: u64, _| interrupt::asked();
    let explained = in_pool(args.terms.threads, || explain(&seen, u64::from(args.runs), Some(&watch)))?;
    let failed = |error| Failure::Run("fit".to_owned(), error);
    let (mut found, pictures) = explained.map_err(failed)?;
    if let Some(base) = &base {
        let tried = in_pool(args.terms.threads, || try_out(base, &seen, u64::from(args.runs), Some(&watch)))?;
        found.base = tried?.map_err(|error| Failure::Run(base.name().to_owned(), error))?;
    }
    let of_kind = |kind: &Fitted| {
        let text = |likely: &Likely| scenario_of(likely.explanation, &seen, likely.seed.unwrap_or(1));
        let file = |(i, likely)| (fit::file(kind, i), text(likely));
        kind.likely.iter().enumerate().map(file).collect::<Vec<_>>()
    };
    let scenarios: Vec<(String, String)> = found.kinds.iter().flat_map(of_kind).collect();
    fit::add_files(&mut set, &found, &scenarios, &pictures, !args.no_png)?;
    interrupt::commit(set)?;
    if args.terms.quiet {
        return Ok(());
    }
    let folder = printable::path(&args.out);
    terminal::print(&match args.terms.format {
        Format::Table => format!("{}\nfiles in {folder}\n", fit::render(&found, &folder, &terminal::style())),
        Format::Json => json::text(&found),
        Format::Markdown => fit::markdown(&found),
    })
}
