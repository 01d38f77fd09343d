//! What is ignored where it stands: `evenkeel.dev/ignore: "EK014: reason"` in the annotations of an object, and
//! `# evenkeel: ignore EK014: reason` in a scenario, or in a script that makes the load.

use super::known;
use crate::scenario::diagnostic::{Place, Problem, lines, quoted};
use crate::scenario::document::Position;
use crate::scenario::rules::Code;
use crate::scenario::yaml::tree::{Node, Value};

/// The annotation.
const ANNOTATION: &str = "evenkeel.dev/ignore";
/// What a comment begins with.
const COMMENT: &str = "evenkeel:";

/// A rule whose findings do not count in some place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignore {
    /// The rule.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// Where that is said.
    pub position: Position,
    within: Within,
}

/// Where it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Within {
    Scenario,
    /// From a line and column to another, in the file that says it.
    Part((usize, usize), (usize, usize)),
}

impl Ignore {
    /// True if it holds for what stands there; what an option says stands nowhere.
    #[must_use]
    pub fn covers(&self, position: Option<&Position>) -> bool {
        match (&self.within, position) {
            (Within::Scenario, _) => true,
            (Within::Part(from, to), Some(at)) => {
                at.source == self.position.source && (from..=to).contains(&&(at.line, at.column))
            }
            (Within::Part(..), None) => false,
        }
    }
}

/// What an object or a comment says.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Note {
    /// Rules with reasons.
    text: String,
    place: Place,
    /// From the first byte to the last that it holds for; `None`: everywhere.
    within: Option<Place>,
}

impl Note {
    /// The annotations of an object, its own and those of its pod template, which hold for all of it.
    pub(crate) fn of_object(root: &Node, problems: &mut Vec<Problem>) -> Vec<Note> {
        let template = root.child("spec").and_then(|spec| spec.child("template"));
        let mut within = root.place;
        widen(root, &mut within);
        let annotation = |of: &'_ Node| Some(of.child("metadata")?.child("annotations")?.child(ANNOTATION)?.clone());
        let read = |node: Node| match node.value {
            Value::Text(text) => Some(Note { text, place: node.place, within: Some(within) }),
            _ => {
                problems.push(Problem::new(Code::WrongType, node.place, format!("`{ANNOTATION}` must be a text")));
                None
            }
        };
        [Some(root), template].into_iter().flatten().filter_map(annotation).filter_map(read).collect()
    }

    /// The comments of a text: one on a line of its own holds `everywhere`, and one behind a value in its line. The tree of the text
    /// tells comments from what stands in texts.
    pub(crate) fn of_comments(text: &str, root: Option<&Node>, source: u32, everywhere: Option<Place>) -> Vec<Note> {
        let mut notes = Vec::new();
        for (start, line) in lines(text) {
            let is_comment = |at: usize| {
                let begins = line[..at].chars().next_back().is_none_or(char::is_whitespace);
                begins && !root.is_some_and(|root| is_in_a_text(root, start + at))
            };
            let Some(at) = line.match_indices('#').map(|(at, _)| at).find(|at| is_comment(*at)) else { continue };
            let Some(said) = line[at + 1..].trim_start().strip_prefix(COMMENT) else { continue };
            let place = Place { source, start: start + at, end: start + line.len() };
            let is_alone = line[..at].trim().is_empty();
            let within = if is_alone { everywhere } else { Some(Place { start, ..place }) };
            // What is not understood is refused with its place, as it stands.
            let text = said.trim().strip_prefix("ignore ").unwrap_or(said.trim()).to_owned();
            notes.push(Note { text, place, within });
        }
        notes
    }

    /// The comments of a script, which hold for what comes of it.
    pub(crate) fn of_script(text: &str, source: u32) -> Vec<Note> {
        Note::of_comments(text, None, source, Some(Place { source, start: 0, end: text.len() }))
    }

    /// Each of its rules with its reason; `position` says where a place is.
    pub(crate) fn ignores(
        &self,
        codes: &[&str],
        position: &dyn Fn(Place) -> Position,
        problems: &mut Vec<Problem>,
    ) -> Vec<Ignore> {
        let parts = self.text.split(['\n', ';']).map(str::trim).filter(|part| !part.is_empty());
        let parts: Vec<&str> = parts.collect();
        let mut found = Vec::new();
        for part in if parts.is_empty() { &[""][..] } else { &parts } {
            let (code, reason) =
                part.split_once(':').map_or((*part, ""), |(code, reason)| (code.trim(), reason.trim()));
            if reason.is_empty() {
                let message = format!("{} is no rule with a reason", quoted(part));
                let help = "write `EK014: why it does not matter here`, several with `;` or lines between them";
                problems.push(Problem::new(Code::Unreadable, self.place, message).help(help));
                continue;
            }
            match known("rule", code, codes, self.place) {
                Err(problem) => problems.push(problem),
                Ok(rule) => found.push(Ignore {
                    rule: rule.to_owned(),
                    reason: reason.to_owned(),
                    position: position(self.place),
                    within: self.within.map_or(Within::Scenario, |Place { start, end, source }| {
                        let end = position(Place { source, start: end, end });
                        let start = position(Place { source, start, end: start });
                        Within::Part((start.line, start.column), (end.line, end.column))
                    }),
                }),
            }
        }
        found
    }
}

/// Takes in all that a value holds.
fn widen(node: &Node, within: &mut Place) {
    within.start = within.start.min(node.place.start);
    within.end = within.end.max(node.place.end);
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| widen(item, within)),
        Value::Map(entries) => entries.iter().for_each(|entry| widen(&entry.value, within)),
        _ => {}
    }
}

/// True for a byte of a text of the tree, which begins no comment.
fn is_in_a_text(node: &Node, byte: usize) -> bool {
    match &node.value {
        Value::Text(_) => (node.place.start..node.place.end).contains(&byte),
        Value::List(items) => items.iter().any(|item| is_in_a_text(item, byte)),
        Value::Map(entries) => entries.iter().any(|entry| is_in_a_text(&entry.value, byte)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::yaml::tree::parse;

    fn said(text: &str) -> Vec<(String, Option<Place>)> {
        let notes = Note::of_comments(text, Some(&parse(text, 0, 0).unwrap()), 0, None);
        notes.into_iter().map(|note| (note.text, note.within)).collect()
    }

    #[test]
    fn comments_are_told_from_texts() {
        let text = "# evenkeel: ignore EK001: x\nname: a # evenkeel: ignore EK002: y\nabout: \"a # evenkeel: ignore EK003: z\"\n\
                    story: |\n  b\n  # evenkeel: ignore EK004: z\n  c\nseed: 1 #evenkeel: EK005\nx: a#evenkeel:b\n";
        let at = |from: &str| text.find(from).unwrap();
        let line = |from: &str| {
            let start = at(from);
            Some(Place { source: 0, start, end: start + text[start..].find('\n').unwrap() })
        };
        let expected = [("EK001: x", None), ("EK002: y", line("name:")), ("EK005", line("seed:"))];
        assert_eq!(said(text), expected.map(|(text, within)| (text.to_owned(), within)));
    }

    #[test]
    fn each_rule_needs_a_reason() {
        let note = |text: &str| Note { text: text.to_owned(), place: Place::default(), within: None };
        let position = |_| Position { source: String::new(), line: 1, column: 1 };
        let read = |text: &str| {
            let mut problems = Vec::new();
            let found = note(text).ignores(&["EK001", "EK002"], &position, &mut problems);
            let found: Vec<(String, String)> = found.into_iter().map(|i| (i.rule, i.reason)).collect();
            (found, problems.into_iter().map(|p| p.code).collect::<Vec<_>>())
        };
        let pair = |rule: &str, reason: &str| (rule.to_owned(), reason.to_owned());
        assert_eq!(read("EK001: a: b;ek002 : c\n"), (vec![pair("EK001", "a: b"), pair("EK002", "c")], vec![]));
        assert_eq!(read("EK001\nEK002: ").1, [Code::Unreadable, Code::Unreadable]);
        assert_eq!((read("").1, read("EK003: a").1), (vec![Code::Unreadable], vec![Code::UnknownChoice]));
    }
}
