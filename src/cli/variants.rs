//! The variants that `--vary` makes of scenarios.

use super::failure::Failure;
use super::run::refuse_same_names;
use super::sources;
use crate::scenario::Loaded;
use crate::scenario::document::Document;
use crate::scenario::vary::Grid;

/// A scenario with the values of one cell.
pub struct Variant {
    /// The scenario; its name says what is varied.
    pub scenario: Loaded,
    /// The name of its folder.
    pub folder: String,
}

/// Reads all scenarios, and makes each cell of the grid of what was read. Several of them keep their names before the cell's.
pub fn load_all(arguments: &[String], sets: &[String], varies: &[String]) -> Result<Vec<Variant>, Failure> {
    const MOST: u64 = 1_000;
    let grid = Grid::parse("--vary", varies)?;
    if grid.cells() > MOST {
        return Err(Failure::Usage(format!(
            "{} variants are too many to compare; `evenkeel sweep` is for grids",
            grid.cells()
        )));
    }
    let texts = sources::texts(arguments, sets)?;
    let mut all = Vec::new();
    for cell in 0..grid.cells() {
        let told =
            |text: &Document| text.load(&grid.sets(cell)).map_err(|wrong| grid.retold(wrong, cell, "--vary", varies));
        let scenarios = sources::each(&texts, told)?;
        refuse_same_names(&scenarios)?;
        let several = scenarios.len() > 1;
        for mut scenario in scenarios {
            let folder = if varies.is_empty() {
                scenario.model.name.clone()
            } else {
                let label = grid.label(cell);
                let name = &mut scenario.model.name;
                *name = if several { format!("{name} {label}") } else { label };
                format!("{:02}-{}", all.len(), for_a_folder(name))
            };
            all.push(Variant { scenario, folder });
        }
    }
    Ok(all)
}

/// A name without what a folder's name should not have; numbered folders tell those apart that end alike.
fn for_a_folder(name: &str) -> String {
    const LONGEST: usize = 80;
    let plain = |c: char| if c.is_ascii_alphanumeric() || "=.-_%".contains(c) { c } else { '_' };
    name.chars().take(LONGEST).map(plain).collect()
}
