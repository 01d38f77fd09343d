//! Ctrl-C: SIGINT, SIGTERM and SIGHUP stop every command within a second, and it says what is kept.
//!
//! Whatever takes long asks: runs through their `watch`, sets of files before each file, everything else with [`look`]. A
//! watchdog ends what does not ask in time (the pictures of a large run, say): results appear in their folder at the end of a
//! command, so that nothing half-written is seen, and what was staged is removed. A second signal ends the process at once.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::signal::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::failure::Failure;
use super::terminal;
use crate::output::OutputError;
use crate::output::files::FileSet;
use crate::output::unfinished::Unfinished;

/// The exit status of a command that was interrupted, as shells have it for SIGINT.
pub(super) const STATUS: u8 = 130;

/// How often the watchdog looks. A second signal in this time counts as the first one: `timeout` sends each signal twice.
const EACH: Duration = Duration::from_millis(25);
/// How long a command may take to stop by itself. Its end takes as long again at most on a busy machine.
const PATIENCE: Duration = Duration::from_millis(400);

static ASKED: AtomicBool = AtomicBool::new(false);
/// The next signal ends the process.
static ARMED: AtomicBool = AtomicBool::new(false);
static SAID: AtomicBool = AtomicBool::new(false);
static STATE: Mutex<State> = Mutex::new(State { unfinished: Vec::new(), written: Vec::new(), cells: None });

/// What an interrupted command has to remove, and what it keeps.
struct State {
    /// By set of files that is begun: its folder, and what is to be removed if it is never committed.
    unfinished: Vec<(PathBuf, Unfinished)>,
    /// Folders whose results are whole.
    written: Vec<PathBuf>,
    /// Of a sweep: its folder, its cells that are kept, and how many there are.
    cells: Option<(PathBuf, usize, usize)>,
}

impl State {
    fn words(&self) -> String {
        if let Some((folder, kept, of)) = &self.cells {
            let folder = folder.display();
            return format!("{kept} of {of} cells are kept in {folder}; run the same command again to resume");
        }
        let folders: Vec<String> = self.written.iter().map(|folder| folder.display().to_string()).collect();
        match folders.as_slice() {
            [] => "nothing was written; run the same command to start over".to_owned(),
            [one] => format!("the results in {one} are complete, and nothing else was written"),
            all => format!("the results in {} are complete, and nothing else was written", all.join(", ")),
        }
    }

    fn remove_unfinished(&self) {
        for (_, set) in self.unfinished.iter().rev() {
            set.remove();
        }
    }
}

/// Uses the state; a thread that panicked while it had it left it whole.
fn with_state<T>(f: impl FnOnce(&mut State) -> T) -> T {
    f(&mut STATE.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// From now on signals stop commands instead of the process.
pub(super) fn catch() -> Result<(), Failure> {
    let listen = |signal| {
        // The flag comes first: otherwise a signal between the two lines would be lost.
        flag::register(signal, &ASKED)?;
        flag::register_conditional_shutdown(signal, STATUS.into(), &ARMED)
    };
    let all = || {
        listen(SIGINT)?;
        listen(SIGTERM)?;
        #[cfg(unix)]
        if !hangup_is_ignored() {
            listen(signal_hook::consts::signal::SIGHUP)?;
        }
        thread::Builder::new().name("watchdog".to_owned()).spawn(watch_over).map(drop)
    };
    all().map_err(|error| Failure::Machine(format!("cannot listen for Ctrl-C: {error}")))
}

/// `nohup` has SIGHUP ignored, and what it starts should leave it at that.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    let ignored = |status: String| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    };
    let mask = std::fs::read_to_string("/proc/self/status").ok().and_then(ignored);
    mask.is_some_and(|mask| mask >> (signal_hook::consts::signal::SIGHUP - 1) & 1 == 1)
}

fn watch_over() {
    while !asked() {
        thread::sleep(EACH);
    }
    ARMED.store(true, Ordering::SeqCst);
    thread::sleep(PATIENCE);
    // While the state is locked, no commit can begin.
    with_state(|state| {
        state.remove_unfinished();
        say(state);
        std::process::exit(STATUS.into())
    })
}

/// True once the command should stop.
pub(super) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Fails once the command should stop.
pub(super) fn look() -> Result<(), Failure> {
    if asked() { Err(Failure::Interrupted) } else { Ok(()) }
}

/// Removes what was begun and not committed. Sets of files do that when they are dropped, but for folders that several of them share.
pub(super) fn clear_away() {
    with_state(|state| state.remove_unfinished());
}

/// Says what is kept, once.
pub(super) fn report() {
    with_state(|state| say(state));
}

fn say(state: &State) {
    if !SAID.swap(true, Ordering::SeqCst) {
        terminal::say(&format!("interrupted: {}\n", state.words()));
    }
}

/// Begins a set of files for a folder; see [`FileSet::begin`]. Once the command should stop it takes no more files.
pub(super) fn begin(folder: &Path, command: &str) -> Result<FileSet, Failure> {
    watched(FileSet::begin(folder, command)?)
}

/// The same; see [`FileSet::begin_soon`].
pub(super) fn begin_soon(folder: &Path, command: &str) -> Result<FileSet, Failure> {
    watched(FileSet::begin_soon(folder, command)?)
}

fn watched(mut set: FileSet) -> Result<FileSet, Failure> {
    set.stop_if(asked);
    with_state(|state| state.unfinished.push((set.target().to_owned(), set.unfinished())));
    Ok(set)
}

/// From now on this folder, which holds nothing that is kept, is removed if the command ends before its time.
pub(crate) fn removes(folder: &Path) {
    with_state(|state| state.unfinished.push((folder.to_owned(), Unfinished::folder(folder))));
}

/// Commits a set that [`begin`] began, unless the command should stop.
pub(super) fn commit(set: FileSet) -> Result<(), Failure> {
    commit_with(set, Vec::new())
}

/// The same, together with sets in folders directly inside this one.
pub(super) fn commit_with(set: FileSet, parts: Vec<FileSet>) -> Result<(), Failure> {
    let folders: Vec<PathBuf> = parts.iter().chain([&set]).map(|set| set.target().to_owned()).collect();
    let begun = with_state(|state| {
        look()?;
        // From here on a kill leaves the old result or the new one, and the next command clears up.
        let all = std::mem::take(&mut state.unfinished);
        let (begun, others) = all.into_iter().partition(|(folder, _)| folders.contains(folder));
        state.unfinished = others;
        Ok::<Vec<(PathBuf, Unfinished)>, Failure>(begun)
    })?;
    let folder = set.target().to_owned();
    let done = set.commit_with(parts);
    with_state(|state| match &done {
        Ok(_) => state.written.push(folder),
        // A signal came in between: there is something to clear away.
        Err(_) => state.unfinished.extend(begun),
    });
    done?;
    Ok(())
}

/// A sweep of this many cells keeps those that are finished in this folder.
pub(super) fn keeps_cells(folder: &Path, of: usize) {
    with_state(|state| state.cells = Some((folder.to_owned(), 0, of)));
}

/// This many more cells are finished.
pub(super) fn keeps_more_cells(cells: usize) {
    with_state(|state| state.cells.iter_mut().for_each(|(_, kept, _)| *kept += cells));
}

/// True if a failure is that the user has interrupted the command.
pub(super) fn is_one(failure: &Failure) -> bool {
    use crate::sim::SimError;
    matches!(
        failure,
        Failure::Interrupted
            | Failure::Run(_, SimError::Interrupted { .. })
            | Failure::Output(OutputError::Interrupted { .. })
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_said() {
        let state = |written: &[&str], cells| State {
            unfinished: Vec::new(),
            written: written.iter().map(PathBuf::from).collect(),
            cells,
        };
        assert!(state(&[], None).words().starts_with("nothing was written"));
        assert!(state(&["a", "b"], None).words().starts_with("the results in a, b are complete"));
        assert!(state(&[], Some(("s".into(), 3, 8))).words().starts_with("3 of 8 cells are kept in s"));
    }
}
