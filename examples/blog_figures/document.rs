//! Blocks of docs/blog.md that programs write.

use std::io::{Error, Result};
use std::path::Path;

/// Puts `text` between `<!-- figures: mark -->` and the next `<!-- end -->`.
pub fn put(mark: &str, text: &str) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/blog.md");
    let document = std::fs::read_to_string(&path)?;
    let begin = format!("<!-- figures: {mark} -->\n");
    let missing = || Error::other(format!("{} has no marks for {mark}", path.display()));
    let (before, rest) = document.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once("<!-- end -->").ok_or_else(missing)?;
    std::fs::write(&path, format!("{before}{begin}\n{}\n\n<!-- end -->{after}", text.trim()))
}
