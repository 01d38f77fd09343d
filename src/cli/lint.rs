//! `evenkeel lint`.

mod output;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::failure::Failure;
use super::interrupt;
use super::run::in_pool;
use super::sources;
use super::terminal::{self, Progress};
use crate::experiment::Watch;
use crate::lint::{self, Decisions, Linted, Review, Severity, Unused};
use crate::output::Style;
use crate::output::files::write_file;
use crate::printable;
use crate::scenario::document::Document;
use crate::scenario::linting::baseline::Baseline;
use crate::scenario::linting::config::FILE;
use crate::shipped;
use crate::words::counted;
use output::{Format, Output, OutputParser};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Scenario files, folders of them, standard input (-), or shipped scenarios such as blog/rolling-restart
    #[arg(required_unless_present = "rules", value_name = "SCENARIO")]
    scenarios: Vec<String>,
    #[command(flatten)]
    changes: sources::Changes,
    /// Do not simulate what the findings cost
    #[arg(long)]
    no_evidence: bool,
    /// Notes count, too, and so does what is ignored or in the baseline for nothing: exit status 1 if there is any
    #[arg(long)]
    strict: bool,
    /// What to print, or with =FILE to write to a file; several are possible, of which one is printed [default: text]
    #[arg(long = "format", value_name = "FORMAT[=FILE]", value_parser = OutputParser)]
    outputs: Vec<Output>,
    /// The same as --format json
    #[arg(long, conflicts_with = "outputs")]
    json: bool,
    /// Configuration: rules that are off or count otherwise, and paths to leave out [default: .evenkeel.yaml in this folder, or
    /// around it up to the root of the repository]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Do not look for .evenkeel.yaml
    #[arg(long, conflicts_with = "config")]
    no_config: bool,
    /// Findings that are in this file do not count; its entries without a finding are listed
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write the findings to a file for --baseline, in place of what it has, and print none
    #[arg(long, value_name = "FILE", conflicts_with_all = ["baseline", "outputs", "json"])]
    write_baseline: Option<PathBuf>,
    /// Exit status 0 whatever is found
    #[arg(long)]
    exit_zero: bool,
    /// Print all rules as Markdown, each with the evidence of its example
    #[arg(long, exclusive = true)]
    rules: bool,
    /// Print nothing but errors
    #[arg(long, short)]
    quiet: bool,
    /// Threads to use [default: all cores]; the results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

pub(super) fn lint(args: &Args) -> Result<(), Failure> {
    if args.rules {
        return terminal::print(&reference(Some(&|_, _| interrupt::asked()))?);
    }
    let printed = printed(args)?;
    let config = config(args);
    let decisions = Decisions::read(config.as_deref(), args.baseline.as_deref())?;
    let documents = sources::documents_but(&args.scenarios, &args.changes, |file| decisions.exclude(file))?;
    let (mut review, mut of) = (decisions.begin(), Vec::new());
    for document in &documents {
        interrupt::look()?;
        decisions.add(document, &mut review)?;
        of.resize(review.rows.len(), document);
    }
    if documents.is_empty() {
        return Err(Failure::Usage("nothing is left to lint: the configuration leaves out all of it".to_owned()));
    }
    outputs_are_no_inputs(args, &documents, config.as_deref())?;
    let files: Vec<&str> = documents.iter().flat_map(Document::files).collect();
    decisions.add_what_is_gone(&files, &mut review);
    if let Some(file) = &args.write_baseline {
        return write_baseline(file, &review, args.quiet);
    }
    let is_shown = !args.quiet || args.outputs.iter().any(|output| output.file.is_some());
    if is_shown && !args.no_evidence {
        add_evidence(&mut review.rows, &of, args)?;
    }
    for Output { format, file } in &args.outputs {
        if let Some(file) = file {
            let text = shown(*format, &review, &documents, &Style::default());
            write_file(file, printable::lines(&text).as_bytes())?;
        }
    }
    for Unused { position, message } in &review.unused {
        terminal::say(&format!("warning: {position}: {message}\n"));
    }
    if !args.quiet {
        terminal::print(&shown(printed, &review, &documents, &terminal::style()))?;
    }
    let least = if args.strict { Severity::Note } else { Severity::Warning };
    let bad = review.rows.iter().any(|row| row.counts(least)) || (args.strict && !review.unused.is_empty());
    if bad && !args.exit_zero { Err(Failure::Findings) } else { Ok(()) }
}

/// Refuses to write where this run reads, and to write a baseline in place of something else.
fn outputs_are_no_inputs(args: &Args, documents: &[Document], config: Option<&Path>) -> Result<(), Failure> {
    let refuse = |file: &Path, why: &str| Err(Failure::Usage(format!("{} {why}", printable::path(file))));
    let settings = config.into_iter().chain(args.baseline.as_deref());
    let read: Vec<PathBuf> = documents
        .iter()
        .flat_map(Document::files)
        .map(Path::new)
        .chain(settings)
        .filter_map(|file| file.canonicalize().ok())
        .collect();
    let outputs = args.outputs.iter().filter_map(|output| output.file.as_deref());
    let written: Vec<&Path> = outputs.chain(args.write_baseline.as_deref()).collect();
    for (i, file) in written.iter().enumerate() {
        if written[..i].contains(file) {
            return refuse(file, "is named twice, and two formats cannot be written to one file");
        }
        if file.canonicalize().is_ok_and(|file| read.contains(&file)) {
            return refuse(file, "is read in this run, and is not written over");
        }
    }
    let is_other = |file: &&Path| std::fs::read(file).is_ok_and(|text| !text.is_empty() && !Baseline::is_one(&text));
    match args.write_baseline.as_deref().filter(is_other) {
        Some(file) => refuse(file, "is no baseline, and is not written over"),
        None => Ok(()),
    }
}

/// What goes to standard output.
fn printed(args: &Args) -> Result<Format, Failure> {
    let mut printed = args.outputs.iter().filter(|output| output.file.is_none()).map(|output| output.format);
    match (printed.next(), printed.next()) {
        (Some(_), Some(_)) => Err(Failure::Usage(
            "only one format can be printed: write the others to files, --format FORMAT=FILE".into(),
        )),
        (Some(format), None) => Ok(format),
        (None, _) => Ok(if args.json { Format::Json } else { Format::Text }),
    }
}

/// The configuration: that of the option, or the nearest one between here and the root of the repository.
fn config(args: &Args) -> Option<PathBuf> {
    if args.no_config || args.config.is_some() {
        return args.config.clone();
    }
    let depth = std::env::current_dir().map_or(1, |folder| folder.components().count());
    let folders = || (0..depth).map(|up| PathBuf::from_iter(std::iter::repeat_n("..", up)));
    // Outside of a repository what lies around this folder has nothing to do with it.
    let last = folders().position(|folder| folder.join(".git").exists()).unwrap_or(0);
    folders().take(last + 1).map(|folder| folder.join(FILE)).find(|file| file.is_file())
}

fn write_baseline(file: &Path, review: &Review, quiet: bool) -> Result<(), Failure> {
    let findings: Vec<_> = review.rows.iter().filter(|row| row.suppressed.is_none()).map(Linted::identity).collect();
    write_file(file, Baseline::written(findings.clone()).as_bytes())?;
    if quiet {
        return Ok(());
    }
    terminal::print(&format!("wrote {}: {}\n", printable::path(file), counted(findings.len() as u64, "finding")))
}

/// Runs the experiments of findings that count, each in a scenario of `of`, on all threads.
fn add_evidence(rows: &mut [Linted], of: &[&Document], args: &Args) -> Result<(), Failure> {
    let counting: Vec<(&mut Linted, &&Document)> =
        rows.iter_mut().zip(of).filter(|(row, _)| row.suppressed.is_none()).collect();
    let progress = Progress::new(counting.len() as u64, None, false);
    let one = |(row, document): (&mut Linted, &&Document)| {
        let watch = |_: u64, _| interrupt::asked();
        let evidence = lint::evidence(document, &row.finding, Some(&watch));
        progress.one_done();
        row.evidence = Some(evidence.map_err(|error| Failure::Run(row.scenario.clone(), error))?);
        Ok(())
    };
    let done = in_pool(args.threads, || counting.into_par_iter().map(one).collect::<Result<(), Failure>>());
    progress.finish();
    done?
}

/// The findings in a format.
fn shown(format: Format, review: &Review, documents: &[Document], style: &Style) -> String {
    let names: Vec<&str> = documents.iter().map(Document::name).collect();
    match format {
        Format::Text => {
            text(&review.rows, documents.len(), style)
                + &terminal::caveats(documents.iter().filter_map(Document::caveat))
        }
        Format::Json => lint::json(&review.rows),
        Format::Sarif => lint::sarif(review),
        Format::Junit => lint::junit(&review.rows, &names) + "\n",
        Format::Github => lint::github(&review.rows),
    }
}

fn text(rows: &[Linted], scenarios: usize, style: &Style) -> String {
    let counting: Vec<&Linted> = rows.iter().filter(|row| row.suppressed.is_none()).collect();
    let each =
        counting.iter().map(|row| lint::render(&row.scenario, &row.finding, row.evidence.as_ref(), style) + "\n");
    let mut text: String = each.collect();
    let of = |severity: Severity| counting.iter().filter(|row| row.finding.severity == severity).count() as u64;
    text.push_str(&format!(
        "{} in {}: {}, {}, {}",
        counted(counting.len() as u64, "finding"),
        counted(scenarios as u64, "scenario"),
        counted(of(Severity::Error), "error"),
        counted(of(Severity::Warning), "warning"),
        counted(of(Severity::Note), "note")
    ));
    if rows.len() > counting.len() {
        text.push_str(&format!("; {} more suppressed", rows.len() - counting.len()));
    }
    match counting.first() {
        Some(row) => text + &format!("; `evenkeel explain {}` says more\n", row.finding.rule.code),
        None => text + "\n",
    }
}

/// What stands above the rules in docs/lint.md.
const INTRODUCTION: &str = "\
# Lint

`evenkeel lint SCENARIO...` checks scenarios against what goes wrong in production: the blog's checklist, and what gRPC, Kubernetes and
proxies do by default. A finding says where, why, what would cure it, and what that is worth: short runs without and with
the fix over five to eight seeds (the scenario's and those after it), as means, of latency as medians. A fix is called better if chance alone would make as
many runs better in one case of twenty at most, and what it makes worse, by 5 % or more, stands behind. Where pods come and go, workers of a closed load are taken as an
open one: they would count how fast calls can fail. Fix and experiment are printed as `--set`s, for `run` and `compare` to repeat.
`evenkeel explain EK001` prints a rule.

Exit status: 0 nothing; 1 a finding that is a warning or an error, with `--strict` also a note; 2 the input is wrong. `--exit-zero` makes the
first two one. `--format` prints or writes `json`, `sarif` (2.1.0, for code scanning), `junit` or `github` (workflow commands), with the same exit status.
[ci.md](ci.md) shows how to lint in CI, with a configuration, a baseline, and findings that are ignored where they stand.
`--no-evidence` does not simulate. Kubernetes manifests are linted as they are ([import.md](import.md)). A finding is about what is set up, not about what the timeline of the scenario does with it.

This file is written by `evenkeel lint --rules`, and a test compares it.
";

/// docs/lint.md: all rules with the evidence of their examples, and what the shipped scenarios break.
///
/// # Errors
/// If a run cannot finish, or `watch` stopped it.
pub fn reference(watch: Option<Watch<'_>>) -> Result<String, Failure> {
    let examples: Vec<_> = lint::rules()
        .into_par_iter()
        .map(|rule| {
            let document = Document::embedded(rule.code, rule.example, &[]);
            let finding = lint::lint(&document)?.into_iter().find(|f| f.rule.code == rule.code);
            let Some(finding) = finding else { return Ok(None) };
            let evidence = lint::evidence(&document, &finding, watch);
            Ok(Some((finding, evidence.map_err(|error| Failure::Run(rule.code.to_owned(), error))?)))
        })
        .collect::<Result<_, Failure>>()?;
    let of = |rule: &lint::Rule| examples.iter().flatten().find(|(f, _)| f.rule.code == rule.code).cloned();
    let mut text =
        format!("{INTRODUCTION}\n## What the shipped scenarios break\n\n| scenario | findings |\n|---|---|\n");
    for found in shipped::all() {
        let findings = lint::lint(&Document::embedded(found.name, found.text, &[]))?;
        let mut codes: Vec<&str> = findings.iter().map(|f| f.rule.code).collect();
        codes.dedup();
        let codes = if codes.is_empty() { "none".to_owned() } else { codes.join(", ") };
        text.push_str(&format!("| `{}` | {codes} |\n", found.name));
    }
    Ok(text + "\n## Rules\n\n" + lint::reference(of).trim_end() + "\n")
}
