//! A line of a table for a terminal: a name on the left, and cells that stand below each other on the right.

use super::style::padded;
use crate::words::middle_cut;

/// The columns of a table.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    /// Width of the names. A longer name loses its middle.
    pub name: usize,
    /// What stands before each cell, however long the cell is.
    pub gap: &'static str,
    /// Widths of the cells.
    pub cells: &'a [usize],
}

impl Columns<'_> {
    /// A line, or the headings.
    pub(super) fn line(&self, name: &str, cells: &[impl AsRef<str>]) -> String {
        let gap = self.gap;
        let cells = cells.iter().zip(self.cells).map(|(cell, width)| format!("{gap}{:>width$}", cell.as_ref()));
        padded(&middle_cut(name, self.name), self.name) + &cells.collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_below_each_other() {
        let columns = Columns { name: 6, gap: " ", cells: &[4, 3] };
        assert_eq!(columns.line("pod", &["a", "b"]), "pod       a   b");
        assert_eq!(columns.line("a-long-name", &["12345", "é"]), "a-…ame 12345   é");
    }
}
