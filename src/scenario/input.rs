//! Text from files, of bounded size.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::diagnostic::{self, Diagnostics, Place, Problem, Source};
use super::rules::Code;
use crate::printable;

/// Why there is no text.
#[derive(Debug)]
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
    pub fn diagnostics(self, path: &Path) -> Diagnostics {
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
    let shown = printable::path(path);
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
    let file = File::open(path).map_err(|e| failure(&e))?;
    let mut bytes = Vec::new();
    file.take(max_bytes + 1).read_to_end(&mut bytes).map_err(|e| failure(&e))?;
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
