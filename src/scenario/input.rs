//! Text from files, of bounded size.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::rules::Code;

/// Why there is no text.
#[derive(Debug)]
pub(super) struct Failure {
    pub code: Code,
    pub message: String,
    /// The machine failed, not the user.
    pub machine: bool,
}

/// Reads a file that must be UTF-8 and at most `max_bytes` long.
pub(super) fn read_text(path: &Path, max_bytes: u64) -> Result<String, Failure> {
    let shown = path.display();
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
        Failure { code: Code::CannotRead, message: format!("cannot read `{shown}`: {why}"), machine }
    };
    let file = File::open(path).map_err(|e| failure(&e))?;
    let mut bytes = Vec::new();
    file.take(max_bytes + 1).read_to_end(&mut bytes).map_err(|e| failure(&e))?;
    if bytes.len() as u64 > max_bytes {
        let message = format!("`{shown}` is larger than {} MiB", max_bytes >> 20);
        return Err(Failure { code: Code::TooLarge, message, machine: false });
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|b| **b == b'\n').count() + 1;
        let message = format!("`{shown}` is not a text in UTF-8: byte {} (line {line}) cannot be one", good.len() + 1);
        Failure { code: Code::NotText, message, machine: false }
    })
}
