//! The commands, in a folder of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

/// A scenario of some milliseconds.
pub const SMALL: &str = "name: small\nduration: 5s\nservers: [{ name: s, replicas: 3 }]\n\
                         clients: [{ name: c, replicas: 4, load: { open: { rate: 100 } } }]\n";

pub struct Desk(TempDir);

impl Desk {
    /// A folder with `small.yaml`.
    pub fn new() -> Desk {
        let desk = Desk(TempDir::new().unwrap());
        fs::write(desk.path("small.yaml"), SMALL).unwrap();
        desk
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(cargo_bin!("evenkeel"));
        command.current_dir(self.0.path()).stdin(Stdio::null()).args(args);
        for name in ["JOB_COMPLETION_INDEX", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MAX"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs it, and fails unless it ends with this status.
    #[track_caller]
    pub fn run(&self, args: &[&str], status: i32) -> Said {
        Said::of(self.command(args).output().unwrap(), args, status)
    }

    pub fn json(&self, name: impl AsRef<Path>) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }
}

/// What a command wrote.
pub struct Said {
    pub out: String,
    pub err: String,
}

impl Said {
    #[track_caller]
    pub fn of(output: Output, args: &[&str], status: i32) -> Said {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let said = Said { out: text(output.stdout), err: text(output.stderr) };
        assert_eq!(output.status.code(), Some(status), "{args:?}: {}", said.err);
        assert!(!said.err.contains("panicked"), "{}", said.err);
        said
    }
}
