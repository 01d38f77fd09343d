//! Findings and rules as text and JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Evidence, Finding, Linted, Rule, Severity, Shown, Suppressed, rules};
use crate::output::{Style, json};
use crate::words::set_option;

/// What `lint --json` prints of a finding.
#[derive(Serialize)]
struct Row<'a> {
    code: &'static str,
    severity: Severity,
    /// Manifests do not say it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    assumed: bool,
    title: &'static str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    path: &'a str,
    message: &'a str,
    fix: &'a [String],
    evidence: Option<&'a Evidence>,
    /// Why it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<&'a Suppressed>,
}

/// Findings as a JSON array.
#[must_use]
pub fn json(found: &[Linted]) -> String {
    let rows: Vec<Row<'_>> = found.iter().map(row).collect();
    json::text(&rows)
}

fn row(Linted { scenario, finding, evidence, suppressed }: &Linted) -> Row<'_> {
    let position = finding.position.as_ref();
    Row {
        code: finding.rule.code,
        severity: finding.severity,
        assumed: finding.assumed,
        title: finding.rule.title,
        source: position.map_or(scenario, |p| &p.source),
        line: position.map(|p| p.line),
        column: position.map(|p| p.column),
        path: &finding.path,
        message: &finding.message,
        fix: &finding.fix,
        evidence: evidence.as_ref(),
        suppressed: suppressed.as_ref(),
    }
}

impl Severity {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// What is said of a finding about something that manifests do not say.
pub(super) const ASSUMED: &str = "assumed: the manifests do not say it, since programs set it";

/// A finding for a terminal, several lines.
#[must_use]
pub fn render(name: &str, finding: &Finding, evidence: Option<&Evidence>, style: &Style) -> String {
    let rule = finding.rule;
    let place = match &finding.position {
        Some(at) => at.to_string(),
        None => name.to_owned(),
    };
    let head = format!("{}[{}]: {}", finding.severity.word(), rule.code, rule.title);
    let head = if finding.severity == Severity::Note { style.strong(&head) } else { style.bad(&head) };
    let mut text = format!("{place}: {head}\n  {}: {}\n", finding.path, finding.message);
    if finding.assumed {
        let _ = writeln!(text, "  {ASSUMED}; say what yours do with --set");
    }
    if let Some(evidence) = evidence {
        let _ = writeln!(text, "  evidence: {}", proof(evidence));
        if !evidence.probe.is_empty() {
            let _ = writeln!(text, "{}", style.faint(&format!("  in:  {}", sets(&evidence.probe))));
        }
    }
    let _ = writeln!(text, "  fix: {}", sets(&finding.fix));
    style.shown(text)
}

/// `--set`s as they are typed into a shell.
pub(super) fn sets(sets: &[String]) -> String {
    sets.iter().map(|set| set_option(set)).collect::<Vec<_>>().join(" ")
}

/// The figures without and with the fix, how sure that is, and what the fix costs.
pub(super) fn proof(evidence: &Evidence) -> String {
    let Evidence { seed, runs, figures, price, missing, .. } = evidence;
    if !missing.is_empty() {
        return format!("none, since {missing}");
    }
    let listed = |figures: &[Shown], worse: &str| -> String {
        let note = |f: &Shown| if f.is_worse() { worse.to_owned() } else { String::new() };
        let each: Vec<String> = figures.iter().map(|f| format!("{} {}{}", f.name, change(f), note(f))).collect();
        each.join(", ")
    };
    let sure = match figures.first() {
        Some(first) if first.is_better() => format!("better in {} of {runs} runs", first.better),
        _ => format!("no difference that {runs} runs show"),
    };
    let price = if price.is_empty() { String::new() } else { format!("; the fix makes worse: {}", listed(price, "")) };
    let last = seed.wrapping_add(runs.saturating_sub(1));
    format!("{} ({sure}, seeds {seed} to {last}){price}", listed(figures, " (worse)"))
}

fn change(shown: &Shown) -> String {
    let number = |x: Option<f64>| match x {
        None => "none".to_owned(),
        Some(x) if x == x.floor() && x.abs() < 1e15 => format!("{x:.0}"),
        Some(x) if x.abs() >= 100.0 => format!("{x:.0}"),
        Some(x) => format!("{x:.2}"),
    };
    format!("{} → {}", number(shown.without), number(shown.with))
}

/// A rule as `explain` prints it.
#[must_use]
pub fn rule_text(rule: &Rule) -> String {
    let passes: Vec<String> = rule.passes.iter().map(|s| (*s).to_owned()).collect();
    format!(
        "{}: {} ({})\n\nCause: {}\n\nCure: {}\n\nSource: {}\n\nFor example, and not with {}:\n\n{}",
        rule.code,
        rule.title,
        rule.severity.word(),
        rule.cause,
        rule.cure,
        rule.source,
        sets(&passes),
        rule.example
    )
}

/// The rules as Markdown, each with the evidence of its example.
#[must_use]
pub fn reference(evidence: impl Fn(&Rule) -> Option<(Finding, Evidence)>) -> String {
    let mut text = String::new();
    for rule in rules() {
        let _ = write!(
            text,
            "### {}: {}\n\n*{}.* {}\n\n**Cure.** {}\n\n",
            rule.code,
            rule.title,
            rule.severity.word(),
            rule.cause,
            rule.cure
        );
        let _ = write!(text, "```yaml\n{}```\n\n", rule.example);
        if let Some((finding, evidence)) = evidence(rule) {
            let _ = write!(
                text,
                "> {}\n>\n> {}, with `{}`\n\n",
                finding.message,
                proof(&evidence),
                finding.fix.join("`, `")
            );
        }
        let _ = write!(text, "Source: {}.\n\n", rule.source);
    }
    text
}
