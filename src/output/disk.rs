//! All that changes files and folders, one step each, so that tests can end the process before any one of them.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Builds with debug assertions end the process before step N if `EVENKEEL_KILL_AT` is N; with N = 0 they print all steps.
#[cfg(debug_assertions)]
fn step(what: &str, path: &Path) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    static KILL_AT: LazyLock<Option<u64>> = LazyLock::new(|| std::env::var("EVENKEEL_KILL_AT").ok()?.parse().ok());
    static STEPS: AtomicU64 = AtomicU64::new(0);
    let Some(kill_at) = *KILL_AT else { return };
    let number = STEPS.fetch_add(1, Ordering::SeqCst) + 1;
    if kill_at == 0 {
        let _ = writeln!(io::stderr(), "step {number}: {what} {}", path.display());
    } else if kill_at == number {
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
fn step(_: &str, _: &Path) {}

/// Makes a folder whose parent is there.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    step("make folder", path);
    fs::create_dir(path)
}

/// Makes a folder and those around it; returns those that were not there, the outermost first.
pub(super) fn make_folders(path: &Path) -> io::Result<Vec<PathBuf>> {
    let missing = path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists());
    let mut missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
    missing.reverse();
    let mut made = Vec::new();
    for folder in missing {
        match make_folder(&folder) {
            // Another process was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => {}
            Err(error) => {
                remove_empty(&made);
                return Err(error);
            }
            Ok(()) => made.push(folder),
        }
    }
    if path.is_dir() { Ok(made) } else { Err(ErrorKind::NotADirectory.into()) }
}

/// Removes folders, the last one first. One that has something in it stays.
pub(super) fn remove_empty(folders: &[PathBuf]) {
    for folder in folders.iter().rev() {
        step("remove folder", folder);
        let _ = fs::remove_dir(folder);
    }
}

/// A file that is written in steps.
struct Written {
    file: File,
    path: PathBuf,
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        step("write", &self.path);
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Makes a file that is not there yet.
pub(super) fn create(path: &Path) -> io::Result<Box<dyn Write + Send>> {
    step("create", path);
    Ok(Box::new(Written { file: File::create_new(path)?, path: path.to_owned() }))
}

/// Makes a file with these contents, in place of what is there.
pub(super) fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    if path.exists() {
        remove_file(path)?;
    }
    create(path)?.write_all(contents)
}

/// Gives a file another name, in place of the file that has it.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step("rename", to);
    fs::rename(from, to)
}

/// Gives a file another name unless there is a file of that name ([`ErrorKind::AlreadyExists`]).
pub(super) fn rename_to_new(from: &Path, to: &Path) -> io::Result<()> {
    step("link", to);
    match fs::hard_link(from, to) {
        Ok(()) => remove_file(from),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        // A file system without links.
        Err(_) => rename(from, to),
    }
}

/// Removes a file.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    step("remove", path);
    fs::remove_file(path)
}

/// Removes a folder with all that is in it.
pub(super) fn remove_folder(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // What a link leads to is left alone.
        if entry.file_type()?.is_dir() { remove_folder(&entry.path())? } else { remove_file(&entry.path())? }
    }
    step("remove folder", path);
    fs::remove_dir(path)
}
