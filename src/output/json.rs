//! `summary.json`: the [`Summary`] with its fields in their order, numbers in the shortest form that reads back exactly.

use serde::Serialize;
use std::io::{self, Write};

use crate::metrics::outcome::Summary;
use crate::printable;

/// Writes any value the way that all JSON files of evenkeel are written: indented by two spaces, a newline at the end, and no
/// character that a terminal would obey.
///
/// # Errors
/// Those of the writer.
pub fn pretty(value: &impl Serialize, mut to: impl Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    to.write_all(printable::json(&text).as_bytes())?;
    to.write_all(b"\n")
}

/// The summary as text, for `--format json`.
#[must_use]
pub fn summary(summary: &Summary) -> String {
    text(summary)
}

/// Any of our values as text.
#[must_use]
pub fn text(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    // Writing into memory cannot fail, and our values have string keys only.
    let _ = pretty(value, &mut bytes);
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::fixtures;

    #[test]
    fn a_summary_reads_back_exactly() {
        for outcome in [fixtures::rollout(), fixtures::one_takes_all(), fixtures::nothing()] {
            let text = summary(&outcome.summary);
            assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), outcome.summary);
            assert!(text.ends_with("}\n") && text.starts_with("{\n  \"evenkeel\""));
        }
    }
}
