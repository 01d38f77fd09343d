//! Files, written whole or not at all: into a hidden folder inside the target first, moved into place at the end.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::OutputError;
use super::unfinished::Unfinished;

/// Every name that a command writes, by command; the last one is there if a result is. Those that a new set lacks are removed when it
/// replaces an older one of the same command, lest old pictures stand beside new figures.
const RESULTS: [&[&str]; 6] = [
    &[
        "pods.csv",
        "gateways.csv",
        "connections.csv",
        "events.csv",
        "runs.csv",
        "runs_pods.csv",
        "traffic.svg",
        "traffic.png",
        "skew.svg",
        "skew.png",
        "connections.svg",
        "connections.png",
        "latency.svg",
        "latency.png",
        "summary.json",
    ],
    &["compare.csv", "compare.md", "compare.svg", "compare.png", "compare.json"],
    &["sweep.csv", "sweep_runs.csv", "sweep.svg", "sweep.png", "sweep.json"],
    &["plan.md", "plan.svg", "plan.png", "plan.json"],
    &["check.md", "check.json"],
    &[
        "fit.md",
        "fit.svg",
        "fit.png",
        "per_call-1.yaml",
        "per_call-2.yaml",
        "per_call-3.yaml",
        "connections-1.yaml",
        "connections-2.yaml",
        "connections-3.yaml",
        "late_pods-1.yaml",
        "late_pods-2.yaml",
        "late_pods-3.yaml",
        "heavy_connections-1.yaml",
        "heavy_connections-2.yaml",
        "heavy_connections-3.yaml",
        "fit.json",
    ],
];

/// How a file is opened for writing; tests put a disk here that fills up.
type Create = fn(&Path) -> io::Result<Box<dyn Write + Send>>;

fn on_disk(path: &Path) -> io::Result<Box<dyn Write + Send>> {
    Ok(Box::new(File::create_new(path)?))
}

/// True if a result has been written there.
fn holds_a_result(folder: &Path) -> bool {
    RESULTS.iter().filter_map(|result| result.last()).any(|name| folder.join(name).exists())
}

/// True if there is a file that no command writes. What cannot be listed will not be writable either.
fn has_other_files(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    let ours =
        |entry: &fs::DirEntry| RESULTS.iter().flat_map(|result| result.iter()).any(|name| entry.file_name() == *name);
    entries.flatten().any(|e| e.path().is_file() && !ours(&e))
}

/// What staging folders are called before their random parts.
const STAGING: &str = ".evenkeel-";
/// The file in a staging folder that its process holds locked; a kill frees it.
const LOCK: &str = ".lock";

/// A hidden folder inside another one, locked as long as this process has it.
struct Staging {
    folder: TempDir,
    _lock: File,
}

impl Staging {
    /// Makes one, and removes those whose processes were killed.
    fn inside(target: &Path) -> io::Result<Staging> {
        remove_abandoned(target);
        let folder = tempfile::Builder::new().prefix(STAGING).tempdir_in(target)?;
        // Locked before it has its name, lest another process takes it for abandoned.
        let unnamed = folder.path().join(".locking");
        let lock = File::create_new(&unnamed)?;
        // Where files cannot be locked, no folder is ever taken for abandoned.
        if lock.try_lock().is_ok() {
            fs::rename(&unnamed, folder.path().join(LOCK))?;
        }
        Ok(Staging { folder, _lock: lock })
    }
}

/// What cannot be listed or removed stays: the results are not the worse for it.
fn remove_abandoned(target: &Path) {
    let Ok(entries) = fs::read_dir(target) else { return };
    for entry in entries.flatten().filter(|e| e.file_name().to_string_lossy().starts_with(STAGING)) {
        let lock = File::open(entry.path().join(LOCK));
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A set of files that appear in a folder together. Dropped without [`FileSet::commit`] it leaves nothing: no file, and no
/// folder that was not there before.
pub struct FileSet {
    target: PathBuf,
    /// Inside the target: surely on its file system, so that renaming works, and no right to write beside it is needed.
    staging: Option<Staging>,
    /// Folders made for it, the outermost first.
    made: Vec<PathBuf>,
    names: Vec<String>,
    /// Files of an earlier result with names of its own.
    replaced: Vec<String>,
    create: Create,
    /// True once no more files are to be added.
    stop: fn() -> bool,
}

impl FileSet {
    /// Makes the folder and proves that it can be written. Call this before a long run.
    ///
    /// # Errors
    /// If the folder cannot be made or written, or has other files in it.
    pub fn begin(target: &Path) -> Result<FileSet, OutputError> {
        FileSet::begin_with(target, on_disk)
    }

    fn begin_with(target: &Path, create: Create) -> Result<FileSet, OutputError> {
        let missing = target.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists());
        let mut made: Vec<PathBuf> = missing.map(Path::to_owned).collect();
        made.reverse();
        let mut set = FileSet {
            target: target.to_owned(),
            staging: None,
            made,
            names: Vec::new(),
            replaced: Vec::new(),
            create,
            stop: || false,
        };
        fs::create_dir_all(target).map_err(OutputError::io("make the folder", target))?;
        if !holds_a_result(target) && has_other_files(target) {
            return Err(OutputError::Foreign { path: target.to_owned() });
        }
        set.staging = Some(Staging::inside(target).map_err(OutputError::io("write into", target))?);
        Ok(set)
    }

    /// From now on, [`FileSet::add`] fails once this is true.
    pub fn stop_if(&mut self, stop: fn() -> bool) {
        self.stop = stop;
    }

    /// For a process that ends without dropping the set.
    #[must_use]
    pub fn unfinished(&self) -> Unfinished {
        let staging = self.staging.as_ref().map(|staging| staging.folder.path().to_owned());
        Unfinished { staging, made: self.made.clone() }
    }

    /// The folder that the files appear in.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Adds a file: `fill` writes its contents through a buffer. A name may be used once.
    ///
    /// # Errors
    /// If the file cannot be written, or no more are to be; the set is then only good for dropping.
    pub fn add(&mut self, name: &str, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), OutputError> {
        let path = self.target.join(name);
        if (self.stop)() {
            return Err(OutputError::Interrupted { path });
        }
        let staged = self.staged(name);
        let write = || {
            let mut file = BufWriter::new((self.create)(&staged)?);
            fill(&mut file)?;
            file.flush()
        };
        write().map_err(OutputError::io("write", &path))?;
        self.names.push(name.to_owned());
        Ok(())
    }

    /// Adds a file that is written while other things go on. What it buffers is lost unless it is flushed before the commit.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn open(&mut self, name: &str) -> Result<Box<dyn Write + Send>, OutputError> {
        let file = (self.create)(&self.staged(name)).map_err(OutputError::io("write", &self.target.join(name)))?;
        self.names.push(name.to_owned());
        Ok(file)
    }

    /// Has these files of an earlier result removed as well, unless the set has them.
    pub fn replaces(&mut self, names: impl IntoIterator<Item = String>) {
        self.replaced.extend(names);
    }

    fn staged(&self, name: &str) -> PathBuf {
        // Only `commit` takes the staging folder away, and it takes the set with it.
        self.staging.as_ref().map_or_else(|| self.target.join(name), |staging| staging.folder.path().join(name))
    }

    /// Moves the files into place, in the order in which they were added, and returns their paths. Each appears whole; files
    /// of an earlier run that this set does not have are removed, all others in the folder are left alone.
    ///
    /// # Errors
    /// If a file cannot be moved; those before it are then in place.
    pub fn commit(mut self) -> Result<Vec<PathBuf>, OutputError> {
        let names = std::mem::take(&mut self.names);
        let mut paths = Vec::new();
        self.remove_stale(&names)?;
        for name in &names {
            let path = self.target.join(name);
            fs::rename(self.staged(name), &path).map_err(OutputError::io("write", &path))?;
            // From the first file on the folder is worth keeping.
            self.made.clear();
            paths.push(path);
        }
        Ok(paths)
    }

    /// Only where an earlier result of the same command is, so that neither another command's nor somebody's own `latency.png` is lost.
    fn remove_stale(&self, names: &[String]) -> Result<(), OutputError> {
        let again = |result: &&[&str]| {
            let last = result.last().copied().unwrap_or_default();
            names.iter().any(|name| name == last) && self.target.join(last).exists()
        };
        let ours = RESULTS.iter().filter(|result| again(result)).flat_map(|result| result.iter().copied());
        let ours = ours.chain(self.replaced.iter().map(String::as_str));
        for stale in ours.filter(|ours| !names.iter().any(|name| name == ours)) {
            let path = self.target.join(stale);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(OutputError::io("replace", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Drop for FileSet {
    fn drop(&mut self) {
        // The files first, then the folders, the innermost first; a folder that others filled meanwhile stays.
        self.staging = None;
        for folder in self.made.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Writes one file whole or not at all.
///
/// # Errors
/// If it cannot be written.
pub fn write_file(path: &Path, contents: &[u8]) -> Result<(), OutputError> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut builder = tempfile::Builder::new();
        // Temporary files are private; results are for whom the umask lets.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.prefix(STAGING).tempfile_in(folder)?;
        file.write_all(contents)?;
        file.persist(path).map_err(|e| e.error)
    };
    write().map(|_| ()).map_err(OutputError::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with room for 100 bytes per file.
    fn small(path: &Path) -> io::Result<Box<dyn Write + Send>> {
        struct Small(File, usize);
        impl Write for Small {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let room = bytes.len().min(self.1);
                if room == 0 {
                    return Err(io::Error::from(io::ErrorKind::StorageFull));
                }
                self.1 -= room;
                self.0.write(&bytes[..room])
            }
            fn flush(&mut self) -> io::Result<()> {
                self.0.flush()
            }
        }
        Ok(Box::new(Small(File::create_new(path)?, 100)))
    }

    fn listed(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_appear_together_at_the_end() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("a/b");
        let mut set = FileSet::begin(&target).unwrap();
        set.add("pods.csv", |w| w.write_all(b"x")).unwrap();
        set.add("summary.json", |w| w.write_all(b"{}")).unwrap();
        assert!(!target.join("pods.csv").exists());
        let paths = set.commit().unwrap();
        assert_eq!(paths, [target.join("pods.csv"), target.join("summary.json")]);
        assert_eq!(listed(&target), ["pods.csv", "summary.json"]);
    }

    #[test]
    fn a_full_disk_leaves_nothing_and_names_the_file() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("a/b");
        let mut set = FileSet::begin_with(&target, small).unwrap();
        set.add("summary.json", |w| w.write_all(b"{}")).unwrap();
        let error = set.add("pods.csv", |w| w.write_all(&[b'x'; 20_000])).unwrap_err();
        assert!(error.to_string().contains(&target.join("pods.csv").display().to_string()), "{error}");
        assert!(error.is_machine());
        drop(set);
        assert_eq!(listed(root.path()), [""; 0]);
    }

    #[test]
    fn a_failure_leaves_the_earlier_run_as_it_was() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("pods.csv"), "old").unwrap();
        fs::write(root.path().join("summary.json"), "old").unwrap();
        fs::write(root.path().join("notes.txt"), "mine").unwrap();
        let mut set = FileSet::begin_with(root.path(), small).unwrap();
        set.add("pods.csv", |w| w.write_all(&[b'x'; 20_000])).unwrap_err();
        drop(set);
        assert_eq!(listed(root.path()), ["notes.txt", "pods.csv", "summary.json"]);
        assert_eq!(fs::read_to_string(root.path().join("pods.csv")).unwrap(), "old");
    }

    #[test]
    fn only_files_of_an_earlier_result_are_replaced() {
        let root = tempfile::tempdir().unwrap();
        for name in ["runs.csv", "notes.txt", "traffic.png"] {
            fs::write(root.path().join(name), "old").unwrap();
        }
        let write = |name: &str| {
            let mut set = FileSet::begin(root.path()).unwrap();
            set.add(name, |w| w.write_all(b"new")).unwrap();
            set.commit().unwrap();
        };
        // Somebody else's folder, that happens to have files of these names.
        let refused = FileSet::begin(root.path()).err().unwrap();
        assert!(matches!(refused, OutputError::Foreign { .. }) && !refused.is_machine(), "{refused}");
        assert_eq!(listed(root.path()), ["notes.txt", "runs.csv", "traffic.png"]);
        fs::write(root.path().join("summary.json"), "old").unwrap();
        write("summary.json");
        assert_eq!(listed(root.path()), ["notes.txt", "summary.json"]);
    }

    #[test]
    fn what_a_killed_process_left_goes_and_what_another_one_writes_stays() {
        let root = tempfile::tempdir().unwrap();
        let left = root.path().join(".evenkeel-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join(LOCK), "").unwrap();
        fs::write(left.join("pods.csv"), "half").unwrap();
        let [mut one, mut other] = [0, 1].map(|_| FileSet::begin(root.path()).unwrap());
        assert!(!left.exists());
        other.add("plan.json", |w| w.write_all(b"{}")).unwrap();
        one.add("summary.json", |w| w.write_all(b"{}")).unwrap();
        one.commit().unwrap();
        other.commit().unwrap();
        assert_eq!(listed(root.path()), ["plan.json", "summary.json"]);
    }

    #[test]
    fn an_impossible_folder_is_refused_at_once() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        let error = FileSet::begin(&file.join("sub")).err().unwrap();
        assert!(error.to_string().starts_with("cannot make the folder"), "{error}");
        let error = FileSet::begin(&file).err().unwrap();
        assert!(matches!(error, OutputError::Io { .. }), "{error}");
        for error in [error, write_file(&file.join("x.svg"), b"").unwrap_err()] {
            assert!(!error.to_string().contains(".evenkeel-"), "the temporary file's name: {error}");
        }
    }

    #[test]
    fn one_file_is_replaced_whole() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x.svg");
        write_file(&path, b"one").unwrap();
        write_file(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(listed(root.path()), ["x.svg"]);
    }
}
