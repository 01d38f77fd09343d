//! The folder in which the cells of a sweep are kept: `cells/plan.json`, and a file per finished cell. Each is written whole or
//! not at all, so that a sweep may be killed at any moment, and several processes may share the folder.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::OutputError;
use super::files::write_file;
use super::sweep::{Cell, Plan};

/// The cells of one sweep, in `cells` of its output folder.
#[derive(Clone, Debug)]
pub struct CellStore {
    folder: PathBuf,
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
        read(&self.plan_file())
    }

    /// Makes the folder, and writes the plan.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn begin(&self, plan: &Plan) -> Result<(), OutputError> {
        fs::create_dir_all(&self.folder).map_err(OutputError::io("make the folder", &self.folder))?;
        write(&self.plan_file(), plan)
    }

    /// A cell, if it is finished.
    ///
    /// # Errors
    /// If its file cannot be read, or does not hold that cell.
    pub fn cell(&self, cell: u64) -> Result<Option<Cell>, OutputError> {
        let path = self.cell_file(cell);
        match read::<Cell>(&path)? {
            Some(found) if found.cell != cell => {
                Err(OutputError::Malformed { path, problem: format!("it holds cell {}", found.cell) })
            }
            found => Ok(found),
        }
    }

    /// All finished cells, in order.
    ///
    /// # Errors
    /// If the folder or a file cannot be read, or a file does not hold its cell.
    pub fn cells(&self) -> Result<Vec<Cell>, OutputError> {
        let listing = || OutputError::io("list", &self.folder);
        let mut numbers: Vec<u64> = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(listing())? {
            let name = entry.map_err(listing())?.file_name();
            // What a killed process left behind has other names.
            numbers.extend(name.to_str().and_then(|n| n.strip_suffix(".json")?.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        numbers.into_iter().filter_map(|cell| self.cell(cell).transpose()).collect()
    }

    /// Writes a finished cell.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(&self, cell: &Cell) -> Result<(), OutputError> {
        write(&self.cell_file(cell.cell), cell)
    }

    fn plan_file(&self) -> PathBuf {
        self.folder.join("plan.json")
    }

    fn cell_file(&self, cell: u64) -> PathBuf {
        self.folder.join(format!("{cell:06}.json"))
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, OutputError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        bytes => bytes.map_err(OutputError::io("read", path))?,
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        let problem = format!("{error}; delete it to have it made again");
        OutputError::Malformed { path: path.to_owned(), problem }
    })
}

fn write(path: &Path, value: &impl Serialize) -> Result<(), OutputError> {
    let bytes = serde_json::to_vec(value).map_err(|error| OutputError::writing(path, error.into()))?;
    write_file(path, &bytes)
}
