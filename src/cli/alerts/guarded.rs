//! Other programs, which never outlive this one.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use super::scratch::Scratch;
use crate::cli::failure::Failure;
use crate::cli::interrupt;

/// How often is looked whether a program has ended, or the user has interrupted the command.
const LOOK: Duration = Duration::from_millis(20);

/// A shell between evenkeel and the program. It reads a pipe of evenkeel's, which ends with evenkeel, whatever ends that: a second Ctrl-C, or SIGKILL.
/// Then it ends the program and removes the folder. After a word it only ends the program. Signals of the terminal go to the shell as well, and do not end it.
const GUARD: &str = r#"
trap '' INT TERM HUP
exec 3<&0 < /dev/null
folder=$1
shift
"$@" 3<&- &
child=$!
{
    if read -r stop; then
        kill -9 $child
    else
        kill -9 $child
        for again in 1 2 3; do rm -rf -- "$folder" && break; sleep 1; done
    fi
} <&3 3<&- > /dev/null 2>&1 &
reader=$!
exec 3<&-
wait $child
status=$?
# Killed, perhaps by the reader, which has to remove the folder.
[ $status = 137 ] || kill -9 $reader
exit $status
"#;

/// A program that runs.
pub(crate) struct Guarded {
    shell: Child,
    /// What it says.
    said: PathBuf,
}

impl Guarded {
    /// Starts a program, what it says going to a file of this name.
    pub(crate) fn start(scratch: &Scratch, said: &str, program: &Path, args: &[&str]) -> Result<Guarded, Failure> {
        let said = scratch.path(said);
        let start = || {
            let to = File::create(&said)?;
            let mut shell = Command::new("sh");
            shell.args(["-c", GUARD, "sh"]).arg(scratch.folder()).arg(program).args(args);
            shell.stdin(Stdio::piped()).stdout(to.try_clone()?).stderr(to).spawn()
        };
        let cannot = |error| Failure::Machine(format!("cannot start {}: {error}", program.display()));
        Ok(Guarded { shell: start().map_err(cannot)?, said })
    }

    /// Waits until it ends.
    pub(crate) fn finish(mut self) -> Result<(ExitStatus, String), Failure> {
        loop {
            interrupt::look()?;
            if let Some(status) = self.ended()? {
                return Ok((status, self.said()));
            }
            thread::sleep(LOOK);
        }
    }

    /// How it has ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>, Failure> {
        self.shell.try_wait().map_err(|error| Failure::Machine(format!("cannot wait for a program: {error}")))
    }

    /// What it has said up to now.
    pub(crate) fn said(&self) -> String {
        let bytes = fs::read(&self.said).unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }

    /// Ends it.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        if let Some(mut pipe) = self.shell.stdin.take() {
            // A program that has ended already does not read, and need not be ended.
            let _ = pipe.write_all(b"stop\n");
        }
        self.finish().map(drop)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
