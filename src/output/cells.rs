//! The folder in which the cells of a sweep are kept: `cells/plan.json`, and a file per finished cell. Each is written whole or
//! not at all, so that a sweep may be killed at any moment, and several processes may share the folder; and each has a checksum.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::files::{refuse_foreign, write_staged};
use super::lock::Lock;
use super::staging::Staging;
use super::{OutputError, disk, sealed};
use crate::experiment::sweep::{Cell, Plan};

/// The plan's file.
const PLAN: &str = "plan.json";

/// The cells of one sweep, in `cells` of its output folder.
#[derive(Clone, Debug)]
pub struct CellStore {
    folder: PathBuf,
}

/// Writes cells. Dropped it leaves nothing but finished ones.
pub struct CellWriter {
    folder: PathBuf,
    staging: Staging,
}

impl CellStore {
    /// The cells below an output folder, which need not exist.
    #[must_use]
    pub fn below(out: &Path) -> CellStore {
        CellStore { folder: out.join("cells") }
    }

    /// The plan, if there is one.
    ///
    /// # Errors
    /// If it cannot be read, or is none.
    pub fn plan(&self) -> Result<Option<Plan>, OutputError> {
        let path = self.folder.join(PLAN);
        const HELP: &str = "delete the folder that it is in, and run the sweep again";
        read(&path, HELP, |plan: &Plan| plan.problem())
    }

    /// Makes the folder and writes the plan, unless there is one; returns the plan that is there. Of several processes that begin with
    /// other plans one wins.
    ///
    /// # Errors
    /// If they cannot be written, or the folder has other files.
    pub fn begin(&self, plan: &Plan) -> Result<(CellWriter, Plan), OutputError> {
        disk::make_folders(&self.folder).map_err(OutputError::io("make the folder", &self.folder))?;
        let lock = Lock::soon(&self.folder)?;
        let there = self.plan()?;
        if there.is_none() {
            refuse_foreign(&self.folder)?;
        }
        let staging = Staging::inside(&self.folder, &lock).map_err(OutputError::io("write into", &self.folder))?;
        let staging = staging.locked();
        let there = match there {
            Some(there) => there,
            None => self.put(plan, &staging)?,
        };
        Ok((CellWriter { folder: self.folder.clone(), staging }, there))
    }

    /// Writes the plan, or returns the one of a process that was faster where folders cannot be locked.
    fn put(&self, plan: &Plan, staging: &Staging) -> Result<Plan, OutputError> {
        let path = self.folder.join(PLAN);
        let write = || {
            disk::create(&staging.path(PLAN))?.write_all(&sealed::seal(plan)?)?;
            disk::rename_to_new(&staging.path(PLAN), &path)
        };
        match write() {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(self.plan()?.unwrap_or_else(|| plan.clone())),
            written => written.map(|()| plan.clone()).map_err(OutputError::io("write", &path)),
        }
    }

    /// A cell of this sweep, if it is finished.
    ///
    /// # Errors
    /// If its file cannot be read, or does not hold that cell.
    pub fn cell(&self, plan: &Plan, cell: u64) -> Result<Option<Cell>, OutputError> {
        const HELP: &str = "delete it to have the cell run again";
        read(&cell_file(&self.folder, cell), HELP, |found: &Cell| found.problem(plan, cell))
    }

    /// All finished cells of this sweep, in order.
    ///
    /// # Errors
    /// If the folder or a file cannot be read, or a file does not hold its cell.
    pub fn cells(&self, plan: &Plan) -> Result<Vec<Cell>, OutputError> {
        let listing = || OutputError::io("list", &self.folder);
        let mut numbers: Vec<u64> = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(listing())? {
            let name = entry.map_err(listing())?.file_name();
            let number = name.to_str().and_then(|n| n.strip_suffix(".json")?.parse::<u64>().ok());
            // What has another name is not ours.
            numbers.extend(number.filter(|number| name == *file_name(*number)));
        }
        numbers.sort_unstable();
        numbers.into_iter().filter_map(|cell| self.cell(plan, cell).transpose()).collect()
    }
}

impl CellWriter {
    /// Writes a finished cell.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(&self, cell: &Cell) -> Result<(), OutputError> {
        let path = cell_file(&self.folder, cell.cell);
        write(&self.staging, &path, cell).map_err(OutputError::io("write", &path))
    }
}

fn file_name(cell: u64) -> String {
    format!("{cell:06}.json")
}

fn cell_file(folder: &Path, cell: u64) -> PathBuf {
    folder.join(file_name(cell))
}

fn write(staging: &Staging, path: &Path, value: &impl Serialize) -> io::Result<()> {
    write_staged(staging, path, &sealed::seal(value)?)
}

/// The value in a file that has its checksum and in which nothing else is wrong; `None` if there is no file.
fn read<T: DeserializeOwned>(
    path: &Path,
    help: &str,
    problem: impl FnOnce(&T) -> Option<String>,
) -> Result<Option<T>, OutputError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        bytes => bytes.map_err(OutputError::io("read", path))?,
    };
    let found = sealed::open::<T>(&bytes).and_then(|value| match problem(&value) {
        Some(problem) => Err(problem),
        None => Ok(value),
    });
    found.map(Some).map_err(|why| OutputError::Malformed { path: path.to_owned(), problem: format!("{why}; {help}") })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::experiment::sweep::CellRun;
    use crate::metrics::figures::always;
    use crate::scenario::vary::Grid;

    fn plan(seed: u64) -> Plan {
        let hash = "0123456789abcdef";
        Plan {
            evenkeel: "1.0".to_owned(),
            scenario: "s".to_owned(),
            scenario_hash: hash.to_owned(),
            inputs: hash.to_owned(),
            seed,
            runs: 1,
            axes: Grid::parse("--vary", &["cluster.rtt=1ms,2ms,3ms".to_owned()]).expect("a grid"),
        }
    }

    fn finished(cell: u64) -> Cell {
        let digest = "v1:0123456789abcdef".to_owned();
        Cell {
            cell,
            plan: plan(1).digest(),
            scenario_hash: "0123456789abcdef".to_owned(),
            files: BTreeMap::new(),
            figures: always().map(|kind| (kind.column.to_owned(), kind.path.to_owned())).collect(),
            runs: vec![CellRun { seed: 1, digest, unmet: 0, values: vec![Some(0.5); always().count()] }],
        }
    }

    #[test]
    fn what_is_finished_is_found_again() {
        let out = tempfile::tempdir().expect("a folder");
        let store = CellStore::below(out.path());
        assert_eq!(store.plan().expect("no folder is no plan"), None);
        let (writer, there) = store.begin(&plan(1)).expect("it begins");
        assert_eq!((there, store.plan().expect("a plan")), (plan(1), Some(plan(1))));
        for cell in [2, 0] {
            writer.finish(&finished(cell)).expect("it is written");
        }
        drop(writer);
        assert_eq!(store.cell(&plan(1), 2).expect("it is read"), Some(finished(2)));
        assert_eq!(store.cell(&plan(1), 1).expect("none is no error"), None);
        assert_eq!(store.cells(&plan(1)).expect("they are read"), [finished(0), finished(2)]);
        let names = |folder: &Path| {
            let names = fs::read_dir(folder).expect("a folder").map(|f| f.expect("a file").file_name());
            let mut names: Vec<_> =
                names.filter_map(|n| n.into_string().ok()).filter(|n| n.ends_with("json")).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(names(&out.path().join("cells")), ["000000.json", "000002.json", "plan.json"]);
    }

    #[test]
    fn the_first_plan_stays() {
        let out = tempfile::tempdir().expect("a folder");
        let store = CellStore::below(out.path());
        let (writer, _) = store.begin(&plan(1)).expect("it begins");
        // A process that saw none, and was slower.
        assert_eq!(store.put(&plan(2), &writer.staging).expect("one is there"), plan(1));
        drop(writer);
        let (writer, there) = store.begin(&plan(2)).expect("it begins");
        assert_eq!((there, store.plan().expect("a plan")), (plan(1), Some(plan(1))));
        // Another error is one.
        let elsewhere = CellStore { folder: out.path().join("missing") };
        assert!(elsewhere.put(&plan(1), &writer.staging).is_err());
    }

    #[test]
    fn what_cannot_be_read_or_is_another_cell_is_an_error() {
        let out = tempfile::tempdir().expect("a folder");
        let store = CellStore::below(out.path());
        let (writer, _) = store.begin(&plan(1)).expect("it begins");
        writer.finish(&finished(0)).expect("it is written");
        assert!(store.cell(&plan(2), 0).is_err(), "of another sweep");
        let folder = out.path().join("cells");
        fs::copy(folder.join("000000.json"), folder.join("000001.json")).expect("it is copied");
        assert!(store.cell(&plan(1), 1).is_err(), "another number");
        fs::create_dir(folder.join("000002.json")).expect("a folder");
        assert!(store.cell(&plan(1), 2).is_err(), "no file");
        fs::write(folder.join(PLAN), "{}").expect("it is written");
        assert!(store.plan().is_err(), "no checksum");
    }
}
