//! Sets of files that appear in a folder together, and folders that hold one: see `marker` beside it for how.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::lock::Lock;
use super::marker::{self, Files, MARKER, Marker, PREPARED, Pending, Print};
use super::staging::Staging;
use super::unfinished::Unfinished;
use super::{OutputError, disk, sealed};

/// How a file is opened for writing; tests put a disk here that fills up.
type Create = fn(&Path) -> io::Result<Box<dyn Write + Send>>;

/// A set of files that appear in a folder together, in place of the result that is there. Dropped without [`FileSet::commit`] it leaves
/// nothing: no file, and no folder that was not there before. As long as it is there, no other process can begin one in the folder.
pub struct FileSet {
    target: PathBuf,
    command: String,
    staging: Option<Staging>,
    /// Folders made for it, the outermost first.
    made: Vec<PathBuf>,
    names: Vec<String>,
    /// The result that is there.
    before: Before,
    /// Those of them that the set does not have stay.
    amends: bool,
    create: Create,
    /// True once no more files are to be added.
    stop: fn() -> bool,
    /// Dropped last.
    _lock: Lock,
}

/// What is known of the result in a folder.
#[derive(Default)]
struct Before {
    /// The command that wrote it; `None` without one.
    command: Option<String>,
    files: Files,
    /// Folders inside that belong to it.
    parts: BTreeSet<String>,
}

impl FileSet {
    /// Makes the folder, locks it, and proves that it can be written. Call this before a long run. `command` is what writes the set.
    ///
    /// # Errors
    /// If the folder cannot be made or written, if another process writes into it, if it has files in it that evenkeel did not write, or
    /// files that were changed since evenkeel wrote them.
    pub fn begin(target: &Path, command: &str) -> Result<FileSet, OutputError> {
        FileSet::begin_with(target, command, Lock::at_once, disk::create)
    }

    /// The same, but waits some seconds for other processes that write into the folder.
    ///
    /// # Errors
    /// Those of [`FileSet::begin`].
    pub fn begin_soon(target: &Path, command: &str) -> Result<FileSet, OutputError> {
        FileSet::begin_with(target, command, Lock::soon, disk::create)
    }

    fn begin_with(
        target: &Path,
        command: &str,
        lock: fn(&Path) -> Result<Lock, OutputError>,
        create: Create,
    ) -> Result<FileSet, OutputError> {
        let made = disk::make_folders(target).map_err(OutputError::io("make the folder", target))?;
        let begun = lock(target).and_then(|lock| {
            let before = admit(target)?;
            FileSet::inside(target, command, before, lock, create)
        });
        match begun {
            Ok(mut set) => {
                set.made = made;
                Ok(set)
            }
            Err(error) => {
                disk::remove_empty(&made);
                Err(error)
            }
        }
    }

    /// Begins a set that is added to the whole result that is in a folder.
    ///
    /// # Errors
    /// Those of [`Whole::open`], and if the folder cannot be written.
    pub fn amend(whole: Whole) -> Result<FileSet, OutputError> {
        let Whole { folder, marker, lock } = whole;
        let Marker { command, files, parts, .. } = marker;
        let before = Before { command: Some(command.clone()), files, parts };
        let mut set = FileSet::inside(&folder, &command, before, lock, disk::create)?;
        set.amends = true;
        Ok(set)
    }

    fn inside(
        target: &Path,
        command: &str,
        before: Before,
        lock: Lock,
        create: Create,
    ) -> Result<FileSet, OutputError> {
        let staging = Staging::inside(target, &lock).map_err(OutputError::io("write into", target))?;
        Ok(FileSet {
            target: target.to_owned(),
            command: command.to_owned(),
            staging: Some(staging),
            made: Vec::new(),
            names: Vec::new(),
            before,
            amends: false,
            create,
            stop: || false,
            _lock: lock,
        })
    }

    /// From now on, [`FileSet::open`] and [`FileSet::add`] fail once this is true.
    pub fn stop_if(&mut self, stop: fn() -> bool) {
        self.stop = stop;
    }

    /// For a process that ends without dropping the set.
    #[must_use]
    pub fn unfinished(&self) -> Unfinished {
        let staging = self.staging.as_ref().map(|staging| self.target.join(staging.name()));
        Unfinished { staging, made: self.made.clone() }
    }

    /// The command whose result is there until the commit.
    #[must_use]
    pub fn replaces(&self) -> Option<&str> {
        self.before.command.as_deref()
    }

    /// The folder that the files appear in.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Adds a file: `fill` writes its contents through a buffer. A name may be used once.
    ///
    /// # Errors
    /// If the file cannot be written, or no more are to be; the set is then only good for dropping.
    pub fn add(&mut self, name: &str, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), OutputError> {
        let mut file = BufWriter::new(self.open(name)?);
        fill(&mut file).and_then(|()| file.flush()).map_err(OutputError::io("write", &self.target.join(name)))
    }

    /// Adds a file that is written while other things go on. What it buffers is lost unless it is flushed before the commit.
    ///
    /// # Errors
    /// If the file cannot be made, or no more are to be.
    pub fn open(&mut self, name: &str) -> Result<Box<dyn Write + Send>, OutputError> {
        if (self.stop)() {
            return Err(OutputError::Interrupted { path: self.target.join(name) });
        }
        let file = (self.create)(&self.staged(name)).map_err(OutputError::io("write", &self.target.join(name)))?;
        self.names.push(name.to_owned());
        Ok(file)
    }

    fn staged(&self, name: &str) -> PathBuf {
        // Only `commit` takes the staging folder away, and it takes the set with it.
        self.staging.as_ref().map_or_else(|| self.target.join(name), |staging| staging.path(name))
    }

    /// Has the files appear, in place of the result that was there, and returns their paths in the order in which they were added. Files
    /// that evenkeel did not write are left alone.
    ///
    /// # Errors
    /// If a file would take the place of one that evenkeel did not write, or that was changed since: nothing is moved then. If files
    /// cannot be moved: the next process that opens the folder tries again.
    pub fn commit(self) -> Result<Vec<PathBuf>, OutputError> {
        self.commit_with(Vec::new())
    }

    /// The same, together with sets in folders directly inside this one.
    ///
    /// # Errors
    /// Those of [`FileSet::commit`].
    pub fn commit_with(mut self, mut parts: Vec<FileSet>) -> Result<Vec<PathBuf>, OutputError> {
        let mut inside = BTreeMap::new();
        for part in &parts {
            part.prepare(BTreeMap::new())?;
            let name = part.target.file_name().unwrap_or_default().to_string_lossy().into_owned();
            inside.extend(part.staging.as_ref().map(|staging| (name, staging.name())));
        }
        self.prepare(inside)?;
        let marker = self.target.join(MARKER);
        disk::rename(&self.staged(PREPARED), &marker).map_err(OutputError::io("write", &marker))?;
        // From here on the result is there: whoever comes next finishes what does not succeed here.
        for set in parts.iter_mut().chain([&mut self]) {
            set.made.clear();
            if let Some(staging) = &mut set.staging {
                staging.keep();
            }
        }
        marker::finish(&self.target)?;
        Ok(self.names.iter().map(|name| self.target.join(name)).collect())
    }

    /// Writes the marker that commits.
    fn prepare(&self, staged: BTreeMap<String, String>) -> Result<(), OutputError> {
        let mut files = Files::new();
        for name in &self.names {
            files.extend(Print::of(&self.staged(name))?.map(|print| (name.clone(), print)));
        }
        let before = &self.before.files;
        marker::unchanged(&self.target, before, &files)?;
        let mut parts: BTreeSet<String> = staged.keys().cloned().collect();
        if self.amends {
            files = before.clone().into_iter().chain(files).collect();
            parts.extend(self.before.parts.iter().cloned());
        }
        let leaves = self.before.parts.difference(&parts).cloned().collect();
        let staging = self.staging.as_ref().map(Staging::name).unwrap_or_default();
        let pending = Pending { staging, replaces: before.clone(), parts: staged, leaves };
        let evenkeel = env!("CARGO_PKG_VERSION").to_owned();
        let marker = Marker { evenkeel, command: self.command.clone(), files, parts, pending: Some(pending) };
        let written = sealed::seal(&marker).map_err(io::Error::from);
        let written = written.and_then(|bytes| (self.create)(&self.staged(PREPARED))?.write_all(&bytes));
        written.map_err(OutputError::io("write", &self.target.join(MARKER)))
    }
}

impl Drop for FileSet {
    fn drop(&mut self) {
        // The files first, then the folders; one that others filled meanwhile stays.
        self.staging = None;
        disk::remove_empty(&self.made);
    }
}

/// The result in a folder, whose files are all as they were written. The folder must be empty or hold a result.
fn admit(target: &Path) -> Result<Before, OutputError> {
    match marker::recover(target)? {
        Some(Marker { command, files, parts, .. }) => {
            marker::unchanged(target, &files, &Files::new())?;
            Ok(Before { command: Some(command), files, parts })
        }
        None => {
            refuse_foreign(target)?;
            Ok(Before::default())
        }
    }
}

/// A folder without a marker has no files in it, be it folders.
pub(super) fn refuse_foreign(folder: &Path) -> Result<(), OutputError> {
    let list = || OutputError::io("list", folder);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(list())? {
        let entry = entry.map_err(list())?;
        if !entry.file_type().map_err(list())?.is_dir() {
            files.push(entry.path());
        }
    }
    files.sort();
    files.into_iter().next().map_or(Ok(()), |file| Err(OutputError::Foreign { path: folder.to_owned(), file }))
}

/// Whether a set could be begun in a folder, which need not be there, some time later.
///
/// # Errors
/// Those of [`FileSet::begin`].
pub fn examine(folder: &Path) -> Result<(), OutputError> {
    if !folder.is_dir() {
        return Ok(());
    }
    let _lock = Lock::soon(folder)?;
    admit(folder).map(|_| ())
}

/// A folder with a whole result, which no other process changes as long as this is there.
pub struct Whole {
    folder: PathBuf,
    marker: Marker,
    lock: Lock,
}

impl Whole {
    /// Finishes what was committed in the folder, and compares all files with what was written. Pictures may be missing.
    ///
    /// # Errors
    /// If there is no result in the folder, or a file of it is missing or was changed.
    pub fn open(folder: &Path) -> Result<Whole, OutputError> {
        fs::read_dir(folder).map_err(OutputError::io("read", folder))?;
        let lock = Lock::soon(folder)?;
        let none = || OutputError::NoResult { path: folder.to_owned() };
        let marker = marker::recover(folder)?.ok_or_else(none)?;
        marker::unchanged(folder, &marker.files, &Files::new())?;
        let missing =
            |name: &&String| !name.ends_with(".svg") && !name.ends_with(".png") && !folder.join(name).exists();
        match marker.files.keys().find(missing) {
            Some(name) => Err(OutputError::Missing { path: folder.join(name) }),
            None => Ok(Whole { folder: folder.to_owned(), marker, lock }),
        }
    }

    /// Refuses results of commands that do not write this file, and says what to do.
    ///
    /// # Errors
    /// If the result has no file of this name.
    pub fn must_be_of(&self, file: &str, help: &'static str) -> Result<(), OutputError> {
        if self.marker.files.contains_key(file) {
            return Ok(());
        }
        let (path, command) = (self.folder.clone(), self.marker.command.clone());
        Err(OutputError::OtherResult { path, command, help })
    }
}

/// Writes one file whole or not at all.
///
/// # Errors
/// If it cannot be written.
pub fn write_file(path: &Path, contents: &[u8]) -> Result<(), OutputError> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let lock = Lock::now(folder).unwrap_or(Lock::NONE);
        let staging = Staging::inside(folder, &lock)?;
        write_staged(&staging, path, contents)
    };
    write().map_err(OutputError::io("write", path))
}

/// Writes a file into a staging folder first, then moves it into place.
pub(super) fn write_staged(staging: &Staging, path: &Path, contents: &[u8]) -> io::Result<()> {
    let staged = staging.path(&path.file_name().unwrap_or_default().to_string_lossy());
    disk::create(&staged)?.write_all(contents)?;
    disk::rename(&staged, path)
}

#[cfg(test)]
mod tests;
