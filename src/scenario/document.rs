//! A scenario as a text that can be read several times, each time with other overrides. Its files are read once.

use std::path::Path;

use super::diagnostic::{self, Diagnostics, Place};
use super::input::{self, Beside};
use super::{Loaded, MAX_BYTES, parse_beside, yaml};
use crate::printable;

/// A scenario as it is written, with the `--set`s that belong to it.
#[derive(Clone, Debug)]
pub struct Document {
    name: String,
    text: String,
    beside: Option<Beside>,
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
        Ok(Document { name: printable::path(path), text, beside: Some(Beside::file(path)), sets: sets.to_vec() })
    }

    /// Reads standard input. Paths of CSV files are relative to the working directory.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn stdin(sets: &[String]) -> Result<Document, Diagnostics> {
        const NAME: &str = "stdin";
        let text = input::read_from(Ok(std::io::stdin()), NAME, MAX_BYTES);
        let text = text.map_err(|failure| failure.diagnostics(Path::new(NAME)))?;
        Ok(Document { name: NAME.to_owned(), text, beside: Some(Beside::new(Path::new(""))), sets: sets.to_vec() })
    }

    /// A text that is in no file, and so cannot name CSV files.
    #[must_use]
    pub fn embedded(name: &str, text: &str, sets: &[String]) -> Document {
        Document { name: name.to_owned(), text: text.to_owned(), beside: None, sets: sets.to_vec() }
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
        parse_beside(&self.name, &self.text, self.beside.as_ref(), &sets)
    }

    /// 16 hexadecimal digits that stand for the text and its overrides, as they are written.
    #[must_use]
    pub fn hash(&self) -> String {
        // Neither a text nor an override has a NUL character that YAML accepts.
        let parts: Vec<&str> = std::iter::once(&self.text).chain(&self.sets).map(String::as_str).collect();
        input::hash(parts.join("\0").as_bytes())
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
    fn files_are_read_once_whatever_becomes_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("a.yaml", &TEXT.replace("rate: 1", "trace: a.csv"));
        write("a.csv", "time_s,rate\n0,5\n9,7\n");
        let sets = ["duration=10s".to_owned()];
        let open = || Document::open(&folder.path().join("a.yaml"), &sets).unwrap();
        let document = open();
        let first = document.load(&[]).unwrap();
        assert_eq!(first.files.keys().collect::<Vec<_>>(), ["a.csv"]);
        write("a.csv", "time_s,rate\n0,6\n");
        assert_eq!(document.load(&[]).unwrap(), first);
        let other = open();
        assert_eq!(other.hash(), document.hash(), "the text is the same");
        assert_ne!(other.load(&[]).unwrap().files, first.files);
        std::fs::remove_file(folder.path().join("a.csv")).unwrap();
        assert_eq!(document.load(&[]).unwrap(), first);
        write("a.yaml", &TEXT.replace("rate: 1", "rate: 2"));
        assert_ne!(open().hash(), document.hash());
    }

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
