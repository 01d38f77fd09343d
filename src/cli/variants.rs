//! The variants that `--vary` makes of scenarios.

use std::collections::BTreeSet;
use std::path::Path;

use super::failure::Failure;
use super::run::refuse_same_names;
use super::sources::{self, Changes};
use crate::scenario::Loaded;
use crate::scenario::document::Document;
use crate::scenario::vary::Grid;

/// A scenario with the values of one cell.
pub(super) struct Variant {
    /// The scenario; its name says what is varied.
    pub scenario: Loaded,
    /// The name of its folder.
    pub folder: String,
    /// What its manifests say that the answer may miss.
    pub caveat: Option<String>,
}

/// Reads all scenarios, and makes each cell of the grid of what was read. Several of them keep their names before the cell's.
pub(super) fn load_all(arguments: &[String], changes: &Changes, varies: &[String]) -> Result<Vec<Variant>, Failure> {
    const MOST: u64 = 1_000;
    let grid = Grid::parse("--vary", varies)?;
    if grid.cells() > MOST {
        return Err(Failure::Usage(format!(
            "{} variants are too many to compare; `evenkeel sweep` is for grids",
            grid.cells()
        )));
    }
    let texts = sources::texts(arguments, changes)?;
    let mut all = Vec::new();
    for cell in 0..grid.cells() {
        let told =
            |text: &Document| text.load(&grid.sets(cell)).map_err(|wrong| grid.retold(wrong, cell, "--vary", varies));
        let mut scenarios = sources::each(&texts, told)?;
        tell_apart(&mut scenarios, &texts);
        refuse_same_names(&scenarios)?;
        let several = scenarios.len() > 1;
        for (mut scenario, text) in scenarios.into_iter().zip(&texts) {
            let folder = if varies.is_empty() {
                for_a_folder(&scenario.model.name)
            } else {
                let label = grid.label(cell);
                let name = &mut scenario.model.name;
                *name = if several { format!("{name} {label}") } else { label };
                format!("{:02}-{}", all.len(), for_a_folder(name))
            };
            all.push(Variant { scenario, folder, caveat: text.caveat() });
        }
    }
    if varies.is_empty() {
        in_order_of_their_story(&mut all);
    }
    if !(changes.sets.is_empty() && varies.is_empty()) {
        // What is said of a scenario is said of it as it is written.
        all.iter_mut().for_each(|variant| variant.scenario.model.story = None);
    }
    Ok(all)
}

/// Scenarios of one name are called as their files, with as much of the paths as tells them apart.
fn tell_apart(scenarios: &mut [Loaded], texts: &[Document]) {
    let differ = |names: &[String]| {
        let folders: BTreeSet<String> = names.iter().map(|name| for_a_folder(name)).collect();
        folders.len() == names.len()
    };
    let names: Vec<String> = scenarios.iter().map(|s| s.model.name.clone()).collect();
    if differ(&names) {
        return;
    }
    let end = |document: &Document, parts: usize| {
        let path = Path::new(document.name()).with_extension("");
        let all: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        all[all.len().saturating_sub(parts)..].join("/")
    };
    let by_file = (1..=MOST_PARTS).map(|parts| texts.iter().map(|text| end(text, parts)).collect::<Vec<_>>());
    if let Some(names) = by_file.into_iter().find(|names| differ(names)) {
        for (scenario, name) in scenarios.iter_mut().zip(names) {
            scenario.model.name = name;
        }
    }
}

/// Ends of a path that are looked at to tell files apart.
const MOST_PARTS: usize = 8;

/// Scenarios that all have a place in a story come in its order.
fn in_order_of_their_story(all: &mut [Variant]) {
    let place = |variant: &Variant| variant.scenario.model.story.as_ref().map(|story| story.place);
    if all.iter().all(|variant| place(variant).is_some()) {
        all.sort_by_key(place);
    }
}

/// A name without what a folder's name should not have, a leading dot among it; numbered folders tell those apart that end alike.
fn for_a_folder(name: &str) -> String {
    const LONGEST: usize = 80;
    let plain = |c: char| if c.is_ascii_alphanumeric() || "=.-_%".contains(c) { c } else { '_' };
    let name: String = name.chars().take(LONGEST).map(plain).collect();
    if name.starts_with('.') { name.replacen('.', "_", 1) } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_apart(files: &[(&str, &str)]) -> Vec<String> {
        let text = |name: &str| {
            format!(
                "name: {name}\nservers: [{{ name: s, replicas: 1 }}]\nclients: [{{ name: c, load: {{ closed: {{ concurrency: 1, requests: 9 }} }} }}]\n"
            )
        };
        let texts: Vec<Document> =
            files.iter().map(|(file, name)| Document::embedded(file, &text(name), &[])).collect();
        let mut scenarios: Vec<Loaded> = texts.iter().map(|text| text.load(&[]).unwrap()).collect();
        tell_apart(&mut scenarios, &texts);
        scenarios.into_iter().map(|s| s.model.name).collect()
    }

    #[test]
    fn names_are_those_of_the_scenarios_or_of_as_much_of_the_path_as_it_takes() {
        assert_eq!(told_apart(&[("a.yaml", "one"), ("b.yaml", "two")]), ["one", "two"]);
        assert_eq!(told_apart(&[("a.yaml", "one"), ("x/b.v2.yaml", "one")]), ["a", "b.v2"]);
        assert_eq!(told_apart(&[("x/a.yaml", "one"), ("y/a.yaml", "one"), ("b.yaml", "b")]), ["x/a", "y/a", "b"]);
        assert_eq!(told_apart(&[("p/x/a.yaml", "one"), ("q/x/a.yaml", "one")]), ["p/x/a", "q/x/a"]);
        assert_eq!(told_apart(&[("a.yaml", "one"), ("a.yaml", "one")]), ["one", "one"]);
    }

    #[test]
    fn folders_stay_where_they_belong() {
        for (name, folder) in [("..", "_."), ("../a", "_._a"), (".evenkeel-0", "_evenkeel-0"), ("x/a b", "x_a_b")] {
            assert_eq!(for_a_folder(name), folder);
        }
    }
}
