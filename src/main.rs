//! The binary: everything it does, the library does.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(evenkeel::cli::main())
}
