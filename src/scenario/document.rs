//! A scenario as a text that can be read several times, each time with other overrides.

use std::path::{Path, PathBuf};

use super::diagnostic::{self, Diagnostics, Place};
use super::{Loaded, MAX_BYTES, input, parse, yaml};
use crate::printable;

/// A scenario as it is written, with the `--set`s that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    name: String,
    text: String,
    folder: Option<PathBuf>,
    sets: Vec<String>,
}

/// Where in a document something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The document's name, or `--set`.
    pub source: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl Document {
    /// Reads a file; `sets` are `PATH=VALUE` overrides, applied in order.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(path: &Path, sets: &[String]) -> Result<Document, Diagnostics> {
        let text = input::read_text(path, MAX_BYTES).map_err(|failure| failure.diagnostics(path))?;
        let folder = Some(path.parent().unwrap_or(Path::new("")).to_owned());
        Ok(Document { name: printable::path(path), text, folder, sets: sets.to_vec() })
    }

    /// A text that is in no file, and so cannot name CSV files.
    #[must_use]
    pub fn embedded(name: &str, text: &str, sets: &[String]) -> Document {
        Document { name: name.to_owned(), text: text.to_owned(), folder: None, sets: sets.to_vec() }
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it means, with `more` overrides after its own.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn load(&self, more: &[String]) -> Result<Loaded, Diagnostics> {
        let sets: Vec<String> = self.sets.iter().chain(more).cloned().collect();
        parse(&self.name, &self.text, self.folder.as_deref(), &sets)
    }

    /// Where the value at a path such as `servers.api.grpc` stands, or as much of the path as is written.
    #[must_use]
    pub fn position(&self, path: &str) -> Option<Position> {
        let mut root = yaml::tree::parse(&self.text, 0, 0).ok()?;
        for (i, set) in self.sets.iter().enumerate() {
            yaml::set::apply(&mut root, set, i as u32 + 1).ok()?;
        }
        let Place { source, start, .. } = yaml::set::place(&root, path);
        let (name, text) = match (source as usize).checked_sub(1) {
            None => (&self.name[..], &self.text),
            Some(i) => ("--set", self.sets.get(i)?),
        };
        let (line, column) = diagnostic::line_and_column(text, start);
        Some(Position { source: name.to_owned(), line, column })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name: a\nservers:\n  - name: api\n    grpc:\n      max_connection_age: 5m\nclients:\n  - { name: web, \
                        load: { open: { rate: 1 } } }\n";

    #[test]
    fn positions_are_those_of_the_key_or_of_what_is_around_it() {
        let document = Document::embedded("a", TEXT, &["clients.web.channels=3".to_owned()]);
        let at = |path: &str| document.position(path).map(|p| (p.source, p.line, p.column)).unwrap();
        assert_eq!(at("servers.api.grpc.max_connection_age"), ("a".to_owned(), 5, 7));
        assert_eq!(at("servers.0.grpc.max_connection_age_grace"), ("a".to_owned(), 4, 5));
        assert_eq!(at("servers.api.strategy"), ("a".to_owned(), 3, 5));
        assert_eq!(at("clients.web.load"), ("a".to_owned(), 7, 18));
        assert_eq!(at("clients.web.channels"), ("--set".to_owned(), 1, 13));
        assert_eq!(at("service.type"), ("a".to_owned(), 1, 1));
    }
}
