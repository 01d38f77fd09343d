//! Bad scenarios, as data: each must give exactly one error with the right code, at the right place, that says the right
//! thing. The place is marked by `«` in the text, which is taken out before reading.

mod clients;
mod gateways;
mod meaning;
mod reading;

use evenkeel::scenario::{self, Loaded, diagnostic::Diagnostics};

/// A case: the scenario with its marked place, the code, and a part of the message or of the help.
type Case<'a> = (&'a str, &'a str, &'a str);

const SERVERS: &str = "servers: [{ name: api, replicas: 3 }]\n";
const CLIENTS: &str = "clients: [{ name: web, load: { open: { rate: 100 } } }]\n";
const GHZ: &str = "clients: [{ name: ghz, load: { closed: { concurrency: 5, requests: 100 } } }]\n";

/// Completes a case: `NAME` … `GHZ` stand for the usual lines, so that a case shows only what it is about.
fn complete(text: &str) -> String {
    text.replace("NAME\n", "name: a\n")
        .replace("MIN\n", "duration: 1m\n")
        .replace("SERVERS\n", SERVERS)
        .replace("CLIENTS\n", CLIENTS)
        .replace("GHZ\n", GHZ)
}

fn parse(text: &str) -> Result<Loaded, Diagnostics> {
    scenario::parse("a.yaml", text, None, &[])
}

fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line = before.rsplit('\n').next().unwrap_or("");
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

fn run(cases: &[Case<'_>]) {
    let mut wrong = Vec::new();
    for (marked, code, fragment) in cases {
        let marked = complete(marked);
        let at = marked.find('«').unwrap_or_else(|| panic!("no place is marked in {marked}"));
        let text = marked.replace('«', "");
        let expected = line_and_column(&text, at);
        let Err(found) = parse(&text) else {
            wrong.push(format!("accepted: {text}"));
            continue;
        };
        let said = found.to_string();
        let [one] = found.problems() else {
            wrong.push(format!("not one error for {text}:\n{said}"));
            continue;
        };
        let place = found.position(one).map(|(_, line, column)| (line, column));
        let says = one.message.contains(fragment) || one.help.as_ref().is_some_and(|help| help.contains(fragment));
        if one.code.rule().code != *code || place != Some(expected) || !says {
            wrong.push(format!("expected {code} at {expected:?} with {fragment:?}, found at {place:?}\n{said}"));
        }
        let shown = format!("a.yaml:{}:{}", expected.0, expected.1);
        if place == Some(expected) && !(said.contains(&shown) && said.contains(&format!("error[{code}]"))) {
            wrong.push(format!("{shown} is not in the message:\n{said}"));
        }
        assert_eq!(found.exit_status(), 2);
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n----\n"));
}

#[test]
fn all_errors_are_reported_and_none_is_a_mere_consequence() {
    let text = "name: My Scenario
durration: 5m
servers:
  - name: api
    replica: 5
    startup: 5
clients:
  - name: web
    load: { open: { rate: -1 } }
timeline:
  - { at: 1m, rollout: apy }
expect: [cw < 1]
";
    let found = parse(text).unwrap_err();
    let codes: Vec<_> = found
        .problems()
        .iter()
        .map(|p| (p.code.rule().code, found.position(p).map_or(0, |(_, line, _)| line)))
        .collect();
    // No E021 for the missing duration: it was misspelt. No E016 either, since a name may have been lost.
    assert_eq!(codes, [("E014", 1), ("E008", 2), ("E008", 5), ("E010", 6), ("E013", 9), ("E027", 12)]);
    assert!(found.to_string().ends_with("6 errors; `evenkeel explain E014` says more"));
}

#[test]
fn the_message_shows_the_line() {
    let text = "name: a\nservers:\n  - name: api\n    replica: 5\n";
    insta::assert_snapshot!(parse(&format!("{text}{GHZ}")).unwrap_err(), @r"
    error[E008]: unknown key `replica`
     --> a.yaml:4:5
      |
    4 |     replica: 5
      |     ^^^^^^^
      |
      = help: did you mean `replicas`? Known here: `name`, `replicas`, `concurrency`, `service_time`, `cpu`, `speed`, `warm_up`, `queue_limit`, `handshake_time`, `startup`, `min_ready`, `hpa`, `termination`, `strategy`, `stack`, `grpc`

    1 error; `evenkeel explain E008` says more
    ");
}
