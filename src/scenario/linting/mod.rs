//! What people write about findings of lint: the configuration, the baseline, and what is ignored where it stands. Which rules there
//! are, lint says.

pub mod baseline;
pub mod config;
pub mod ignore;

use std::path::Path;

use serde::de::DeserializeOwned;

use super::MAX_BYTES;
use super::diagnostic::{Diagnostics, Place, Problem, Source, line_and_column, nearest, quoted};
use super::document::Position;
use super::input;
use super::rules::Code;
use super::yaml::tree::{Node, Value};
use super::yaml::{read, tree};
use crate::printable;

/// A file that is read.
struct Reading<'a> {
    source: &'a Source,
    root: &'a Node,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn position(&self, place: Place) -> Position {
        let (line, column) = line_and_column(&self.source.text, place.start);
        Position { source: self.source.name.clone(), line, column }
    }
}

/// Reads a YAML file, and makes something of what it says.
fn read_file<F: DeserializeOwned + Default, T>(
    path: &Path,
    make: impl FnOnce(F, &mut Reading<'_>) -> T,
) -> Result<T, Diagnostics> {
    let text = input::text_of(path, MAX_BYTES)?;
    let source = Source::new(&printable::path(path), &text);
    let wrong = |problems| Diagnostics::new(vec![source.clone()], problems);
    let root = tree::parse(&text, 0, 0).map_err(|problem| wrong(vec![*problem]))?;
    let mut cx = Reading { source: &source, root: &root, problems: Vec::new() };
    // A file of nothing but comments says nothing.
    let file = match root.value {
        Value::Null => Some(F::default()),
        _ => read::read(&mut root.clone(), &mut cx.problems),
    };
    let made = file.map(|file| make(file, &mut cx));
    made.filter(|_| cx.problems.is_empty()).ok_or_else(|| wrong(cx.problems))
}

/// What is known by this word, in any case; else what is wrong.
fn known<'a>(what: &str, word: &str, all: &[&'a str], place: Place) -> Result<&'a str, Problem> {
    let found = all.iter().copied().find(|known| known.eq_ignore_ascii_case(word));
    found.ok_or_else(|| {
        let near = nearest(word, all.iter().copied()).map(|near| format!("did you mean `{near}`? "));
        let list = match all {
            [first, .., last] if all.len() > 9 => {
                format!("known are `{first}` to `{last}`; `evenkeel lint --rules` lists them")
            }
            _ => format!("known here: {}", all.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ")),
        };
        Problem::new(Code::UnknownChoice, place, format!("unknown {what} {}", quoted(word)))
            .help(format!("{}{list}", near.unwrap_or_default()))
    })
}
