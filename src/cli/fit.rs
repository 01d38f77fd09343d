//! `evenkeel fit`.

use std::path::PathBuf;

use super::failure::Failure;
use super::run::in_pool;
use super::{Format, Terms, interrupt, terminal};
use crate::experiment::fit::{Seen, explain, scenario_of};
use crate::output::{fit, json};
use crate::printable;
use crate::scenario::diagnostic::quoted;
use crate::scenario::quantity::{parse_number, parse_percent};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What each pod has, in any unit: 90/5/5/0/0, or calls per second such as 812,44,40,0,0
    #[arg(value_name = "SHARES")]
    shares: String,
    /// How far a share may be from what is written, as a part of all calls
    #[arg(long, value_name = "PERCENT", default_value = "2%")]
    within: String,
    /// The most connections to think of
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

pub fn fit(args: &Args) -> Result<(), Failure> {
    let shares = shares(&args.shares).map_err(Failure::Usage)?;
    let within = parse_percent(&args.within).map(|p| p / 100.0).filter(|p| (0.001..=0.25).contains(p));
    let within = within.ok_or_else(|| {
        Failure::Usage(format!("{} is no percentage from 0.1% to 25%, for --within", quoted(&args.within)))
    })?;
    let seen = Seen { shares, within, most: args.connections };
    let mut set = interrupt::begin(&args.out, "fit")?;
    let watch = |_: u64, _| interrupt::asked();
    let explained = in_pool(args.terms.threads, || explain(&seen, u64::from(args.runs), Some(&watch)))?;
    let (found, pictures) = explained.map_err(|error| Failure::Run("fit".to_owned(), error))?;
    let of_kind = |kind: &fit::Fitted| {
        let text = |likely: &fit::Likely| scenario_of(likely.explanation, &seen, likely.seed.unwrap_or(1));
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

/// Numbers between slashes, commas or blanks, as parts of their sum.
fn shares(text: &str) -> Result<Vec<f64>, String> {
    const MOST: usize = 200;
    let separator = ['/', ','].into_iter().find(|separator| text.contains(*separator)).unwrap_or(' ');
    let parts = text.split(separator).map(str::trim).filter(|part| separator != ' ' || !part.is_empty());
    let number = |part: &str| {
        let number = parse_number(part.strip_suffix('%').unwrap_or(part));
        let why = || format!("{} is no share: write a number per pod, such as 90/5/5/0/0", quoted(part));
        number.filter(|x| (0.0..=1e15).contains(x)).ok_or_else(why)
    };
    let parts: Vec<&str> = parts.collect();
    let percentages = parts.iter().filter(|part| part.ends_with('%')).count();
    if percentages != 0 && percentages != parts.len() {
        return Err(format!("{} mixes percentages and numbers: write all of them in one unit", quoted(text)));
    }
    let numbers = parts.into_iter().map(number).collect::<Result<Vec<f64>, String>>()?;
    let sum: f64 = numbers.iter().sum();
    if !(2..=MOST).contains(&numbers.len()) {
        let pods = match numbers.len() {
            1 => "1 pod".to_owned(),
            n => format!("{n} pods"),
        };
        return Err(format!("{} has {pods}; write from 2 to {MOST}, such as 90/5/5/0/0", quoted(text)));
    }
    if sum == 0.0 {
        return Err(format!("no pod of {} has calls", quoted(text)));
    }
    Ok(numbers.iter().map(|x| x / sum).collect())
}

#[cfg(test)]
mod tests {
    use super::shares;

    #[test]
    fn shares_are_parts_of_their_sum() {
        assert_eq!(shares("90/5/5/0/0").unwrap(), [0.9, 0.05, 0.05, 0.0, 0.0]);
        assert_eq!(shares("30, 10").unwrap(), [0.75, 0.25]);
        assert_eq!(shares("50% 50%").unwrap(), [0.5, 0.5]);
        for (text, says) in [
            ("", "0 pods"),
            ("5", "1 pod;"),
            ("0/0", "no pod"),
            ("a/b", "`a`"),
            ("-1/2", "`-1`"),
            ("40//30", "`` is no share"),
            ("1/50%", "mixes percentages and numbers"),
            ("50% 1", "mixes percentages and numbers"),
            ("1e-400/1", "`1e-400`"),
            ("50,50/20", "`50,50` is no share"),
        ] {
            let why = shares(text).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
