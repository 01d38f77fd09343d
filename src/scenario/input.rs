//! Text from files, of bounded size.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::diagnostic::{self, Diagnostics, Place, Problem, Source};
use super::rules::Code;
use crate::printable;

/// The folder that the paths of a scenario are relative to. Each file is read once: whoever makes something else of the scenario, with other
/// overrides, finds in the files what was there the first time.
#[derive(Clone, Debug)]
pub(super) struct Beside {
    /// The folder.
    pub folder: PathBuf,
    texts: Arc<Mutex<BTreeMap<String, Result<Text, Failure>>>>,
}

/// The text of a file.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub text: Arc<str>,
    /// 16 hexadecimal digits.
    pub hash: String,
}

impl Beside {
    pub(super) fn new(folder: &Path) -> Beside {
        Beside { folder: folder.to_owned(), texts: Arc::default() }
    }

    /// What is beside a file.
    pub(super) fn file(path: &Path) -> Beside {
        Beside::new(path.parent().unwrap_or(Path::new("")))
    }

    /// The text of a file by its path from here.
    pub(super) fn read(&self, path: &str, max_bytes: u64) -> Result<Text, Failure> {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let read = || {
            let text: Arc<str> = read_text(&self.folder.join(path), max_bytes)?.into();
            Ok(Text { hash: hash(text.as_bytes()), text })
        };
        texts.entry(path.to_owned()).or_insert_with(read).clone()
    }
}

/// 16 hexadecimal digits that stand for these bytes.
#[must_use]
pub fn hash(bytes: &[u8]) -> String {
    format!("{:016x}", xxhash_rust::xxh64::xxh64(bytes, 0))
}

/// Why there is no text.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub code: Code,
    pub message: String,
    /// The machine failed, not the user.
    pub machine: bool,
    /// What could be read, and the byte at which that ends.
    pub read: Option<(String, usize)>,
}

impl Failure {
    /// As a message about the file.
    pub(super) fn diagnostics(self, path: &Path) -> Diagnostics {
        let problem = Problem::nowhere(self.code, self.message);
        let Some((text, at)) = self.read else {
            return Diagnostics::new(Vec::new(), vec![problem]).set_machine(self.machine);
        };
        let place = Place { source: 0, start: at, end: at };
        Diagnostics::new(
            vec![Source::new(&path.to_string_lossy(), &text)],
            vec![Problem { place: Some(place), ..problem }],
        )
    }
}

/// Reads a file that must be UTF-8 and at most `max_bytes` long.
pub(super) fn read_text(path: &Path, max_bytes: u64) -> Result<String, Failure> {
    read_from(File::open(path), &printable::path(path), max_bytes)
}

/// The same, with a message about the file.
pub(super) fn text_of(path: &Path, max_bytes: u64) -> Result<String, Diagnostics> {
    read_text(path, max_bytes).map_err(|failure| failure.diagnostics(path))
}

/// The same of what can be read, under the name that messages have for it.
pub(super) fn read_from<R: Read>(source: std::io::Result<R>, shown: &str, max_bytes: u64) -> Result<String, Failure> {
    let failure = |error: &std::io::Error| {
        let machine = !matches!(
            error.kind(),
            ErrorKind::NotFound | ErrorKind::IsADirectory | ErrorKind::NotADirectory | ErrorKind::InvalidInput
        );
        let why = match error.kind() {
            ErrorKind::NotFound => "there is no such file".to_owned(),
            ErrorKind::IsADirectory => "it is a folder".to_owned(),
            ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        Failure { code: Code::CannotRead, message: format!("cannot read `{shown}`: {why}"), machine, read: None }
    };
    let mut bytes = Vec::new();
    source.map_err(|e| failure(&e))?.take(max_bytes + 1).read_to_end(&mut bytes).map_err(|e| failure(&e))?;
    if bytes.len() as u64 > max_bytes {
        let message = format!("`{shown}` is larger than {} MiB", max_bytes >> 20);
        return Err(Failure { code: Code::TooLarge, message, machine: false, read: None });
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let (line, column) = diagnostic::line_and_column(&text, at);
        let message =
            format!("`{shown}` is not a text in UTF-8: byte {} (line {line}, column {column}) cannot be one", at + 1);
        Failure { code: Code::NotText, message, machine: false, read: Some((text, at)) }
    })
}
