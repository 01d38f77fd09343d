//! Findings for other programs: SARIF, JUnit and GitHub's workflow commands.

use serde_json::{Value, json};

use super::report::{ASSUMED, proof, sets};
use super::{Evidence, Finding, Linted, Rule, Severity, rules};
use crate::scenario::hash;

/// All that a finding says, in lines.
fn text(finding: &Finding, evidence: Option<&Evidence>) -> String {
    let mut text = format!("{}: {}", finding.path, finding.message);
    if finding.assumed {
        text.push_str(&format!("\n{ASSUMED}"));
    }
    if let Some(evidence) = evidence {
        text.push_str(&format!("\nevidence: {}", proof(evidence)));
    }
    text + &format!("\nfix: {}", sets(&finding.fix))
}

/// The file that a finding is about; `None` if it is about an option of the command line.
fn file(name: &str, finding: &Finding) -> Option<String> {
    let source = finding.position.as_ref().map_or(name, |position| &position.source);
    (source != "--set").then(|| source.to_owned())
}

/// SARIF 2.1.0, with all rules, whether broken or not.
///
/// <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>
#[must_use]
pub fn sarif(found: &[Linted]) -> String {
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
    let result = |(name, finding, evidence): &Linted| {
        let mut result = json!({
            "ruleId": finding.rule.code,
            "ruleIndex": all.iter().position(|rule| rule.code == finding.rule.code),
            "level": finding.severity.word(),
            "message": { "text": format!("{}: {}", finding.rule.title, text(finding, evidence.as_ref())) },
            // What it is about, wherever that stands in the file.
            "partialFingerprints": {
                "evenkeel/v1": hash(format!("{}\0{name}\0{}", finding.rule.code, finding.path).as_bytes()),
            },
            "properties": { "path": finding.path, "fix": finding.fix, "evidence": evidence },
        });
        if let Some(file) = file(name, finding) {
            let mut place = json!({ "artifactLocation": { "uri": uri(&file), "uriBaseId": "%SRCROOT%" } });
            if let Some(position) = &finding.position {
                place["region"] = json!({ "startLine": position.line, "startColumn": position.column });
            }
            result["locations"] = json!([{ "physicalLocation": place }]);
        }
        result
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
            "columnKind": "unicodeCodePoints",
            "results": found.iter().map(result).collect::<Vec<Value>>(),
        }],
    });
    crate::output::json::text(&log)
}

/// A path as a relative reference (RFC 3986): what is no part of one is written as `%XX`.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~".contains(&b);
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// JUnit XML: a test case per finding, which fails unless it is a note, and one per scenario without any.
#[must_use]
pub fn junit(found: &[Linted], scenarios: &[&str]) -> String {
    let case = |(name, finding, evidence): &Linted| {
        let rule = finding.rule;
        let place = finding.position.as_ref().map_or(String::new(), |position| format!("{position}\n"));
        let body = xml(&format!("{place}{}", text(finding, evidence.as_ref())));
        let inner = match finding.severity {
            Severity::Note => format!("<system-out>{body}</system-out>"),
            _ => format!("<failure type=\"{}\" message=\"{}\">{body}</failure>", rule.code, xml(rule.title)),
        };
        let title = xml(&format!("{} {}", rule.code, finding.path));
        format!("    <testcase classname=\"{}\" name=\"{title}\">{inner}</testcase>\n", xml(name))
    };
    let clean = scenarios.iter().filter(|name| !found.iter().any(|row| row.0 == **name));
    let clean: String =
        clean.map(|name| format!("    <testcase classname=\"{}\" name=\"lint\"/>\n", xml(name))).collect();
    let cases: String = found.iter().map(case).collect::<String>() + &clean;
    let tests = cases.matches("<testcase ").count();
    let failures = found.iter().filter(|row| row.1.severity != Severity::Note).count();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"evenkeel lint\" tests=\"{tests}\" \
         failures=\"{failures}\">\n{cases}  </testsuite>\n</testsuites>"
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
    let line = |(name, finding, evidence): &Linted| {
        let command = if finding.severity == Severity::Note { "notice" } else { finding.severity.word() };
        let place = file(name, finding).map_or(String::new(), |file| format!("file={},", property(&file)));
        let at = finding.position.as_ref().filter(|_| !place.is_empty());
        let at = at.map_or(String::new(), |p| format!("line={},col={},", p.line, p.column));
        let title = property(&format!("{}: {}", finding.rule.code, finding.rule.title));
        format!("::{command} {place}{at}title={title}::{}", data(&text(finding, evidence.as_ref())))
    };
    found.iter().map(line).collect::<Vec<String>>().join("\n")
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
    use crate::lint::lint;
    use crate::scenario::document::Document;

    fn found() -> Vec<Linted> {
        let text = "name: a\nduration: 5m\nservers: [{ name: s, replicas: 5 }]\nclients:\n  - { name: c, load: { open: { rate: 50 } } }\n";
        let document = Document::embedded("k8s/a b.yaml", text, &[]);
        lint(&document).unwrap().into_iter().map(|finding| ("k8s/a b.yaml".to_owned(), finding, None)).collect()
    }

    #[test]
    fn sarif_has_what_code_scanning_needs() {
        let log: Value = serde_json::from_str(&sarif(&found())).unwrap();
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
        let empty: Value = serde_json::from_str(&sarif(&[])).unwrap();
        assert_eq!((&empty["version"], &empty["runs"][0]["results"]), (&json!("2.1.0"), &json!([])));
    }

    #[test]
    fn junit_is_xml_and_counts_what_fails() {
        let text = junit(&found(), &["k8s/a b.yaml", "clean<&\u{1}>.yaml"]);
        let xml = roxmltree::Document::parse(&text).unwrap();
        let suite = xml.descendants().find(|n| n.has_tag_name("testsuite")).unwrap();
        let count = |tag: &str| xml.descendants().filter(|n| n.has_tag_name(tag)).count().to_string();
        assert_eq!(suite.attribute("tests"), Some(count("testcase").as_str()));
        assert_eq!(suite.attribute("failures"), Some(count("failure").as_str()));
        assert!(text.contains("clean&lt;&amp;&gt;.yaml"));
    }

    #[test]
    fn workflow_commands_are_one_line_each() {
        let found = found();
        let text = github(&found);
        assert_eq!(text.lines().count(), found.len());
        assert!(text.lines().all(|line| line.starts_with("::") && line.contains("file=k8s/a b.yaml,line=")), "{text}");
        assert_eq!((property("a:b,c%\n"), github(&[])), ("a%3Ab%2Cc%25%0A".to_owned(), String::new()));
    }
}
