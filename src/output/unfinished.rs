//! What a process that ends in the middle leaves behind, if it may still clear it away.

use std::fs;
use std::path::{Path, PathBuf};

/// What is left of a set of files if the process ends before its commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    pub(super) staging: Option<PathBuf>,
    /// The outermost first.
    pub(super) made: Vec<PathBuf>,
}

impl Unfinished {
    /// A folder with all that is in it.
    #[must_use]
    pub fn folder(folder: &Path) -> Unfinished {
        Unfinished { staging: Some(folder.to_owned()), made: Vec::new() }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_is_removed_and_what_others_filled_stays() {
        let dir = tempfile::tempdir().expect("a folder");
        let (outer, staging) = (dir.path().join("a"), dir.path().join("a/b/staging"));
        let made = vec![outer.clone(), outer.join("b")];
        fs::create_dir_all(&staging).expect("folders");
        fs::write(staging.join("summary.json"), "{}").expect("a file");
        fs::write(outer.join("other"), "").expect("a file");
        Unfinished { staging: Some(staging), made }.remove();
        assert_eq!((outer.join("b").exists(), outer.join("other").exists()), (false, true));
    }
}
