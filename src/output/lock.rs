//! One process at a time: folders are locked themselves, so that no lock file is left, and a kill frees them.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::OutputError;

/// How often [`Lock::soon`] tries, and how long it waits between.
const TRIES: u32 = 500;
const BETWEEN: Duration = Duration::from_millis(20);

/// A folder that no other process writes into. Where folders cannot be locked (some network file systems, Windows) it is there
/// without holding anything.
pub(super) struct Lock(Option<File>);

impl Lock {
    /// Of nothing.
    pub(super) const NONE: Lock = Lock(None);

    /// Locks a folder; `None` if another process has it.
    pub(super) fn now(folder: &Path) -> Option<Lock> {
        let Ok(file) = File::open(folder) else { return Some(Lock(None)) };
        match file.try_lock() {
            Ok(()) => Some(Lock(Some(file))),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(_)) => Some(Lock(None)),
        }
    }

    /// Locks a folder at once, or not at all.
    pub(super) fn at_once(folder: &Path) -> Result<Lock, OutputError> {
        Lock::now(folder).ok_or_else(|| OutputError::Busy { path: folder.to_owned() })
    }

    /// Locks a folder that others hold for moments only; after ten seconds it is taken for busy.
    pub(super) fn soon(folder: &Path) -> Result<Lock, OutputError> {
        for _ in 0..TRIES {
            if let Some(lock) = Lock::now(folder) {
                return Ok(lock);
            }
            thread::sleep(BETWEEN);
        }
        Lock::at_once(folder)
    }

    /// False where folders cannot be locked.
    pub(super) fn is_held(&self) -> bool {
        self.0.is_some()
    }
}
