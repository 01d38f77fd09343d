//! What a scenario argument means: a file, standard input (`-`), a folder of files, manifests, or a scenario that ships with evenkeel.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::interrupt;
use crate::scenario::Loaded;
use crate::scenario::diagnostic::{Diagnostics, nearest, quoted};
use crate::scenario::document::{self, Document};
use crate::shipped;

/// What is made of the arguments.
#[derive(clap::Args, Clone, Debug, Default)]
pub(super) struct Changes {
    /// Change a value of the scenario, e.g. servers.0.replicas=10, clients.web.policy=round_robin, or clients.*.policy=... for all clients
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// Of manifests with several Services, the one that the scenario is about
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
}

/// Where a scenario comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A file: a scenario, or manifests.
    File(PathBuf),
    /// Files of manifests that are one input, and the name of their folder; none of files that are named one by one.
    Manifests(Vec<PathBuf>, Option<String>),
    /// Standard input.
    Stdin,
    /// An embedded one.
    Shipped(shipped::Shipped),
}

impl Source {
    /// Reads its text.
    pub(super) fn open(&self, changes: &Changes) -> Result<Document, Diagnostics> {
        let Changes { sets, service } = changes;
        let service = service.as_deref();
        match self {
            Source::File(path) => Document::open(path, sets, service),
            Source::Manifests(paths, folder) => {
                Document::manifests(paths, folder.as_deref().unwrap_or_default(), sets, service)
            }
            Source::Stdin => Document::stdin(sets, service),
            Source::Shipped(s) => Ok(Document::embedded(s.name, s.text, sets)),
        }
    }

    /// Reads it.
    pub(super) fn load(&self, changes: &Changes) -> Result<Loaded, Diagnostics> {
        self.open(changes)?.load(&[])
    }
}

/// The scenarios that an argument means. What exists as a file or folder wins over what ships.
pub(super) fn find(argument: &str) -> Result<Vec<Source>, Failure> {
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
    Ok(vec![of_file(path.to_owned())])
}

/// A file by itself: manifests may be put together with others.
fn of_file(path: PathBuf) -> Source {
    if document::holds_manifests(&path) { Source::Manifests(vec![path], None) } else { Source::File(path) }
}

/// The one scenario that an argument means; `what` is what takes no more.
pub(super) fn one(argument: &str, what: &str) -> Result<Source, Failure> {
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

/// The scenarios of a folder, each file one, and its manifests, which are one input. A folder without files stands for its folders.
fn in_folder(folder: &Path) -> Result<Vec<Source>, Failure> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for path in entries(folder)? {
        match path.extension().and_then(|e| e.to_str()) {
            _ if path.is_dir() => folders.push(path),
            Some("yaml" | "yml" | "json" | "sh" | "toml") => files.push(path),
            _ => {}
        }
    }
    if files.is_empty() && !folders.is_empty() {
        let of_folders: Vec<Vec<Source>> = folders.iter().map(|f| in_folder(f)).collect::<Result<_, _>>()?;
        return Ok(of_folders.concat());
    }
    if !files.iter().any(|file| document::holds_manifests(file)) {
        return Ok(files_in(folder)?.into_iter().map(Source::File).collect());
    }
    let (scenarios, manifests): (Vec<PathBuf>, Vec<PathBuf>) =
        files.into_iter().partition(|file| document::holds_scenario(file));
    let name = folder.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    let of_manifests = std::iter::once(Source::Manifests(manifests, Some(name)));
    Ok(scenarios.into_iter().map(Source::File).chain(of_manifests).collect())
}

/// What is in a folder and not hidden, in order of name.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error| Failure::Machine(format!("cannot list {}: {error}", folder.display()));
    let all = std::fs::read_dir(folder).map_err(failed)?;
    let mut all: Vec<PathBuf> = all.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>().map_err(failed)?;
    // `.evenkeel.yaml`, `.github` and their like configure other things.
    all.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
    all.sort();
    Ok(all)
}

/// The YAML files of a folder, in order of name.
pub(super) fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let is_yaml = |path: &PathBuf| path.extension().is_some_and(|e| e == "yaml" || e == "yml");
    let files: Vec<PathBuf> = entries(folder)?.into_iter().filter(is_yaml).collect();
    if files.is_empty() {
        return Err(Failure::Usage(format!("there is no .yaml file in {}", folder.display())));
    }
    Ok(files)
}

/// Reads all scenarios that the arguments mean. All that is wrong is said; the first failure is returned.
pub(super) fn load_all(arguments: &[String], changes: &Changes) -> Result<Vec<Loaded>, Failure> {
    all(arguments, |source| source.load(changes))
}

/// The same, each with its text.
pub(super) fn with_documents(arguments: &[String], changes: &Changes) -> Result<Vec<(Document, Loaded)>, Failure> {
    all(arguments, |source| {
        let document = source.open(changes)?;
        document.load(&[]).map(|loaded| (document, loaded))
    })
}

/// The same as texts that are known to be valid.
pub(super) fn documents(arguments: &[String], changes: &Changes) -> Result<Vec<Document>, Failure> {
    documents_but(arguments, changes, |_| false)
}

/// The same without the files that are left out.
pub(super) fn documents_but(
    arguments: &[String],
    changes: &Changes,
    is_left_out: impl Fn(&Path) -> bool,
) -> Result<Vec<Document>, Failure> {
    let kept = |source: Source| match source {
        Source::File(path) if is_left_out(&path) => None,
        Source::Manifests(mut paths, folder) => {
            paths.retain(|path| !is_left_out(path));
            (!paths.is_empty()).then_some(Source::Manifests(paths, folder))
        }
        source => Some(source),
    };
    let sources: Vec<Source> = all_sources(arguments)?.into_iter().filter_map(kept).collect();
    each(&sources, |source| {
        let document = source.open(changes)?;
        document.load(&[]).map(|_| document)
    })
}

/// The same as texts that may be valid with other overrides only.
pub(super) fn texts(arguments: &[String], changes: &Changes) -> Result<Vec<Document>, Failure> {
    all(arguments, |source| source.open(changes))
}

fn all<T>(arguments: &[String], read: impl Fn(&Source) -> Result<T, Diagnostics>) -> Result<Vec<T>, Failure> {
    each(&all_sources(arguments)?, read)
}

fn all_sources(arguments: &[String]) -> Result<Vec<Source>, Failure> {
    if arguments.iter().filter(|argument| *argument == "-").count() > 1 {
        return Err(Failure::Usage("`-` is given twice, but standard input can be read only once".to_owned()));
    }
    let mut sources = Vec::new();
    for argument in arguments {
        sources.extend(find(argument)?);
    }
    Ok(together(sources))
}

/// Files of manifests that are named one by one are one input, as they are to kubectl, and so is what stands beside them: a script, a
/// service config, a load.
fn together(sources: Vec<Source>) -> Vec<Source> {
    let (mut parts, mut others) = (Vec::new(), Vec::new());
    let any = sources.iter().any(|source| matches!(source, Source::Manifests(_, None)));
    let is_beside = |path: &Path| {
        let known = path.extension().is_some_and(|end| ["sh", "toml", "json"].iter().any(|known| end == *known));
        known && !document::holds_scenario(path)
    };
    for source in sources {
        match source {
            Source::Manifests(paths, None) => parts.extend(paths),
            Source::File(path) if any && is_beside(&path) => parts.push(path),
            other => others.push(other),
        }
    }
    if !parts.is_empty() {
        others.push(Source::Manifests(parts, None));
    }
    others
}

/// What is made of all of these. All that is wrong is said; the first failure is returned.
pub(super) fn each<S, T>(of: &[S], make: impl Fn(&S) -> Result<T, Diagnostics>) -> Result<Vec<T>, Failure> {
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
