//! What can go wrong with files.

use std::io;
use std::path::{Path, PathBuf};

/// A file could not be written or read: the machine failed us (exit status 3), or the folder is not what it should be (2).
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried, e.g. `write`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A picture could not be made, which only happens if its pixels do not fit into memory.
    #[error("cannot draw {}", path.display())]
    Picture {
        /// The picture's file.
        path: PathBuf,
    },
    /// The folder holds somebody else's files, and no earlier result.
    #[error("{} has other files in it and no result of evenkeel; name a new or an empty folder", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// The caller asked to stop ([`super::files::FileSet::stop_if`]).
    #[error("interrupted before {} was written", path.display())]
    Interrupted {
        /// The file.
        path: PathBuf,
    },
    /// A file of an output folder does not hold what evenkeel writes there.
    #[error("{} is not what evenkeel writes there: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line where there is one.
        problem: String,
    },
}

impl OutputError {
    /// For `map_err`.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OutputError {
        let path = path.to_owned();
        move |source| OutputError::Io { doing, path, source: without_path(source) }
    }

    /// A file could not be written.
    #[must_use]
    pub fn writing(path: &Path, source: io::Error) -> OutputError {
        OutputError::io("write", path)(source)
    }

    /// True if the machine failed, false if what was given is wrong.
    #[must_use]
    pub fn is_machine(&self) -> bool {
        !matches!(self, OutputError::Malformed { .. } | OutputError::Foreign { .. })
    }
}

/// What the operating system said: `tempfile` adds the name of its temporary file, which says nothing to anybody, and keeps
/// the error itself to itself.
fn without_path(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path \"") {
        Some((said, _)) => io::Error::new(error.kind(), said.to_owned()),
        None => error,
    }
}
