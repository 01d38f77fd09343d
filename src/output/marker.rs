//! `.evenkeel`, the marker of a folder with a result: which command wrote it, and which files, with their sizes and checksums. Only these
//! files are ever replaced or removed, and only as long as they are what was written.
//!
//! A result is committed by renaming a marker into place that says what is still to be done: which files are to be moved out of the
//! staging folder, and which ones of the earlier result go. Whoever opens the folder next finishes that, so that a process may be killed
//! at any moment: the folder has the old result or the new one, never a mixture.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh64::Xxh64;

use super::lock::Lock;
use super::staging::is_staging;
use super::{OutputError, disk, sealed};

/// The file's name.
pub(super) const MARKER: &str = ".evenkeel";
/// The marker in a staging folder: the one that commits, and the one that ends the commit.
pub(super) const PREPARED: &str = ".prepared";
const FINAL: &str = ".final";

/// Files by name.
pub(super) type Files = BTreeMap<String, Print>;

/// What stands for the contents of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Print {
    bytes: u64,
    xxh64: String,
}

/// The contents of [`MARKER`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Marker {
    /// Version of evenkeel.
    pub evenkeel: String,
    /// The command that wrote the result.
    pub command: String,
    /// All files of the result.
    pub files: Files,
    /// Folders inside this one that belong to the result.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub parts: BTreeSet<String>,
    /// What is still to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
}

/// What is to be done after a result was committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pending {
    /// The staging folder in which the files are that have not been moved.
    pub staging: String,
    /// The files of the earlier result.
    pub replaces: Files,
    /// Folders inside this one that belong to the result, each with the staging folder in it.
    pub parts: BTreeMap<String, String>,
    /// Those of the earlier result that do not.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub leaves: BTreeSet<String>,
}

impl Print {
    /// That of a file; `None` if there is nothing of that name. What is no file (a folder, a link) has a print that no file has.
    pub(super) fn of(path: &Path) -> Result<Option<Print>, OutputError> {
        let file = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(OutputError::io("read", path)(error)),
            Ok(found) if !found.is_file() => return Ok(Some(Print { bytes: 0, xxh64: String::new() })),
            Ok(_) => File::open(path),
        };
        file.and_then(print).map(Some).map_err(OutputError::io("read", path))
    }
}

fn print(mut file: File) -> io::Result<Print> {
    let (mut hash, mut bytes, mut buffer) = (Xxh64::new(0), 0, vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Print { bytes, xxh64: format!("{:016x}", hash.digest()) }),
            n => {
                hash.update(buffer.get(..n).unwrap_or_default());
                bytes += n as u64;
            }
        }
    }
}

/// The marker of a folder, if it has one.
pub(super) fn read(folder: &Path) -> Result<Option<Marker>, OutputError> {
    let path = folder.join(MARKER);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        bytes => bytes.map_err(OutputError::io("read", &path))?,
    };
    let found = sealed::open::<Marker>(&bytes).and_then(|marker| match marker.wrong_name() {
        Some(name) => Err(format!("{name:?} is not a name of a file in the folder")),
        None => Ok(marker),
    });
    found.map(Some).map_err(|problem| OutputError::Malformed {
        path,
        problem: format!("{problem}; name another folder, or delete this one"),
    })
}

impl Marker {
    /// A name that leads out of the folder.
    fn wrong_name(&self) -> Option<&str> {
        let plain = |name: &str| {
            let mut parts = Path::new(name).components();
            matches!((parts.next(), parts.next()), (Some(Component::Normal(only)), None) if only == name)
        };
        let pending = self.pending.iter();
        let inside = pending.clone().flat_map(|p| p.replaces.keys().chain(p.parts.keys()).chain(&p.leaves));
        let names = self.files.keys().chain(&self.parts).chain(inside);
        let staged = pending.flat_map(|p| p.parts.values().chain([&p.staging]));
        let wrong = names.filter(|name| !plain(name)).chain(staged.filter(|name| !is_staging(name)));
        wrong.map(String::as_str).next()
    }
}

/// Every file of these names is what evenkeel wrote, or is going to write.
pub(super) fn unchanged(folder: &Path, old: &Files, new: &Files) -> Result<(), OutputError> {
    for name in old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))) {
        let path = folder.join(name);
        let Some(found) = Print::of(&path)? else { continue };
        if ![old.get(name), new.get(name)].contains(&Some(&found)) {
            return Err(match old.contains_key(name) {
                true => OutputError::Changed { path },
                false => OutputError::Taken { path },
            });
        }
    }
    Ok(())
}

/// The marker of a folder, after a result that was committed in it is in place.
pub(super) fn recover(folder: &Path) -> Result<Option<Marker>, OutputError> {
    match read(folder)? {
        Some(Marker { pending: Some(pending), files, .. }) => {
            unchanged(folder, &pending.replaces, &files)?;
            finish(folder)?;
            read(folder)
        }
        marker => Ok(marker),
    }
}

/// Does what a pending marker says, as far as it is not done: moves files into place, removes those of the earlier result, and writes the
/// marker of a whole result.
pub(super) fn finish(folder: &Path) -> Result<(), OutputError> {
    let Some(Marker { pending: Some(pending), evenkeel, command, files, parts }) = read(folder)? else { return Ok(()) };
    for (part, staged) in &pending.parts {
        let part = folder.join(part);
        move_if_there(&part.join(staged).join(PREPARED), &part.join(MARKER))?;
        recover(&part)?;
    }
    let staging = folder.join(&pending.staging);
    for name in files.keys() {
        move_if_there(&staging.join(name), &folder.join(name))?;
    }
    for (name, print) in pending.replaces.iter().filter(|(name, _)| !files.contains_key(*name)) {
        let path = folder.join(name);
        // One that was changed since is not ours any more.
        if Print::of(&path)?.as_ref() == Some(print) {
            disk::remove_file(&path).map_err(OutputError::io("replace", &path))?;
        }
    }
    for part in &pending.leaves {
        remove_part(&folder.join(part))?;
    }
    let whole = Marker { evenkeel, command, files, parts, pending: None };
    let end = || {
        disk::make_folders(&staging)?;
        disk::write(&staging.join(FINAL), &sealed::seal(&whole)?)?;
        disk::rename(&staging.join(FINAL), &folder.join(MARKER))
    };
    end().map_err(OutputError::io("finish writing into", folder))?;
    // The result is whole, whatever becomes of an empty folder.
    let _ = disk::remove_folder(&staging);
    Ok(())
}

/// Removes the result in a folder that belonged to an earlier one. If anything of it was changed since it is not ours any more, and stays;
/// so does the folder if there is something else in it.
fn remove_part(part: &Path) -> Result<(), OutputError> {
    let Some(_lock) = Lock::now(part) else { return Ok(()) };
    let Ok(found) = recover(part) else { return Ok(()) };
    if let Some(Marker { files, .. }) = found {
        if unchanged(part, &files, &Files::new()).is_err() {
            return Ok(());
        }
        for name in files.keys().map(String::as_str).chain([MARKER]) {
            let path = part.join(name);
            match disk::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(OutputError::io("replace", &path)(error));
                }
                _ => {}
            }
        }
    }
    disk::remove_empty(&[part.to_owned()]);
    Ok(())
}

fn move_if_there(from: &Path, to: &Path) -> Result<(), OutputError> {
    match disk::rename(from, to) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(OutputError::io("write", to)(error)),
        _ => Ok(()),
    }
}
