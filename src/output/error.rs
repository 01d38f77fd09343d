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
    /// The folder has files that evenkeel did not write, and no result.
    #[error("{} has files that evenkeel did not write, such as {}; name a new or an empty folder", path.display(), file.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// One of the files.
        file: PathBuf,
    },
    /// A file that evenkeel did not write has the name of one that is to be written.
    #[error("{} is in the way, and evenkeel did not write it; move it, or name another folder", path.display())]
    Taken {
        /// The file.
        path: PathBuf,
    },
    /// A file of a result is not what was written.
    #[error("{} was changed since evenkeel wrote it; move it, or name another folder", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A file of a result is not there.
    #[error("{} is missing, so the result in the folder is incomplete; rerun the command that wrote it", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The folder holds no result.
    #[error("{} holds no result of evenkeel: there is no {} file in it", path.display(), super::marker::MARKER)]
    NoResult {
        /// The folder.
        path: PathBuf,
    },
    /// The result in the folder is of another command.
    #[error("{} holds the result of `{command}`; {help}", path.display())]
    OtherResult {
        /// The folder.
        path: PathBuf,
        /// Whose result it is.
        command: String,
        /// What to do.
        help: &'static str,
    },
    /// Another process has the folder.
    #[error("another evenkeel is writing into {}; wait until it is done, or name another folder", path.display())]
    Busy {
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
        move |source| OutputError::Io { doing, path, source }
    }

    /// A file could not be written.
    #[must_use]
    pub fn writing(path: &Path, source: io::Error) -> OutputError {
        OutputError::io("write", path)(source)
    }

    /// True if the machine failed, false if what was given is wrong.
    #[must_use]
    pub fn is_machine(&self) -> bool {
        matches!(self, OutputError::Io { .. } | OutputError::Picture { .. })
    }
}
