//! A scenario as it is written, which can be read several times, each time with other overrides. Its files are read once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::{self, Diagnostics, Place, Problem, Source};
use super::effective::Assumed;
use super::import::{self, Class, Imported, Remark};
use super::input::{self, Beside};
use super::linting::ignore::{Ignore, Note};
use super::yaml::tree::Node;
use super::{Loaded, meaning, tree, yaml};
use crate::printable;

/// A file of manifests may be larger than a scenario: `kubectl get -o yaml` says much.
const MAX_MANIFEST_BYTES: u64 = 16 << 20;

/// A scenario as it is written, with the `--set`s that belong to it.
#[derive(Clone, Debug)]
pub struct Document {
    name: String,
    /// The text of a scenario, or manifests.
    sources: Vec<Source>,
    /// What the manifests say.
    imported: Option<Arc<Imported>>,
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

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source, self.line, self.column)
    }
}

impl Document {
    /// Reads a file, a scenario or manifests; `sets` are `PATH=VALUE` overrides, applied in order; `service` names the Service that
    /// manifests are read for.
    ///
    /// # Errors
    /// If it cannot be read, or if manifests make no scenario.
    pub fn open(path: &Path, sets: &[String], service: Option<&str>) -> Result<Document, Diagnostics> {
        let text = input::text_of(path, MAX_MANIFEST_BYTES)?;
        Document::of(&printable::path(path), &text, Beside::file(path), sets, service)
    }

    /// Reads standard input. Paths of CSV files are relative to the working directory.
    ///
    /// # Errors
    /// If it cannot be read, or if manifests make no scenario.
    pub fn stdin(sets: &[String], service: Option<&str>) -> Result<Document, Diagnostics> {
        const NAME: &str = "stdin";
        let text = input::read_from(Ok(std::io::stdin()), NAME, MAX_MANIFEST_BYTES);
        let text = text.map_err(|failure| failure.diagnostics(Path::new(NAME)))?;
        Document::of(NAME, &text, Beside::new(Path::new("")), sets, service)
    }

    fn of(
        name: &str,
        text: &str,
        beside: Beside,
        sets: &[String],
        service: Option<&str>,
    ) -> Result<Document, Diagnostics> {
        if import::is_manifest(text) {
            return Document::import(vec![Source::new(name, text)], "", sets, service);
        }
        Ok(Document { beside: Some(beside), ..Document::embedded(name, text, sets) })
    }

    /// Reads manifests of several files as one input. The scenario has this name, or that of its Service.
    ///
    /// # Errors
    /// If one cannot be read, or if they make no scenario.
    pub fn manifests(
        paths: &[PathBuf],
        name: &str,
        sets: &[String],
        service: Option<&str>,
    ) -> Result<Document, Diagnostics> {
        let mut sources = Vec::new();
        for path in paths {
            let text = input::text_of(path, MAX_MANIFEST_BYTES)?;
            sources.push(Source::new(&printable::path(path), &text));
        }
        Document::import(sources, name, sets, service)
    }

    fn import(
        sources: Vec<Source>,
        scenario: &str,
        sets: &[String],
        service: Option<&str>,
    ) -> Result<Document, Diagnostics> {
        let name = sources.first().map_or_else(String::new, |source| source.name.clone());
        match import::import(&sources, scenario, service) {
            Ok(imported) => {
                let imported = Some(Arc::new(imported));
                Ok(Document { name, sources, imported, beside: None, sets: sets.to_vec() })
            }
            Err(problems) => Err(Diagnostics::new(sources, problems)),
        }
    }

    /// A text that is in no file, and so cannot name CSV files.
    #[must_use]
    pub fn embedded(name: &str, text: &str, sets: &[String]) -> Document {
        let sources = vec![Source::new(name, text)];
        Document { name: name.to_owned(), sources, imported: None, beside: None, sets: sets.to_vec() }
    }

    /// The same beside files in a folder.
    pub(super) fn beside(self, folder: Option<&Path>) -> Document {
        Document { beside: folder.map(Beside::new), ..self }
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
        let sources = || {
            let sets = sets.iter().map(|set| Source::new("--set", set));
            self.sources.iter().cloned().chain(sets).collect()
        };
        let mut problems = Vec::new();
        let Some(mut root) = self.tree(&sets, &mut problems) else {
            return Err(Diagnostics::new(sources(), problems));
        };
        let wrong = |(problems, machine): (Vec<Problem>, bool)| {
            let problems = problems.into_iter().map(|problem| self.in_its_words(problem)).collect();
            Diagnostics::new(sources(), problems).set_machine(machine)
        };
        let paths = self.imported.as_ref().map_or(&[][..], |imported| &imported.assumed);
        let assumed = Assumed { paths, sources: self.sources.len() };
        meaning(&mut root, self.beside.as_ref(), assumed).map_err(wrong)
    }

    /// A problem with manifests in their words.
    fn in_its_words(&self, problem: Problem) -> Problem {
        let source = problem.place.and_then(|place| self.sources.get(place.source as usize));
        match source.filter(|_| self.imported.is_some()) {
            Some(source) => import::in_words_of(&source.text, problem),
            None => problem,
        }
    }

    /// The YAML tree with these overrides.
    fn tree(&self, sets: &[String], problems: &mut Vec<Problem>) -> Option<Node> {
        let root = match (&self.imported, self.sources.first()) {
            (Some(imported), _) => imported.root.clone(),
            (None, Some(source)) => tree(&source.text, problems)?,
            (None, None) => return None,
        };
        overridden(root, sets, self.sources.len(), problems)
    }

    /// 16 hexadecimal digits that stand for the text and its overrides, as they are written.
    #[must_use]
    pub fn hash(&self) -> String {
        // Neither a text nor an override has a NUL character that YAML accepts.
        let texts = self.sources.iter().map(|source| &*source.text);
        let parts: Vec<&str> = texts.chain(self.sets.iter().map(String::as_str)).collect();
        input::hash(parts.join("\0").as_bytes())
    }

    /// Where the value at a path such as `servers.api.grpc` stands, or as much of the path as is written.
    #[must_use]
    pub fn position(&self, path: &str) -> Option<Position> {
        let root = self.tree(&self.sets, &mut Vec::new())?;
        Some(self.position_of(yaml::set::place(&root, path)))
    }

    fn position_of(&self, Place { source, start, .. }: Place) -> Position {
        let number = source as usize;
        let (name, text) = match (self.sources.get(number), self.sets.get(number.wrapping_sub(self.sources.len()))) {
            (Some(source), _) => (source.name.as_str(), &*source.text),
            (None, Some(set)) => ("--set", set.as_str()),
            (None, None) => ("", ""),
        };
        let (line, column) = diagnostic::line_and_column(text, start);
        Position { source: name.to_owned(), line, column }
    }

    /// True for a path of something that the manifests which it was made of do not say, since programs set it.
    #[must_use]
    pub fn assumes(&self, path: &str) -> bool {
        const OF_SERVERS: [&str; 5] = ["grpc", "queue_limit", "concurrency", "service_time", "cpu"];
        // gRPC's own defaults (one channel, pick_first) are no assumptions.
        const OF_CLIENTS: [&str; 8] = [
            "keepalive",
            "deadline",
            "connection_lifetime",
            "retry",
            "load",
            "wait_for_ready",
            "idle_timeout",
            "backoff",
        ];
        let Some(imported) = &self.imported else { return false };
        let steps: Vec<&str> = yaml::set::steps(path).map(|(_, step)| step).collect();
        let of_program = match steps[..] {
            ["servers", _, key, ..] => OF_SERVERS.contains(&key),
            ["clients", _, key, ..] => OF_CLIENTS.contains(&key),
            _ => false,
        };
        of_program && !yaml::set::is_written(&imported.root, path)
    }

    /// What of these rules is ignored where it stands.
    ///
    /// # Errors
    /// All that is wrong with what says so.
    pub fn ignores(&self, codes: &[&str]) -> Result<Vec<Ignore>, Diagnostics> {
        let mut problems = Vec::new();
        let notes = match (&self.imported, self.sources.first()) {
            (Some(imported), _) => imported.notes.clone(),
            (None, Some(source)) => match tree(&source.text, &mut problems) {
                Some(root) => Note::of_comments(&source.text, Some(&root), 0, None),
                None => Vec::new(),
            },
            (None, None) => Vec::new(),
        };
        let position = |place| self.position_of(place);
        let read = |note: &Note| note.ignores(codes, &position, &mut problems);
        let found: Vec<Ignore> = notes.iter().flat_map(read).collect();
        if problems.is_empty() { Ok(found) } else { Err(Diagnostics::new(self.sources.clone(), problems)) }
    }

    /// The files that it was read from.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(|source| source.name.as_str())
    }

    /// What becomes of the fields of the manifests that it was made of, and where they stand; nothing of a scenario.
    #[must_use]
    pub fn remarks(&self) -> Vec<(&Remark, Position)> {
        let remarks = || self.imported.iter().flat_map(|imported| &imported.remarks);
        let mut places: Vec<(u32, usize)> = remarks().map(|r| (r.place.source, r.place.start)).collect();
        places.sort_unstable();
        places.dedup();
        let mut found = BTreeMap::new();
        for of_source in places.chunk_by(|a, b| a.0 == b.0) {
            let Some(source) = self.sources.get(of_source[0].0 as usize) else { continue };
            let bytes: Vec<usize> = of_source.iter().map(|(_, byte)| *byte).collect();
            let positions = diagnostic::lines_and_columns(&source.text, &bytes);
            let positions = positions.into_iter().map(|(line, column)| (&source.name, line, column));
            found.extend(of_source.iter().copied().zip(positions));
        }
        let position = |r: &Remark| {
            let (name, line, column) = *found.get(&(r.place.source, r.place.start))?;
            Some(Position { source: name.clone(), line, column })
        };
        remarks().filter_map(|remark| Some((remark, position(remark)?))).collect()
    }

    /// How many fields of the manifests the answer may miss, and how to see them; `None` if there are none.
    #[must_use]
    pub fn caveat(&self) -> Option<String> {
        let remarks = &self.imported.as_ref()?.remarks;
        let count = |class: Class| remarks.iter().filter(|remark| remark.class == class).count();
        let (matters, unknown) = (count(Class::Matters), count(Class::Unknown));
        let fields = |n: usize| if n == 1 { "1 field".to_owned() } else { format!("{n} fields") };
        let are = |n: usize| if n == 1 { "is" } else { "are" };
        let left_out = || format!("{} of the manifests may matter and {} not modelled", fields(matters), are(matters));
        let said = match (matters, unknown) {
            (0, 0) => return None,
            (_, 0) => left_out() + ": ",
            (0, _) => format!("{} of the manifests {} unknown: ", fields(unknown), are(unknown)),
            _ => format!("{}, and {unknown} {} unknown: ", left_out(), are(unknown)),
        };
        Some(said + "`evenkeel import ... --fields` lists them")
    }

    /// What it means as a scenario in YAML without comments, with `more` overrides after its own.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn written(&self, more: &[String]) -> Result<String, Diagnostics> {
        self.load(more)?;
        let sets: Vec<String> = self.sets.iter().chain(more).cloned().collect();
        let root = self.tree(&sets, &mut Vec::new());
        Ok(root.map_or_else(String::new, |root| yaml::write::block(&root, 0)))
    }

    /// The scenario that the manifests make, as a commented text; `None` if it is none of manifests.
    #[must_use]
    pub fn imported(&self) -> Option<String> {
        let imported = self.imported.as_ref()?;
        let root = self.tree(&self.sets, &mut Vec::new())?;
        Some(import::written(imported, &root, &self.sources, &self.remarks()))
    }
}

/// True for a file that holds Kubernetes objects, and not a scenario.
#[must_use]
pub fn holds_manifests(path: &Path) -> bool {
    holds(path, import::is_manifest)
}

/// True for a file that holds a scenario, as far as its first lines tell.
#[must_use]
pub fn holds_scenario(path: &Path) -> bool {
    holds(path, |text| {
        let has_servers = |(_, line): (usize, &str)| line.starts_with("servers:") || line.contains("\"servers\"");
        !import::is_manifest(text) && diagnostic::lines(text).any(has_servers)
    })
}

fn holds(path: &Path, what: impl Fn(&str) -> bool) -> bool {
    // A pipe can be read only once.
    path.is_file() && input::read_text(path, MAX_MANIFEST_BYTES).is_ok_and(|text| what(&text))
}

/// A tree with all overrides; the first one is the source of this number.
fn overridden(mut root: Node, sets: &[String], number: usize, problems: &mut Vec<Problem>) -> Option<Node> {
    for (i, set) in sets.iter().enumerate() {
        if let Err(problem) = yaml::set::apply(&mut root, set, (number + i) as u32) {
            problems.push(*problem);
        }
    }
    problems.is_empty().then_some(root)
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
        let open = || Document::open(&folder.path().join("a.yaml"), &sets, None).unwrap();
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
