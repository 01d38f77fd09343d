//! What a process that ends in the middle leaves behind, if it may still clear it away.

use std::fs;
use std::path::PathBuf;

/// What is left of a set of files if the process ends before its commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    pub(super) staging: Option<PathBuf>,
    /// The outermost first.
    pub(super) made: Vec<PathBuf>,
}

impl Unfinished {
    /// Removes it, as dropping the set does. A folder that others filled meanwhile stays.
    pub fn remove(&self) {
        if let Some(staging) = &self.staging {
            let _ = fs::remove_dir_all(staging);
        }
        for folder in self.made.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}
