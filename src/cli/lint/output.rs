//! Where findings go, and in which format: `--format FORMAT[=FILE]`.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::{Arg, Command, ValueEnum};

/// What findings are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For a person
    Text,
    /// A JSON array of findings
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML, a test case per finding
    Junit,
    /// Workflow commands of GitHub Actions, which show findings beside the lines of a pull request
    Github,
}

/// A format, and the file that it is written to; none: it is printed.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub format: Format,
    pub file: Option<PathBuf>,
}

/// Reads `FORMAT` and `FORMAT=FILE`; help and completions have the formats.
#[derive(Clone)]
pub(super) struct OutputParser;

impl TypedValueParser for OutputParser {
    type Value = Output;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Output, clap::Error> {
        let text = value.to_string_lossy();
        let (format, file) = text.split_once('=').map_or((&*text, None), |(format, file)| (format, Some(file)));
        if file.is_some_and(str::is_empty) {
            let message = "a format is followed by `=` and the name of a file";
            return Err(command.clone().error(clap::error::ErrorKind::InvalidValue, message));
        }
        let format = EnumValueParser::<Format>::new().parse_ref(command, arg, OsStr::new(format))?;
        Ok(Output { format, file: file.map(PathBuf::from) })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Format::value_variants().iter().filter_map(ValueEnum::to_possible_value)))
    }
}
