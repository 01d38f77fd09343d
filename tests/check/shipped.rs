//! The shipped properties have their outcomes, and the files of those that are refuted show the figures that are reported.

use evenkeel::experiment::check::{Effort, check};
use evenkeel::experiment::run;
use evenkeel::scenario::property::{Claim, Property, parse};
use evenkeel::{scenario, shipped};

fn properties() -> Vec<Property> {
    let files = shipped::properties();
    files.iter().flat_map(|file| parse(file.name, file.text, None).unwrap_or_else(|e| panic!("{e}"))).collect()
}

#[test]
fn the_folklore_has_its_outcomes() {
    let all = properties();
    assert!(all.len() >= 10 && all.iter().filter(|p| p.expect_refuted).count() >= 5);
    for property in all {
        assert!(!property.learnt.is_empty(), "{}", property.name);
        let effort = Effort { cases: 32, runs: None, seed: 1 };
        let done = check(&property, &effort, None, &|| ()).unwrap_or_else(|e| panic!("{}: {e:?}", property.name));
        assert!(done.checked.is_as_expected(), "{:#?}", done.checked);
        let Some(refutation) = &done.checked.refutation else {
            assert!(done.checked.nearest.is_some() && done.files.is_empty(), "{}", property.name);
            continue;
        };
        assert_eq!(done.files.len(), refutation.shrunk.values.len());
        for (i, ((name, text), reported)) in done.files.iter().zip(&refutation.shrunk.values).enumerate() {
            let shown = shown(&property, i, text);
            assert_eq!((shown.value, shown.seed), (*reported, refutation.shrunk.seed), "{name}");
            assert!(!shown.met || property.claim != Claim::Line, "{name}: the replay meets the claim");
        }
    }
}

struct Shown {
    value: Option<f64>,
    met: bool,
    seed: u64,
}

/// What `run` shows of a file: a scenario that is alone expects the claim; of two, the figure of its side is asked for.
fn shown(property: &Property, side: usize, text: &str) -> Shown {
    let text = match property.claim {
        Claim::Line => text.to_owned(),
        Claim::Between { .. } => format!("{text}expect: ['{}']\n", figure(&property.text, side)),
    };
    let loaded = scenario::parse("replay.yaml", &text, None, &[]).unwrap_or_else(|e| panic!("{text}\n{e}"));
    let outcome = run(&loaded, loaded.model.seed, true, None).unwrap();
    let result = &outcome.summary.expectations[0];
    Shown { value: result.value, met: result.met, seed: outcome.summary.seed }
}

/// A line that gives the figure of a side of `a.FIGURE <= b.FIGURE … after TIME`.
fn figure(claim: &str, side: usize) -> String {
    let of = claim.split("<=").nth(side).unwrap().split_whitespace().next().unwrap();
    let when = claim.split_once(" after ").map_or_else(String::new, |(_, time)| format!(" after {time}"));
    format!("{} >= 0{when}", of.split_once('.').unwrap().1)
}

/// The file that docs/check.md explains has the outcome that it says.
#[test]
fn the_example_of_the_document_is_one() {
    let document = include_str!("../../docs/check.md");
    let example = document.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let property = parse("docs/check.md", example, None).unwrap_or_else(|e| panic!("{e}")).remove(0);
    let done = check(&property, &Effort { cases: 200, runs: None, seed: 1 }, None, &|| ()).unwrap();
    assert!(done.checked.is_as_expected(), "{:#?}", done.checked);
}
