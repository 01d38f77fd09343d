//! Hidden folders inside others, where files are written before they get their names.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::lock::Lock;
use super::{disk, marker};

/// What staging folders are called before their numbers.
pub(super) const PREFIX: &str = ".evenkeel-";

/// A hidden folder inside another one, surely on its file system, so that files can be renamed out of it. It is removed in the end. The lock
/// of the folder around it, or its own, tells other processes that it is in use.
pub(super) struct Staging {
    folder: PathBuf,
    kept: bool,
    _lock: Option<Lock>,
}

impl Staging {
    /// Makes one, and removes those whose processes were killed. `lock` is that of the folder around it.
    pub(super) fn inside(target: &Path, lock: &Lock) -> io::Result<Staging> {
        if lock.is_held() {
            remove_abandoned(target);
        }
        let mut number = 0;
        loop {
            let folder = target.join(format!("{PREFIX}{number}"));
            match disk::make_folder(&folder) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
                Ok(()) => return Ok(Staging { folder, kept: false, _lock: None }),
            }
        }
    }

    /// With a lock of its own, so that the folder around it need not be locked any longer.
    pub(super) fn locked(mut self) -> Staging {
        self._lock = Lock::now(&self.folder);
        self
    }

    /// Where a file of this name is before it gets its place.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Its own name.
    pub(super) fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// From now on it stays when this is dropped.
    pub(super) fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.kept {
            let _ = disk::remove_folder(&self.folder);
        }
    }
}

/// True if a folder of this name may be a staging folder.
pub(super) fn is_staging(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|number| number.parse::<u64>().is_ok())
}

/// Removes what killed processes left: staging folders that no process uses, in a folder that is locked. What cannot be listed or removed
/// stays: the results are not the worse for it.
fn remove_abandoned(target: &Path) {
    // What a pending result is finished from is still needed.
    let Ok(Some(marker::Marker { pending: None, .. }) | None) = marker::read(target) else { return };
    let Ok(entries) = fs::read_dir(target) else { return };
    for entry in entries.flatten().filter(|e| is_staging(&e.file_name().to_string_lossy())) {
        let folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if folder && Lock::now(&entry.path()).is_some_and(|lock| lock.is_held()) {
            let _ = disk::remove_folder(&entry.path());
        }
    }
}
