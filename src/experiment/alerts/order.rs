//! Which recording rules must be evaluated before which.

use std::collections::BTreeSet;

use crate::scenario::alerts::{Rule, RuleFile};

/// The recording rules that alerts need, in rounds: a rule uses only what rounds before its own have recorded. A series of that name that the
/// run has exported itself is not told apart: both are there.
///
/// # Errors
/// A rule that uses, perhaps through others, what it records itself.
pub fn rounds(file: &RuleFile) -> Result<Vec<Vec<&Rule>>, &Rule> {
    let rules = needed(file);
    let uses = |rule: &&Rule| -> Vec<usize> {
        let used = rules.iter().enumerate().filter(|(_, other)| mentions(&rule.expr, &other.name));
        used.map(|(i, _)| i).collect()
    };
    let uses: Vec<Vec<usize>> = rules.iter().map(uses).collect();
    let mut waits = vec![true; rules.len()];
    let mut left: Vec<usize> = (0..rules.len()).collect();
    let mut rounds = Vec::new();
    while let Some(&first) = left.first() {
        let (later, now): (Vec<usize>, Vec<usize>) =
            left.into_iter().partition(|rule| uses[*rule].iter().any(|used| waits[*used]));
        if now.is_empty() {
            return Err(rules[first]);
        }
        now.iter().for_each(|rule| waits[*rule] = false);
        rounds.push(now.into_iter().map(|rule| rules[rule]).collect());
        left = later;
    }
    Ok(rounds)
}

/// The recording rules that alerts use, and those that these use.
fn needed(file: &RuleFile) -> Vec<&Rule> {
    let mut expressions: Vec<&str> = file.alerts.iter().map(|alert| alert.rule.expr.as_str()).collect();
    let mut found = BTreeSet::new();
    while let Some(expression) = expressions.pop() {
        for (i, rule) in file.records.iter().enumerate() {
            if mentions(expression, &rule.name) && found.insert(i) {
                expressions.push(&rule.expr);
            }
        }
    }
    found.into_iter().map(|i| &file.records[i]).collect()
}

/// True if a name stands in an expression as a word. In a string or as a label it means something else, which costs a round and nothing more.
fn mentions(expression: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    expression
        .match_indices(name)
        .any(|(at, _)| !expression[..at].ends_with(is_part) && !expression[at + name.len()..].starts_with(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::alerts::Alert;
    use crate::scenario::document::Position;
    use crate::units::Span;

    fn rule(name: &str, expr: &str) -> Rule {
        let position = Position { source: String::new(), line: 1, column: 1 };
        let (name, expr, labels) = (name.to_owned(), expr.to_owned(), Default::default());
        Rule { name, expr, labels, interval: None, offset: Span::ZERO, position }
    }

    fn file(records: &[(&str, &str)], expr: &str) -> RuleFile {
        let alerts = vec![Alert { rule: rule("A", expr), lasts: Span::ZERO, keeps: Span::ZERO }];
        RuleFile { records: records.iter().map(|(name, expr)| rule(name, expr)).collect(), alerts }
    }

    fn names(file: &RuleFile) -> Vec<Vec<&str>> {
        rounds(file).unwrap().iter().map(|round| round.iter().map(|rule| rule.name.as_str()).collect()).collect()
    }

    #[test]
    fn a_rule_comes_after_those_that_it_uses() {
        let records = [("c", "max(a) / b"), ("a", "up"), ("b", "sum(a)"), ("unused", "c"), ("a:b", "x")];
        assert_eq!(names(&file(&records, "c > 2")), [["a"], ["b"], ["c"]]);
        assert_eq!(names(&file(&records, "a:b > 1")), [["a:b"]]);
        assert_eq!(names(&file(&records, "up > 1")), Vec::<Vec<&str>>::new());
    }

    #[test]
    fn a_circle_is_refused() {
        let with = |expr: &str| file(&[("a", expr), ("b", "a"), ("d", "up")], "a + d");
        assert_eq!(rounds(&with("a offset 1m")).unwrap_err().name, "a");
        assert_eq!(rounds(&with("b + 1")).unwrap_err().name, "a");
    }

    #[test]
    fn names_are_words() {
        assert!(mentions("sum(a)", "a") && mentions("a", "a") && mentions("x+a[5m]", "a"));
        assert!(!mentions("ab + b:a + a_total", "a"));
    }
}
