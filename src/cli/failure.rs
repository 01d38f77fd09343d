//! How a command fails, and the exit status that says so.

use crate::output::OutputError;
use crate::scenario::diagnostic::Diagnostics;
use crate::sim::SimError;

use super::{interrupt, terminal};
use crate::printable::line;

/// Why a command did not end well.
#[derive(Debug)]
pub enum Failure {
    /// The run is done, and an expectation of its scenario is not met: 1.
    Unmet(String),
    /// `lint` found what it has printed: 1.
    Findings,
    /// The input or the usage is wrong: 2.
    Usage(String),
    /// A scenario is wrong (2), or cannot be read (3).
    Scenario(Box<Diagnostics>),
    /// The user has interrupted the command: 130.
    Interrupted,
    /// A scenario that cannot be run to its end: 2; or interrupted: 130.
    Run(String, SimError),
    /// Files cannot be written (3), or do not hold what they should (2).
    Output(OutputError),
    /// Standard output cannot be written; a closed pipe is a reader who has seen enough: 0.
    Print(std::io::Error),
    /// Some other thing that the machine refused: 3.
    Machine(String),
}

impl Failure {
    /// The exit status.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Failure::Unmet(_) | Failure::Findings => 1,
            Failure::Usage(_) => 2,
            Failure::Scenario(diagnostics) => diagnostics.exit_status(),
            _ if interrupt::is_one(self) => interrupt::STATUS,
            Failure::Run(_, SimError::OutOfMemory { .. }) => 3,
            Failure::Run(..) | Failure::Interrupted => 2,
            Failure::Output(error) => 2 + u8::from(error.is_machine()),
            Failure::Print(error) if error.kind() == std::io::ErrorKind::BrokenPipe => 0,
            Failure::Print(_) | Failure::Machine(_) => 3,
        }
    }

    /// Says on standard error what is wrong, and returns the exit status.
    #[must_use]
    pub fn report(&self) -> u8 {
        if interrupt::is_one(self) {
            interrupt::report();
            return interrupt::STATUS;
        }
        let message = match self {
            Failure::Scenario(diagnostics) => diagnostics.render(terminal::colours_on_stderr()),
            Failure::Print(_) if self.status() == 0 => String::new(),
            Failure::Findings | Failure::Interrupted => String::new(),
            Failure::Print(error) => format!("error: cannot write to standard output: {error}\n"),
            Failure::Unmet(message) => format!("{message}\n"),
            Failure::Usage(message) | Failure::Machine(message) => format!("error: {}\n", line(message)),
            Failure::Run(scenario, error) => format!("error: {}\n", line(&format!("{scenario}: {error}"))),
            Failure::Output(error) => format!("error: {}\n", line(&error.to_string())),
        };
        terminal::say(&message);
        self.status()
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        Failure::Output(error)
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Failure::Scenario(Box::new(diagnostics))
    }
}
