//! Scenarios side by side: what `compare` prints and writes. Nothing is computed here.

mod files;
mod phases;
mod shares;
mod table;
mod text;

pub use files::{add_files, csv};
pub use text::{markdown, render};

pub(super) use table::{Figures, LEGEND, shown, with_figures};

#[cfg(test)]
pub(super) mod tests;
