//! `evenkeel lint`.

use rayon::prelude::*;

use super::failure::Failure;
use super::interrupt;
use super::run::in_pool;
use super::sources;
use super::terminal::{self, Progress};
use crate::experiment::Watch;
use crate::lint::{self, Finding, Linted, Severity};
use crate::scenario::document::Document;
use crate::shipped;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Scenario files, folders of them, standard input (-), or shipped scenarios such as blog/rolling-restart
    #[arg(required_unless_present = "rules", value_name = "SCENARIO")]
    scenarios: Vec<String>,
    #[command(flatten)]
    changes: sources::Changes,
    /// Do not simulate what the findings cost
    #[arg(long)]
    no_evidence: bool,
    /// Notes count, too: exit status 1 if there is any finding
    #[arg(long)]
    strict: bool,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
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

/// What lint prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a person
    Text,
    /// A JSON array of findings
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML, a test case per finding
    Junit,
    /// Workflow commands of GitHub Actions, which show findings beside the lines of a pull request
    Github,
}

pub fn lint(args: &Args) -> Result<(), Failure> {
    if args.rules {
        return terminal::print(&reference(Some(&|_, _| interrupt::asked()))?);
    }
    let documents = sources::documents(&args.scenarios, &args.changes)?;
    let mut found = Vec::new();
    for document in &documents {
        interrupt::look()?;
        found.extend(lint::lint(document)?.into_iter().map(|finding| (document, finding)));
    }
    let rows: Vec<Linted> = if args.no_evidence || args.quiet {
        found.into_iter().map(|(document, finding)| (document.name().to_owned(), finding, None)).collect()
    } else {
        with_evidence(found, args)?
    };
    if !args.quiet {
        let caveats = || documents.iter().filter_map(Document::caveat).map(|caveat| caveat + "\n").collect::<String>();
        let names: Vec<&str> = documents.iter().map(Document::name).collect();
        let format = if args.json { Format::Json } else { args.format };
        terminal::print(&match format {
            Format::Text => text(&rows, documents.len()) + &caveats(),
            Format::Json => lint::json(&rows),
            Format::Sarif => lint::sarif(&rows),
            Format::Junit => lint::junit(&rows, &names) + "\n",
            Format::Github if rows.is_empty() => String::new(),
            Format::Github => lint::github(&rows) + "\n",
        })?;
    }
    let least = if args.strict { Severity::Note } else { Severity::Warning };
    let bad = rows.iter().filter(|(_, finding, _)| finding.severity >= least).count();
    if bad == 0 || args.exit_zero { Ok(()) } else { Err(Failure::Findings) }
}

/// Runs the findings' experiments on all threads.
fn with_evidence(found: Vec<(&Document, Finding)>, args: &Args) -> Result<Vec<Linted>, Failure> {
    let progress = Progress::new(found.len() as u64, None, false);
    let one = |(document, finding): (&Document, Finding)| {
        let watch = |_: u64, _| interrupt::asked();
        let evidence = lint::evidence(document, &finding, Some(&watch));
        progress.one_done();
        match evidence {
            Ok(evidence) => Ok((document.name().to_owned(), finding, Some(evidence))),
            Err(error) => Err(Failure::Run(document.name().to_owned(), error)),
        }
    };
    let rows = in_pool(args.threads, || found.into_par_iter().map(one).collect::<Result<Vec<Linted>, Failure>>());
    progress.finish();
    rows?
}

fn text(rows: &[Linted], scenarios: usize) -> String {
    let style = terminal::style();
    let mut text: String = rows
        .iter()
        .map(|(name, finding, evidence)| lint::render(name, finding, evidence.as_ref(), &style) + "\n")
        .collect();
    let of = |severity: Severity| rows.iter().filter(|row| row.1.severity == severity).count();
    let count = |n: usize, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
    text.push_str(&format!(
        "{} in {}: {}, {}, {}",
        count(rows.len(), "finding"),
        count(scenarios, "scenario"),
        count(of(Severity::Error), "error"),
        count(of(Severity::Warning), "warning"),
        count(of(Severity::Note), "note")
    ));
    match rows.first() {
        Some((_, finding, _)) => text + &format!("; `evenkeel explain {}` says more\n", finding.rule.code),
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
first two one. `--format` prints `json`, `sarif` (2.1.0, for code scanning), `junit` or `github` (workflow commands), with the same exit status.
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
