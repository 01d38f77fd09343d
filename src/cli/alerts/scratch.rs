//! A folder for what is needed while the command runs.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::interrupt;

/// A folder of its own among the system's temporary files, which is removed in the end, however the command ends.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Result<Scratch, Failure> {
        let outer = std::env::temp_dir();
        for number in 0u32.. {
            let folder = outer.join(format!("evenkeel-alerts-{}-{number}", std::process::id()));
            match fs::create_dir(&folder) {
                // Of a process of the same number that was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(Failure::Machine(format!("cannot make a folder in {}: {error}", outer.display())));
                }
                Ok(()) => {
                    interrupt::removes(&folder);
                    return Ok(Scratch(folder));
                }
            }
        }
        Err(Failure::Machine(format!("{} is full of folders of evenkeel", outer.display())))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// A file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Where the blocks of Prometheus are.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
