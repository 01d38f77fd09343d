//! The objectives: those of the user, and the one that goes without saying.

use super::PlanError;
use crate::model::{Expectation, When};
use crate::scenario::Loaded;
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::document::Document;

/// What goes without saying, where no objective is about calls that fail: pods that serve a part of the calls cost less, and are no answer.
pub const IMPLIED: &str = "error_ratio <= 0.1%";

/// Figures that say how many calls fail.
const FAILURES: [&str; 4] = ["error_ratio", "failed", "by_status", "errors"];

/// The scenario with these objectives as its expectations, or with its own if there are none; and whether [`IMPLIED`] is the last of them.
///
/// # Errors
/// If an objective is wrong, or if there is none.
pub(super) fn with_objectives(
    document: &Document,
    sets: &[String],
    slos: &[String],
) -> Result<(Loaded, bool), PlanError> {
    let typed: Vec<String> =
        if slos.is_empty() { Vec::new() } else { vec![expecting(slos.iter().map(String::as_str))] };
    let load = |typed: &[String]| document.load(&[sets, typed].concat());
    let loaded = load(&typed).map_err(|wrong| retold(wrong, slos))?;
    let own = &loaded.model.expect;
    if own.is_empty() {
        let message =
            "there is no objective: give some, such as --slo 'latency.p99 <= 20ms', or `expect` in the scenario";
        return Err(PlanError::Question(message.into()));
    }
    if own.iter().any(is_about_failures) {
        return Ok((loaded, false));
    }
    let all = own.iter().map(|e| e.text.as_str()).chain([IMPLIED]);
    Ok((load(&[expecting(all)])?, true))
}

fn is_about_failures(expectation: &Expectation) -> bool {
    expectation.path.iter().any(|name| FAILURES.contains(&name.as_str()))
}

/// True if it says nothing where nothing changes.
pub(super) fn is_about_changes(expectation: &Expectation) -> bool {
    matches!(expectation.when, When::Within(_) | When::For(_))
        || expectation.path.first().is_some_and(|p| p == "time_to_balance")
}

/// The objectives as `--set` has them. What JSON quotes YAML reads.
pub(super) fn expecting<'a>(slos: impl Iterator<Item = &'a str>) -> String {
    let quoted = slos.map(|slo| serde_json::Value::from(slo).to_string());
    format!("expect=[{}]", quoted.collect::<Vec<_>>().join(", "))
}

/// What is wrong with objectives, told of the `--slo` that each was typed in.
fn retold(wrong: Diagnostics, slos: &[String]) -> Diagnostics {
    wrong.retold(|set, at| {
        // The i-th objective stands behind the list of those before it, without the bracket that would end that.
        let before = |i: &usize| expecting(slos.iter().take(*i).map(String::as_str)).len().saturating_sub(1);
        let i = (0..slos.len()).take_while(|i| before(i) <= at.start).last()?;
        let slo = slos.get(i).filter(|_| set == expecting(slos.iter().map(String::as_str)))?;
        Some(("--slo", slo.as_str(), 0..slo.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_are_quoted() {
        assert_eq!(expecting(["a == 1", "b \"x\" < 2"].into_iter()), r#"expect=["a == 1", "b \"x\" < 2"]"#);
    }

    #[test]
    fn failed_calls_are_an_objective_unless_one_is_about_them() {
        let text = "name: a\nduration: 1m\nservers: [{ name: api, replicas: 5 }]\n\
                    clients: [{ name: web, load: { open: { rate: 10 } } }]\ntimeline: [{ at: 30s, rollout: api }]\n";
        let document = Document::embedded("a", text, &[]);
        let of = |slos: &[&str]| {
            let slos: Vec<String> = slos.iter().map(|slo| (*slo).to_owned()).collect();
            let (loaded, implied) = with_objectives(&document, &[], &slos).unwrap_or_else(|e| panic!("{e}"));
            (loaded.model.expect.iter().map(|e| e.text.clone()).collect::<Vec<_>>(), implied)
        };
        assert_eq!(
            of(&["max_utilization <= 70%"]),
            (vec!["max_utilization <= 70%".to_owned(), IMPLIED.to_owned()], true)
        );
        for own in ["error_ratio <= 60%", "requests.failed <= 3", "requests.failed == 0 for 10s after rollout"] {
            assert_eq!(of(&[own, "idle_pods == 0"]), (vec![own.to_owned(), "idle_pods == 0".to_owned()], false));
        }
    }
}
