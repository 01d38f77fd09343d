//! Findings for other programs: SARIF, JUnit and GitHub's workflow commands.

use serde_json::{Value, json};

use super::report::{ASSUMED, proof, sets};
use super::{Linted, Review, Rule, Severity, Suppressed, Unused, rules};
use crate::scenario::document::Position;
use crate::scenario::hash;

/// All that a finding says, in lines.
fn text(Linted { finding, evidence, .. }: &Linted) -> String {
    let mut text = format!("{}: {}", finding.path, finding.message);
    if finding.assumed {
        text.push_str(&format!("\n{ASSUMED}"));
    }
    if let Some(evidence) = evidence {
        text.push_str(&format!("\nevidence: {}", proof(evidence)));
    }
    text + &format!("\nfix: {}", sets(&finding.fix))
}

impl Suppressed {
    /// Why it does not count.
    fn reason(&self) -> &str {
        match self {
            Suppressed::Baseline => "in the baseline",
            Suppressed::Ignored(reason) => reason,
        }
    }
}

/// SARIF 2.1.0, with all rules, whether broken or not.
///
/// <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>
#[must_use]
pub fn sarif(review: &Review) -> String {
    let all = rules();
    let rule = |rule: &&Rule| {
        json!({
            "id": rule.code,
            "shortDescription": { "text": rule.title },
            "fullDescription": { "text": rule.cause },
            "help": { "text": format!("{}\n\nSource: {}", rule.cure, rule.source) },
            "defaultConfiguration": { "level": rule.severity.word() },
        })
    };
    let result = |row: &Linted| {
        let Linted { finding, evidence, suppressed, .. } = row;
        let known = row.identity();
        let mut result = json!({
            "ruleId": finding.rule.code,
            "ruleIndex": all.iter().position(|rule| rule.code == finding.rule.code),
            "level": finding.severity.word(),
            "message": { "text": format!("{}: {}", finding.rule.title, text(row)) },
            // What it is about, wherever that stands in the file.
            "partialFingerprints": {
                "evenkeel/v1": hash(format!("{}\0{}\0{}", known.rule, known.file, known.path).as_bytes()),
            },
            // Where some results can be suppressed, an empty list says of the others that they are not.
            "suppressions": suppressed.iter().map(suppression).collect::<Vec<Value>>(),
            "properties": { "path": finding.path, "fix": finding.fix, "evidence": evidence },
        });
        if let Some(file) = row.file() {
            result["locations"] = json!([location(file, finding.position.as_ref())]);
        }
        if review.has_baseline {
            let state = if *suppressed == Some(Suppressed::Baseline) { "unchanged" } else { "new" };
            result["baselineState"] = json!(state);
        }
        result
    };
    let notification = |Unused { position, message }: &Unused| {
        json!({
            "level": "warning",
            "message": { "text": message },
            "locations": [location(&position.source, Some(position))],
        })
    };
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "evenkeel",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": all.iter().map(rule).collect::<Vec<Value>>(),
                },
            },
            "invocations": [{
                "executionSuccessful": true,
                "toolConfigurationNotifications": review.unused.iter().map(notification).collect::<Vec<Value>>(),
            }],
            "columnKind": "unicodeCodePoints",
            "results": review.rows.iter().map(result).collect::<Vec<Value>>(),
        }],
    });
    crate::output::json::text(&log)
}

fn suppression(why: &Suppressed) -> Value {
    let kind = if *why == Suppressed::Baseline { "external" } else { "inSource" };
    json!({ "kind": kind, "status": "accepted", "justification": why.reason() })
}

/// A place in a file. One that is named from the root of the file system on is not below the root of the sources.
fn location(file: &str, position: Option<&Position>) -> Value {
    let mut place = match file.starts_with('/') {
        true => json!({ "artifactLocation": { "uri": format!("file://{}", uri(file)) } }),
        false => json!({ "artifactLocation": { "uri": uri(file), "uriBaseId": "%SRCROOT%" } }),
    };
    if let Some(position) = position {
        place["region"] = json!({ "startLine": position.line, "startColumn": position.column });
    }
    json!({ "physicalLocation": place })
}

/// A path as a relative reference (RFC 3986): what is no part of one is written as `%XX`.
fn uri(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~".contains(&b);
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// JUnit XML: a test case per finding, which fails unless it is a note or does not count, and one per scenario without any.
#[must_use]
pub fn junit(found: &[Linted], scenarios: &[&str]) -> String {
    let case = |row: &Linted| {
        let rule = row.finding.rule;
        let place = row.finding.position.as_ref().map_or(String::new(), |position| format!("{position}\n"));
        let body = xml(&format!("{place}{}", text(row)));
        let inner = match (&row.suppressed, row.finding.severity) {
            (Some(why), _) => format!("<skipped message=\"{}\"/>", xml(why.reason())),
            (None, Severity::Note) => format!("<system-out>{body}</system-out>"),
            (None, _) => format!("<failure type=\"{}\" message=\"{}\">{body}</failure>", rule.code, xml(rule.title)),
        };
        let title = xml(&format!("{} {}", rule.code, row.finding.path));
        format!("    <testcase classname=\"{}\" name=\"{title}\">{inner}</testcase>\n", xml(&row.scenario))
    };
    let clean = scenarios.iter().filter(|name| !found.iter().any(|row| row.scenario == **name));
    let clean: String =
        clean.map(|name| format!("    <testcase classname=\"{}\" name=\"lint\"/>\n", xml(name))).collect();
    let cases: String = found.iter().map(case).collect::<String>() + &clean;
    let tests = cases.matches("<testcase ").count();
    let skipped = found.iter().filter(|row| row.suppressed.is_some()).count();
    let failures = found.iter().filter(|row| row.counts(Severity::Warning)).count();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"evenkeel lint\" tests=\"{tests}\" \
         failures=\"{failures}\" skipped=\"{skipped}\">\n{cases}  </testsuite>\n</testsuites>"
    )
}

/// Text that XML shows as it is; what XML cannot hold is left out.
fn xml(text: &str) -> String {
    let escaped = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\n' | '\t' => c.to_string(),
        c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => String::new(),
        c => c.to_string(),
    };
    text.chars().map(escaped).collect()
}

/// Workflow commands, which GitHub shows beside the lines of a pull request.
///
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>
#[must_use]
pub fn github(found: &[Linted]) -> String {
    let line = |row: &Linted| {
        let finding = &row.finding;
        let command = if finding.severity == Severity::Note { "notice" } else { finding.severity.word() };
        let place = row.file().map_or(String::new(), |file| format!("file={},", property(file)));
        let at = finding.position.as_ref().filter(|_| !place.is_empty());
        let at = at.map_or(String::new(), |p| format!("line={},col={},", p.line, p.column));
        let title = property(&format!("{}: {}", finding.rule.code, finding.rule.title));
        format!("::{command} {place}{at}title={title}::{}", data(&text(row)))
    };
    let counting = found.iter().filter(|row| row.suppressed.is_none());
    counting.map(|row| line(row) + "\n").collect()
}

/// The message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of one.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::Decisions;
    use crate::scenario::document::Document;

    fn review() -> Review {
        let text = "name: a\nduration: 5m\nservers: [{ name: s, replicas: 5 }]\nclients:\n  - { name: c, load: { open: { rate: 50 } } }\n";
        let mut review = Review::default();
        Decisions::default().add(&Document::embedded("k8s/a b.yaml", text, &[]), &mut review).unwrap();
        review
    }

    #[test]
    fn sarif_has_what_code_scanning_needs() {
        let log: Value = serde_json::from_str(&sarif(&review())).unwrap();
        let run = &log["runs"][0];
        let codes: Vec<&str> =
            run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect();
        assert_eq!(codes.len(), rules().len());
        let results = run["results"].as_array().unwrap();
        assert!(!results.is_empty());
        let mut prints = std::collections::BTreeSet::new();
        for result in results {
            assert_eq!(codes[result["ruleIndex"].as_u64().unwrap() as usize], result["ruleId"]);
            let place = &result["locations"][0]["physicalLocation"];
            assert_eq!(place["artifactLocation"]["uri"], "k8s/a%20b.yaml");
            assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
            assert!(prints.insert(result["partialFingerprints"]["evenkeel/v1"].as_str().unwrap()));
        }
        let empty: Value = serde_json::from_str(&sarif(&Review::default())).unwrap();
        assert_eq!((&empty["version"], &empty["runs"][0]["results"]), (&json!("2.1.0"), &json!([])));
    }

    #[test]
    fn junit_is_xml_and_counts_what_fails() {
        let text = junit(&review().rows, &["k8s/a b.yaml", "clean<&\u{1}>.yaml"]);
        let xml = roxmltree::Document::parse(&text).unwrap();
        let suite = xml.descendants().find(|n| n.has_tag_name("testsuite")).unwrap();
        let count = |tag: &str| xml.descendants().filter(|n| n.has_tag_name(tag)).count().to_string();
        assert_eq!(suite.attribute("tests"), Some(count("testcase").as_str()));
        assert_eq!(suite.attribute("failures"), Some(count("failure").as_str()));
        assert!(text.contains("clean&lt;&amp;&gt;.yaml"));
    }

    #[test]
    fn workflow_commands_are_one_line_each() {
        let found = review().rows;
        let text = github(&found);
        assert_eq!(text.lines().count(), found.len());
        assert!(text.lines().all(|line| line.starts_with("::") && line.contains("file=k8s/a b.yaml,line=")), "{text}");
        assert_eq!((property("a:b,c%\n"), github(&[])), ("a%3Ab%2Cc%25%0A".to_owned(), String::new()));
    }
}
