//! `evenkeel explain`.

use std::fmt::Write as _;
use std::path::Path;

use super::failure::Failure;
use super::sources::{self, Changes};
use super::terminal;
use crate::lint;
use crate::metrics::glossary;
use crate::printable;
use crate::scenario::diagnostic::{nearest, quoted};
use crate::scenario::{rules, schema};
use crate::shipped;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A scenario (all its values, and where each comes from), a figure (max_over_mean), a policy (round_robin), a reason
    /// (max_age), or an error code (E012); without WHAT, all of them are listed
    #[arg(value_name = "WHAT")]
    what: Option<String>,
    #[command(flatten)]
    changes: Changes,
}

pub(super) fn explain(args: &Args) -> Result<(), Failure> {
    let Some(what) = &args.what else { return terminal::print(&index()) };
    if let Some(rule) = rules::find(&what.to_uppercase()) {
        return terminal::print(&format!("{}: {}\n\n{}\n\n{}\n", rule.code, rule.title, rule.help, rule.example));
    }
    if let Some(rule) = lint::find(&what.to_uppercase()) {
        return terminal::print(&lint::rule_text(rule));
    }
    if !Path::new(what).exists()
        && let Some(entry) = glossary::find(what)
    {
        return terminal::print(&format!("{}\n\n{}\n\nSource: {}\n", entry.word, entry.meaning, entry.source));
    }
    if what == "-" || Path::new(what).exists() || !shipped::find(what).is_empty() {
        return scenario(what, &args.changes);
    }
    let keys = schema::described(what.rsplit('.').next().unwrap_or(what));
    if !keys.is_empty() {
        let text = keys.iter().map(|(path, meaning)| format!("{path}\n\n{meaning}\n"));
        return terminal::print(&text.collect::<Vec<_>>().join("\n"));
    }
    Err(Failure::Usage(unknown(what)))
}

/// That there is no such thing, and what may be meant: of something like a code the nearest code by its number, or else a word.
fn unknown(what: &str) -> String {
    let errors: Vec<&str> = rules::RULES.iter().map(|r| r.code).collect();
    let of_lint: Vec<&str> = lint::rules().into_iter().map(|r| r.code).collect();
    for (prefix, kind, codes) in [("EK", "rule of lint", of_lint), ("E", "error code", errors)] {
        let number = what.get(..prefix.len()).filter(|p| p.eq_ignore_ascii_case(prefix)).and(what.get(prefix.len()..));
        let Some(number) = number.filter(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit())) else { continue };
        let number: u64 = number.parse().unwrap_or(u64::MAX);
        let of = |code: &str| code.get(prefix.len()..).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        let near = codes.iter().min_by_key(|code| of(code).abs_diff(number)).copied().unwrap_or_default();
        let ends = (codes.first().copied().unwrap_or_default(), codes.last().copied().unwrap_or_default());
        return format!(
            "there is no {kind} {}: there are {} to {}; did you mean `{near}`?",
            quoted(what),
            ends.0,
            ends.1
        );
    }
    let hint =
        nearest(what, glossary::entries().map(|e| e.word)).map_or(String::new(), |w| format!("; did you mean `{w}`?"));
    format!("{} is not a scenario, figure, policy, reason, rule or error code{hint}", quoted(what))
}

/// Every value in force, and whether it is the user's, a default of the real systems, or an assumption.
fn scenario(argument: &str, changes: &Changes) -> Result<(), Failure> {
    let mut text = String::new();
    for loaded in sources::load_all(&[argument.to_owned()], changes)? {
        let path = loaded.effective.iter().map(|v| v.path.chars().count()).max().unwrap_or(0);
        let value = loaded.effective.iter().map(|v| v.value.chars().count()).max().unwrap_or(0).min(60);
        for v in loaded.effective.iter().filter(|v| v.path != "about") {
            let _ = writeln!(text, "{:path$}  {:value$}  {}", v.path, printable::line(&v.value), v.origin);
        }
        let _ = writeln!(text, "scenario_hash {}\n", loaded.scenario_hash);
    }
    terminal::print(&text)
}

fn index() -> String {
    let mut text = String::from("evenkeel explain WHAT, where WHAT is a scenario, or one of:\n\n");
    for entry in glossary::entries() {
        let _ = writeln!(text, "  {}", entry.word);
    }
    for rule in rules::RULES {
        let _ = writeln!(text, "  {}  {}", rule.code, rule.title);
    }
    for rule in lint::rules() {
        let _ = writeln!(text, "  {}  {}", rule.code, rule.title);
    }
    text
}
