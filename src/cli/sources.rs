//! What a scenario argument means: a file, standard input (`-`), a folder of files, or a scenario that ships with evenkeel.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::interrupt;
use crate::scenario::Loaded;
use crate::scenario::diagnostic::{Diagnostics, nearest, quoted};
use crate::scenario::document::Document;
use crate::shipped;

/// Where a scenario comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// An embedded one.
    Shipped(shipped::Shipped),
}

impl Source {
    /// Reads its text.
    pub fn open(&self, sets: &[String]) -> Result<Document, Diagnostics> {
        match self {
            Source::File(path) => Document::open(path, sets),
            Source::Stdin => Document::stdin(sets),
            Source::Shipped(s) => Ok(Document::embedded(s.name, s.text, sets)),
        }
    }

    /// Reads it.
    pub fn load(&self, sets: &[String]) -> Result<Loaded, Diagnostics> {
        self.open(sets)?.load(&[])
    }
}

/// The scenarios that an argument means. What exists as a file or folder wins over what ships.
pub fn find(argument: &str) -> Result<Vec<Source>, Failure> {
    let path = Path::new(argument);
    // Standard input, whatever there is of that name.
    if argument == "-" {
        return Ok(vec![Source::Stdin]);
    }
    if path.is_dir() {
        return in_folder(path);
    }
    if !path.exists() {
        let shipped = shipped::find(argument);
        if !shipped.is_empty() {
            return Ok(shipped.into_iter().map(Source::Shipped).collect());
        }
        if let Some(near) = near(argument) {
            let message = format!("there is no file {}; did you mean the shipped scenario `{near}`?", quoted(argument));
            return Err(Failure::Usage(message));
        }
    }
    Ok(vec![Source::File(path.to_owned())])
}

/// The one scenario that an argument means; `what` is what takes no more.
pub fn one(argument: &str, what: &str) -> Result<Source, Failure> {
    let mut sources = find(argument)?;
    match (sources.pop(), sources.len()) {
        (Some(source), 0) => Ok(source),
        (_, more) => {
            Err(Failure::Usage(format!("{} stands for {} scenarios; {what} takes one", quoted(argument), more + 1)))
        }
    }
}

/// A shipped scenario whose name, with or without its folder, is nearly that.
fn near(argument: &str) -> Option<&'static str> {
    let names: Vec<&'static str> = shipped::all().iter().map(|s| s.name).collect();
    let last = |name: &'static str| name.rsplit('/').next().unwrap_or(name);
    let near = nearest(argument, names.iter().flat_map(|name| [*name, last(name)]))?;
    names.iter().copied().find(|name| *name == near || last(name) == near)
}

fn in_folder(folder: &Path) -> Result<Vec<Source>, Failure> {
    Ok(files_in(folder)?.into_iter().map(Source::File).collect())
}

/// The YAML files of a folder, in order of name.
pub fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error| Failure::Machine(format!("cannot list {}: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Failure::Usage(format!("there is no .yaml file in {}", folder.display())));
    }
    Ok(files)
}

/// Reads all scenarios that the arguments mean. All that is wrong is said; the first failure is returned.
pub fn load_all(arguments: &[String], sets: &[String]) -> Result<Vec<Loaded>, Failure> {
    all(arguments, |source| source.load(sets))
}

/// The same, each with its text.
pub fn with_documents(arguments: &[String], sets: &[String]) -> Result<Vec<(Document, Loaded)>, Failure> {
    all(arguments, |source| {
        let document = source.open(sets)?;
        document.load(&[]).map(|loaded| (document, loaded))
    })
}

/// The same as texts that are known to be valid.
pub fn documents(arguments: &[String], sets: &[String]) -> Result<Vec<Document>, Failure> {
    all(arguments, |source| {
        let document = source.open(sets)?;
        document.load(&[]).map(|_| document)
    })
}

/// The same as texts that may be valid with other overrides only.
pub fn texts(arguments: &[String], sets: &[String]) -> Result<Vec<Document>, Failure> {
    all(arguments, |source| source.open(sets))
}

fn all<T>(arguments: &[String], read: impl Fn(&Source) -> Result<T, Diagnostics>) -> Result<Vec<T>, Failure> {
    if arguments.iter().filter(|argument| *argument == "-").count() > 1 {
        return Err(Failure::Usage("`-` is given twice, but standard input can be read only once".to_owned()));
    }
    let mut sources = Vec::new();
    for argument in arguments {
        sources.extend(find(argument)?);
    }
    each(&sources, read)
}

/// What is made of all of these. All that is wrong is said; the first failure is returned.
pub fn each<S, T>(of: &[S], make: impl Fn(&S) -> Result<T, Diagnostics>) -> Result<Vec<T>, Failure> {
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for one in of {
        interrupt::look()?;
        match make(one) {
            Ok(scenario) => found.push(scenario),
            Err(diagnostics) => failures.push(Failure::from(diagnostics)),
        }
    }
    match failures.pop() {
        None => Ok(found),
        Some(last) => {
            for failure in &failures {
                let _ = failure.report();
            }
            Err(last)
        }
    }
}
